"""An exported file answers pictures where there is no torch: the same preparing, the same words, the same output."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import StorageError
from eyechart.inference.onnx_file import METADATA, OnnxPredictor, answered_in_parts, is_exported, open_exported
from eyechart.schema import InkFacts, Preprocessing
from eyechart.schema.exported import ExportedCard
from tests.in_process import eyechart

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

# Importing torch ends with an error, as where it is not installed, for whoever looks for it as well.
NO_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "torch" else found(name, package)
"""

INK = InkFacts(
    is_bright=True,
    box_side=20,
    stroke=2.8,
    centred_by="mass",
    centre=(0, 0),
    centre_spread=1,
    boxes=(19, 21),
    strokes=(1.5, 4.5),
    shares=(0.1, 0.7),
    aspects=(0.15, 1.3),
)
FRAME = Preprocessing(
    image_channels=1,
    image_height=28,
    image_width=28,
    input_channels=1,
    input_height=28,
    input_width=28,
    mean=(0.13,),
    std=(0.31,),
    ink=INK,
)
CARD = ExportedCard(
    run="halves-s0",
    contender="cnn",
    task="classification",
    classes=("top", "bottom"),
    preprocessing=FRAME,
    temperature=None,
    weights_sha256="0" * 64,
    licence_of_data="CC0",
    least_sure=0.3,
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network by hand, which says in which half there is more light."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.zeros((28 * 28, 2), np.float32)
    weights[: 14 * 28, 0] = weights[14 * 28 :, 1] = 0.2
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["images"], ["flat"], axis=1),
            helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        "halves",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 1, 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(made, {METADATA: CARD.model_dump_json()})
    target = tmp_path_factory.mktemp("by-hand") / "halves.onnx"
    onnx.save(made, str(target))
    return target


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stroke that is heavier above, one that is heavier below, a blank page, two things, and no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    page = np.full((200, 200), 255, np.uint8)
    stroke = page.copy()
    stroke[40:160, 92:108] = 0
    stroke[40:56, 60:140] = 0
    Image.fromarray(stroke).save(folder / "above.png")
    Image.fromarray(stroke[::-1].copy()).save(folder / "below.png")
    Image.fromarray(page).save(folder / "blank.png")
    page[60:140, 40:50] = page[60:140, 150:160] = 0
    Image.fromarray(page).save(folder / "two.png")
    return folder


def without_torch(*words: object) -> subprocess.CompletedProcess[str]:
    """A command in a process that has no torch."""
    code = NO_TORCH + "from eyechart.cli import main\nsys.argv = ['eyechart', *sys.argv[1:]]\nmain()\n"
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, encoding="utf-8", env=os.environ | {"COLUMNS": "300"}
    )


def test_pictures_are_answered_without_torch(exported: Path, pictures: Path) -> None:
    done = without_torch("predict", exported, pictures, "--json")
    assert done.returncode == 0, done.stderr
    answers = {Path(each["picture"]).stem: each for each in json.loads(done.stdout)}
    assert answers["above"]["label"] == "top"
    assert answers["below"]["label"] == "bottom"
    assert (answers["blank"]["label"], answers["blank"]["remark"]) == (None, "blank")
    assert answers["two"]["said"] == "several things (2)"
    assert {each["run"] for each in answers.values()} == {"halves.onnx"}


def test_the_output_is_that_of_a_machine_with_torch(exported: Path, pictures: Path) -> None:
    for more in (["--json"], ["--csv", "-", "--top", 2], []):
        there, here = (
            without_torch("predict", exported, pictures, *more),
            eyechart("predict", exported, pictures, *more, COLUMNS="300"),
        )
        assert there.returncode == here.returncode == 0, there.stderr
        assert there.stdout == here.stdout
    rows = list(
        csv.DictReader(io.StringIO(without_torch("predict", exported, pictures / "above.png", "--csv", "-").stdout))
    )
    assert [row["answer"] for row in rows] == ["top"]


def test_a_run_is_refused_where_there_is_no_torch(tmp_path: Path, fake_runs: object, pictures: Path) -> None:
    fake_runs.fake_study(tmp_path / "s", {"cnn": fake_runs.Fake(0.1, 10, 0.1)}, num_items=20)  # type: ignore[attr-defined]
    done = without_torch("predict", tmp_path / "s" / "cnn-s0", pictures / "above.png")
    assert done.returncode == 3
    assert "is a run, and opening one needs torch, which is not installed here" in done.stderr
    other = without_torch("export", tmp_path / "s" / "cnn-s0", "-o", tmp_path / "x.onnx")
    assert other.returncode == 3
    assert (
        other.stderr
        == "eyechart: this command needs torch, which is not here. Install eyechart with all that it needs.\n"
    )


