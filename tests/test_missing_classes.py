"""A class without a test image is in no mean, is never the hardest, and is named: on every surface, and in old runs."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from sklearn.metrics import f1_score, precision_score, recall_score
from typer.testing import CliRunner

from eyechart.base.errors import DatasetError
from eyechart.cli import app
from eyechart.comparison.alarms import LOOKS
from eyechart.comparison.compare import compare_runs
from eyechart.comparison.label_noise import find_label_errors
from eyechart.comparison.learning import is_at_chance
from eyechart.comparison.stored import Evidence
from eyechart.files import storage
from eyechart.report.page import write_report
from eyechart.schema import RunRecord
from eyechart.terminal.leaderboard import results_table
from tests.report.page_reader import Page

pytestmark = pytest.mark.slow

ANIMALS = ("cat", "dog", "owl")
MEANS = "means over 2 of 3 classes: test has no image of owl"
FRENCH = "moyennes sur 2 des 3 classes\N{NARROW NO-BREAK SPACE}: le test n'a aucune image d'owl"


@pytest.fixture(scope="module")
def runs(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two contenders that know cat, dog and owl, judged on cats and dogs; owl is answered now and then."""
    two = {"cnn": fake_runs.Fake(0.05, 70_000, 0.001), "fasterrcnn": fake_runs.Fake(0.2, 90_000, 0.01, detector=True)}
    folder = tmp_path_factory.mktemp("runs") / "study"
    found: list[Path] = fake_runs.fake_study(
        folder, two, num_items=600, classes=ANIMALS, dataset="animals", absent=(2,)
    )
    fake_runs.keep_validation(found, 200)
    return found


