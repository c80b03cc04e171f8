"""What a trained run, or a file that was exported from one, says of raw pictures.

Torch is loaded where a run is opened, and nowhere else.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from eyechart.base.errors import MissingError
from eyechart.data.pictures import in_own_pixels, read_with_size
from eyechart.files.file_names import readable
from eyechart.inference.expected import Expected, expected_of
from eyechart.schema.exported import ModelFacts
from eyechart.scoring.temperature import cooled
from eyechart.words.remarks import Remark, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyechart.inference.seeing import Seen
    from eyechart.schema import Preprocessing, RunRecord
    from eyechart.schema.contracts import ContenderModel, Images, Predictions, Predictor

PICTURES_AT_ONCE = 64  # through the network
NOT_KNOWN = Expected()


class FoundBox(NamedTuple):
    """One box of a detector."""

    label: str
    score: float
    box: tuple[float, float, float, float]  # left, top, right, bottom in the picture's own pixels


class PictureAnswer(NamedTuple):
    """The answer for one picture."""

    picture: str
    label: str | None  # the most probable class; None: see `remark` and `error`, or a run on scenes, which name none
    probability: float | None  # after the run's temperature, as all of them
    probabilities: dict[str, float]  # of every class, most probable first; empty: no network was asked, or scenes
    boxes: list[FoundBox]  # of a detector
    run: str = ""
    contender: str = ""
    remark: Remark | None = None  # why there is no answer, and what is said instead
    said: str = ""  # the remark in words
    error: str = ""  # why the picture could not be read

    def as_json(self) -> dict[str, object]:
        return {**self._asdict(), "boxes": [box._asdict() for box in self.boxes]}

    @property
    def in_short(self) -> str:
        """One line: the class, or what stands in its place."""
        if self.label is not None:
            return self.label
        return self.said or ("cannot be read" if self.error else f"{len(self.boxes)} found")


class PicturePredictor:
    """Something trained, opened once: arrays or pictures go in, answers after its temperature come out."""

    def __init__(self, facts: ModelFacts, network: Predictor, expected: Expected = NOT_KNOWN):
        self.facts, self.network = facts, network
        self.expected = expected  # of a picture that is like those it learned from

    @property
    def gives_boxes(self) -> bool:
        return self.network.gives_boxes

    def answer(self, images: Images) -> Predictions:
        """What it says of images uint8 (N, C, H, W), N > 0, of its dataset's channels and size."""
        return self.network.answer(images)

    def answer_seen(
        self, names: Sequence[str], seen: Sequence[Seen], *, knows_unlike: bool = True
    ) -> list[PictureAnswer]:
        """Answers for pictures that were seen by this run's frame, in their order.

        Not `knows_unlike`: a class is named however unlike the training images a picture is.
        """
        asked = [pixels for one in seen if (pixels := one.pixels) is not None]
        predictions = self.answer(np.stack(asked)) if asked else None
        answers, row = [], 0
        for name, one in zip(names, seen, strict=True):
            if one.pixels is None or predictions is None:
                assert one.refusal, "what is not refused has pixels"
                answers.append(self._instead(PictureAnswer(name, None, None, {}, []), one.refusal, one.num_things))
                continue
            answers.append(self._answer_row(name, row, predictions, one, knows_unlike))
            row += 1
        return answers

    def _answer_row(
        self, name: str, row: int, predictions: Predictions, seen: Seen, knows_unlike: bool
    ) -> PictureAnswer:
        classes = self.facts.classes
        boxes = _found(row, predictions, classes, seen.boxes_in_own_pixels)
        if self.facts.task == "detection":
            answer = PictureAnswer(name, None, None, {}, boxes)
        else:
            answer = _answer(name, predictions.probabilities[row], classes, boxes)
        if predictions.boxes is not None and not boxes:
            return self._instead(answer._replace(probabilities={}), "nothing")
        if knows_unlike and self._is_unlike(answer, seen):
            return self._instead(answer, "unlike")
        return answer._replace(run=self.facts.run, contender=self.facts.contender)

    def _is_unlike(self, answer: PictureAnswer, seen: Seen) -> bool:
        if answer.probability is None:
            return False
        return bool(seen.oddities) or answer.probability < self.expected.least_sure

    def _instead(self, answer: PictureAnswer, remark: Remark, count: int = 0) -> PictureAnswer:
        """A remark in the place of a class."""
        said = in_words(remark, count=count, classes=self.facts.classes)
        return answer._replace(
            label=None,
            probability=None,
            run=self.facts.run,
            contender=self.facts.contender,
            remark=remark,
            said=said,
        )

    def answer_pictures(self, pictures: Sequence[Path], *, is_upright: bool = True) -> list[PictureAnswer]:
        """Answers for pictures of any size and mode, in their order; DatasetError for one that cannot be read.

        Pictures are turned upright by their EXIF; not `is_upright`: taken as their files have them, as annotations do.
        """
        frame, classes = self.facts.preprocessing, self.facts.classes
        read = [read_as_the_run_does(path, frame, is_upright) for path in pictures]
        predictions = self.answer(np.stack([pixels for pixels, _ in read]))
        answers = []
        for row, (path, (_, own_size)) in enumerate(zip(pictures, read, strict=True)):
            size = (own_size, frame.image_height, frame.image_width)
            boxes = _found(row, predictions, classes, lambda found, size=size: in_own_pixels(found, *size))  # type: ignore[misc]
            name = readable(str(path))
            if self.facts.task == "detection":
                answers.append(PictureAnswer(name, None, None, {}, boxes))
            else:
                answers.append(_answer(name, predictions.probabilities[row], classes, boxes))
        return answers


