"""Lines drawn over a picture: dotted ones from side to side, and zigzags.

Places are those of 28-pixel images (frame.py), where a line is about two pixels wide and fades to its edges.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from eyechart.data.corruptions.frame import SIDE, places

if TYPE_CHECKING:
    from eyechart.data.corruptions.draws import Draws

FADE = 2.3  # the ink at distance d of the line is 1 + ln(1 - d / FADE), down to 0
DOT = 2.0  # length of dots and of the gaps between them, but at least one pixel
TOOTH = 2.0  # height of a zigzag's teeth, and half their length
FIRST, LAST = 2.0, 25.0  # columns between which a zigzag runs
MOST_RISE = 5  # rows that it climbs or falls from end to end
MOST_LINES = 5  # whose places are drawn for every image, whatever the severity: fewer are the first of them

Point = tuple[np.ndarray, np.ndarray]  # columns and rows float64 (N,), a place in each image


def dotted_line(images: np.ndarray, draws: Draws, number: int) -> np.ndarray:
    """So many dotted lines from the left side to the right one, each between two rows of its own."""
    height, width = images.shape[2:]
    ends = draws.integers("ends", 0, SIDE - 1, 2, MOST_LINES)[:, :, :number]
    dot = max(DOT, SIDE / width)
    is_dot = np.floor((places(width) + 0.5) / dot).astype(np.int64) % 2 == 1  # (W,)
    ink = np.zeros((len(images), height, width), np.float32)
    for left, right in ends.transpose(2, 1, 0):
        ink += _segment((np.zeros(len(images)), left), (np.full(len(images), SIDE - 1.0), right), height, width)
    return np.asarray(images + (ink * is_dot)[:, None])


def zigzag(images: np.ndarray, draws: Draws, number: int) -> np.ndarray:
    """So many zigzags from the left to the right."""
    height, width = images.shape[2:]
    starts = draws.integers("start", 0, SIDE - 1, MOST_LINES)[:, :number]
    rises = draws.integers("rise", -MOST_RISE, MOST_RISE, MOST_LINES)[:, :number]
    ink = np.zeros((len(images), height, width), np.float32)
    for start, rise in zip(starts.T, rises.T, strict=True):
        corners = _corners(start, rise)
        for one, other in itertools.pairwise(corners):
            ink = np.minimum(ink + _segment(one, other, height, width), 1)
    return np.asarray(images + ink[:, None])


def _corners(start: np.ndarray, rise: np.ndarray) -> list[Point]:
    """The points that a zigzag connects: teeth along a line between two rows, turned with it."""
    angle = np.arctan(rise / (LAST - FIRST))
    length = (LAST - FIRST) / np.cos(angle)  # 23 to 23.6
    num_teeth = int((LAST - FIRST - TOOTH) // (2 * TOOTH)) + 1
    along = [np.zeros_like(length), *(np.full_like(length, (2 * i + 1) * TOOTH) for i in range(num_teeth)), length]
    rest = length - 2 * TOOTH * (length // (2 * TOOTH))
    last = (-1) ** (num_teeth - 1) * TOOTH
    beside = [np.zeros_like(length), *(np.full_like(length, (-1) ** i * TOOTH) for i in range(num_teeth))]
    beside.append(last / (2 * rest))
    cos, sin = np.cos(angle), np.sin(angle)
    return [(FIRST + x * cos - y * sin, start + x * sin + y * cos) for x, y in zip(along, beside, strict=True)]


def _segment(begin: Point, end: Point, height: int, width: int) -> np.ndarray:
    """float32 (N, H, W): the ink of the line between two points, one to the left of the other in every image."""
    (left, top), (right, bottom) = begin, end
    slope = ((bottom - top) / (right - left)).astype(np.float32)[:, None]
    columns = places(width)[None]
    rows = slope * (columns - left.astype(np.float32)[:, None]) + top.astype(np.float32)[:, None]  # (N, W)
    is_inside = (columns >= np.floor(left)[:, None]) & (columns < np.ceil(right)[:, None])
    distance = np.abs(places(height)[None, :, None] - rows[:, None, :])  # (N, H, W), straight down
    most = np.float32(FADE * (1 - np.exp(-1)))  # where no ink is left
    ink = 1 + np.log1p(-np.minimum(distance, most) / np.float32(FADE))
    return np.asarray(np.where(is_inside[:, None, :], np.maximum(ink, 0), 0).astype(np.float32))
