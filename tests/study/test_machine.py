"""Where a study trains: settled once, by times that are made up here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest

from eyechart.base import host
from eyechart.base.errors import RunFailed, UsageError
from eyechart.files import storage
from eyechart.launch import probe
from eyechart.launch.probe import PlannedWork
from eyechart.schema import Budget, MachineChoice, RunJob, StudyRecord
from eyechart.study import machine
from eyechart.study import plan as plans
from eyechart.study.folder import open_study, take

GPU = [("cpu", "float32"), ("cuda", "float32"), ("cuda", "bfloat16")]
Unit = Literal["steps", "images"]
SECONDS = Budget(unit="seconds", amount=60)
EPOCHS = Budget(unit="epochs", amount=1)


class Timer:
    """Answers with made-up work and remembers what was asked."""

    def __init__(self, **answers: dict[str, PlannedWork] | str):
        self.answers = answers
        self.asked: list[tuple[str, str, int]] = []

    def __call__(self, jobs: Sequence[RunJob]) -> dict[str, PlannedWork]:
        rules = jobs[0].rules
        self.asked.append((rules.device, rules.precision, len({job.seed for job in jobs})))
        answer = self.answers[f"{rules.device}_{rules.precision}"]
        if isinstance(answer, str):
            raise (probe.TooSlow if "within" in answer else RunFailed)(answer)
        return answer


def work(cnn: tuple[float, int], vit: tuple[float, int]) -> dict[str, PlannedWork]:
    return {"cnn": PlannedWork(*cnn), "vit": PlannedWork(*vit)}


@pytest.fixture
def with_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(host, "available_machines", lambda: GPU)
    monkeypatch.setattr(host, "_precisions_of", lambda kind: [pair[1] for pair in GPU if pair[0] == kind])
    monkeypatch.setattr(host, "select_device", lambda name: torch.device("cuda" if name == "auto" else name))


def plan(**rules: object) -> StudyRecord:
    return plans.plan_study(["cnn", "vit"], seeds=[0, 1], **{"budget": EPOCHS, **rules})  # type: ignore[arg-type]


def settle(record: StudyRecord, timer: Timer) -> tuple[StudyRecord, list[str]]:
    said: list[str] = []
    return machine.settle_machine(record, offline=True, say=said.append, time_jobs=timer), said


def never(jobs: Sequence[RunJob]) -> dict[str, PlannedWork]:
    raise AssertionError("nothing is timed")


# --------------------------------------------------------------------------------------------- without a choice


def test_with_a_cpu_alone_nothing_is_timed_and_nothing_said() -> None:
    if host.available_machines() != [("cpu", "float32")]:
        pytest.skip("this machine has an accelerator")
    said: list[str] = []
    settled = machine.settle_machine(plan(), True, said.append, time_jobs=never)
    assert (settled.rules.device, settled.rules.precision, said) == ("cpu", "float32", [])
    assert settled.seeds == (0, 1)
    assert settled.machine == MachineChoice(reason="there is nothing else to choose from")


@pytest.mark.parametrize(("device", "precision"), [("cuda", "bfloat16"), ("cpu", "float32")])
def test_who_names_both_is_obeyed(with_gpu: None, device: str, precision: str) -> None:
    record = plan(device=device, precision=precision)
    assert machine.settle_machine(record, True, lambda sentence: None, time_jobs=never) is record


def test_the_cpu_by_name_is_float32(with_gpu: None) -> None:
    settled = machine.settle_machine(plan(device="cpu"), True, lambda sentence: None, time_jobs=never)
    assert (settled.rules.device, settled.rules.precision) == ("cpu", "float32")


def test_bfloat16_on_a_cpu_is_for_who_asks() -> None:
    settled = machine.settle_machine(
        plan(device="cpu", precision="bfloat16"), True, lambda sentence: None, time_jobs=never
    )
    assert settled.rules.precision == "bfloat16"


def test_a_precision_that_is_not_here_is_told() -> None:
    with pytest.raises(UsageError, match="'tf32' is not to be had on cpu; expected one of: auto, float32"):
        machine.open_machines(plan(device="cpu", precision="tf32").rules)


@pytest.mark.parametrize("unit", ["steps", "images"])
def test_a_budget_of_steps_is_float32_on_every_cpu(monkeypatch: pytest.MonkeyPatch, unit: Unit) -> None:
    monkeypatch.setattr(host, "available_machines", lambda: [("cpu", "float32"), ("cpu", "bfloat16")])
    settled = machine.settle_machine(plan(budget=Budget(unit=unit, amount=10)), True, print, time_jobs=never)
    assert (settled.rules.precision, settled.machine is not None) == ("float32", True)
    assert "as every other does" in settled.machine.reason  # type: ignore[union-attr]


def test_a_cpu_with_units_for_bfloat16_is_timed_in_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "available_machines", lambda: [("cpu", "float32"), ("cpu", "bfloat16")])
    timer = Timer(cpu_float32=work((10, 1000), (90, 1000)), cpu_bfloat16=work((8, 1000), (60, 1000)))
    settled, _ = settle(plan(), timer)
    assert settled.rules.precision == "bfloat16"


def test_levels_of_one_context_are_settled_once(tmp_path: Path) -> None:
    first = plan(device="cpu", precision="bfloat16").model_copy(
        update={"name": "level-1", "machine": MachineChoice(reason="timed")}
    )
    second = plan().model_copy(update={"name": "level-2"})
    assert machine.like_others(second, tmp_path) is second, "it is the first one"
    storage.write_record(tmp_path / "level-1" / storage.STUDY_FILE, first)
    found = machine.like_others(second, tmp_path)
    assert (found.rules.device, found.rules.precision, found.machine) == ("cpu", "bfloat16", first.machine)
    assert machine.settle_machine(found, True, print, time_jobs=never) == found
    named = machine.like_others(plan(precision="float32").model_copy(update={"name": "level-3"}), tmp_path)
    assert named.rules.precision == "float32", "who names one is obeyed"
    storage.write_record(tmp_path / "level-2" / storage.STUDY_FILE, second)
    assert machine.like_others(second, tmp_path) is second, "it was begun itself"


# --------------------------------------------------------------------------------------------- choosing


def test_the_least_sum_of_planned_seconds_wins(with_gpu: None) -> None:
    timer = Timer(
        cpu_float32=work((10, 1000), (90, 1000)),
        cuda_float32=work((20, 1000), (30, 1000)),  # slower for the cnn, and still 50 s against 100
        cuda_bfloat16=work((25, 1000), (35, 1000)),
    )
    settled, said = settle(plan(), timer)
    assert (settled.rules.device, settled.rules.precision) == ("cuda", "float32")
    assert timer.asked == [("cpu", "float32", 1), ("cuda", "float32", 1), ("cuda", "bfloat16", 1)]
    assert settled.seeds == (0, 1)
    reason = "one seed of all contenders takes 50 s there, and 60 s on cuda bfloat16, 100 s on cpu float32 (timed)"
    assert said[-1] == f"device: cuda float32, because {reason}"
    assert settled.machine is not None
    assert settled.machine.reason == reason
    assert settled.machine.image_seconds["cpu float32"] == {"cnn": 0.01, "vit": 0.09}
    assert all(job.rules.device == "cuda" for job in plans.jobs_of(settled, Path("runs"))), (
        "the same for every contender"
    )


def test_equal_seconds_ask_for_the_mean_rate(with_gpu: None) -> None:
    """Each trains 60 s: the CPU is 4 times as fast for the one and half as fast for the other."""
    timer = Timer(
        cpu_float32=work((60, 40_000), (60, 1000)),
        cuda_float32=work((60, 10_000), (60, 2000)),
        cuda_bfloat16="timing vit: out of memory",
    )
    settled, said = settle(plan(budget=SECONDS), timer)
    assert settled.rules.device == "cpu"
    assert "1.41 times those of cuda float32" in said[-1]
    assert settled.machine is not None
    assert settled.machine.failures == {"cuda bfloat16": "timing vit: out of memory"}


def test_only_what_was_left_open_is_timed(with_gpu: None) -> None:
    timer = Timer(cuda_float32=work((20, 10), (20, 10)), cuda_bfloat16=work((10, 10), (10, 10)))
    assert settle(plan(device="cuda"), timer)[0].rules.precision == "bfloat16"
    timer = Timer(cuda_float32=work((20, 10), (20, 10)), cpu_float32=work((10, 10), (10, 10)))
    assert settle(plan(precision="float32"), timer)[0].rules.device == "cpu"


def test_an_accelerator_that_fails_is_out(with_gpu: None) -> None:
    timer = Timer(cpu_float32=work((9, 9), (9, 9)), cuda_float32="timing cnn: broken", cuda_bfloat16="it died")
    settled, said = settle(plan(), timer)
    assert settled.rules.device == "cpu"
    assert said[-1] == "device: cpu float32, because nothing else could be timed"


def test_when_nothing_works_all_reasons_are_told(with_gpu: None) -> None:
    timer = Timer(cpu_float32="a", cuda_float32="b", cuda_bfloat16="c")
    with pytest.raises(UsageError, match=r"cpu float32: a; cuda float32: b; cuda bfloat16: c"):
        settle(plan(), timer)


def test_what_is_only_slow_trains_all_the_same(with_gpu: None) -> None:
    late = "it was not timed within 180 s"
    settled, said = settle(plan(), Timer(cpu_float32=late, cuda_float32="broken", cuda_bfloat16="broken"))
    assert (settled.rules.device, settled.rules.precision) == ("cpu", "float32")
    assert said[-1].startswith("device: cpu float32, because none was timed within 180 s, and it comes first of those")
    assert settled.machine is not None
    assert settled.machine.failures == {"cpu float32": late, "cuda float32": "broken", "cuda bfloat16": "broken"}
    settled, _ = settle(plan(), Timer(cpu_float32=late, cuda_float32=late, cuda_bfloat16=late))
    assert (settled.rules.device, settled.rules.precision) == ("cuda", "float32")


def test_resuming_keeps_what_was_settled(with_gpu: None, tmp_path: Path) -> None:
    timer = Timer(
        cpu_float32=work((9, 9), (9, 9)), cuda_float32=work((5, 9), (5, 9)), cuda_bfloat16=work((1, 9), (1, 9))
    )
    settled, _ = settle(plan(), timer)
    take(open_study(settled, tmp_path / "s", resume=False, exist_ok=False))
    storage.write_text(tmp_path / "s" / "cnn-s0" / storage.CHECKPOINT_FILE, "")
    again = open_study(plan(), tmp_path / "s", resume=True, exist_ok=False).record
    assert (again.rules, again.machine) == (settled.rules, settled.machine)
    assert machine.settle_machine(again, True, lambda sentence: None, time_jobs=never) is again
    with pytest.raises(UsageError, match=r"other settings: precision was [a-z0-9]+ and is float32 now"):
        open_study(plan(precision="float32"), tmp_path / "s", resume=True, exist_ok=False)


def test_studies_from_before_have_no_choice_to_tell() -> None:
    old = plan().model_dump(mode="json")
    del old["machine"]
    old["rules"]["precision"] = "float32"
    assert StudyRecord.model_validate(old).machine is None


# --------------------------------------------------------------------------------------------- timing for real


@pytest.mark.slow
def test_a_study_is_timed_in_a_process_of_its_own(mnist: object) -> None:
    record = plans.plan_study(["cnn"], preset="smoke", device="cpu", precision="float32", num_threads=1)
    paces = probe.time_jobs(plans.jobs_of(record, Path("nowhere"), offline=True))
    assert set(paces) == {"cnn"}
    assert paces["cnn"].images == 4 * record.recipes["cnn"].batch_size
    assert paces["cnn"].training_seconds > 0


@pytest.mark.slow
def test_a_device_that_fails_says_at_whom_and_why(mnist: object) -> None:
    record = plans.plan_study(["cnn"], preset="smoke", device="cpu", precision="tf32", num_threads=1)
    with pytest.raises(RunFailed, match="timing cnn: The precision 'tf32' is not to be had on cpu"):
        probe.time_jobs(plans.jobs_of(record, Path("nowhere"), offline=True))


def test_a_process_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "LONGEST_SECONDS", 0.01)
    with pytest.raises(probe.TooSlow, match="was not timed within"):
        probe.time_jobs(plans.jobs_of(plan(), Path("nowhere"), offline=True))


def test_a_process_that_dies_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe.sys, "executable", "/bin/false")
    with pytest.raises(RunFailed, match="its process ended with code 1"):
        probe.time_jobs(plans.jobs_of(plan(), Path("nowhere"), offline=True))