@pytest.fixture(scope="module")
def perfect(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A contender that is always right, on a test part without owls."""
    one = {"cnn": fake_runs.Fake(0.0, 70_000, 0.001)}
    folder = tmp_path_factory.mktemp("runs") / "perfect"
    found: list[Path] = fake_runs.fake_study(folder, one, num_items=60, classes=ANIMALS, dataset="animals", absent=(2,))
    return found


def answers_of(run: Path) -> tuple[np.ndarray, np.ndarray]:
    """Labels and answers of the test part."""
    record = storage.read_run(run)
    labels = storage.read_arrays(run.parent / record.items)["labels"]
    return labels, storage.read_arrays(run / storage.PREDICTIONS_FILE)["probabilities"].argmax(axis=1)


def terminal(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "300"})
    assert result.exit_code == 0, result.output
    return result.output


# --------------------------------------------------------------------------------------------- scores


def test_scores_are_scikit_learns_over_the_classes_that_test_has(runs: list[Path]) -> None:
    for run in runs:
        labels, answers = answers_of(run)
        assert (answers == 2).any(), "owl is answered, and costs recall of what was there"
        test = storage.read_run(run).test
        options: dict[str, Any] = {"labels": [0, 1], "average": "macro", "zero_division": 0}
        assert test.macro_f1 == pytest.approx(f1_score(labels, answers, **options), abs=1e-12)
        assert test.macro_recall == pytest.approx(recall_score(labels, answers, **options), abs=1e-12)
        assert test.macro_precision == pytest.approx(precision_score(labels, answers, **options), abs=1e-12)


def test_who_is_always_right_has_a_hundred_per_cent(perfect: list[Path]) -> None:
    test = storage.read_run(perfect[0]).test
    assert (test.accuracy, test.macro_precision, test.macro_recall, test.macro_f1) == (1, 1, 1, 1)
    codes = {finding.code for finding in compare_runs(perfect).findings}
    assert "missing-classes" in codes
    assert "f1-far-from-accuracy" not in codes


def test_a_test_part_of_one_class_is_no_reason_to_suspect_anything(fake_runs: ModuleType, tmp_path: Path) -> None:
    """Nobody can do better than always naming that class, so it tells nothing of chance."""
    one = {"cnn": fake_runs.Fake(0.3, 70_000, 0.001)}
    runs = fake_runs.fake_study(tmp_path / "s", one, num_items=600, classes=ANIMALS, dataset="animals", absent=(1, 2))
    test = storage.read_run(runs[0]).test
    assert test.macro_recall == pytest.approx(test.accuracy)
    assert test.macro_precision == 1
    assert not is_at_chance(test)
    comparison = compare_runs(runs)
    assert {finding.code for finding in comparison.findings if finding.kind == "alarm"} == {"missing-classes"}
    assert comparison.absent_classes == ("dog", "owl")
    page = write_report(runs, tmp_path / "r.html").read_text()
    assert "means over 1 of 3 classes: test has no image of dog, owl" in page
    assert "has the lowest F1" not in page


def test_mixed_up_class_numbers_are_seen_although_a_class_is_missing(runs: list[Path], tmp_path: Path) -> None:
    """Every cat is called owl, and every dog cat."""
    record = storage.read_run(runs[0])
    confusion = ((5, 0, 195), (190, 10, 0), (0, 0, 0))
    scores = record.test.model_copy(update={"confusion": confusion, "accuracy": 15 / 400, "num_items": 400})
    changed = record.model_copy(update={"test": scores})
    facts = LOOKS["renamed-classes"](Evidence(changed, (), ""))
    assert facts is not None
    assert facts["renamed"] == pytest.approx(385 / 400)


# --------------------------------------------------------------------------------------------- surfaces


def test_the_terminal_says_what_the_means_are_over(runs: list[Path]) -> None:
    console = Console(file=io.StringIO(), width=200, record=True)
    results_table([storage.read_run(run) for run in runs], console)
    assert MEANS in console.export_text()
    shown = terminal("show", runs[0])
    assert MEANS in shown
    assert "owl –" in shown
    assert "owl 0" not in shown
    assert "macro F1 is a mean over the classes that the test part has" in terminal("ls", runs[0].parent)


def test_compare_says_it_in_both_languages_and_as_json(runs: list[Path]) -> None:
    folder = runs[0].parent
    assert MEANS in terminal("compare", folder)
    assert FRENCH in terminal("compare", folder, "--lang", "fr")
    told = json.loads(terminal("compare", folder, "--json"))
    assert (told["num_classes"], told["absent_classes"]) == (3, ["owl"])
    [verdict] = [each for each in told["verdicts"] if each["metric"] == "macro_f1"]
    first, second = (storage.read_run(run).test.macro_f1 for run in runs)
    assert verdict["difference"] == pytest.approx(first - second)
    assert verdict["low"] < verdict["difference"] < verdict["high"], "the interval is of the same metric"


def test_json_of_runs_has_no_figure_for_what_is_not_there(runs: list[Path]) -> None:
    listed = json.loads(terminal("ls", runs[0].parent, "--json"))
    assert [(each["num_classes"], each["absent_classes"]) for each in listed] == [(3, ["owl"])] * 2
    per_class = json.loads(terminal("show", runs[0], "--json"))["test"]["per_class"]
    assert [per_class[name][2] for name in ("precision", "recall", "f1", "support")] == [None, None, None, 0]


@pytest.mark.parametrize(("lang", "means"), [("en", MEANS), ("fr", FRENCH)])
def test_the_page_says_it_and_never_calls_the_class_the_hardest(
    runs: list[Path], tmp_path: Path, lang: str, means: str
) -> None:
    page = Page(write_report(runs, tmp_path / "r.html", lang=lang))
    assert " ".join(means.split()) in page.text
    record = storage.read_run(runs[0])
    percent = f"{100 * record.test.macro_f1:.2f}"
    assert percent.replace(".", "," if lang == "fr" else ".") in page.rows()["cnn"][7]
    assert "Class owl" not in page.text
    assert "La classe owl" not in page.text
    figure = (tmp_path / "r-figures" / "classes-f1.svg").read_text()
    assert {"en": "– no test image", "fr": "– aucune image de test"}[lang] in figure
    synthesis = (tmp_path / "r-synthesis.md").read_text()
    assert {"en": "test has no image of owl", "fr": "le test n'a aucune image d'owl"}[lang] in synthesis
    assert "owl for" not in synthesis
    assert "owl pour" not in synthesis


def test_no_class_is_the_lowest_where_all_are_alike(perfect: list[Path], tmp_path: Path) -> None:
    page = write_report(perfect, tmp_path / "r.html").read_text()
    assert "has the lowest F1" not in page
    assert "No class has a lower F1 than all others." in page


def test_label_errors_are_sought_among_the_classes_that_are_there(runs: list[Path]) -> None:
    pytest.importorskip("cleanlab")
    found = find_label_errors([(run, storage.read_run(run)) for run in runs])
    assert found.suspects
    assert {suspect.label for suspect in found.suspects} <= {0, 1}


def test_labels_of_one_class_cannot_be_doubted(fake_runs: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("cleanlab")
    one = {"cnn": fake_runs.Fake(0.3, 70_000, 0.001)}
    runs = fake_runs.fake_study(tmp_path / "s", one, num_items=60, classes=ANIMALS, dataset="animals", absent=(1, 2))
    with pytest.raises(DatasetError, match="are labelled 'cat', which leaves nothing to confuse it with"):
        find_label_errors([(run, storage.read_run(run)) for run in runs])


# --------------------------------------------------------------------------------------------- older runs


def as_it_was_written(record: RunRecord) -> RunRecord:
    """The record with means over all classes, those without an image as 0."""

    def old(part: Any) -> Any:
        columns = {
            name: tuple(v or 0.0 for v in getattr(part.per_class, name)) for name in ("precision", "recall", "f1")
        }
        means = {f"macro_{name}": sum(values) / len(values) for name, values in columns.items()}
        return part.model_copy(update={"per_class": part.per_class.model_copy(update=columns), **means})

    return record.model_copy(update={"test": old(record.test), "validation": old(record.validation)})


def test_an_old_run_is_read_by_todays_rule_and_raises_no_alarm(
    fake_runs: ModuleType, runs: list[Path], tmp_path: Path
) -> None:
    two = {"cnn": fake_runs.Fake(0.05, 70_000, 0.001), "fasterrcnn": fake_runs.Fake(0.2, 90_000, 0.01, detector=True)}
    old = fake_runs.fake_study(tmp_path / "study", two, num_items=600, classes=ANIMALS, dataset="animals", absent=(2,))
    for run in old:
        record = storage.read_run(run)
        written = as_it_was_written(record)
        assert written.test.macro_f1 == pytest.approx(record.test.macro_f1 * 2 / 3)
        storage.write_record(run / storage.RUN_FILE, written)
        assert storage.read_run(run) == record, "to the last bit"
    comparison, expected = compare_runs(old), compare_runs(runs)
    assert {finding.code for finding in comparison.findings if finding.kind == "alarm"} == {"missing-classes"}
    assert comparison.summaries == expected.summaries
    assert comparison.verdicts == expected.verdicts


def test_an_old_run_of_a_full_test_part_is_as_it_was(fake_runs: ModuleType, tmp_path: Path) -> None:
    one = {"cnn": fake_runs.FIVE["cnn"]}
    [run] = fake_runs.fake_study(tmp_path / "study", one, num_items=300)
    written = json.loads((run / storage.RUN_FILE).read_text())
    assert json.loads(storage.read_run(run).model_dump_json()) == written
    assert as_it_was_written(storage.read_run(run)).test.macro_f1 == pytest.approx(
        written["test"]["macro_f1"], abs=1e-15
    )


@pytest.mark.parametrize("value", [0.99, float("nan")])
def test_a_mean_that_follows_from_neither_rule_is_still_an_alarm(
    fake_runs: ModuleType, tmp_path: Path, value: float
) -> None:
    one = {"cnn": fake_runs.Fake(0.05, 70_000, 0.001)}
    [run] = fake_runs.fake_study(tmp_path / "s", one, num_items=600, classes=ANIMALS, dataset="animals", absent=(2,))
    record = as_it_was_written(storage.read_run(run))
    polished = record.test.model_copy(update={"macro_f1": value})
    storage.write_record(run / storage.RUN_FILE, record.model_copy(update={"test": polished}))
    [found] = [finding for finding in compare_runs([run]).findings if finding.code == "scores-contradict"]
    assert found.facts["score"] == "macro_f1"


# --------------------------------------------------------------------------------------------- from pictures on


def draw_pictures(folder: Path, number: int, shape: int) -> None:
    """Grey 16 x 16 noise with a bright left half, upper half or middle."""
    random = np.random.default_rng(shape)
    folder.mkdir(parents=True)
    for index in range(number):
        pixels = random.integers(0, 60, (16, 16))
        pixels[[np.s_[:, :8], np.s_[:8], np.s_[4:12, 4:12]][shape]] += 190
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{index}.png")


@pytest.mark.parametrize(
    ("counts", "absent"),
    [
        ({"train": (30, 30, 30), "test": (20, 20, 0)}, ["owl"]),
        ({"": (30, 30, 1)}, ["owl"]),  # the only picture of a class goes to train
        ({"train": (30, 30, 30), "test": (20, 0, 0)}, ["dog", "owl"]),
    ],
    ids=["test lacks a class", "one picture", "test has one class"],
)
def test_a_study_on_pictures(
    counts: dict[str, tuple[int, ...]], absent: list[str], empty_cache: Path, tmp_path: Path
) -> None:
    for part, numbers in counts.items():
        for shape, (name, number) in enumerate(zip(ANIMALS, numbers, strict=True)):
            if number:
                draw_pictures(tmp_path / "pictures" / part / name, number, shape)
    told = terminal(
        "run", "-d", tmp_path / "pictures", "-m", "cnn", "--steps", "60", "--threads", "1", "--offline",
        "-o", tmp_path / "runs", "--name", "study",
    )  # fmt: skip
    assert f"means over {3 - len(absent)} of 3 classes: test has no image of {', '.join(absent)}" in told
    record = storage.read_run(tmp_path / "runs" / "study" / "cnn-s0")
    assert record.test.accuracy == 1, "easy pictures"
    assert (record.test.macro_precision, record.test.macro_recall, record.test.macro_f1) == (1, 1, 1)
    page = (tmp_path / "runs" / "study" / "report.html").read_text()
    assert "has the lowest F1" not in page


# --------------------------------------------------------------------------------------------- many classes


def test_classes_that_a_shortened_test_part_lacks_are_no_alarm(runs: list[Path]) -> None:
    """Whether images of them are missing is not known: the rules left images out."""
    record = storage.read_run(runs[0])
    whole = LOOKS["missing-classes"](Evidence(record, (), ""))
    assert whole == {"part": "test", "classes": "owl", "number": 1}
    card = record.dataset.model_copy(update={"num_test": record.splits.num_test + 1})
    shortened = Evidence(record.model_copy(update={"dataset": card}), (), "")
    assert LOOKS["missing-classes"](shortened) is None
    assert LOOKS["cut-classes"](shortened) == {"images": record.splits.num_test, "classes": "owl", "number": 1}


def test_of_many_classes_a_sheet_shows_the_lowest(fake_runs: ModuleType, tmp_path: Path) -> None:
    names = tuple(f"class{k}" for k in range(40))
    one = {"cnn": fake_runs.Fake(0.2, 70_000, 0.001)}
    [run] = fake_runs.fake_study(tmp_path / "s", one, num_items=800, classes=names, dataset="many", absent=(0, 39))
    sheet = terminal("show", run)
    assert "(the lowest of 40 classes; --json has all)" in sheet
    f1 = {name: value for name, value in zip(names, storage.read_run(run).test.per_class.f1, strict=True) if value}
    lowest = sorted(f1, key=f1.__getitem__)
    assert f"{lowest[0]} {f1[lowest[0]]:.3f}" in sheet
    assert f"{lowest[-1]} " not in sheet.partition("F1 by class")[2].partition("lowest")[0]
