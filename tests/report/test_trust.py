"""Clocks, calibration and label errors in the report: what is said follows from the runs, in both languages."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from jinja2 import Environment

from eyechart.catalog.disputed import DISPUTED, DisputedLabels, image_digest
from eyechart.files.storage import read_arrays, write_arrays
from eyechart.report import calibration, label_errors, page, timing
from eyechart.report.charts import drawing
from eyechart.report.entries import Entry, Run, group_runs, read_runs
from eyechart.words.speech import Speech

ENGLISH, FRENCH = Speech("en"), Speech("fr")


@pytest.fixture(scope="module")
def entries(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """Three contenders, three seeds, with validation answers."""
    folder = tmp_path_factory.mktemp("trust") / "study"
    three = {name: fake_runs.FIVE[name] for name in ("cnn", "vit", "vgg16")}
    folders = fake_runs.fake_study(folder, three, (0, 1, 2), num_items=600)
    fake_runs.keep_validation(folders, 300)
    return group_runs(read_runs(folders))


def one_run(entries: list[Entry]) -> list[Entry]:
    """The first seed of vgg16, the worst of them, alone."""
    return [replace(entry, runs=entry.runs[:1]) for entry in entries if entry.name == "vgg16"]


def changed(entry: Entry, **clocks: Any) -> Entry:
    runs = []
    for run in entry.runs:
        record = run.record.model_copy(update={"clocks": run.record.clocks.model_copy(update=clocks)})
        runs.append(Run(run.folder, record))
    return replace(entry, runs=tuple(runs))


def rendered(name: str, say: Speech, content: object) -> str:
    """One section's fragment, as the page includes it."""
    environment: Environment = page._template().environment
    return environment.get_template(name).render(
        say=say,
        title="Title",
        content=content,
        figures_folder="figures",
        links=lambda runs: [],
        drawn_runs=[],
        most_shown=None,
        num_entries=3,
    )


# --------------------------------------------------------------------------------------------- clocks


def test_the_clocks_say_whether_times_can_be_trusted(entries: list[Entry]) -> None:
    assert timing.section(entries, ENGLISH).finding == "What training took", (
        "old runs: nothing is known, nothing is said"
    )
    quiet = [changed(entry, training_foreign_cpu_seconds=2.4, training_seconds=60.0) for entry in entries]
    assert timing.section(quiet, ENGLISH).finding.endswith("took 2 % of the machine's cores at most")
    busy = [*quiet[:2], changed(entries[2], training_foreign_cpu_seconds=30.0)]
    found = timing.section(busy, ENGLISH)
    assert "Times of 3 of 9 runs are not to be trusted" in found.finding
    name = busy[2].name
    assert [row.marks for row in found.rows] == ["", "", f"spoiled: {name}-s0, {name}-s1 and {name}-s2"]
    assert "3 entraînements sur 9" in timing.section(busy, FRENCH).finding


def test_not_reached_is_a_result(entries: list[Entry]) -> None:
    found = timing.section(entries, ENGLISH)
    cells = {row.entry.name: [cell.text for cell in row.cells] for row in found.rows}
    assert len(found.columns) == len(cells["cnn"])
    assert cells["vgg16"][4:7] == ["not reached"] * 3
    assert re.fullmatch(r"\d+\.\d s", cells["cnn"][4])
    assert cells["cnn"][-1] == "not known"
    french = timing.section(entries, FRENCH)
    assert french.rows[-1].cells[4].text == "non atteint"
    assert "," in french.rows[0].cells[4].text


@pytest.mark.parametrize("say", [ENGLISH, FRENCH], ids=lambda say: say.lang)
def test_the_clocks_are_a_table_of_the_page(entries: list[Entry], say: Speech) -> None:
    html = rendered("timing.html", say, timing.section(entries, say))
    assert html.count("<tr>") == 4
    assert "28 x 28 px" in html
    assert ("batches of 128" if say.lang == "en" else "lots de 128") in html


# --------------------------------------------------------------------------------------------- calibration


def test_calibration_has_a_diagram_and_a_row_for_each(entries: list[Entry], tmp_path: Path) -> None:
    with drawing():
        found = calibration.section(entries, tmp_path, ENGLISH)
    assert found.chart is not None
    assert len(found.chart.panels) == len(found.rows) == 3
    assert all((tmp_path / panel.png_file).stat().st_size > 1000 for panel in found.chart.panels)
    assert len(found.columns) == len(found.rows[0].cells)
    assert found.missing == ()
    assert "–" not in [cell.text for row in found.rows for cell in row.cells]
    html = rendered("calibration.html", ENGLISH, found)
    assert html.count('class="drawing"') == 3


