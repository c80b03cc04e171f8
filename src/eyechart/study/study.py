"""A study: several contenders, several seeds, one set of rules, run one after the other or several at once.

What is planned is written first (study.json), so that a study that was interrupted knows how to go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import DiskRefused, EyechartError, RunFailed
from eyechart.files import storage
from eyechart.files.places import user_path
from eyechart.launch.driver import Launcher, in_turn, saying_how_to_go_on
from eyechart.schema import RunJob, RunRecord, StudyRecord
from eyechart.schema.contracts import Progress
from eyechart.study.plan import jobs_of, run_names
from eyechart.study.shards import ALL, Shard

if TYPE_CHECKING:
    from eyechart.schema import Comparison
    from eyechart.schema.contracts import Reporter


@dataclass
class Study:
    """The folder of a study and what its runs left there."""

    folder: Path
    record: StudyRecord
    failures: dict[str, EyechartError] = field(default_factory=dict)  # run -> reason
    home: Path | None = None  # where it is to stand once it is complete; None: where it is
    shard: Shard | None = None  # the part of its runs that was asked for; None: all

    @property
    def missing(self) -> list[str]:
        """The planned runs that are not finished."""
        return [run for run in run_names(self.record) if not storage.is_run(self.folder / run)]

    @property
    def runs(self) -> list[RunRecord]:
        """The finished runs, in the order of their names."""
        return [storage.read_run(folder) for folder in storage.find_runs([self.folder])]

    def table(self) -> None:
        """Print the leaderboard."""
        from eyechart.terminal.live import results_table

        results_table(self.runs)

    def compare(self) -> Comparison:
        """Verdicts on every pair of contenders; diverged runs count with what they scored."""
        from eyechart.comparison.compare import compare_runs

        return compare_runs(storage.find_runs([self.folder]))

    def check_fairness(self) -> None:
        """UnfairComparison when a rule of a fair comparison is broken or a result looks wrong."""
        from eyechart.comparison.findings import find, refuse

        refuse(find(storage.find_runs([self.folder])))

    def report(self, output: Path | str | None = None, lang: str = "en", *, explain: bool = False) -> Path:
        """Write the HTML report; the path of the file.

        `explain`: with what the contenders looked at on the images that divide them most; needs captum.
        """
        from eyechart.report.page import check_own, write_report

        target = user_path(output) if output else self.folder / storage.REPORT_FILE
        if output:
            check_own(target)
        if explain:
            from eyechart.runner.disputed import look_at_disputed
            from eyechart.terminal.lines import silent

            look_at_disputed(storage.find_runs([self.folder]), silent)
        return write_report(storage.find_runs([self.folder]), target, lang=lang)

    def raise_failures(self) -> None:
        """RunFailed when some runs failed, naming them and their reasons; what is complete stays.

        Its exit code is that of the failures where they agree: 2 when every one was bad usage, 3 when data was missing.
        """
        if not self.failures:
            return
        num_planned, names = len(run_names(self.record)), ", ".join(self.failures)
        num_complete = num_planned - len(self.missing)
        complete = f"{num_complete} complete in {self.folder}" if num_complete else "none is complete"
        failed = RunFailed(
            f"{len(self.failures)} of {num_planned} runs failed ({names}), {complete}{_stays_text(self)}. "
            f"{_way_on(self)}\n{_reasons_text(self)}",
            {run: str(error) for run, error in self.failures.items()},
        )
        codes = {error.exit_code for error in self.failures.values()}
        failed.exit_code = codes.pop() if len(codes) == 1 else 1
        raise failed


# --------------------------------------------------------------------------------------------- running


def run_study(
    record: StudyRecord, folder: Path, report: Reporter, *, offline: bool = False, home: Path | None = None,
    launch: Launcher | None = None, shard: Shard | None = None,
) -> Study:  # fmt: skip
    """Do all runs that are not done yet, or those of a shard; one that fails does not stop the others.

    `home` as in jobs_of.  Raises Interrupted when the user stops it.
    """
    study = Study(folder, record, home=home if home != folder else None, shard=shard)
    jobs = jobs_of(record, folder, offline, home)
    left = _not_finished((shard or ALL).of_jobs(jobs), report)
    with saying_how_to_go_on(home or folder, _stays_text(study)):
        for job, error in (launch or in_turn())(left, report):
            if error is None:
                continue
            study.failures[job.run] = error
            report(Progress(job.run, "failed", note=f"{job.run} failed: {error.told()}"))
            if isinstance(error, DiskRefused):  # a full disk stays full: every further run would fail as well
                break
    return study


def _not_finished(jobs: Iterable[RunJob], report: Reporter) -> Iterator[RunJob]:
    """Those that are left to do, asked for when their turn comes."""
    for job in jobs:
        if storage.is_run(Path(job.folder)):
            report(Progress(job.run, "skipped", note=f"{job.run} is finished already"))
        else:
            yield job


def _way_on(study: Study) -> str:
    """What is not refused: with --resume a study goes on with its settings, and one without any work starts anew."""
    if storage.has_work(study.folder):
        return "Mend the cause, then run the same command with --resume; other settings need another --name."
    return "Mend the cause, then run the command again."


def _stays_text(study: Study) -> str:
    """Of a study that was to replace another."""
    return f" (the earlier study in {study.home} stays until all runs are complete)" if study.home else ""


def _reasons_text(study: Study) -> str:
    """Why runs failed: the first line of each reason, once, with the runs that it is of."""
    runs: dict[str, list[str]] = {}
    for run, error in study.failures.items():
        runs.setdefault(str(error).partition("\n")[0], []).append(run)
    return "\n".join(f"{', '.join(names)}: {reason}" for reason, names in runs.items())
