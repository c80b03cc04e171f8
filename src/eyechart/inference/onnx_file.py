"""A trained run as one ONNX file: the whole of it, from plain pictures to probabilities and boxes.

    images  float32 (batch, C, H, W), 0..1, of the dataset's channels and size; any number of them
    probabilities  float32 (batch, K), after the run's temperature
    boxes, scores, labels  (batch, R, 4), (batch, R), (batch, R), best first, label -1 fills up: detectors alone

Classes, preprocessing, task and the hash of the weights stand in the file's metadata.  Before the file is put in its
place, it is asked beside torch about test pictures, single and several, and one with nothing on it: who exports a
network that answers something else is told so.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from eyechart.base.errors import RunFailed, StorageError, UsageError
from eyechart.base.plain_json import json_text
from eyechart.files.storage import read_arrays, write_bytes
from eyechart.inference.saved import load_run_model
from eyechart.schema import RunRecord
from eyechart.schema.contracts import Images, Predictions
from eyechart.scoring.box_matching import box_iou

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

METADATA = "eyechart"  # the key in the file
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
TOLERANCE = 1e-3  # of a probability
LEAST_SCORE = 0.3  # of a box that both must have, with the same class
LEAST_IOU = 0.99
NUM_CHECKED = 16  # pictures


class Answering(nn.Module):
    """What the file computes: a run's model with its temperature."""

    def __init__(self, model: nn.Module, heat: float):
        super().__init__()
        self.model, self.heat = model, heat

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        answer = self.model.answer(images)  # type: ignore[operator]
        probabilities = (answer.probabilities.clamp(min=1e-30).log() / self.heat).softmax(dim=1)
        if answer.detections is None:
            return (probabilities,)
        found = answer.detections
        return probabilities, found.boxes, found.scores, found.labels


def export_run(run: Path, target: Path) -> int:
    """Write the ONNX file of a finished run; how many pictures it was checked on.

    Raises UsageError where a package is missing or `target` is there, StorageError for a run that cannot be read or a
    disk that refuses, RunFailed where the file would not answer as the run does.
    """
    _check_packages()
    if target.exists():
        raise UsageError(f"{target} is there; expected a new file. Choose another --output.")
    record, model = load_run_model(run, torch.device("cpu"))
    heat = record.temperature.value if record.temperature else 1.0
    pictures = _pictures(run, record)
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / "model.onnx"
        _export(Answering(model, heat).eval(), pictures, made, record)
        check_alike(OnnxPredictor.open(made), Answering(model, heat).eval(), pictures)
        write_bytes(target, made.read_bytes())
    return len(pictures)


def _check_packages() -> None:
    import importlib.util

    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"Writing ONNX needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. "
            f"Install: pip install 'eyechart[onnx]'."
        )


def _pictures(run: Path, record: RunRecord) -> np.ndarray:
    """uint8 (N, C, H, W): the first test pictures, and one with nothing on it; that one alone where they are gone."""
    frame = record.preprocessing
    blank = np.zeros((1, frame.image_channels, frame.image_height, frame.image_width), np.uint8)
    try:
        images = read_arrays(run.parent / record.items)["images"][: NUM_CHECKED - 1]
    except (StorageError, KeyError):
        return np.concatenate([blank, np.full_like(blank, 255)])
    return np.concatenate([images, blank])


