"""What people see while a study runs."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from eyechart.base.foreign_text import shown, shown_lines
from eyechart.catalog.palette import style_of
from eyechart.catalog.zoo import architecture_of_run
from eyechart.terminal.console import named, open_console
from eyechart.terminal.grid import Grid, columns
from eyechart.terminal.leaderboard import results_table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from rich.console import Console

    from eyechart.schema.contracts import Progress

__all__ = ["LiveTable", "clock_text", "results_table"]

REFRESHES_PER_SECOND = 2  # the table must not take time from the training that it shows
PLAIN_SECONDS = 15.0  # between two lines of the same run, where there is no terminal
ENDINGS = ("finished", "failed", "skipped")


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
            validation_mark=old.validation_mark if progress.validation_mark is None else progress.validation_mark,
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

    What was `told` about the data and the weights before, or by another run, is not said again.
    """

    def __init__(self, console: Console | None = None, told: Iterable[str] = ()):
        self._console = console or open_console(sys.stderr)
        self._told = set(told)
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
        if progress.stage == "preparing":
            if progress.note in self._told:
                return
            self._told.add(progress.note)
        sentence = progress.note if progress.run in progress.note else f"{progress.run}: {progress.note}"
        self._console.print(Text(shown_lines(sentence)), soft_wrap=True)

    def _write_line(self, row: _Row, changed: bool, now: float) -> None:
        if not changed and now - row.printed < PLAIN_SECONDS:
            return
        row.printed = now
        last = row.last
        parts = [last.run, last.stage]
        if last.stage in ("training", "finished"):
            parts += [f"step {last.step:,}/{last.num_steps:,}"] if last.num_steps else []
            parts += [f"loss {last.loss:.4f}"] if last.loss is not None else []
            if last.validation_mark is not None:
                parts.append(f"validation {_mark(last)}")
        if last.stage == "caching" and last.num_steps:
            parts.append(f"{last.step:,}/{last.num_steps:,} images through the frozen stages")
        parts.append(row.time_text(now))
        self._console.print(Text(shown("  ".join(part for part in parts if part))), soft_wrap=True)

    # ------------------------------------------------------------------------------------- the table

    def _draw(self) -> Grid:
        now = time.monotonic()
        rows = list(self._rows.values())
        # The table must fit the screen while it is redrawn: what has ended leaves first, the earliest of it.
        room = len(rows) if self._is_over else max(1, self._console.height - 4)
        bar_columns = min(24, max(4, self._console.width - 58 - max((len(row.last.run) for row in rows), default=0)))
        table = Grid(
            columns("run", "stage=", "progress=", "loss>", "validation>", "time>"),
            dropped=("progress", "loss", "validation"),
            caption=f"{len(rows) - room} earlier runs are not shown" if len(rows) > room else "",
        )
        beside = [architecture_of_run(row.last.run) for row in rows]
        for row in _moving(rows, room):
            table.add(*self._cells(row, now, bar_columns, beside))
        return table

    def _cells(self, row: _Row, now: float, bar_columns: int, beside: list[str]) -> list[Text | ProgressBar | str]:
        last = row.last
        return [
            named(last.run, architecture_of_run(last.run), beside),
            Text(last.stage, style="bold" if last.stage in ("failed", "training") else "dim"),
            _bar(last, bar_columns, beside),
            "" if last.loss is None else f"{last.loss:.4f}",
            "" if last.validation_mark is None else _mark(last),
            row.time_text(now),
        ]


def _moving(rows: list[_Row], room: int) -> list[_Row]:
    """As many rows as there is room for, in their order: those that have not ended, and the latest that have."""
    ended = [row for row in rows if row.last.stage in ENDINGS]
    leaving = {id(row) for row in ended[: max(0, len(rows) - room)]}
    return [row for row in rows if id(row) not in leaving][-room:]


def _bar(progress: Progress, columns: int, beside: Iterable[str]) -> ProgressBar | Text:
    if not progress.num_steps:
        return Text("")
    colour = style_of(architecture_of_run(progress.run), beside).colour
    total, done = progress.num_steps, progress.step
    return ProgressBar(total, done, width=columns, complete_style=colour, finished_style=colour)


def clock_text(seconds: float) -> str:
    """0:07, 12:34, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def _mark(progress: Progress) -> str:
    """ "98.76 %" of the images, or what else is meant: "mAP 87.65 %"."""
    name = "" if progress.mark_name == "accuracy" else f"{progress.mark_name} "
    return f"{name}{100 * (progress.validation_mark or 0.0):.2f} %"
