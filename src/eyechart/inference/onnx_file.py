"""A file that `eyechart export` wrote, opened without torch: from plain pictures to probabilities and boxes.

images  float32 (batch, C, H, W), 0..1, of the dataset's channels and size; any number of them
probabilities  float32 (batch, K), after the run's temperature
boxes, scores, labels  (batch, R, 4), (batch, R), (batch, R), best first, label -1 fills up: detectors alone
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eyechart.base.errors import MissingError, StorageError
from eyechart.files.file_names import readable
from eyechart.inference.expected import Expected
from eyechart.inference.prediction import PicturePredictor
from eyechart.schema.contracts import Predictions
from eyechart.schema.exported import ExportedCard, ModelFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from eyechart.schema.contracts import Images

SUFFIX = ".onnx"
METADATA = "eyechart"  # the key in the file
IMAGES_AT_ONCE = 64  # through the network


@dataclass(frozen=True)
class OnnxPredictor:
    """An exported run, opened once: a Predictor without torch."""

    session: Any
    card: ExportedCard

    @staticmethod
    def open(path: Path, providers: Sequence[str] = ("CPUExecutionProvider",), num_threads: int = 0) -> OnnxPredictor:
        """StorageError for a file that is none of ours, MissingError without onnxruntime; 0 threads: all cores."""
        if importlib.util.find_spec("onnxruntime") is None:
            raise MissingError(
                f"Asking {path} needs onnxruntime, which is not installed. Install: pip install onnxruntime"
            )
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.log_severity_level = 3  # errors alone: its warnings are about its own graph
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=list(providers))
        except Exception as error:  # it has errors of its own for each way in which a file is none
            why = " ".join(str(error).split())[:200]
            raise StorageError(f"{path} cannot be opened ({why}). Expected a file of eyechart export.") from None
        return OnnxPredictor(session, _card_in(path, session.get_modelmeta().custom_metadata_map))

    @property
    def gives_boxes(self) -> bool:
        return len(self.session.get_outputs()) > 1

    def answer(self, images: Images) -> Predictions:
        """For images uint8 (N, C, H, W), N > 0, of the dataset's channels and size."""
        return answered_in_parts(images, self._outputs)

    def _outputs(self, images: np.ndarray) -> list[np.ndarray]:
        outputs: list[np.ndarray] = self.session.run(None, {"images": np.asarray(images, np.float32) / np.float32(255)})
        return outputs


def answered_in_parts(images: Images, ask: Callable[[np.ndarray], Sequence[np.ndarray]]) -> Predictions:
    """What `ask` says of images uint8 (N, C, H, W), some at a time: probabilities, and a detector's boxes as above."""
    parts = [_from_outputs(ask(images[start : start + IMAGES_AT_ONCE]), start)
             for start in range(0, len(images), IMAGES_AT_ONCE)]  # fmt: skip
    joined = {name: np.concatenate([part.arrays()[name] for part in parts]) for name in parts[0].arrays()}
    return Predictions.from_arrays(joined)


def _from_outputs(outputs: Sequence[np.ndarray], first: int) -> Predictions:
    """Outputs of some images, which are numbered from `first` on."""
    if len(outputs) == 1:
        return Predictions(outputs[0])
    probabilities, boxes, scores, labels = outputs
    filled = labels >= 0  # (B, R)
    return Predictions(
        probabilities,
        box_image=(first + np.nonzero(filled)[0]).astype(np.int32),
        boxes=boxes[filled],
        box_scores=scores[filled],
        box_labels=labels[filled].astype(np.int32),
    )


def _card_in(path: Path, kept: dict[str, str]) -> ExportedCard:
    if METADATA not in kept:
        raise StorageError(f"{path} was not written by eyechart; expected a file of eyechart export.")
    try:
        return ExportedCard.model_validate_json(kept[METADATA])
    except ValueError as error:
        why = " ".join(str(error).split())[:200]
        raise StorageError(
            f"{path} does not say what it is in today's words ({why}). Another version of eyechart wrote it: use that "
            f"one, or export the run again."
        ) from None


# --------------------------------------------------------------------------------------------- pictures


def is_exported(path: Path) -> bool:
    """Whether a path names an exported file, by its name alone."""
    return path.suffix.lower() == SUFFIX and path.is_file()


def open_exported(path: Path) -> PicturePredictor:
    """An exported run that answers pictures as the run itself does, under the file's name.  Errors as its open has."""
    opened = OnnxPredictor.open(path)
    card = opened.card
    facts = ModelFacts(**{name: getattr(card, name) for name in ModelFacts.model_fields} | {"run": readable(path.name)})
    ink = None if card.task == "detection" else card.preprocessing.ink
    return PicturePredictor(facts, opened, Expected(ink, card.least_sure))
