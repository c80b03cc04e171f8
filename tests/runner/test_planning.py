"""Plans of runs on a device where steps can be executed in several ways, by times that are made up here."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from eyechart.report.provenance import execution_text
from eyechart.runner import planning
from eyechart.schema import Budget, Execution, Plan
from eyechart.study import plan as plans
from eyechart.training import execution
from eyechart.training.budget import Pace
from eyechart.training.together import ALONE

EAGER = Pace(step_seconds=0.02, first_loss=2.0)
COMPILED = Pace(step_seconds=0.01, preparing_seconds=25.0, first_loss=2.0)


def contender(folder: Path, budget: Budget, given: Plan | None = None) -> Any:
    """What planning asks of a contender: the cnn, 12,800 images, batches of 128."""
    record = plans.plan_study(["cnn"], budget=budget, changes={"batch_size": 128})
    (job,) = plans.jobs_of(record, folder)
    job = job.model_copy(update={"plan": given})
    return SimpleNamespace(
        job=job, splits=SimpleNamespace(train=range(12_800)), device=torch.device("cpu"), group=ALONE
    )


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modes that are timed, on a device with two of them."""
    asked: list[str] = []

    def calibrate(subject: object, seconds: float, mode: str = "eager") -> Pace:
        asked.append(mode)
        return EAGER if mode == "eager" else COMPILED

    monkeypatch.setattr(planning, "calibrate", calibrate)
    monkeypatch.setitem(execution.MODES, "cpu", ("eager", "compiled"))
    return asked


def test_seconds_are_filled_with_the_faster_steps(timed: list[str], tmp_path: Path) -> None:
    plan = planning.plan_run(contender(tmp_path, Budget(unit="seconds", amount=60)), lambda progress: None)
    assert timed == ["eager", "compiled"]
    assert (plan.execution.mode, plan.num_steps, plan.step_seconds) == ("compiled", 6000, 0.01)
    assert execution_text(plan.execution) == (
        "compiled; a step takes eager 20 ms, compiled 10 ms; 25.0 s of compiling are in the preparation, "
        "not in the training time"
    )


def test_steps_stay_as_many_as_they_were(timed: list[str], tmp_path: Path) -> None:
    plan = planning.plan_run(contender(tmp_path, Budget(unit="steps", amount=3000)), lambda progress: None)
    assert (plan.execution.mode, plan.num_steps, plan.step_seconds) == ("compiled", 3000, None)


def test_a_compilation_that_does_not_pay_is_not_taken(timed: list[str], tmp_path: Path) -> None:
    plan = planning.plan_run(contender(tmp_path, Budget(unit="seconds", amount=40)), lambda progress: None)
    assert (plan.execution.mode, plan.num_steps) == ("eager", 2000)
    assert plan.execution.preparing_seconds == {"compiled": 25.0}, "what was tried is told"


def test_a_repetition_times_nothing(timed: list[str], tmp_path: Path) -> None:
    given = Plan(
        num_steps=70, batch_size=128, num_train_images=12_800, budget=Budget(unit="seconds", amount=60),
        evaluation_steps=(70,), execution=Execution(mode="compiled"),
    )  # fmt: skip
    plan = planning.plan_run(contender(tmp_path, given.budget, given), lambda progress: None)
    assert (plan, timed) == (given, [])


def test_on_a_cpu_steps_are_not_timed_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(planning, "calibrate", None)
    plan = planning.plan_run(contender(tmp_path, Budget(unit="epochs", amount=2)), lambda progress: None)
    assert (plan.num_steps, plan.step_seconds, plan.execution) == (200, None, Execution())
    assert execution_text(plan.execution) == "eager"
