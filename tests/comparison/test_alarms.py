"""Scores that do not follow from what is stored, and results that cannot be; made-up runs, tampered with by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from eyechart.base.errors import UnfairComparison
from eyechart.comparison.alarms import alarms, suspicions
from eyechart.comparison.findings import find, refuse
from eyechart.comparison.learning import is_at_chance, loss_floor
from eyechart.comparison.stored import read_each
from eyechart.files.storage import (
    PREDICTIONS_FILE,
    RUN_FILE,
    digest_arrays,
    read_arrays,
    read_run,
    write_arrays,
    write_record,
)
from eyechart.schema import Augmentation, FedPixels, Finding, RunRecord
from eyechart.words.findings import sentence


@pytest.fixture(scope="module")
def pristine(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of cnn and fasterrcnn."""
    folder = tmp_path_factory.mktemp("alarms") / "study"
    two = {name: fake_runs.FIVE[name] for name in ("cnn", "fasterrcnn")}
    fake_runs.fake_study(folder, two, num_items=600)
    return folder


@pytest.fixture
def runs(pristine: Path, tmp_path: Path) -> list[Path]:
    """A copy of it to tamper with; the run of cnn first."""
    shutil.copytree(pristine, tmp_path / "study")
    return [tmp_path / "study" / "cnn-s0", tmp_path / "study" / "fasterrcnn-s0"]


def alarms_of(folders: list[Path]) -> list[Finding]:
    return alarms(read_each({folder: read_run(folder) for folder in folders}, suspicions))


def by_code(findings: list[Finding]) -> dict[str, Finding]:
    for finding in findings:
        assert sentence(finding, "en") != sentence(finding, "fr")
    return {finding.code: finding for finding in findings}


def rewrite(run: Path, /, **parts: Any) -> RunRecord:
    """Change fields of a run file: part=value, or part={"field": value}."""
    record = read_run(run)
    update = {
        part: getattr(record, part).model_copy(update=value) if isinstance(value, dict) else value
        for part, value in parts.items()
    }
    write_record(run / RUN_FILE, record.model_copy(update=update))
    return record


def replace_answers(run: Path, change: Callable[[np.ndarray], np.ndarray], *, with_hash: bool) -> None:
    arrays = read_arrays(run / PREDICTIONS_FILE)
    arrays["probabilities"] = change(arrays["probabilities"])
    write_arrays(run / PREDICTIONS_FILE, arrays)
    if with_hash:
        rewrite(run, predictions_sha256=digest_arrays(arrays))


def test_a_run_that_was_fed_nearly_nothing(runs: list[Path]) -> None:
    """On boxes as well; figures in both languages; a run of before this was looked at says nothing."""
    rewrite(runs[0], fed=FedPixels(num_images=64, mean=-0.4227, std=0.0039))
    rewrite(runs[1], fed=FedPixels(num_images=64, mean=0.13, std=0.31))
    found = by_code(alarms_of(runs))
    assert set(found) == {"scaled-to-nothing"}
    assert found["scaled-to-nothing"].runs == ("cnn",)
    english = sentence(found["scaled-to-nothing"], "en")
    assert "varies by 0.0039 only (standard deviation over 64 train images" in english
    assert "ne varie que de 0,0039 (écart-type sur 64 images" in sentence(found["scaled-to-nothing"], "fr")


def test_a_run_whose_frozen_part_moved(runs: list[Path]) -> None:
    rewrite(runs[0], moved=("network.body.bn1.running_mean", "network.body.bn1.running_var"))
    found = by_code(alarms_of(runs))
    assert set(found) == {"frozen-part-moved"}
    english = sentence(found["frozen-part-moved"], "en")
    assert "2 tensors of what the recipe freezes changed" in english
    assert "network.body.bn1.running_mean first" in english
    assert "2 tenseurs de ce que la recette gèle ont changé" in sentence(found["frozen-part-moved"], "fr")


def test_healthy_runs_raise_no_alarm(runs: list[Path]) -> None:
    assert alarms_of(runs) == []


