"""The ladder as a picture: a stair that climbs from the tutorial's accuracy, with the cause written on each step."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from eyechart.catalog.ladder import VECTORISED
from eyechart.catalog.palette import style_of
from eyechart.report.axes import log_limits, set_log
from eyechart.report.charts import GRID, INK, MUTED, drawing, new_panel, saved_panel
from eyechart.report.ladder.words import finding, gain_text, rung_words, verdict_word
from eyechart.words.speech import Speech, speech

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eyechart.catalog.palette import Style
    from eyechart.schema import Summary
    from eyechart.schema.ladder import LadderRecord, RungResult

WIDTH, LEFT, RIGHT, ROW = 9.6, 2.9, 2.2, 0.42  # inches
ABOVE, BELOW = 1.05, 0.62
TITLE_CHARACTERS = 118
ERROR_TICKS = (0.8, 0.4, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
BESIDE = -0.24  # of a row, below the stair: where what is beside a rung is drawn


def write_figure(record: LadderRecord, name: str, folder: Path, lang: str) -> None:
    """Write `name`.svg and `name`.png into `folder`; nothing where no rung is finished."""
    if not any(rung.climber for rung in record.rungs):
        return
    say = speech(lang)
    with drawing():
        height = ABOVE + BELOW + ROW * len(record.rungs)
        figure, axes = new_panel(WIDTH, height, (LEFT, BELOW, RIGHT, ABOVE))
        _set_axes(axes, record, say)
        _draw_stair(axes, record)
        for place, rung in enumerate(record.rungs):
            _draw_beside(axes, place, rung)
            _write_worth(axes, place, rung, record, say)
        _write_key(axes, record, say)
        title = fill(finding(record, say), TITLE_CHARACTERS)
        figure.text(0.12 / WIDTH, 1 - 0.12 / height, title, va="top", color=INK)
        saved_panel(figure, name, title, folder)


def _set_axes(axes: Axes, record: LadderRecord, say: Speech) -> None:
    """Accuracy to the right, on a logarithmic axis of errors, so that 99 and 99.5 % are as far apart as 80 and 90 %."""
    means = [_errors(each)[0] for each in _all_accuracies(record)]  # intervals of few seeds would fill the paper
    low, high = log_limits(means, room=1.5)
    ticks = [tick for tick in ERROR_TICKS if low <= tick <= high]
    set_log(axes.xaxis, (high, low), ticks, lambda error: say.short_percent(1 - error))
    axes.set_ylim(-0.6, len(record.rungs) - 0.4)
    labels = [f"{place}  {rung_words(rung.name, say)}" for place, rung in enumerate(record.rungs)]
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(say("test accuracy (logarithm of the error)", "exactitude de test (logarithme de l'erreur)"))


def _all_accuracies(record: LadderRecord) -> list[Summary]:
    climbers = [each for rung in record.rungs for each in (rung.climber, rung.alone, rung.cnn)]
    return [each.accuracy for each in climbers if each]


def _errors(accuracy: Summary) -> tuple[float, float, float]:
    """(mean, least, most) error; at least a tenth of what an image counts among ten thousand."""
    low, high = accuracy.ends
    return tuple(min(1.0, max(1 - each, min(1e-5, 1 - accuracy.mean) or 1e-5)) for each in (accuracy.mean, high, low))  # type: ignore[return-value]


def _draw_stair(axes: Axes, record: LadderRecord) -> None:
    """Treads from one rung's accuracy to the next, risers between the rows; a mark with its interval on each."""
    style, before = style_of("vit"), None
    top = max(place for place, rung in enumerate(record.rungs) if rung.climber)
    for place, rung in enumerate(record.rungs[: top + 1]):
        if rung.climber is None:
            if before is not None:
                axes.plot([before, before], [place - 0.5, place + 0.5], color=style.colour, linewidth=1.8)
            continue
        error = _errors(rung.climber.accuracy)[0]
        if before is not None:
            axes.plot([before, error], [place - 0.5] * 2, color=style.colour, linewidth=1.8)
        axes.plot(
            [error, error], [place - 0.5, place + (0 if place == top else 0.5)], color=style.colour, linewidth=1.8
        )
        _mark(axes, place, rung.climber.accuracy, style, size=6.5)
        before = error


