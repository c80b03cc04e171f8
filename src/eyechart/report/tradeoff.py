"""Accuracy against cost: test error against training time, parameters and latency."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eyechart.report import axes as scales
from eyechart.report.answer import runs_of, tied_with_leader
from eyechart.report.charts import Chart, Panel, new_panel, saved_panel
from eyechart.report.entries import Entry
from eyechart.report.notices import same_machine
from eyechart.report.numbers import scaled, short_percent, spoken_list, times
from eyechart.schema import RunRecord

CLEARLY = 1.1  # costs closer than this factor are not told apart: times repeat no better


@dataclass(frozen=True)
class Price:
    """One thing that an answer costs."""

    name: str
    label: str
    quantity: Callable[[RunRecord], float]
    best: str  # what the cheapest contender is called: "the smallest"
    is_time: bool


PRICES = (
    Price("training", "training time", lambda run: run.clocks.training_seconds, "the quickest to train", True),
    Price("parameters", "parameters", lambda run: run.cost.num_parameters, "the smallest", False),
    Price("latency", "latency of one image", lambda run: run.cost.latency_seconds, "the quickest to answer", True),
)


def accuracy_against_cost(entries: list[Entry], folder: Path) -> Chart:
    """Three panels with one common error axis."""
    panels = tuple(_panel(entries, price, folder) for price in PRICES)
    n = entries[0].first.test.num_items
    if all(len(entry.judged) == 1 for entry in entries):
        whiskers = "95 % Wilson intervals of one run"
    else:
        whiskers = "95 % t-intervals over seeds, Wilson's where there is one"
    caption = f"n = {n:,} test images. Whiskers: {whiskers}. Further left is cheaper, lower is better."
    return Chart("cost", _finding(entries), caption, panels)


def _panel(entries: list[Entry], price: Price, folder: Path) -> Panel:
    figure, axes = new_panel(3.7, 3.1, (0.74, 0.5, 0.12, 0.1))
    floor = 0.5 / max(1, entries[0].first.test.num_items)
    costs = [entry.mean(price.quantity) for entry in entries]
    errors = [
        [max(value, floor) for value in (entry.error.mean, entry.error.low, entry.error.high)] for entry in entries
    ]
    x_limits, y_limits = (
        scales.log_limits(costs, room=1.6),
        scales.log_limits([value for row in errors for value in row]),
    )
    x_ticks = scales.time_ticks(*x_limits) if price.is_time else scales.log_ticks(*x_limits)
    scales.set_log(axes.xaxis, x_limits, x_ticks, scales.time_label if price.is_time else _count_label)
    scales.set_log(axes.yaxis, y_limits, scales.log_ticks(*y_limits), short_percent)
    axes.set_xlabel(price.label)
    axes.set_ylabel("test error")
    shown = [(entry, x, y) for entry, x, y in zip(entries, costs, errors, strict=True) if x > 0 and math.isfinite(x)]
    for entry, x, (mean, low, high) in shown:
        axes.plot([x, x], [low, high], color=entry.style.colour, linewidth=1.5)
        axes.plot([x], [mean], entry.style.marker, color=entry.style.colour, markersize=8)
    scales.label_points(axes, [(x, y[0], entry.label) for entry, x, y in shown], [(x, y[1], y[2]) for _, x, y in shown])
    return saved_panel(figure, f"cost-{price.name}", f"test error against {price.label}, a point a contender", folder)


def _count_label(value: float) -> str:
    return scaled(value, "").replace(".00", "").replace(".0 ", " ")


def _finding(entries: list[Entry]) -> str:
    """What the contender with the fewest errors costs, only where it leads beyond its interval."""
    neutral = "Test error against what it costs"
    standing = [entry for entry in entries if not entry.diverged]
    if len(standing) < 2 or tied_with_leader(entries):
        return neutral
    leader = standing[0]
    comparable = [price for price in PRICES if same_machine(runs_of(entries)) or not price.is_time]
    cheapest = [price.best for price in comparable if _is_cheapest(leader, standing, price)]
    if cheapest:
        return f"{leader.name} makes the fewest errors and is {spoken_list(cheapest)}"
    price = comparable[-1]
    best = min(standing, key=lambda entry: entry.mean(price.quantity))
    ratio = leader.mean(price.quantity) / best.mean(price.quantity)
    if not math.isfinite(ratio) or ratio < CLEARLY:
        return neutral
    return f"{leader.name} makes the fewest errors, at {times(ratio)} times the {price.label} of {best.name}"


def _is_cheapest(leader: Entry, standing: list[Entry], price: Price) -> bool:
    own = leader.mean(price.quantity)
    return all(own * CLEARLY < entry.mean(price.quantity) for entry in standing if entry is not leader)
