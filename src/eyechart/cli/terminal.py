"""What people see while a study runs, and the leaderboard at its end.

Colour goes to marks and bars only: a terminal may be dark or light, and names must be readable on both.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from rich import box
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from eyechart.palette import style_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from eyechart.contracts import Progress
    from eyechart.schema import RunRecord

RESULT_COLUMNS = ("accuracy %", "precision %", "recall %", "F1 %", "loss", "training", "parameters", "images/s")
REFRESHES_PER_SECOND = 2  # the table must not take time from the training that it shows
PLAIN_SECONDS = 15.0  # between two lines of the same run, where there is no terminal
PIPE_COLUMNS = 160  # width of tables that go into a file or a pipe
ENDINGS = ("finished", "failed", "skipped")


def open_console(stream: TextIO) -> Console:
    """A console on `stream`; a character that its encoding does not have becomes "?" instead of an error."""
    if isinstance(stream, io.TextIOWrapper):
        with contextlib.suppress(ValueError, OSError):
            stream.reconfigure(errors="replace")
    console = Console(file=stream, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_COLUMNS
    return console


# --------------------------------------------------------------------------------------------- while it runs


@dataclass
class _Row:
    """What is known of one run: the last word on each thing."""

    last: Progress
    started: float  # on time.monotonic
    heard: float
    printed: float = float("-inf")  # as a plain line

    def hear(self, progress: Progress, now: float) -> bool:
        """Take in a sign of life, keeping what it does not mention; True when the stage changed."""
        old, self.heard = self.last, now
        knows_steps = progress.num_steps > 0
        self.last = progress._replace(
            step=progress.step if knows_steps else old.step,
            num_steps=progress.num_steps if knows_steps else old.num_steps,
            loss=old.loss if progress.loss is None else progress.loss,
            validation_accuracy=(
                old.validation_accuracy if progress.validation_accuracy is None else progress.validation_accuracy
            ),
        )
        return progress.stage != old.stage

    def time_text(self, now: float) -> str:
        if self.last.stage in ENDINGS:
            return f"took {clock_text(self.heard - self.started)}" if self.last.stage != "skipped" else ""
        if self.last.seconds_left is None:
            return ""
        return f"{clock_text(max(0.0, self.last.seconds_left - (now - self.heard)))} left"


class LiveTable:
    """A reporter: a table that is drawn anew on a terminal, single lines anywhere else; both on standard error.

    with LiveTable() as report:
        run_study(record, folder, report)
    """

    def __init__(self, console: Console | None = None):
        self._console = console or open_console(sys.stderr)
        self._rows: dict[str, _Row] = {}
        self._is_over = False
        self._live: Live | None = None
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(console=self._console, get_renderable=self._draw, refresh_per_second=REFRESHES_PER_SECOND)

    def __enter__(self) -> LiveTable:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over = True
        if self._live:
            self._live.stop()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        is_new = progress.run not in self._rows
        row = self._rows.setdefault(progress.run, _Row(progress, now, now))
        changed = row.hear(progress, now) or is_new
        if progress.note:
            self._say(progress)
        if self._live is None and not (progress.note and progress.stage in ("failed", "skipped")):
            self._write_line(row, changed, now)

    # ------------------------------------------------------------------------------------- sentences and lines

    def _say(self, progress: Progress) -> None:
        """A sentence, above the table where there is one; it says which run it is about."""
        sentence = progress.note if progress.run in progress.note else f"{progress.run}: {progress.note}"
        self._console.print(Text(sentence), soft_wrap=True)

    def _write_line(self, row: _Row, changed: bool, now: float) -> None:
        if not changed and now - row.printed < PLAIN_SECONDS:
            return
        row.printed = now
        last = row.last
        parts = [last.run, last.stage]
        if last.stage in ("training", "finished"):
            parts += [f"step {last.step:,}/{last.num_steps:,}"] if last.num_steps else []
            parts += [f"loss {last.loss:.4f}"] if last.loss is not None else []
            if last.validation_accuracy is not None:
                parts.append(f"validation {100 * last.validation_accuracy:.2f} %")
        parts.append(row.time_text(now))
        self._console.print(Text("  ".join(part for part in parts if part)), soft_wrap=True)

    # ------------------------------------------------------------------------------------- the table

    def _draw(self) -> Table:
        now = time.monotonic()
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
        for heading in ("run", "stage", "progress"):
            table.add_column(heading, no_wrap=True)
        for heading in ("loss", "validation", "time"):
            table.add_column(heading, justify="right", no_wrap=True)
        rows = list(self._rows.values())
        # The table must fit the screen while it is redrawn: then the runs at its end are those that move.
        room = len(rows) if self._is_over else max(1, self._console.height - 5)
        for row in rows[-room:]:
            table.add_row(*self._cells(row, now))
        if len(rows) > room:
            table.caption = f"{len(rows) - room} earlier runs are not shown"
        return table

    def _cells(self, row: _Row, now: float) -> list[Text | ProgressBar | str]:
        last = row.last
        accuracy = "" if last.validation_accuracy is None else f"{100 * last.validation_accuracy:.2f} %"
        return [
            named(last.run, last.run.split("-")[0]),
            Text(last.stage, style="bold" if last.stage in ("failed", "training") else "dim"),
            _bar(last),
            "" if last.loss is None else f"{last.loss:.4f}",
            accuracy,
            row.time_text(now),
        ]


def _bar(progress: Progress) -> ProgressBar | Text:
    if not progress.num_steps:
        return Text("")
    colour = style_of(progress.run.split("-")[0]).colour
    return ProgressBar(
        total=progress.num_steps, completed=progress.step, width=24, complete_style=colour, finished_style=colour
    )


def named(name: str, contender: str) -> Text:
    """The name behind the mark of its contender, which alone is coloured."""
    style = style_of(contender)
    return Text.assemble((style.glyph, style.colour), " ", (name, "bold"))


def clock_text(seconds: float) -> str:
    """0:07, 12:34, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


