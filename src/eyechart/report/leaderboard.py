"""The two tables: how good the contenders are, and what they took."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass

from eyechart.report.answer import interval_text, is_pretrained
from eyechart.report.axes import log_ticks
from eyechart.report.entries import Entry, error_text
from eyechart.report.markdown import capital
from eyechart.report.pairs import Pairs, not_shown_to_differ
from eyechart.report.section import Section
from eyechart.schema import RunRecord
from eyechart.scoring.measures import METRICS, Measure
from eyechart.words.class_means import absent_classes, means_over
from eyechart.words.speech import Speech

LEAST_TICK_DISTANCE = 26  # of 100


@dataclass(frozen=True)
class Column:
    """One quantity of the tables: how it is read from a run, and how it is written."""

    title: str
    quantity: Callable[[RunRecord], float]
    written: Callable[[float], str]
    explained: str
    is_time: bool = False
    is_score: bool = False  # of every run; other columns are of those that finished


@dataclass(frozen=True)
class Cell:
    text: str
    spread: str  # "± sd" over seeds; empty for one run
    value: float  # what sorting compares


@dataclass(frozen=True)
class Whisker:
    """A dot with its interval on a logarithmic axis; positions in 0..100."""

    dot: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One contender in the tables."""

    entry: Entry
    rank: int
    tied: bool  # not shown to differ from the first (the first of a tie is marked too)
    pretrained: bool
    error: Cell
    interval: str
    whisker: Whisker
    quality: tuple[Cell, ...]
    cost: tuple[Cell, ...]


@dataclass(frozen=True)
class Leaderboard:
    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]  # position in 0..100, label
    any_tied: bool
    means: str  # what precision, recall and F1 are: "means over the classes"
    quality: tuple[Column, ...]  # the columns of Row.quality
    cost: tuple[Column, ...]  # of the second table


def quality_columns(means: str, say: Speech) -> tuple[Column, ...]:
    """How good: the columns of the first table after the error; `means` is what the macro means are over."""
    macro = say(f"macro: {means}", f"macro : {means}")
    right = say("share of the test images answered rightly", "part des images de test bien classées")
    loss = say(
        "negative log-likelihood of the true class after the temperature, nats an image",
        "log-vraisemblance négative de la vraie classe après la température, en nats par image",
    )
    raw = say("the same of the answers as they come", "la même, des réponses telles quelles")
    training = say("wall time of training", "durée de l'entraînement à l'horloge")
    parameters = say("all, trained or not", "tous, entraînés ou non")
    quality = {"accuracy": right, "macro_precision": macro, "macro_recall": macro, "macro_f1": macro,
               "loss": loss, "raw_loss": raw}  # fmt: skip
    return (
        *(score_column(METRICS[name], explained, say) for name, explained in quality.items()),
        Column(say("Training", "Entraînement"), lambda run: run.clocks.training_seconds, say.seconds, training, True),
        Column(say("Parameters", "Param."), lambda run: run.cost.num_parameters, say.scaled, parameters),
    )


def score_column(measure: Measure, explained: str, say: Speech) -> Column:
    heading, quantity = say(*measure.heading), measure.value

    def known(run: RunRecord) -> float:
        found = quantity(run)
        return math.nan if found is None else found

    written = say.percent if measure.is_share else say.loss
    return Column(capital(heading), known, written, explained, is_score=True)


def cost_columns(say: Speech) -> tuple[Column, ...]:
    """What it took: the columns of the second table."""
    return (*_clock_columns(say), *_size_columns(say))


def _clock_columns(say: Speech) -> tuple[Column, ...]:
    clocks: tuple[tuple[str, Callable[[RunRecord], float], str], ...] = (
        (
            say("Preparation", "Préparation"),
            lambda run: run.clocks.preparation_seconds,
            say("imports, data, weights, calibration", "imports, données, poids, étalonnage"),
        ),
        (
            say("Training", "Entraînement"),
            lambda run: run.clocks.training_seconds,
            say("first batch asked for to last step", "du premier lot demandé au dernier pas"),
        ),
        (
            say("Evaluation", "Évaluation"),
            lambda run: run.clocks.evaluation_seconds,
            say("validation while training, and the test", "validation en cours d'entraînement, et test"),
        ),
        ("Total", lambda run: run.clocks.total_seconds, say("the whole run", "l'entraînement entier")),
        (
            say("CPU time", "Temps CPU"),
            lambda run: run.clocks.training_cpu_seconds,
            say("of training, all threads", "de l'entraînement, tous les fils d'exécution"),
        ),
    )
    return tuple(Column(title, quantity, say.seconds, explained, True) for title, quantity, explained in clocks)


