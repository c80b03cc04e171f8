"""The card of an exported file: a front matter that parses, results with their intervals, limits, lines that run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from eyechart.export.model_card import slug, write_card
from eyechart.export.results import results_of
from eyechart.files.storage import read_run, write_record
from eyechart.schema.exam import EXAM_FILE, ExamDimension, ExamRecord, Reading, Row
from tests.in_process import eyechart

READING = Reading(
    contender="cnn",
    dimension="size",
    seeds=(0, 1),
    shares=(1.0, 0.9, 0.4),
    threshold=0.4,
    low=0.35,
    high=0.45,
    acuity=0.4,
    acuity_low=0.45,
    acuity_high=0.35,
    level_75=0.5,
    lapse=0.01,
    width=0.1,
    fit_p=0.5,
)


@pytest.fixture
def study(tmp_path: Path, fake_runs: ModuleType) -> Path:
    folder = tmp_path / "study"
    fake_runs.fake_study(folder, {"cnn": fake_runs.Fake(0.01, 1000, 0.001)}, seeds=(0, 1), num_items=200)
    return folder


def card_of(run: Path, name: str = "onnx", **more: Any) -> tuple[dict[str, Any], str]:
    """Front matter and text."""
    target = run.parent / f"file.{name}"
    card = target.with_name("card.md")
    write_card(run, read_run(run), card, target, name, "the same answer on 200 of 200 test images", **more)  # type: ignore[arg-type]
    _, head, text = card.read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(head), text


def test_the_front_matter_is_what_the_hub_reads(study: Path) -> None:
    head, _ = card_of(study / "cnn-s0", quantised=None)
    record = read_run(study / "cnn-s0")
    assert (head["license"], head["library_name"], head["pipeline_tag"]) == ("other", "onnx", "image-classification")
    assert {"eyechart", "cnn", "onnx"} <= set(head["tags"])
    assert head["metrics"] == ["accuracy", "f1"]
    (index,) = head["model-index"]
    (result,) = index["results"]
    assert result["task"]["type"] == "image-classification"
    assert set(result["dataset"]) >= {"type", "name", "split"}
    assert result["dataset"]["type"] in head["datasets"]
    assert record.test is not None
    assert result["metrics"][0]["value"] == pytest.approx(record.test.accuracy, abs=1e-6)


def test_results_have_their_intervals(study: Path) -> None:
    _, text = card_of(study / "cnn-s0", quantised=None)
    (row,) = re.findall(r"\| accuracy \| (.*) %? \| (.*) \|", text)
    low, high = (float(each) for each in re.findall(r"[\d.]+", row[1]))
    assert low < float(row[0].rstrip(" %")) < high
    assert "2 seeds of this recipe were trained: mean accuracy" in text
    assert "the same answer on 200 of 200 test images" in text


def test_what_was_not_measured_is_said_to_be_so(study: Path) -> None:
    _, text = card_of(study / "cnn-s0", quantised=None)
    for words in ("turned, covered and crowded images: not tested", "Spoiled images", "Images from other sources"):
        assert words in text
    assert "to be chosen by whoever publishes it" in text


def test_the_eye_test_is_told_where_there_is_one(study: Path) -> None:
    rows = tuple(Row(level=level, hardness=hardness) for level, hardness in ((1.0, None), (0.8, 0.1), (0.4, 0.4)))
    exam = ExamRecord(
        dataset="MNIST",
        items="items",
        chosen=(0, 1),
        num_classes=10,
        height=28,
        contenders=("cnn",),
        dimensions=(ExamDimension(name="size", unit="side", is_log=True, rows=rows),),
        readings=(READING,),
        verdicts=(),
    )
    write_record(study / EXAM_FILE, exam)
    _, text = card_of(study / "cnn-s0", quantised=None)
    assert "| size | 11 px | 13 px to 9.8 px |" in text
    assert "covered and crowded images: not tested" not in text


def test_a_damaged_record_beside_the_run_counts_as_not_measured(study: Path) -> None:
    (study / EXAM_FILE).write_text("{", encoding="utf-8")
    assert results_of(study / "cnn-s0", read_run(study / "cnn-s0")).exam == ()


def test_no_path_of_this_machine_stands_in_it(study: Path) -> None:
    head, text = card_of(study / "cnn-s0", quantised=None)
    assert str(study.parent) not in text + str(head)
    record = read_run(study / "cnn-s0")
    named = {"name": f"scenes:{study.parent}/my shapes,level=hard"}
    path = f"cnn:{study.parent}/mine.safetensors:head"
    changes = {"contender": path, "dataset": record.dataset.model_copy(update=named)}
    write_record(study / "cnn-s0" / "run.json", record.model_copy(update=changes))
    head, text = card_of(study / "cnn-s0", quantised=None)
    assert study.parent.name not in text + str(head)
    assert "cnn-mine-head" in head["tags"]
    assert head["datasets"] == ["scenes-my-shapes-level-hard"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("MNIST", "mnist"), ("my images (2)", "my-images-2"), ("眼", "unnamed"), ("vgg16:hed", "vgg16-hed")],
)
def test_names_become_identifiers(name: str, expected: str) -> None:
    assert slug(name) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", ["onnx", "torchscript", "safetensors"])
def test_the_lines_of_the_card_run(reading_study: Path, tmp_path: Path, name: str) -> None:
    """As somebody would copy them, in the file's folder."""
    pytest.importorskip("onnxruntime")
    suffix = {"onnx": "onnx", "torchscript": "pt", "safetensors": "safetensors"}[name]
    target = tmp_path / f'a "quoted" name.{suffix}'
    done = eyechart("export", reading_study / "cnn-s0", "--format", name, "-o", target)
    assert done.returncode == 0, done.stderr
    text = target.with_name(f"{target.name}.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    Image.fromarray(np.zeros((50, 40), np.uint8)).save(tmp_path / "picture.png")
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    label, probability = result.stdout.split()
    assert 0 <= int(label) < 10
    assert 0 < float(probability) <= 1
