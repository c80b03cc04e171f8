"""Learning rates by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest

from eyechart.catalog.recipes import RECIPES
from eyechart.training.schedule import learning_rates


def rates(num_steps: int, **fields: object) -> list[float]:
    recipe = RECIPES["cnn"].model_copy(update={"learning_rate": 1.0, **fields})
    return learning_rates(recipe, num_steps)


def test_linear_by_hand() -> None:
    got = rates(10, schedule="linear", warmup_fraction=0.2)
    assert got == pytest.approx([0.5, 1.0, 8 / 9, 7 / 9, 6 / 9, 5 / 9, 4 / 9, 3 / 9, 2 / 9, 1 / 9])


def test_cosine_rises_then_falls_and_ends_low() -> None:
    got = rates(100, schedule="cosine", warmup_fraction=0.1)
    assert got[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert all(later < earlier for earlier, later in pairwise(got[9:]))
    assert got[54] == pytest.approx(0.5, abs=0.02)
    assert got[-1] < 0.002


@pytest.mark.parametrize("num_steps", [1, 2, 3])
def test_tiny_schedules_are_positive(num_steps: int) -> None:
    got = rates(num_steps, warmup_fraction=0.0)
    assert len(got) == num_steps
    assert min(got) > 0
