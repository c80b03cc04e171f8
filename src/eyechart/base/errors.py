"""What can go wrong for a user, as a tree.

    EyechartError              exit code 1   a run failed
    ├── UsageError             exit code 2   a name, value or combination that cannot be
    ├── MissingError           exit code 3   data or weights that are not there and cannot be had
    │   ├── DatasetMissing
    │   └── WeightsMissing
    ├── DatasetError           exit code 3   data that is there and is broken
    ├── WeightsError           exit code 3   weights that are there and do not fit
    ├── UnfairComparison       exit code 1   --strict, and something speaks against the comparison
    ├── StorageError           exit code 1   a disk that is full or read-only, a run file that is damaged
    └── Interrupted            exit code 130 (Ctrl-C) or 143 (SIGTERM), after saving

Every message says what was found, what was expected and what to do.  Programming mistakes stay `assert`s.
"""

from __future__ import annotations

from eyechart.base.foreign_text import shown, shown_lines


class EyechartError(Exception):
    """The root: the command line prints its message and exits with `exit_code`, without a traceback."""

    exit_code = 1
    has_lines = False  # whether line ends in the message are its own; elsewhere one is part of somebody's name

    def told(self) -> str:
        """The message as people see it, whatever names stand in it."""
        return shown_lines(str(self)) if self.has_lines else shown(str(self))


NO_MEMORY = ("not enough memory", "out of memory", "can't allocate memory")  # torch on Windows, on CUDA, on Linux


def is_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of a device, for which torch has errors of several kinds."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in NO_MEMORY)


class UsageError(EyechartError):
    """A name, value or combination of options that cannot be."""

    exit_code = 2


class MissingError(EyechartError):
    """Data or weights that are needed, not here, and could not be fetched."""

    exit_code = 3


class DatasetMissing(MissingError):
    """A dataset is neither cached nor to be had."""


class WeightsMissing(MissingError):
    """Starting weights are neither cached nor to be had."""


class DatasetError(EyechartError):
    """A dataset is there and cannot be used: broken, empty, contradictory."""

    exit_code = 3


class WeightsError(EyechartError):
    """A weights file is there and does not fit the network it is meant for."""

    exit_code = 3


class StorageError(EyechartError):
    """The disk refuses, or a file of a run is damaged."""


class DiskRefused(StorageError):
    """The disk is full or cannot be written to: whatever comes next would fail as well."""


class RunFailed(EyechartError):
    """Training or judging a contender failed; the other contenders of the study are not affected.

    Of a study: `reasons` say for each run that failed why, in full; the message has the first line of each.
    """

    reasons: dict[str, str]

    def __init__(self, message: str, reasons: dict[str, str] | None = None):
        super().__init__(message)
        self.reasons = reasons or {}

    has_lines = True  # a traceback, or what the process said last


class UnfairComparison(EyechartError):
    """A rule of a fair comparison is broken or a result looks wrong, and the user asked to be strict about it."""

    has_lines = True  # one a finding


class Interrupted(EyechartError):
    """Stopped by the user or the system after saving; says how to go on."""

    def __init__(self, message: str, signal_number: int = 2):
        super().__init__(message)
        self.exit_code = 128 + signal_number
