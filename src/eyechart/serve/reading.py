"""One picture, and what every contender says of it: as one thing, or as a line of things.

The networks are small: each is asked in one thread, and several at once, which answers sooner than all threads for one
network after the other, and goes on well where other programs use the cores.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from eyechart.data.marks import reading_order
from eyechart.data.parting import Part, part
from eyechart.data.pictures import on_ground, open_layers
from eyechart.files.pictures import as_picture, png, png_url
from eyechart.inference.panel import Panel, answer_all
from eyechart.inference.prediction import PictureAnswer, PicturePredictor
from eyechart.inference.seeing import LEAST_DECODED, Seen, Source
from eyechart.serve.answers import (
    Agreement,
    Box,
    ClassProbability,
    ContenderAnswer,
    LineText,
    PictureAnswers,
    Reading,
    Said,
    StepPicture,
    Thing,
)
from eyechart.serve.card import readings_of
from eyechart.serve.limits import Limits
from eyechart.serve.refusals import Refused
from eyechart.words.remarks import Remark, in_words

if TYPE_CHECKING:
    from eyechart.schema import InkFacts

NAME = "The upload"  # in errors about a picture
MOST_CLASSES = 10  # that an answer lists
LEAST_SCORE = 0.5  # of a detector's box that is read
MOST_SHARED = 0.5  # of the smaller of two boxes that are both read


class _Timed(NamedTuple):
    """What one contender said of some pictures."""

    predictor: PicturePredictor
    seen: list[Seen]
    answers: list[PictureAnswer]
    milliseconds: float


class Reader:
    """A panel that answers one picture at a time."""

    def __init__(self, panel: Panel, num_threads: int, limits: Limits):
        self.panel, self._limits = panel, limits
        self._pool = ThreadPoolExecutor(num_threads, thread_name_prefix="network", initializer=one_thread)
        self.is_idle = threading.Event()  # nobody is asked at this moment
        self.is_idle.set()
        self._usual = dict.fromkeys(range(len(panel.predictors)), 0.0)  # milliseconds, by place in the panel

    @property
    def ink(self) -> InkFacts | None:
        """What pictures are brought to; None: they are taken as they come."""
        return self.panel.predictors[0].expected.ink

    @property
    def is_detection(self) -> bool:
        return self.panel.predictors[0].facts.task == "detection"

    def readings(self) -> tuple[Reading, ...]:
        return readings_of(self.panel)

    def warm_up(self) -> None:
        """Ask everybody once, so that the first person who draws need not wait."""
        stroke = np.full((200, 200), 255, np.uint8)
        stroke[50:150, 90:110] = 0
        for _ in range(2):  # the second time, libraries have chosen how to compute
            self._ask([Source(NAME, png(Image.fromarray(stroke)))], raw=False)

    def one(self, content: bytes, *, raw: bool = False, with_steps: bool = False) -> PictureAnswers:
        """A picture as one thing.  Raises Refused for one that cannot be read."""
        started = time.perf_counter()
        timed = self._ask([Source(NAME, content)], raw=raw)
        seen = timed[0].seen[0]
        contenders = tuple(_told(each, 0, seen.num_things, each.milliseconds) for each in timed)
        return PictureAnswers(
            reading="one",
            how="whole",
            width=seen.own_size[1],
            height=seen.own_size[0],
            seen=None if seen.pixels is None else png_url(as_picture(seen.pixels)),
            steps=_steps(seen) if with_steps else (),
            contenders=contenders,
            agreement=agreement([each.label for each in contenders]),
            milliseconds=since(started),
        )

    def line(self, content: bytes) -> PictureAnswers:
        """A picture as a line of things, or several.  Raises Refused where that cannot be."""
        if self.is_detection:
            return self._by_detector(content)
        if not self.ink:
            raise Refused(422, "This study's images are no ink on even ground: only reading=one is to be had.")
        started = time.perf_counter()
        frame = self.panel.predictors[0].facts.preprocessing
        picture, own_size = _readable(lambda: open_layers(NAME, content, LEAST_DECODED, frame.picture_rule))
        decoded = own_size[1] / picture.width  # above 1: a JPEG came smaller
        parts = part(picture)
        if len(parts) > self._limits.things:
            most = self._limits.things
            raise Refused(422, f"{len(parts)} things stand apart on the picture; expected at most {most}.")
        timed = self._ask([Source(NAME, png(each.picture)) for each in parts], raw=False) if parts else []
        things = tuple(_thing(timed, place, each, decoded) for place, each in enumerate(parts))
        return PictureAnswers(
            reading="line",
            how="components",
            width=own_size[1],
            height=own_size[0],
            things=things,
            lines=tuple(
                LineText(
                    run=each.predictor.facts.run,
                    contender=each.predictor.facts.contender,
                    labels=tuple(answer.label for answer in each.answers),
                    milliseconds=each.milliseconds,
                )
                for each in timed
            ),
            milliseconds=since(started),
        )

    def _by_detector(self, content: bytes) -> PictureAnswers:
        """What the detectors of a study on scenes find; the things are those of the first."""
        started = time.perf_counter()
        scene, own_size, decoded = self._as_scene(content)
        timed = self._ask([Source(NAME, scene)], raw=False)
        seen = timed[0].seen[0]
        contenders = [_larger(_told(each, 0, 1, each.milliseconds), decoded) for each in timed]
        found = [_in_order(_apart(each.boxes)) for each in contenders]
        return PictureAnswers(
            reading="line",
            how="detector",
            width=own_size[1],
            height=own_size[0],
            seen=None if seen.pixels is None else png_url(as_picture(seen.pixels)),
            things=tuple(_boxed(contenders[0], box) for box in found[0]),
            lines=tuple(
                LineText(
                    run=each.run,
                    contender=each.contender,
                    labels=tuple(box.label for box in boxes),
                    milliseconds=each.milliseconds,
                )
                for each, boxes in zip(contenders, found, strict=True)
            ),
            milliseconds=since(started),
        )

    def _as_scene(self, content: bytes) -> tuple[bytes, tuple[int, int], float]:
        """Dark ink on light paper turned about, where the scenes are light on dark.

        Beside it the picture's own (height, width), and how many of its pixels one of the new picture is.
        """
        frame = self.panel.predictors[0].facts.preprocessing
        picture, own_size = _readable(lambda: open_layers(NAME, content, LEAST_DECODED, frame.picture_rule))
        grey = np.asarray(on_ground(picture, frame.picture_rule).convert("L"))
        if frame.image_channels == 3 or (np.median(grey) > 127) == (frame.mean[0] > 0.5):
            return content, own_size, 1.0
        return png(Image.fromarray(255 - grey)), own_size, own_size[1] / picture.width  # a JPEG came smaller

    def _ask(self, sources: Sequence[Source], *, raw: bool) -> list[_Timed]:
        """Everybody about the same pictures, the slowest first; in the panel's order."""
        self.is_idle.clear()
        try:
            return self._asked(sources, raw)
        finally:
            self.is_idle.set()

    def _asked(self, sources: Sequence[Source], raw: bool) -> list[_Timed]:
        views = [[seen_or_refused(one) for one in seen] for seen in self.panel.see(sources, raw=raw)]

        def ask(place: int) -> _Timed:
            predictor, started = self.panel.predictors[place], time.perf_counter()
            answers = answer_all(predictor, sources, views[place], raw=raw)
            return _Timed(predictor, views[place], answers, since(started))

        places = sorted(self._usual, key=lambda place: -self._usual[place])
        pending = {place: self._pool.submit(ask, place) for place in places}
        timed = [pending[place].result() for place in sorted(places)]
        self._usual = {place: each.milliseconds for place, each in enumerate(timed)}
        return timed

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def agreement(labels: Sequence[str | None]) -> Agreement:
    """What most of these say; nothing where as many say something else."""
    ranked = Counter(label for label in labels if label is not None).most_common(2)
    is_tied = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
    if not ranked or is_tied:
        return Agreement(label=None, num_agree=ranked[0][1] if ranked else 0, num_asked=len(labels))
    return Agreement(label=ranked[0][0], num_agree=ranked[0][1], num_asked=len(labels))


