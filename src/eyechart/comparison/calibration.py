"""Whether certainty can be believed: of the answers given with 90 %, nine in ten should be right.

ECE: expected calibration error over 15 equal-width bins of the answer's probability [Naeini et al. 2015; Guo et al.
2017], beside the one over 15 bins of equally many items, which does not depend on where the bins fall empty [Nixon et
al. 2019].  Brier: mean over the items of the sum over all classes of (p - y)^2, 0..2 [Brier 1950].  Before and after
temperature scaling (temperature.py), which is fitted on validation.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import StorageError
from eyechart.comparison.answers import Answers, Shelf
from eyechart.comparison.uncertainty import mean_interval, wilson_interval
from eyechart.scoring import temperature
from eyechart.scoring.measures import item_losses

if TYPE_CHECKING:
    from eyechart.schema import RunRecord, Temperature

NUM_BINS = 15
ERROR_EDGES = 10 ** -np.arange(0.5, 5.25, 0.5)  # of stated error: 0.316, 0.1, 0.0316 ... 0.00001
NUM_DRAWS = 1000  # of the bootstrap over items


@dataclass(frozen=True)
class Bin:
    """The answers whose probability lies between two edges."""

    low: float  # exclusive
    high: float  # inclusive
    num_items: float  # a mean over seeds where there are several
    confidence: float  # their mean probability
    accuracy: float  # share that is right
    accuracy_low: float  # Wilson, for as many items as one run has there
    accuracy_high: float


@dataclass(frozen=True)
class Calibration:
    """How far the probabilities of one set of answers can be believed; all three are better when lower."""

    ece: float
    adaptive_ece: float
    brier: float
    loss: float  # nats


@dataclass(frozen=True)
class RunCalibration:
    """One run on its test part, as it answers and after temperature scaling."""

    run: str
    before: Calibration
    temperature: Temperature | None  # None: see `why_not`
    after: Calibration | None
    why_not: str  # empty where there is a temperature


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with Student's 95 % interval; of one run its value with a bootstrap over the items."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class ContenderCalibration:
    """All runs of a contender."""

    contender: str
    runs: tuple[RunCalibration, ...]
    bins: tuple[Bin, ...]  # without the empty ones
    error_bins: tuple[Bin, ...]  # the same by decades of stated error
    before: dict[str, Interval]  # "ece", "adaptive_ece", "brier", "loss"
    after: dict[str, Interval]  # empty where a run has no temperature
    num_items: int


# --------------------------------------------------------------------------------------------- measures


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over the items of |accuracy - mean probability| of their bin; labels (N,), probabilities (N, K); 0..1."""
    confidence, right = _top(labels, probabilities)
    return _bin_error(_equal_width(confidence), confidence, right)


def brier_score(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over the items of the squared distance between probabilities and truth, 0..2."""
    return float(_item_briers(labels, probabilities).mean())


def calibration_of(labels: np.ndarray, probabilities: np.ndarray) -> Calibration:
    """All four figures of answers to at least one item; the adaptive error by rank of probability."""
    confidence, right = _top(labels, probabilities)
    return Calibration(
        ece=_bin_error(_equal_width(confidence), confidence, right),
        adaptive_ece=_bin_error(_equal_count(confidence), confidence, right),
        brier=brier_score(labels, probabilities),
        loss=float(item_losses(labels, probabilities).mean()),
    )


def reliability(parts: Sequence[Answers]) -> tuple[tuple[Bin, ...], tuple[Bin, ...]]:
    """The reliability table of one run, or of several of the same contender together; bins that nobody uses are out.

    And the same with bins half a decade of stated error (1 - probability) wide, which tell 99 % from 99.9 %: the first
    holds all that is stated below a hundred thousandth; the surest answers come last.
    """
    tops = [_top(part.labels, part.probabilities) for part in parts]
    confidence, right = (np.concatenate(each) for each in zip(*tops, strict=True))
    bins = _table(_equal_width(confidence), np.linspace(0, 1, NUM_BINS + 1), confidence, right, len(parts))
    edges = np.concatenate([[0.0], 1 - ERROR_EDGES, [1.0]])
    which = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, len(edges) - 2)
    return bins, _table(which, edges, confidence, right, len(parts))


def _table(
    which: np.ndarray, edges: np.ndarray, confidence: np.ndarray, right: np.ndarray, num_runs: int
) -> tuple[Bin, ...]:
    found = []
    counts, rights, sums = (np.bincount(which, each, len(edges)) for each in (None, right, confidence))
    for index in np.flatnonzero(counts).tolist():
        num_right, num_items = int(rights[index]), int(counts[index])
        # Seeds answer the same items, so they add no items: the interval is that of one run.
        per_run = max(1, round(num_items / num_runs))
        low, high = wilson_interval(min(per_run, round(num_right / num_runs)), per_run)
        accuracy = num_right / num_items
        found.append(
            Bin(
                low=float(edges[index]),
                high=float(edges[index + 1]),
                num_items=num_items / num_runs,
                confidence=float(sums[index] / num_items),
                accuracy=accuracy,
                accuracy_low=min(low, accuracy),
                accuracy_high=max(high, accuracy),
            )
        )
    return tuple(found)


def _top(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability of the answer float64 (N,), and whether it is right bool (N,)."""
    assert len(labels) == len(probabilities) > 0, "one row of probabilities for each label"
    answers = probabilities.argmax(axis=1)
    return probabilities[np.arange(len(labels)), answers].astype(np.float64), answers == labels


def _equal_width(confidence: np.ndarray) -> np.ndarray:
    """The bin 0..14 of each probability; bins hold their upper end: (0, 1/15], (1/15, 2/15], ..."""
    edges = np.linspace(0, 1, NUM_BINS + 1)
    return np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, NUM_BINS - 1)


