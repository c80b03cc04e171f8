"""Runs as TensorBoard reads them back; and what is written, whoever writes it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from eyechart.base.errors import UsageError
from eyechart.files.storage import RUN_FILE, STUDY_FILE, find_runs, read_run, write_record
from eyechart.schema import Segment
from eyechart.study.plan import plan_study
from eyechart.tracking import tensorboard, told
from tests.in_process import eyechart

NOT_HERE = 'tensorboard is not installed: pip install "eyechart[track]"'


@pytest.fixture
def run(fake_runs: ModuleType, tmp_path: Path) -> Path:
    two = {name: fake_runs.FIVE[name] for name in ("cnn", "vit")}
    found: list[Path] = fake_runs.fake_study(tmp_path / "study", two, (0,), num_items=50)
    return found[0]


def read_back(place: Path):  # type: ignore[no-untyped-def]
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason=NOT_HERE
    ).EventAccumulator(str(place))
    accumulator.Reload()
    return accumulator


def test_every_number_is_read_back(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason=NOT_HERE)
    assert tensorboard.write_run(run, tmp_path / "logs")
    record = read_run(run)
    found = read_back(tmp_path / "logs" / record.study / record.run)
    curve = found.Scalars("validation_accuracy")
    assert [each.step for each in curve] == [look.step for look in record.history]
    assert [each.value for each in curve] == pytest.approx([look.validation_accuracy for look in record.history])
    (accuracy,) = found.Scalars("result/test_accuracy")
    assert accuracy.value == pytest.approx(record.mark)
    assert "_hparams_/session_start_info" in found.Tags()["tensors"]


def test_what_is_there_is_not_written_twice_and_what_changed_takes_its_place(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason=NOT_HERE)
    assert tensorboard.write_run(run, tmp_path / "logs")
    record = read_run(run)
    place = tmp_path / "logs" / record.study / record.run
    (place / "events.out.tfevents.mine").touch()
    before = set(place.iterdir())
    assert not tensorboard.write_run(run, tmp_path / "logs")
    assert set(place.iterdir()) == before
    write_record(run / RUN_FILE, record.model_copy(update={"finished_at": "2026-01-01T00:00:00+00:00"}))
    assert tensorboard.write_run(run, tmp_path / "logs")
    assert len(list(place.glob("events.out.tfevents.*"))) == 2, "the new one, and the one that is not ours"
    assert (place / "events.out.tfevents.mine").exists()


def test_the_command(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason=NOT_HERE)
    told_first = eyechart("track", run.parent, tmp_path / "logs", "--to", "tensorboard")
    assert "2 of 2 runs written" in told_first.stdout, told_first.stderr
    again = eyechart("track", run.parent, tmp_path / "logs", "--to", "tensorboard")
    assert (again.returncode, "0 of 2 runs written" in again.stdout) == (0, True)
    assert again.stderr.count("is there already") == len(find_runs([run.parent]))


def test_another_study_of_the_same_name_has_a_folder_of_its_own(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason=NOT_HERE)
    other = tmp_path / "elsewhere" / "study" / run.name
    shutil.copytree(run, other)
    record = read_run(run)
    write_record(other / RUN_FILE, record.model_copy(update={"finished_at": "2026-01-01T00:00:00+00:00"}))
    shutil.copytree(other, other.with_name("vit-s9"))
    write_record(other.with_name("vit-s9") / RUN_FILE, record.model_copy(update={"run": "vit-s9"}))
    logs = tmp_path / "logs"
    for _ in range(2):
        for each in (run, other, other.with_name("vit-s9")):
            tensorboard.write_run(each, logs)
    found = {str(path.parent.relative_to(logs)) for path in logs.rglob("events.out*")}
    assert found == {f"{record.study}/{record.run}", f"{record.study}-2/{record.run}", f"{record.study}-2/vit-s9"}
    assert len(list(logs.rglob("events.out*"))) == 3, "and each was written once"
    assert str(tmp_path) not in "".join(path.read_text() for path in logs.rglob("eyechart.json"))


def test_a_study_that_was_moved_keeps_its_folder(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason=NOT_HERE)
    write_record(run.parent / STUDY_FILE, plan_study(preset="smoke", models="cnn,vit"))
    moved = Path(shutil.copytree(run.parent, tmp_path / "moved")) / run.name
    logs = tmp_path / "logs"
    tensorboard.write_run(run, logs)
    record = read_run(moved)
    write_record(moved / RUN_FILE, record.model_copy(update={"finished_at": "2026-01-01T00:00:00+00:00"}))
    assert tensorboard.write_run(moved, logs)
    assert {str(path.parent.relative_to(logs)) for path in logs.rglob("events.out*")} == {
        f"{record.study}/{record.run}"
    }


@pytest.mark.parametrize("address", ["gs://bucket/logs", "s3://bucket/logs"])
def test_an_address_takes_no_events(run: Path, tmp_path: Path, address: str) -> None:
    done = eyechart("track", run, address, "--to", "tensorboard", cwd=tmp_path)
    assert (done.returncode, "expected a folder of this machine" in " ".join(done.stderr.split())) == (2, True)
    assert not list(tmp_path.glob("*:"))


def test_a_name_in_a_run_file_leads_nowhere(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason=NOT_HERE)
    stranger = tmp_path / "stranger"
    shutil.copytree(run, stranger)
    told_there = json.loads((stranger / "run.json").read_text(encoding="utf-8"))
    (stranger / "run.json").write_text(json.dumps(told_there | {"study": "../../outside"}), encoding="utf-8")
    logs = tmp_path / "a" / "b" / "logs"
    assert tensorboard.write_run(stranger, logs)
    (written,) = tmp_path.rglob("events.out*")
    assert written.is_relative_to(logs)


def test_what_cannot_be_is_told(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert eyechart("track", run, tmp_path / "logs", "--to", "wandb").returncode == 2
    (tmp_path / "empty").mkdir()
    assert eyechart("track", tmp_path / "empty", tmp_path / "logs", "--to", "mlflow").returncode == 2
    monkeypatch.setitem(__import__("sys").modules, "tensorboard.compat.proto", None)
    with pytest.raises(UsageError, match=r'pip install "eyechart\[track\]"'):
        tensorboard.write_run(run, tmp_path / "logs")


# --------------------------------------------------------------------------------------------- what is told


def test_settings_are_what_was_chosen(run: Path) -> None:
    record = read_run(run)
    settings = told.settings_of(record)
    assert settings["contender"] == record.contender
    assert settings["recipe.learning_rate"] == record.recipe.learning_rate
    assert not [name for name in settings if "accuracy" in name]
    assert all(isinstance(value, bool | int | float | str) for value in settings.values())


def test_a_look_stands_at_the_time_of_its_stretch(run: Path) -> None:
    """Between two stretches somebody slept for an hour."""
    record = read_run(run)
    looks = [look.model_copy(update={"training_seconds": 10.0 * place}) for place, look in enumerate(record.history, 1)]
    stretches = (
        Segment(started_at="2026-01-01T00:00:00+00:00", first_step=0, last_step=1, training_seconds=15.0),
        Segment(started_at="2026-01-01T01:00:00+00:00", first_step=1, last_step=400, training_seconds=100.0),
    )
    clocks = record.clocks.model_copy(update={"segments": stretches})
    points = told.curves_of(record.model_copy(update={"history": tuple(looks), "clocks": clocks}))
    times = [point.time for point in points if point.name == "train_loss"]
    start = told.datetime.fromisoformat("2026-01-01T00:00:00+00:00").timestamp()
    assert [time - start for time in times[:3]] == [10.0, 3605.0, 3615.0]
