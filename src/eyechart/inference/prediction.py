"""What a trained run says of raw pictures, from the files of the run and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from eyechart.base import host
from eyechart.data.pictures import in_own_pixels, read_with_size
from eyechart.files.file_names import readable
from eyechart.inference import saved
from eyechart.inference.expected import Expected, expected_of
from eyechart.inference.predictor import NetworkPredictor
from eyechart.schema.contracts import Predictions
from eyechart.scoring.temperature import cooled
from eyechart.words.remarks import Remark, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyechart.inference.seeing import Seen
    from eyechart.schema import Preprocessing, RunRecord
    from eyechart.schema.contracts import ContenderModel, Images

PICTURES_AT_ONCE = 64  # through the network


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


@dataclass(frozen=True)
class RunPredictor:
    """A finished run, loaded once: arrays or pictures go in, answers after its temperature come out."""

    record: RunRecord
    network: NetworkPredictor
    expected: Expected = field(default_factory=Expected)  # of a picture that is like those it learned from

    @property
    def gives_boxes(self) -> bool:
        return self.network.gives_boxes

    def answer(self, images: Images) -> Predictions:
        """What it says of images uint8 (N, C, H, W), N > 0, of its dataset's channels and size."""
        predictions = self.network.answer(images)
        heat = self.record.temperature.value if self.record.temperature else 1.0
        return replace(predictions, probabilities=cooled(predictions.probabilities, heat))

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
        classes = self.record.dataset.classes
        boxes = _found(row, predictions, classes, seen.boxes_in_own_pixels)
        if self.record.task == "detection":
            answer = PictureAnswer(name, None, None, {}, boxes)
        else:
            answer = _answer(name, predictions.probabilities[row], classes, boxes)
        if predictions.boxes is not None and not boxes:
            return self._instead(answer._replace(probabilities={}), "nothing")
        if knows_unlike and self._is_unlike(answer, seen):
            return self._instead(answer, "unlike")
        return answer._replace(run=self.record.run, contender=self.record.contender)

    def _is_unlike(self, answer: PictureAnswer, seen: Seen) -> bool:
        if answer.probability is None:
            return False
        return bool(seen.oddities) or answer.probability < self.expected.least_sure

    def _instead(self, answer: PictureAnswer, remark: Remark, count: int = 0) -> PictureAnswer:
        """A remark in the place of a class."""
        said = in_words(remark, count=count, classes=self.record.dataset.classes)
        return answer._replace(
            label=None,
            probability=None,
            run=self.record.run,
            contender=self.record.contender,
            remark=remark,
            said=said,
        )

    def answer_pictures(self, pictures: Sequence[Path], *, is_upright: bool = True) -> list[PictureAnswer]:
        """Answers for pictures of any size and mode, in their order; DatasetError for one that cannot be read.

        Pictures are turned upright by their EXIF; not `is_upright`: taken as their files have them, as annotations do.
        """
        frame, classes = self.record.preprocessing, self.record.dataset.classes
        read = [read_as_the_run_does(path, frame, is_upright) for path in pictures]
        predictions = self.answer(np.stack([pixels for pixels, _ in read]))
        answers = []
        for row, (path, (_, own_size)) in enumerate(zip(pictures, read, strict=True)):
            size = (own_size, frame.image_height, frame.image_width)
            boxes = _found(row, predictions, classes, lambda found, size=size: in_own_pixels(found, *size))  # type: ignore[misc]
            name = readable(str(path))
            if self.record.task == "detection":
                answers.append(PictureAnswer(name, None, None, {}, boxes))
            else:
                answers.append(_answer(name, predictions.probabilities[row], classes, boxes))
        return answers


def open_run(run: Path, *, device: str = "auto") -> RunPredictor:
    """The trained model of a run's folder; StorageError for one that cannot be read."""
    chosen = host.select_device(device)
    record, model = saved.load_run_model(run, chosen)
    network = NetworkPredictor(cast("ContenderModel", model), chosen, PICTURES_AT_ONCE)
    return RunPredictor(record, network, expected_of(run, record))


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
