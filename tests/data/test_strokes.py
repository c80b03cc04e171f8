"""How thick strokes are, and that making them thicker or thinner changes nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.data.strokes import change_weight, thickness


def bar(width: int, length: int = 120, shape: tuple[int, int] = (160, 60)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    top, left = (shape[0] - length) // 2, (shape[1] - width) // 2
    mask[top : top + length, left : left + width] = True
    return mask


def ring(outer: float, inner: float, side: int = 120) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius = np.hypot(x, y)
    return (radius < outer) & (radius > inner)


@pytest.mark.parametrize("width", [2, 4, 8, 15])
def test_a_straight_stroke_is_as_thick_as_it_is(width: int) -> None:
    assert thickness(bar(width)) == pytest.approx(width, rel=0.12)


def test_a_round_stroke_and_none() -> None:
    assert thickness(ring(40, 30)) == pytest.approx(10, rel=0.08)
    assert thickness(np.zeros((5, 7), bool)) == 0


@pytest.mark.parametrize("pixels", [3.0, -2.0])
def test_edges_move_as_far_as_asked(pixels: float) -> None:
    ink, moved = change_weight(bar(8), pixels)
    assert moved == pixels
    assert ink.dtype == np.float32
    assert thickness(ink > 0.5) == pytest.approx(8 + 2 * pixels, abs=0.8)


def test_a_loop_is_not_closed() -> None:
    ink, moved = change_weight(np.pad(ring(20, 8, 48), 14), 12.0)  # its hole is 16 pixels wide
    assert 0 < moved < 8
    assert ink[38, 38] < 0.5, "the middle is still paper"


def test_a_stroke_is_not_broken() -> None:
    mask = bar(12)
    mask[70:90, :] = False
    mask[70:90, 28:31] = True  # a thin bridge
    ink, moved = change_weight(mask, -3.0)
    assert -1.5 <= moved <= 0
    assert (ink[80] > 0.4).any(), "the bridge is still there"


def test_a_gap_that_would_become_a_loop_stays_open() -> None:
    mask = np.pad(ring(40, 34), 10)
    mask[:70, 66:74] = False  # an open ring, as a 6 or a C
    ink, moved = change_weight(mask, 6.0)
    assert 0 <= moved < 4
    assert (ink[30:40, 69:71] < 0.5).all()
