"""What was probably meant by a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

LEAST_LETTERS = 3  # of a beginning that stands for the whole name


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question to put behind "There is no such thing", or nothing where no known name is near.

    Near is one slip of the fingers (a letter more, less, other, or two swapped), or one name the beginning of the
    other.  Names that merely share letters, such as those of two architectures, are not.
    """
    wanted = name.lower()
    for each in known:
        if _is_one_slip(wanted, each) or _is_beginning(wanted, each):
            return f" Did you mean {each!r}?"
    return ""


def _is_beginning(wanted: str, known: str) -> bool:
    return min(len(wanted), len(known)) >= LEAST_LETTERS and (wanted.startswith(known) or known.startswith(wanted))


def _is_one_slip(wanted: str, known: str) -> bool:
    start = _num_shared(wanted, known)
    wanted, known = wanted[start:], known[start:]
    end = _num_shared(wanted[::-1], known[::-1])
    wanted, known = wanted[: len(wanted) - end], known[: len(known) - end]
    return max(len(wanted), len(known)) <= 1 or (len(wanted) == 2 and wanted == known[::-1])


def _num_shared(one: str, other: str) -> int:
    """Letters that both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
