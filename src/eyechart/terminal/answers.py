"""What trained contenders answer, for people: one line a picture, all contenders beside each other."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING

from eyechart.terminal.console import open_console, percent_text
from eyechart.terminal.grid import Grid, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.inference.prediction import FoundBox, PictureAnswer


def answers_table(answered: Sequence[Sequence[PictureAnswer]], top: int) -> None:
    """A row a picture, with the answers of every run in the same order; `top` candidates of each."""
    table = (
        _of_one([answers[0] for answers in answered], top) if len(answered[0]) == 1 else _side_by_side(answered, top)
    )
    open_console(sys.stdout).print(table)


def _of_one(answers: Sequence[PictureAnswer], top: int) -> Grid:
    """The answer of one run and its probability, the runners-up, and the boxes of a detector."""
    with_boxes = any(answer.boxes or _names_no_class(answer) for answer in answers)
    of_classes = [] if all(_names_no_class(answer) for answer in answers) else ["answer~", "probability>"]
    more = ["next", "probability>"] * (top - 1) if of_classes else []
    table = Grid(columns("picture", *of_classes, *more, *(["boxes~"] if with_boxes else [])))
    for answer in answers:
        row = [answer.picture]
        if of_classes:
            ranked = list(islice(answer.probabilities.items(), top)) if answer.label is not None else []
            row += [answer.in_short, percent_text(ranked[0][1], 1) if ranked else ""]
            for label, probability in ranked[1:]:
                row += [label, percent_text(probability, 1)]
            row += [""] * (1 + 2 * top - len(row))
        if with_boxes:
            row.append(_boxes(answer))
        table.add(*row)
    return table


def _side_by_side(answered: Sequence[Sequence[PictureAnswer]], top: int) -> Grid:
    table = Grid(columns("picture", *(f"{answer.run}~" for answer in answered[0])))
    for answers in answered:
        table.add(answers[0].picture, *(_cell(answer, top) for answer in answers))
    return table


def _cell(answer: PictureAnswer, top: int) -> str:
    if answer.error or answer.remark:
        return answer.in_short
    if answer.label is None:
        return _boxes(answer)
    return ", ".join(f"{name} {percent_text(share, 1)}" for name, share in islice(answer.probabilities.items(), top))


def _names_no_class(answer: PictureAnswer) -> bool:
    """A run on scenes, whose pictures have no class of their own."""
    return answer.label is None and not answer.error and answer.remark in (None, "nothing") and not answer.probabilities


def _boxes(answer: PictureAnswer) -> str:
    return "; ".join(_box(box) for box in answer.boxes) or answer.said or (answer.in_short if answer.error else "")


def _box(found: FoundBox) -> str:
    return f"{found.label} {percent_text(found.score, 0)} at " + ",".join(f"{edge:.0f}" for edge in found.box)
