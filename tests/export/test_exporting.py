"""A trained run in every format: checked on its whole test part, which is not opened again; nothing half-written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from eyechart.base.errors import RunFailed, StorageError, UsageError
from eyechart.export import exporting
from eyechart.export.exporting import card_of, export_run
from eyechart.export.formats import FORMATS, NAMES, FormatName
from eyechart.export.torch_formats import open_script, open_tensors
from eyechart.files.storage import RUN_FILE, read_run
from eyechart.inference.onnx_file import OnnxPredictor, open_exported
from eyechart.inference.prediction import open_run
from eyechart.schema.exported import ExportedCard
from tests.in_process import eyechart

pytestmark = pytest.mark.slow
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def run(reading_study: Path) -> Path:
    return reading_study / "cnn-s0"


@pytest.fixture(scope="module")
def files(run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[FormatName, Path]:
    """The run in every format."""
    folder = tmp_path_factory.mktemp("exported")
    before = (run / RUN_FILE).read_bytes()
    written: dict[FormatName, Path] = {}
    for name in NAMES:
        written[name] = folder / f"cnn.{name}"
        done = eyechart("export", run, "--format", name, "-o", written[name])
        assert done.returncode == 0, done.stderr
        assert "the same answer on 10,000 of 10,000 test images" in done.stdout
    assert (run / RUN_FILE).read_bytes() == before
    assert read_run(run).test_accesses == 1, "images that lie beside the run are no new access"
    return written


def card_in(name: FormatName, path: Path) -> ExportedCard:
    if name == "onnx":
        return OnnxPredictor.open(path).card
    return open_script(path)[1] if name == "torchscript" else open_tensors(path)[1]


@pytest.mark.parametrize("name", NAMES)
def test_every_file_says_what_it_is(run: Path, files: dict[FormatName, Path], name: FormatName) -> None:
    record, card = read_run(run), card_in(name, files[name])
    assert (card.run, card.contender, card.task) == (record.run, "cnn", "classification")
    assert card.classes == record.dataset.classes
    assert card.preprocessing == record.preprocessing
    assert record.temperature is not None
    assert card.temperature == record.temperature.value
    assert card.weights_sha256 == record.weights_sha256
    assert card.licence_of_data == record.dataset.licence
    assert 0 < card.least_sure < 1
    assert (card.recipe is not None) == (name in ("safetensors", "state-dict"))


@pytest.mark.parametrize("name", ["torchscript", "safetensors", "state-dict"])
def test_torchs_files_answer_with_the_temperature(run: Path, files: dict[FormatName, Path], name: FormatName) -> None:
    images = np.random.default_rng(0).integers(0, 255, (5, 1, 28, 28)).astype(np.uint8)
    network = open_script(files[name])[0] if name == "torchscript" else open_tensors(files[name])[0]
    with torch.inference_mode():
        (probabilities,) = network(torch.from_numpy(images).float() / 255)
    expected = open_run(run, device="cpu").answer(images).probabilities
    np.testing.assert_allclose(probabilities.numpy(), expected, atol=1e-5)


def test_a_state_dict_is_one(run: Path, files: dict[FormatName, Path]) -> None:
    tensors = torch.load(files["state-dict"], weights_only=True)
    assert all(isinstance(each, torch.Tensor) for each in tensors.values())
    beside = json.loads(files["state-dict"].with_name("cnn.state-dict.json").read_text(encoding="utf-8"))
    assert beside["classes"] == list(read_run(run).dataset.classes)


def test_safetensors_can_be_started_from(run: Path, files: dict[FormatName, Path]) -> None:
    """As the weights of a run can."""
    from safetensors import safe_open

    with (
        safe_open(str(files["safetensors"]), "pt") as ours,
        safe_open(str(run / "weights.safetensors"), "pt") as theirs,
    ):
        assert set(theirs.metadata()) < set(ours.metadata())


def test_an_exported_run_expects_what_the_run_expects(run: Path, files: dict[FormatName, Path]) -> None:
    ours, theirs = open_run(run, device="cpu"), open_exported(files["onnx"])
    assert theirs.expected.ink == ours.expected.ink
    assert theirs.expected.least_sure == pytest.approx(ours.expected.least_sure)
    assert theirs.facts.run == "cnn.onnx"


def test_what_is_there_stays(run: Path, files: dict[FormatName, Path], tmp_path: Path) -> None:
    before = files["onnx"].read_bytes()
    with pytest.raises(UsageError, match="is there; expected a new file"):
        export_run(run, files["onnx"])
    assert files["onnx"].read_bytes() == before
    (tmp_path / "cnn.onnx.md").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"cnn\.onnx\.md is there"):
        export_run(run, tmp_path / "cnn.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["cnn.onnx.md"]


def test_the_default_name_is_the_runs(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    alone = eyechart("export", run, "--format", "safetensors", "--no-card")
    assert alone.returncode == 0, alone.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cnn-s0.safetensors"]


def test_a_file_that_answers_something_else_is_not_written(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(model: torch.nn.Module, record: object, target: Path, card: ExportedCard) -> None:
        with torch.no_grad():
            first = next(model.model.parameters())  # type: ignore[union-attr]
            kept = first.clone()
            first.mul_(-1)
            exporting_write(model, record, target, card)  # type: ignore[arg-type]
            first.copy_(kept)

    exporting_write = exporting.write_safetensors
    monkeypatch.setattr(exporting, "write_safetensors", half)
    with pytest.raises(RunFailed, match="answers something else than the run"):
        export_run(run, tmp_path / "cnn.safetensors", "safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def transformers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of both: one cuts any number of images into patches at once, one loops over them."""
    home = tmp_path_factory.mktemp("transformers")
    words = ["run", "-m", "vit,tutorial_vit", "-d", "digits", "--steps", 4, "-p", "smoke", "--name", "s"]
    done = eyechart(*words, "--threads", 1, "--offline", "--output", home)
    assert done.returncode == 0, done.stderr
    return home / "s"


