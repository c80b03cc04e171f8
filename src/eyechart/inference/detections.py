"""What a run finds in annotated pictures, as COCO's list of detections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eyechart.base.errors import UsageError
from eyechart.data.annotations.detections import detection_ids
from eyechart.inference.baselines import How, boxes_by_classifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from eyechart.data.annotations.found import Annotated
    from eyechart.data.layout import Part
    from eyechart.inference.prediction import FoundBox, RunPredictor

PICTURES_AT_ONCE = 256


def find_in(
    predictor: RunPredictor, annotated: Annotated, part: Part, how: How | None, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """A detection for every box, in its picture's own pixels, under the ids of the annotations; classes go by name.

    `how` a classifier is made to find boxes; None for a detector, which finds its own.
    Raises UsageError where this does not fit, and for a run that knows none of the annotated classes.
    """
    record = predictor.record
    finder = _finder(predictor, how)
    image_ids, category_ids = detection_ids(annotated, part)
    known = [name for name in record.dataset.classes if name in category_ids]
    if not known:
        raise UsageError(
            f"{record.run} knows {', '.join(record.dataset.classes[:10])}, and none of these is annotated: "
            f"{', '.join(annotated.classes[:10])}. Expected a run on the same classes."
        )
    strange = len(record.dataset.classes) - len(known)
    if strange:
        say(f"{strange} of its classes are not annotated; boxes of these are left out")
    found = finder([each.path for each in annotated.parts[part]])
    return [
        _detection(image_id, category_ids[each.label], each)
        for image_id, boxes in zip(image_ids, found, strict=True)
        for each in boxes
        if each.label in category_ids
    ]


def _finder(predictor: RunPredictor, how: How | None) -> Callable[[Sequence[Path]], Iterator[list[FoundBox]]]:
    run = predictor.record.run
    if predictor.gives_boxes:
        if how is not None:
            raise UsageError(f"{run} is a detector and finds its own boxes; --how {how} is for classifiers.")
        return lambda pictures: _own_boxes(predictor, pictures)
    if how is None:
        raise UsageError(
            f"{run} names pictures and finds no boxes by itself. Choose --how components (what stands out is an "
            "object) or --how windows (look through every window)."
        )
    return lambda pictures: boxes_by_classifier(predictor, pictures, how)


def _own_boxes(predictor: RunPredictor, pictures: Sequence[Path]) -> Iterator[list[FoundBox]]:
    for start in range(0, len(pictures), PICTURES_AT_ONCE):
        for answer in predictor.answer_pictures(pictures[start : start + PICTURES_AT_ONCE], is_upright=False):
            yield answer.boxes


def _detection(image_id: object, category_id: object, found: FoundBox) -> dict[str, Any]:
    left, top, right, bottom = found.box
    sides = [left, top, right - left, bottom - top]
    return {"image_id": image_id, "category_id": category_id, "bbox": sides, "score": found.score}
