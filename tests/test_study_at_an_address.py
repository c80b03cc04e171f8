"""A study whose folder is an address: begun on one machine, gone on with and read on another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import eyechart as ec
from eyechart.base.errors import UsageError
from eyechart.files import storage
from eyechart.files.addresses import copy_of
from eyechart.launch import process
from eyechart.launch.ray_cluster import on_ray
from eyechart.schema.contracts import Progress
from eyechart.study.folder import open_study
from eyechart.study.one_big_run import race_together
from eyechart.study.plan import jobs_of, plan_study
from tests.in_process import eyechart
from tests.launch.test_ray_cluster import Pretended

SMALL = ("run", "-m", "cnn", "-d", "digits", "--preset", "smoke", "--steps", "8", "--name", "s")


@pytest.fixture
def far(tmp_path: Path) -> str:
    return f"file://{tmp_path / 'far'}"


@pytest.fixture
def be_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda machine: monkeypatch.setenv("EYECHART_CACHE", str(tmp_path / machine))


@pytest.mark.slow
def test_seeds_that_two_machines_did_are_one_study(tmp_path: Path, far: str, be_on: Callable[[str], None]) -> None:
    be_on("first")
    first = eyechart(*SMALL, "-o", far, "--seeds", "0")
    assert first.returncode == 0, first.stderr
    assert "an address has no locks" in first.stderr
    be_on("second")
    second = eyechart(*SMALL, "-o", far, "--seeds", "0,1", "--resume")
    assert second.returncode == 0, second.stderr
    kept = sorted(path.parent.name for path in (tmp_path / "far").rglob(storage.RUN_FILE))
    assert kept == ["cnn-s0", "cnn-s1"]
    assert (tmp_path / "far" / "s" / storage.REPORT_FILE).is_file()
    be_on("third")
    for command in (("ls", "-o", far), ("ls", far), ("compare", f"{far}/s"), ("show", f"{far}/s/cnn-s1")):
        told = eyechart(*command)
        assert told.returncode == 0, told.stderr
        assert "cnn-s1" in told.stdout or "cnn" in told.stdout
    assert len(ec.open_study(f"{far}/s").runs) == 2
    judged = eyechart("study", "corruption", f"{far}/s", "--images", "20")  # asks the networks, which were not here
    assert judged.returncode == 0, judged.stderr
    assert list((tmp_path / "far" / "s").rglob(storage.CONTEXT_FILE)), judged.stderr
    again = eyechart("repeat", f"{far}/s/cnn-s0")
    assert again.returncode == 0, again.stderr
    assert f"the repetition lies in {far}/repeats/s/cnn-s0" in again.stderr.replace("file:////", "file:///")
    assert (tmp_path / "far" / "repeats" / "s" / "cnn-s0" / storage.RUN_FILE).is_file()
    report = eyechart("report", f"{far}/s", "--lang", "fr")
    assert report.returncode == 0, report.stderr
    assert 'lang="fr"' in (tmp_path / "far" / "s" / storage.REPORT_FILE).read_text()


def test_other_paths_and_replacements_are_no_addresses(
    tmp_path: Path, far: str, be_on: Callable[[str], None], reading_study: Path
) -> None:
    be_on("first")
    told = eyechart("export", reading_study / "cnn-s0", "-o", f"{far}/cnn.onnx")
    assert told.returncode == 2
    assert f"--output {far}/cnn.onnx is an address; expected a path of this machine" in told.stderr
    record = plan_study(["cnn"], "digits", "smoke", [0])
    folder = copy_of(f"{far}/s")
    storage.write_record(folder / storage.STUDY_FILE, record)
    storage.write_text(folder / "cnn-s0" / storage.RUN_FILE, "{}")
    with pytest.raises(UsageError, match="nothing is removed at an address"):
        open_study(record, folder, resume=False, exist_ok=True)
    with pytest.raises(UsageError, match="a folder that all of them see"):
        race_together(record, folder, resume=False, exist_ok=False, offline=True)


def test_tasks_on_machines_that_share_no_disk_leave_each_run_once(
    tmp_path: Path, far: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each task, done twice, on a machine of its own; what they did is at the address and here."""
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path / "here"))
    done: list[str] = []

    def do(job: object, report: Callable[[Progress], None]) -> None:
        done.append(job.run)  # type: ignore[attr-defined]
        folder = Path(job.folder)  # type: ignore[attr-defined]
        assert folder.is_relative_to(tmp_path / f"there-{len(machines)}"), "a copy of the task's own machine"
        with process.addresses.kept_up(folder):
            storage.write_text(folder.parent / "items-01.npz", "test images")
            storage.write_text(folder / storage.RUN_FILE, job.run)  # type: ignore[attr-defined]

    machines: list[str] = []

    class Machines(Pretended):
        def submit(self, job: object, files: object) -> str:
            assert str(job.folder).startswith(far), "a path of this machine means nothing on others"  # type: ignore[attr-defined]
            for _ in range(2):
                machines.append(job.run)  # type: ignore[attr-defined]
                with pytest.MonkeyPatch.context() as patch:
                    patch.setenv("EYECHART_CACHE", str(tmp_path / f"there-{len(machines)}"))
                    super().submit(job, files)  # type: ignore[arg-type]
            return str(job.run)  # type: ignore[attr-defined]

    monkeypatch.setattr(process, "do", do)
    record = plan_study(["cnn", "vit"], "digits", "smoke", [0])
    folder = copy_of(far) / "s"
    outcomes = list(on_ray(connect=lambda address: Machines())(jobs_of(record, folder), lambda progress: None))
    assert not any(outcome.error for outcome in outcomes)
    assert sorted(done) == ["cnn-s0", "vit-s0"], "the second task found the run at the address"
    assert {path.read_text() for path in folder.rglob(storage.RUN_FILE)} == {"cnn-s0", "vit-s0"}
    assert (folder / "items-01.npz").is_file()
