"""The pictures that a detector got wrong most, with what was right, wrong and missed drawn on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.foreign_text import shown
from eyechart.inference.drawing import MOST_LETTERS, Mark, draw_marks
from eyechart.scoring.detection_matrix import outcomes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.data.annotations.found import Picture
    from eyechart.schema.contracts import FoundBoxes
    from eyechart.schema.objects import Objects

RIGHT, WRONG, MISSED = "#56B4E9", "#E69F00", "#F0E442"  # told apart by everybody, and dark letters stand on them


def draw_worst(
    pictures: Sequence[Picture], answers: FoundBoxes, objects: Objects, classes: Sequence[str], folder: Path, most: int
) -> list[Path]:
    """Write a PNG of each of the `most` pictures with the most mistakes, worst first; none for those without one.

    `answers` are the boxes that count, image after image.  Errors as reading pictures and writing files has.
    """
    marks = marks_of(answers, objects, classes)
    mistakes = np.array([sum(mark.colour != RIGHT for mark in each) for each in marks])
    written = []
    for rank, image in enumerate(np.argsort(-mistakes, kind="stable")[:most].tolist(), 1):
        if not mistakes[image]:
            break
        colours = [mark.colour for mark in marks[image]]
        caption = f"{colours.count(RIGHT)} right, {colours.count(WRONG)} wrong, {colours.count(MISSED)} missed"
        target = folder / f"{rank:02d}-{pictures[image].path.stem}.png"
        draw_marks(pictures[image].path, marks[image], caption, target, is_upright=False)
        written.append(target)
    return written


def marks_of(answers: FoundBoxes, objects: Objects, classes: Sequence[str]) -> list[list[Mark]]:
    """For every image what was missed, then what is wrong, then what is right; as in the detection matrix."""
    owner, judged, missed = outcomes(answers, objects)
    image_of = np.repeat(np.arange(len(objects)), objects.counts)
    marks: list[list[Mark]] = [[] for _ in range(len(objects))]
    for row in np.flatnonzero(missed).tolist():
        name = _name(classes, objects.labels[row])
        marks[image_of[row]].append(Mark(_corners(objects.boxes[row]), f"missed {name}", MISSED))
    for row in np.flatnonzero(judged).tolist():
        truth = int(objects.labels[owner[row]]) if owner[row] >= 0 else None
        marks[answers.image[row]].append(_mark(answers, row, truth, classes))
    return [sorted(each, key=lambda mark: mark.colour == RIGHT) for each in marks]


def _mark(answers: FoundBoxes, row: int, truth: int | None, classes: Sequence[str]) -> Mark:
    """What was answered, and what it is where that is something else."""
    box, label = _corners(answers.boxes[row]), int(answers.labels[row])
    text = f"{_name(classes, label)} {100 * answers.scores[row]:.0f} %"
    if truth == label:
        return Mark(box, text, RIGHT)
    return Mark(box, f"{text}: {'fits nothing' if truth is None else f'is {_name(classes, truth)}'}", WRONG)


def _name(classes: Sequence[str], label: int) -> str:
    return shown(classes[int(label)], MOST_LETTERS)


def _corners(box: np.ndarray) -> tuple[float, float, float, float]:
    left, top, right, bottom = box.tolist()
    return left, top, right, bottom
