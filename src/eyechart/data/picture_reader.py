"""Many picture files to arrays: in processes of their own, one a core, where that pays.

Threads do not pay.  Most of the time that Pillow takes for a small picture is Python code under the interpreter's lock:
two threads were half as fast as one, two processes twice as fast (docs/lab-log.md).

Run as `python -m eyechart.data.picture_reader`, a process takes a Task, pickled, from its standard input and writes
what came of it to its standard output, until the input ends: also when whoever started it was killed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import subprocess
import sys
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eyechart.base import children
from eyechart.base.errors import DatasetError, EyechartError
from eyechart.data.pictures import decode_picture, measure_picture, read_content
from eyechart.files.file_names import for_utf8_mode

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from eyechart.schema import PictureRule

# About, on one core: only for choosing how much one task is, and whether processes pay.
SECONDS_PER_PICTURE, SECONDS_PER_BYTE = 70e-6, 25e-9
TASK_SECONDS = 0.05
MOST_PICTURES, FEWEST_PICTURES = 512, 4  # of a task
PROCESS_SECONDS = 1.0  # of work, from which on it pays to start processes
LEAVING_SECONDS = 5.0  # from the last that is heard of a process to its end


class Task(NamedTuple):
    """Pictures to be read."""

    files: list[str]
    height: int
    width: int
    with_digests: bool
    rule: PictureRule | None = None  # None: the first picture that needs one is noted in the answer


class Look(NamedTuple):
    """Pictures to be measured for a rule."""

    files: list[str]
    with_digests: bool


class Decoded(NamedTuple):
    """What came of n pictures."""

    pixels: np.ndarray  # uint8 (n, C, H, W); C is 1 if all of them are grey, else 3
    own_sizes: frozenset[tuple[int, int]]  # every (height, width) that occurred
    digests: bytes  # the sha256 of each file, 32 bytes an image; empty if they were not asked for
    need_rule: bool  # some have more than 8 bits, or transparent parts


class Measured(NamedTuple):
    """What was seen of n pictures."""

    measures: np.ndarray  # MEASURES (n,)
    digests: bytes  # as above


def decode(task: Task) -> Decoded:
    """Read and decode in this process; every file is opened once.

    Raises DatasetMissing or DatasetError, naming the first file that is missing or broken.
    """
    decoded, digests = [], []
    for file in task.files:
        content = read_content(file)
        decoded.append(decode_picture(file, content, height=task.height, width=task.width, rule=task.rule))
        if task.with_digests:
            digests.append(hashlib.sha256(content).digest())
    channels = max(len(picture.pixels) for picture in decoded)
    pixels = np.empty((len(decoded), channels, task.height, task.width), np.uint8)
    for position, picture in enumerate(decoded):
        pixels[position] = picture.pixels  # grey is repeated where others have colour
    own_sizes = frozenset(picture.own_size for picture in decoded)
    return Decoded(pixels, own_sizes, b"".join(digests), any(picture.needs_rule for picture in decoded))


def measure(look: Look) -> Measured:
    """Read and measure in this process.  Errors as `decode`."""
    measures, digests = [], []
    for file in look.files:
        content = read_content(file)
        measures.append(measure_picture(file, content))
        if look.with_digests:
            digests.append(hashlib.sha256(content).digest())
    return Measured(np.array(measures), b"".join(digests))


def decode_all(files: Iterable[str], num_files: int, num_bytes: int, task: Task) -> Generator[Decoded]:
    """Decode `files` as `task` says (its own files are ignored), some at a time, in order.

    `num_bytes` is what they take together.  Errors as `decode`; closing the iterator ends all processes.
    """
    return _do_all(files, num_files, num_bytes, task)  # type: ignore[return-value]


def measure_all(files: Iterable[str], num_files: int, num_bytes: int, look: Look) -> Generator[Measured]:
    """The same for measuring."""
    return _do_all(files, num_files, num_bytes, look)  # type: ignore[return-value]


def _do(task: Task | Look) -> Decoded | Measured:
    return measure(task) if isinstance(task, Look) else decode(task)


def _do_all(files: Iterable[str], num_files: int, num_bytes: int, task: Task | Look) -> Generator[Decoded | Measured]:
    from eyechart.base.host import num_cores  # not at the top: it would triple the start of each process

    seconds = num_files * SECONDS_PER_PICTURE + num_bytes * SECONDS_PER_BYTE
    size = max(FEWEST_PICTURES, min(MOST_PICTURES, int(TASK_SECONDS * num_files / max(seconds, 1e-9))))
    tasks = (task._replace(files=some) for some in _batched(files, size))
    num_processes = num_cores()
    if seconds < PROCESS_SECONDS or num_processes < 2:
        yield from map(_do, tasks)
        return
    with contextlib.ExitStack() as stack:
        yield from _in_turns([stack.enter_context(_Reader()) for _ in range(num_processes)], tasks)


def _batched(files: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(files)
    while some := list(islice(iterator, size)):
        yield some


def _in_turns(readers: list[_Reader], tasks: Iterator[Task | Look]) -> Iterator[Decoded | Measured]:
    """One task for each reader, then the next for whichever took its task longest ago: answers keep their order."""
    busy: deque[_Reader] = deque()
    for task in tasks:
        reader, answer = readers[len(busy) % len(readers)], None
        if len(busy) == len(readers):
            reader = busy.popleft()
            answer = reader.receive()
        reader.send(task)
        busy.append(reader)
        if answer is not None:
            yield answer
    while busy:
        yield busy.popleft().receive()


class _Reader:
    """A process that decodes, seen from outside."""

    def __enter__(self) -> _Reader:
        self._process = subprocess.Popen(
            children.python("eyechart.data.picture_reader"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for whoever started it, and ends it from there
            env=children.environment(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"),
        )
        return self

    def __exit__(self, *raised: object) -> None:
        self._process.kill()  # it has nothing to save
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                stream.close()  # type: ignore[union-attr]
        self._process.wait()

    def send(self, task: Task | Look) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it died; said when the answer is read
            files = [for_utf8_mode(file) for file in task.files]  # as the other process opens them
            pickle.dump(task._replace(files=files), self._process.stdin)
            self._process.stdin.flush()

    def receive(self) -> Decoded | Measured:
        assert self._process.stdout
        try:
            answer = pickle.load(self._process.stdout)
        except Exception:  # half an answer, or something else that was printed, can raise anything
            raise DatasetError(
                f"A process that decodes pictures {self._fate()} before it was done; signal 9 is usually the system "
                f"running out of memory. Run the same command again: it goes on from there."
            ) from None
        if isinstance(answer, EyechartError):
            raise answer
        assert isinstance(answer, Decoded | Measured)
        return answer

    def _fate(self) -> str:
        """What became of a process that did not answer; one that still runs is not waited for."""
        try:
            return f"ended with code {self._process.wait(LEAVING_SECONDS)}"
        except subprocess.TimeoutExpired:
            return "wrote something that is no answer"


def main() -> None:
    """Answer tasks until there are no more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints must not look like an answer
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            task = pickle.load(sys.stdin.buffer)
            try:
                answer: Decoded | Measured | EyechartError = _do(task)
            except EyechartError as error:
                answer = error
            pickle.dump(answer, answers)
            answers.flush()


if __name__ == "__main__":
    # What is pickled must belong to the module that the other side imports, not to __main__.
    from eyechart.data import picture_reader

    picture_reader.main()
