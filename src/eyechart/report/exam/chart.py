"""The eye chart of one contender: rows of test images as they were shown, and what it read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyechart.report.charts import GRID, INK, MUTED
from eyechart.report.exam.words import level_text
from eyechart.words.numbers import shortened
from eyechart.words.speech import Speech

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eyechart.schema.exam import ExamDimension, Reading

SIGNS = 5  # a row
TILE, SMALLEST = 28.0, 5.0  # sides as they are drawn; of the largest and of the smallest row
GAP, BESIDE = 5.5, 9.0  # between rows; beside each sign, where a wrong reading is written
LEFT = 40.0  # where levels stand
INCHES = 0.0125  # of one of these units


def places_of(row: int, num_items: int) -> np.ndarray:
    """Which of the images a row shows: others in every row, as on a chart."""
    return (np.arange(SIGNS) + SIGNS * row) % num_items


def sides_of(dimension: ExamDimension) -> np.ndarray:
    """The side of each row's signs as drawn; where size is what shrinks, the whole row does."""
    if dimension.name != "size":
        return np.full(len(dimension.rows), 0.75 * TILE)
    return np.array([max(SMALLEST, TILE * row.level) for row in dimension.rows])


def height_inches(dimension: ExamDimension) -> float:
    """How tall a chart is drawn."""
    sides = sides_of(dimension)
    return float(sides.sum() + GAP * len(sides)) * INCHES


def draw_chart(
    axes: Axes,
    dimension: ExamDimension,
    rows: np.ndarray,
    answers: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...],
    reading: Reading,
    height: int,
    say: Speech,
) -> None:
    """Draw into empty axes.  `rows` uint8 (L, N, C, H, W) are what was shown, `answers` (L, N) what was read.

    Read right: the image as it is.  Read wrong: a thin frame, and beside it what was read.  A line stands at the
    acuity, with its interval as a band.
    """
    sides = sides_of(dimension)
    middles = np.concatenate([[0], np.cumsum((sides[:-1] + sides[1:]) / 2 + GAP)])
    width = SIGNS * (TILE + BESIDE)
    for number, (row, side, middle) in enumerate(zip(dimension.rows, sides, middles, strict=True)):
        axes.text(-6, middle, level_text(dimension, row.level, height, say), ha="right", va="center",
                  fontsize=7, color=MUTED)  # fmt: skip
        pitch = max(side + BESIDE, 13.0)
        for place, item in enumerate(places_of(number, len(labels))):
            left = (width - SIGNS * pitch) / 2 + place * pitch
            image = _cropped(rows[number, item], row.level if dimension.name == "size" else 1.0)
            _sign(axes, image, left, middle, side)
            if answers[number, item] != labels[item]:
                _wrong(axes, left, middle, side, shortened(classes[int(answers[number, item])], 6))
    _line(axes, dimension, reading, middles, width)
    axes.set_xlim(-LEFT, width)
    axes.set_ylim(middles[-1] + sides[-1] / 2 + 3, -sides[0] / 2 - 3)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _cropped(image: np.ndarray, share: float) -> np.ndarray:
    """(H, W) or (H, W, 3) of an image (C, H, W), the middle that holds a sign of that share."""
    height, width = image.shape[1:]
    rows, columns = max(1, round(share * height)), max(1, round(share * width))
    top, left = (height - rows) // 2, (width - columns) // 2
    part = image[:, top : top + rows, left : left + columns]
    return part[0] if len(part) == 1 else part.transpose(1, 2, 0)


def _sign(axes: Axes, image: np.ndarray, left: float, middle: float, side: float) -> None:
    extent = (left, left + side, middle + side / 2, middle - side / 2)
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest", extent=extent, aspect="auto")


def _wrong(axes: Axes, left: float, middle: float, side: float, read: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle((left - 1, middle - side / 2 - 1), side + 2, side + 2, fill=False, color=INK, linewidth=0.7)
    )
    axes.text(left + side + 1.8, middle, read, ha="left", va="center", fontsize=6.5, color=INK)


def _line(axes: Axes, dimension: ExamDimension, reading: Reading, middles: np.ndarray, width: float) -> None:
    """Across the chart where the acuity is; beyond the last row below it, and none above the first."""
    hardness = [row.hardness for row in dimension.rows[1:]]
    step = middles[-1] - middles[-2]
    # One more row in front and behind, so that an end that lies outside is drawn outside.
    known = np.array([2 * hardness[0] - hardness[1], *hardness, 2 * hardness[-1] - hardness[-2]], np.float64)  # type: ignore[operator]
    at = np.array([middles[0], *middles[1:], middles[-1] + step])
    low, line, high = (float(np.interp(each, known, at)) for each in (reading.low, reading.threshold, reading.high))
    axes.axhspan(low, high, xmin=0, xmax=1, color=GRID, alpha=0.55, linewidth=0, zorder=-1)
    axes.plot([-LEFT, width], [line, line], color=INK, linewidth=1.1, zorder=5)
