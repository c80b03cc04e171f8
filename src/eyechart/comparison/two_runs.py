"""What two runs have different: what they were asked to do, what they did it with, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from eyechart.schema import RunRecord

# In the order in which they are read: causes before effects.
GROUPS: dict[str, tuple[str, ...]] = {
    "settings": ("contender", "seed", "recipe", "rules", "plan"),
    "data": ("dataset", "splits", "preprocessing", "weights", "judged_on"),
    "machine": ("host", "num_processes", "started_in"),
    "results": ("status", "cause", "test", "detection", "validation", "validation_detection", "temperature"),
    "costs": ("clocks", "cost"),
    "bits": ("weights_sha256", "predictions_sha256"),
}
LONGEST_LIST = 6  # values that are shown; of a longer list is said how many differ
LEFT_OUT = {"recipe.source", "recipe.expect", "recipe.title"}  # words about a recipe, which train nothing


class Difference(NamedTuple):
    """One field with its two values; None: that run has no such field."""

    group: str
    field: str  # "recipe.learning_rate"
    first: Any
    second: Any


def differences(first: RunRecord, second: RunRecord) -> list[Difference]:
    """All fields in which two runs differ, group by group."""
    found = []
    for group, names in GROUPS.items():
        one, other = (dict(_leaves(run.model_dump(mode="json", include=set(names)))) for run in (first, second))
        for field in dict.fromkeys([*one, *other]):
            values = one.get(field), other.get(field)
            told = _told(*values)
            if told[0] != told[1] and field not in LEFT_OUT:
                found.append(Difference(group, field, *told))
        order = {name: place for place, name in enumerate(names)}
        start = len(found) - sum(each.group == group for each in found)
        found[start:] = sorted(found[start:], key=lambda each: order[each.field.partition(".")[0]])
    return found


def is_same_to_the_bit(first: RunRecord, second: RunRecord) -> bool:
    """Whether weights and predictions are the same."""
    return (first.weights_sha256, first.predictions_sha256) == (second.weights_sha256, second.predictions_sha256)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no record by its dotted name; lists are values."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def _told(first: Any, second: Any) -> tuple[Any, Any]:
    """Two values; of two long lists how many differ."""
    if any(isinstance(each, list) and each and isinstance(each[0], dict) for each in (first, second)):
        return len(first or ()), len(second or ())  # stretches of training: their number
    if isinstance(first, list) and isinstance(second, list) and max(len(first), len(second)) > LONGEST_LIST:
        if len(first) != len(second):
            return f"{len(first)} values", f"{len(second)} values"
        number = sum(one != other for one, other in zip(first, second, strict=True))
        return (f"{len(first)} values", f"{number} of them differ") if number else ("the same", "the same")
    return first, second
