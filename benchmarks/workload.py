"""Our side of a benchmark: a contender as the runner prepares it, trained by the loop that users run, on its clock."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from eyechart.base.clock import Clock, device_synchronise
from eyechart.runner.contender import Contender, prepare
from eyechart.schema import Budget, Plan, Recipe
from eyechart.study.plan import jobs_of, plan_study
from eyechart.training.feeds import Feed
from eyechart.training.loop import Fit, Validation

CPU = torch.device("cpu")
WARMUP_STEPS = 5  # the first steps take memory, choose kernels and import what the optimizer needs
TINY_FRACTION = 0.05  # of the train part


def prepare_contender(name: str, changes: dict[str, Any], *, is_tiny: bool = False, data: str = "mnist") -> Contender:
    """The contender on `data`, seed 0, with `changes` of its recipe.  The number of threads stays as it is."""
    record = plan_study(
        [name],
        data,
        changes=changes,
        num_threads=torch.get_num_threads(),
        device="cpu",
        fraction=TINY_FRACTION if is_tiny else None,
    )
    (job,) = jobs_of(record, Path(tempfile.gettempdir()) / "eyechart-benchmarks")
    return prepare(job, CPU, lambda sentence: None)


def make_plan(batch_size: int, num_steps: int, num_train_images: int, num_cached_images: int = 0) -> Plan:
    return Plan(
        num_steps=num_steps,
        batch_size=batch_size,
        num_train_images=num_train_images,
        num_cached_images=num_cached_images,
        budget=Budget(unit="steps", amount=num_steps),
        evaluation_steps=(),
    )


class FilledFeed(Feed):
    """A feed whose work that happens once was done before: what is left are the steps."""

    def __init__(self, feed: Feed):
        feed.prepare(lambda share: None)
        self._feed = feed

    def prepare(self, on_progress: Callable[[float], None]) -> None:
        """Nothing is left to do."""

    def loss(self, step: int) -> Tensor:
        return self._feed.loss(step)

    @property
    def parts(self) -> Tensor | None:
        return self._feed.parts


def training_seconds(model: nn.Module, feed: Feed, recipe: Recipe, plan: Plan) -> float:
    """The plan's steps on the training clock, `feed.prepare` included."""
    clock = Clock(device_synchronise(CPU))
    Fit(model, feed, recipe, plan, trunk=[], device=CPU, clock=clock, validate=_never_validate)()
    return clock.seconds("training")


def _never_validate() -> Validation:
    raise AssertionError("a benchmark's plan has no evaluation steps")


def steady_rate(model: nn.Module, feed: Feed, recipe: Recipe, num_images: int, num_train_images: int) -> float:
    """Images per training second over about `num_images`; the feed was prepared and the model warmed up before."""
    num_steps = max(1, num_images // recipe.batch_size)
    plan = make_plan(recipe.batch_size, num_steps, num_train_images)
    return num_steps * recipe.batch_size / training_seconds(model, feed, recipe, plan)


def measure_steps(
    contender: Contender, model: nn.Module, num_images: int, num_warmup_steps: int = WARMUP_STEPS
) -> Callable[[], float]:
    """Warm up, then what measures images per training second of `model` on the contender's batches."""
    recipe, num_train = contender.job.recipe, len(contender.splits.train)
    plan = make_plan(recipe.batch_size, 1, num_train, _num_cached(recipe, num_train))
    feed = FilledFeed(contender.make_feed(model, plan))
    steady_rate(model, feed, recipe, num_warmup_steps * recipe.batch_size, num_train)
    return lambda: steady_rate(model, feed, recipe, num_images, num_train)


def _num_cached(recipe: Recipe, num_train: int) -> int:
    """Enough kept images for a few batches; which ones a step takes does not change its time."""
    return min(num_train, 10 * recipe.batch_size) if recipe.cache_frozen else 0


# --------------------------------------------------------------------------------------------- sides


def training_rate(contender: str, changes: dict[str, Any], num_images: int, is_tiny: bool) -> Callable[[], float]:
    """A side: images per training second of a contender, in steady state."""
    prepared = prepare_contender(contender, changes, is_tiny=is_tiny)
    return measure_steps(prepared, prepared.model, num_images)
