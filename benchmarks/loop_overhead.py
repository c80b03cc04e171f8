"""What the training clock pays besides forward, backward and optimizer, measured inside real training steps.

The recipes as they are, by the loop that users run; clocks around the model's loss, the backward pass, and clipping
with the update.  What is left is asking for the batch, augmentation, making boxes, and the loop's own bookkeeping
(order, seeds, schedule, signs of life).  Augmentation and boxes are work that a recipe asked for, so shares are told
with and without them.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from benchmarks import harness
from benchmarks.harness import Result, Settings

UNIT = "share of the training clock"
GOAL = 0.05
# Images a measurement: some seconds each, and an epoch's end in it where the steps are short.
NUM_IMAGES = {"cnn": 25_600, "vit": 10_240, "vgg16": 640, "alexnet": 1920, "fasterrcnn": 5120}


def loop_overhead(settings: Settings) -> Result:
    """Share of the training clock outside forward, backward and optimizer, of the contender with the largest.

    Claim: at most 0.05, augmentation and boxes left out; beside it the share with them, and every contender's own.
    n: 5 repeats in one process for each contender.  Caveat: shares depend on the hardware; on a faster one, what Python
    does weighs more.
    """
    answers = {contender: _measure(settings, contender) for contender in NUM_IMAGES}
    shares = {
        contender: {name: harness.spread([answer[name] for answer in repeats]).median for name in repeats[0]}
        for contender, repeats in answers.items()
    }
    num_repeats = len(answers["cnn"])
    worst = [max(repeats[i]["without_augmentation"] for repeats in answers.values()) for i in range(num_repeats)]
    with_all = [max(repeats[i]["with_augmentation"] for repeats in answers.values()) for i in range(num_repeats)]
    told = ", ".join(
        f"{name} {share['without_augmentation']:.1%} ({share['with_augmentation']:.1%})"
        for name, share in shares.items()
    )
    facts = {
        "goal": GOAL,
        "with_augmentation": harness.spread(with_all).median,
        "shares": shares,
        "differences": f"With augmentation and boxes in brackets: {told}.",
    }
    return Result(UNIT, "lower", worst, facts=facts)


def _measure(settings: Settings, contender: str) -> list[dict[str, float]]:
    num_images = settings.pick(NUM_IMAGES[contender], 1)
    spec = harness.ours("benchmarks.loop_overhead:shares", contender=contender, num_images=num_images,
                        is_tiny=settings.is_tiny)  # fmt: skip
    with harness.side(spec, settings.num_threads) as process:
        return [process.measure() for _ in range(settings.repeats(5))]


# --------------------------------------------------------------------------------------------- the side


class Stopwatch:
    """Sums of seconds by name, of the functions that were replaced by `timing` ones."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def timing(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            started = time.perf_counter()
            result = function(*arguments)
            self.seconds[name] += time.perf_counter() - started
            return result

        return timed


def shares(contender: str, num_images: int, is_tiny: bool) -> Callable[[], dict[str, float]]:
    """A side: what each part of a recipe's steps takes, as shares of the training clock."""
    from benchmarks.workload import CPU, FilledFeed, make_plan, prepare_contender, training_seconds
    from eyechart.runner.contender import TOOLS
    from eyechart.schema.contracts import NamesLosses
    from eyechart.training import feeds
    from eyechart.training.step import Step

    watch = Stopwatch()
    changes = {"weights": "none"} if contender in ("vgg16", "alexnet") else {}
    prepared = prepare_contender(contender, changes, is_tiny=is_tiny)
    recipe, model, part = prepared.job.recipe, prepared.model, prepared.splits.train
    entries = ("losses" if isinstance(model, NamesLosses) else "loss", "loss_from_features")
    for name in entries:  # that a step calls, and none that another of them calls
        if hasattr(model, name):
            setattr(model, name, watch.timing("forward", getattr(model, name)))
    Step._backward = watch.timing("backward", Step._backward)  # type: ignore[method-assign]
    Step._update = watch.timing("optimizer", Step._update)  # type: ignore[method-assign]
    for name, tool in (("augmentation", "augment"), ("boxes", "ink_boxes")):
        setattr(TOOLS, tool, watch.timing(name, getattr(TOOLS, tool)))
    num_steps = max(1, num_images // recipe.batch_size)
    is_cached = recipe.cache_frozen and recipe.frozen_stages > 0
    num_cached = min(len(part), max(recipe.batch_size, 8 * feeds.FILL_BATCH)) if is_cached else 0
    plan = make_plan(recipe.batch_size, num_steps, len(part), num_cached)
    feed = FilledFeed(prepared.make_feed(model, plan))  # filling the cache is forward passes, and would only dilute
    training_seconds(model, feed, recipe, make_plan(recipe.batch_size, min(5, num_steps), len(part), num_cached))

    def measure() -> dict[str, float]:
        watch.seconds.clear()
        total = training_seconds(model, feed, recipe, plan)
        parts = {name: seconds / total for name, seconds in watch.seconds.items()}
        rest = 1 - sum(parts[name] for name in ("forward", "backward", "optimizer"))
        asked_for = parts.get("augmentation", 0.0) + parts.get("boxes", 0.0)
        return parts | {"with_augmentation": rest, "without_augmentation": rest - asked_for,
                        "step_seconds": total / num_steps}  # fmt: skip

    assert prepared.device == CPU
    return measure
