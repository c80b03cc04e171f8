"""The same model under two names: the clocks must not know the difference.

Two contenders with one recipe run as any study does: each run in a process of its own, the order inside a block of one
seed at random.  What differs between them is what the machine did meanwhile, and nothing else; so this also says how
far two times may lie apart here before that means anything.
"""

from __future__ import annotations

import statistics

from audits.settings import Answer, Settings
from audits.small_mnist import write_small_mnist
from audits.trainings import plan_small
from eyechart.files.storage import read_run
from eyechart.schema import StudyRecord
from eyechart.scoring import times
from eyechart.study.plan import jobs_of
from eyechart.study.study import run_study

NAMES = ("one name", "another name")
LARGEST_DIFFERENCE = 0.03
LARGEST_DIFFERENCE_TINY = 2.0  # runs of a second, on a machine whose other core tests other things meanwhile


def same_model_two_names(settings: Settings) -> Answer:
    """Two contenders with the same recipe take the same training time: median ratio over pairs within 3 %."""
    num_pairs, num_steps = settings.pick(11, 3), settings.pick(300, 20)
    data = write_small_mnist(settings.folder / "same-time-data", settings.pick(1000, 100), 100)
    study = _two_names(plan_small(data, range(num_pairs), num_steps, {}, "same-time"))
    folder = settings.folder / f"same-time-{num_pairs}x{num_steps}"
    folder.mkdir(parents=True, exist_ok=True)
    run_study(study, folder, lambda progress: None).raise_failures()
    runs = [read_run(folder / job.run) for job in jobs_of(study, folder)]
    first, second = ([run for run in runs if run.contender == name] for name in NAMES)
    assert [run.weights_sha256 for run in first] == [run.weights_sha256 for run in second], (
        "the same seed, the same bits"
    )
    wall = [a.clocks.training_seconds / b.clocks.training_seconds for a, b in zip(first, second, strict=True)]
    cpu = [a.clocks.training_cpu_seconds / b.clocks.training_cpu_seconds for a, b in zip(first, second, strict=True)]
    median = statistics.median(wall)
    difference = max(median, 1 / median) - 1
    figures = {
        "pairs": num_pairs,
        "ratio": _spread(wall),
        "cpu_ratio": _spread(cpu),
        "train_seconds": statistics.median(run.clocks.training_seconds for run in runs),
        "foreign_share": max(times.foreign_share(run) or 0.0 for run in runs),
        "spoiled_runs": sum(times.is_spoiled(run) for run in runs),
    }
    return Answer(difference <= settings.pick(LARGEST_DIFFERENCE, LARGEST_DIFFERENCE_TINY), figures)


def _two_names(study: StudyRecord) -> StudyRecord:
    (recipe,) = study.recipes.values()
    return study.model_copy(update={"contenders": NAMES, "recipes": dict.fromkeys(NAMES, recipe)})


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}
