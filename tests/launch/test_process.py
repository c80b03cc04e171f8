"""What goes wrong between a launcher and its worker: the worker is ended, the error is told, and nothing hangs.

The workers are a few lines of Python that only pretend.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from eyechart.base.errors import DiskRefused, Interrupted, RunFailed, StorageError
from eyechart.files import storage
from eyechart.launch import process
from eyechart.launch.signals import Signals
from eyechart.schema import Job
from eyechart.schema.contracts import Progress
from eyechart.study import plan as plans

HANGS_AFTER = 60  # seconds: a test that takes as long has hung
ONE_SIGN_OF_LIFE = 'print(json.dumps({"run": "cnn-s0", "stage": "training"}), flush=True)\n'
FOR_EVER = "while True: time.sleep(60)\n"
DONE = 'print(json.dumps({"done": True}), flush=True)\n'

Start = Callable[[str], None]


@pytest.fixture(autouse=True)
def _nothing_hangs() -> Iterator[None]:
    def give_up(number: int, frame: object) -> None:
        raise AssertionError(f"still not back after {HANGS_AFTER} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(HANGS_AFTER)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def _handlers_come_back() -> Iterator[None]:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.fixture
def job(tmp_path: Path) -> Job:
    record = plans.plan_study(["cnn"], preset="smoke", data="digits", num_threads=1)
    return next(iter(plans.jobs_of(record, tmp_path)))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """Every worker that was started."""
    workers: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def keep(*arguments: object, **options: object) -> subprocess.Popen[str]:
        workers.append(popen(*arguments, **options))  # type: ignore[call-overload]
        return workers[-1]

    monkeypatch.setattr(process.subprocess, "Popen", keep)
    return workers


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[str]]) -> Iterator[Start]:
    """A function that says what workers do from now on; whatever happens, each of them is gone afterwards."""

    def does(code: str) -> None:
        imports = "import json, os, signal, subprocess, sys, time\n"
        monkeypatch.setattr(process, "command", lambda: [sys.executable, "-c", imports + code])

    yield does
    assert started, "no worker was started"
    for each in started:
        assert each.returncode is not None, "a worker was left behind"
        assert not psutil.pid_exists(each.pid)
        assert each.stdin.closed
        assert each.stdout.closed


def ignore(progress: Progress) -> None:
    pass


def test_a_worker_gets_its_job_and_what_it_says_is_reported(job: Job, worker: Start):
    worker(f"job = json.load(sys.stdin)\nassert job['run'] == {job.run!r}\n" + ONE_SIGN_OF_LIFE + DONE)
    heard: list[Progress] = []
    process.do(job, heard.append)
    assert heard == [Progress("cnn-s0", "training")]


@pytest.mark.parametrize("code", ["sys.stdin.read()\n" + FOR_EVER, FOR_EVER], ids=["reads", "does not read"])
@pytest.mark.parametrize(
    "error", [RuntimeError("no"), KeyboardInterrupt(), MemoryError()], ids=lambda e: type(e).__name__
)
def test_an_error_while_the_job_is_handed_over(
    job: Job, worker: Start, monkeypatch: pytest.MonkeyPatch, code: str, error: BaseException
):
    def fail(*arguments: object) -> None:
        raise error

    worker(code)
    monkeypatch.setattr(process, "_hand_over", fail)
    with pytest.raises(type(error)):
        process.do(job, ignore)


def test_a_job_that_cannot_be_written_down_starts_nothing(
    job: Job, started: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(process, "for_utf8_mode", lambda name: object())
    with pytest.raises(TypeError):
        process.do(job, ignore)
    assert not started


def test_no_process_to_be_had(job: Job, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process, "command", lambda: ["/there/is/no/such/program"])
    with pytest.raises(RunFailed, match="No process could be started"):
        process.do(job, ignore)


def test_a_thread_for_its_complaints_that_cannot_be_started(job: Job, worker: Start, monkeypatch: pytest.MonkeyPatch):
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    worker("sys.stdin.read()\n" + FOR_EVER)
    monkeypatch.setattr(process.threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="new thread"):
        process.do(job, ignore)


@pytest.mark.parametrize(
    "error", [StorageError("the disk is full"), ValueError("no"), KeyboardInterrupt(), SystemExit(3)],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_a_reporter_that_raises(job: Job, worker: Start, error: BaseException):
    def fail(progress: Progress) -> None:
        raise error

    worker("sys.stdin.read()\n" + ONE_SIGN_OF_LIFE + FOR_EVER)
    with pytest.raises(type(error)):
        process.do(job, fail)


def test_what_a_worker_started_goes_with_it(job: Job, worker: Start):
    children: list[psutil.Process] = []

    def look_and_fail(progress: Progress) -> None:
        children.append(psutil.Process(int(progress.note)))
        raise ValueError("no")

    worker(
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(json.dumps({'run': 'x', 'stage': 'training', 'note': str(child.pid)}), flush=True)\n" + FOR_EVER
    )
    with pytest.raises(ValueError, match="no"):
        process.do(job, look_and_fail)
    _, alive = psutil.wait_procs(children, timeout=HANGS_AFTER / 2)
    assert not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]  # one whom nobody waits for is dead


NONSENSE = {
    "text": "Hello from sitecustomize",
    "a number": "5",
    "a list": "[]",
    "a list of pairs": '[["run", "x"]]',
    "another object": '{"colour": "red"}',
    "too little": '{"run": "cnn-s0"}',
    "half a line": '{"run": "cnn',
    "nothing": "",
    "deep": "[" * 100_000,
    "an error without a reason": '{"error": {}}',
    "an error that is text": '{"error": "no"}',
    "an error of no kind": '{"error": {"kind": 5, "message": "no", "exit_code": 1, "traceback": ""}}',
    "not UTF-8": "caf\\xe9",
}


@pytest.mark.parametrize("line", NONSENSE.values(), ids=NONSENSE.keys())
def test_a_line_that_is_no_message(job: Job, worker: Start, tmp_path: Path, line: str):
    content = tmp_path / "line"
    content.write_bytes(line.replace("\\xe9", "é").encode("latin-1"))
    worker(
        f"sys.stdin.read()\nsys.stdout.buffer.write(open({str(content)!r}, 'rb').read() + b'\\n')\n"
        "sys.stdout.flush()\n" + FOR_EVER
    )
    with pytest.raises(RunFailed, match="where only eyechart writes, so it was ended"):
        process.do(job, ignore)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("StorageError", StorageError),
        ("DiskRefused", DiskRefused),
        ("ZeroDivisionError", RunFailed),
        ("annotations", RunFailed),
        ("shown", RunFailed),
    ],
)
def test_a_workers_own_error(job: Job, worker: Start, kind: str, expected: type[Exception]):
    error = {"kind": kind, "message": "it was so", "exit_code": 1, "traceback": ""}
    worker(f"sys.stdin.read()\nprint(json.dumps({{'error': {error!r}}}))\n")
    with pytest.raises(expected, match="it was so"):
        process.do(job, ignore)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("print('no such device', file=sys.stderr)\nsys.exit(7)", r"ended with code 7(.|\n)*no such device"),
        ("sys.stdin.read()\nos.kill(os.getpid(), signal.SIGKILL)", "signal 9.*running out of memory"),
        ("sys.stdin.read()\nos.close(1)\nos.abort()", "signal 6"),
        ("sys.stdin.read()\n" + ONE_SIGN_OF_LIFE + "sys.exit(0)", "ended with code 0 before it was done"),
        ("sys.stdin.read()\nsys.stderr.write('x' * 10_000_000)\nsys.exit(3)", "ended with code 3"),
    ],
    ids=["before it read", "killed", "aborted", "said nothing", "said much"],
)
def test_a_worker_that_dies(job: Job, worker: Start, code: str, words: str):
    worker(code)
    with pytest.raises(RunFailed, match=words):
        process.do(job, ignore)


def test_a_worker_that_dies_while_a_large_job_is_handed_over(job: Job, worker: Start):
    worker("os.close(0)\nsys.exit(5)")
    with pytest.raises(RunFailed, match="code 5"):
        process.do(job.model_copy(update={"command": "x" * 1_000_000}), ignore)


def test_a_worker_that_is_done_and_does_not_leave(job: Job, worker: Start, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process, "LEAVING_SECONDS", 0.2)
    worker("sys.stdin.read()\n" + DONE + FOR_EVER)
    process.do(job, ignore)


def test_a_child_of_a_dead_worker_that_holds_its_pipes(
    job: Job, worker: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """It inherits standard error, which then has no end."""
    monkeypatch.setattr(process, "COMPLAINT_SECONDS", 0.2)
    worker(
        "sys.stdin.read()\nprint('why', file=sys.stderr, flush=True)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdout=subprocess.DEVNULL)\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\nsys.exit(4)"
    )
    with pytest.raises(RunFailed, match=r"code 4(.|\n)*why"):
        process.do(job, ignore)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


# --------------------------------------------------------------------------------------------- signals

SAVES_AND_LEAVES = (
    "def leave(number, frame):\n"
    "    facts = {'kind': 'Interrupted', 'message': 'saved', 'exit_code': 128 + number, 'traceback': ''}\n"
    "    print(json.dumps({'error': facts}), flush=True)\n"
    "    os._exit(0)\n"
    "signal.signal(signal.SIGINT, leave)\n"
    "signal.signal(signal.SIGTERM, leave)\n"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_wish_to_stop_goes_on_to_the_worker(job: Job, worker: Start, number: signal.Signals):
    def stop(progress: Progress) -> None:
        os.kill(os.getpid(), number)

    worker(SAVES_AND_LEAVES + "sys.stdin.read()\n" + ONE_SIGN_OF_LIFE + FOR_EVER)
    with pytest.raises(Interrupted, match="saved") as stopped:
        process.do(job, stop)
    assert stopped.value.exit_code == 128 + number


def test_a_second_wish_ends_a_worker_that_does_not_listen(job: Job, worker: Start):
    def stop_twice(progress: Progress) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    worker("signal.signal(signal.SIGINT, signal.SIG_IGN)\nsys.stdin.read()\n" + ONE_SIGN_OF_LIFE + FOR_EVER)
    with pytest.raises(Interrupted, match="was ended at once; nothing of it had been saved yet"):
        process.do(job, stop_twice)
    Path(job.folder).mkdir(parents=True, exist_ok=True)
    (Path(job.folder) / storage.CHECKPOINT_FILE).touch()
    with pytest.raises(Interrupted, match="was ended at once; its last checkpoint stays"):
        process.do(job, stop_twice)


def test_a_wish_that_comes_before_the_worker(job: Job, worker: Start, monkeypatch: pytest.MonkeyPatch):
    """It is not lost: the worker hears of it as soon as there is one."""
    environment = process.environment

    def stop_meanwhile(num_threads: int) -> dict[str, str]:
        os.kill(os.getpid(), signal.SIGTERM)
        return environment(num_threads)

    worker("sys.stdin.read()\n" + FOR_EVER)  # SIGTERM ends it
    monkeypatch.setattr(process, "environment", stop_meanwhile)
    with pytest.raises(Interrupted):
        process.do(job, ignore)


class OnWindows:
    """A worker as subprocess has it there: SIGTERM ends it at once, and it takes no SIGINT."""

    def __init__(self) -> None:
        self.ended = False

    def poll(self) -> int | None:
        return 1 if self.ended else None

    def kill(self) -> None:
        self.ended = True

    def send_signal(self, number: int) -> None:
        if number != signal.SIGTERM:
            raise ValueError(f"Unsupported signal: {number}")
        self.kill()


def test_ctrl_c_on_windows_is_the_workers_own(monkeypatch: pytest.MonkeyPatch):
    """Its console tells all of its processes: a worker saves and ends by itself, and only a second one ends it."""
    monkeypatch.setattr("sys.platform", "win32")
    first, late = OnWindows(), OnWindows()
    with Signals() as signals:
        signals.go_to(first)  # type: ignore[arg-type]
        signal.raise_signal(signal.SIGINT)
        assert (signals.heard, first.ended) == ([signal.SIGINT], False)
        signals.go_to(late)  # type: ignore[arg-type]
        assert late.ended, "what is started after that was told nothing"
        signal.raise_signal(signal.SIGINT)
        assert first.ended
    other = OnWindows()
    signals = Signals()
    signals.go_to(other)  # type: ignore[arg-type]
    signals.stop_all(signal.SIGTERM)
    assert other.ended, "nobody else tells it"


def test_outside_the_main_thread(job: Job, worker: Start):
    worker("sys.stdin.read()\n" + ONE_SIGN_OF_LIFE + FOR_EVER)
    raised: list[BaseException] = []

    def fail(progress: Progress) -> None:
        raise ValueError("no")

    def in_thread() -> None:
        try:
            process.do(job, fail)
        except ValueError as error:
            raised.append(error)

    thread = threading.Thread(target=in_thread, daemon=True)
    thread.start()
    thread.join(HANGS_AFTER)
    assert [str(error) for error in raised] == ["no"]
