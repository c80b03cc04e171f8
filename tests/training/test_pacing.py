"""A budget in seconds is met by the pace of the training itself, and what was laid out can be done again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from eyechart.base.clock import Clock
from eyechart.base.errors import Interrupted
from eyechart.catalog.presets import rules_of
from eyechart.catalog.recipes import RECIPES
from eyechart.schema import Budget, Plan, Stretch
from eyechart.training.budget import Pace, make_plan
from eyechart.training.checkpoint import read_checkpoint
from eyechart.training.loop import Fit
from eyechart.training.pacing import PACING_SHARES, Pacer, lay_out
from eyechart.training.schedule import learning_rates

sys.path.append(str(Path(__file__).parent))  # tests are not a package

from toy_training import digest, toy_fit

SECONDS = 100.0


class FakeClock(Clock):
    """Training time as the test says it goes by."""

    now = 0.0

    def seconds(self, name: str) -> float:
        return self.now if name == "training" else 0.0

    def restore(self, seconds, cpu_seconds=None, foreign_cpu_seconds=None) -> None:
        self.now = seconds["training"]


def seconds_plan(thought: float) -> Plan:
    """The plan of a training of 100 s whose steps are thought to take `thought` seconds."""
    rules = rules_of("quick", "toy", budget=Budget(unit="seconds", amount=SECONDS), num_evaluations=4)
    recipe = RECIPES["cnn"].model_copy(update={"batch_size": 8})
    return make_plan(recipe, rules, 64, Pace(step_seconds=thought))


def paced(plan: Plan, seconds_of_step) -> tuple[Plan, float]:
    """Where a training ends whose steps take what `seconds_of_step(step)` says: its plan, and its seconds."""
    clock = FakeClock()
    pacer, step = Pacer(clock), 0
    while step < plan.num_steps:
        clock.now += seconds_of_step(step)
        step += 1
        plan = pacer(plan, step)
    return plan, clock.now


@pytest.mark.parametrize("thought", [0.05, 0.08, 0.1, 0.12, 0.3, 1.5])
def test_the_seconds_are_met_however_wrong_the_calibration_was(thought: float) -> None:
    plan, seconds = paced(seconds_plan(thought), lambda step: 0.1)
    assert seconds == pytest.approx(SECONDS, rel=0.005)
    assert plan.num_steps == pytest.approx(1000, abs=5)
    assert plan.evaluation_steps[-1] == plan.num_steps
    assert plan.pacing_shares == ()


def test_a_pace_that_changes_underway_is_followed() -> None:
    for slow in (0.8, 1.3):  # a machine that is freer or busier from the middle on
        _, seconds = paced(seconds_plan(0.1), lambda step, slow=slow: 0.1 * (slow if step > 500 else 1))
        assert seconds == pytest.approx(SECONDS, rel=0.01)


def test_slow_first_steps_are_not_taken_for_the_pace() -> None:
    _, seconds = paced(seconds_plan(0.1), lambda step: 4.0 if step < 2 else 0.1)
    assert seconds == pytest.approx(SECONDS, rel=0.005)


def test_other_budgets_are_never_laid_out_anew() -> None:
    rules = rules_of("quick", "toy", budget=Budget(unit="images", amount=800))
    plan = make_plan(RECIPES["cnn"].model_copy(update={"batch_size": 8}), rules, 64, None)
    assert plan.pacing_shares == ()
    again, _ = paced(plan, lambda step: 5.0)
    assert again is plan


def test_looks_that_were_taken_stay_and_the_others_move() -> None:
    plan = seconds_plan(0.1).model_copy(update={"num_steps": 100, "evaluation_steps": (5, 20, 60, 100)})
    laid_out = lay_out(plan, 20, 50.0, 0.5)  # half of the seconds are over
    assert laid_out.num_steps == 120
    assert laid_out.evaluation_steps == (5, 20, 70, 120)
    assert laid_out.stretches == (Stretch(first_step=0, num_steps=100), Stretch(first_step=20, num_steps=120))
    assert lay_out(plan, 20, 101.0, 0.5).num_steps == 20, "over time: it ends here, and looks once more"
    assert lay_out(plan, 20, 101.0, 0.5).evaluation_steps == (5, 20)


# --------------------------------------------------------------------------------------------- the schedule


def test_one_stretch_is_the_schedule_without_any() -> None:
    recipe = RECIPES["vit"]
    assert learning_rates(recipe, 37, (Stretch(first_step=0, num_steps=37),)) == learning_rates(recipe, 37)


@pytest.mark.parametrize(("first_step", "num_steps"), [(10, 150), (10, 60), (4, 300), (99, 100)])
def test_a_new_stretch_goes_on_where_the_old_one_stood_and_ends_at_the_bottom(first_step: int, num_steps: int) -> None:
    recipe = RECIPES["cnn"].model_copy(update={"schedule": "linear", "warmup_fraction": 0.2, "learning_rate": 1.0})
    planned = learning_rates(recipe, 100)
    stretches = (Stretch(first_step=0, num_steps=100), Stretch(first_step=first_step, num_steps=num_steps))
    rates = learning_rates(recipe, num_steps, stretches)
    assert len(rates) == num_steps
    assert rates[: first_step + 1] == pytest.approx(planned[: first_step + 1])
    assert 0 < rates[-1] < 0.03
    assert max(rates) == pytest.approx(1.0, abs=0.05)


# --------------------------------------------------------------------------------------------- in the real loop


def seconds_fit(path: Path | None = None, *, stop_after: int = 0, plan: Plan | None = None) -> Fit:
    """The toy training, whose steps take 2.5 of 100 s each and were thought to take 4."""
    fit = toy_fit(path, stop_after=stop_after)
    fit.plan = plan or seconds_plan(4.0)
    fit.clock = FakeClock()
    whole = fit.feed.loss

    def loss(step: int):
        fit.clock.now += 2.5
        return whole(step)

    fit.feed.loss = loss
    return fit


def test_a_run_of_seconds_can_be_repeated_and_resumed_to_the_bit(tmp_path: Path) -> None:
    first = seconds_fit()
    first()
    assert first.plan.num_steps == 40
    assert [point.step for point in first.history][-1] == 40
    assert first.plan.pacing_shares == ()
    assert len(first.plan.stretches) == 1 + len(PACING_SHARES)

    again = seconds_fit(plan=first.plan)
    again()
    assert digest(again.model) == digest(first.model)

    path = tmp_path / "checkpoint.safetensors"
    for stop_after in (7, 9):
        with pytest.raises(Interrupted):
            seconds_fit(path, stop_after=stop_after, plan=stored_plan(path))()
    resumed = seconds_fit(path, plan=stored_plan(path))
    resumed()
    assert resumed.clock.now == pytest.approx(SECONDS, rel=0.03)
    repeated = seconds_fit(plan=resumed.plan)
    repeated()
    assert digest(repeated.model) == digest(resumed.model)


def stored_plan(path: Path) -> Plan | None:
    return read_checkpoint(path).card.plan if path.exists() else None
