"""How it was made: the device that was chosen, and how steps were executed."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from eyechart.files import storage
from eyechart.report.page import write_report
from eyechart.schema import Execution, MachineChoice, Tuning
from eyechart.study.plan import plan_study


@pytest.mark.parametrize("was_chosen", [True, False])
def test_why_a_study_trained_where_it_did(was_chosen: bool, fake_runs: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    runs = fake_runs.fake_study(folder, {"cnn": fake_runs.FIVE["cnn"]}, num_items=50)
    times = {"cpu float32": {"cnn": 2e-4}, "cuda float32": {"cnn": 1e-5}}
    choice = MachineChoice(reason="cuda float32 is quick", image_seconds=times if was_chosen else {},
                           failures={"cuda bfloat16": "out of memory"} if was_chosen else {})  # fmt: skip
    record = plan_study(["cnn"]).model_copy(update={"machine": choice})
    storage.write_record(folder / storage.STUDY_FILE, record)
    text = write_report(runs, tmp_path / "report.html").read_text()
    assert ("chosen because cuda float32 is quick" in text) == was_chosen
    assert ("cuda bfloat16 failed: out of memory" in text) == was_chosen


def test_how_steps_were_executed(fake_runs: ModuleType, tmp_path: Path) -> None:
    (run,) = fake_runs.fake_study(tmp_path / "study", {"cnn": fake_runs.FIVE["cnn"]}, num_items=50)[:1]
    record = storage.read_run(run)
    execution = Execution(
        mode="graphs", step_seconds={"eager": 0.003, "graphs": 0.001}, preparing_seconds={"graphs": 21.0},
        failures={"compiled": "no Triton"},
    )  # fmt: skip
    plan = record.plan.model_copy(update={"execution": execution})
    storage.write_record(run / storage.RUN_FILE, record.model_copy(update={"plan": plan}))
    text = write_report([run], tmp_path / "report.html").read_text().replace("\N{NO-BREAK SPACE}", " ")
    assert "graphs; a step takes eager 3.0 ms, graphs 1.0 ms; 21.0 s of compiling are in the preparation" in text
    assert "compiled failed: no Triton" in text


def test_how_a_recipe_was_tuned(fake_runs: ModuleType, tmp_path: Path) -> None:
    (run,) = fake_runs.fake_study(tmp_path / "study", {"cnn": fake_runs.FIVE["cnn"]}, num_items=50)[:1]
    assert "not tuned by eyechart tune: 0 trials" in write_report([run], tmp_path / "report.html").read_text()
    record = storage.read_run(run)
    tuning = Tuning(
        unit="trials", amount=3, accuracies=(0.98, 0.1, 0.99), num_failed=1, best_trial=2, validation_accuracy=0.99,
        validation_loss=0.04, training_seconds=30, search_seeds=(1000, 1001), budget=None, dataset="mnist",
        dataset_sha256="0123456789abcdef", searched=("learning_rate",), sampler="optuna 5, TPE", date="2026-11-24",
        commit="abc",
    )  # fmt: skip
    recipe = record.recipe.model_copy(update={"tuning": tuning})
    storage.write_record(run / storage.RUN_FILE, record.model_copy(update={"recipe": recipe}))
    text = write_report([run], tmp_path / "report.html").read_text().replace("\N{NO-BREAK SPACE}", " ")
    assert "3 trials, 1 of them failed, 30.0 s of training, search seeds 1000, 1001, on validation images of" in text
    assert "trial 2 is the best with 99.00 % validation accuracy" in text
