"""Who agrees; what a detector's boxes become, on whole pictures and on the things of a line."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eyechart.inference.expected import Expected
from eyechart.inference.panel import Panel
from eyechart.inference.prediction import RunPredictor
from eyechart.schema.contracts import Predictions
from eyechart.serve.limits import Limits
from eyechart.serve.reading import Reader, agreement
from eyechart.serve.refusals import Refused


class Finds:
    """A detector that finds these boxes (left, top, right, bottom, score, class) on every image."""

    gives_boxes = True

    def __init__(self, *boxes: tuple[float, float, float, float, float, int]):
        self._boxes = np.array(boxes, float).reshape(-1, 6)
        self.images: list[np.ndarray] = []

    def answer(self, images: Any) -> Predictions:
        self.images.append(images)
        num, each = len(images), len(self._boxes)
        probabilities = np.full((num, 10), 0.01, np.float32)
        probabilities[:, 3] = 0.91
        found = np.tile(self._boxes, (num, 1)).astype(np.float32)
        return Predictions(
            probabilities,
            box_image=np.repeat(np.arange(num, dtype=np.int32), each),
            boxes=found[:, :4],
            box_scores=found[:, 4],
            box_labels=found[:, 5].astype(np.int32),
        )


def reader_with(reader: Reader, network: Finds, **changed: Any) -> Reader:
    """The trained panel, and beside it a detector of the same dataset; alone, where its task is another."""
    (cnn,) = reader.panel.predictors
    dataset = cnn.record.dataset.model_copy(update=changed)
    record = cnn.record.model_copy(update={"run": "finds-s0", "contender": "finds", "dataset": dataset})
    finds = RunPredictor(record, network, Expected() if changed else cnn.expected)  # type: ignore[arg-type]
    return Reader(Panel((finds,) if changed else (cnn, finds)), 2, Limits())


def png_of(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["3", "3", "3"], ("3", 3, 3)),
        (["3", None, "8", "3"], ("3", 2, 4)),
        (["3", "8", None], (None, 1, 3)),
        ([None, None], (None, 0, 2)),
        ([], (None, 0, 0)),
    ],
)
def test_most_must_say_the_same(labels: list[str | None], expected: tuple[str | None, int, int]) -> None:
    found = agreement(labels)
    assert (found.label, found.num_agree, found.num_asked) == expected


def test_boxes_lie_on_the_things_of_a_line(reader: Reader, line: bytes) -> None:
    """The detector finds the middle of each prepared image; that is the middle of each thing."""
    both = reader_with(reader, Finds((4, 4, 24, 24, 0.9, 3)))
    found = both.line(line)
    both.close()
    assert [text.contender for text in found.lines] == ["cnn", "finds"]
    assert found.lines[0].labels == ("2", "0", "4", "7", "3")
    for thing in found.things:
        (box,) = thing.contenders[1].boxes
        middle = [(box.box[axis] + box.box[axis + 2]) / 2 for axis in (0, 1)]
        side = max(thing.box[2] - thing.box[0], thing.box[3] - thing.box[1])
        expected = [(thing.box[axis] + thing.box[axis + 2]) / 2 for axis in (0, 1)]
        assert middle == pytest.approx(expected, abs=0.2 * side)
        assert box.box[3] - box.box[1] == pytest.approx(side, rel=0.2)


def test_a_large_photo_of_a_line_has_its_boxes_too(reader: Reader, line: bytes) -> None:
    """A JPEG that is decoded smaller than it is."""
    large = Image.open(io.BytesIO(line)).resize((4800, 1280))
    content = io.BytesIO()
    large.save(content, "JPEG")
    plain, found = reader.line(line), reader.line(content.getvalue())
    assert (found.width, found.height) == (4800, 1280)
    assert found.lines[0].labels == plain.lines[0].labels
    for one, other in zip(plain.things, found.things, strict=True):
        assert np.allclose(np.array(one.box) * 4, other.box, atol=25)


def test_no_box_is_nothing_found(reader: Reader, three: bytes) -> None:
    both = reader_with(reader, Finds())
    found = both.one(three)
    both.close()
    cnn, finds = found.contenders
    assert (cnn.label, finds.label, finds.remark) == ("3", None, "nothing")
    assert finds.said
    assert (finds.said.en, finds.said.fr) == ("nothing found", "rien trouvé")
    assert found.agreement
    assert (found.agreement.num_agree, found.agreement.num_asked) == (1, 2)


def test_a_detector_on_scenes_reads_the_picture_itself(reader: Reader) -> None:
    """In reading order, boxes that are sure enough and lie apart; light on dark, as its scenes are."""
    network = Finds(
        (20, 2, 26, 12, 0.9, 7),
        (2, 3, 9, 13, 0.8, 4),
        (12, 3, 16, 12, 0.2, 1),  # not sure enough
        (4, 18, 9, 27, 0.95, 5),
        (20, 3, 26, 8, 0.7, 1),  # a part of the 7
    )
    alone = reader_with(reader, network, task="detection")
    assert alone.readings() == ("line",)
    page = np.full((280, 280), 255, np.uint8)
    page[30:120, 30:60] = 0
    found = alone.line(png_of(Image.fromarray(page)))
    alone.close()
    assert (found.how, found.lines[0].labels) == ("detector", ("4", "7", "5"))
    assert found.things[0].box == pytest.approx((20, 30, 90, 130))
    assert network.images[-1][0, 0, 0, 0] == 0, "white paper was made dark"
    with pytest.raises(Refused, match=r"damaged|cannot be read"):
        alone.line(b"\x89PNG nonsense")


def test_boxes_on_a_large_scene_are_in_its_own_pixels(reader: Reader) -> None:
    """A JPEG that is decoded smaller than it is, and turned about."""
    alone = reader_with(reader, Finds((2, 3, 9, 13, 0.8, 4)), task="detection")
    page = np.full((2800, 2800), 255, np.uint8)
    page[300:1300, 200:900] = 0
    content = io.BytesIO()
    Image.fromarray(page).save(content, "JPEG")
    found = alone.line(content.getvalue())
    alone.close()
    assert (found.width, found.height) == (2800, 2800)
    assert found.things[0].box == pytest.approx((200, 300, 900, 1300))
    assert found.things[0].contenders[0].boxes[0].box == found.things[0].box


def test_sets_that_are_no_ink_have_no_lines(reader: Reader, three: bytes) -> None:
    (cnn,) = reader.panel.predictors
    plain = Reader(Panel((RunPredictor(cnn.record, cnn.network),)), 1, Limits())
    assert plain.readings() == ("one",)
    with pytest.raises(Refused, match="no ink"):
        plain.line(three)
    assert plain.one(three).contenders[0].label is not None
    plain.close()
