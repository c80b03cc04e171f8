"""What the ladder answers is true of whatever was measured: every outcome has its own sentence, in two languages."""

from __future__ import annotations

import re

import pytest

from eyechart.catalog import ladder
from eyechart.report.ladder.text import table
from eyechart.report.ladder.words import answer, finding, gain_text, signed, verdict_word
from eyechart.schema import Summary, Verdict
from eyechart.schema.ladder import Climber, LadderRecord, RungResult, SizeResult
from eyechart.words.speech import speech

ENGLISH = speech("en")


def climber(name: str, accuracy: float) -> Climber:
    def summary(metric: str, value: float) -> Summary:
        ends = {"low": value - 0.001, "high": value + 0.001}
        return Summary(contender=name, metric=metric, seeds=(0, 1), values=(value, value), mean=value, **ends)

    return Climber(
        contender=name, study="s", runs=("a", "b"), commits=("x",), weights_sha256=("a", "b"), parameters=1642,
        epochs=5, num_steps=100, accuracy=summary("accuracy", accuracy), loss=summary("loss", 1 - accuracy),
        raw_loss=None, seconds=(40.0, 42.0), cpu_seconds=(), had_company=False, num_threads=(1,),
    )  # fmt: skip


def verdict(first: str, second: str, kind: str = "better", difference: float = 0.02) -> Verdict:
    return Verdict(metric="accuracy", first=first, second=second, kind=kind, num_seeds=2, difference=difference,
                   low=difference - 0.004, high=difference + 0.004)  # type: ignore[arg-type]  # fmt: skip


def record(accuracies: list[float], sizes: dict[int, Verdict | None] | None = None, **first: object) -> LadderRecord:
    rungs = [RungResult(name="as_written", climber=climber("v0", accuracies[0])).model_copy(update=first)]
    for number, accuracy in enumerate(accuracies[1:], 1):
        worse = accuracy < accuracies[number - 1]
        names = (f"v{number - 1}", f"v{number}") if worse else (f"v{number}", f"v{number - 1}")
        step = verdict(*names, difference=abs(accuracy - accuracies[number - 1]))
        rungs.append(RungResult(name=ladder.NAMES[number], climber=climber(f"v{number}", accuracy), step=step))
    found = tuple(
        SizeResult(images=images, vit=climber("vit", 0.8), cnn=climber("cnn", 0.9), verdict=each)
        for images, each in (sizes or {}).items()
    )
    return LadderRecord(dataset="toy", num_train=57_000, num_test=10_000, fraction=1, rungs=tuple(rungs), sizes=found)


AHEAD, BEHIND = verdict("cnn", "vit"), verdict("vit", "cnn")
OPEN, EQUAL = verdict("cnn", "vit", "too few runs"), verdict("cnn", "vit", "equivalent", 0.0)


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({300: AHEAD, 1_000: AHEAD}, "the worse choice of the two at every size that was tried"),
        ({300: AHEAD, 1_000: OPEN}, "the worse choice of the two on 300 images, and elsewhere that is not shown"),
        ({300: BEHIND, 1_000: OPEN}, "can be the better choice on small data: here on 300 images"),
        ({300: OPEN, 1_000: EQUAL}, "So that a ViT is no good on small data is not shown here."),
        ({300: None}, "So that a ViT is no good on small data is not shown here."),
        ({300: AHEAD, 1_000: BEHIND}, "the worse choice of the two on 300 images and the better one on 1,000"),
    ],
)
def test_every_outcome_has_its_answer(sizes: dict[int, Verdict | None], told: str) -> None:
    found = record([0.7, 0.9], sizes)
    assert told in " ".join(answer(found, ENGLISH))
    assert " ".join(answer(found, speech("fr"))) != " ".join(answer(found, ENGLISH))


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({300: AHEAD, 1_000: AHEAD}, "So in these runs this ViT is the worse choice of the two at every size"),
        ({300: AHEAD, 1_000: OPEN}, "So in these runs it is the worse choice of the two on 300 images"),
        ({300: BEHIND, 1_000: OPEN}, "here on 300 images, in these runs."),
    ],
)
def test_nothing_is_said_of_architectures_where_only_these_runs_were_decided(
    sizes: dict[int, Verdict | None], told: str
) -> None:
    """Three seeds decide nothing of architectures (rule 9)."""
    runs = {"scope": "these runs"}
    sizes = {images: each.model_copy(update=runs) if each else None for images, each in sizes.items()}
    found = record([0.7, 0.9], sizes, against_cnn=verdict("cnn", "v0").model_copy(update=runs))
    rungs = [
        each.model_copy(update={"step": each.step.model_copy(update=runs)} if each.step else {}) for each in found.rungs
    ]
    found = found.model_copy(update={"rungs": tuple(rungs)})
    text = " ".join(answer(found, ENGLISH))
    assert told in text
    assert "trained alike, is better in these runs on rung 0." in text
    assert finding(found, ENGLISH).endswith("points) in these runs")
    assert "dans ces entraînements" in " ".join(answer(found, speech("fr"))).lower()


def test_what_the_repairs_took_away_is_a_share_of_the_errors() -> None:
    assert "so 75 % of its errors came from how it is built and trained" in answer(record([0.6, 0.9]), ENGLISH)[0]
    assert "the repairs took away no errors" in answer(record([0.9, 0.6]), ENGLISH)[0]
    assert answer(record([0.6]), ENGLISH) == [], "one rung alone answers nothing"


def test_the_cnn_of_equal_size_is_better_worse_or_neither() -> None:
    found = record([0.7], against_cnn=verdict("cnn", "v0"))
    assert answer(found, ENGLISH) == ["A CNN of as many parameters, trained alike, is better on rung 0."]
    found = record([0.7], against_cnn=verdict("v0", "cnn"))
    assert "worse on rung 0" in answer(found, ENGLISH)[0]


def test_the_title_names_the_step_that_took_the_largest_share_of_errors() -> None:
    """Half of the errors beats more points of a smaller share; a step that was no better is none."""
    assert "no loops" in finding(record([0.6, 0.7, 0.9]), ENGLISH)
    assert "(+10.0 points)" in finding(record([0.6, 0.7, 0.65]), ENGLISH)
    assert finding(record([0.6, 0.5]), ENGLISH) == "From 60.00 % to 50.00 % on the same images"
    assert finding(record([0.6]), ENGLISH) == "The first rung: 60.00 %"


def test_points_are_written_with_their_sign_and_their_side() -> None:
    up = verdict("v1", "v0", difference=0.0213)
    assert gain_text(up, climber("v1", 0.9), ENGLISH) == "+2.1 (+1.7 to +2.5)"
    assert gain_text(up, climber("v0", 0.9), ENGLISH) == "-2.1 (-2.5 to -1.7)"
    assert gain_text(None, climber("v0", 0.9), ENGLISH) == ""
    assert (verdict_word(up, climber("v1", 0.9), ENGLISH), verdict_word(up, climber("v0", 0.9), ENGLISH)) == (
        "better", "worse",
    )  # fmt: skip
    assert [signed(each, 1, ENGLISH) for each in (0.00001, 0.012, -0.012)] == ["0.0", "+1.2", "-1.2"]


def test_the_table_has_a_row_a_rung() -> None:
    rows = table(record([0.6, 0.7, 0.9]), ENGLISH).splitlines()
    assert len(rows) == 2 + 3
    assert re.match(r"\| 1 no softmax before the loss \| 70\.00 % \(69\.90 to 70\.10 %\) \| 0\.3000 \|", rows[3])
    assert len({row.count("|") for row in rows}) == 1
