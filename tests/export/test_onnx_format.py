"""A detector as one ONNX file: it answers as torch does, for any number of pictures, and says what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import UsageError
from eyechart.export.agreement import are_alike
from eyechart.export.exporting import export_run
from eyechart.export.formats import FORMATS, FormatName
from eyechart.files.storage import read_arrays, read_run
from eyechart.inference.onnx_file import OnnxPredictor
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
    assert "the same answer on 16 of 16 test images" in done.stdout
    return target


@pytest.mark.parametrize("number", [1, 3, 16])
def test_boxes_are_those_of_torch_for_any_number_of_pictures(detector: Path, exported: Path, number: int) -> None:
    """On its own test scenes: those that it is surest of, though after so few steps it is not sure."""
    pictures = read_arrays(detector.parent / read_run(detector).items)["images"][:number]
    ours, theirs = open_run(detector, device="cpu").answer(pictures), OnnxPredictor.open(exported).answer(pictures)
    np.testing.assert_allclose(theirs.probabilities, ours.probabilities, atol=1e-3)
    sure = np.argsort(-ours.found().scores)[:5]
    assert len(sure) == 5
    for image, box, label in zip(
        *(part[sure] for part in (ours.found().image, ours.found().boxes, ours.found().labels)), strict=True
    ):
        own = (theirs.found().image == image) & (theirs.found().labels == label)
        twins = theirs.found().boxes[own]
        assert are_alike(np.broadcast_to(box, twins.shape), twins).any()


def test_the_file_says_what_it_is(detector: Path, exported: Path) -> None:
    card, record = OnnxPredictor.open(exported).card, read_run(detector)
    assert card.task == "detection"
    assert card.classes == record.dataset.classes
    assert card.weights_sha256 == record.weights_sha256
    assert card.preprocessing.image_height == 64
    assert "object-detection" in exported.with_name("detector.onnx.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["safetensors", "state-dict"])
def test_the_other_formats_find_the_same_boxes(detector: Path, tmp_path: Path, name: FormatName) -> None:
    done = export_run(detector, tmp_path / f"file{FORMATS[name].suffix}", name)
    assert done.agreement.num_same == done.agreement.num_items == 16
    assert done.agreement.num_unmatched == 0


def test_a_detector_is_no_script(detector: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is a detector\. TorchScript records one way through a network"):
        export_run(detector, tmp_path / "file.pt", "torchscript")


def test_what_8_bits_cost_boxes_is_not_measured(detector: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="finds boxes on scenes, and what 8 bits cost it is not measured yet"):
        export_run(detector, tmp_path / "small.onnx", int8=True)
    assert list(tmp_path.iterdir()) == []
