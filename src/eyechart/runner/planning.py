"""From a contender that stands ready to its plan: how many steps, and how each is executed on this device."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.clock import device_synchronise
from eyechart.base.errors import RunFailed, StorageError
from eyechart.catalog.recipes import PUBLISHED
from eyechart.catalog.zoo import is_of_zoo
from eyechart.files import storage
from eyechart.schema import RunJob
from eyechart.schema.contracts import Progress
from eyechart.training import budget, checkpoint, execution, pace

if TYPE_CHECKING:
    from eyechart.runner.contender import Contender
    from eyechart.schema import ExecutionMode, Plan
    from eyechart.schema.contracts import Reporter
    from eyechart.training.computation import Computation

MOMENT_SECONDS = 20.0  # of which a calibration takes a twentieth, where the budget is not in seconds


def plan_run(contender: Contender, report: Reporter) -> Plan:
    """The schedule: the checkpoint's where there is one, otherwise made from the budget.

    Raises StorageError when the checkpoint belongs to something else.
    """
    path = Path(contender.job.folder) / storage.CHECKPOINT_FILE
    if (saved := checkpoint.newest_checkpoint(path)) is not None:
        card = saved.card
        if card.fingerprint != fingerprint(contender):
            raise StorageError(
                f"The checkpoint {path} belongs to another recipe, other rules, another seed or other images. "
                f"Expected the command that started it. Delete {path.parent} to start this run anew."
            )
        return card.plan
    job, num_train = contender.job, len(contender.splits.train)
    if isinstance(job, RunJob) and job.plan:
        return job.plan
    is_timed = budget.budget_of(job.recipe, job.rules).unit == "seconds"
    modes = execution.modes_of(contender.device.type)
    if job.recipe.gradual or contender.group.size > 1:  # what is recorded once neither opens nor waits for others
        modes = modes[:1]
    if len(modes) == 1:  # nothing to choose
        return budget.make_plan(job.recipe, job.rules, num_train, _calibrated(contender, report) if is_timed else None)
    eager = _calibrated(contender, report)
    num_steps = budget.make_plan(job.recipe, job.rules, num_train, eager).num_steps
    chosen, found = execution.choose_execution(
        modes, eager, num_steps, lambda mode: _calibrated(contender, report, mode)
    )
    plan = budget.make_plan(job.recipe, job.rules, num_train, found if is_timed else None)
    return plan.model_copy(update={"execution": chosen})


def calibrate(contender: Contender, seconds: float, mode: ExecutionMode = "eager") -> budget.Pace:
    """How fast the contender trains here; `seconds` is the budget, of which a small share is spent on this."""
    try:
        return pace.calibrate(
            contender.model,
            lambda model, plan: contender.make_feed(model, plan, contender.computation(model, mode)),
            contender.job.recipe,
            len(contender.splits.train),
            seconds,
            device_synchronise(contender.device),
            pace.WARMUP_STEPS if mode == "eager" else execution.WARMUP_STEPS,
        )
    finally:
        if mode != "eager":
            execution.forget_compiled()


def ready_computation(contender: Contender, plan: Plan) -> Computation:
    """How the contender computes while it trains, compiled and recorded where the plan says so.

    Raises RunFailed when that does not work (any more).
    """
    mode = plan.execution.mode
    computation = contender.computation(contender.model, mode)
    if mode == "eager":
        return computation
    trial = pace.brief_plan(contender.job.recipe, len(contender.splits.train))
    feed = contender.make_feed(contender.model, trial, computation)
    try:
        feed.prepare(lambda share: None)
        execution.warm_up(contender.model, feed)
    except Exception as error:  # whatever a compiler may raise
        raise RunFailed(
            f"The plan of {contender.job.run} has {mode} steps, and these do not work here: {error}. Expected the "
            f"machine and the versions that it was planned with. Delete {contender.job.folder} to start it anew."
        ) from error
    return computation


def fingerprint(contender: Contender) -> str:
    """What a checkpoint must agree with to be continued."""
    job, origin = contender.job, contender.starting.origin
    parts = [
        job.recipe.settings.model_dump_json(),
        job.rules.model_dump_json(exclude={"looking"}),  # when a study stops changes no step of a run
        str(job.seed),
        contender.splits.card.model_dump_json(),
    ]
    # What was made here, or lies in a file, may have been made anew meanwhile; a zoo may have a new version.
    if origin.sha256 and (origin.name not in PUBLISHED or is_of_zoo(job.recipe.contender)):
        parts.append(origin.sha256)
    text = "\n".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()


def _calibrated(contender: Contender, report: Reporter, mode: ExecutionMode = "eager") -> budget.Pace:
    job = contender.job
    note = "" if mode == "eager" else f"trying {mode} steps"
    report(Progress(job.run, "calibrating", note=note))
    wanted = budget.budget_of(job.recipe, job.rules)
    return calibrate(contender, wanted.amount if wanted.unit == "seconds" else MOMENT_SECONDS, mode)
