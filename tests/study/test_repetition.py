"""Where a repetition may be written, and what it takes the place of; with a launcher that only pretends to train."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from eyechart.base.errors import EyechartError, Interrupted, RunFailed, UsageError
from eyechart.files import storage
from eyechart.launch.driver import in_turn
from eyechart.schema import Job
from eyechart.schema.contracts import Progress, Reporter
from eyechart.study.repetition import repeat_run


def quiet(progress: Progress) -> None:
    pass


@pytest.fixture
def original(fake_runs: Any, tmp_path: Path) -> Path:
    """runs/A/cnn-s0, with a file of the user's own."""
    run: Path = fake_runs.fake_study(tmp_path / "runs" / "A", {"cnn": fake_runs.FIVE["cnn"]}, num_items=50)[0]
    (run / "notes.txt").write_text("mine")
    record = storage.read_run(run).model_copy(update={"study": "A", "started_in": "/somewhere"})
    storage.write_record(run / storage.RUN_FILE, record)
    return run


def repeated(original: Path, output: Path, mark: str = "new", error: BaseException | None = None) -> list[Job]:
    jobs = []

    def launch(job: Job, report: Reporter) -> None:
        jobs.append(job)
        folder = Path(job.folder)
        storage.write_text(folder / storage.CHECKPOINT_FILE, mark)
        if error:
            raise error
        storage.write_text(folder / storage.WEIGHTS_FILE, mark)
        storage.write_text(folder.parent / "items-0123.npz", mark)
        shutil.copy(original / storage.RUN_FILE, folder)
        (folder / storage.CHECKPOINT_FILE).unlink()

    repeat_run(original, output, quiet, launch=in_turn(launch))
    return jobs


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_repetition_is_of_the_same_data_seen_from_the_same_place(original: Path, tmp_path: Path) -> None:
    (job,) = repeated(original, tmp_path / "repeats")
    assert job.started_in == "/somewhere"
    assert job.dataset_sha256 == storage.read_run(original).dataset.content_sha256
    assert {str(path.relative_to(tmp_path / "repeats")) for path in (tmp_path / "repeats").rglob("*")} == {
        "A", "A/items-0123.npz", "A/cnn-s0", "A/cnn-s0/run.json", "A/cnn-s0/weights.safetensors"
    }  # fmt: skip


def test_what_several_processes_trained_is_not_repeated_by_one(original: Path, tmp_path: Path) -> None:
    record = storage.read_run(original).model_copy(update={"num_processes": 2})
    storage.write_record(original / storage.RUN_FILE, record)
    with pytest.raises(UsageError, match="was trained by 2 processes together"):
        repeated(original, tmp_path / "repeats")
    assert not (tmp_path / "repeats").exists()


@pytest.mark.parametrize("way", ["plain", "relative", "link", "link to the study", "inside"])
def test_the_original_is_never_the_target(
    way: str, original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "runs")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "A").symlink_to(tmp_path / "runs" / "A")
    (original.parent / storage.STUDY_FILE).unlink(missing_ok=True)  # it is the run that is looked at
    run, output = original, tmp_path / "runs"
    if way == "inside":  # output/A/cnn-s0/deep is the original
        run = original / "deep"
        shutil.copytree(original, run)
    output = {"relative": Path("runs"), "link": Path("link"), "link to the study": Path("other")}.get(way, output)
    before = everything(tmp_path / "runs")
    with pytest.raises(UsageError, match=r"is the run that is to be repeated.*Choose another --output") as caught:
        repeated(run, output)
    assert caught.value.exit_code == 2
    assert everything(tmp_path / "runs") == before


def test_a_run_of_another_study_is_never_the_target(original: Path, tmp_path: Path) -> None:
    other = tmp_path / "others" / "A"
    storage.write_text(other / storage.STUDY_FILE, "{}")
    storage.write_text(other / "cnn-s0" / storage.RUN_FILE, "theirs")
    before = everything(other)
    with pytest.raises(UsageError, match="the place of a run in another study"):
        repeated(original, tmp_path / "others")
    assert everything(other) == before


def test_an_earlier_repetition_is_replaced_once_the_new_one_stands(original: Path, tmp_path: Path) -> None:
    repeated(original, tmp_path / "repeats", "old")
    (tmp_path / "repeats" / "A" / "cnn-s0" / "notes.txt").write_text("mine")
    before = everything(tmp_path / "repeats")
    errors: list[tuple[BaseException, type[BaseException]]] = [
        (RunFailed("no luck"), EyechartError), (Interrupted("Stopped.", 15), Interrupted),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ]  # fmt: skip
    for error, kind in errors:
        with pytest.raises(kind):
            repeated(original, tmp_path / "repeats", "new", error)
        assert everything(tmp_path / "repeats") == before
    storage.write_text(tmp_path / "repeats" / "A" / ".cnn-s0.repetition" / "cnn-s0" / storage.CHECKPOINT_FILE, "killed")
    repeated(original, tmp_path / "repeats", "new")
    after = everything(tmp_path / "repeats")
    assert after.keys() == before.keys()
    assert after["A/cnn-s0/weights.safetensors"] == b"new"
    assert after["A/cnn-s0/notes.txt"] == b"mine"


def test_a_name_of_a_study_that_is_a_path_leads_nowhere_else(original: Path, tmp_path: Path) -> None:
    """Studies of before could be called ../up."""
    record = storage.read_run(original).model_copy(update={"study": "../up"})
    storage.write_record(original / storage.RUN_FILE, record)
    repeated(original, tmp_path / "repeats")
    assert not (tmp_path / "up").exists()
    assert [path.name for path in (tmp_path / "repeats").iterdir()] == ["_up"]
