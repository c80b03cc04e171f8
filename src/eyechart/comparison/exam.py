"""Who reads how far: psychometric curves, acuities with intervals, and verdicts between contenders.

Sources of the statistics: scoring/psychometrics.py; docs/verdicts.md for what may be said.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import NamedTuple

import numpy as np

from eyechart.comparison import bootstrap
from eyechart.comparison.families import holm
from eyechart.comparison.paired import mean_difference, sign_flip_p
from eyechart.comparison.power import ALPHA, FEWEST_SEEDS, fewest_seeds
from eyechart.schema import VerdictKind
from eyechart.schema.exam import Beyond, ExamDimension, ExamVerdict, Reading
from eyechart.scoring.psychometrics import Curve, fit, misfit_p, redrawn

THREE_OF_FOUR = 0.75
SAME_STEPS = 0.5  # thresholds nearer than so many rows are equivalent


class Reader(NamedTuple):
    """What one contender answered in one dimension."""

    contender: str
    seeds: tuple[int, ...]
    right: np.ndarray  # bool (S, L, N)


class Fitted(NamedTuple):
    """A reader and its curves."""

    reader: Reader
    curve: Curve  # of the mean over seeds
    own: np.ndarray  # (S,) thresholds of each seed alone
    drawn: np.ndarray  # (draws, S) thresholds of each seed with items drawn anew


def read_dimension(
    dimension: ExamDimension, readers: list[Reader], num_classes: int
) -> tuple[list[Reading], list[ExamVerdict]]:
    """Readings of all contenders in one dimension, and a verdict for each pair of them."""
    hardness = np.array([-math.inf if row.hardness is None else row.hardness for row in dimension.rows])
    guess = 1 / num_classes
    fitted = [_fitted(each, hardness, guess) for each in readers]
    readings = [_reading(dimension, each, hardness, guess) for each in fitted]
    step = float(np.diff(hardness[1:]).mean())
    pairs = [_compared(first, second) for first, second in combinations(fitted, 2)]
    over_seeds, over_items = (holm(np.array([getattr(pair, name) for pair in pairs], np.float64))
                              for name in ("seeds_p", "items_p"))  # fmt: skip
    fewest = fewest_seeds(ALPHA / max(1, len(pairs)))
    verdicts = [
        _verdict(dimension.name, pair, Adjusted(float(by_seeds), float(by_items)), step, fewest)
        for pair, by_seeds, by_items in zip(pairs, over_seeds, over_items, strict=True)
    ]
    return readings, verdicts


def _fitted(reader: Reader, hardness: np.ndarray, guess: float) -> Fitted:
    number = reader.right.shape[2]
    shares = reader.right.mean(axis=2)  # (S, L)
    drawn = redrawn(reader.right)  # (draws, S, L)
    curve = fit(hardness, shares.mean(axis=0)[None], number * len(shares), guess)
    own = fit(hardness, shares, number, guess).threshold
    each = fit(hardness, drawn.reshape(-1, drawn.shape[2]), number, guess).threshold
    return Fitted(reader, curve, own, each.reshape(drawn.shape[:2]))


def _with_seeds(drawn: np.ndarray) -> np.ndarray:
    """(draws,): means over seeds that are drawn anew as well; (draws, S) of paired draws."""
    number = drawn.shape[1]
    if number == 1:
        return drawn[:, 0]
    random = np.random.default_rng([number, 20_023])
    chosen = random.integers(number, size=(len(drawn), number))
    means: np.ndarray = np.take_along_axis(drawn, chosen, axis=1).mean(axis=1)
    return means


def _reading(dimension: ExamDimension, each: Fitted, hardness: np.ndarray, guess: float) -> Reading:
    reader, curve = each.reader, each.curve
    shares = reader.right.mean(axis=(0, 2))
    threshold = float(curve.threshold[0])
    # The curve of all seeds together, and how far draws scatter about the middle of the seeds.
    scatter = _with_seeds(each.drawn) - each.own.mean() + threshold
    low, high = _ends(scatter, (0.95,), len(reader.seeds))
    three = float(curve.level_of(THREE_OF_FOUR)[0])
    return Reading(
        contender=reader.contender,
        dimension=dimension.name,
        seeds=reader.seeds,
        shares=tuple(float(share) for share in shares),
        threshold=threshold,
        low=min(low, threshold),
        high=max(high, threshold),
        acuity=level_of(dimension, threshold),
        acuity_low=level_of(dimension, min(low, threshold)),
        acuity_high=level_of(dimension, max(high, threshold)),
        level_75=level_of(dimension, three) if math.isfinite(three) else None,
        lapse=float(curve.lapse[0]),
        width=float(curve.width[0]),
        # All seeds read the same images, which are no more of them for that.
        fit_p=misfit_p(hardness, shares, reader.right.shape[2], guess),
        beyond=_beyond(threshold, hardness),
    )


def level_of(dimension: ExamDimension, hardness: float) -> float:
    """The level that is so hard, between rows and beyond them as steps between rows go on."""
    rows = [row for row in dimension.rows if row.hardness is not None]
    first, last = rows[0], rows[-1]
    assert first.hardness is not None
    assert last.hardness is not None
    share = (hardness - first.hardness) / (last.hardness - first.hardness)
    if dimension.is_log:
        return float(first.level * (last.level / first.level) ** share)
    return float(first.level + share * (last.level - first.level))


def _beyond(threshold: float, hardness: np.ndarray) -> Beyond:
    if threshold > hardness[-1]:
        return "last row"
    return "first row" if threshold < hardness[1] else ""


# --------------------------------------------------------------------------------------------- pairs


class Pair(NamedTuple):
    first: str
    second: str
    num_seeds: int
    difference: float
    ends: tuple[float, ...]  # 95 % low and high, 90 % low and high
    seeds_p: float  # 1 where there are too few to ask
    items_p: float  # of these very runs on other items of the same kind


class Adjusted(NamedTuple):
    """Both, after Holm."""

    seeds: float
    items: float


def _compared(one: Fitted, other: Fitted) -> Pair:
    """The one who reads further first; seeds that both have, else each one's mean.

    Few seeds are taken as they are: their interval is about these very runs on other items.
    """
    shared = [seed for seed in one.reader.seeds if seed in other.reader.seeds]
    places = [[each.reader.seeds.index(seed) for seed in shared] for each in (one, other)]
    if shared:
        own = one.own[places[0]] - other.own[places[1]]
        drawn = one.drawn[:, places[0]] - other.drawn[:, places[1]]
    else:
        own = np.array([one.own.mean() - other.own.mean()])
        drawn = (one.drawn.mean(axis=1) - other.drawn.mean(axis=1))[:, None]
    difference = mean_difference(own)
    if difference < 0:
        return _compared(other, one)
    are_many = len(shared) >= FEWEST_SEEDS
    of_items = drawn.mean(axis=1)
    ends = _ends(_with_seeds(drawn), (0.95, 0.90), len(shared)) if are_many else _ends(of_items, (0.95, 0.90), 1)
    seeds_p = float(sign_flip_p(own[None])[0]) if are_many else 1.0
    items_p = bootstrap.gone_p(of_items, one.reader.right.shape[2])
    return Pair(one.reader.contender, other.reader.contender, len(shared), difference, ends, seeds_p, items_p)


def _ends(draws: np.ndarray, confidences: tuple[float, ...], num_seeds: int) -> tuple[float, ...]:
    """Low and high of each: percentiles that are wider for few seeds."""
    shares = [bootstrap.tail(confidence, num_seeds) for confidence in confidences]
    return tuple(float(end) for end in bootstrap.percentile_ends(draws[None], shares)[:, 0])


def _verdict(dimension: str, pair: Pair, holm_p: Adjusted, step: float, fewest: int) -> ExamVerdict:
    """As comparison/verdicts.py: seeds where enough of them could show something, else these runs on other items."""
    low, high, low90, high90 = pair.ends
    is_within = -SAME_STEPS * step <= low90 and high90 <= SAME_STEPS * step
    kind: VerdictKind = "not shown"
    is_of_seeds = pair.num_seeds >= FEWEST_SEEDS
    if is_of_seeds and holm_p.seeds < ALPHA and low > 0:
        kind = "better"
    elif is_of_seeds and is_within:
        kind = "equivalent"
    elif pair.num_seeds < fewest:
        is_of_seeds = False
        kind = "better" if holm_p.items < ALPHA else "equivalent" if is_within else "not shown"
    return ExamVerdict(
        dimension=dimension,
        first=pair.first,
        second=pair.second,
        kind=kind,
        scope="architectures" if is_of_seeds else "these runs",
        num_seeds=pair.num_seeds,
        difference=pair.difference,
        low=min(low, pair.difference),
        high=max(high, pair.difference),
        p_value=pair.seeds_p if is_of_seeds else pair.items_p,
        holm_p=holm_p.seeds if is_of_seeds else holm_p.items,
    )
