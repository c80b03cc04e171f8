"""One process at a time in a folder, and everybody else is told who it is."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from eyechart.base.errors import StorageError, UsageError
from eyechart.files.locks import hold, locked, share

HOLDER = """
import sys
from pathlib import Path
from eyechart.files.locks import hold
with hold(Path(sys.argv[1]), print, sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def silent(sentence: str) -> None:
    raise AssertionError(sentence)


def start_holder(folder: Path, part: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(folder), part]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_is_first_and_may_go_on_when_that_one_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "s"
    first = start_holder(folder)
    with (
        pytest.raises(UsageError, match=rf"s is in use by process {first.pid} on \S+ since 20\S+ \(-c .*") as caught,
        hold(folder, silent),
    ):
        raise AssertionError("two at once")
    assert caught.value.exit_code == 2
    with hold(folder, silent, part="cnn-s0-"):  # another part of the folder is free
        pass
    first.kill()
    first.communicate()
    assert list(folder.iterdir()), "what a killed process leaves"
    with hold(folder, silent):
        assert json.loads((folder / ".eyechart-holder.json").read_text())["pid"] == os.getpid()
    assert not any(folder.iterdir())


def test_what_was_there_and_what_was_made_inside_stays(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with hold(tmp_path / "empty", silent):
        pass
    assert (tmp_path / "empty").is_dir()
    with hold(tmp_path / "new", silent):
        (tmp_path / "new" / "file").write_text("")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]


def test_errors_inside_give_the_lock_back(tmp_path: Path) -> None:
    with pytest.raises(KeyError), hold(tmp_path / "s", silent):
        raise KeyError
    assert not any(tmp_path.iterdir())


def test_an_error_before_the_work_begins_gives_the_lock_back_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, text: str) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr("eyechart.files.locks.write_text", full)
    with pytest.raises(StorageError, match="full") as kept, hold(tmp_path / "s", silent):  # whose traceback is kept
        pass
    assert kept.value
    assert not any(tmp_path.iterdir())
    monkeypatch.undo()
    with hold(tmp_path / "s", silent):
        pass


def test_a_holder_that_did_not_say_who_it_is(tmp_path: Path) -> None:
    with (
        filelock.FileLock(tmp_path / ".eyechart-lock"),
        pytest.raises(UsageError, match="in use by another process"),
        hold(tmp_path, silent),
    ):
        raise AssertionError("two at once")


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_and_used(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", refuse)
    said: list[str] = []
    with hold(tmp_path / "s", said.append):
        (tmp_path / "s" / "file").write_text("")
    assert ["without locks" in sentence for sentence in said] == [True]
    with share(tmp_path / "s", "1-of-2", said.append) as alone, alone():
        (tmp_path / "s" / "file").write_text("more")
    assert all("without locks" in sentence for sentence in said)


def test_parts_of_two_divisions_are_not_worked_on_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    with share(folder, "1-of-2", silent, "*-of-2"), share(folder, "2-of-2", silent, "*-of-2"):
        for name in ("1-of-3", "1-of-22"):
            with (
                pytest.raises(UsageError, match=rf"in use by process {os.getpid()} .* parts of one and the same"),
                share(folder, name, silent, f"*-of-{name[5:]}"),
            ):
                raise AssertionError("both would do the same")
    (folder / ".eyechart-share-1-of-2-lock").touch()  # of a process that was killed
    with share(folder, "1-of-3", silent, "*-of-3"):
        pass
    assert [path.name for path in folder.iterdir()] == [".eyechart-opening"]


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not be written"), hold(tmp_path / "file" / "s", silent):
        pass


def test_waiting_for_a_lock_goes_on_until_it_is_given_back(tmp_path: Path) -> None:
    first = start_holder(tmp_path)
    waited: list[bool] = []

    def wait() -> None:
        waited.append(True)
        first.kill()
        first.communicate()

    with locked(tmp_path / ".eyechart-lock", wait):
        assert waited == [True]


def test_what_is_raised_while_waiting_ends_the_wait(tmp_path: Path) -> None:
    def stop() -> None:
        raise KeyError

    with filelock.FileLock(tmp_path / "lock"), pytest.raises(KeyError), locked(tmp_path / "lock", stop):
        raise AssertionError("two at once")
