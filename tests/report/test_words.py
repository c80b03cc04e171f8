"""What the report says: numbers, the answer with how sure it is, and what to know first."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from eyechart.report import numbers
from eyechart.report.answer import answer
from eyechart.report.entries import Entry, Run, group_runs, read_runs
from eyechart.report.notices import notices
from eyechart.schema import RunRecord


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


def test_a_lead_beyond_the_intervals_is_told(entries: list[Entry]) -> None:
    told = answer(with_errors(entries, [60, 150, 400]))
    assert told.question == "Which of three contenders makes the fewest errors on MNIST?"
    # Wilson, 60 of 10,000: 0.47 to 0.77 %
    assert told.sentences[0] == (
        "cnn made the fewest errors: 0.60 % (95 % interval 0.47 to 0.77 %) of 10,000 test images."
    )
    assert "lies below all others, next is vit with 1.50 %" in told.sentences[1]
    assert "with one seed this holds for these trained models" in told.sentences[1]


def test_an_overlap_is_not_shown_and_never_absent(entries: list[Entry]) -> None:
    _, sure = answer(with_errors(entries, [60, 70, 400])).sentences
    assert (
        sure
        == "That it is better than vit is not shown: their intervals overlap. The interval of the other one lies above."
    )
    assert "no difference" not in sure


def test_equal_errors_have_no_leader(entries: list[Entry]) -> None:
    first, second = answer(with_errors(entries, [60, 60, 400])).sentences
    assert first.startswith("cnn and vit made equally few errors: 0.60 %")
    assert second.startswith("Which of them is better is not shown.")


def test_one_contender_alone_is_not_ranked(entries: list[Entry]) -> None:
    told = answer(with_errors(entries[:1], [60]))
    assert told.question == "How well does cnn read MNIST?"
    assert "fewest" not in " ".join(told.sentences)


def test_a_pretrained_leader_is_named_as_such(entries: list[Entry]) -> None:
    weights = entries[0].first.weights.model_copy(update={"pretrained_on": "ImageNet-1k"})
    pretrained = [replaced(entries[0], weights=weights), *entries[1:]]
    told = answer(with_errors(pretrained, [60, 150, 400]))
    assert told.sentences[0].startswith("cnn, having started from weights trained on ImageNet-1k, made the fewest")


# --------------------------------------------------------------------------------------------- what to know first


def test_a_clean_study_has_no_notices(entries: list[Entry]) -> None:
    assert notices(entries) == []


def changed_host(record: RunRecord) -> dict[str, Any]:
    return {"host": record.host.model_copy(update={"num_threads": 7})}


@pytest.mark.parametrize(
    ("update", "sentence"),
    [
        (lambda record: {"status": "diverged"}, "1 run diverged: vit-s0"),
        (lambda record: {"test_accesses": 2}, "not opened exactly once in vit-s0"),
        (changed_host, "their times cannot be compared"),
        (
            lambda record: {"rules": record.rules.model_copy(update={"budget": None})},
            "2 different sets of rules: 60 s of",
        ),
        (lambda record: {"splits": record.splits.model_copy(update={"test_sha256": "x"})}, "different test images"),
        (
            lambda record: {"splits": record.splits.model_copy(update={"train_sha256": "x"})},
            "not train on the same images",
        ),
        (
            lambda record: {"clocks": record.clocks.model_copy(update={"segments": record.clocks.segments * 2})},
            "1 run stopped and resumed (vit-s0)",
        ),
        (
            lambda record: {"weights": record.weights.model_copy(update={"pretrained_on": "ImageNet-1k"})},
            "vit (ImageNet-1k) starts from weights trained on other images",
        ),
    ],
)
def test_what_is_unfair_is_told(entries: list[Entry], update: Any, sentence: str) -> None:
    vit = entries[1]
    assert vit.name == "vit"
    [notice] = notices([entries[0], replaced(vit, **update(vit.first)), entries[2]])
    assert sentence in notice


def test_diverged_runs_are_out_of_the_mean_but_counted(fake_runs: ModuleType, tmp_path: Path) -> None:
    one = {"cnn": fake_runs.FIVE["cnn"]}
    folders = fake_runs.fake_study(
        tmp_path / "study", one, (0, 1, 2), num_items=500, with_arrays=False, diverged=("cnn-s1",)
    )
    [entry] = group_runs(read_runs(folders))
    assert (entry.num_diverged, len(entry.runs), len(entry.judged), entry.diverged) == (1, 3, 2, False)
    assert entry.error.mean < 0.1