def test_a_score_that_was_polished(runs: list[Path]) -> None:
    accuracy = read_run(runs[0]).test.accuracy
    rewrite(runs[0], test={"accuracy": accuracy + 0.001})
    found = by_code(alarms_of(runs))
    assert list(found) == ["scores-contradict"]
    assert found["scores-contradict"].runs == ("cnn",)
    assert found["scores-contradict"].facts["follows"] == pytest.approx(accuracy)
    with pytest.raises(UnfairComparison, match="the test accuracy is stated as"):
        refuse(find(runs))


@pytest.mark.parametrize("score", ["macro_f1", "macro_precision", "macro_recall"])
@pytest.mark.parametrize("value", [0.5, float("nan")])
def test_means_that_contradict_the_confusion_matrix(runs: list[Path], score: str, value: float) -> None:
    rewrite(runs[0], validation={score: value})
    found = by_code(alarms_of(runs))
    assert "scores-contradict" in found
    assert found["scores-contradict"].facts["score"] == score


def test_answers_that_were_exchanged(runs: list[Path]) -> None:
    replace_answers(runs[0], lambda rows: np.roll(rows, 1, axis=0), with_hash=False)
    assert set(by_code(alarms_of(runs))) == {"predictions-changed", "scores-not-from-answers"}


def test_answers_that_were_exchanged_with_their_hash(runs: list[Path]) -> None:
    replace_answers(runs[0], lambda rows: np.roll(rows, 1, axis=0), with_hash=True)
    assert list(by_code(alarms_of(runs))) == ["scores-not-from-answers"]


def test_a_loss_that_does_not_follow(runs: list[Path]) -> None:
    rewrite(runs[0], test={"loss": 0.001})
    found = by_code(alarms_of(runs))
    assert list(found) == ["scores-not-from-answers"]
    assert found["scores-not-from-answers"].facts["score"] == "loss"


def test_answers_that_are_no_probabilities(runs: list[Path]) -> None:
    replace_answers(runs[0], lambda rows: 2 * rows, with_hash=True)
    found = by_code(alarms_of(runs))
    assert found["not-probabilities"].facts == {"part": "test", "rows": 600}


def test_test_images_that_were_exchanged(runs: list[Path], fake_runs: ModuleType) -> None:
    path = runs[0].parent / fake_runs.ITEMS_FILE
    items = read_arrays(path)
    items["images"][0] = 0
    write_arrays(path, items)
    found = by_code(alarms_of(runs))
    assert list(found) == ["items-changed"]
    assert found["items-changed"].runs == ("cnn", "fasterrcnn")


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"no archive")])
def test_what_cannot_be_checked_is_said(runs: list[Path], damage: Callable[[Path], Any]) -> None:
    damage(runs[0] / PREDICTIONS_FILE)
    found = by_code(alarms_of(runs))
    assert list(found) == ["not-checked"]
    assert (found["not-checked"].kind, found["not-checked"].runs) == ("note", ("cnn",))


def test_old_run_files_raise_nothing(runs: list[Path]) -> None:
    for run in runs:
        splits = {"num_shared": None, "missing_classes": None}
        rewrite(run, splits=splits, validation_items="", clocks={"training_foreign_cpu_seconds": None})
    assert find(runs) == []


def test_a_few_published_duplicates_are_a_note(runs: list[Path]) -> None:
    counts = {"train/validation": 0, "train/test": 6, "validation/test": 0}
    rewrite(runs[0], splits={"num_shared": counts, "num_test": 10_000})
    found = by_code(alarms_of(runs))
    assert {code: each.kind for code, each in found.items()} == {"few-shared-pictures": "note"}
    rewrite(runs[0], splits={"num_shared": counts | {"train/test": 60}, "num_test": 10_000})
    assert by_code(alarms_of(runs))["shared-pictures"].kind == "alarm"


def test_faster_than_the_machine_can_be(runs: list[Path]) -> None:
    rewrite(runs[0], cost={"mfu": 1.5})
    assert list(by_code(alarms_of(runs))) == ["impossible-speed"]


@pytest.mark.parametrize(
    ("share", "train_loss", "validation_loss", "is_found"),
    [
        (0.01, 0.5, 0.6, True),
        (0.20, 0.5, 0.6, False),  # more than a head
        (0.01, 0.05, 0.06, False),  # it fits
        (0.01, 0.2, 0.6, False),  # it fits what it learns from much better than the rest: too few images
    ],
)
def test_a_head_that_does_not_fit(
    share: float, train_loss: float, validation_loss: float, is_found: bool, runs: list[Path]
) -> None:
    record = read_run(runs[0])
    last = record.history[-1].model_copy(update={"train_loss": train_loss, "validation_loss": validation_loss})
    rewrite(
        runs[0],
        cost={"num_trainable": round(share * record.cost.num_parameters)},
        history=(*record.history[:-1], last),
        recipe={"augmentation": Augmentation(), "label_smoothing": 0.0},
    )
    assert ("head-too-little" in by_code(alarms_of(runs))) == is_found


