"""What `eyechart show` adds to the scores of runs: how far their certainty and their times can be believed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from eyechart.base.errors import StorageError
from eyechart.terminal.console import named, open_console, percent_text, seconds_text
from eyechart.terminal.grid import Grid, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.comparison.calibration import ContenderCalibration
    from eyechart.comparison.timing import Milestone, Spread
    from eyechart.schema import RunRecord

RunAt = tuple[Path, "RunRecord"]  # a run and its folder


def judged_json(folder: Path, run: RunRecord) -> dict[str, Any]:
    """The run's record with `calibration` (None where the answers cannot be read) and `timing` beside it."""
    from pydantic_core import to_jsonable_python

    from eyechart.comparison.calibration import calibrate_run

    if run.task == "detection":
        return run.model_dump(mode="json") | {"calibration": None, "timing": _timing_json(run)}
    try:
        calibration = to_jsonable_python(calibrate_run(folder, run), inf_nan_mode="null")
    except StorageError:
        calibration = None
    return run.model_dump(mode="json") | {"calibration": calibration, "timing": _timing_json(run)}


def _timing_json(run: RunRecord) -> Any:
    from pydantic_core import to_jsonable_python

    from eyechart.comparison.timing import timing

    return to_jsonable_python(timing(run.contender, [run]), inf_nan_mode="null")


def certainty_rows(folder: Path, run: RunRecord) -> list[tuple[str, str]]:
    """Rows for the sheet of one run: ECE, Brier, and what a temperature would change."""
    from eyechart.comparison.calibration import calibrate_run

    try:
        found = calibrate_run(folder, run)
    except StorageError as error:
        return [("calibration", f"not known: {error}")]
    before, after = found.before, found.after
    ece, adaptive_ece = percent_text(before.ece), percent_text(before.adaptive_ece)
    rows = [
        ("Brier", f"{before.brier:.4f} (0 to 2)"),
        ("ECE", f"{ece} in 15 bins of equal width, {adaptive_ece} of equal counts"),
    ]
    if after is None or found.temperature is None:
        return [*rows, ("temperature", f"none: {found.why_not}")]
    scaled = f"ECE {percent_text(after.ece)}, Brier {after.brier:.4f}, loss {after.loss:.4f} nats with it"
    fitted = found.temperature
    told = f"fitted on {fitted.num_items:,} validation images"
    if fitted.reason == "held":
        told = f"held near 1, because {fitted.num_items:,} validation images say too little"
    return [*rows, ("temperature", f"{fitted.value:.2f}, {told}; {scaled}")]


def clock_rows(run: RunRecord) -> list[tuple[str, str]]:
    """Rows for the sheet of one run: CPU time, operations, machine units, goals, other load."""
    from eyechart.comparison.timing import timing

    found = timing(run.contender, [run])
    rows = [
        ("CPU time of training", _seconds(found.cpu_seconds.median)),
        ("operations", f"{_scaled(found.training_flops.median)}FLOP in all, counted"),
        ("this machine's unit", f"{found.products.median:,.0f} matrix products of 2,048 x 2,048 in the same time"),
        ("other load", _load(found.foreign_load) + (", spoiled: do not compare its times" if found.spoiled else "")),
    ]
    goals = [(f"to {percent_text(each.accuracy, 0)} validation", _goal(each)) for each in found.milestones]
    return [*rows, *goals]


def print_judged(runs: Sequence[RunAt], console: Console | None = None) -> None:
    """Two tables below the leaderboard of a study: clocks and certainty, a row a contender."""
    import sys

    groups: dict[tuple[str, str], list[RunAt]] = {}
    for folder, run in runs:
        groups.setdefault((run.study, run.contender), []).append((folder, run))
    if not groups:
        return
    console = console or open_console(sys.stdout)
    of_classes = {key: group for key, group in groups.items() if group[0][1].task == "classification"}
    tables = [_clocks_table(groups)] + ([_certainty_table(of_classes)] if of_classes else [])
    for table in tables:
        console.print("", table, sep="\n")
    console.print()
    lines = (
        "products: matrix products of 2,048 x 2,048 that this machine would have done in the training time.",
        "to 97 %: training time of the first look at validation at or above it, not interpolated. other load: of all "
        "cores, worst run; * spoiled, do not compare its times; + resumed. Several seeds: medians.",
        "ECE: 15 bins of equal width. Brier: 0 to 2. T: temperature fitted on validation, above 1 it was too sure, ~ "
        "held near 1, because too few validation images say anything; "
        "scaled: with it. Several seeds: means.",
    )
    for line in lines[: len(tables) + 1]:
        console.print(Text(line, style="dim"), soft_wrap=True)


