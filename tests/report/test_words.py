"""What the report says: numbers, the answer with how sure it is, and what to know first."""

from __future__ import annotations

import statistics
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from eyechart.report.answer import answer
from eyechart.report.entries import Entry, Run, group_runs, read_runs
from eyechart.report.entries import test_error as error_of  # pytest would take it for a test
from eyechart.report.pairs import Pairs
from eyechart.schema import Comparison, Finding, Verdict
from eyechart.words import numbers
from eyechart.words.findings import sentence
from eyechart.words.speech import Speech


def with_errors(entries: list[Entry], wrong: list[int], num_items: int = 10_000) -> list[Entry]:
    """The same contenders with these numbers of wrong answers, in two classes."""
    changed = []
    for entry, number in zip(entries, wrong, strict=False):
        half = num_items // 2
        confusion = ((half, 0), (number, num_items - half - number))
        scores = entry.first.test.model_copy(update={"num_items": num_items, "confusion": confusion})
        changed.append(replaced(entry, test=scores))
    return changed


def replaced(entry: Entry, **updates: Any) -> Entry:
    runs = tuple(Run(run.folder, run.record.model_copy(update=updates)) for run in entry.runs)
    return Entry(entry.name, entry.style, runs)


@pytest.fixture(scope="module")
def entries(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """cnn, vit and fasterrcnn, all from scratch."""
    three = {name: fake_runs.FIVE[name] for name in ("cnn", "vit", "fasterrcnn")}
    folder = tmp_path_factory.mktemp("words") / "study"
    return group_runs(read_runs(fake_runs.fake_study(folder, three, num_items=2000, with_arrays=False)))


# --------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.00091, "0.91 ms"), (0.25, "250 ms"), (12.34, "12.3 s"), (99.96, "1 min 40 s"), (4000, "1 h 07 min")],
)
def test_seconds(value: float, written: str) -> None:
    assert numbers.seconds(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(205_386, "205 k"), (14.7e6, "14.7 M"), (999_700, "1.00 M"), (12, "12.0")]
)
def test_scaled(value: float, written: str) -> None:
    assert numbers.scaled(value, "") == written


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [(0.005, 0.0081, "0.50 to 0.81 %"), (0.1, 0.13, "10.0 to 13.0 %"), (0.0003, 0.0007, "0.030 to 0.070 %")],
)
def test_intervals_have_the_digits_they_deserve(low: float, high: float, written: str) -> None:
    assert numbers.percent_interval(low, high) == written


def test_numbers_stay_with_their_units() -> None:
    assert (
        numbers.unbroken("98 % after 12.0 s, 3 min late: 5 seeds") == "98\xa0% after 12.0\xa0s, 3\xa0min late: 5 seeds"
    )


def test_numbers_that_are_none_are_a_dash() -> None:
    nan = float("nan")
    for write in (numbers.percent, numbers.seconds, numbers.loss, numbers.significant, numbers.count):
        assert write(nan) == "–"
    assert numbers.scaled(nan, "B") == "–"


# --------------------------------------------------------------------------------------------- the answer


def decided(entries: list[Entry], kinds: dict[str, str], **more: Any) -> Pairs:
    """A comparison in which the first entry meets the others with these verdicts: "vit" -> "better"."""
    verdicts = tuple(
        Verdict(metric="accuracy", first=entries[0].name, second=name, kind=kind, num_seeds=10, difference=0.01, **more)
        for name, kind in kinds.items()
    )
    names = tuple(entry.name for entry in entries)
    found = Comparison(
        dataset="mnist", contenders=names, num_items=10_000, summaries=(), families=(), verdicts=verdicts
    )
    return Pairs(found)


def test_a_lead_that_was_shown_is_told(entries: list[Entry]) -> None:
    pairs = decided(entries, {"vit": "better", "fasterrcnn": "better"})
    told = answer(with_errors(entries, [60, 150, 400]), pairs, Speech())
    assert told.question == "Which of three contenders makes the fewest errors on MNIST?"
    # Wilson, 60 of 10,000: 0.47 to 0.77 %
    assert told.sentences[0] == (
        "cnn made the fewest errors: 0.60 % (95 % interval 0.47 to 0.77 %) of 10,000 test images."
    )
    assert told.sentences[1] == "It is better than both others."
    french = answer(with_errors(entries, [60, 150, 400]), pairs, Speech("fr"))
    assert french.sentences[1] == "Il est meilleur que les deux autres."
    assert "0,60\u202f%" in french.sentences[0]


