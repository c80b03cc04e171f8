"""The two tables: how good the contenders are, and what they took."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass

from eyechart.report import numbers
from eyechart.report.answer import interval_text, is_pretrained, tied_with_leader
from eyechart.report.axes import log_ticks
from eyechart.report.entries import Entry
from eyechart.schema import RunRecord

LEAST_TICK_DISTANCE = 26  # of 100


@dataclass(frozen=True)
class Column:
    """One quantity of the tables: how it is read from a run, and how it is written."""

    title: str
    quantity: Callable[[RunRecord], float]
    written: Callable[[float], str]
    explained: str


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
    tied: bool  # its interval overlaps the leader's (the leader of a tie is marked too)
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


QUALITY = (
    Column("Accuracy", lambda run: run.test.accuracy, numbers.percent, "share of the test images answered rightly"),
    Column("Precision", lambda run: run.test.macro_precision, numbers.percent, "macro: mean over the classes"),
    Column("Recall", lambda run: run.test.macro_recall, numbers.percent, "macro: mean over the classes"),
    Column("F1", lambda run: run.test.macro_f1, numbers.percent, "macro: mean over the classes"),
    Column("Loss", lambda run: run.test.loss, numbers.loss, "negative log-likelihood of the true class, nats an image"),
    Column("Training", lambda run: run.clocks.training_seconds, numbers.seconds, "wall time of training"),
    Column(
        "Parameters",
        lambda run: run.cost.num_parameters,
        lambda value: numbers.scaled(value, ""),
        "all, trained or not",
    ),
)

COST = (
    Column(
        "Preparation",
        lambda run: run.clocks.preparation_seconds,
        numbers.seconds,
        "imports, data, weights, calibration",
    ),
    Column("Training", lambda run: run.clocks.training_seconds, numbers.seconds, "first batch asked for to last step"),
    Column(
        "Evaluation",
        lambda run: run.clocks.evaluation_seconds,
        numbers.seconds,
        "validation while training, and the test",
    ),
    Column("Total", lambda run: run.clocks.total_seconds, numbers.seconds, "the whole run"),
    Column("CPU time", lambda run: run.clocks.training_cpu_seconds, numbers.seconds, "of training, all threads"),
    Column(
        "Trained",
        lambda run: run.cost.num_trainable,
        lambda value: numbers.scaled(value, ""),
        "parameters that training may change",
    ),
    Column(
        "FLOP, forward",
        lambda run: run.cost.forward_flops,
        lambda value: numbers.scaled(value, ""),
        "one image, counted",
    ),
    Column(
        "FLOP, training",
        lambda run: run.cost.training_flops,
        lambda value: numbers.scaled(value, ""),
        "one image, forward and backward, counted",
    ),
    Column(
        "Peak memory",
        lambda run: run.cost.peak_memory_bytes,
        lambda value: numbers.scaled(value, "B"),
        "of the process, or of the device on CUDA",
    ),
    Column(
        "Images/s",
        lambda run: run.cost.inference_images_per_second,
        lambda value: numbers.significant(value),
        "answering, in batches as in the test",
    ),
    Column("Latency", lambda run: run.cost.latency_seconds, numbers.seconds, "median of single images"),
    Column(
        "MFU",
        lambda run: run.cost.mfu,
        lambda value: numbers.percent(value, 0),
        "training FLOP/s over this machine's best matrix product",
    ),
)


def leaderboard(entries: list[Entry]) -> Leaderboard:
    """The rows in the order of `entries`, on one common error axis."""
    tied = tied_with_leader(entries)
    low, high = _axis(entries)
    rows = []
    for rank, entry in enumerate(entries, 1):
        is_tied = entry in tied or (rank == 1 and bool(tied))
        rows.append(_row(entry, rank, is_tied, low, high))
    return Leaderboard(tuple(rows), _ticks(low, high), bool(tied))


def _ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Position and label of the axis' ticks, as many as stand clear of each other."""
    placed = [(_position(tick, low, high), numbers.short_percent(tick)) for tick in log_ticks(low, high)]
    kept: list[tuple[float, str]] = []
    for position, label in reversed(placed):
        if not kept or kept[-1][0] - position >= LEAST_TICK_DISTANCE:
            kept.append((position, label))
    return tuple(kept)


def _row(entry: Entry, rank: int, tied: bool, low: float, high: float) -> Row:
    error = entry.error
    decimals = numbers.percent_decimals(error.low, error.high)
    return Row(
        entry=entry,
        rank=rank,
        tied=tied,
        pretrained=is_pretrained(entry),
        error=Cell(numbers.percent(error.mean, decimals), "", error.mean),
        interval=interval_text(entry),
        whisker=Whisker(*(_position(value, low, high) for value in (error.mean, error.low, error.high))),
        quality=tuple(_cell(entry, column) for column in QUALITY),
        cost=tuple(_cell(entry, column) for column in COST),
    )


def _cell(entry: Entry, column: Column) -> Cell:
    values = entry.values(column.quantity)
    mean = statistics.fmean(values)
    spread = ""
    if len(values) > 1 and all(map(math.isfinite, values)) and max(values) > min(values):
        spread = "± " + _spread(column, mean, statistics.stdev(values))
    return Cell(column.written(mean), spread, mean if math.isfinite(mean) else sys.float_info.max)


def _spread(column: Column, mean: float, deviation: float) -> str:
    """The standard deviation over seeds, in the unit in which the mean is written."""
    if column.written is numbers.seconds and mean >= 1:
        return f"{deviation:.1f} s"
    return column.written(deviation)


def _axis(entries: list[Entry]) -> tuple[float, float]:
    """Both ends of the error axis: it holds every interval; an error of 0 stands at its left end."""
    smallest = 0.5 / max(1, entries[0].first.test.num_items)
    lows = [max(entry.error.low, smallest) for entry in entries]
    highs = [max(entry.error.high, smallest) for entry in entries]
    return min(lows) / 1.15, max(highs) * 1.15


def _position(value: float, low: float, high: float) -> float:
    """Where `value` lies between `low` and `high` on a logarithmic axis, in 0..100."""
    value = min(max(value, low), high)
    return round(100 * math.log(value / low) / math.log(high / low), 2)