# --------------------------------------------------------------------------------------------- at its end


def results_table(records: Sequence[RunRecord], console: Console | None = None) -> None:
    """Print the leaderboard on standard output, the best accuracy first; seeds of a contender share a row."""
    console = console or open_console(sys.stdout)
    if not records:
        console.print("There are no finished runs to show.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for heading in ("contender", "weights"):
        table.add_column(heading, overflow="fold")
    for heading in RESULT_COLUMNS:
        table.add_column(heading, justify="right", overflow="fold")
    groups = _grouped(records)
    for group in groups:
        table.add_row(*_result_cells(group, several_studies=len({record.study for record in records}) > 1))
    console.print(table)
    for line in _legend(groups):
        console.print(Text(line, style="dim"), soft_wrap=True)


def _grouped(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """The seeds of each contender (of each study) together, best mean accuracy first, those without one last."""
    groups: dict[tuple[str, str], list[RunRecord]] = {}
    for record in records:
        groups.setdefault((record.study, record.contender), []).append(record)

    def badness(group: list[RunRecord]) -> float:
        judged = _judged(group)
        return -statistics.fmean(record.test.accuracy for record in judged) if judged else 1.0

    return sorted(groups.values(), key=badness)


def _judged(group: list[RunRecord]) -> list[RunRecord]:
    """The runs that did not diverge: those behind the means."""
    return [record for record in group if record.status == "finished"]


def _result_cells(group: list[RunRecord], several_studies: bool) -> list[Text | str]:
    from eyechart.report.numbers import count, scaled, seconds

    first, judged = group[0], [record.test for record in _judged(group)]
    name = f"{first.contender} ({first.study})" if several_studies else first.contender

    def mean(value: Callable[[RunRecord], float]) -> float:
        return statistics.fmean(value(record) for record in _judged(group) or group)

    return [
        named(name, first.recipe.contender),
        first.weights.name + ("†" if first.weights.pretrained_on else ""),
        _accuracy(group),
        spread([100 * scores.macro_precision for scores in judged], 2),
        spread([100 * scores.macro_recall for scores in judged], 2),
        spread([100 * scores.macro_f1 for scores in judged], 2),
        spread([scores.loss for scores in judged], 4),
        seconds(mean(lambda record: record.clocks.training_seconds)),
        scaled(first.cost.num_parameters, ""),
        count(round(mean(lambda record: record.cost.inference_images_per_second))),
    ]


def _accuracy(group: list[RunRecord]) -> str:
    """One run: with its Wilson interval; several: mean and standard deviation; and how many diverged."""
    from eyechart.comparison.uncertainty import wilson_interval

    judged = [record.test for record in _judged(group)]
    text = spread([100 * scores.accuracy for scores in judged], 2)
    if len(judged) == 1:
        num_right = round(judged[0].accuracy * judged[0].num_items)
        low, high = wilson_interval(num_right, judged[0].num_items)
        text += f" ({100 * low:.2f}–{100 * high:.2f})"
    num_diverged = len(group) - len(judged)
    if not num_diverged:
        return text
    return "diverged" if len(group) == 1 else f"{text} {num_diverged} of {len(group)} diverged".strip()


def spread(values: Sequence[float], decimals: int) -> str:
    """One value as it is, several as mean ± standard deviation, none as a dash."""
    if not values:
        return "–"
    mean = f"{statistics.fmean(values):.{decimals}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{decimals}f}"


def _legend(groups: list[list[RunRecord]]) -> list[str]:
    """What the table was made from, and what its signs mean."""
    records = [record for group in groups for record in group]
    parts = dict.fromkeys(f"{record.test.num_items:,} test images of {record.dataset.title}" for record in records)
    lines = [f"{', '.join(parts)}. Precision, recall and F1 are means over the classes."]
    if any(len(_judged(group)) == 1 for group in groups):
        lines.append("(low–high): 95 % Wilson interval of one run.")
    if any(len(_judged(group)) > 1 for group in groups):
        numbers = sorted({len(group) for group in groups})
        lines.append(f"±: standard deviation over {' or '.join(map(str, numbers))} seeds.")
    origins = dict.fromkeys(record.weights.pretrained_on for record in records if record.weights.pretrained_on)
    if origins:
        lines.append(f"† did not start from nothing: pretrained on {', '.join(origins)}.")
    return lines
