"""Which rows of a list are shown, and in what order: `--where accuracy>0.98`, `--sort accuracy`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from eyechart.base.errors import UsageError
from eyechart.base.near_miss import did_you_mean

Row = dict[str, Any]
TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "!=": lambda value, wanted: value != wanted,
    ">=": lambda value, wanted: value >= wanted,
    "<=": lambda value, wanted: value <= wanted,
    "=": lambda value, wanted: value == wanted,
    ">": lambda value, wanted: value > wanted,
    "<": lambda value, wanted: value < wanted,
    "~": lambda value, wanted: str(wanted).lower() in str(value).lower(),
}
CONDITION = re.compile(r"\s*(\w+)\s*(!=|>=|<=|=|>|<|~)\s*(.*?)\s*")
HIGHER_IS_BETTER = re.compile(r"accuracy|macro_.*|map.*|mean_iou")


class Condition(NamedTuple):
    """A field, how it is compared, and with what."""

    field: str
    test: str
    wanted: str

    def holds(self, row: Row) -> bool:
        """Whether a row has the field and fits; numbers are compared as numbers, and nothing is unlike everything."""
        value = row.get(self.field)
        if value is None:
            return self.test == "!="
        if isinstance(value, bool):
            return TESTS[self.test](str(value).lower(), self.wanted.lower())
        if isinstance(value, int | float) and self.test != "~":
            return TESTS[self.test](float(value), _number(self))
        return TESTS[self.test](str(value), self.wanted)


def conditions_of(texts: Sequence[str]) -> list[Condition]:
    """UsageError for what is no condition."""
    found = []
    for text in texts:
        match = CONDITION.fullmatch(text)
        if match is None:
            raise UsageError(
                f"--where got {text!r}; expected FIELD=VALUE, or one of {', '.join(TESTS)} in the place of =, such as "
                f"--where contender=cnn or --where 'accuracy>0.98'."
            )
        found.append(Condition(*match.groups()))
    return found


def chosen(rows: Sequence[Row], conditions: Sequence[Condition], sort: str = "", *, reverse: bool = False) -> list[Row]:
    """The rows for which all conditions hold; sorted, the best come first: high scores, low losses and times.

    UsageError for a field that no row has.
    """
    for field in [condition.field for condition in conditions] + ([sort] if sort else []):
        _check_field(field, rows)
    left = [row for row in rows if all(condition.holds(row) for condition in conditions)]
    if not sort:
        return left[::-1] if reverse else left
    is_best_first = HIGHER_IS_BETTER.fullmatch(sort) is not None
    has, lacks = (
        [row for row in left if _is_known(row.get(sort))],
        [row for row in left if not _is_known(row.get(sort))],
    )
    ordered = sorted(has, key=lambda row: _comparable(row[sort]), reverse=is_best_first != reverse)
    return ordered + lacks  # what has no such value is at the end, whatever the order


def _check_field(field: str, rows: Sequence[Row]) -> None:
    known = dict.fromkeys(name for row in rows for name, value in row.items() if not isinstance(value, list))
    if rows and field not in known:
        raise UsageError(f"No run has a {field!r}.{did_you_mean(field, known)} Expected one of {', '.join(known)}.")


def _number(condition: Condition) -> float:
    try:
        return float(condition.wanted)
    except ValueError:
        raise UsageError(
            f"--where got {condition.wanted!r} for {condition.field}; expected a number, such as 0.98."
        ) from None


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _comparable(value: Any) -> tuple[int, Any]:
    """Numbers before texts, so that any two values can be put in order."""
    return (0, float(value)) if isinstance(value, int | float) else (1, str(value))
