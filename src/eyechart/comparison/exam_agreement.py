"""Whose errors in the eye test fall on the same images: error consistency, row by row.

On untouched images contenders hardly err, and kappa says little; where rows get hard it has something to go by.  It is
taken within each row, because in rows of all kinds together any two readers agree on which rows are hard.  The mean is
over rows in which both have errors and right answers enough; its interval draws images anew, with all their rows.

Source: R. Geirhos, K. Meding, F. A. Wichmann 2020, "Beyond accuracy: quantifying trial-by-trial behaviour of CNNs and
humans by measuring error consistency", where conditions are averaged so as well.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from eyechart.comparison import bootstrap
from eyechart.comparison.agreement import TAIL, cohens_kappa
from eyechart.schema.exam import ExamAgreement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.comparison.exam import Reader

NUM_DRAWS = 1000
LEAST_OF_EACH = 10  # errors, and right answers, of both in a row, on average over seeds


def agreements(readers: Sequence[Sequence[Reader]]) -> tuple[ExamAgreement, ...]:
    """Every two contenders that have seeds in common; `readers`: of every dimension, in the same order."""
    contenders = [each.contender for each in readers[0]] if readers else []
    found = []
    for first, second in combinations(range(len(contenders)), 2):
        pair = [(dimension[first], dimension[second]) for dimension in readers]
        shared = [seed for seed in pair[0][0].seeds if seed in pair[0][1].seeds]
        if shared:
            one, other = (np.concatenate([_wrong(each[side], shared) for each in pair], axis=1) for side in (0, 1))
            found.append(_agreement(contenders[first], contenders[second], one, other))
    return tuple(found)


def _wrong(reader: Reader, seeds: Sequence[int]) -> np.ndarray:
    """bool (S, L - 1, N): where it erred on these seeds, without the row that is left as it is."""
    return ~reader.right[[reader.seeds.index(seed) for seed in seeds], 1:]


def _agreement(first: str, second: str, one: np.ndarray, other: np.ndarray) -> ExamAgreement:
    """From bool (S, R, N) each."""
    num_items = one.shape[2]
    counts = np.stack([each.sum(axis=2).mean(axis=0) for each in (one, other)])  # (2, R) wrong answers
    is_telling = (np.minimum(counts, num_items - counts) >= LEAST_OF_EACH).all(axis=0)
    num_rows = int(is_telling.sum())
    if not num_rows:
        return ExamAgreement(first=first, second=second, num_rows=0, kappa=None, low=None, high=None)
    kept = [each[:, is_telling].reshape(-1, num_items) for each in (one, other)]  # (S * rows, N)
    stacked = np.stack([kept[0], kept[1], kept[0] & kept[1]]).astype(np.float32)  # (3, S * rows, N)
    observed = float(np.nanmean(cohens_kappa(*stacked.mean(axis=2, dtype=np.float64))))
    columns = stacked.reshape(-1, num_items).T
    drawn = np.concatenate([each @ columns for each in bootstrap.image_counts(num_items, NUM_DRAWS)]) / num_items
    shares = drawn.astype(np.float64).reshape(len(drawn), 3, -1)
    kappas = np.nanmean(cohens_kappa(shares[:, 0], shares[:, 1], shares[:, 2]), axis=1)
    low, high = np.quantile(kappas, [TAIL, 1 - TAIL]).tolist()
    return ExamAgreement(
        first=first, second=second, num_rows=num_rows, kappa=observed, low=min(low, observed), high=max(high, observed)
    )
