"""Which runs are listed, and in what order."""

from __future__ import annotations

import math
from typing import Any

import pytest

from eyechart.base.errors import UsageError
from eyechart.terminal.chosen_runs import chosen, conditions_of

ROWS: list[dict[str, Any]] = [
    {"run": "a", "contender": "cnn", "accuracy": 0.9, "loss": 0.3, "seed": 0, "shared_clocks": False},
    {"run": "b", "contender": "vit", "accuracy": 0.99, "loss": 0.1, "seed": 1, "shared_clocks": True},
    {"run": "c", "contender": "cnn", "accuracy": None, "loss": math.nan, "seed": 2, "shared_clocks": False},
    {"run": "d", "status": "unfinished"},
]


def names(*where: str, sort: str = "", reverse: bool = False) -> str:
    return "".join(row["run"] for row in chosen(ROWS, conditions_of(where), sort, reverse=reverse))


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ((), "abcd"),
        (("contender=cnn",), "ac"),
        (("contender=cnn", "seed>=1"), "c"),
        (("accuracy>0.9",), "b"),
        (("accuracy >= .90",), "ab"),
        (("accuracy!=0.9",), "bcd"),
        (("seed<2",), "ab"),
        (("seed=1.0",), "b"),
        (("contender~I",), "b"),
        (("shared_clocks=true",), "b"),
        (("status=unfinished",), "d"),
    ],
)
def test_conditions(where: tuple[str, ...], left: str) -> None:
    assert names(*where) == left


def test_the_best_come_first_and_what_is_not_known_last() -> None:
    assert names(sort="accuracy") == "bacd"
    assert names(sort="loss") == "bacd"
    assert names(sort="seed", reverse=True) == "cbad"
    assert names(sort="contender") == "acbd"
    assert names(reverse=True) == "dcba"


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(UsageError, match="--where got 'accuracy'; expected FIELD=VALUE"):
        conditions_of(["accuracy"])
    with pytest.raises(UsageError, match=r"No run has a 'acuracy'\. Did you mean 'accuracy'\?"):
        names("acuracy>1")
    with pytest.raises(UsageError, match="No run has a 'speed'"):
        names(sort="speed")
    with pytest.raises(UsageError, match=r"got 'high' for accuracy; expected a number, such as 0\.98"):
        names("accuracy>high")
    assert chosen([], conditions_of(["anything=1"]), "anything") == []
