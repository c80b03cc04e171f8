"""Tables of the reading commands, on standard output: lists of runs, one run's sheet, estimates."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from eyechart.base.foreign_text import path_word, shell_command, shown
from eyechart.catalog.palette import style_of
from eyechart.terminal.console import open_console, percent_text, seconds_text
from eyechart.terminal.grid import Grid, columns
from eyechart.terminal.lines import say
from eyechart.words.numbers import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from eyechart.runner.estimate import Estimate
    from eyechart.schema import DetectionScores, RunRecord

MARKS = {"classification": "accuracy", "detection": "map"}  # the primary metric of a task, in a summary
MOST_CHECKPOINTS = 3  # of a run at a moment: the one being written, the newest and the one before
MOST_CLASSES = 20  # whose F1 stands on one run's sheet


def runs_table(rows: Sequence[dict[str, Any]], broken: Sequence[dict[str, Any]]) -> None:
    """One line a run, unfinished ones last with what is known of why; `rows` as of run_index.py."""
    if not rows and not broken:
        say("There are no runs here yet. Make some with: eyechart run", err=True)
        return
    table = Grid(
        columns("study", "run", "weights", _mark_heading(rows), "macro F1>", "loss>", "training>", "finished>"),
        keys=2,
    )
    architectures = list(dict.fromkeys(row["architecture"] for row in rows))
    for row in rows:
        colour = style_of(row["architecture"], architectures).colour
        table.add(
            row["study"],
            Text(shown(row["run"]), style=f"bold {colour}"),
            row["weights"],
            _figure(row[MARKS[row["task"]]], 2, 100) if row["status"] == "finished" else "diverged",
            _figure(row["macro_f1"], 4),
            _figure(row["loss"], 4),
            seconds_text(row["train_seconds"]) + ("‡" if row["shared_clocks"] else ""),
            row["finished_at"][:16].replace("T", " "),
        )
    console = open_console(sys.stdout)
    if rows:
        console.print(table)
    if any(row["absent_classes"] for row in rows):
        console.print("macro F1 is a mean over the classes that the test part has; some are missing: eyechart show RUN")
    if any(row["shared_clocks"] for row in rows):
        console.print("‡ beside other runs of the same command (--jobs): no time to compare.")
    for item in broken:
        how = "unfinished, --resume continues it" if item["can_continue"] else "unfinished"
        reason = str(item["reason"]).partition("\n")[0]
        line = f"{item['study']}/{item['run']}: {how}{f'. {reason}' if reason else ''}"
        console.print(Text(shown(line)), soft_wrap=True)


def _figure(value: float | None, decimals: int, factor: float = 1.0) -> str:
    return "–" if value is None else f"{factor * value:.{decimals}f}"


def _mark_heading(rows: Sequence[dict[str, Any]]) -> str:
    """What the primary metric of these runs is called."""
    names = {"classification": "accuracy", "detection": "mAP"}
    return " or ".join(name for task, name in names.items() if task in {row["task"] for row in rows}) + " %>"


def run_sheet(record: RunRecord, folder: Path) -> None:
    """Everything about one run, in groups; its answers are read from `folder`."""
    from eyechart.terminal.judged import certainty_rows, clock_rows

    groups: dict[str, list[tuple[str, str]]] = {
        f"{record.run} of {record.study}": _identity(record),
        "test": _scores(record) + certainty_rows(folder, record) if record.test else _box_rows(record),
        "clocks": _clocks(record) + clock_rows(record),
        "cost": _cost(record),
        "how it was made": _provenance(record),
    }
    console = open_console(sys.stdout)
    for title, rows in groups.items():
        console.print(Text(shown(title), style="bold"), soft_wrap=True)
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column(style="dim", min_width=min(22, console.width // 3))
        table.add_column(overflow="fold")
        for label, value in rows:
            table.add_row(Text(label), Text(shown(value)))
        console.print(table)
        console.print()
    # On a line of its own, so that it can be copied; of the folder that it is in now.
    console.print(Text("judge it again" if record.judged_on else "repeat it", style="dim"))
    console.print(Text(shown(record.command) if record.judged_on else repeat_command(folder)), soft_wrap=True)


def repeat_command(folder: Path) -> str:
    """The line for a shell that repeats the run in `folder`."""
    return shell_command(["eyechart", "repeat", path_word(folder)])


def estimates_table(estimates: Sequence[Estimate], jobs: int = 1) -> None:
    """The plan of a study, `jobs` runs at once: steps, images, time and disk for every run, and the sums."""
    table = Grid(columns("run", "weights", "steps>", "images seen>", "training>", "parameters>", "disk>"))
    for row in estimates:
        table.add(
            row.run,
            row.weights,
            f"{row.num_steps:,}",
            f"{row.images_seen:,}",
            seconds_text(row.training_seconds),
            f"{row.num_parameters:,}",
            bytes_text(row.disk_bytes),
        )
    console = open_console(sys.stdout)
    console.print(table)
    seconds = sum(row.training_seconds for row in estimates)
    checkpoints = sorted((row.checkpoint_bytes for row in estimates), reverse=True)[:jobs]
    disk = sum(row.disk_bytes for row in estimates) + max(row.items_bytes for row in estimates)
    disk += MOST_CHECKPOINTS * sum(checkpoints)
    console.print(
        f"{counted(len(estimates), 'run', 'runs')}: about {seconds_text(seconds)} of training (judging and start-up "
        f"come on top), {bytes_text(disk)} of disk at most. Nothing was trained."
    )


def bytes_text(count: float) -> str:
    """A size in units of 1,000: 12 kB, 3.4 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def _identity(record: RunRecord) -> list[tuple[str, str]]:
    return [
        ("contender", f"{record.contender} ({record.recipe.title})"),
        ("status", record.status),
        ("seed", str(record.seed)),
        ("dataset", f"{record.dataset.title}: {len(record.dataset.classes)} classes, {record.dataset.height}x"
                    f"{record.dataset.width} px, {record.dataset.num_channels} channel(s)"),
        ("starting weights", record.weights.description),
        *([("judged again on", record.judged_on)] if record.judged_on else []),
    ]  # fmt: skip


