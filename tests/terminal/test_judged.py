"""What `eyechart show` and `eyechart labels` say of calibration, clocks and labels; exit codes and files."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from eyechart import cli
from eyechart.comparison.calibration import brier_score, expected_calibration_error
from eyechart.files.storage import RUN_FILE, STUDY_FILE, find_runs, read_arrays, read_run, write_record
from eyechart.report.page import write_report
from eyechart.scoring import temperature
from eyechart.terminal.judged import print_judged


@pytest.fixture(scope="module")
def study(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """vgg16 and fasterrcnn, two seeds; those of vgg16 have validation answers."""
    folder: Path = tmp_path_factory.mktemp("runs") / "study"
    two = {name: fake_runs.FIVE[name] for name in ("vgg16", "fasterrcnn")}
    folders = fake_runs.fake_study(folder, two, (0, 1), num_items=500)
    (folder / STUDY_FILE).write_text("{}")
    fake_runs.keep_validation(folders[:2], 200)
    return folder


class Said:
    """What a command wrote, and its exit code."""

    def __init__(self, code: int, out: str, err: str):
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def eyechart(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: object) -> Said:
        monkeypatch.setenv("COLUMNS", "200")  # narrower, tables part, and a contender has more rows
        monkeypatch.setattr(sys, "argv", ["eyechart", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    return run


# --------------------------------------------------------------------------------------------- show


def test_a_run_is_shown_whole_from_inside_of_it_and_by_a_link(
    eyechart: Any, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = eyechart("show", study / "vgg16-s0").out
    assert "is not there" not in named
    (tmp_path / "link").symlink_to(study / "vgg16-s0")
    assert eyechart("show", tmp_path / "link").out == named
    monkeypatch.chdir(study / "vgg16-s0")
    assert eyechart("show", ".").out == named


def test_the_sheet_of_a_run_has_calibration_and_clocks(study: Path, eyechart: Any) -> None:
    text = eyechart("show", study / "vgg16-s0").out
    assert re.search(r"ECE +\d\.\d\d % in 15 bins of equal width", text)
    assert re.search(r"Brier +0\.\d{4}", text)
    assert re.search(r"temperature \d\.\d\d, fitted on 200 validation images", " ".join(text.split()))
    assert re.search(r"matrix products of 2,048 x 2,048", text)
    assert re.search(r"to 99 % validation +not reached", text)
    assert re.search(r"other load +not known", text)
    assert "no validation answers" in " ".join(eyechart("show", study / "fasterrcnn-s0").out.split())


def test_three_validation_images_hold_the_temperature_near_one(
    fake_runs: ModuleType, tmp_path: Path, eyechart: Any
) -> None:
    folders = fake_runs.fake_study(tmp_path / "few", {"cnn": fake_runs.FIVE["cnn"]}, num_items=300)
    fake_runs.keep_validation(folders, 3)
    sheet = " ".join(eyechart("show", folders[0]).out.split())
    found = re.search(r"temperature (\d\.\d\d), held near 1, because 3 validation images say too little", sheet)
    assert found is not None
    assert 0.8 < float(found[1]) < 1.1
    for lang, words in (
        ("en", "The temperature of cnn is held near 1: 3 validation images or fewer say too little of it."),
        ("fr", "La température de cnn est retenue près de 1\N{NARROW NO-BREAK SPACE}: 3 images de validation ou moins"),
    ):
        page = write_report(folders, tmp_path / f"{lang}.html", lang=lang).read_text()
        assert page.count(words) == 1
    console = Console(file=io.StringIO(), width=200, record=True)
    print_judged([(folders[0], read_run(folders[0]))], console)
    assert f" {found[1]}~ " in console.export_text()


def test_json_is_computed_from_the_answers(study: Path, eyechart: Any) -> None:
    shown = json.loads(eyechart("show", study / "vgg16-s0", "--json").out)
    labels = read_arrays(study / read_run(study / "vgg16-s0").items)["labels"]
    answers = read_arrays(study / "vgg16-s0" / "predictions.npz")["probabilities"]
    assert shown["calibration"]["before"]["ece"] == expected_calibration_error(labels, answers)
    assert shown["calibration"]["before"]["brier"] == brier_score(labels, answers)
    fitted = shown["calibration"]["temperature"]
    validation = read_arrays(study / "vgg16-s0" / "validation.npz")["probabilities"]
    kept = read_arrays(study / read_run(study / "vgg16-s0").validation_items)["labels"]
    assert fitted == temperature.fit(kept, validation).model_dump()
    assert [goal["accuracy"] for goal in shown["timing"]["milestones"]] == [0.97, 0.98, 0.99]
    assert shown["test"]["accuracy"] == read_run(study / "vgg16-s0").test.accuracy


def test_a_study_has_a_row_a_contender(study: Path, eyechart: Any) -> None:
    text = eyechart("show", study).out
    rows = [line.split() for line in text.splitlines() if re.match(r"\S (vgg16|fasterrcnn) ", line)]
    assert len(rows) == 6, "leaderboard, clocks, calibration"
    assert "products: matrix products" in text
    certainty = {row[1]: row[2:] for row in rows[-2:]}
    assert len(certainty["vgg16"]) == 6
    assert certainty["fasterrcnn"][2:] == ["–"] * 4, "no validation answers, no temperature"
    document = json.loads(eyechart("show", study, "--json").out)
    assert [run["calibration"]["temperature"] is None for run in document] == [True, True, False, False]


def test_a_run_without_answers_is_shown_all_the_same(fake_runs: ModuleType, tmp_path: Path, eyechart: Any) -> None:
    (run,) = fake_runs.fake_study(tmp_path / "bare", {"cnn": fake_runs.FIVE["cnn"]}, num_items=50, with_arrays=False)
    assert "calibration" in eyechart("show", run).out
    assert json.loads(eyechart("show", run, "--json").out)["calibration"] is None


# --------------------------------------------------------------------------------------------- labels


def test_labels_as_lines_json_csv_and_picture(study: Path, tmp_path: Path, eyechart: Any) -> None:
    text = eyechart("labels", study).out
    number = int(re.search(r"(\d+) of 700 labels are contradicted by the mean of 4 run", text)[1])  # type: ignore[index]
    assert number > 0
    document = json.loads(eyechart("labels", study, "--json", "-o", tmp_path / "labels.csv").out)
    assert len(document["suspects"]) == number
    assert document["num_items"] == {"test": 500, "validation": 200}
    rows = list(csv.DictReader((tmp_path / "labels.csv").open()))
    assert [row["label"] for row in rows] == [each["label"] for each in document["suspects"]]
    assert all(row["label"] != row["suggested"] for row in rows)
    assert str(tmp_path / "labels.png") in eyechart("labels", study, "-o", tmp_path / "labels.png").out
    with Image.open(tmp_path / "labels.png") as picture:
        assert picture.width == 2 * 32 + 6 * (112 + 24) - 24
        assert picture.height == 2 * 32 + -(-number // 6) * (112 + 52 + 24) - 24


def test_places_in_a_shortened_test_part_are_told_as_such(study: Path, tmp_path: Path, eyechart: Any) -> None:
    told = "places among those that were judged, a part of the dataset's"
    assert told not in eyechart("labels", study).out
    shutil.copytree(study, tmp_path / "some")
    for run in find_runs([tmp_path / "some"]):
        record = read_run(run)
        whole = record.dataset.model_copy(update={"num_test": 10_000})
        write_record(run / RUN_FILE, record.model_copy(update={"dataset": whole}))
    assert told in eyechart("labels", tmp_path / "some").out


def test_labels_without_cleanlab_is_exit_code_3(study: Path, eyechart: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cleanlab", "cleanlab.filter", "cleanlab.rank"):
        monkeypatch.setitem(sys.modules, name, None)
    said = eyechart("labels", study)
    assert said.code == 3
    assert said.out == ""
    assert 'pip install "eyechart[audit]"' in said.err


def test_labels_refuses_what_it_cannot_do(study: Path, fake_runs: ModuleType, tmp_path: Path, eyechart: Any) -> None:
    assert eyechart("labels", study, "-o", tmp_path / "labels.pdf").code == 2
    (tmp_path / "there.csv").write_text("")
    said = eyechart("labels", study, "-o", tmp_path / "there.csv")
    assert said.code == 2
    assert "--exist-ok" in said.err
    (tmp_path / "empty").mkdir()
    assert "no finished run" in eyechart("labels", tmp_path / "empty").err
    fake_runs.fake_study(tmp_path / "other", num_items=50, dataset="kmnist")
    said = eyechart("labels", study, tmp_path / "other")
    assert said.code == 2
    assert "different datasets" in said.err
