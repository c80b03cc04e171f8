"""Our side where an accuracy is to be reached: whole runs with a fixed schedule, each in a process of its own.

The schedule is fixed before the run and no run stops early: what is reported is the time of the whole schedule and the
test accuracy after its last step.  Schedules are tuned on validation only, which this prints and nothing else:

    python -m benchmarks.to_accuracy cnn_to_99 --seeds 0 1 2 --images 30000 --recipe '{"learning_rate": 0.4}'
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.harness import Result, Settings
from eyechart.files.storage import read_run
from eyechart.launch import process
from eyechart.schema import Budget, Job, RunRecord
from eyechart.schema.contracts import Progress
from eyechart.study.plan import jobs_of, plan_study, settle_weights

VALIDATION_FRACTION = 1 / 60  # of the train part, as in the quick preset
TINY_RULES = {"fraction": 0.02, "validation_fraction": 0.002, "max_test_images": 100}


@dataclass(frozen=True)
class Goal:
    """A contender's fixed schedule and the test accuracy that it is made for."""

    contender: str
    target: float
    budget: Budget
    changes: dict[str, Any] = field(default_factory=dict)  # of the recipe


GOALS = {
    "cnn_to_99": Goal(
        "cnn",
        0.99,
        Budget(unit="images", amount=40_000),
        {
            "batch_size": 125,
            "learning_rate": 0.5,
            "augmentation": {},
            "options": {"first_maps": 16, "last_maps": 64, "logit_scale": 0.25},
        },
    ),
    "cnn_to_994": Goal("cnn", 0.994, Budget(unit="images", amount=130_000)),
    "vit_to_99": Goal("vit", 0.99, Budget(unit="images", amount=450_000)),
    "vit_to_992": Goal("vit", 0.992, Budget(unit="images", amount=650_000)),
    "fasterrcnn_to_986": Goal("fasterrcnn", 0.986, Budget(unit="images", amount=100_000)),
}


class FreshRun(NamedTuple):
    record: RunRecord
    seconds_from_start: float  # from the start of its process to the last step: imports, data and one validation in


def jobs_for(goal: Goal, seeds: list[int], settings: Settings, folder: Path) -> list[Job]:
    rules: dict[str, Any] = {"validation_fraction": VALIDATION_FRACTION, "num_evaluations": 1, "device": "cpu"}
    rules |= settings.pick({}, TINY_RULES)
    record = plan_study(
        [goal.contender],
        preset="standard",
        seeds=seeds,
        changes=goal.changes,
        budget=settings.pick(goal.budget, Budget(unit="steps", amount=2)),
        num_threads=settings.num_threads,
        **rules,
    )
    return jobs_of(settle_weights(record, offline=settings.is_tiny, say=settings.say), folder)


def run_fresh(job: Job) -> FreshRun:
    """The run in a process of its own, exactly as `eyechart run` does it."""
    started = time.perf_counter()
    trained: list[float] = []

    def watch(progress: Progress) -> None:
        if progress.stage == "judging":
            trained.append(time.perf_counter() - started)

    process.do(job, watch)
    return FreshRun(read_run(Path(job.folder)), trained[0])


def facts_of(goal: Goal, runs: list[FreshRun]) -> dict[str, Any]:
    """What was reached, for the record.  The mean has to reach the target; the worst seed is told beside it."""
    accuracies = [run.record.test.accuracy for run in runs]
    return {
        "target": goal.target,
        "reached": statistics.mean(accuracies) >= goal.target,
        "accuracy": {"mean": statistics.mean(accuracies), "min": min(accuracies), "values": accuracies},
        "validation_accuracy": statistics.mean(run.record.validation.accuracy for run in runs),
        "seconds_from_process_start": statistics.median(run.seconds_from_start for run in runs),
        "images_seen": runs[0].record.plan.num_steps * runs[0].record.plan.batch_size,
        "mfu": statistics.median(run.record.cost.mfu for run in runs),
    }


def measure_alone(settings: Settings, name: str, num_seeds: int) -> Result:
    """Training seconds of a goal's schedule, over seeds; no peer."""
    goal = GOALS[name]
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for job in jobs_for(goal, list(range(settings.repeats(num_seeds))), settings, Path(folder)):
            runs.append(run_fresh(job))
            settings.say(f"{name}: seed {job.seed} took {runs[-1].record.clocks.training_seconds:.1f} s")
    seconds = [run.record.clocks.training_seconds for run in runs]
    return Result("training seconds", "lower", seconds, facts=facts_of(goal, runs))


# --------------------------------------------------------------------------------------------- tuning, by hand


def main() -> None:
    parser = argparse.ArgumentParser(description="Try a schedule; prints validation accuracy, never the test's.")
    parser.add_argument("name", choices=GOALS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--images", type=float, help="images seen, instead of the goal's budget")
    parser.add_argument("--recipe", type=json.loads, default={}, help="fields of the recipe, as JSON")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    goal = GOALS[given.name]
    goal = replace(goal, changes=goal.changes | given.recipe)
    if given.images:
        goal = replace(goal, budget=Budget(unit="images", amount=given.images))
    with tempfile.TemporaryDirectory() as folder:
        for job in jobs_for(goal, given.seeds, Settings(num_threads=given.threads), Path(folder)):
            run = run_fresh(job).record
            seconds, accuracy = run.clocks.training_seconds, run.validation.accuracy
            print(f"seed {job.seed}: {seconds:.2f} training seconds, validation accuracy {accuracy:.4f}", flush=True)


if __name__ == "__main__":
    main()
