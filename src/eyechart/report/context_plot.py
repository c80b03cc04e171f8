"""A context as a picture: how each contender does from level to level, and as its title what that shows."""

from __future__ import annotations

import math
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, NamedTuple

from eyechart.catalog.palette import Dash, Style, style_of
from eyechart.catalog.zoo import parts_of
from eyechart.report import axes as scales
from eyechart.report.charts import INK, MUTED, drawing, new_panel, saved_panel, text_inches
from eyechart.report.context_words import context_name
from eyechart.report.markdown import capital
from eyechart.scoring.measures import METRICS
from eyechart.words.speech import Speech, speech

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eyechart.schema import Summary, Verdict
    from eyechart.schema.contexts import ContextRecord

DRAWN = ("accuracy", "loss")
TITLE_CHARACTERS, TITLE_LINE_INCHES = 11.5, 0.18  # in an inch; and how high a line is
REGIME_DASHES: dict[str, Dash] = {
    "none": (0, (7, 2, 1, 2)), "head": ":", "last": "--", "full": "-", "plain": (0, (1, 1)),
}  # fmt: skip


def write_figures(record: ContextRecord, axis: tuple[str, str], is_log: bool, folder: Path, lang: str) -> None:
    """One drawing a metric into `folder`, as PNG and SVG; nothing where no level has runs."""
    if not record.levels:
        return
    say = speech(lang)
    with drawing(contenders_of(record)):
        for metric in DRAWN:
            _write_figure(record, metric, say(*axis), is_log, folder, say)


def finding(record: ContextRecord, say: Speech) -> str:
    """What the questions of the context are answered with; each word is that of a verdict.

    Who is better is one sentence over all levels, and what else holds at the same levels is one.
    """
    pairs: dict[tuple[str, ...], dict[_Told, list[str]]] = {}
    for level in record.levels:
        for verdict in level.answers:
            pair = tuple(sorted((verdict.first, verdict.second)))
            pairs.setdefault(pair, {}).setdefault(_told(verdict), []).append(say.count(level.value))
    same: dict[tuple[_Told, tuple[str, ...]], list[tuple[str, ...]]] = {}
    for pair, answers in pairs.items():
        for what, at in answers.items():
            same.setdefault((what, tuple(at)), []).append(pair)
    ordered = sorted(same.items(), key=lambda item: ORDER.index(item[0][0].kind))
    told = [(what, found, say.listed(list(at))) for (what, at), found in ordered]
    sentences = _better("better", told, say)
    if of_runs := _better("better in these runs", told, say):
        sentences += [say("in these runs ", "dans ces entraînements, ") + say.semicolons(of_runs)]
    sentences += [_undecided(what.kind, found, at, say) for what, found, at in told if not what.first]
    name = context_name(record, say)
    nothing = say(f"{name}, level by level", f"{name}, niveau par niveau")
    return say.semicolons(sentences) or nothing


def headline(record: ContextRecord, say: Speech) -> str:
    """The finding at the beginning of a line; a contender's name stays as it is written."""
    return capital(finding(record, say), but=contenders_of(record))


ORDER = ("better", "better in these runs", "equivalent", "not shown", "too few runs")


class _Told(NamedTuple):
    """Which sentence a verdict is, and who is ahead in it."""

    kind: str  # of ORDER
    first: str = ""


def _told(verdict: Verdict) -> _Told:
    if verdict.kind == "better":
        return _Told("better" if verdict.scope == "architectures" else "better in these runs", verdict.first)
    return _Told("too few runs" if verdict.scope == "these runs" else verdict.kind)


def _better(kind: str, told: list[tuple[_Told, list[tuple[str, ...]], str]], say: Speech) -> list[str]:
    """A sentence for each who is better, over all levels: "cnn is better than vit at 100, than vgg16 at 1,000"."""
    beaten: dict[str, list[str]] = {}
    for what, pairs, at in told:
        if what.kind == kind:
            others = say.listed([each for pair in pairs for each in pair if each != what.first])
            beaten.setdefault(what.first, []).append(f"{say.than(others)} {say('at', 'à')} {at}")
    return [
        say(f"{first} is better {', '.join(parts)}", f"{first} est meilleur {', '.join(parts)}")
        for first, parts in beaten.items()
    ]


def _undecided(kind: str, pairs: list[tuple[str, ...]], at: str, say: Speech) -> str:
    names = ", ".join(say.listed(list(pair)) for pair in pairs)
    if kind == "equivalent":
        return say(f"{names} are equivalent at {at}", f"{names} sont équivalents à {at}")
    if kind == "too few runs":
        return say(
            f"too few seeds to tell {names} apart at {at}", f"trop peu de graines pour départager {names} à {at}"
        )
    told = [say.listed(list(pair)) for pair in pairs]
    return say(
        f"no difference between {' or between '.join(told)} is shown at {at}",
        f"aucune différence démontrée entre {' ni entre '.join(told)} à {at}",
    )