def _export(model: Answering, pictures: np.ndarray, target: Path, record: RunRecord) -> None:
    import onnx

    images = _floats(pictures[:2])
    names = ["probabilities", "boxes", "scores", "labels"][: len(model(images))]
    program = torch.onnx.export(
        model,
        (images,),
        input_names=["images"],
        output_names=names,
        dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    assert program is not None, "the exporter gives a program"
    made: onnx.ModelProto = program.model_proto
    entry = made.metadata_props.add()
    entry.key, entry.value = METADATA, json_text(card_of(record))
    target.write_bytes(made.SerializeToString())


def card_of(record: RunRecord) -> dict[str, Any]:
    """What stands in the metadata."""
    return {
        "run": record.run,
        "contender": record.contender,
        "task": record.task,
        "classes": record.dataset.classes,
        "preprocessing": record.preprocessing.model_dump(mode="json"),
        "temperature": record.temperature.value if record.temperature else None,
        "weights_sha256": record.weights_sha256,
        "licence_of_data": record.dataset.licence,
    }


def _floats(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(pictures)).float().div_(255)


# --------------------------------------------------------------------------------------------- asking it


@dataclass(frozen=True)
class OnnxPredictor:
    """An exported run, opened once: a Predictor without torch."""

    session: Any
    card: Mapping[str, Any]

    @staticmethod
    def open(path: Path, providers: Sequence[str] = ("CPUExecutionProvider",)) -> OnnxPredictor:
        import json

        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=list(providers))
        kept = session.get_modelmeta().custom_metadata_map
        if METADATA not in kept:
            raise StorageError(f"{path} was not written by eyechart; expected a file of eyechart export.")
        return OnnxPredictor(session, json.loads(kept[METADATA]))

    @property
    def gives_boxes(self) -> bool:
        return len(self.session.get_outputs()) > 1

    def answer(self, images: Images) -> Predictions:
        """For images uint8 (N, C, H, W), N > 0, of the dataset's channels and size."""
        floats = np.asarray(images[:], np.float32) / 255
        outputs = self.session.run(None, {"images": floats})
        if not self.gives_boxes:
            return Predictions(outputs[0])
        probabilities, boxes, scores, labels = outputs
        filled = labels >= 0
        return Predictions(
            probabilities,
            box_image=np.nonzero(filled)[0].astype(np.int32),
            boxes=boxes[filled],
            box_scores=scores[filled],
            box_labels=labels[filled].astype(np.int32),
        )


def check_alike(exported: OnnxPredictor, model: Answering, pictures: np.ndarray) -> None:
    """RunFailed where the file and torch differ on these pictures, asked one by one and all at once."""
    with torch.inference_mode():
        outputs = [output.numpy() for output in model(_floats(pictures))]
    for start, stop in [(0, len(pictures)), *((n, n + 1) for n in (0, len(pictures) - 1))]:
        answered = exported.answer(pictures[start:stop])
        furthest = float(np.abs(answered.probabilities - outputs[0][start:stop]).max())
        if not furthest <= TOLERANCE:
            raise RunFailed(_unlike(f"a probability is {furthest:.4f} away"))
        if exported.gives_boxes and (found := _unmatched(answered, [each[start:stop] for each in outputs[1:]])):
            raise RunFailed(_unlike(found))


def _unlike(what: str) -> str:
    return (
        f"The exported file answers something else than the run: {what}. Nothing was written. Other versions of torch "
        f"or onnxscript may export it rightly."
    )


def _are_alike(boxes: np.ndarray, twins: np.ndarray) -> np.ndarray:
    """bool (N,): nearly the same box; of whole edges, one that was rounded the other way is the same as well."""
    are_whole = (boxes == boxes.round()).all(axis=1) & (twins == twins.round()).all(axis=1)
    alike: np.ndarray = (box_iou(boxes, twins) >= LEAST_IOU) | (are_whole & (np.abs(boxes - twins) <= 1).all(axis=1))
    return alike


def _unmatched(answered: Predictions, outputs: list[np.ndarray]) -> str:
    """What a box of torch's has no twin for among those of the file; empty: all have."""
    found = answered.found()
    boxes, scores, labels = outputs
    for image, row in zip(*np.nonzero(scores >= LEAST_SCORE), strict=True):
        own = (found.image == image) & (found.labels == labels[image, row])
        twins = found.boxes[own]
        if not len(twins) or not _are_alike(np.broadcast_to(boxes[image, row], twins.shape), twins).any():
            return f"a box of picture {image} ({scores[image, row]:.2f}) has no twin"
    return ""
