"""How it was made: the rules, the data, the machines, and for every contender its recipe, plan, weights and runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eyechart.base.errors import StorageError
from eyechart.base.foreign_text import address
from eyechart.files.storage import RUN_FILE, read_study
from eyechart.report.entries import Entry, Run, runs_of, test_error
from eyechart.report.fields import Facts, facts, value_text
from eyechart.report.section import Section
from eyechart.schema import Execution, Host, Plan, Recipe, RunRecord, Tuning
from eyechart.words.speech import ENGLISH, Speech

MOST_GROUPS = 8  # different rules, splits or machines that are listed in full
MOST_NAMED = 8  # runs that are named beside such a group


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
    scores: tuple[str, ...]  # under Provenance.score_headings
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
    score_headings: tuple[str, ...]


def provenance(entries: list[Entry], output: Path, say: Speech) -> Provenance:
    runs = runs_of(entries)
    choices = {study: _choice_facts(study, say) for study in {run.folder.parent for run in runs}}
    groups = [
        _grouped(runs, facts_of, say)
        for facts_of in (
            lambda run: facts(run.record.rules, say),
            lambda run: facts(run.record.splits, say),
            lambda run: _host_facts(run.record.host, say) + choices[run.folder.parent],
        )
    ]
    return Provenance(
        dataset=facts(runs[0].record.dataset, say),
        rules=groups[0][:MOST_GROUPS],
        splits=groups[1][:MOST_GROUPS],
        machines=groups[2][:MOST_GROUPS],
        num_left_out=sum(max(0, len(group) - MOST_GROUPS) for group in groups),
        makings=tuple(_making(entry, output, say) for entry in entries),
        score_headings=(
            (say("Error", "Erreur"), say("Loss", "Perte"))
            if runs[0].record.task == "classification"
            else ("mAP", "AP50")
        ),
    )


def run_link(run: Run, output: Path) -> str:
    """The run file's address relative to the report, so that both can move together."""
    target = run.folder.resolve() / RUN_FILE
    try:
        return address(Path(os.path.relpath(target, output.resolve().parent)).as_posix())
    except ValueError:  # on another drive there is no relative way
        return target.as_uri()


def _grouped(runs: list[Run], facts_of: Callable[[Run], Facts], say: Speech) -> tuple[Group, ...]:
    """The different facts among the runs, with the names of the runs that share them."""
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for run in runs:
        groups.setdefault(tuple(facts_of(run)), []).append(run.record.run)
    return tuple(Group(_who(names, len(runs), say), list(shared)) for shared, names in groups.items())


def _who(names: list[str], num_runs: int, say: Speech) -> str:
    if len(names) == num_runs:
        return say("all runs", "tous les entraînements")
    return say.listed(names, MOST_NAMED)


def _making(entry: Entry, output: Path, say: Speech) -> Making:
    record = entry.first
    blocks = [
        (say("Recipe", "Recette"), _recipe_facts(record.recipe, say)),
        ("Plan", _plan_facts(record.plan, say)),
        (say("Starting weights", "Poids de départ"), facts(record.weights, say)),
        (say("Preprocessing", "Prétraitement"), facts(record.preprocessing, say)),
    ]
    if record.detection is not None:
        blocks.append((say("Boxes", "Boîtes"), facts(record.detection, say)))
    return Making(entry, tuple(blocks), tuple(_run_row(run, output, say) for run in entry.runs))


def _scores(record: RunRecord, say: Speech) -> tuple[str, ...]:
    if record.test:
        return say.percent(test_error(record)), say.loss(record.test.loss)
    return say.percent(record.box_scores.map), say.percent(record.box_scores.map50)


def _run_row(run: Run, output: Path, say: Speech) -> RunRow:
    record = run.record
    return RunRow(
        name=record.run,
        link=run_link(run, output),
        seed=record.seed,
        diverged=run.diverged,
        scores=_scores(record, say),
        training=say.seconds(record.clocks.training_seconds),
        test_accesses=record.test_accesses,
        started_at=record.started_at,
        weights_sha256=record.weights_sha256,
        predictions_sha256=record.predictions_sha256,
        command=record.command,
    )


# --------------------------------------------------------------------------------------------- facts that need words


def _recipe_facts(recipe: Recipe, say: Speech) -> Facts:
    """The recipe, and in words how it was tuned: the trials themselves stand in the run file."""
    shown = facts(recipe, say, leave_out=("tuning",))
    return [*shown, (say("tuning", "réglage"), tuning_text(recipe.tuning, say))]