def _scores(record: RunRecord) -> list[tuple[str, str]]:
    from eyechart.words.class_means import absent_classes, means_over

    test = record.test_scores
    rows = [
        ("accuracy", f"{100 * test.accuracy:.2f} % of {test.num_items:,} images"),
        ("macro precision", f"{test.macro_precision:.4f}"),
        ("macro recall", f"{test.macro_recall:.4f}"),
        ("macro F1", f"{test.macro_f1:.4f}"),
        ("loss", _loss_text(record)),
        ("macro", means_over(record.dataset.num_classes, absent_classes(record))),
        ("F1 by class", _f1_by_class(record)),
    ]
    return rows + (_box_rows(record) if record.detection else [])


def _box_rows(record: RunRecord) -> list[tuple[str, str]]:
    boxes = record.box_scores
    return [
        ("boxes", f"mean IoU {boxes.mean_iou:.3f}, mAP {boxes.map:.3f}, mAP50 {boxes.map50:.3f}"),
        ("COCO's other figures", _other_box_figures(boxes)),
    ]


def _loss_text(record: RunRecord) -> str:
    """What is compared, what it was made from, and the loss of the answers as they come."""
    test, found = record.test_scores, record.temperature
    if not found:
        return f"{test.raw_loss:.4f} nats, raw: the run kept no validation answers to fit a temperature to"
    held = ", held near 1 for want of images" if found.reason == "held" else ""
    fitted = f"temperature {found.value:.2f}, fitted to {found.num_items:,} validation images{held}"
    return f"{test.loss:.4f} nats after {fitted}; {test.raw_loss:.4f} raw"


def _f1_by_class(record: RunRecord) -> str:
    """Every class with its F1, a dash where there is no test image; of many classes the lowest."""
    rows = list(zip(record.dataset.classes, record.test_scores.per_class.f1, strict=True))
    if len(rows) > MOST_CLASSES:
        known = sorted(((name, f1) for name, f1 in rows if f1 is not None), key=lambda row: row[1])
        return f"{_listed(known[:MOST_CLASSES])}  (the lowest of {len(rows):,} classes; --json has all)"
    return _listed(rows)


def _listed(rows: Iterable[tuple[str, float | None]]) -> str:
    return "  ".join(f"{name} –" if f1 is None else f"{name} {f1:.3f}" for name, f1 in rows)


def _other_box_figures(boxes: DetectionScores) -> str:
    """Those of the twelve that are defined, as "AR 100 0.951"."""
    names = [name for name in type(boxes).model_fields if name.startswith(("map7", "map_", "mar_"))]
    known = {name: getattr(boxes, name) for name in names}
    words = {name: name.replace("map_", "AP ").replace("map", "AP ").replace("mar_", "AR ") for name in names}
    return ", ".join(f"{words[name]} {value:.3f}" for name, value in known.items() if value is not None)


def _clocks(record: RunRecord) -> list[tuple[str, str]]:
    clocks = record.clocks
    names = ("preparation", "training", "evaluation", "checkpoint", "total")
    return [(name, seconds_text(getattr(clocks, f"{name}_seconds"))) for name in names] + [
        ("segments", f"{len(clocks.segments)}{' (resumed)' if len(clocks.segments) > 1 else ''}")
    ]


def _cost(record: RunRecord) -> list[tuple[str, str]]:
    cost = record.cost
    return [
        ("parameters", f"{cost.num_parameters:,}, of which {cost.num_trainable:,} trained"),
        ("FLOPs an image", f"{cost.forward_flops:,.0f} forward, {cost.training_flops:,.0f} training"),
        ("share of peak (MFU)", f"{percent_text(cost.mfu, 1)} of {cost.matmul_flops_per_second / 1e9:.0f} GFLOP/s"),
        ("peak memory", bytes_text(cost.peak_memory_bytes)),
        (
            "inference",
            f"{cost.inference_images_per_second:,.0f} images/s; one image {1e3 * cost.latency_seconds:.2f} ms",
        ),
    ]


def _provenance(record: RunRecord) -> list[tuple[str, str]]:
    from eyechart.report.fields import value_text
    from eyechart.report.provenance import execution_text, tuning_text
    from eyechart.words.speech import Speech

    plan, host = record.plan, record.host
    told_elsewhere = {"contender", "title", "source", "expect", "tuning"}
    unusual = record.recipe.model_dump(exclude_defaults=True, exclude=told_elsewhere)
    return [
        ("schedule", f"{plan.num_steps:,} steps of {plan.batch_size} images, budget {plan.budget.amount:g} "
                     f"{plan.budget.unit}"),
        ("recipe", value_text(unusual, Speech())),
        ("tuning", tuning_text(record.recipe.tuning, Speech())),
        ("splits", f"{record.splits.num_train:,} train, {record.splits.num_validation:,} validation, "
                   f"{record.splits.num_test:,} test"),
        ("test opened", f"{record.test_accesses} time(s)"),
        ("machine", f"{host.cpu}, {host.num_threads} thread(s), {host.device}, {_precision(record)}"),
        ("execution", execution_text(plan.execution, Speech())),
        ("versions", " ".join(f"{name} {version}" for name, version in host.versions.items())),
        ("commit", host.commit or "unknown"),
    ]  # fmt: skip


def _precision(record: RunRecord) -> str:
    return record.rules.precision.replace("auto", "float32")  # where nobody settled it