def _size_columns(say: Speech) -> tuple[Column, ...]:
    trained = say("parameters that training may change", "paramètres que l'entraînement peut changer")
    forward = say("one image, counted", "une image, comptées")
    both = say("one image, forward and backward, counted", "une image, passes avant et arrière, comptées")
    memory = say("of the process, or of the device on CUDA", "du processus, ou du périphérique avec CUDA")
    answering = say("answering, in batches as in the test", "en répondant, par lots comme au test")
    latency = say("median of single images", "médiane sur des images seules")
    mfu = say(
        "training FLOP/s over this machine's best matrix product",
        "FLOP/s de l'entraînement sur le meilleur produit matriciel de cette machine",
    )
    return (
        Column(say("Trained", "Entraînés"), lambda run: run.cost.num_trainable, say.scaled, trained),
        Column(say("FLOP, forward", "FLOP, passe avant"), lambda run: run.cost.forward_flops, say.scaled, forward),
        Column(say("FLOP, training", "FLOP, entraînement"), lambda run: run.cost.training_flops, say.scaled, both),
        Column(
            say("Peak memory", "Mémoire max."),
            lambda run: run.cost.peak_memory_bytes, lambda value: say.scaled(value, "B"), memory,
        ),
        Column("Images/s", lambda run: run.cost.inference_images_per_second, say.significant, answering),
        Column(say("Latency", "Latence"), lambda run: run.cost.latency_seconds, say.seconds, latency, True),
        Column("MFU", lambda run: run.cost.mfu, lambda value: say.percent(value, 0), mfu),
    )  # fmt: skip


def leaderboard(entries: list[Entry], pairs: Pairs, say: Speech) -> Leaderboard:
    """The rows in the order of `entries`, on one common error axis."""
    tied = not_shown_to_differ(entries, pairs)
    low, high = _axis(entries)
    first = entries[0].first
    means = means_over(first.dataset.num_classes, absent_classes(first), say.lang)
    quality = quality_columns(means, say)
    rows = []
    for rank, entry in enumerate(entries, 1):
        is_tied = entry in tied or (rank == 1 and bool(tied))
        rows.append(_row(entry, rank, is_tied, (low, high), quality, say))
    return Leaderboard(tuple(rows), _ticks(low, high, say), bool(tied), means, quality, cost_columns(say))


def _ticks(low: float, high: float, say: Speech) -> tuple[tuple[float, str], ...]:
    """Position and label of the axis' ticks, as many as stand clear of each other."""
    placed = [(_position(tick, low, high), say.short_percent(tick)) for tick in log_ticks(low, high)]
    kept: list[tuple[float, str]] = []
    for position, label in reversed(placed):
        if not kept or kept[-1][0] - position >= LEAST_TICK_DISTANCE:
            kept.append((position, label))
    return tuple(kept)


def _row(
    entry: Entry, rank: int, tied: bool, axis: tuple[float, float], quality: tuple[Column, ...], say: Speech
) -> Row:
    error = entry.error
    return Row(
        entry=entry,
        rank=rank,
        tied=tied,
        pretrained=is_pretrained(entry),
        error=Cell(error_text(entry, say), "", error.mean),
        interval=interval_text(entry, say),
        whisker=Whisker(*(_position(value, *axis) for value in (error.mean, error.low, error.high))),
        quality=tuple(column_cell(entry, column, say) for column in quality),
        cost=tuple(column_cell(entry, column, say) for column in cost_columns(say)),
    )


def column_cell(entry: Entry, column: Column, say: Speech) -> Cell:
    values = (entry.scores if column.is_score else entry.values)(column.quantity)
    mean = statistics.fmean(values)
    spread = ""
    if len(values) > 1 and all(map(math.isfinite, values)) and max(values) > min(values):
        spread = "± " + _spread(column, mean, statistics.stdev(values), say)
    mark = "‡" if column.is_time and entry.was_shared else ""  # as the terminal marks it
    return Cell(column.written(mean) + mark, spread, mean if math.isfinite(mean) else sys.float_info.max)


def _spread(column: Column, mean: float, deviation: float, say: Speech) -> str:
    """The standard deviation over seeds, in the unit in which the mean is written."""
    if column.is_time and mean >= 1:
        return f"{say.number(deviation, 1)} s"
    return column.written(deviation)


def _axis(entries: list[Entry]) -> tuple[float, float]:
    """Both ends of the error axis: it holds every interval; an error of 0 stands at its left end."""
    smallest = 0.5 / max(1, entries[0].first.num_judged)
    lows = [max(entry.error.low, smallest) for entry in entries]
    highs = [max(entry.error.high, smallest) for entry in entries]
    return min(lows) / 1.15, max(highs) * 1.15


def _position(value: float, low: float, high: float) -> float:
    """Where `value` lies between `low` and `high` on a logarithmic axis, in 0..100."""
    value = min(max(value, low), high)
    return round(100 * math.log(value / low) / math.log(high / low), 2)


SECTION = Section(
    "leaderboard",
    ("Leaderboard", "Classement"),
    lambda draft: leaderboard(draft.entries, draft.pairs, draft.say),
    "leaderboard.html",
)
