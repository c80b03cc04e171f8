"""What files of detections are worth, as tables and as JSON."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from rich.text import Text

from eyechart.base.foreign_text import shown
from eyechart.comparison.detections import ClassBoxes, Difference, Interval, Judged, difference
from eyechart.scoring.detection import BOX_LIMITS, SIZES
from eyechart.terminal.console import open_console
from eyechart.terminal.grid import Grid, columns

MISSING = "–"
MOST_IN_MATRIX = 20  # classes; more do not fit, and --json has all
ABOUT_INTERVALS = "Interval: 95 %, on as many other images of this kind, with these trained detectors."
MISTAKES = {
    "class": "on an object of another class",
    "place": "near an object of its class, IoU .1 to .5",
    "both": "near an object of another class, IoU .1 to .5",
    "duplicate": "on an object that a surer box has found",
    "background": "on nothing, IoU below .1",
    "missed": "objects that no box is about",
}


def print_detections(judged: dict[str, Judged], classes: tuple[str, ...]) -> None:
    """`judged` by name, in the order in which they were given."""
    console = open_console(sys.stdout)
    console.print(scores_grid(judged))
    for first, second in combinations(judged, 2):
        console.print(Text(shown(difference_sentence(first, second, difference(judged[first], judged[second])))),
                      soft_wrap=True)  # fmt: skip
    for name, each in judged.items():
        console.print(Text(f"\n{shown(name)}: what it gets wrong, and what mAP50 would gain without", style="bold"))
        console.print(errors_grid(each))
        console.print(Text(f"\n{shown(name)}: class by class", style="bold"))
        console.print(classes_grid(each.classes))
        console.print(Text(f"\n{shown(name)}: {answers_sentence(each)}", style="bold"), soft_wrap=True)
        if len(classes) <= MOST_IN_MATRIX:
            console.print(matrix_grid(each, classes))


def scores_grid(judged: dict[str, Judged]) -> Grid:
    """COCO's twelve, a row each; mAP with its interval."""
    headings = ["mAP>", "interval>", "mAP50>", "mAP75>", *(f"{size}>" for size in SIZES)]
    recalls = [f"recall {limit}>" for limit in BOX_LIMITS] + [f"recall {size}>" for size in SIZES]
    grid = Grid(columns("detections", *headings, *recalls, "boxes>"), caption=ABOUT_INTERVALS)
    for name, each in judged.items():
        scores = each.scores
        values = [getattr(scores, f"map_{size}") for size in SIZES]
        values += [getattr(scores, f"mar_{limit}") for limit in (*BOX_LIMITS, *SIZES)]
        grid.add(
            name, _figure(scores.map), _interval(each.map_interval), _figure(scores.map50), _figure(scores.map75),
            *map(_figure, values), f"{scores.num_boxes:,}",
        )  # fmt: skip
    return grid


def errors_grid(judged: Judged) -> Grid:
    """A row for each kind of mistake."""
    grid = Grid(columns("mistake", "boxes>", "mAP50 lost>", "what it is~"))
    for each in judged.errors:
        grid.add(each.kind, f"{each.count:,}", _figure(each.cost), MISTAKES[each.kind])
    return grid


def classes_grid(classes: Sequence[ClassBoxes]) -> Grid:
    """A row for each class."""
    grid = Grid(columns("class", "to find>", "AP>", "AP50>", "recall50>"))
    for each in classes:
        grid.add(each.name, f"{each.num_true:,}", *map(_figure, (each.ap, each.ap50, each.recall50)))
    return grid


def matrix_grid(judged: Judged, classes: tuple[str, ...]) -> Grid:
    """Rows truth, columns answer; a dot stands for 0."""
    grid = Grid(columns("true", *(f"{name}>" for name in classes), "missed>"))
    for name, row in zip((*classes, "background"), judged.matrix.tolist(), strict=True):
        grid.add(name, *(f"{count:,}" if count else "·" for count in row))
    return grid


def answers_sentence(judged: Judged) -> str:
    """How well the boxes that count as answers count objects."""
    count, low, high = judged.counting, *judged.exact_interval
    what = f"its answers are boxes with a score of {judged.least_score:g} or more"
    if not count.num_images:
        return f"{what}; every image has a crowd, which nobody counted"
    return (
        f"{what}; as many as there are objects on {count.num_exact:,} of {count.num_images:,} images "
        f"({100 * low:.1f} to {100 * high:.1f} %), wrong by {count.mean_error:.2f} an image on average"
    )


def difference_sentence(first: str, second: str, found: Difference | None) -> str:
    """Which is better, as far as these images tell."""
    if found is None:
        return f"{second} and {first} cannot be compared: there are too few images with something to be found."
    low, high = found.interval
    if not found.is_clear:
        lead = f"mAP {found.lead:+.3f} ({low:+.3f} to {high:+.3f})"
        return f"{second} against {first}: {lead}; these images do not decide it."
    better, worse = (second, first) if found.lead > 0 else (first, second)
    low, high = sorted((abs(low), abs(high)))
    lead = f"mAP {abs(found.lead):.3f} higher ({low:.3f} to {high:.3f})"
    return f"{better} finds better than {worse} on such images: {lead}."


def detections_json(judged: dict[str, Judged], classes: tuple[str, ...]) -> dict[str, Any]:
    """All of it; nothing that is not defined is a number."""
    pairs = [
        {"first": first, "second": second, "difference": None if each is None else each.lead,
         "interval": None if each is None else each.interval}
        for first, second in combinations(judged, 2)
        for each in [difference(judged[first], judged[second])]
    ]  # fmt: skip
    return {"detections": {name: _json(each, classes) for name, each in judged.items()}, "pairs": pairs}


def _json(judged: Judged, classes: tuple[str, ...]) -> dict[str, Any]:
    count = judged.counting
    return {
        "scores": judged.scores.model_dump(mode="json"),
        "map_interval": judged.map_interval,
        "classes": [
            {"name": each.name, "num_true": each.num_true, "ap": each.ap, "ap50": each.ap50,
             "recall50": each.recall50, "precision_at_recalls": each.curve50}
            for each in judged.classes
        ],
        "errors": [{"kind": each.kind, "count": each.count, "map50_lost": each.cost} for each in judged.errors],
        "least_score": judged.least_score,
        "matrix": {"truth": [*classes, "background"], "answer": [*classes, "missed"], "counts": judged.matrix.tolist()},
        "counting": {"num_images": count.num_images, "num_exact": count.num_exact,
                     "exact_interval": judged.exact_interval, "mean_error": count.mean_error},
    }  # fmt: skip


def _figure(value: float | None) -> str:
    return MISSING if value is None or math.isnan(value) else f"{value:.3f}"


def _interval(ends: Interval | None) -> str:
    return MISSING if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"
