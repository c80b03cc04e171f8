"""A run as one ONNX file: it answers as torch does, for any number of pictures, and says what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyechart.base.errors import RunFailed, StorageError, UsageError
from eyechart.files.storage import read_run
from eyechart.inference.onnx_file import Answering, OnnxPredictor, _are_alike, check_alike, export_run
from eyechart.inference.prediction import open_run
from tests.in_process import eyechart

pytestmark = pytest.mark.slow

pytest.importorskip("onnxruntime")

SCENES = "scenes:digits,level=easy,canvas=64,side=16-24,count=1-3,train=64,validation=12,test=16"


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained so far that it finds something."""
    home = tmp_path_factory.mktemp("onnx")
    words = ["run", "-d", SCENES, "--steps", 150, "--output", home, "--name", "s", "--threads", 1, "--offline"]
    done = eyechart(*words)
    assert done.returncode == 0, done.stderr
    return home / "s" / "fasterrcnn-s0"


@pytest.fixture(scope="module")
def exported(detector: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("exported") / "detector.onnx"
    done = eyechart("export", detector, "-o", target)
    assert done.returncode == 0, done.stderr
    assert "answers as the run does on 16 pictures" in done.stdout
    return target


@pytest.mark.parametrize("number", [1, 3, 16])
def test_boxes_are_those_of_torch_for_any_number_of_pictures(detector: Path, exported: Path, number: int) -> None:
    random = np.random.default_rng(number)
    pictures = random.integers(0, 255, (number, 1, 64, 64)).astype(np.uint8)
    pictures[0] = 0  # nothing on it
    ours, theirs = open_run(detector, device="cpu").answer(pictures), OnnxPredictor.open(exported).answer(pictures)
    np.testing.assert_allclose(theirs.probabilities, ours.probabilities, atol=1e-3)
    sure = ours.found().scores > 0.3
    for image, box, label in zip(
        *(part[sure] for part in (ours.found().image, ours.found().boxes, ours.found().labels)), strict=True
    ):
        own = (theirs.found().image == image) & (theirs.found().labels == label)
        twins = theirs.found().boxes[own]
        assert _are_alike(np.broadcast_to(box, twins.shape), twins).any()


def test_what_is_the_same_box() -> None:
    box = np.array([[10.0, 10, 30, 40]])
    assert _are_alike(box, box + 0.02).all()
    assert _are_alike(box, box + np.array([[0, 0, 1, 0]])).all(), "rounded the other way"
    assert not _are_alike(box, box + np.array([[0, 0, 2, 0]])).any()
    assert not _are_alike(box + 0.5, box + np.array([[0.5, 0.5, 1.4, 0.5]])).any(), "not whole, and IoU .957"


def test_the_file_says_what_it_is(detector: Path, exported: Path) -> None:
    card, record = OnnxPredictor.open(exported).card, read_run(detector)
    assert card["task"] == "detection"
    assert tuple(card["classes"]) == record.dataset.classes
    assert card["weights_sha256"] == record.weights_sha256
    assert card["preprocessing"]["image_height"] == 64


def test_a_classifier_is_exported_with_its_temperature(tmp_path: Path) -> None:
    words = ["run", "-d", "digits", "-m", "cnn", "--steps", 40, "--output", tmp_path, "--name", "s", "--threads", 1]
    assert eyechart(*words, "--offline").returncode == 0
    run, target = tmp_path / "s" / "cnn-s0", tmp_path / "cnn.onnx"
    export_run(run, target)
    exported, ours = OnnxPredictor.open(target), open_run(run, device="cpu")
    assert not exported.gives_boxes
    pictures = np.random.default_rng(0).integers(0, 255, (5, 1, 8, 8)).astype(np.uint8)
    assert ours.record.temperature is not None
    assert ours.record.temperature.value != 1
    np.testing.assert_allclose(exported.answer(pictures).probabilities, ours.answer(pictures).probabilities, atol=1e-4)


class Other:
    """Answers that are not the run's."""

    gives_boxes = False

    def answer(self, images: np.ndarray) -> Any:
        from eyechart.schema.contracts import Predictions

        return Predictions(np.full((len(images), 3), 1 / 3, np.float32))


def test_a_file_that_answers_something_else_is_not_written() -> None:
    class Sure(torch.nn.Module):
        def answer(self, images: torch.Tensor) -> Any:
            from eyechart.schema.contracts import Answer

            return Answer(torch.tensor([[0.9, 0.05, 0.05]]).expand(len(images), 3))

    with pytest.raises(RunFailed, match=r"answers something else than the run: a probability is 0\.5667 away"):
        check_alike(Other(), Answering(Sure(), 1.0), np.zeros((2, 1, 8, 8), np.uint8))  # type: ignore[arg-type]


def test_what_is_there_stays(detector: Path, exported: Path) -> None:
    before = exported.read_bytes()
    with pytest.raises(UsageError, match="is there; expected a new file"):
        export_run(detector, exported)
    assert exported.read_bytes() == before


def test_a_missing_package_is_told_with_its_remedy(
    detector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else found(name))
    with pytest.raises(
        UsageError, match=r"needs onnxscript, which is not installed. Install: pip install 'eyechart\[onnx\]'"
    ):
        export_run(detector, tmp_path / "x.onnx")


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", value[:1], value[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(tmp_path / "other.onnx"))
    with pytest.raises(StorageError, match="was not written by eyechart"):
        OnnxPredictor.open(tmp_path / "other.onnx")
