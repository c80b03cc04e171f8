"""Families of tests: by hand, against scipy and, where it is installed, statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eyechart.comparison import families


def test_holm_by_hand() -> None:
    assert families.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06]), "never below a smaller one's"
    assert families.holm([0.9, 0.9]) == [1.0, 1.0]
    assert families.holm([]) == []


def test_friedman_agrees_with_scipy() -> None:
    scores = np.random.default_rng(0).normal(size=(4, 12)) + np.arange(4)[:, None] * 0.5
    assert families.friedman_p(scores) == pytest.approx(stats.friedmanchisquare(*scores).pvalue, abs=1e-9)
    rounded = scores.round()  # ties
    assert families.friedman_p(rounded) == pytest.approx(stats.friedmanchisquare(*rounded).pvalue, abs=1e-9)


def test_all_tied_is_no_difference() -> None:
    assert families.friedman_p(np.ones((3, 5))) == 1.0
    assert families.cochran_p(np.ones((3, 9), bool)) == 1.0


def test_cochran_by_hand() -> None:
    """Two contenders: Q is McNemar's statistic without correction, (b - c)^2 / (b + c) = 16 / 8."""
    right = np.array([[1] * 6 + [0] * 2 + [1] * 4, [0] * 6 + [1] * 2 + [1] * 4], bool)
    assert families.cochran_p(right) == pytest.approx(stats.chi2.sf(2, 1), abs=1e-9)


def test_oracles_of_statsmodels() -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    right = np.random.default_rng(1).random((5, 300)) < np.array([0.9, 0.92, 0.95, 0.9, 0.97])[:, None]
    assert families.cochran_p(right) == pytest.approx(tables.cochrans_q(right.T.astype(int)).pvalue, abs=1e-9)
    p_values = np.random.default_rng(2).random(30) ** 3
    expected = multitest.multipletests(p_values, method="holm")[1]
    assert families.holm(list(p_values)) == pytest.approx(list(expected), abs=1e-9)