def _mark(axes: Axes, y: float, accuracy: Summary, style: Style, size: float, *, hollow: bool = False) -> None:
    mean, least, most = _errors(accuracy)
    axes.plot([least, most], [y, y], color=style.colour, linewidth=1.0, alpha=0.75)
    face = "white" if hollow else style.colour
    axes.plot([mean], [y], style.marker, color=style.colour, markerfacecolor=face, markersize=size)


def _draw_beside(axes: Axes, place: int, rung: RungResult) -> None:
    """The CNN of equal size and the repair alone, small, below the stair's mark."""
    if rung.cnn:
        _mark(axes, place + BESIDE, rung.cnn.accuracy, style_of("cnn"), size=4)
    if rung.alone and rung.climber and rung.alone.contender != rung.climber.contender:
        _mark(axes, place + BESIDE, rung.alone.accuracy, style_of("vit"), size=4, hollow=True)


def _write_worth(axes: Axes, place: int, rung: RungResult, record: LadderRecord, say: Speech) -> None:
    """Right of the stair: what the step was worth, in points, and what may be said of it."""
    text, word = gain_text(rung.step, rung.climber, say), verdict_word(rung.step, rung.climber, say)
    if place == 0 and rung.climber:
        text, word = say.percent(rung.climber.accuracy.mean), ""
    elif rung.climber is None and rung.name == VECTORISED and record.loops:
        ratio = say.significant(record.loops.loop_seconds / record.loops.vector_seconds, 2)
        text = say("same answers", "mêmes réponses")
        word = say(f"a step {ratio} times as fast", f"un pas {ratio} fois plus rapide")
    elif rung.climber is None and rung.name != VECTORISED:
        word = say("not trained yet", "pas encore entraîné")
    at: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "clip_on": False, "va": "center"}
    axes.text(1.03, place + 0.02, text, color=INK, **at)
    axes.text(1.03, place - 0.33, word, color=MUTED, fontsize=7.5, **at)


def _write_key(axes: Axes, record: LadderRecord, say: Speech) -> None:
    """What the marks are, in a line above the drawing, and how many seeds stand behind them."""
    numbers = sorted({len(each.seeds) for each in _all_accuracies(record)})
    seeds = say.between(numbers[0], numbers[-1], "seed", "graine")
    told = say(
        f"{record.dataset}, {say.count(record.num_train)} train images; {seeds}; lines: 95 % intervals over seeds",
        f"{record.dataset}, {say.count(record.num_train)} images d'entraînement ; {seeds} ; traits : intervalles "
        f"à 95 % sur les graines",
    )
    at: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
    rows = len(record.rungs)
    high = 1 + 0.16 / (ROW * rows)
    axes.text(-LEFT / (WIDTH - LEFT - RIGHT) + 0.025, 1 + 0.43 / (ROW * rows), told, color=MUTED, fontsize=8.5, **at)
    marks = (
        (0.00, style_of("vit"), False, say("with all before it", "avec les précédentes")),
        (0.38, style_of("vit"), True, say("alone", "seule")),
        (0.66, style_of("cnn"), False, say("CNN of equal size", "CNN de même taille")),
    )
    for x, style, hollow, words in marks:
        face = "white" if hollow else style.colour
        axes.plot([x], [high], style.marker, color=style.colour, markerfacecolor=face, markersize=5, **at)
        axes.text(x + 0.02, high, words, color=INK, va="center", fontsize=8.5, **at)
    axes.text(1.03, high, say("points, 95 % interval", "points, intervalle à 95 %"), color=MUTED, va="center",
              fontsize=8.5, **at)  # fmt: skip
    axes.axhline(-0.6, color=GRID, linewidth=0.8)
