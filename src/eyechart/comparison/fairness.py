"""Was it one fair race?  What the run files say of splits, budgets, tuning, seeds, machines and starting weights.

"unfair" breaks a rule of the comparison; "note" is worth knowing and breaks none.  Results that look wrong are the
business of alarms.py.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from typing import TYPE_CHECKING

from eyechart.comparison import effort
from eyechart.comparison.naming import by_contender, named
from eyechart.schema import Finding, Rules
from eyechart.scoring import times

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyechart.schema import RunRecord, Scalar

LEAST_VALIDATION_IMAGES = 1000  # below, the s.e. of a validation accuracy of 99 % is over 0.3 points
MOST_BUDGET_MISS = 1.03  # by which the seconds that a run got may miss its budget, either way (rule 2)
LEAST_BUDGET_SECONDS = 10.0  # shorter ones cannot be hit any better
# Told apart elsewhere: by the content of the images, by what the host says, or not a rule at all.
NOT_COMPARED_RULES = {"preset", "dataset", "budget", "device", "num_threads", "precision"}


def unfairness(runs: Sequence[RunRecord]) -> list[Finding]:
    """What speaks against comparing these runs, and what must be known: broken rules first, each told once."""
    found = [
        *_other_images(runs),
        *_budgets(runs),
        _other_rules(runs),
        *_changed_contenders(runs),
        *effort.unequal(
            {name: own[0].recipe for name, own in by_contender(runs).items()},
            {name: {run.seed for run in own} for name, own in by_contender(runs).items()},
        ),
        _missing_seeds(runs),
        _test_accesses(runs),
        *_machines(runs),
        *_spoiled(runs),
        *_worth_knowing(runs),
    ]
    findings = [finding for finding in found if finding is not None]
    return sorted(findings, key=lambda finding: finding.kind == "note")


# --------------------------------------------------------------------------------------------- what differs


def _differing(code: str, runs: Sequence[RunRecord], value: Callable[[RunRecord], str]) -> Finding | None:
    """Which runs differ from most of the others in a value, and in what."""
    counts = Counter(map(value, runs))
    if len(counts) < 2:
        return None
    usual = counts.most_common(1)[0][0]
    others = [run for run in runs if value(run) != usual]
    values = ", ".join(sorted(set(map(value, others))))
    return Finding(kind="unfair", code=code, runs=named(others, runs), facts={"usual": usual, "other": values})


def _other_images(runs: Sequence[RunRecord]) -> list[Finding | None]:
    """The test part is the same for all; train and validation for all runs of one seed."""
    found = [_differing("other-test-images", runs, lambda run: run.splits.test_sha256[:12])]
    for part in ("train", "validation"):
        seeds, others = [], []
        for seed in sorted({run.seed for run in runs}):
            block = [run for run in runs if run.seed == seed]
            counts = Counter(_hash_of(run, part) for run in block)
            if len(counts) > 1:
                usual = counts.most_common(1)[0][0]
                seeds.append(seed)
                others += [run for run in block if _hash_of(run, part) != usual]
        if seeds:
            facts: dict[str, Scalar] = {"part": part, "seeds": ", ".join(map(str, seeds)), "num_seeds": len(seeds)}
            found.append(Finding(kind="unfair", code="other-images", runs=named(others, runs), facts=facts))
    return found


def _hash_of(run: RunRecord, part: str) -> str:
    return run.splits.train_sha256 if part == "train" else run.splits.validation_sha256


def _other_rules(runs: Sequence[RunRecord]) -> Finding | None:
    fields = [
        name
        for name in Rules.model_fields
        if name not in NOT_COMPARED_RULES and len({getattr(run.rules, name) for run in runs}) > 1
    ]
    if not fields:
        return None
    return _differing(
        "other-rules", runs, lambda run: ", ".join(f"{name} {getattr(run.rules, name)}" for name in fields)
    )


def _changed_contenders(runs: Sequence[RunRecord]) -> list[Finding | None]:
    """A contender is one recipe and one set of starting weights: it may not change between its seeds."""
    changed, reweighted = [], []
    for name, own in by_contender(runs).items():
        changed += [name] if any(run.recipe.settings != own[0].recipe.settings for run in own) else []
        reweighted += [name] if len({(run.weights.name, run.weights.sha256) for run in own}) > 1 else []
    return [
        Finding(kind="unfair", code=code, runs=tuple(names))
        for code, names in (("changed-recipe", changed), ("changed-weights", reweighted))
        if names
    ]


def _missing_seeds(runs: Sequence[RunRecord]) -> Finding | None:
    """Nothing is replaced and nothing left out: every contender has every seed."""
    seeds = {run.seed for run in runs}
    missing = {name: seeds - {run.seed for run in own} for name, own in by_contender(runs).items()}
    names = tuple(name for name, lacking in missing.items() if lacking)
    if not names:
        return None
    lacking = sorted(set().union(*missing.values()))
    return Finding(kind="unfair", code="missing-seeds", runs=names, facts={"seeds": ", ".join(map(str, lacking))})


def _test_accesses(runs: Sequence[RunRecord]) -> Finding | None:
    opened = [run for run in runs if run.test_accesses != 1]
    if not opened:
        return None
    most = max(run.test_accesses for run in opened)
    return Finding(kind="unfair", code="test-accesses", runs=named(opened, runs), facts={"accesses": most})


# --------------------------------------------------------------------------------------------- budgets


def _budgets(runs: Sequence[RunRecord]) -> list[Finding | None]:
    found = [_differing("other-budgets", runs, _budget_text), _missed_seconds(runs)]
    contenders = by_contender(runs)
    if len(contenders) > 1 and all(run.rules.budget is None for run in runs):
        found.append(_spent("own-schedules", contenders))
    in_steps = all(run.rules.budget is not None and run.rules.budget.unit == "steps" for run in runs)
    if in_steps and len({run.plan.batch_size for run in runs}) > 1:
        found.append(_spent("steps-of-other-sizes", contenders))
    return found


def _budget_text(run: RunRecord) -> str:
    budget = run.rules.budget
    return f"{budget.amount:g} {budget.unit}" if budget else "full schedule"


def _spent(code: str, contenders: dict[str, list[RunRecord]]) -> Finding:
    """What each contender got: images seen and seconds, means over its seeds."""
    facts: dict[str, Scalar] = {}
    for name, own in contenders.items():
        facts[f"images {name}"] = round(statistics.fmean(run.images_trained_on for run in own))
        facts[f"seconds {name}"] = round(statistics.fmean(run.clocks.training_seconds for run in own), 1)
    return Finding(kind="note", code=code, runs=tuple(contenders), facts=facts)


def _missed_seconds(runs: Sequence[RunRecord]) -> Finding | None:
    """A budget in seconds becomes steps by the pace of the training; a machine that is busy by fits misses it."""

    def miss(run: RunRecord) -> float:
        budget = run.rules.budget
        if not budget or budget.unit != "seconds" or budget.amount < LEAST_BUDGET_SECONDS or run.status != "finished":
            return 1.0
        return max(run.clocks.training_seconds / budget.amount, budget.amount / max(run.clocks.training_seconds, 1e-9))

    missed = [run for run in runs if miss(run) > MOST_BUDGET_MISS]
    if not missed:
        return None
    worst = max(missed, key=miss)
    assert worst.rules.budget is not None
    facts: dict[str, Scalar] = {
        "run": worst.run, "seconds": round(worst.clocks.training_seconds, 1), "budget": worst.rules.budget.amount
    }  # fmt: skip
    return Finding(kind="unfair", code="missed-budget", runs=named(missed, runs), facts=facts)


# --------------------------------------------------------------------------------------------- machines


def _machines(runs: Sequence[RunRecord]) -> list[Finding | None]:
    """Rule 11: different threads, machines or versions inside one comparison."""
    packages = times.differing_packages(runs)

    def versions(run: RunRecord) -> str:
        return ", ".join(f"{name} {run.host.versions.get(name, '-')}" for name in packages)

    def precision(run: RunRecord) -> str:
        return "float32" if run.rules.precision == "auto" else run.rules.precision

    def threads(run: RunRecord) -> str:
        together = f"{run.num_processes} x " if run.num_processes > 1 else ""  # processes of torchrun
        return f"{together}{run.host.num_threads}"

    def machine(run: RunRecord) -> str:
        # A run beside others is kept to some cores of its own: that makes it no other machine.
        kept = run.host.num_machine_cores if times.was_shared(run) else None
        return f"{run.host.hostname}: {kept or run.host.num_cores} x {run.host.cpu}"

    commits = _differing("other-commits", runs, lambda run: run.host.commit or "-")
    return [
        _differing("other-threads", runs, threads),
        _differing("other-machines", runs, machine),
        _differing("other-devices", runs, lambda run: run.host.device),
        _differing("other-precisions", runs, precision),
        _differing("other-versions", runs, versions) if packages else None,
        commits.model_copy(update={"kind": "note"}) if commits else None,
    ]


def _spoiled(runs: Sequence[RunRecord]) -> list[Finding | None]:
    """Runs that shared the machine: their scores stand, their times should not be compared."""
    loaded = [run for run in runs if times.had_foreign_load(run)]
    changed = [run for run in runs if times.machine_changed(run) and not times.was_shared(run)]
    shared = [run for run in runs if times.was_shared(run)]
    at_once = max((segment.num_at_once for run in shared for segment in run.clocks.segments), default=1)
    found: list[Finding | None] = [_about("note", "shared-machine", shared, runs, at_once=at_once)]
    if loaded:
        share = max(times.foreign_share(run) or 0.0 for run in loaded)
        # Where seconds are the budget, foreign load takes training from somebody; elsewhere it only spoils times.
        is_budget = any(run.rules.budget is not None and run.rules.budget.unit == "seconds" for run in loaded)
        kind = "unfair" if is_budget else "note"
        found.append(_about(kind, "foreign-load", loaded, runs, load=round(share, 3)))
    if changed:
        ratio = max(times.matmul_change(run) or 1.0 for run in changed)
        found.append(_about("note", "uneven-machine", changed, runs, ratio=round(ratio, 2)))
    return found


# --------------------------------------------------------------------------------------------- worth knowing


def _worth_knowing(runs: Sequence[RunRecord]) -> list[Finding | None]:
    resumed = [run for run in runs if len(run.clocks.segments) > 1]
    damaged = [run for run in runs if any(segment.damaged_checkpoint for segment in run.clocks.segments)]
    dirty = [run for run in runs if run.host.commit.endswith("-dirty")]
    return [
        _pretrained(runs),
        _about("note", "resumed", resumed, runs),
        _about("note", "damaged-checkpoint", damaged, runs),
        _about("note", "dirty-code", dirty, runs),
        _shortened_test(runs),
        _small_validation(runs),
    ]


def _shortened_test(runs: Sequence[RunRecord]) -> Finding | None:
    shortened = [run for run in runs if is_test_shortened(run)]
    return _about("note", "shortened-test", shortened, runs, images=min((r.num_judged for r in shortened), default=0))


def is_test_shortened(run: RunRecord) -> bool:
    """Whether the rules left test images of the dataset out, which a short test part does not show by itself."""
    return run.splits.num_test < run.dataset.num_test


def _small_validation(runs: Sequence[RunRecord]) -> Finding | None:
    named = [run for run in runs if run.task == "classification"]  # the error of a mAP is no matter of images alone
    small = [run for run in named if run.splits.num_validation < LEAST_VALIDATION_IMAGES]
    images = min((run.splits.num_validation for run in small), default=0)
    error = math.sqrt(0.99 * 0.01 / max(1, images))
    return _about("note", "small-validation", small, runs, images=images, error=round(error, 4))


def _about(
    kind: str, code: str, some: Sequence[RunRecord], runs: Sequence[RunRecord], **facts: Scalar
) -> Finding | None:
    """A finding about some of the runs, which names none when it is about all; None where there are none."""
    if not some:
        return None
    names = () if len(some) == len(runs) else named(some, runs)
    return Finding.model_validate({"kind": kind, "code": code, "runs": names, "facts": facts})


def _pretrained(runs: Sequence[RunRecord]) -> Finding | None:
    """Some started from weights that saw other images, and others did not."""
    contenders = by_contender(runs)
    started = {name: own[0].weights.pretrained_on for name, own in contenders.items() if own[0].weights.pretrained_on}
    if not started or len(started) == len(contenders):
        return None
    facts: dict[str, Scalar] = {f"on {name}": origin for name, origin in started.items()}
    return Finding(kind="note", code="pretrained", runs=tuple(started), facts=facts)
