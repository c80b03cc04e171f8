"""How a step is executed: what is chosen, by made-up times; and the compiled way for real, on the CPU."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import torch

from eyechart.base.errors import Interrupted, RunFailed
from eyechart.schema import Budget, Execution, ExecutionMode, Plan
from eyechart.training import execution, feeds, loop
from eyechart.training.budget import Pace
from eyechart.training.computation import Computation
from eyechart.training.execution import choose_execution, warm_up

sys.path.append(str(Path(__file__).parent))  # tests are not a package

from toy_training import CPU, RECIPE, TOOLS, digest, toy_fit, toy_model, toy_part

ALL_MODES: tuple[ExecutionMode, ...] = ("eager", "compiled", "graphs")
EAGER = Pace(step_seconds=0.010, first_loss=2.0)

needs_a_compiler = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler is here, and compiling needs one"
)


# --------------------------------------------------------------------------------------------- choosing


def chosen(num_steps: int, **paces: Pace | Exception) -> tuple[Execution, Pace, list[str]]:
    asked: list[str] = []

    def time_mode(mode: ExecutionMode) -> Pace:
        asked.append(mode)
        pace = paces[mode]
        if isinstance(pace, Exception):
            raise pace
        return pace

    return *choose_execution(ALL_MODES, EAGER, num_steps, time_mode), asked


def pace(step_seconds: float, preparing_seconds: float, first_loss: float = 2.0) -> Pace:
    return Pace(step_seconds, preparing_seconds=preparing_seconds, first_loss=first_loss)


def test_on_a_cpu_there_is_nothing_to_choose() -> None:
    def never(mode: ExecutionMode) -> Pace:
        raise AssertionError("nothing is timed")

    assert choose_execution(execution.modes_of("cpu"), EAGER, 10**9, never) == (Execution(), EAGER)


@pytest.mark.parametrize("switch", execution.SWITCHES)
def test_where_torch_may_not_compile_only_the_plain_way_is_left(switch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert execution.modes_of("cuda") == ALL_MODES
    monkeypatch.setenv(switch, "1")
    assert execution.modes_of("cuda") == ("eager",)


def test_a_short_training_is_not_worth_trying() -> None:
    assert chosen(2999) == (Execution(), EAGER, [])


def test_preparation_must_pay_for_itself() -> None:
    # eager 40 s; compiled 24 + 20 s; graphs 8 + 35 s
    short, kept, asked = chosen(4000, compiled=pace(0.006, 20), graphs=pace(0.002, 35))
    assert (short.mode, kept.step_seconds, asked) == ("eager", 0.010, ["compiled", "graphs"])
    # 60 s against 36 + 20 and 12 + 35
    longer, kept, _ = chosen(6000, compiled=pace(0.006, 20), graphs=pace(0.002, 35))
    assert (longer.mode, kept.step_seconds) == ("graphs", 0.002)
    assert longer.step_seconds == {"eager": 0.010, "compiled": 0.006, "graphs": 0.002}
    assert longer.preparing_seconds == {"compiled": 20, "graphs": 35}


def test_a_mode_that_fails_is_out_with_its_reason() -> None:
    found, _, _ = chosen(10_000, compiled=RuntimeError("no Triton here\nand much more"), graphs=pace(0.009, 1))
    assert found.mode == "graphs"
    assert found.failures == {"compiled": "no Triton here"}


def test_a_mode_that_computes_something_else_is_out() -> None:
    found, _, _ = chosen(
        10_000, compiled=pace(0.001, 1, first_loss=2.2), graphs=pace(0.001, 1, first_loss=float("nan"))
    )
    assert found.mode == "eager"
    assert found.failures["compiled"] == "the loss of the same batch is 2.2, and 2 when eager"
    assert "nan" in found.failures["graphs"]


def test_plans_from_before_are_eager() -> None:
    old = {
        "num_steps": 1, "batch_size": 1, "num_train_images": 1, "budget": {"unit": "steps", "amount": 1},
        "evaluation_steps": [],
    }  # fmt: skip
    assert Plan.model_validate(old).execution == Execution(mode="eager")


# --------------------------------------------------------------------------------------------- computing


def batch_of_the_toy() -> feeds.Batch:
    part = toy_part()
    return feeds.as_batch(toy_model(), part, slice(8), CPU, TOOLS)


def test_the_plain_way_is_the_model_s_own() -> None:
    model, batch = toy_model().eval(), batch_of_the_toy()
    assert torch.equal(Computation(model).loss(batch), model.loss(batch))


def test_bfloat16_reaches_the_model_and_nothing_else() -> None:
    model = toy_model().eval()
    computation = Computation(model, CPU, "bfloat16")
    batch = batch_of_the_toy()
    plain, mixed = model.loss(batch), computation.loss(batch)
    assert mixed.dtype == torch.float32
    assert not torch.equal(plain, mixed)
    assert torch.isclose(plain, mixed, rtol=0.02)
    features = computation.features(batch.images)
    assert features.dtype == torch.bfloat16, "kept as the network would see them"
    assert torch.isclose(computation.loss_from_features(features, batch.labels), mixed)
    assert not torch.is_autocast_enabled("cpu"), "augmentation and boxes are computed outside"


class WithoutStages(torch.nn.Module):
    def loss(self, batch: feeds.Batch) -> torch.Tensor:
        return batch.images.sum()


def test_a_network_that_keeps_nothing_says_so() -> None:
    with pytest.raises(AssertionError, match="keeps no features"):
        Computation(WithoutStages(), CPU).loss_from_features(torch.zeros(1), torch.zeros(1))


# --------------------------------------------------------------------------------------------- compiling for real


def compiled_fit(path: Path | None = None, stop_after: int = 0) -> loop.Fit:
    """The toy's training with a compiled step that was prepared as a run prepares it."""
    fit = toy_fit(path, stop_after=stop_after, steps=12)
    computation = Computation(fit.model, CPU, mode="compiled")
    fit.feed = feeds.ImageFeed(fit.model, toy_part(), RECIPE, fit.plan, 0, CPU, TOOLS, computation)
    warm_up(fit.model, fit.feed)
    return fit