def test_calibration_names_the_worst_and_its_direction(entries: list[Entry], tmp_path: Path) -> None:
    with drawing():
        english = calibration.section(one_run(entries), tmp_path, ENGLISH).finding
        french = calibration.section(one_run(entries), tmp_path, FRENCH).finding
    assert re.fullmatch(
        r"vgg16 is too sure of itself: its calibration error is [\d.]+ %, and [\d.]+ % after temperature scaling",
        english,
    )
    assert french.startswith("vgg16 est trop sûr de lui")


def test_old_runs_show_reliability_and_say_why_there_is_no_temperature(five_runs: list[Path], tmp_path: Path) -> None:
    with drawing():
        found = calibration.section(group_runs(read_runs(five_runs)), tmp_path, ENGLISH)
    assert found.chart is not None
    assert len(found.missing) == 1, "one sentence for all"
    assert "kept no validation answers" in found.missing[0]
    assert {cell.text for row in found.rows for cell in row.cells[4:]} == {"–"}


def test_runs_without_answers_leave_calibration_out(fake_runs: ModuleType, tmp_path: Path) -> None:
    folders = fake_runs.fake_study(tmp_path / "bare", num_items=50, with_arrays=False)
    with drawing():
        found = calibration.section(group_runs(read_runs(folders)), tmp_path, FRENCH)
    assert found.chart is None
    assert found.rows == ()
    assert all("laissé de côté" in sentence for sentence in found.missing)


# --------------------------------------------------------------------------------------------- labels


def test_suspicious_labels_are_pictures_with_both_answers(entries: list[Entry]) -> None:
    found = label_errors.section(one_run(entries), ENGLISH)
    match = re.match(r"The models together contradict (\d+) labels of 900", found.finding)
    assert match, found.finding
    assert len(found.cases) == min(int(match[1]), label_errors.MOST_PICTURES)
    for case in found.cases:
        assert case.label != case.suggested
        assert case.image.startswith("data:image/png")
        assert case.disputed == ""
    assert found.rows == ()
    assert found.disputed_note == ""
    assert rendered("label_errors.html", ENGLISH, found).count('<li class="case">') == len(found.cases)


def test_disputed_labels_stand_beside_the_scores(entries: list[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    run = entries[0].runs[0]
    images = read_arrays(run.folder.parent / run.record.items)["images"]
    numbers = {image_digest(images[index]): index for index in range(0, 600, 60)}
    monkeypatch.setitem(DISPUTED, run.record.dataset.content_sha256, DisputedLabels("somebody", numbers))
    found = label_errors.section(entries, ENGLISH)
    assert [row.entry.name for row in found.rows] == ["cnn", "vit", "vgg16"]
    assert found.rows[0].cells[2].text.endswith(" of 10")
    assert "10 of the 600 test images are disputed (somebody)" in found.disputed_note
    assert "among the 100 most suspicious" in found.disputed_note
    assert "des 600 images de test sont contestées" in label_errors.section(entries, FRENCH).disputed_note


@pytest.mark.parametrize("say", [ENGLISH, FRENCH], ids=lambda say: say.lang)
def test_without_cleanlab_the_section_says_so(
    entries: list[Entry], say: Speech, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cleanlab", "cleanlab.filter", "cleanlab.rank"):
        monkeypatch.setitem(sys.modules, name, None)
    found = label_errors.section(entries, say)
    assert found.cases == ()
    (sentence,) = found.missing
    assert 'pip install "eyechart[audit]"' in sentence
    assert "cleanlab" in rendered("label_errors.html", say, found)


def test_models_that_contradict_no_label(entries: list[Entry], tmp_path: Path, fake_runs: ModuleType) -> None:
    folder = tmp_path / "right"
    (run,) = fake_runs.fake_study(folder, {"cnn": fake_runs.FIVE["cnn"]}, num_items=100)
    labels = read_arrays(folder / fake_runs.ITEMS_FILE)["labels"]
    write_arrays(run / "predictions.npz", {"probabilities": 0.9 * np.eye(10, dtype=np.float32)[labels] + 0.01})
    found = label_errors.section(group_runs(read_runs([run])), ENGLISH)
    assert found.finding == "On none of 100 images do the models together contradict the label"
    assert found.cases == ()
