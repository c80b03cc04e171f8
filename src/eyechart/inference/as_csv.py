"""Answers as a table for other programs: a line a picture and run."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.inference.prediction import PictureAnswer


def csv_text(answers: Sequence[PictureAnswer], top: int) -> str:
    """Columns: picture, run, contender, answer, probability, what is said instead, error; then further candidates.

    Boxes of a run on scenes have no place here; JSON has them.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    further = [name for rank in range(2, top + 1) for name in (f"answer_{rank}", f"probability_{rank}")]
    table.writerow(["picture", "run", "contender", "answer", "probability", "said", "error", *further])
    for answer in answers:
        ranked = list(islice(answer.probabilities.items(), top)) if answer.label is not None else []
        pairs = [(name, f"{share:.6f}") for name, share in ranked] + [("", "")] * (top - len(ranked))
        first, *others = pairs
        row = [answer.picture, answer.run, answer.contender, *first, answer.said, answer.error]
        table.writerow([*row, *(value for pair in others for value in pair)])
    return text.getvalue()
