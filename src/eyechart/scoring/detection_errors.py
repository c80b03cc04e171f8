"""What a detector gets wrong, and what each kind of mistake costs.

Every found box that is not right at IoU .5 has one of five faults, and true boxes that nothing is near are missed.
What a fault costs is how much mAP50 would gain if it alone were mended.

Source: Bolya, Foley, Hays and Hoffman 2020, "TIDE: A General Toolbox for Identifying Object Detection Errors".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from eyechart.scoring.average_precision import average_precision
from eyechart.scoring.box_matching import by_image, iou_with_objects, match_boxes

if TYPE_CHECKING:
    from eyechart.schema.contracts import FoundBoxes
    from eyechart.schema.objects import Objects

Fault = Literal["class", "place", "both", "duplicate", "background"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
RIGHT_FROM, BACKGROUND_BELOW = 0.5, 0.1  # IoU
RIGHT, LEFT_OUT = -1, -2


@dataclass(frozen=True)
class ErrorCost:
    """A kind of mistake."""

    kind: str  # one of FAULTS, or "missed"
    count: int
    cost: float  # what mAP50 gains when these alone are mended, 0..1; nan: there is nothing to be found


def error_costs(found: FoundBoxes, objects: Objects, num_classes: int) -> list[ErrorCost]:
    """All kinds, in the order of FAULTS, then "missed".

    - class: on a true box of another class.
    - place: the right class, IoU .1 to .5 with the true box.
    - both: another class, IoU .1 to .5.
    - duplicate: on a true box that a better-scored box has already found.
    - background: on nothing; IoU below .1 with everything.
    - missed: true boxes that no box is right about, nor wrong about by class or place alone.

    A box whose fault is mended counts where its true box is still free, and is left out where it is not.
    """
    faults, of_box = _faults(found, objects)
    base = _map50(found.labels, found, objects, num_classes, faults == RIGHT, faults == LEFT_OUT)
    costs = []
    for place, kind in enumerate(FAULTS):
        has_it = faults == place
        right, labels = faults == RIGHT, found.labels.copy()
        if kind in ("class", "place"):
            mended = _best_of_each(has_it, of_box, found, taken=of_box[right])
            right = right | mended
            labels[mended] = objects.labels[of_box[mended]]
            has_it = has_it & ~mended
        without = has_it | (faults == LEFT_OUT)
        costs.append(ErrorCost(kind, int((faults == place).sum()),
                               _map50(labels, found, objects, num_classes, right, without) - base))  # fmt: skip
    missed = _missed(faults, of_box, objects)
    right, without = faults == RIGHT, faults == LEFT_OUT
    cost = _map50(found.labels, found, objects, num_classes, right, without, missed) - base
    return [*costs, ErrorCost("missed", int(missed.sum()), cost)]


def _faults(found: FoundBoxes, objects: Objects) -> tuple[np.ndarray, np.ndarray]:
    """For each found box its fault (index of FAULTS, RIGHT or LEFT_OUT), and the true box that it is about."""
    matches = match_boxes(found, objects, np.array([RIGHT_FROM]))
    is_right, of_box = matches.is_right[0], matches.true_box[0].copy()
    faults = np.where(is_right, RIGHT, np.where(matches.ignored[0], LEFT_OUT, FAULTS.index("background")))
    used = np.zeros(len(objects.boxes), bool)
    used[of_box[is_right]] = True
    for rows, of_objects in by_image(found, objects):
        of_objects = of_objects[~objects.crowds[of_objects]]
        wrong = rows[faults[rows] >= 0]
        if not len(of_objects) or not len(wrong):
            continue
        iou = iou_with_objects(found.boxes[wrong], objects.boxes[of_objects], np.zeros(len(of_objects), bool))
        same = found.labels[wrong][:, None] == objects.labels[of_objects][None]
        own, other = np.where(same, iou, -1.0), np.where(same, -1.0, iou)
        nearest, strange = own.argmax(axis=1), other.argmax(axis=1)
        best_own, best_other = own.max(axis=1), other.max(axis=1)
        place = (best_own >= BACKGROUND_BELOW) & (best_own < RIGHT_FROM)
        cases = [place, best_other >= RIGHT_FROM, best_own >= RIGHT_FROM, iou.max(axis=1) < BACKGROUND_BELOW]
        kinds = [FAULTS.index(kind) for kind in ("place", "class", "duplicate", "background")]
        faults[wrong] = np.select(cases, kinds, FAULTS.index("both"))
        of_box[wrong] = of_objects[np.where(place, nearest, strange)]
    return faults, of_box


def _best_of_each(has_it: np.ndarray, of_box: np.ndarray, found: FoundBoxes, *, taken: np.ndarray) -> np.ndarray:
    """bool (M,): of the boxes that have a fault, the best-scored one about each true box that is not taken."""
    rows = np.flatnonzero(has_it & ~np.isin(of_box, taken))
    rows = rows[np.argsort(-found.scores[rows], kind="stable")]
    _, first = np.unique(of_box[rows], return_index=True)
    mended = np.zeros(len(has_it), bool)
    mended[rows[first]] = True
    return mended


def _missed(faults: np.ndarray, of_box: np.ndarray, objects: Objects) -> np.ndarray:
    """bool (true boxes,)"""
    about_one = np.isin(faults, [RIGHT, FAULTS.index("class"), FAULTS.index("place")])
    missed = ~objects.crowds
    missed[of_box[about_one]] = False
    return missed


def _map50(
    labels: np.ndarray, found: FoundBoxes, objects: Objects, num_classes: int, right: np.ndarray,
    without: np.ndarray, removed: np.ndarray | None = None,
) -> float:  # fmt: skip
    """The mean AP of the classes that have true boxes; one of which all were removed has nothing left to miss: 1."""
    true = ~objects.crowds
    left = true if removed is None else true & ~removed
    values = []
    for label in range(num_classes):
        if not (true & (objects.labels == label)).any():
            continue
        num_true, kept = int((left & (objects.labels == label)).sum()), (labels == label) & ~without
        values.append(average_precision(right[kept], found.scores[kept], num_true) if num_true else 1.0)
    return float(np.mean(values)) if values else float("nan")
