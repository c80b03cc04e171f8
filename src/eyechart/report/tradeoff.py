"""Accuracy against cost: test error against training time, parameters and latency, with intervals on both axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eyechart.comparison.uncertainty import mean_interval
from eyechart.report import axes as scales
from eyechart.report import claims
from eyechart.report.charts import Chart, Panel, new_panel, saved_panel
from eyechart.report.entries import MOST_SHOWN, Entry
from eyechart.report.pairs import Pairs
from eyechart.report.section import Section
from eyechart.schema import RunRecord
from eyechart.words.speech import Speech


@dataclass(frozen=True)
class Price:
    """One thing that an answer costs."""

    name: str
    label: str
    quantity: Callable[[RunRecord], float]
    best: str  # what the cheapest contender is called: "the smallest"
    as_many: str  # "times the parameters": what stands between a ratio and the cheapest
    is_time: bool


def prices(say: Speech) -> tuple[Price, ...]:
    return (
        Price(
            "training", say("training time", "temps d'entraînement"), lambda run: run.clocks.training_seconds,
            say("the quickest to train", "le plus rapide à entraîner"),
            say("times the training time", "fois le temps d'entraînement"), True,
        ),
        Price(
            "parameters", say("parameters", "paramètres"), lambda run: run.cost.num_parameters,
            say("the smallest", "le plus petit"), say("times the parameters", "fois les paramètres"), False,
        ),
        Price(
            "latency", say("latency of one image", "latence d'une image"), lambda run: run.cost.latency_seconds,
            say("the quickest to answer", "le plus rapide à répondre"),
            say("times the latency", "fois la latence"), True,
        ),
    )  # fmt: skip


def accuracy_against_cost(entries: list[Entry], pairs: Pairs, folder: Path, say: Speech) -> Chart:
    """Three panels with one common error axis; the title speaks of all, the panels have room for the first."""
    drawn = entries[:MOST_SHOWN]
    panels = tuple(_panel(drawn, price, folder, say) for price in prices(say))
    n = say.count(entries[0].first.num_judged)
    whiskers = say(
        "95 % t-intervals over seeds, in both directions; Wilson's for the error where there is one seed",
        "intervalles t à 95 % sur les graines, dans les deux sens ; de Wilson pour l'erreur s'il n'y a qu'une graine",
    )
    if all(len(entry.runs) == 1 for entry in entries):
        whiskers = say("95 % Wilson intervals of one run", "intervalles de Wilson à 95 % d'un seul entraînement")
    caption = say(
        f"n = {n} test images. Whiskers: {whiskers}. Further left is cheaper, lower is better.",
        f"n = {n} images de test. Moustaches : {whiskers}. Plus à gauche coûte moins, plus bas vaut mieux.",
    )
    return Chart("cost", cost_finding(entries, pairs, say), caption, panels, "three")


@dataclass(frozen=True)
class Point:
    """A contender's mean with its interval in both directions."""

    entry: Entry
    cost: tuple[float, float, float]  # mean, low, high
    error: tuple[float, float, float]


def _point(entry: Entry, price: Price, floor: float) -> Point:
    costs = entry.values(price.quantity)
    mean = entry.mean(price.quantity)
    low, high = mean_interval(costs) if len(costs) > 1 and all(map(math.isfinite, costs)) else (mean, mean)
    low = max(low, mean / 10)  # a log axis has no room for 0
    errors = tuple(max(value, floor) for value in (entry.error.mean, entry.error.low, entry.error.high))
    return Point(entry, (mean, low, high), (errors[0], errors[1], errors[2]))


def _panel(entries: list[Entry], price: Price, folder: Path, say: Speech) -> Panel:
    figure, axes = new_panel(3.7, 3.1, (0.74, 0.5, 0.12, 0.1))
    floor = 0.5 / max(1, entries[0].first.num_judged)
    points = [_point(entry, price, floor) for entry in entries]
    x_limits = scales.log_limits([value for point in points for value in point.cost], room=1.6)
    y_limits = scales.log_limits([value for point in points for value in point.error])
    x_ticks = scales.time_ticks(*x_limits) if price.is_time else scales.log_ticks(*x_limits)
    scales.set_log(axes.xaxis, x_limits, x_ticks, say.time_label if price.is_time else _count_label(say))
    scales.set_log(axes.yaxis, y_limits, scales.log_ticks(*y_limits), say.short_percent)
    axes.set_xlabel(price.label)
    axes.set_ylabel(say("test error", "erreur de test"))
    shown = [point for point in points if point.cost[0] > 0 and math.isfinite(point.cost[0])]
    for point in shown:
        (x, left, right), (y, low, high), colour = point.cost, point.error, point.entry.style.colour
        axes.plot([x, x], [low, high], color=colour, linewidth=1.5)
        axes.plot([left, right], [y, y], color=colour, linewidth=1.5)
        axes.plot([x], [y], point.entry.style.marker, color=colour, markersize=8)
    labels = [(point.cost[0], point.error[0], point.entry.label(say)) for point in shown]
    scales.label_points(axes, labels, [(point.cost[0], *point.error[1:]) for point in shown])
    described = say(
        f"test error against {price.label}, a point a contender",
        f"erreur de test selon : {price.label}, un point par concurrent",
    )
    return saved_panel(figure, f"cost-{price.name}", described, folder)


def _count_label(say: Speech) -> Callable[[float], str]:
    return lambda value: say.plain(float(f"{value:.3g}")) if value < 1000 else _short(say.scaled(value))


def _short(text: str) -> str:
    return text.replace(".00", "").replace(".0 ", " ").replace(",00", "").replace(",0 ", " ")


def cost_finding(entries: list[Entry], pairs: Pairs, say: Speech) -> str:
    """What the contender with the fewest errors costs, only where it was shown to be better than all others."""
    neutral = say("Test error against what it costs", "L'erreur de test et ce qu'elle coûte")
    standing, of_what = claims.standing(entries), claims.lead_of_first(entries, pairs)
    if of_what is None:
        return neutral
    leader = standing[0]
    errors, moins = ("fewer errors", "moins") if len(standing) == 2 else ("the fewest errors", "le moins")
    fewest = say(f"{leader.name} makes {errors}", f"{leader.name} fait {moins} d'erreurs")
    if of_what == "these runs":
        fewest = say(f"In these runs {leader.name} made {errors}",
                     f"Dans ces entraînements, {leader.name} a fait {moins} d'erreurs")  # fmt: skip
    allowed = {"training": claims.may_compare_training(entries), "latency": claims.may_compare_speed(entries)}
    comparable = [price for price in prices(say) if allowed.get(price.name, True)]
    cheapest = [price.best for price in comparable if claims.least(standing, price.quantity) == [leader]]
    if cheapest:
        return fewest + say(" and is ", " et est ") + say.listed(cheapest)
    price = comparable[-1]
    best = min(standing, key=lambda entry: entry.mean(price.quantity))
    ratio = leader.mean(price.quantity) / best.mean(price.quantity)
    if not math.isfinite(ratio) or ratio < claims.CLEARLY:
        return neutral
    return fewest + say(", at ", ", pour ") + f"{say.significant(ratio, 2)} {price.as_many} {say.of(best.name)}"


SECTION = Section(
    "cost",
    ("Accuracy against cost", "Exactitude et coût"),
    lambda draft: accuracy_against_cost(draft.entries, draft.pairs, draft.figures, draft.say),
)