def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def since(started: float) -> float:
    """Milliseconds."""
    return round(1000 * (time.perf_counter() - started), 2)


def _readable(read: Callable[[], tuple[Image.Image, tuple[int, int]]]) -> tuple[Image.Image, tuple[int, int]]:
    from eyechart.base.errors import DatasetError

    try:
        return read()
    except DatasetError as error:
        raise Refused(400, error.told()) from None


def seen_or_refused(one: Seen | str) -> Seen:
    if isinstance(one, str):
        raise Refused(400, one)
    return one


def _told(timed: _Timed, row: int, num_things: int, milliseconds: float) -> ContenderAnswer:
    answer, facts = timed.answers[row], timed.predictor.facts
    most = list(answer.probabilities.items())[:MOST_CLASSES]
    return ContenderAnswer(
        run=facts.run,
        contender=facts.contender,
        label=answer.label,
        probability=answer.probability,
        classes=tuple(ClassProbability(label=label, probability=value) for label, value in most),
        remark=answer.remark,
        said=said_of(answer.remark, num_things, facts.classes) if answer.remark else None,
        boxes=tuple(Box(label=box.label, score=box.score, box=box.box) for box in answer.boxes),
        milliseconds=milliseconds,
    )


def said_of(remark: Remark, count: int, classes: tuple[str, ...]) -> Said:
    english, french = (in_words(remark, count=count, classes=classes, french=is_french) for is_french in (False, True))
    return Said(en=english, fr=french)