def _equal_count(confidence: np.ndarray) -> np.ndarray:
    ranks = np.empty(len(confidence), np.int64)
    ranks[np.argsort(confidence, kind="stable")] = np.arange(len(confidence))
    return ranks * NUM_BINS // len(confidence)


def _bin_error(which: np.ndarray, confidence: np.ndarray, right: np.ndarray) -> float:
    # In a bin, |mean right - mean probability| times its share of the items is |sum of the differences| / N.
    return float(np.abs(np.bincount(which, right - confidence, NUM_BINS)).sum() / len(which))


def _item_briers(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    exact = probabilities.astype(np.float64, copy=False)
    squares = np.einsum("nk,nk->n", exact, exact)
    distances: np.ndarray = squares - 2 * exact[np.arange(len(labels)), labels] + 1  # |p - truth|^2, written out
    return distances.clip(min=0)  # a certain and right answer may come out a rounding below


# --------------------------------------------------------------------------------------------- runs


def calibrate_run(folder: Path, run: RunRecord, shelf: Shelf | None = None) -> RunCalibration:
    """How well one run knows what it knows; StorageError when its test answers cannot be read."""
    return _calibrated(folder, run, shelf or Shelf())[0]


def calibrate(contender: str, runs: Sequence[tuple[Path, RunRecord]], shelf: Shelf) -> ContenderCalibration:
    """One contender over its seeds, of which there is at least one; StorageError as in `calibrate_run`."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # mostly unpacking and numpy, which threads do side by side
        found = list(pool.map(lambda at: _calibrated(at[0], at[1], shelf), runs))
    befores = [before for _, before, _ in found]
    afters = [after for _, _, after in found if after is not None]
    all_cooled = len(afters) == len(found)
    bins, error_bins = reliability(befores)
    return ContenderCalibration(
        contender=contender,
        runs=tuple(each for each, _, _ in found),
        bins=bins,
        error_bins=error_bins,
        before=_intervals(befores, [each.before for each, _, _ in found]),
        after=_intervals(afters, [each.after for each, _, _ in found if each.after]) if all_cooled else {},
        num_items=len(befores[0].labels),
    )


def _calibrated(folder: Path, run: RunRecord, shelf: Shelf) -> tuple[RunCalibration, Answers, Answers | None]:
    test = shelf.answers(folder, run, "test")
    before = calibration_of(test.labels, test.probabilities)
    try:
        found = _temperature(folder, run, shelf)
    except StorageError as error:
        return RunCalibration(run.run, before, None, None, str(error)), test, None
    cooled = Answers(temperature.cooled(test.probabilities, found.value), test.labels)
    after = calibration_of(cooled.labels, cooled.probabilities)
    return RunCalibration(run.run, before, found, after, ""), test, cooled


def _temperature(folder: Path, run: RunRecord, shelf: Shelf) -> Temperature:
    """Fitted to the stored validation answers; of a run judged again the one that it had.  StorageError: neither."""
    if run.judged_on and run.temperature:
        return run.temperature
    validation = shelf.answers(folder, run, "validation")
    return temperature.fit(validation.labels, validation.probabilities)


def _intervals(parts: Sequence[Answers], found: Sequence[Calibration]) -> dict[str, Interval]:
    """Each figure with its interval: over the seeds, or over the items of the only run."""
    if len(parts) == 1:
        return _item_intervals(parts[0])
    values = {name: [getattr(each, name) for each in found] for name in Calibration.__dataclass_fields__}
    return {name: _bounded(statistics.fmean(each), *mean_interval(each)) for name, each in values.items()}


def _item_intervals(part: Answers) -> dict[str, Interval]:
    """Percentile bootstrap over items; bins stay where the data put them.

    A bin's error is an absolute value, so noise makes the ECE of any sample too large, of a resample even more: with
    few items the interval lies high.  It is widened to hold the figure itself.
    """
    confidence, right = _top(part.labels, part.probabilities)
    gaps, num_items = right - confidence, len(right)
    width, count = _equal_width(confidence), _equal_count(confidence)
    briers, losses = _item_briers(part.labels, part.probabilities), item_losses(part.labels, part.probabilities)
    random = np.random.default_rng(0)
    draws: dict[str, list[float]] = {name: [] for name in Calibration.__dataclass_fields__}
    for _ in range(NUM_DRAWS):
        weights = np.bincount(random.integers(0, num_items, num_items), minlength=num_items)
        for name, which in (("ece", width), ("adaptive_ece", count)):
            draws[name].append(float(np.abs(np.bincount(which, weights * gaps, NUM_BINS)).sum() / num_items))
        draws["brier"].append(float(weights @ briers / num_items))
        draws["loss"].append(float(weights @ losses / num_items))
    figures = calibration_of(part.labels, part.probabilities)
    return {name: _bounded(getattr(figures, name), *np.quantile(each, (0.025, 0.975))) for name, each in draws.items()}


def _bounded(value: float, low: float, high: float) -> Interval:
    """None of these figures can be below 0."""
    return Interval(value, max(0.0, min(float(low), value)), max(float(high), value))
