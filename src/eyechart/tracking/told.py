"""What such a tool is told of a run: settings, curves, and what it scored on the test part."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from eyechart.base.errors import UsageError
from eyechart.files import storage
from eyechart.schema import RunRecord, Scalar
from eyechart.scoring.times import was_shared

CURVES = (
    "learning_rate", "train_loss", "validation_loss", "validation_accuracy", "validation_objective", "validation_map",
    "training_seconds",
)  # fmt: skip
TEST_SCORES = ("accuracy", "macro_precision", "macro_recall", "macro_f1", "loss", "raw_loss")
BOX_SCORES = ("map", "map50", "map75", "mean_iou")


class Point(NamedTuple):
    """One value of a curve."""

    name: str  # "validation_accuracy"
    value: float
    step: int
    time: float  # seconds since 1970


def settings_of(run: RunRecord) -> dict[str, Scalar]:
    """What was chosen, in names with a dot for what is inside something; nothing that was measured."""
    budget = run.rules.budget
    settings: dict[str, Scalar] = {
        "contender": run.contender,
        "seed": run.seed,
        "dataset": run.dataset.name,
        "weights": run.weights.name,
        "budget": f"{budget.amount:g} {budget.unit}" if budget else "full schedule",
        "num_steps": run.plan.num_steps,
        "num_threads": run.host.num_threads,
        "device": run.host.device,
        "shared_clocks": was_shared(run),  # then times are not to be compared
    }
    recipe = run.recipe.settings.model_dump(mode="json")
    for name, value in recipe.items():
        inner = value.items() if isinstance(value, dict) else [(None, value)]
        settings |= {
            f"recipe.{name}" + (f".{key}" if key else ""): each
            for key, each in inner
            if isinstance(each, bool | int | float | str)
        }
    return settings


def curves_of(run: RunRecord) -> list[Point]:
    """Every look at the validation part; numbers that are none are left out."""
    points = []
    for look in run.history:
        time = _time_of(run, look.training_seconds)
        for name in CURVES:
            value = getattr(look, name)
            if value is not None and math.isfinite(value):
                points.append(Point(name, float(value), look.step, time))
    return points


def results_of(run: RunRecord) -> dict[str, float]:
    """What the run scored on the test part, and what it took."""
    scores = {f"test_{name}": getattr(run.test, name) for name in TEST_SCORES} if run.test else {}
    if run.detection:
        scores |= {f"test_{name}": getattr(run.detection, name) for name in BOX_SCORES}
    scores |= {
        "train_seconds": run.clocks.training_seconds,
        "num_parameters": float(run.cost.num_parameters),
        "peak_memory_bytes": float(run.cost.peak_memory_bytes),
    }
    return {name: float(value) for name, value in scores.items() if value is not None and math.isfinite(value)}


def hash_of(folder: Path) -> str:
    """By which a run is known again that was written before."""
    return hashlib.sha256((folder / storage.RUN_FILE).read_bytes()).hexdigest()


def ended_at(run: RunRecord) -> float:
    """Seconds since 1970."""
    return datetime.fromisoformat(run.finished_at).timestamp()


def started_at(run: RunRecord) -> float:
    """Seconds since 1970, of its first stretch of training."""
    first = run.clocks.segments[0].started_at if run.clocks.segments else run.started_at
    return datetime.fromisoformat(first).timestamp()


def missing_package(tool: str, package: str) -> UsageError:
    return UsageError(
        f"Writing for {tool} needs {package}, which is not installed here. Install it with: "
        f'pip install "eyechart[track]"'
    )


def _time_of(run: RunRecord, training_seconds: float) -> float:
    """When the training clock stood there: pauses between stretches count, looks and checkpoints inside do not."""
    before = 0.0
    for segment in run.clocks.segments:
        if training_seconds <= before + segment.training_seconds or segment is run.clocks.segments[-1]:
            return datetime.fromisoformat(segment.started_at).timestamp() + training_seconds - before
        before += segment.training_seconds
    return datetime.fromisoformat(run.started_at).timestamp() + training_seconds