def _thing(timed: Sequence[_Timed], place: int, one: Part, decoded: float) -> Thing:
    """What stands apart, with the boxes of detectors where they are on the whole picture."""
    seen = timed[0].seen[place]
    told = [_told(each, place, each.seen[place].num_things, each.milliseconds / len(each.answers)) for each in timed]
    moved = tuple(
        answer.model_copy(update={"boxes": tuple(_moved(box, one, decoded) for box in answer.boxes)}) for answer in told
    )
    left, top, right, bottom = (edge * decoded for edge in one.box)
    return Thing(
        box=(left, top, right, bottom),
        seen=None if seen.pixels is None else png_url(as_picture(seen.pixels)),
        contenders=moved,
        agreement=agreement([each.label for each in moved]),
    )


def _moved(found: Box, one: Part, decoded: float) -> Box:
    left, top, right, bottom = (edge * one.scale for edge in found.box)
    x, y = one.corner
    placed = (decoded * (left + x), decoded * (top + y), decoded * (right + x), decoded * (bottom + y))
    return found.model_copy(update={"box": placed})


def _larger(answer: ContenderAnswer, decoded: float) -> ContenderAnswer:
    """With its boxes in pixels of a picture that is so many times as large."""
    boxes = []
    for found in answer.boxes:
        left, top, right, bottom = (decoded * edge for edge in found.box)
        boxes.append(found.model_copy(update={"box": (left, top, right, bottom)}))
    return answer.model_copy(update={"boxes": tuple(boxes)})


def _boxed(answer: ContenderAnswer, box: Box) -> Thing:
    """One box of a detector as a thing of a line."""
    told = answer.model_copy(
        update={"label": box.label, "probability": box.score, "remark": None, "said": None, "boxes": (box,)}
    )
    return Thing(box=box.box, seen=None, contenders=(told,), agreement=agreement([box.label]))


def _apart(boxes: Sequence[Box]) -> list[Box]:
    """The surest of those that lie over each other, whatever their classes: one thing is read once."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda each: -each.score):
        if box.score >= LEAST_SCORE and all(_shared(box, other) <= MOST_SHARED for other in kept):
            kept.append(box)
    return kept


def _shared(one: Box, other: Box) -> float:
    """How much of the smaller box lies in the other, 0..1."""
    edges = [(max if place < 2 else min)(one.box[place], other.box[place]) for place in range(4)]
    inside = max(0.0, edges[2] - edges[0]) * max(0.0, edges[3] - edges[1])
    least = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one.box, other.box))
    return inside / least if least > 0 else 1.0


def _in_order(boxes: Sequence[Box]) -> list[Box]:
    return [boxes[place] for place in reading_order([box.box for box in boxes])]


def _steps(seen: Seen) -> tuple[StepPicture, ...]:
    return tuple(
        StepPicture(name=step.name, words=step.words, picture=png_url(Image.fromarray(step.picture)))
        for step in seen.steps
    )
