"""Who is best: every constellation of verdicts, by hand."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from eyechart.comparison.winners import Best, best_in, least_of
from eyechart.schema import Comparison, Summary, Verdict


def comparison(*said: tuple[str, str, str], names: str = "abc", scope: Any = "architectures") -> Comparison:
    """Verdicts "first kind second"; pairs of which nothing is said are not shown."""
    told = {frozenset((first, second)): (first, kind, second) for first, kind, second in said}
    verdicts = []
    for pair in combinations(names, 2):
        first, kind, second = told.get(frozenset(pair), (pair[0], "not shown", pair[1]))
        verdicts.append(
            Verdict(metric="accuracy", first=first, second=second, kind=kind, scope=scope,  # type: ignore[arg-type]
                    num_seeds=7, difference=0.01)
        )  # fmt: skip
    summaries = tuple(Summary(contender=name, metric="accuracy", seeds=(0,), values=(0.9,), mean=0.9) for name in names)
    return Comparison(dataset="d", contenders=tuple(names), num_items=100, summaries=summaries, families=(),
                      verdicts=tuple(verdicts))  # fmt: skip


A_BEATS_ALL = (("a", "better", "b"), ("a", "better", "c"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (A_BEATS_ALL, Best("best", ("a",))),
        ((("a", "better", "b"), ("b", "better", "c")), Best("best", ("a",))),  # c is beaten by who is beaten by a
        ((("a", "better", "c"),), Best("not shown", ("a", "b"))),
        ((("a", "better", "c"), ("a", "equivalent", "b")), Best("equal", ("a", "b"))),
        ((), Best("not shown", ("a", "b", "c"))),
        ((("a", "equivalent", "b"), ("b", "equivalent", "c")), Best("not shown", ("a", "b", "c"))),
        (
            (("a", "equivalent", "b"), ("b", "equivalent", "c"), ("a", "equivalent", "c")),
            Best("equal", ("a", "b", "c")),
        ),
    ],
)
def test_a_win_a_tie_and_neither(said: tuple[tuple[str, str, str], ...], expected: Best) -> None:
    assert best_in(comparison(*said), "accuracy") == expected


def test_few_seeds_speak_of_their_runs_alone() -> None:
    assert best_in(comparison(*A_BEATS_ALL, scope="these runs"), "accuracy") == Best("best", ("a",), False)


def test_what_was_not_compared_has_no_winner() -> None:
    assert best_in(comparison(*A_BEATS_ALL), "loss") is None
    assert best_in(comparison(names="a"), "accuracy") is None
    lacks = comparison(*A_BEATS_ALL)
    assert best_in(lacks.model_copy(update={"verdicts": lacks.verdicts[:1]}), "accuracy") is None


def test_nobody_wins_where_each_is_beaten() -> None:
    """Verdicts that go round are no order; nothing is claimed."""
    assert best_in(comparison(("a", "better", "b"), ("b", "better", "c"), ("c", "better", "a")), "accuracy") == Best(
        "not shown", ()
    )


def test_the_least_memory_within_a_tenth() -> None:
    assert least_of({"a": 100.0, "b": 109.0, "c": 111.0}) == Best("equal", ("a", "b"))
    assert least_of({"b": 200.0, "a": 100.0}) == Best("best", ("a",))
    assert least_of({"a": 1.0}) is None
