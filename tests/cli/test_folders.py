"""What a command may do to the folder of a study, and what never, from the command line and from Python."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import eyechart as ec
from eyechart.base.errors import DatasetError, UsageError
from eyechart.base.host import select_device
from eyechart.files import locks, storage
from eyechart.runner.contender import prepare
from eyechart.study import plan as plans
from tests.in_process import eyechart

pytestmark = pytest.mark.slow

SMOKE = ["-p", "smoke", "--threads", "1", "--device", "cpu", "--offline", "--fraction", "1"]


def draw(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (16, 16), dtype=np.uint8)).save(path)


@pytest.fixture
def place(tmp_path: Path, empty_cache: Path) -> Path:
    """A folder to work in, with PICS: two classes of twelve pictures."""
    for number in range(24):
        draw(tmp_path / "PICS" / "ab"[number % 2] / f"{number}.png", number)
    return tmp_path


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def begun(folder: Path) -> Path:
    """A study with a checkpoint, in no time."""
    record = plans.plan_study("cnn", "digits", "smoke", name="A", device="cpu", num_threads=1)
    storage.write_record(folder / storage.STUDY_FILE, record.model_copy(update={"dataset_sha256": "of before"}))
    storage.write_text(folder / "cnn-s0" / storage.CHECKPOINT_FILE, "hours of work")
    storage.write_text(folder / "cnn-s0" / "notes.txt", "mine")
    storage.write_text(folder / storage.REPORT_FILE, "old")
    return folder


# --------------------------------------------------------------------------------------------- before anything happens


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["-m", "vgg16:./nope.safetensors"], 3),
        (["-m", "cnn", "-d", "nowhere"], 2),
        (["-m", "cnn", "--device", "tpu"], 2),
        (["-m", "alexnet:imagenet"], 3),
    ],
)
def test_exist_ok_removes_nothing_where_the_new_study_cannot_be(
    arguments: list[str], code: int, tmp_path: Path
) -> None:
    before = everything(begun(tmp_path / "runs" / "A").parent)
    command = ["run", "-d", "digits", *SMOKE, "--name", "A", "--exist-ok", *arguments]
    assert eyechart(*command, cwd=tmp_path, TORCH_HOME=str(tmp_path)).returncode == code
    assert everything(tmp_path / "runs") == before


@pytest.mark.parametrize("name", ["../up", "a/b/c", "a\\b", ".", "", " "])
def test_a_name_is_no_path(name: str, tmp_path: Path) -> None:
    for command in ("run", "tune"):
        result = eyechart(command, "-m", "cnn", "-d", "digits", *SMOKE, "--name", name, cwd=tmp_path)
        assert result.returncode == 2
        assert "expected the name of one folder" in result.stderr
    with pytest.raises(UsageError, match="expected the name of one folder"):
        ec.run("cnn", "digits", "smoke", output=tmp_path, name=name)
    assert not any(tmp_path.iterdir())


def test_home_is_found_where_no_shell_has_seen_it(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    home = {"HOME": str(tmp_path / "home"), "EYECHART_OUTPUT": "~/x"}
    assert f"{tmp_path}/home/x does not exist" in eyechart("ls", cwd=tmp_path, **home).stderr
    for command in (["ls", "-o", "~/y"], ["ls", "~/y"], ["report", "~/y"], ["compare", "~/y"], ["labels", "~/y"]):
        assert f"{tmp_path}/home/y" in eyechart(*command, cwd=tmp_path, **home).stderr
    begun(tmp_path / "home" / "x" / "A")
    assert "already holds a study" in eyechart(
        "run", "-m", "cnn", "-d", "digits", *SMOKE[:4], "--name", "A", cwd=tmp_path, **home
    ).stderr  # fmt: skip
    assert not (tmp_path / "~").exists()


def test_an_empty_contender_is_not_all_of_them(tmp_path: Path) -> None:
    for name in ("", "cnn,", "cnn,,vit"):
        result = eyechart("run", "-m", name, "-d", "digits", *SMOKE, cwd=tmp_path)
        assert (result.returncode, "no contender ''" in result.stderr) == (2, True)
    assert not any(tmp_path.iterdir())


# --------------------------------------------------------------------------------------------- one at a time


def test_the_second_start_is_refused_and_readers_are_not(tmp_path: Path) -> None:
    folder = begun(tmp_path / "runs" / "A")
    with locks.hold(folder, lambda sentence: None):
        before = everything(tmp_path)
        for command in (["run"], ["run", "--exist-ok"], ["run", "--resume"], ["tune"], ["tune", "--resume"]):
            result = eyechart(*command, "-m", "cnn", "-d", "digits", *SMOKE, "--name", "A", cwd=tmp_path)
            assert result.returncode == 2
            assert f"in use by process {os.getpid()} on " in result.stderr
        with pytest.raises(UsageError, match="in use by process"):
            ec.run("cnn", "digits", "smoke", output=tmp_path / "runs", name="A", exist_ok=True, quiet=True)
        assert eyechart("ls", "runs", cwd=tmp_path).returncode == 0
        assert everything(tmp_path) == before


def test_two_repetitions_of_one_run_at_once(tmp_path: Path, fake_runs: object) -> None:
    (run,) = fake_runs.fake_study(tmp_path / "A", {"cnn": fake_runs.FIVE["cnn"]}, num_items=50)  # type: ignore[attr-defined]
    record = storage.read_run(run)
    with locks.hold(tmp_path / "repeats" / record.study, lambda sentence: None, part=f"{record.run}-"):
        result = eyechart("repeat", run, cwd=tmp_path)
    assert (result.returncode, "in use by process" in result.stderr) == (2, True)


# --------------------------------------------------------------------------------------------- the same data


def test_a_run_is_not_trained_on_other_data(tmp_path: Path) -> None:
    """What a worker does where the data changed while the study was under way."""
    record = plans.plan_study("cnn", "digits", "smoke", device="cpu", num_threads=1)
    (job,) = plans.jobs_of(record.model_copy(update={"dataset_sha256": "abc"}), tmp_path)
    with pytest.raises(DatasetError, match=r"have changed: their sha256 is [0-9a-f]{16}, and cnn-s0 was started with"):
        prepare(job, select_device("cpu"), lambda sentence: None)


def test_a_study_from_its_first_refusal_to_changed_data(place: Path) -> None:
    run = ["run", "-m", "cnn", *SMOKE, "--name", "A"]
    refused = eyechart(*run, "-d", "PICS", "--weights", "none", cwd=place)
    assert refused.returncode == 2, "cnn has no weights"
    assert not (place / "runs").exists()
    first = eyechart(*run, "-d", "PICS", cwd=place)
    assert first.returncode == 0, first.stderr
    folder = place / "runs" / "A"
    record = storage.read_study(folder)
    assert record.dataset_sha256 == storage.read_run(folder / "cnn-s0").dataset.content_sha256
    assert str(place) not in (folder / "report.html").read_text(), "the report shows the path as it was given"

    before = everything(place / "runs")
    itself = eyechart("repeat", "runs/A/cnn-s0", "-o", "runs", cwd=place)
    assert (itself.returncode, everything(place / "runs")) == (2, before)
    (place / "elsewhere").mkdir()
    repeated = eyechart("repeat", "../runs/A/cnn-s0", "--offline", cwd=place / "elsewhere")
    assert repeated.stdout.count("identical") == 3, repeated.stderr
    same = eyechart(*run[:-2], "-d", "../PICS/", "--name", "A", "--resume", "-o", "../runs", cwd=place / "elsewhere")
    assert (same.returncode, "finished already" in same.stderr) == (0, True), same.stderr

    draw(place / "PICS" / "a" / "0.png", 99)
    before = everything(place / "runs")
    storage.write_record(folder / storage.STUDY_FILE, record.model_copy(update={"dataset_sha256": ""}))  # of before
    for command in ([*run, "-m", "vit", "-d", "PICS", "--resume"], ["repeat", "runs/A/cnn-s0", "--offline"]):
        changed = eyechart(*command, cwd=place)
        assert changed.returncode == 3
        assert f"was started with {record.dataset_sha256[:16]}" in changed.stderr
    storage.write_record(folder / storage.STUDY_FILE, record)
    assert everything(place / "runs") == before


def test_a_search_does_not_go_on_with_other_data(place: Path) -> None:
    tune = ["tune", "-m", "cnn", "-d", "PICS", *SMOKE, "--name", "t"]
    assert eyechart(*tune, "--trials", "1", cwd=place).returncode == 0
    draw(place / "PICS" / "a" / "0.png", 99)
    before = everything(place / "runs")
    changed = eyechart(*tune, "--trials", "2", "--resume", cwd=place)
    assert (changed.returncode, "have changed" in changed.stderr) == (3, True)
    assert everything(place / "runs") == before


def test_a_first_run_that_was_refused_does_not_stand_in_the_way(place: Path) -> None:
    """Only study.json and a reason are left, and the corrected command needs no flag and no other name."""
    run = ["run", "-m", "fasterrcnn", "-d", "PICS", *SMOKE, "--name", "A"]
    refused = eyechart(*run, "--img-size", "4", cwd=place)
    assert refused.returncode == 2, refused.stdout
    summary = refused.stderr.partition("1 of 1 runs failed (fasterrcnn-s0), none is complete")[2]
    assert "Choose a larger --img-size" in summary
    assert "--resume" not in summary
    assert storage.failure_reason(place / "runs" / "A" / "fasterrcnn-s0")
    mended = eyechart(*run, "--img-size", "16", "--json", cwd=place)
    assert mended.returncode == 0, mended.stderr
    assert [each["run"] for each in json.loads(mended.stdout)] == ["fasterrcnn-s0"]


def test_a_failure_carries_its_reasons(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    with pytest.raises(ec.EyechartError, match=r"1 of 1 runs failed(.|\n)*fasterrcnn-s0: .*larger") as caught:
        ec.run("fasterrcnn", "PICS", "smoke", seeds=0, img_size=4, threads=1, device="cpu", fraction=1.0, quiet=True)
    assert "Choose a larger --img-size" in caught.value.reasons["fasterrcnn-s0"]
