"""What a trained run says of raw pictures, from the files of the run and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from eyechart import host, saved
from eyechart.data.pictures import read_picture
from eyechart.evaluation.predict import Predictions, predict
from eyechart.file_names import readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.contracts import ContenderModel
    from eyechart.schema import Preprocessing


class PictureAnswer(NamedTuple):
    """The answer for one picture."""

    picture: str
    label: str  # the most probable class
    probability: float
    probabilities: dict[str, float]  # of every class, most probable first
    boxes: list[dict[str, object]]  # of a detector: label, score, box in pixels of the picture as the run reads it


def predict_pictures(run: Path, pictures: Sequence[Path], *, device: str = "auto") -> list[PictureAnswer]:
    """Answers for pictures of any size and mode, in their order.

    Raises StorageError for a run that cannot be read, DatasetError for a picture that cannot.
    """
    chosen = host.select_device(device)
    record, model = saved.load_run_model(run, chosen)
    images = read_pictures(pictures, record.preprocessing)
    predictions = predict(cast("ContenderModel", model), images, device=chosen, batch_size=64)
    classes = record.dataset.classes
    return [_answer(readable(str(path)), row, predictions, classes) for row, path in enumerate(pictures)]


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
