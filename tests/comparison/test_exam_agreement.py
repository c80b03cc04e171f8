"""Error consistency within rows, from simulated readers."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.comparison.exam import Reader
from eyechart.comparison.exam_agreement import agreements
from eyechart.schema.exam import ExamAgreement
from eyechart.words.shared_errors import consistency_in_exam
from eyechart.words.speech import speech

SHARES = np.array([1.0, 0.98, 0.8, 0.5, 0.3, 0.02])  # read right, row by row; the first is left as it is


def reader(name: str, seed: int, own: float = 1.0, seeds: tuple[int, ...] = (0,)) -> Reader:
    """`own`: how much of its luck is its own, the rest being that of the images."""
    common = np.random.default_rng(7).random((len(SHARES), 120))
    right = []
    for number in seeds:
        random = np.random.default_rng([seed, number])
        is_own = random.random((len(SHARES), 120)) < own
        right.append(np.where(is_own, random.random((len(SHARES), 120)), common) < SHARES[:, None])
    return Reader(name, seeds, np.stack(right))


def test_errors_on_the_same_images_agree_and_independent_ones_do_not() -> None:
    twins = agreements([[reader("a", 1, own=0.0), reader("b", 2, own=0.0)]])[0]
    assert twins.kappa == pytest.approx(1.0)
    strangers = agreements([[reader("a", 1, seeds=(0, 1, 2)), reader("b", 2, seeds=(0, 1, 2))]])[0]
    assert strangers.low is not None
    assert strangers.high is not None
    assert strangers.low < 0 < strangers.high, "although both find the same rows hard"
    assert strangers.kappa == pytest.approx(0, abs=0.08)
    half = agreements([[reader("a", 1, own=0.4), reader("b", 2, own=0.4)]])[0]
    assert half.kappa is not None
    assert 0.2 < half.kappa < 0.6


def test_only_rows_count_in_which_both_have_errors_and_right_answers() -> None:
    (found,) = agreements([[reader("a", 1), reader("b", 2)]])
    assert found.num_rows == 3, "not those of 98 and 2 % right"
    both = agreements([[reader("a", 1), reader("b", 2)], [reader("a", 3), reader("b", 4)]])
    assert both[0].num_rows == 6, "of two dimensions"
    all_right = Reader("c", (0,), np.ones((6, 1, 120), bool).transpose(1, 0, 2))
    (none,) = agreements([[reader("a", 1), all_right]])
    assert none == ExamAgreement(first="a", second="c", num_rows=0, kappa=None, low=None, high=None)


def test_seeds_that_both_have_are_compared() -> None:
    found = agreements([[reader("a", 1, seeds=(0, 1)), reader("b", 2, seeds=(1, 2)), reader("c", 3, seeds=(5,))]])
    assert [(each.first, each.second) for each in found] == [("a", "b")]
    assert agreements([]) == ()


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("en", "error consistency is 0.61 (0.50 to 0.70) for a and b, and 0.10 (0.00 to 0.20) for a and c (mean over "
               "3 to 4 rows"),
        ("fr", "est de 0,61 (0,50 à 0,70) pour a et b, et de 0,10 (0,00 à 0,20) pour a et c (moyenne sur 3 à 4 lignes"),
    ],
)  # fmt: skip
def test_in_words(lang: str, expected: str) -> None:
    pairs = [
        ExamAgreement(first="a", second="b", num_rows=3, kappa=0.61, low=0.5, high=0.7),
        ExamAgreement(first="a", second="c", num_rows=4, kappa=0.1, low=0.0, high=0.2),
        ExamAgreement(first="b", second="c", num_rows=0, kappa=None, low=None, high=None),
    ]
    assert expected in consistency_in_exam(pairs, speech(lang))
    assert consistency_in_exam(pairs[2:], speech(lang)) == ""
