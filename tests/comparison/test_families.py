"""Families of tests: by hand, and against scipy and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import cochrans_q
from statsmodels.stats.multitest import multipletests

from eyechart.comparison import families


def test_holm_by_hand() -> None:
    assert families.holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06]), "never below a smaller's"
    assert families.holm(np.array([0.9, 0.9])) == pytest.approx([1.0, 1.0])
    assert families.holm(np.array([])).tolist() == []


def test_holm_is_statsmodels() -> None:
    p_values = np.random.default_rng(2).random(30) ** 3
    p_values[3:6] = p_values[3]  # ties
    expected = multipletests(p_values, method="holm")[1]
    assert families.holm(p_values) == pytest.approx(expected, abs=1e-9)
    columns = np.stack([p_values, p_values[::-1]], axis=1)
    assert families.holm(columns) == pytest.approx(np.stack([expected, expected[::-1]], axis=1), abs=1e-9)


def test_friedman_is_scipys_and_by_hand() -> None:
    # Three contenders, always in the same order over 4 seeds: 12 / (4 * 3 * 4) * (16 + 64 + 144) - 3 * 4 * 4 = 8.
    always = np.arange(3)[:, None] + np.zeros((3, 4))
    assert families.friedman(always).statistic == pytest.approx(8.0)
    assert families.friedman(always).p_value == pytest.approx(stats.chi2.sf(8, 2), abs=1e-12)
    scores = (np.random.default_rng(0).normal(size=(4, 12)) + np.arange(4)[:, None] * 0.5).round()  # ties
    assert families.friedman(scores).p_value == pytest.approx(stats.friedmanchisquare(*scores).pvalue, abs=1e-12)


def test_all_tied_is_no_sign_of_a_difference() -> None:
    assert families.friedman(np.ones((3, 5))).p_value == 1.0
    assert families.cochran(np.ones((3, 9), bool)).p_value == 1.0


def test_cochran_by_hand() -> None:
    """Two contenders: Q is McNemar's statistic without correction, (b - c)^2 / (b + c) = 16 / 8."""
    right = np.array([[1] * 6 + [0] * 2 + [1] * 4, [0] * 6 + [1] * 2 + [1] * 4], bool)
    assert families.cochran(right).statistic == pytest.approx(2.0)
    assert families.cochran(right).p_value == pytest.approx(stats.chi2.sf(2, 1), abs=1e-9)


def test_cochran_is_statsmodels() -> None:
    right = np.random.default_rng(1).random((5, 300)) < np.array([0.9, 0.92, 0.95, 0.9, 0.97])[:, None]
    expected = cochrans_q(right.T.astype(int))
    found = families.cochran(right)
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)
