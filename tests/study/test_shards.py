"""A plan that several commands do together: nothing twice, nothing left out, and one plan only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eyechart.base.errors import UsageError
from eyechart.files import addresses, storage
from eyechart.files.locks import hold, share
from eyechart.study import plan as plans
from eyechart.study import race
from eyechart.study.folder import open_shared, take_shared
from eyechart.study.shards import Shard, shard_of
from eyechart.study.study import Study


def plan(models: Any = ("cnn", "vit"), seeds: Any = (0, 1), **rules: Any):  # type: ignore[no-untyped-def]
    return plans.plan_study(list(models), "digits", "smoke", seeds, num_threads=1, device="cpu", **rules)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30])
def test_all_shards_together_are_the_plan(count: int) -> None:
    jobs = plans.jobs_of(plan(("cnn", "vit", "alexnet"), range(4)), Path("s"))
    shares = [Shard(place, count).share(jobs) for place in range(1, count + 1)]
    assert sorted(job.run for each in shares for job in each) == sorted(job.run for job in jobs)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_no_shard_gets_all_of_the_slowest(count: int) -> None:
    """Of eight runs of one contender, each of N shards does 8 / N, one more or less."""
    jobs = plans.jobs_of(plan(("cnn", "vit"), range(8)), Path("s"))
    for place in range(1, count + 1):
        mine = [job.contender for job in Shard(place, count).of_jobs(jobs)]
        assert abs(mine.count("vit") - 8 / count) < 1
        assert abs(mine.count("cnn") - 8 / count) < 1


def test_levels_of_a_context_are_shared_out_as_one_plan() -> None:
    """One run a level: without counting on, the first shard would do all of them."""
    levels = [["a"], ["b"], ["c"], ["d"]]
    done = [[run for number, level in enumerate(levels) for run in Shard(place, 2, number).share(level)]
            for place in (1, 2)]  # fmt: skip
    assert done == [["a", "c"], ["b", "d"]]


def test_what_is_no_shard_is_told() -> None:
    assert (shard_of(None), shard_of("2/8")) == (None, Shard(2, 8))
    assert str(Shard(2, 8)) == "2/8"
    for text in ("0/4", "5/4", "1", "a/b", "1/4/2", "-1/4", ""):
        with pytest.raises(UsageError, match=r"expected I/N with I from 1 to N, such as 2/8.*--array=1-8"):
            shard_of(text)


def test_the_first_writes_the_plan_and_others_must_have_the_same(tmp_path: Path) -> None:
    first = open_shared(plan(name="s"), tmp_path / "s")
    take_shared(first)
    written = (tmp_path / "s" / storage.STUDY_FILE).read_bytes()
    second = open_shared(plan(name="s"), tmp_path / "s")
    take_shared(second)
    assert second.record == first.record
    assert (tmp_path / "s" / storage.STUDY_FILE).read_bytes() == written
    for other, words in ((plan(seeds=(0, 1, 2)), "seeds was 0, 1 and is 0, 1, 2 now"),
                         (plan(("vit", "cnn")), "contenders was cnn, vit and is vit, cnn now"),
                         (plan(fraction=0.5), "fraction was 0.01 and is 0.5 now")):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            open_shared(other, tmp_path / "s")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="is no study of eyechart"):
        open_shared(plan(), tmp_path / "mine")


def silent(sentence: str) -> None:
    raise AssertionError(sentence)


def test_those_who_share_keep_out_whoever_wants_it_all(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    with share(folder, "1-of-2", silent) as alone, share(folder, "2-of-2", silent):
        with (
            pytest.raises(UsageError, match=rf"s is in use by process {os.getpid()} "),
            hold(folder, silent),
        ):
            raise AssertionError("it was shared")
        with pytest.raises(UsageError, match="is in use by"), share(folder, "1-of-2", silent):
            raise AssertionError("the same one twice")
        with alone():
            pass
    with hold(folder, silent), pytest.raises(UsageError, match="is in use by"), share(folder, "1-of-2", silent):
        raise AssertionError("somebody has it all")
    (folder / f"{storage.LOCK_PREFIX}share-3-of-3-lock").touch()  # of a process that was killed
    with hold(folder, silent):
        pass
    assert [path.name for path in folder.iterdir()] == [f"{storage.LOCK_PREFIX}opening"]


def test_halves_are_not_done_beside_thirds(tmp_path: Path) -> None:
    def holding(text: str) -> Any:
        return race._holding(tmp_path / "s", shard_of(text), exist_ok=False, tell=silent)

    with holding("1/2"), holding("2/2"), pytest.raises(UsageError, match="in use by"), holding("1/3"):
        raise AssertionError("its runs are being done")
    with holding("1/3"):
        pass


def test_the_shard_that_ends_last_sees_what_others_did_at_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On two machines, each of which works at a copy of its own."""
    address, planned = f"file://{tmp_path}/far/runs", plan(("cnn",), (0, 1))
    told: list[str] = []
    monkeypatch.setattr(Study, "report", lambda self, **given: Path("report.html"))
    for place in (1, 2):
        monkeypatch.setenv("EYECHART_CACHE", str(tmp_path / f"machine-{place}"))
        folder = addresses.copy_of(f"{address}/s")
        addresses.fetch(folder)
        with share(folder, f"{place}-of-2", lambda sentence: None):
            opened = open_shared(planned, folder)
            take_shared(opened)
            shard = Shard(place, 2)
            (own,) = shard.of_jobs(plans.jobs_of(opened.record, folder))
            storage.write_text(folder / own.run / storage.RUN_FILE, "done")
            addresses.put(folder)
            study = Study(folder, opened.record, shard=shard)
            monkeypatch.setattr(Study, "runs", property(lambda self: [1]))
            race._conclude(study, opened, exam=False, tell=told.append, lang="en")
    assert "1 runs of the study are not" in told[0]
    assert told[1:] == ["report: report.html"]


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "eyechart", "run", "-m", "cnn", "-d", "digits", "-p", "smoke", "--seeds", "0,1,2",
            "--threads", "1", "-o", str(folder), "--name", "s", "--offline", *more]  # fmt: skip


@pytest.mark.slow
def test_two_shards_at_once_and_then_all_of_it(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(command(tmp_path, "--shard", f"{place}/2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
        for place in (1, 2)
    ]  # fmt: skip
    ended = [(process.communicate(timeout=600), process.returncode) for process in started]
    assert [code for _, code in ended] == [0, 0], ended
    runs = storage.find_runs([tmp_path / "s"])
    assert [run.name for run in runs] == ["cnn-s0", "cnn-s1", "cnn-s2"]
    told = [err for (_, err), _ in ended]
    reports = [err for err in told if "report: " in err]
    assert reports, "whoever ended last wrote the report"
    for err in set(told) - set(reports):
        assert "is done;" in err
    again = subprocess.run(command(tmp_path, "--resume"), capture_output=True, text=True, timeout=600, check=False)
    assert (again.returncode, again.stderr.count("is finished already")) == (0, 3), again.stderr
    assert not list((tmp_path / "s").glob("*/.*.partial"))