def test_one_training_counted_as_two_seeds(runs: list[Path]) -> None:
    copy = runs[0].with_name("cnn-s1")
    shutil.copytree(runs[0], copy)
    rewrite(copy, seed=1, run="cnn-s1")
    found = by_code(alarms_of([*runs, copy]))
    assert list(found) == ["same-weights"]
    assert found["same-weights"].runs == ("cnn",)


def test_accuracy_that_leaves_a_class_out(runs: list[Path]) -> None:
    """Two classes, nine of ten images of the first: a model that hardly finds the second looks good by accuracy."""
    record = read_run(runs[0])
    confusion = ((5390, 10), (500, 100))
    per_class = record.test.per_class.model_copy(
        update={"f1": (0.955, 0.282), "precision": (0.915, 0.909), "recall": (0.998, 0.167), "support": (5400, 600)}
    )
    scores = {
        "num_items": 6000, "confusion": confusion, "per_class": per_class, "accuracy": 0.915,
        "macro_f1": (10780 / 11290 + 200 / 710) / 2, "macro_precision": (5390 / 5890 + 100 / 110) / 2,
        "macro_recall": (5390 / 5400 + 100 / 600) / 2,
    }  # fmt: skip
    dataset = {"classes": ("well", "ill")}
    rewrite(runs[0], test=scores, validation=scores, dataset=dataset)
    found = by_code(alarms_of(runs[:1]))
    assert "scores-contradict" not in found
    assert found["f1-far-from-accuracy"].facts["class"] == "ill"


def test_the_floor_of_a_second_softmax() -> None:
    assert loss_floor(10) == pytest.approx(1.461, abs=5e-4)


@pytest.mark.parametrize("change", [lambda p: p[:, :-1], lambda p: p[:-1], lambda p: p.ravel()])
def test_stored_answers_that_do_not_fit_are_an_alarm_and_no_traceback(
    runs: list[Path], change: Callable[[np.ndarray], np.ndarray]
) -> None:
    replace_answers(runs[0], change, with_hash=True)
    found = by_code(alarms_of(runs))
    assert (found["misfit"].kind, found["misfit"].runs) == ("alarm", ("cnn",))
    assert "of shape" in sentence(found["misfit"], "en")


def test_labels_beyond_the_classes_are_an_alarm(runs: list[Path]) -> None:
    path = runs[0].parent / read_run(runs[0]).items
    items = read_arrays(path)
    items["labels"][0] = 10
    write_arrays(path, items)
    assert "misfit" in by_code(alarms_of(runs))


def test_figures_of_one_run_are_not_stated_of_another(runs: list[Path]) -> None:
    for run, mfu in zip(runs, (1.5, 1.9), strict=True):
        rewrite(run, cost={"mfu": mfu})
    found = by_code(alarms_of(runs))["impossible-speed"]
    assert found.runs == ("cnn", "fasterrcnn")
    assert sentence(found, "en").endswith("(The figures are those of cnn-s0.)")
    assert sentence(found, "fr").endswith("(Les chiffres sont ceux de cnn-s0.)")


def test_a_large_class_is_not_chance(runs: list[Path]) -> None:
    """A network that finds the small class may be right no more often than one that always names the large one."""
    scores = read_run(runs[0]).test
    confusion = ((9000, 500), (50, 450))
    per_class = {"precision": (0.99, 0.47), "recall": (0.947, 0.9), "f1": (0.97, 0.62), "support": (9500, 500)}
    good = scores.model_copy(
        update={"confusion": confusion, "accuracy": 0.945, "macro_recall": 0.92, "num_items": 10_000,
                "per_class": scores.per_class.model_copy(update=per_class)}
    )  # fmt: skip
    assert not is_at_chance(good)
    assert is_at_chance(good.model_copy(update={"macro_recall": 0.5}))
