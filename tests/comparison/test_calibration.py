"""ECE, Brier and temperature: by hand, against scikit-learn, and on answers whose true temperature is known."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from eyechart.base.errors import StorageError
from eyechart.comparison import calibration
from eyechart.comparison.answers import Answers, Shelf
from eyechart.files.storage import VALIDATION_FILE, read_run, write_arrays
from eyechart.scoring import temperature


def drawn(num_items: int, sharpness: float, num_classes: int = 7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from softmax(logits), and the probabilities softmax(sharpness * logits): the true T is sharpness."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (num_items, num_classes))
    honest = softmax(logits, axis=1)
    labels = (honest.cumsum(axis=1) < random.random((num_items, 1))).sum(axis=1)
    return labels, softmax(sharpness * logits, axis=1).astype(np.float32)


BY_HAND = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])


def test_ece_and_brier_by_hand() -> None:
    labels = np.array([0, 1, 1, 0])  # right, wrong, right, wrong
    # bins: .9 and .9 share (13/15, 14/15]: |1/2 - .9| of 2; .8 alone in (11/15, 12/15]: |1 - .8|; .6 alone: |0 - .6|
    assert calibration.expected_calibration_error(labels, BY_HAND) == pytest.approx((2 * 0.4 + 0.2 + 0.6) / 4)
    # four items, bins of equally many: each alone
    assert calibration.calibration_of(labels, BY_HAND).adaptive_ece == pytest.approx((0.1 + 0.9 + 0.2 + 0.6) / 4)
    # 2 x .1^2, 2 x .9^2, 2 x .2^2, 2 x .6^2
    assert calibration.brier_score(labels, BY_HAND) == pytest.approx((0.02 + 1.62 + 0.08 + 0.72) / 4)


def test_the_ends_of_bins() -> None:
    """A probability at a border belongs to the bin below it, and 1 to the last."""
    probabilities = np.array([[1.0, 0, 0], [0.6, 0.4, 0], [0.2, 0.4, 0.4]])
    table = calibration.reliability([Answers(probabilities, np.array([0, 1, 1]))])[0]
    assert [each.low for each in table] == pytest.approx([5 / 15, 8 / 15, 14 / 15])
    assert [each.high for each in table] == pytest.approx([6 / 15, 9 / 15, 1])
    assert [each.accuracy for each in table] == [1, 0, 1]


@pytest.mark.parametrize("sharpness", [0.5, 1.0])
def test_brier_and_loss_equal_scikit_learns(sharpness: float) -> None:
    labels, probabilities = drawn(500, sharpness)
    found = calibration.calibration_of(labels, probabilities)
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    expected = brier_score_loss(labels, exact, labels=range(7), scale_by_half=False)
    assert found.brier == pytest.approx(expected, abs=1e-6)  # float32 probabilities miss a sum of 1 by that much
    assert calibration.brier_score(labels, exact) == pytest.approx(expected, abs=1e-9)
    assert found.loss == pytest.approx(log_loss(labels, exact, labels=range(7)), abs=1e-6)


def test_the_reliability_table_equals_scikit_learns_curve() -> None:
    labels, probabilities = drawn(3000, 2.0)
    right, confidence = probabilities.argmax(axis=1) == labels, probabilities.max(axis=1)
    shares, means = calibration_curve(right, confidence, n_bins=15)
    table = calibration.reliability([Answers(probabilities, labels)])[0]
    assert [each.accuracy for each in table] == pytest.approx(shares.tolist())
    assert [each.confidence for each in table] == pytest.approx(means.tolist(), abs=1e-6)
    weighted = sum(each.num_items * abs(each.accuracy - each.confidence) for each in table) / 3000
    assert calibration.expected_calibration_error(labels, probabilities) == pytest.approx(weighted)


def test_scaling_an_overconfident_model_mends_it_on_other_items() -> None:
    labels, probabilities = drawn(10_000, 2.5, seed=2)
    found = temperature.fit(*drawn(10_000, 2.5, seed=3))
    scaled = temperature.cooled(probabilities, found.value)
    before, after = calibration.calibration_of(labels, probabilities), calibration.calibration_of(labels, scaled)
    assert before.ece > 0.15
    assert after.ece < 0.02
    assert after.adaptive_ece < 0.02
    assert after.brier < before.brier
    assert after.loss < before.loss
    assert (scaled.argmax(axis=1) == probabilities.argmax(axis=1)).all(), "no answer changes"


def test_certain_and_wrong_is_finite() -> None:
    labels, probabilities = np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]], np.float32)
    assert np.isfinite(calibration.calibration_of(labels, probabilities).loss)


# --------------------------------------------------------------------------------------------- run folders


def study(fake_runs: ModuleType, folder: Path, seeds: tuple[int, ...], *, with_validation: bool = True) -> list[Path]:
    """Runs of a contender whose true temperature is 2, with validation answers."""
    folders: list[Path] = fake_runs.fake_study(folder, {"cnn": fake_runs.FIVE["cnn"]}, seeds, num_items=400)
    for seed, run in zip(seeds, folders, strict=True):
        labels, probabilities = drawn(400, 2.0, 10, seed=50)
        write_arrays(folder / fake_runs.ITEMS_FILE, {"images": np.zeros((400, 1, 4, 4), np.uint8), "labels": labels})
        random = np.random.default_rng(seed)
        noisy = probabilities * random.uniform(0.8, 1.2, probabilities.shape)
        write_arrays(run / "predictions.npz", {"probabilities": noisy / noisy.sum(axis=1, keepdims=True)})
        if with_validation:
            labels, probabilities = drawn(3000, 2.0, 10, seed=90 + seed)
            write_arrays(run / VALIDATION_FILE, {"probabilities": probabilities})
            write_arrays(folder / f"items-v{seed}.npz", {"labels": labels})
            record = read_run(run).model_copy(update={"validation_items": f"items-v{seed}.npz"})
            (run / "run.json").write_text(record.model_dump_json())
    return folders


def test_a_run_is_calibrated_with_its_validation_answers(fake_runs: ModuleType, tmp_path: Path) -> None:
    (folder,) = study(fake_runs, tmp_path / "study", (0,))
    found = calibration.calibrate_run(folder, read_run(folder))
    assert found.temperature is not None
    assert found.temperature.value == pytest.approx(2.0, rel=0.1)
    assert (found.temperature.num_items, found.temperature.reason) == (3000, "fitted")
    assert found.after is not None
    assert found.after.loss < found.before.loss
    assert found.after.ece < found.before.ece


def test_one_run_has_intervals_over_items_and_several_over_seeds(fake_runs: ModuleType, tmp_path: Path) -> None:
    folders = study(fake_runs, tmp_path / "study", (0, 1, 2))
    runs = [(folder, read_run(folder)) for folder in folders]
    one, three = calibration.calibrate("cnn", runs[:1], Shelf()), calibration.calibrate("cnn", runs, Shelf())
    for found in (one, three):
        assert set(found.before) == set(found.after) == {"ece", "adaptive_ece", "brier", "loss"}
        for each in (*found.before.values(), *found.after.values()):
            assert 0 <= each.low < each.mean < each.high
    # 400 items: the standard error of the mean Brier, twice to either side
    labels, probabilities = drawn(400, 2.0, 10, seed=50)
    error = np.std(((probabilities - np.eye(10)[labels]) ** 2).sum(axis=1)) / 20
    assert one.before["brier"].high - one.before["brier"].low == pytest.approx(4 * error, rel=0.15)
    assert three.before["brier"].mean == pytest.approx(np.mean([each.before.brier for each in three.runs]))
    assert sum(each.num_items for each in three.bins) == pytest.approx(400), "seeds add no items"


def test_an_old_run_has_no_temperature_and_says_why(fake_runs: ModuleType, tmp_path: Path) -> None:
    (folder,) = study(fake_runs, tmp_path / "study", (0,), with_validation=False)
    found = calibration.calibrate("cnn", [(folder, read_run(folder))], Shelf())
    assert found.runs[0].temperature is None
    assert "no validation answers" in found.runs[0].why_not
    assert found.after == {}
    assert found.bins, "reliability is shown all the same"


def test_answers_that_do_not_fit_are_an_error(fake_runs: ModuleType, tmp_path: Path) -> None:
    (folder,) = study(fake_runs, tmp_path / "study", (0,))
    write_arrays(folder / "predictions.npz", {"probabilities": np.ones((3, 10), np.float32)})
    with pytest.raises(StorageError, match=r"shape \(3, 10\); expected \(400, 10\)"):
        calibration.calibrate_run(folder, read_run(folder))
