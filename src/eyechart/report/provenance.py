"""How it was made: the rules, the data, the machines, and for every contender its recipe, plan, weights and runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel

from eyechart.errors import StorageError
from eyechart.report import numbers
from eyechart.report.answer import runs_of
from eyechart.report.entries import Entry, Run, test_error
from eyechart.schema import Execution, Host, Plan, Recipe, Tuning
from eyechart.storage import RUN_FILE, read_study

MOST_GROUPS = 8  # different rules, splits or machines that are listed in full
MOST_NAMED = 8  # runs that are named beside such a group
Facts = list[tuple[str, str]]  # name, value


@dataclass(frozen=True)
class Group:
    """Facts that several runs share."""

    runs: str
    facts: Facts


@dataclass(frozen=True)
class RunRow:
    """One run in the table of runs."""

    name: str
    link: str  # of its run file, relative to the report
    seed: int
    diverged: bool
    error: str
    loss: str
    training: str
    test_accesses: int
    started_at: str
    weights_sha256: str
    predictions_sha256: str
    command: str


@dataclass(frozen=True)
class Making:
    """One contender: what it chose, what it was given, and its runs."""

    entry: Entry
    blocks: tuple[tuple[str, Facts], ...]  # recipe, plan, weights, ... of its first run
    runs: tuple[RunRow, ...]


@dataclass(frozen=True)
class Provenance:
    dataset: Facts
    rules: tuple[Group, ...]
    splits: tuple[Group, ...]
    machines: tuple[Group, ...]
    num_left_out: int  # groups beyond the most that are listed
    makings: tuple[Making, ...]


def provenance(entries: list[Entry], output: Path) -> Provenance:
    runs = runs_of(entries)
    choices = {study: _choice_facts(study) for study in {run.folder.parent for run in runs}}
    groups = [
        _grouped(runs, facts_of)
        for facts_of in (
            lambda run: _facts(run.record.rules),
            lambda run: _facts(run.record.splits),
            lambda run: _host_facts(run.record.host) + choices[run.folder.parent],
        )
    ]
    return Provenance(
        dataset=_facts(runs[0].record.dataset),
        rules=groups[0][:MOST_GROUPS],
        splits=groups[1][:MOST_GROUPS],
        machines=groups[2][:MOST_GROUPS],
        num_left_out=sum(max(0, len(group) - MOST_GROUPS) for group in groups),
        makings=tuple(_making(entry, output) for entry in entries),
    )


def run_link(run: Run, output: Path) -> str:
    """The run file's address relative to the report, so that both can move together."""
    target = run.folder.resolve() / RUN_FILE
    try:
        return quote(Path(os.path.relpath(target, output.resolve().parent)).as_posix())
    except ValueError:  # on another drive there is no relative way
        return target.as_uri()


def _grouped(runs: list[Run], facts_of: Callable[[Run], Facts]) -> tuple[Group, ...]:
    """The different facts among the runs, with the names of the runs that share them."""
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for run in runs:
        groups.setdefault(tuple(facts_of(run)), []).append(run.record.run)
    return tuple(Group(_who(names, len(runs)), list(facts)) for facts, names in groups.items())