@pytest.mark.parametrize(
    ("kind", "scope", "sentence"),
    [
        ("not shown", "architectures", "That it is better than both others is not shown."),
        ("too few runs", "architectures", "Whether it is better than vit: too few runs to say."),
        ("equivalent", "architectures", "It is equivalent to vit: within 0.1 point."),
        ("better", "these runs", "Its trained models are better than those of vit;"),
    ],
)
def test_the_answer_follows_the_verdicts_and_not_the_intervals(
    entries: list[Entry], kind: str, scope: str, sentence: str
) -> None:
    """The errors lie far apart: what is said of the pair is what its verdict allows, and no more."""
    pairs = decided(entries, {"vit": kind}, scope=scope)
    _, sure = answer(with_errors(entries, [60, 900, 4000]), pairs, Speech()).sentences
    assert sentence in sure
    assert "fasterrcnn is not shown." in sure or kind == "not shown"
    assert "It is better than" not in sure
    assert "no difference" not in sure


def test_a_verdict_for_the_other_one_is_no_lead(entries: list[Entry]) -> None:
    """A diverged run may count against the one with the fewest errors: then its lead is not told."""
    pairs = decided(entries[1:2] + entries[:1], {"cnn": "better"})
    sure = answer(with_errors(entries[:2], [60, 150]), pairs, Speech()).sentences[1]
    assert sure == "That it is better than vit is not shown."


def test_equal_errors_have_no_leader(entries: list[Entry]) -> None:
    first, _ = answer(with_errors(entries, [60, 60, 400]), decided(entries, {}), Speech()).sentences
    assert first.startswith("cnn and vit made equally few errors: 0.60 %")


def test_one_contender_alone_is_not_ranked(entries: list[Entry]) -> None:
    told = answer(with_errors(entries[:1], [60]), decided(entries[:1], {}), Speech())
    assert told.question == "How well does cnn read MNIST?"
    assert "fewest" not in " ".join(told.sentences)


def test_a_pretrained_leader_is_named_as_such(entries: list[Entry]) -> None:
    weights = entries[0].first.weights.model_copy(update={"pretrained_on": "ImageNet-1k"})
    pretrained = [replaced(entries[0], weights=weights), *entries[1:]]
    told = answer(with_errors(pretrained, [60, 150, 400]), decided(entries, {}), Speech())
    assert told.sentences[0].startswith("cnn, having started from weights trained on ImageNet-1k, made the fewest")


# --------------------------------------------------------------------------------------------- what to know first


def test_notices_are_said_in_the_language_of_the_page() -> None:
    finding = Finding(kind="unfair", code="test-accesses", runs=("vit-s0",), facts={"accesses": 2})
    assert sentence(finding).startswith("vit-s0: the test images were not opened exactly once")
    assert sentence(finding, "fr").startswith("vit-s0\N{NARROW NO-BREAK SPACE}: les images de test")


def test_diverged_runs_count_in_scores_and_not_in_times(fake_runs: ModuleType, tmp_path: Path) -> None:
    one = {"cnn": fake_runs.FIVE["cnn"]}
    folders = fake_runs.fake_study(
        tmp_path / "study", one, (0, 1, 2), num_items=500, with_arrays=False, diverged=("cnn-s1",)
    )
    [entry] = group_runs(read_runs(folders))
    assert (entry.num_diverged, len(entry.runs), len(entry.judged), entry.diverged) == (1, 3, 2, False)
    assert entry.error.mean == pytest.approx(statistics.fmean(error_of(run.record) for run in entry.runs))
    assert entry.error.mean > 0.2, "the finished ones alone are below 0.02"
    assert len(entry.values(lambda run: run.clocks.training_seconds)) == 2
