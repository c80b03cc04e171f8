"""Answers are put together in JavaScript as the server does: who agrees, what boxes become, what is refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eyechart.inference.panel import Panel
from eyechart.inference.prediction import PicturePredictor
from eyechart.serve.card import study_card
from eyechart.serve.limits import Limits
from eyechart.serve.reading import Reader
from eyechart.web.folder import sentences
from tests.serve.test_reading import Finds, png_of, reader_with
from tests.web.conftest import Do

Boxes = list[tuple[float, float, float, float, float, int]]
TIMES = ("milliseconds", "seen")  # a picture as a data URL is the browser's


def both_ways(do: Do, asked: Reader, content: bytes, reading: str, answers: list[dict[str, Any]]) -> tuple[Any, Any]:
    """What the page's modules and the server's reader say, networks answering the same to both."""
    panel, classes = asked.panel, asked.panel.predictors[0].facts.classes
    card = {
        "study": study_card(panel, "study", Limits(), report=None, api=None).model_dump(mode="json"),
        "remarks": {key: said.model_dump() for key, said in sentences(classes).items()},
        "runs": [
            {
                "run": each.facts.run,
                "contender": each.facts.contender,
                "preprocessing": each.facts.preprocessing.model_dump(mode="json"),
                "ink": each.expected.ink and each.expected.ink.model_dump(mode="json"),
                "least_sure": each.expected.least_sure,
            }
            for each in panel.predictors
        ],
    }
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    (theirs,) = do([{"what": "read", "card": card, "answers": answers, "reading": reading}], [pixels])
    ours = (asked.line if reading == "line" else asked.one)(content).model_dump(mode="json")
    return theirs, ours


def check_alike(one: Any, other: Any) -> None:
    """The same but for times, and for numbers that one side has in single precision."""
    if isinstance(other, dict):
        assert set(one) == set(other)
        for key in set(other) - set(TIMES):
            check_alike(one[key], other[key])
    elif isinstance(other, list | tuple):
        assert len(one) == len(other)
        for each, twin in zip(one, other, strict=True):
            check_alike(each, twin)
    else:
        assert one == (pytest.approx(other, abs=1e-3) if isinstance(other, float) else other)


def answer_of(boxes: Boxes | None, likely: int = 3) -> dict[str, Any]:
    """As networks.js gives it: boxes best first."""
    chances = [0.91 if place == likely else 0.01 for place in range(10)]
    found = [{"label": label, "score": score, "box": box} for *box, score, label in boxes or ()]
    return {"probabilities": chances, "boxes": None if boxes is None else found}


@pytest.fixture
def says_three(reader: Reader) -> Callable[..., Reader]:
    """A detector that finds these boxes on every picture, in the place of the trained panel."""

    def made(boxes: Boxes, **changed: Any) -> Reader:
        finds = reader_with(reader, Finds(*boxes), **changed).panel.predictors[-1]
        plain = finds.facts.model_copy(update={"temperature": None})  # exported networks have applied theirs
        return Reader(Panel((PicturePredictor(plain, finds.network, finds.expected),)), 1, Limits())

    return made


@pytest.mark.parametrize("boxes", [[(4.0, 4.0, 24.0, 24.0, 0.9, 3)], []])
def test_boxes_lie_where_the_server_has_them(
    do: Do, says_three: Callable[..., Reader], boxes: Boxes, three: bytes, line: bytes
) -> None:
    asked = says_three(boxes)
    for content, reading in ((three, "one"), (line, "one"), (line, "line"), (png_of(Image.new("L", (50, 40))), "one")):
        theirs, ours = both_ways(do, asked, content, reading, [answer_of(boxes)])
        check_alike(theirs, ours)
    asked.close()


def test_a_detector_on_scenes_reads_the_picture_itself(do: Do, says_three: Callable[..., Reader]) -> None:
    """In reading order, boxes that are sure enough and lie apart; light on dark, as its scenes are."""
    boxes: Boxes = [
        (4, 18, 9, 27, 0.95, 5),
        (20, 2, 26, 12, 0.9, 7),
        (2, 3, 9, 13, 0.8, 4),
        (20, 3, 26, 8, 0.7, 1),
        (12, 3, 16, 12, 0.2, 1),
    ]
    asked = says_three(boxes, task="detection")
    page = np.full((300, 280), 255, np.uint8)
    page[30:120, 30:60] = 0
    theirs, ours = both_ways(do, asked, png_of(Image.fromarray(page)), "line", [answer_of(boxes)])
    for told in (theirs, ours):
        for one in told["things"]:
            for answer in one["contenders"]:
                answer.pop("classes")
        assert [each["labels"] for each in told["lines"]] == [["4", "7", "5"]]
    check_alike(theirs, ours)
    asked.close()


@pytest.mark.parametrize("behind", [255, 0])
def test_a_transparent_picture_is_turned_about_as_it_is_seen(
    do: Do, says_three: Callable[..., Reader], behind: int
) -> None:
    """Ink on nothing lies on white, whatever colour stands behind what cannot be seen."""
    asked = says_three([(2, 3, 9, 13, 0.8, 4)], task="detection")
    page = np.full((300, 280, 4), (behind, behind, behind, 0), np.uint8)
    page[30:120, 30:60] = (0, 0, 0, 255)
    theirs, ours = both_ways(do, asked, png_of(Image.fromarray(page)), "line", [answer_of([(2, 3, 9, 13, 0.8, 4)])])
    check_alike(theirs, ours)
    content, _, _ = asked._as_scene(png_of(Image.fromarray(page)))
    grey = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    assert np.median(grey) == 0, "light on dark, as its scenes are"
    assert grey[60, 45] == 255
    asked.close()


def test_a_worker_that_could_not_be_loaded_is_told_to_whoever_asks_later(do: Do) -> None:
    assert do([{"what": "ask"}], [np.zeros((1, 1), np.uint8)]) == ["404"]