def _who(names: list[str], num_runs: int) -> str:
    if len(names) == num_runs:
        return "all runs"
    more = [f"{len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return numbers.spoken_list(names[:MOST_NAMED] + more)


def _making(entry: Entry, output: Path) -> Making:
    record = entry.first
    blocks = [
        ("Recipe", _recipe_facts(record.recipe)),
        ("Plan", _plan_facts(record.plan)),
        ("Starting weights", _facts(record.weights)),
        ("Preprocessing", _facts(record.preprocessing)),
    ]
    if record.detection is not None:
        blocks.append(("Boxes", _facts(record.detection)))
    return Making(entry, tuple(blocks), tuple(_run_row(run, output) for run in entry.runs))


def _run_row(run: Run, output: Path) -> RunRow:
    record = run.record
    return RunRow(
        name=record.run,
        link=run_link(run, output),
        seed=record.seed,
        diverged=run.diverged,
        error=numbers.percent(test_error(record)),
        loss=numbers.loss(record.test.loss),
        training=numbers.seconds(record.clocks.training_seconds),
        test_accesses=record.test_accesses,
        started_at=record.started_at,
        weights_sha256=record.weights_sha256,
        predictions_sha256=record.predictions_sha256,
        command=record.command,
    )


# --------------------------------------------------------------------------------------------- records as facts


def _facts(record: BaseModel) -> Facts:
    """The fields of a record under readable names."""
    return [(_readable(name), _value(getattr(record, name))) for name in type(record).model_fields]


def _recipe_facts(recipe: Recipe) -> Facts:
    """The recipe, and in words how it was tuned: the trials themselves stand in the run file."""
    facts = [(name, value) for name, value in _facts(recipe) if name != "tuning"]
    return [*facts, ("tuning", tuning_text(recipe.tuning))]


def tuning_text(tuning: Tuning | None) -> str:
    """Over what a recipe was searched, and what came of it; "not tuned" without a search."""
    if tuning is None:
        return "not tuned by eyechart tune: 0 trials"
    failed = f", {tuning.num_failed} of them failed" if tuning.num_failed else ""
    seeds = "seeds " + ", ".join(map(str, tuning.search_seeds))
    return (
        f"{numbers.plural(tuning.trials, 'trial')}{failed}, {numbers.seconds(tuning.training_seconds)} of training, "
        f"search {seeds}, on validation images of {tuning.dataset} "
        f"{tuning.dataset_sha256[:12]}; trial {tuning.best_trial} is the best with "
        f"{numbers.percent(tuning.validation_accuracy)} validation accuracy; searched {', '.join(tuning.searched)}; "
        f"{tuning.sampler}; {tuning.date}, commit {tuning.commit or 'unknown'}"
    )


def _plan_facts(plan: Plan) -> Facts:
    """The plan, and its evaluations by their number: the steps themselves stand in the run file."""
    facts = [(name, value) for name, value in _facts(plan) if name not in ("evaluation steps", "execution")]
    return [*facts, ("evaluations", str(len(plan.evaluation_steps))), ("execution", execution_text(plan.execution))]


def execution_text(execution: Execution) -> str:
    """How steps were executed; what was timed for the choice, and what its preparation took."""
    parts: list[str] = [execution.mode]
    if execution.step_seconds:
        times = [f"{mode} {numbers.seconds(seconds)}" for mode, seconds in execution.step_seconds.items()]
        parts.append(f"a step takes {', '.join(times)}")
    if execution.mode in execution.preparing_seconds:
        seconds = numbers.seconds(execution.preparing_seconds[execution.mode])
        parts.append(f"{seconds} of compiling are in the preparation, not in the training time")
    parts += [f"{mode} failed: {reason}" for mode, reason in execution.failures.items()]
    return "; ".join(parts)


def _choice_facts(study: Path) -> Facts:
    """Why the study trained on this device and in this precision, where it was a choice and its file is there."""
    try:
        machine = read_study(study).machine
    except StorageError:
        return []
    if machine is None or not machine.image_seconds:
        return []
    timed = [f"{name} {_value({each: numbers.seconds(time) for each, time in times.items()})}"
             for name, times in machine.image_seconds.items()]  # fmt: skip
    timed += [f"{name} failed: {reason}" for name, reason in machine.failures.items()]
    return [("device and precision", f"chosen because {machine.reason}"), ("timed for an image", "; ".join(timed))]


def _host_facts(host: Host) -> Facts:
    """The machine without what changes from run to run."""
    facts = _facts(host.model_copy(update={"load_average": None}))
    return [(name, value) for name, value in facts if name not in ("load average", "memory bytes")] + [
        ("memory", numbers.scaled(host.memory_bytes, "B"))
    ]


def _readable(name: str) -> str:
    return name.replace("_", " ").replace("num ", "number of ", 1)


def _value(value: object) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_defaults=True)
    if isinstance(value, dict):
        return ", ".join(f"{_readable(str(key))} {_value(each)}" for key, each in value.items()) or "none"
    if isinstance(value, tuple | list):
        return ", ".join(_value(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}"
    return "–" if value is None or value == "" else str(value)