@needs_a_compiler
@pytest.mark.slow
def test_a_compiled_step_learns_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropout's draws included; names and start untouched; and an interrupted run goes on to the same bits."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    eager, whole = toy_fit(steps=12), compiled_fit()
    assert digest(whole.model) == digest(eager.model), "warming up leaves the weights as they were"
    names = list(eager.model.state_dict())
    eager()
    whole()
    assert list(whole.model.state_dict()) == names
    for name, tensor in eager.model.state_dict().items():
        torch.testing.assert_close(whole.model.state_dict()[name], tensor, rtol=1e-4, atol=1e-5, msg=name)
    losses = [[point.train_loss for point in fit.history] for fit in (eager, whole)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted, match="at step 6 of 12"):
        compiled_fit(path, stop_after=5)()
    resumed = compiled_fit(path)
    resumed()
    assert digest(resumed.model) == digest(whole.model)
    execution.forget_compiled()


def steps_plan(given: Execution) -> Plan:
    """Of a run that is repeated: four steps of 16 images."""
    return Plan(
        num_steps=4, batch_size=16, num_train_images=600, budget=Budget(unit="steps", amount=4),
        evaluation_steps=(4,), execution=given,
    )  # fmt: skip


@needs_a_compiler
@pytest.mark.slow
def test_a_run_keeps_to_the_execution_that_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the job through the run file to the repetition: what `eyechart repeat` relies on."""
    from eyechart.runner.run import run_contender
    from eyechart.study.plan import jobs_of, plan_study

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    record = plan_study(
        ["cnn"], preset="smoke", num_threads=1, changes={"batch_size": 16}, device="cpu", max_test_images=30,
        least_validation_images=20,
    )  # fmt: skip
    digests = []
    for place in ("first", "again"):
        (job,) = jobs_of(record, tmp_path / place)
        given = steps_plan(Execution(mode="compiled", preparing_seconds={"compiled": 9.0}))
        run = run_contender(job.model_copy(update={"plan": given}), lambda progress: None, lambda: None)
        assert run.plan == given
        digests.append(run.weights_sha256)
    assert digests[0] == digests[1]
    (job,) = jobs_of(record, tmp_path / "eager")
    job = job.model_copy(update={"plan": steps_plan(Execution())})
    eager = run_contender(job, lambda progress: None, lambda: None)
    assert eager.plan.execution == Execution()
    assert eager.test.loss == pytest.approx(run.test.loss, rel=0.01)
    execution.forget_compiled()


def test_a_recorded_execution_that_fails_here_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mnist: object
) -> None:
    from eyechart.runner.run import run_contender
    from eyechart.study.plan import jobs_of, plan_study

    def broken(function: object, **options: object) -> object:
        def compiled(*inputs: object) -> torch.Tensor:
            raise ValueError("no compiler")

        return compiled

    monkeypatch.setattr(torch, "compile", broken)
    record = plan_study(["cnn"], preset="smoke", num_threads=1, device="cpu", max_test_images=50)
    (job,) = jobs_of(record, tmp_path)
    job = job.model_copy(update={"plan": steps_plan(Execution(mode="compiled"))})
    with pytest.raises(RunFailed, match="has compiled steps, and these do not work here: no compiler"):
        run_contender(job, lambda progress: None, lambda: None)
