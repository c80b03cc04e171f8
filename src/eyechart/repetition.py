"""Do a run again from its run file, step for step, and compare to the last bit."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart import storage
from eyechart.file_names import on_disk
from eyechart.launch import process
from eyechart.schema import Budget, Job, RunRecord

if TYPE_CHECKING:
    from eyechart.contracts import Reporter


def repeat_run(folder: Path, output: Path, report: Reporter, *, offline: bool = False) -> tuple[RunRecord, RunRecord]:
    """The old record and the new one; the repetition's folder is output/<study>/<run>.

    The schedule is taken from the run file as a number of steps, so a budget in seconds is not calibrated again.
    """
    old = storage.read_run(folder)
    target = output / on_disk(old.study) / on_disk(old.run)
    if target.exists():
        shutil.rmtree(target)  # an earlier repetition of the same run
    rules = old.rules.model_copy(update={"budget": Budget(unit="steps", amount=old.plan.num_steps)})
    job = Job(
        study=old.study,
        run=old.run,
        folder=str(target),
        contender=old.contender,
        seed=old.seed,
        recipe=old.recipe,
        rules=rules,
        num_cached_images=old.plan.num_cached_images,
        execution=old.plan.execution,
        offline=offline,
        command=old.command,
    )
    process.do(job, report)
    return old, storage.read_run(target)


def compare(old: RunRecord, new: RunRecord) -> tuple[list[str], bool]:
    """Lines that say what is the same, and whether weights and predictions are."""
    rows = [
        ("splits", old.splits == new.splits, f"{old.splits.train_sha256[:12]} {new.splits.train_sha256[:12]}"),
        ("weights", old.weights_sha256 == new.weights_sha256, f"{old.weights_sha256[:12]} {new.weights_sha256[:12]}"),
        (
            "predictions",
            old.predictions_sha256 == new.predictions_sha256,
            f"{old.predictions_sha256[:12]} {new.predictions_sha256[:12]}",
        ),
    ]
    lines = [f"{name:12} {'identical' if same else 'DIFFERENT'}  {digests}" for name, same, digests in rows]
    lines.append(f"{'accuracy':12} {old.test.accuracy:.4%}  {new.test.accuracy:.4%}")
    return lines, all(same for _, same, _ in rows)
