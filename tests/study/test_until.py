"""Studies that add seeds until every pair is decided, with runs that only pretend to be trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from eyechart.base.errors import Interrupted, RunFailed, UsageError
from eyechart.cli import app
from eyechart.comparison.compare import compare_runs
from eyechart.files import storage
from eyechart.launch.driver import in_turn
from eyechart.schema import Job, StudyRecord
from eyechart.schema.contracts import Reporter
from eyechart.study.plan import plan_study
from eyechart.study.study import Study
from eyechart.study.until import run_until_decided
from eyechart.words.verdicts import sentence
from tests.comparison.fake_verdicts import NUM_ITEMS, made_up_run, right_but_for, verdict_of
from tests.study.test_study import quiet


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


class Pretended:
    """Leaves a run for each job whose contender errs as often as it is told; fails once where it is told to."""

    def __init__(self, errors: dict[str, float], failure: dict[str, Exception] | None = None):
        self.errors, self.failure, self.done = errors, failure or {}, []  # type: ignore[var-annotated]

    def __call__(self, job: Job, report: Reporter) -> None:
        if job.run in self.failure:
            raise self.failure.pop(job.run)
        place = list(self.errors).index(job.contender)
        random = np.random.default_rng([place, job.seed])
        wrong = np.flatnonzero(random.random(NUM_ITEMS) < self.errors[job.contender])
        folder = made_up_run(Path(job.folder).parent, job.contender, job.seed, right_but_for(wrong))
        record = storage.read_run(folder)
        storage.write_record(folder / storage.RUN_FILE, record.model_copy(update={"rules": job.rules}))
        self.done.append(job.run)


def planned(folder: Path, most_seeds: int, *contenders: str) -> StudyRecord:
    record = plan_study(contenders or ("cnn", "vit"), preset="smoke", most_seeds=most_seeds)
    storage.write_record(folder / storage.STUDY_FILE, record)
    return record


def run(record: StudyRecord, folder: Path, do: Pretended, told: list[str] | None = None) -> Study:
    said = (told if told is not None else []).append
    return run_until_decided(record, folder, quiet, said, launch=in_turn(do))


def test_a_clear_lead_stops_early_and_everything_knows_how(tmp_path: Path) -> None:
    told: list[str] = []
    do = Pretended({"cnn": 0.01, "vit": 0.10})
    study = run(planned(tmp_path, 12), tmp_path, do, told)
    assert study.record.seeds == tuple(range(len(do.done) // 2))
    assert 6 < len(study.record.seeds) < 12, "enough is enough"
    assert not study.missing
    assert [look.num_seeds for look in study.record.looks] == list(range(6, len(study.record.seeds) + 1))
    assert (study.record.looks[-1].num_decided, study.record.looks[-1].num_open) == (1, 0)
    assert told[-1].endswith("1 of 1 pairs is decided: no further seed is needed")
    assert storage.read_study(tmp_path) == study.record
    found = compare_runs(storage.find_runs([tmp_path]))
    verdict = verdict_of(found, "cnn", "vit")
    assert (verdict.kind, verdict.scope, verdict.most_seeds) == ("better", "architectures", 12)
    assert verdict.p_value is not None
    assert 2 / 2**verdict.num_seeds < verdict.p_value < 0.05, "more than were the number of seeds fixed beforehand"
    assert "valid at every look up to 12 seeds" in sentence(verdict, found)
    assert "valable à chaque regard jusqu'à 12 graines" in sentence(verdict, found, "fr")


def test_what_cannot_be_decided_any_more_is_given_up(tmp_path: Path) -> None:
    told: list[str] = []
    do = Pretended({"cnn": 0.100, "vit": 0.101})  # alike, and too few images to call them equivalent
    study = run(planned(tmp_path, 9), tmp_path, do, told)
    assert study.record.looks[-1].num_undecidable == 1
    assert len(study.record.seeds) <= 9
    assert told[-1].endswith("1 cannot be decided with 9 seeds: stopped")
    verdict = verdict_of(study.compare(), "cnn", "vit")
    assert (verdict.kind, verdict.is_open) == ("not shown", False)
    assert "9 seeds" in sentence(verdict, study.compare())


def test_it_goes_on_after_an_interruption_and_after_a_failure(tmp_path: Path) -> None:
    errors = {"cnn": 0.01, "vit": 0.10}
    whole = run(planned(tmp_path / "a", 12), tmp_path / "a", Pretended(errors))
    folder = tmp_path / "b"
    record = planned(folder, 12)
    stopping = Pretended(errors, {"vit-s7": Interrupted("stopped", 2), "cnn-s8": RunFailed("no luck")})
    with pytest.raises(Interrupted):
        run(record, folder, stopping)
    assert storage.read_study(folder).seeds == tuple(range(8)), "the seed that was begun is in the plan"
    failed = run(storage.read_study(folder), folder, stopping)
    assert set(failed.failures) == {"cnn-s8"}
    again = run(storage.read_study(folder), folder, stopping)
    assert (again.record.seeds, again.record.looks) == (whole.record.seeds, whole.record.looks)
    assert len(stopping.done) == len(set(stopping.done)), "nothing is done twice"


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fewer than 9 seeds can show nothing"):
        plan_study(("cnn", "vit", "vgg16", "alexnet", "fasterrcnn"), most_seeds=8)
    with pytest.raises(UsageError, match="name two or more"):
        plan_study("cnn", most_seeds=10)
    for arguments, message in (
        (["--until-decided", "--seeds", "0,1"], "Leave one of them out"),
        (["--most-seeds", "9"], "goes with --until-decided"),
    ):
        result = CliRunner().invoke(app, ["run", "-m", "cnn,vit", "-o", str(tmp_path), *arguments])
        assert message in str(result.exception)
