"""What a trained run says of raw pictures, from the files of the run and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from eyechart.base import host
from eyechart.data.pictures import read_picture
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


class PictureAnswer(NamedTuple):
    """The answer for one picture."""

    picture: str
    label: str  # the most probable class
    probability: float  # after the run's temperature, as all of them
    probabilities: dict[str, float]  # of every class, most probable first
    boxes: list[dict[str, object]]  # of a detector: label, score, box in pixels of the picture as the run reads it


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

    def answer_pictures(self, pictures: Sequence[Path]) -> list[PictureAnswer]:
        """Answers for pictures of any size and mode, in their order; DatasetError for one that cannot be read."""
        predictions = self.answer(read_pictures(pictures, self.record.preprocessing))
        classes = self.record.dataset.classes
        return [_answer(readable(str(path)), row, predictions, classes) for row, path in enumerate(pictures)]


def open_run(run: Path, *, device: str = "auto") -> RunPredictor:
    """The trained model of a run's folder; StorageError for one that cannot be read."""
    chosen = host.select_device(device)
    record, model = saved.load_run_model(run, chosen)
    return RunPredictor(record, NetworkPredictor(cast("ContenderModel", model), chosen, PICTURES_AT_ONCE))


def read_pictures(pictures: Sequence[Path], preprocessing: Preprocessing) -> np.ndarray:
    """Pictures as the run's dataset would have them: uint8 (N, C, H, W)."""
    return np.stack(
        [
            read_picture(
                path,
                channels=preprocessing.image_channels,
                height=preprocessing.image_height,
                width=preprocessing.image_width,
                rule=preprocessing.picture_rule,
            )
            for path in pictures
        ]
    )


def _answer(picture: str, row: int, predictions: Predictions, classes: tuple[str, ...]) -> PictureAnswer:
    probabilities = predictions.probabilities[row]
    order = np.argsort(-probabilities, kind="stable")
    boxes: list[dict[str, object]] = []
    if predictions.boxes is not None:
        assert predictions.box_image is not None
        assert predictions.box_scores is not None
        assert predictions.box_labels is not None
        boxes = [
            {
                "label": classes[int(predictions.box_labels[index])],
                "score": float(predictions.box_scores[index]),
                "box": [float(value) for value in predictions.boxes[index]],
            }
            for index in np.flatnonzero(predictions.box_image == row)
        ]
    return PictureAnswer(
        picture=picture,
        label=classes[int(order[0])],
        probability=float(probabilities[order[0]]),
        probabilities={classes[int(k)]: float(probabilities[k]) for k in order},
        boxes=boxes,
    )