@pytest.mark.parametrize("name", ["onnx", "torchscript"])  # which keep a way through the network; others keep tensors
@pytest.mark.parametrize("contender", ["vit", "tutorial_vit"])
def test_transformers_are_exported_for_any_number_of_images(
    transformers: Path, contender: str, name: FormatName, tmp_path: Path
) -> None:
    done = export_run(transformers / f"{contender}-s0", tmp_path / f"file{FORMATS[name].suffix}", name)
    assert done.agreement.num_same == done.agreement.num_items > 3


@pytest.mark.parametrize("part", ["_write", "_check"])
def test_what_an_exporter_raises_is_told_in_a_sentence(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def fail(*arguments: object) -> None:
        raise KeyError("no such operator\n  at node 7")

    monkeypatch.setattr(exporting, part, fail)
    with pytest.raises(RunFailed, match=r"cnn-s0 could not be exported as onnx \(.*no such operator.*Nothing was"):
        export_run(run, tmp_path / "cnn.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_leaves_nothing(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(exporting, "write_bytes", full)
    with pytest.raises(StorageError, match="disk is full"):
        export_run(run, tmp_path / "cnn.pt", "state-dict")
    assert list(tmp_path.iterdir()) == []


def test_where_test_images_are_gone_plain_ones_are_asked_about(run: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone" / "cnn-s0"
    shutil.copytree(run, alone)
    told: list[str] = []
    done = export_run(alone, tmp_path / "cnn.pt", "torchscript", say=told.append)
    assert "3 of 3 plain images" in done.checked
    assert any("the test images are gone" in line for line in told)
    with pytest.raises(UsageError, match="--int8 says what it costs on the run's test images, and these are gone"):
        export_run(alone, tmp_path / "cnn.onnx", int8=True)


def test_a_diverged_run_has_nothing_to_export(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "study" / "cnn-s0"
    shutil.copytree(run, copy)
    fields = json.loads((copy / RUN_FILE).read_text(encoding="utf-8"))
    (copy / RUN_FILE).write_text(json.dumps(fields | {"status": "diverged"}), encoding="utf-8")
    with pytest.raises(UsageError, match="diverged"):
        export_run(copy, tmp_path / "cnn.onnx")


def test_int8_is_for_onnx_alone(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--int8 is for ONNX, and --format is torchscript"):
        export_run(run, tmp_path / "cnn.pt", "torchscript", int8=True)


@pytest.mark.parametrize("content", [b"", b"no tensors", b"PK\x03\x04"])
@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_files_of_somebody_else_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StorageError, match="Expected a file of eyechart export"):
        open_tensors(tmp_path / name)


def test_the_card_of_a_run_has_no_path(run: Path) -> None:
    text = card_of(run, read_run(run), has_recipe=True).model_dump_json()
    assert str(run.parent) not in text
