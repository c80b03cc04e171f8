"""What a run's detector finds in annotated pictures, as COCO's list of detections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eyechart.base.errors import UsageError
from eyechart.data.annotations.detections import detection_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.data.annotations.found import Annotated
    from eyechart.data.layout import Part
    from eyechart.inference.prediction import FoundBox, RunPredictor

PICTURES_AT_ONCE = 256


def find_in(
    predictor: RunPredictor, annotated: Annotated, part: Part, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """A detection for every box, in its picture's own pixels, under the ids of the annotations; classes go by name.

    Raises UsageError for a run that gives no boxes, or that knows none of the annotated classes.
    """
    record = predictor.record
    if not predictor.gives_boxes:
        raise UsageError(f"{record.run} names pictures and finds no boxes; expected a run of fasterrcnn.")
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
    pictures = [each.path for each in annotated.parts[part]]
    detections = []
    for start in range(0, len(pictures), PICTURES_AT_ONCE):
        answers = predictor.answer_pictures(pictures[start : start + PICTURES_AT_ONCE])
        for image_id, answer in zip(image_ids[start:], answers, strict=False):
            for each in answer.boxes:
                if each.label in category_ids:
                    detections.append(_detection(image_id, category_ids[each.label], each))
    return detections


def _detection(image_id: object, category_id: object, found: FoundBox) -> dict[str, Any]:
    left, top, right, bottom = found.box
    sides = [left, top, right - left, bottom - top]
    return {"image_id": image_id, "category_id": category_id, "bbox": sides, "score": found.score}