def _write_figure(record: ContextRecord, metric: str, axis: str, is_log: bool, folder: Path, say: Speech) -> None:
    names = contenders_of(record)
    room = text_inches(names)
    title = fill(_title(record, metric, say), round(TITLE_CHARACTERS * (6.6 + room)))
    above = 0.5 + TITLE_LINE_INCHES * (title.count("\n") + 1)
    figure, axes = new_panel(6.6 + room, 3.7 + above, (0.78, 0.52, 0.42 + room, above))
    curves = {name: curve for name in names if (curve := _curve(record, name, metric))}
    heights = [mean for curve in curves.values() for _, mean, *_ in curve]  # bands of few seeds would fill the paper
    if is_log:
        limits = scales.log_limits([level.value for level in record.levels])
        scales.set_log(axes.xaxis, limits, [level.value for level in record.levels], say.count)
    else:
        axes.set_xticks([level.value for level in record.levels])
    limits = scales.log_limits(heights, room=1.5)
    written = say.short_percent if METRICS[metric].is_share else say.plain
    scales.set_log(axes.yaxis, limits, scales.log_ticks(*limits), written)
    ends = []
    for name, curve in curves.items():
        style = _style(name, curves)
        x, y, low, high = (list(values) for values in zip(*curve, strict=True))
        axes.plot(x, y, color=style.colour, linestyle=style.dash, marker=style.marker)
        axes.fill_between(x, low, high, color=style.colour, alpha=0.12, linewidth=0)
        ends.append((x[-1], y[-1], name, style))
    scales.label_line_ends(axes, ends, whole=True)
    axes.set_xlabel(axis)
    axes.set_ylabel(say("test error", "erreur de test") if metric == "accuracy" else say(*METRICS[metric].words))
    summaries = [summary for level in record.levels for summary in level.comparison.summaries]
    numbers = sorted({len(summary.seeds) for summary in summaries if summary.metric == metric})
    *first, last = numbers
    seeds = say.listed([*map(str, first), say.counted(last, "seed", "graine")])
    told = say(
        f"{record.dataset}; {seeds}; bands: 95 % intervals",
        f"{record.dataset} ; {seeds} ; bandes : intervalles à 95 %",
    )
    axes.set_title(told, loc="left", fontsize=9, color=MUTED)
    figure.text(0.12 / figure.get_figwidth(), 1 - 0.1 / figure.get_figheight(), title, va="top", color=INK)
    saved_panel(figure, f"{record.context}-{metric}", title, folder)


def _title(record: ContextRecord, metric: str, say: Speech) -> str:
    """The questions are asked about the primary metric; of another, a drawing claims nothing."""
    if metric == record.levels[0].comparison.primary:
        return headline(record, say)
    word = say(*METRICS[metric].words)
    name = context_name(record, say)
    return say(f"{name}: {word}, level by level", f"{name} : {word}, niveau par niveau")


def contenders_of(record: ContextRecord) -> list[str]:
    """All of them, the best of the largest level first."""
    return list(dict.fromkeys(name for level in reversed(record.levels) for name in level.comparison.contenders))


def _curve(record: ContextRecord, contender: str, metric: str) -> list[tuple[float, float, float, float]]:
    """(level, mean, low, high) as they are drawn; accuracy as error, and at least half an image wrong."""
    points = []
    for level in record.levels:
        least = 0.5 / max(1, level.comparison.num_items)
        for summary in level.comparison.summaries:
            is_asked = (summary.contender, summary.metric) == (contender, metric)
            if is_asked and math.isfinite(summary.mean):  # a loss that is no number has no place on the axis
                points.append((level.value, *_drawn(summary, metric, least)))
    return points


def _drawn(summary: Summary, metric: str, least: float) -> tuple[float, float, float]:
    low, high = summary.ends
    if metric == "accuracy":
        return max(1 - summary.mean, least), max(1 - high, least), min(1.0, max(1 - low, least))
    return max(summary.mean, 1e-6), max(low, 1e-6), high


def _style(contender: str, beside: Iterable[str]) -> Style:
    """Colour and mark of the architecture; the line says how much of it is trained."""
    style = style_of(contender, beside)
    rest = parts_of(contender)[1]
    word = rest.rpartition(":")[2]
    return style if not rest else Style(style.colour, style.marker, REGIME_DASHES.get(word, style.dash))
