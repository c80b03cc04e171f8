"""A run in 8 bits: a smaller file whose cost is measured on stored test images, told and kept in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import UsageError
from eyechart.export import int8
from eyechart.export.exporting import export_run
from eyechart.export.model_card import quantised_lines
from eyechart.files.storage import read_arrays, read_run
from eyechart.inference.onnx_file import OnnxPredictor
from eyechart.schema.exported import Quantised
from tests.in_process import eyechart

pytest.importorskip("onnxruntime")

FOUND = Quantised(
    method="static",
    why="it costs 0.00 points on 744 validation images",
    num_calibration=256,
    num_items=10_000,
    accuracy_float=0.9847,
    accuracy_int8=0.9845,
    difference=-0.0002,
    low=-0.0009,
    high=0.0005,
    num_changed=10,
    bytes_float=10_200_000,
    bytes_int8=2_619_000,
    milliseconds_float=1.5,
    milliseconds_int8=0.6,
    speed=2.5,
    speed_least=2.0,
    speed_most=3.0,
    cpu="Some CPU",
)


def test_what_it_costs_and_gives_is_told() -> None:
    told = " ".join(quantised_lines(FOUND))
    assert "Accuracy 98.45 % instead of 98.47 %: -0.02 points (-0.09 to +0.05, paired over 10,000 test images)" in told
    assert "Size 2,619 kB instead of 10,200 kB" in told
    assert "2.50 times as fast as in floats (2.00 to 3.00 in pairs; Some CPU)" in told


def test_slower_is_called_slower() -> None:
    told = " ".join(quantised_lines(FOUND.model_copy(update={"speed": 0.8})))
    assert "**slower than in floats** on this processor: 0.80 times as fast" in told


def test_a_hair_slower_is_called_no_faster() -> None:
    told = " ".join(quantised_lines(FOUND.model_copy(update={"speed": 0.98})))
    assert "**no faster than in floats** on this processor: 0.98 times as fast" in told


@pytest.mark.slow
def test_a_run_in_8_bits(reading_study: Path, tmp_path: Path) -> None:
    run, target = reading_study / "cnn-s0", tmp_path / "small.onnx"
    done = eyechart("export", run, "--int8", "-o", target)
    assert done.returncode == 0, done.stderr
    opened = OnnxPredictor.open(target)
    found = opened.card.quantised
    assert found is not None
    assert found.bytes_int8 < 0.6 * found.bytes_float
    assert found.low <= found.difference <= found.high
    items, record = read_arrays(run.parent / read_run(run).items), read_run(run)
    right = opened.answer(items["images"]).probabilities.argmax(axis=1) == items["labels"]
    assert found.accuracy_int8 == pytest.approx(right.mean())
    assert found.accuracy_float == pytest.approx(record.test_scores.accuracy)
    assert found.difference == pytest.approx(found.accuracy_int8 - found.accuracy_float)
    assert f"{found.num_changed:,} images are answered otherwise" in done.stdout
    assert "int8" in (tmp_path / "small.onnx.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_dynamic_way_is_taken_where_static_costs_too_much(
    reading_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "MOST_LOST", -1.0)
    done = export_run(reading_study / "cnn-s0", tmp_path / "small.onnx", int8=True)
    assert done.quantised is not None
    assert (done.quantised.method, done.quantised.num_calibration) == ("dynamic", 0)
    assert "static would cost" in done.quantised.why


@pytest.mark.slow
def test_without_validation_images_there_are_no_ranges(reading_study: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    shutil.copytree(reading_study, study)
    record = read_run(study / "cnn-s0")
    (study / record.validation_items).unlink()
    with pytest.raises(UsageError, match="finds ranges on the run's validation images, and these are gone"):
        export_run(study / "cnn-s0", tmp_path / "small.onnx", int8=True)
    assert not (tmp_path / "small.onnx").exists()
    few = {name: array[:300] for name, array in read_arrays(reading_study / record.validation_items).items()}
    np.savez(study / record.validation_items, **few)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="has 300 validation images; --int8 needs 512"):
        export_run(study / "cnn-s0", tmp_path / "small.onnx", int8=True)
