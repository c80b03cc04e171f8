"""What a trained run says of raw pictures, from the files of the run and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from eyechart.base import host
from eyechart.data.pictures import in_own_pixels, read_with_size
from eyechart.files.file_names import readable
from eyechart.inference import saved
from eyechart.inference.predictor import NetworkPredictor
from eyechart.schema.contracts import Predictions
from eyechart.scoring.temperature import cooled

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    label: str | None  # the most probable class; None: a run on scenes, whose pictures have none
    probability: float | None  # after the run's temperature, as all of them
    probabilities: dict[str, float]  # of every class, most probable first; empty: a run on scenes
    boxes: list[FoundBox]  # of a detector

    def as_json(self) -> dict[str, object]:
        return {**self._asdict(), "boxes": [box._asdict() for box in self.boxes]}


@dataclass(frozen=True)
class RunPredictor:
    """A finished run, loaded once: arrays or pictures go in, answers after its temperature come out."""

    record: RunRecord
    network: NetworkPredictor

    @property
    def gives_boxes(self) -> bool:
        return self.network.gives_boxes

    def answer(self, images: Images) -> Predictions:
        """What it says of images uint8 (N, C, H, W), N > 0, of its dataset's channels and size."""
        predictions = self.network.answer(images)
        heat = self.record.temperature.value if self.record.temperature else 1.0
        return replace(predictions, probabilities=cooled(predictions.probabilities, heat))

    def answer_pictures(self, pictures: Sequence[Path], *, is_upright: bool = True) -> list[PictureAnswer]:
        """Answers for pictures of any size and mode, in their order; DatasetError for one that cannot be read.

        Pictures are turned upright by their EXIF; not `is_upright`: taken as their files have them, as annotations do.
        """
        frame, classes = self.record.preprocessing, self.record.dataset.classes
        read = [read_as_the_run_does(path, frame, is_upright) for path in pictures]
        predictions = self.answer(np.stack([pixels for pixels, _ in read]))
        answers = []
        for row, (path, (_, own_size)) in enumerate(zip(pictures, read, strict=True)):
            boxes = _boxes(row, predictions, classes, own_size, frame)
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
    return RunPredictor(record, NetworkPredictor(cast("ContenderModel", model), chosen, PICTURES_AT_ONCE))


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


def _boxes(
    row: int, predictions: Predictions, classes: tuple[str, ...], own_size: tuple[int, int], frame: Preprocessing
) -> list[FoundBox]:
    if predictions.boxes is None:
        return []
    found = predictions.found()
    of_row = np.flatnonzero(found.image == row)
    boxes = in_own_pixels(found.boxes[of_row], own_size, frame.image_height, frame.image_width)
    return [
        FoundBox(classes[int(found.labels[index])], float(found.scores[index]), tuple(box))
        for index, box in zip(of_row, boxes.tolist(), strict=True)
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
