"""The costliest images by hand, and why there may be none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from eyechart.files import storage
from eyechart.serve.gallery import hardest


@pytest.fixture
def two_runs(study: Path, tmp_path: Path) -> list[Path]:
    """Copies of the run, whose answers are made up: a third, a tenth, and nearly nothing for the true class."""
    record = storage.read_run(study / "cnn-s0")
    labels = storage.read_arrays(study / record.items)["labels"]
    shutil.copy(study / record.items, tmp_path)
    raw = json.loads((study / "cnn-s0" / "run.json").read_text(encoding="utf-8"))
    runs = []
    for name, row, chance in (("one", 5, 0.001), ("two", 9, 1e-5)):
        folder = tmp_path / name
        folder.mkdir()
        changed = raw | {"run": name, "temperature": raw["temperature"] | {"value": 1.0}}
        (folder / "run.json").write_text(json.dumps(changed), encoding="utf-8")
        probabilities = np.full((len(labels), 10), 0.02, np.float32)
        probabilities[np.arange(len(labels)), labels] = 0.82
        probabilities[row] = (1 - chance) / 9
        probabilities[row, labels[row]] = chance
        storage.write_arrays(folder / storage.PREDICTIONS_FILE, {"probabilities": probabilities})
        runs.append(folder)
    return runs


def test_the_mean_loss_decides(two_runs: list[Path]) -> None:
    record = storage.read_run(two_runs[0])
    labels = storage.read_arrays(two_runs[0].parent / record.items)["labels"]
    first, second, third = hardest(two_runs, 3).images
    assert (first.index, second.index, third.index) == (9, 5, 0), "equal ones in their order"
    assert first.loss == pytest.approx((-np.log(1e-5) - np.log(0.82)) / 2, rel=1e-3)
    assert second.loss == pytest.approx((-np.log(0.001) - np.log(0.82)) / 2, rel=1e-3)
    assert first.label == str(labels[9])
    assert first.named["one"] == first.label != first.named["two"]


def test_why_there_are_none(two_runs: list[Path]) -> None:
    (two_runs[0].parent / storage.read_run(two_runs[0]).items).unlink()
    assert "is not there" in hardest(two_runs).left_out
    run = two_runs[1] / "run.json"
    run.write_text(json.dumps(json.loads(run.read_text(encoding="utf-8")) | {"items": "items-other.npz"}))
    found = hardest(two_runs)
    assert (found.images, "different test images" in found.left_out) == ((), True)