def _clocks_table(groups: dict[tuple[str, str], list[RunAt]]) -> Grid:
    from eyechart.comparison.timing import MILESTONES, timing

    goals = [f"to {percent_text(accuracy, 0)}" for accuracy in MILESTONES]
    table = _figures_table("contender", "input", "batch", "training", "CPU", "FLOP", "products", *goals, "other load")
    for (_, contender), runs in groups.items():
        found = timing(contender, [run for _, run in runs])
        marks = ("*" if found.spoiled else "") + ("+" if found.resumed else "")
        table.add(
            named(contender, contender, (name for _, name in groups)),
            found.input_pixels,
            str(found.batch_size),
            _spread(found.training_seconds),
            _spread(found.cpu_seconds),
            _scaled(found.training_flops.median).strip(),
            f"{found.products.median:,.0f}",
            *(_goal(each) for each in found.milestones),
            _load(found.foreign_load) + marks,
        )
    return table


def _certainty_table(groups: dict[tuple[str, str], list[RunAt]]) -> Grid:
    from eyechart.comparison.answers import Shelf
    from eyechart.comparison.calibration import calibrate

    table = _figures_table("contender", "ECE %", "Brier", "T", "ECE % scaled", "Brier scaled", "loss scaled")
    shelf = Shelf()
    for (_, contender), runs in groups.items():
        judged = [pair for pair in runs if pair[1].status == "finished"]
        try:
            cells = _certainty_cells(calibrate(contender, judged, shelf)) if judged else ["–"] * 6
        except StorageError:
            cells = ["not known", *["–"] * 5]
        table.add(named(contender, contender, (name for _, name in groups)), *cells)
    return table


def _certainty_cells(found: ContenderCalibration) -> list[str]:
    before, after = found.before, found.after
    cells = [f"{100 * before['ece'].mean:.2f}", f"{before['brier'].mean:.4f}"]
    temperatures = [run.temperature for run in found.runs if run.temperature is not None]
    if not after:
        return [*cells, *["–"] * 4]
    mark = "~" if any(each.reason == "held" for each in temperatures) else ""
    temperature = f"{sum(each.value for each in temperatures) / len(temperatures):.2f}{mark}"
    scaled = [f"{100 * after['ece'].mean:.2f}", f"{after['brier'].mean:.4f}", f"{after['loss'].mean:.4f}"]
    return [*cells, temperature, *scaled]


def _figures_table(name: str, *figures: str) -> Grid:
    return Grid(columns(name, *(f"{each}>" for each in figures)))


def _goal(found: Milestone) -> str:
    share = f"{found.num_reached} of {found.num_runs}"
    if not found.num_reached:
        return "not reached"
    if found.seconds is None:
        return f"{share} reached it"
    return _seconds(found.seconds) + ("" if found.num_reached == found.num_runs else f" ({share})")


def _spread(spread: Spread) -> str:
    low, high = _seconds(spread.low), _seconds(spread.high)
    return _seconds(spread.median) if low == high else f"{_seconds(spread.median)} ({low} – {high})"


def _load(share: float | None) -> str:
    return "not known" if share is None else percent_text(share, 0)


def _seconds(value: float) -> str:
    return seconds_text(value)


def _scaled(value: float) -> str:
    from eyechart.words.numbers import scaled

    text = scaled(value, "")
    return text if text[-1].isalpha() else f"{text} "
