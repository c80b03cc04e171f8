"""The same seed twice on the same machine: identical weights and predictions, for every contender."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyechart.catalog.recipes import RECIPES
from eyechart.evaluation import cost
from eyechart.schema import RunRecord
from eyechart.schema.contracts import Dataset
from eyechart.study.plan import jobs_of, plan_study


def run_once(contender: str, output: Path, seed: int = 0) -> RunRecord:
    from eyechart.runner.run import run_contender

    changes = {"batch_size": 16}
    few = {
        "max_test_images": 30, "least_validation_images": 20, "validation_fraction": 0.001, "num_evaluations": 1,
    }  # fmt: skip
    record = plan_study([contender], preset="smoke", seeds=[seed], num_threads=1, changes=changes, **few)
    (job,) = jobs_of(record, output)
    return run_contender(job, lambda progress: None, lambda: None)


@pytest.fixture(autouse=True)
def _no_measured_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "matmul_flops_per_second", lambda *_: 1.0)  # takes a second and changes no bit


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_same_seed_twice_is_the_same_to_the_last_bit(name: str, tmp_path: Path, mnist: Dataset) -> None:
    contender = f"{name}:none" if name in ("vgg16", "alexnet") else name
    first, second = (run_once(contender, tmp_path / place) for place in ("a", "b"))
    assert first.weights_sha256 == second.weights_sha256
    assert first.predictions_sha256 == second.predictions_sha256
    assert first.splits == second.splits
    assert first.test_accesses == 1


def test_another_seed_is_another_run_on_another_split(tmp_path: Path, mnist: Dataset) -> None:
    first, second = (run_once("cnn", tmp_path / str(seed), seed) for seed in (0, 1))
    assert first.weights_sha256 != second.weights_sha256
    assert first.splits.train_sha256 != second.splits.train_sha256
    assert first.splits.test_sha256 == second.splits.test_sha256, "the test part never depends on the seed"
