"""Where a study trains: device and precision, settled once and by timing, the same for every contender.

They change numbers and clocks, so they are rules.  What only changes how a step is executed is each run's own choice
(training/execution.py).  On a machine with nothing but a CPU without units for bfloat16 this is cpu and float32, and
nothing is timed; nor is it where a budget of steps or images makes the same work of any precision.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import EyechartError, UsageError
from eyechart.files.storage import STUDY_FILE, read_study
from eyechart.launch import probe
from eyechart.schema import MachineChoice
from eyechart.study.differences import SETTLED_RULES
from eyechart.study.plan import jobs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyechart.launch.probe import PlannedWork
    from eyechart.schema import Rules, RunJob, StudyRecord

    Timer = Callable[[Sequence[RunJob]], dict[str, PlannedWork]]
    Works = dict[tuple[str, str], dict[str, PlannedWork]]  # of every (device, precision) that could be timed


def settle_machine(
    record: StudyRecord, offline: bool, say: Callable[[str], None], time_jobs: Timer = probe.time_jobs
) -> StudyRecord:
    """Replace "auto" in the rules by the device and the precision that train this study in the least time here.

    Raises UsageError for a device or a precision that this machine does not have, or when none of them works.
    """
    candidates = open_machines(record.rules)
    if "auto" not in (record.rules.device, record.rules.precision):
        return record
    if len(candidates) == 1:
        return _settled(record, candidates[0], MachineChoice(reason="there is nothing else to choose from"))
    budget = record.rules.budget
    if budget and budget.unit in ("steps", "images") and {kind for kind, _ in candidates} == {"cpu"}:
        reason = "a CPU does a budget of steps or images in float32, as every other does"
        return _settled(record, candidates[0], MachineChoice(reason=reason))
    works: Works = {}
    failures, slow = {}, []
    for candidate in candidates:
        say(f"timing {_name(candidate)}")
        try:
            works[candidate] = time_jobs(jobs_of(_on(record, candidate), Path(), offline))
        except EyechartError as error:
            failures[_name(candidate)] = str(error)
            slow += [candidate] if isinstance(error, probe.TooSlow) else []
    if not works and slow:  # whatever else there was failed; slow is no reason to train nothing
        first = min(slow, key=lambda candidate: (candidate[0] == "cpu", candidate[1] != "float32"))
        reason = f"none was timed within {probe.LONGEST_SECONDS:.0f} s, and it comes first of those that did not fail"
        say(f"device: {_name(first)}, because {reason}")
        return _settled(record, first, MachineChoice(reason=reason, failures=failures))
    if not works:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in failures.items())
        raise UsageError(f"No device could train this study ({reasons}). Name one with --device to see it fail.")
    best, reason = _fastest(record, works)
    timed = {_name(candidate): _image_seconds(work) for candidate, work in works.items()}
    say(f"device: {_name(best)}, because {reason}")
    return _settled(record, best, MachineChoice(reason=reason, image_seconds=timed, failures=failures))


def like_others(record: StudyRecord, folder: Path) -> StudyRecord:
    """One of several studies in a folder, with the device and the precision of one that is settled there already.

    Levels of a context are one comparison.  As it is where it was begun itself, or is the first one.
    """
    if (folder / record.name / STUDY_FILE).is_file():
        return record
    others = (read_study(path.parent) for path in sorted(folder.glob(f"*/{STUDY_FILE}")))
    for other in others:
        if other.machine is not None:
            settled = {
                name: getattr(other.rules, name) for name in SETTLED_RULES if getattr(record.rules, name) == "auto"
            }
            rules = record.rules.model_copy(update=settled)
            return record.model_copy(update={"rules": rules, "machine": other.machine})
    return record


def open_machines(rules: Rules) -> list[tuple[str, str]]:
    """The (device, precision) pairs that the rules leave open on this machine.

    Raises UsageError for a device or a precision that it does not have.
    """
    from eyechart.base import host

    device = host.select_device(rules.device)
    if rules.precision != "auto" and rules.device != "auto":
        host.check_precision(rules.precision, device)
        return [(rules.device, rules.precision)]
    if rules.device == "auto":
        pairs = host.available_machines()
    else:
        pairs = [(rules.device, precision) for kind, precision in host.available_machines() if kind == device.type]
    if rules.precision == "auto":
        return pairs
    chosen = [pair for pair in pairs if pair[1] == rules.precision]
    if not chosen:
        host.check_precision(rules.precision, device)  # says what there is; of a CPU, bfloat16 may be asked for
    return chosen or [(device.type, rules.precision)]


def _fastest(record: StudyRecord, works: Works) -> tuple[tuple[str, str], str]:
    """The candidate that takes the least, and in words by how much.

    Where the budget is seconds, everybody trains equally long, and what counts is the time of an image: its geometric
    mean over contenders, in which each counts the same.  Otherwise it is the sum of the seconds of all contenders.
    """
    is_timed = record.rules.budget is not None and record.rules.budget.unit == "seconds"
    burden = {candidate: (_mean_seconds if is_timed else _sum_seconds)(work) for candidate, work in works.items()}
    order = sorted(burden, key=lambda candidate: burden[candidate])
    if len(order) == 1:
        return order[0], "nothing else could be timed"
    best, others = order[0], order[1:]
    if is_timed:
        words = ", ".join(f"{burden[other] / burden[best]:.3g} times those of {_name(other)}" for other in others)
        return best, f"it trains on the most images in the same seconds: {words} (timed, mean over contenders)"
    words = ", ".join(f"{burden[other]:.3g} s on {_name(other)}" for other in others)
    return best, f"one seed of all contenders takes {burden[best]:.3g} s there, and {words} (timed)"


def _mean_seconds(work: dict[str, PlannedWork]) -> float:
    return math.exp(sum(math.log(seconds) for seconds in _image_seconds(work).values()) / len(work))


def _sum_seconds(work: dict[str, PlannedWork]) -> float:
    return sum(planned.training_seconds for planned in work.values())


def _image_seconds(work: dict[str, PlannedWork]) -> dict[str, float]:
    return {contender: planned.training_seconds / planned.images for contender, planned in work.items()}


def _settled(record: StudyRecord, candidate: tuple[str, str], choice: MachineChoice) -> StudyRecord:
    return _on(record, candidate).model_copy(update={"seeds": record.seeds, "machine": choice})


def _on(record: StudyRecord, candidate: tuple[str, str]) -> StudyRecord:
    """The study with that device and precision, and one seed."""
    device, precision = candidate
    rules = record.rules.model_copy(update={"device": device, "precision": precision})
    return record.model_copy(update={"rules": rules, "seeds": record.seeds[:1]})


def _name(candidate: tuple[str, str]) -> str:
    return " ".join(candidate)