def tuning_text(tuning: Tuning | None, say: Speech = ENGLISH) -> str:
    """Over what a recipe was searched, and what came of it; "not tuned" without a search."""
    if tuning is None:
        return say("not tuned by eyechart tune: 0 trials", "non réglée par eyechart tune : 0 essai")
    failed, trials = "", say.counted(tuning.trials, "trial", "essai")
    if tuning.num_failed:
        failed = say(f", {tuning.num_failed} of them failed", f", dont {tuning.num_failed} en échec")
    seeds, searched = ", ".join(map(str, tuning.search_seeds)), ", ".join(tuning.searched)
    time, best = say.seconds(tuning.training_seconds), say.percent(tuning.validation_accuracy)
    images = f"{tuning.dataset} {tuning.dataset_sha256[:12]}"
    found = say(
        f"{trials}{failed}, {time} of training, search seeds {seeds}, on validation images of {images}; "
        f"trial {tuning.best_trial} is the best with {best} validation accuracy; searched {searched}; ",
        f"{trials}{failed}, {time} d'entraînement, graines de recherche {seeds}, sur les images de validation de "
        f"{images} ; l'essai {tuning.best_trial} est le meilleur avec {best} d'exactitude en validation ; "
        f"cherché : {searched} ; ",
    )
    return f"{found}{tuning.sampler}, {tuning.date}, commit {tuning.commit or say('unknown', 'inconnu')}"


def _plan_facts(plan: Plan, say: Speech) -> Facts:
    """The plan, and its evaluations by their number: the steps themselves stand in the run file."""
    shown = facts(plan, say, leave_out=("evaluation_steps", "execution", "stretches", "pacing_shares"))
    if plan.stretches:
        first, *later = plan.stretches
        steps = ", ".join(
            f"{say.count(s.num_steps)} ({say('from', 'à partir de')} {say.count(s.first_step)})" for s in later
        )
        planned = say("steps, planned and laid out anew", "pas, prévus puis redessinés")
        shown = [*shown, (planned, f"{say.count(first.num_steps)}, {steps}")]
    number = (say("evaluations", "évaluations"), str(len(plan.evaluation_steps)))
    return [*shown, number, (say("execution", "exécution"), execution_text(plan.execution, say))]


def execution_text(execution: Execution, say: Speech = ENGLISH) -> str:
    """How steps were executed; what was timed for the choice, and what its preparation took."""
    parts: list[str] = [execution.mode]
    if execution.step_seconds:
        times = ", ".join(f"{mode} {say.seconds(seconds)}" for mode, seconds in execution.step_seconds.items())
        parts.append(say(f"a step takes {times}", f"un pas prend {times}"))
    if execution.mode in execution.preparing_seconds:
        seconds = say.seconds(execution.preparing_seconds[execution.mode])
        parts.append(
            say(
                f"{seconds} of compiling are in the preparation, not in the training time",
                f"{seconds} de compilation comptent dans la préparation, non dans l'entraînement",
            )
        )
    parts += [_failed(mode, reason, say) for mode, reason in execution.failures.items()]
    return say.semicolons(parts)


def _failed(what: str, reason: str, say: Speech) -> str:
    return say(f"{what} failed: {reason}", f"{what} a échoué : {reason}")


def _choice_facts(study: Path, say: Speech) -> Facts:
    """Why the study trained on this device and in this precision, where it was a choice and its file is there."""
    try:
        machine = read_study(study).machine
    except StorageError:
        return []
    if machine is None or not machine.image_seconds:
        return []
    timed = [f"{name} {value_text({each: say.seconds(time) for each, time in times.items()}, say)}"
             for name, times in machine.image_seconds.items()]  # fmt: skip
    timed += [_failed(name, reason, say) for name, reason in machine.failures.items()]
    chosen = say(f"chosen because {machine.reason}", f"choix : {machine.reason}")
    return [
        (say("device and precision", "appareil et précision numérique"), chosen),
        (say("timed for an image", "chronométré par image"), say.semicolons(timed)),
    ]


def _host_facts(host: Host, say: Speech) -> Facts:
    """The machine without what changes from run to run."""
    shown = facts(host, say, leave_out=("load_average", "memory_bytes"))
    return [*shown, (say("memory", "mémoire"), say.scaled(host.memory_bytes, "B"))]


SECTION = Section(
    "making",
    ("How it was made", "Comment cela a été fait"),
    lambda draft: provenance(draft.entries, draft.output, draft.say),
    "making.html",
)