class RunPredictor(PicturePredictor):
    """A finished run."""

    def __init__(self, record: RunRecord, network: Predictor, expected: Expected = NOT_KNOWN):
        """`network` gives probabilities as they come, before the run's temperature."""
        super().__init__(facts_of(record), network, expected)
        self.record = record

    def answer(self, images: Images) -> Predictions:
        predictions = self.network.answer(images)
        return replace(predictions, probabilities=cooled(predictions.probabilities, self.facts.temperature or 1.0))


def open_run(run: Path, *, device: str = "auto") -> RunPredictor:
    """The trained model of a run's folder; StorageError for one that cannot be read, MissingError without torch."""
    if importlib.util.find_spec("torch") is None:
        raise MissingError(
            f"{run} is a run, and opening one needs torch, which is not installed here. Install eyechart whole, or ask "
            f"a file: eyechart export {run} -o FILE.onnx, where torch is."
        )
    from eyechart.base import host
    from eyechart.inference import saved
    from eyechart.inference.predictor import NetworkPredictor

    chosen = host.select_device(device)
    record, model = saved.load_run_model(run, chosen)
    network = NetworkPredictor(cast("ContenderModel", model), chosen, PICTURES_AT_ONCE)
    return RunPredictor(record, network, expected_of(run, record))


def facts_of(record: RunRecord) -> ModelFacts:
    return ModelFacts(
        run=record.run,
        contender=record.contender,
        title=record.recipe.title,
        task=record.task,
        dataset=record.dataset.title,
        classes=record.dataset.classes,
        preprocessing=record.preprocessing,
        temperature=record.temperature.value if record.temperature else None,
    )


def read_as_the_run_does(
    picture: Path, frame: Preprocessing, is_upright: bool = True
) -> tuple[np.ndarray, tuple[int, int]]:
    """A picture as the run's dataset would have it, uint8 (C, H, W), and its own (height, width)."""
    return read_with_size(
        picture,
        channels=frame.image_channels,
        height=frame.image_height,
        width=frame.image_width,
        rule=frame.picture_rule,
        is_upright=is_upright,
    )


def _found(
    row: int, predictions: Predictions, classes: tuple[str, ...], to_own: Callable[[np.ndarray], np.ndarray]
) -> list[FoundBox]:
    """The boxes of one image, in the picture's own pixels; none of a classifier."""
    if predictions.boxes is None:
        return []
    found = predictions.found()
    of_row = np.flatnonzero(found.image == row)
    return [
        FoundBox(classes[int(found.labels[index])], float(found.scores[index]), tuple(box))
        for index, box in zip(of_row, to_own(found.boxes[of_row]).tolist(), strict=True)
    ]


def _answer(picture: str, probabilities: np.ndarray, classes: tuple[str, ...], boxes: list[FoundBox]) -> PictureAnswer:
    order = np.argsort(-probabilities, kind="stable")
    return PictureAnswer(
        picture=picture,
        label=classes[int(order[0])],
        probability=float(probabilities[order[0]]),
        probabilities={classes[int(k)]: float(probabilities[k]) for k in order},
        boxes=boxes,
    )