def test_an_unlike_picture_is_told_to_be_so(exported: Path) -> None:
    predictor = open_exported(exported)
    assert predictor.expected.ink == INK
    assert predictor.expected.least_sure == 0.3
    assert not predictor.gives_boxes


def test_any_number_of_images_is_answered(exported: Path) -> None:
    opened = OnnxPredictor.open(exported)
    images = np.zeros((130, 1, 28, 28), np.uint8)
    images[65:, :, 20:] = 255
    answers = opened.answer(images).probabilities
    assert answers.shape == (130, 2)
    assert (answers[65:].argmax(axis=1) == 1).all()
    np.testing.assert_allclose(answers[:65], 0.5)


def test_boxes_of_all_parts_keep_their_images() -> None:
    def ask(images: np.ndarray) -> list[np.ndarray]:
        boxes = np.tile(np.array([[[0, 0, 1, 1], [0, 0, 2, 2]]], np.float32), (len(images), 1, 1))
        labels = np.tile(np.array([[1, -1]]), (len(images), 1))
        return [np.full((len(images), 2), 0.5, np.float32), boxes, np.ones((len(images), 2), np.float32), labels]

    found = answered_in_parts(np.zeros((130, 1, 4, 4), np.uint8), ask).found()
    np.testing.assert_array_equal(found.image, np.arange(130))
    assert (found.labels == 1).all()


def test_files_of_somebody_else_are_refused(exported: Path, tmp_path: Path) -> None:
    import onnx

    made = onnx.load(str(exported))
    del made.metadata_props[:]
    onnx.save(made, str(tmp_path / "other.onnx"))
    with pytest.raises(StorageError, match="was not written by eyechart"):
        OnnxPredictor.open(tmp_path / "other.onnx")
    onnx.helper.set_model_props(made, {METADATA: '{"run": "a", "of tomorrow": 1}'})
    onnx.save(made, str(tmp_path / "later.onnx"))
    with pytest.raises(StorageError, match="Another version of eyechart wrote it"):
        OnnxPredictor.open(tmp_path / "later.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(StorageError, match="cannot be opened"):
        OnnxPredictor.open(tmp_path / "broken.onnx")


def test_what_an_earlier_eyechart_exported_is_still_opened() -> None:
    """Its metadata knew eight things."""
    kept = {"run", "contender", "task", "classes", "preprocessing", "temperature", "weights_sha256", "licence_of_data"}
    card = ExportedCard.model_validate_json(CARD.model_dump_json(include=kept))
    assert (card.least_sure, card.quantised, card.recipe) == (0.0, None, None)


def test_names_alone_say_what_is_an_exported_file(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "A.ONNX").write_bytes(b"")
    assert is_exported(exported)
    assert is_exported(tmp_path / "A.ONNX")
    assert not is_exported(tmp_path / "nothing.onnx")
    assert not is_exported(tmp_path)


@pytest.mark.slow
def test_a_run_and_its_file_answer_side_by_side(reading_study: Path, tmp_path: Path) -> None:
    from strangers_digits import picture

    run, target = reading_study / "cnn-s0", tmp_path / "cnn.onnx"
    assert eyechart("export", run, "-o", target, "--no-card").returncode == 0
    for digit in (3, 7):
        picture("hand", "felt pen", digit, 0).save(tmp_path / f"{digit}.png")
    Image.fromarray(np.where(np.indices((90, 90)).sum(axis=0) % 30 < 15, 0, 255).astype(np.uint8)).save(
        tmp_path / "x.png"
    )
    asked = [tmp_path / name for name in ("3.png", "7.png", "x.png")]
    done = eyechart("predict", run, target, *asked, "--json")
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert [each["run"] for each in answers[:2]] == ["cnn-s0", "cnn.onnx"]
    alone = json.loads(without_torch("predict", target, *asked, "--json").stdout)
    for ours, theirs, third in zip(answers[::2], answers[1::2], alone, strict=True):
        for name in ("picture", "label", "remark", "said", "contender"):
            assert ours[name] == theirs[name] == third[name]
        for label, share in ours["probabilities"].items():
            assert theirs["probabilities"][label] == pytest.approx(share, abs=1e-5)
