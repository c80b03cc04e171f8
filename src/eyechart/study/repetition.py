"""Do a run again from its run file, step for step, and compare to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import Interrupted, UsageError
from eyechart.files import addresses, replacing, storage
from eyechart.files.file_names import on_disk
from eyechart.files.folder_names import folder_name_of
from eyechart.files.locks import hold
from eyechart.launch.driver import Launcher, in_turn
from eyechart.schema import RunRecord
from eyechart.schema.jobs import job_again

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.schema.contracts import Reporter


def repeat_run(folder: Path, output: Path, report: Reporter, *, offline: bool = False,
               say: Callable[[str], None] = lambda sentence: None, launch: Launcher | None = None,
               ) -> tuple[RunRecord, RunRecord]:  # fmt: skip
    """The old record and the new one; the repetition's folder is output/<study>/<run>.

    An earlier repetition there is replaced once the new one is complete.  The plan is taken from the run
    file, so a budget in seconds is neither calibrated nor paced again.
    Raises UsageError when the original or a study would be replaced, or was judged again, DatasetError when its data
    has changed.
    """
    old = storage.read_run(folder)
    if old.judged_on:
        raise UsageError(
            f"{folder} is {old.run} judged again on {old.judged_on}; expected a run as it was trained. Repeat the run "
            f"of that name in its study, or judge it again: {old.command}"
        )
    if old.num_processes > 1:
        raise UsageError(
            f"{old.run} was trained by {old.num_processes} processes together, whose sums one process rounds "
            f"otherwise. Train it again as it was: {old.command}"
        )
    study, run = folder_name_of(old.study), folder_name_of(old.run)
    home = output / on_disk(study)
    _check_target(folder, home, run)
    made_in = home / f".{run}.repetition"
    with hold(home, say, part=f"{run}-"):
        replacing.finish(made_in, lambda: replacing.remove_run(home / run))
        _discard(made_in, run)  # of one that was killed
        try:
            (outcome,) = (launch or in_turn())([job_again(old, str(made_in / run), offline)], report)
            if outcome.error:
                raise outcome.error
            replacing.put_in_place(made_in, lambda: replacing.remove_run(home / run))
        except Interrupted as error:
            raise Interrupted(
                f"Stopped: {old.run} was not repeated to its end, and nothing of that is kept. What was there stays.",
                error.exit_code - 128,
            ) from None
        finally:
            _discard(made_in, run)
        addresses.put(home)
        say(f"the repetition lies in {addresses.address_of(home / run) or home / run}")
        return old, storage.read_run(home / run)


def _check_target(original: Path, home: Path, run: str) -> None:
    """UsageError when the repetition would take the place of anything but an earlier repetition."""
    target = home / run
    if original.resolve().is_relative_to(target.resolve()) or (target.exists() and target.samefile(original)):
        found = f"is the run that is to be repeated, {original}"
    elif (home / storage.STUDY_FILE).exists():
        found = "is the place of a run in another study"
    elif target.is_symlink() or target.is_file():
        found = "is a link or a file"
    else:
        return
    raise UsageError(
        f"The repetition would be written to {target}, which {found}; expected a place of its own. "
        f"Choose another --output, or leave it out."
    )


def _discard(made_in: Path, run: str) -> None:
    """Remove what there is of a repetition that did not come to its end."""
    if made_in.is_dir():
        replacing.remove_study(made_in, [run])


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
    if old.weights.sha256 != new.weights.sha256:
        rows.insert(0, ("start", False, f"{old.weights.sha256[:12]} {new.weights.sha256[:12]}, other starting weights"))
    lines = [f"{name:12} {'identical' if same else 'DIFFERENT'}  {digests}" for name, same, digests in rows]
    name = "accuracy" if old.task == "classification" else "mAP"
    lines.append(f"{name:12} {old.mark:.4%}  {new.mark:.4%}")
    return lines, all(same for _, same, _ in rows)
