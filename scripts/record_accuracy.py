"""Turn the runs of one or several studies into a record that documents cite: each contender's figures over its seeds.

python scripts/record_accuracy.py runs/accuracy -o records/mnist.json -c "make accuracy SEEDS=3"
python scripts/record_accuracy.py runs/accuracy --seeds 0 -o records/mnist-standard.json -c "make accuracy-standard"
python scripts/record_accuracy.py runs/accuracy-vgg16 runs/accuracy -o records/mnist.json
python scripts/record_accuracy.py runs/accuracy --left 0,1,2

The last only says what is left to run.  Without -c, the record names the commands that make these studies.  Several
studies are one record only when nothing but their contenders differs: the same rules, the same seeds, no contender
twice.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eyechart.base.plain_json import json_text
from eyechart.catalog.recipes import RECIPES
from eyechart.comparison.compare import compare_runs
from eyechart.comparison.uncertainty import mean_interval, wilson_interval
from eyechart.files.storage import find_runs, is_run, read_run, read_study, write_text
from eyechart.schema import RunRecord, StudyRecord
from eyechart.scoring import times
from eyechart.study.plan import jobs_of
from eyechart.words.numbers import seconds
from eyechart.words.verdicts import sentence

MEASURES: dict[str, Callable[[RunRecord], float]] = {
    "accuracy": lambda run: run.test.accuracy,
    "macro_precision": lambda run: run.test.macro_precision,
    "macro_recall": lambda run: run.test.macro_recall,
    "macro_f1": lambda run: run.test.macro_f1,
    "loss": lambda run: run.test.loss,  # after the temperature
    "raw_loss": lambda run: run.test.raw_loss,
    "temperature": lambda run: run.temperature.value,
    "train_seconds": lambda run: run.clocks.training_seconds,
    "train_cpu_seconds": lambda run: run.clocks.training_cpu_seconds,
    "total_seconds": lambda run: run.clocks.total_seconds,
    "validation_accuracy": lambda run: run.validation.accuracy,
    "images_per_second": lambda run: run.cost.inference_images_per_second,
    "num_parameters": lambda run: run.cost.num_parameters,
    "mfu": lambda run: run.cost.mfu,
}
BOX_MEASURES: dict[str, Callable[[RunRecord], float]] = {
    "mean_iou": lambda run: run.detection.mean_iou if run.detection else float("nan"),
    "map": lambda run: run.detection.map if run.detection else float("nan"),
    "map50": lambda run: run.detection.map50 if run.detection else float("nan"),
}


def main(arguments: list[str] | None = None) -> None:
    given = _parser().parse_args(arguments)
    if given.left:
        print(what_is_left(given.studies[0], given.left))
        return
    studies = [with_seeds(read_study(folder), given.seeds) for folder in given.studies]
    check_one_record(studies)
    folders = finished_runs(studies, given.studies)
    content = record_of([read_run(folder) for folder in folders], studies, given.command or commands_of(studies))
    write_text(given.output, json_text(content | verdicts_of(folders), indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="From studies to a record.")
    parser.add_argument("studies", nargs="+", type=Path, metavar="STUDY", help="folder of a finished study")
    parser.add_argument("-o", "--output", type=Path, default=Path("record.json"), help="the record")
    parser.add_argument("-c", "--command", default="", help="what makes the record again")
    parser.add_argument("--seeds", type=numbers, default=(), help="only these seeds, such as 0,1,2")
    parser.add_argument(
        "--left", metavar="SEEDS", type=numbers, help="say which runs of these seeds are not finished, and stop"
    )
    return parser


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


# --------------------------------------------------------------------------------------------- may it be one record?


def with_seeds(study: StudyRecord, seeds: tuple[int, ...]) -> StudyRecord:
    """The study as if it had been planned with these of its seeds alone; none: as it is.  Exits for one it lacks."""
    if lacking := set(seeds) - set(study.seeds):
        sys.exit(f"{study.name} has the seeds {study.seeds}; expected {', '.join(map(str, lacking))} among them.")
    return study.model_copy(update={"seeds": seeds or study.seeds})


def check_one_record(studies: list[StudyRecord]) -> None:
    """Exits when the studies differ in more than their contenders."""
    first = studies[0]
    for study in studies[1:]:
        if study.rules != first.rules or study.seeds != first.seeds:
            names = [
                name
                for name in type(first.rules).model_fields
                if getattr(first.rules, name) != getattr(study.rules, name)
            ]
            sys.exit(
                f"{study.name} and {first.name} differ in {', '.join(names) or 'seeds'}; expected the same in both."
            )
    contenders = [contender for study in studies for contender in study.contenders]
    twice = sorted({contender for contender in contenders if contenders.count(contender) > 1})
    if twice:
        sys.exit(f"{', '.join(twice)} stands in more than one study; expected each contender in one.")


def finished_runs(studies: list[StudyRecord], folders: list[Path]) -> list[Path]:
    """The folders of all runs; exits when one that was planned is not finished: it could be one that went badly."""
    planned = [job for study, folder in zip(studies, folders, strict=True) for job in jobs_of(study, folder)]
    left = [job.run for job in planned if not is_run(Path(job.folder))]
    if left:
        sys.exit(
            f"{len(left)} of {len(planned)} runs are not finished ({', '.join(left)}); run the study with --resume."
        )
    return find_runs([Path(job.folder) for job in planned])


def what_is_left(folder: Path, seeds: Sequence[int]) -> str:
    """One sentence on a study of all contenders, with a time once each of those that are left has finished a run."""
    planned = [(contender, seed) for seed in seeds for contender in RECIPES]
    left = [(contender, seed) for contender, seed in planned if not is_run(folder / f"{contender}-s{seed}")]
    done = f"{len(planned) - len(left)} of {len(planned)} runs are finished in {folder}"
    if not left:
        return f"{done}; nothing is left."
    taken = defaultdict(list)
    for path in find_runs([folder]) if folder.exists() else []:
        run = read_run(path)
        taken[run.contender].append(run.clocks.total_seconds)
    names = ", ".join(f"{contender}-s{seed}" for contender, seed in left)
    if any(contender not in taken for contender, _ in left):
        return f"{done}; left: {names}."
    time = sum(statistics.fmean(taken[contender]) for contender, _ in left)
    return f"{done}; left, about {seconds(time)} at the pace so far: {names}."


def commands_of(studies: list[StudyRecord]) -> str:
    """What makes these studies, one command each, joined by &&."""
    return " && ".join(
        shlex.join(
            ["eyechart", "run", "--preset", study.rules.preset, "--seeds", ",".join(map(str, study.seeds)),
             "-m", ",".join(study.contenders), "--threads", str(study.rules.num_threads), "--name", study.name]
        )
        for study in studies
    )  # fmt: skip


# --------------------------------------------------------------------------------------------- the record


def record_of(runs: list[RunRecord], studies: list[StudyRecord], command: str) -> dict[str, Any]:
    by_contender: dict[str, list[RunRecord]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.seed):
        by_contender[run.contender].append(run)
    first = runs[0]
    return {
        "schema_version": 1,
        "command": command,
        "commit": ", ".join(sorted({run.host.commit for run in runs})),
        "date": datetime.now(UTC).date().isoformat(),
        "host": first.host.model_dump(mode="json", exclude={"hostname"}),
        "rules": first.rules.model_dump(mode="json"),
        "studies": [{"name": study.name, "contenders": study.contenders, "seeds": study.seeds} for study in studies],
        "results": {contender: summary_of(records) for contender, records in by_contender.items()},
    }


def summary_of(runs: list[RunRecord]) -> dict[str, Any]:
    """One contender's figures, in the order of its seeds."""
    measures = MEASURES | (BOX_MEASURES if runs[0].detection else {})
    summary: dict[str, Any] = {name: spread([measure(run) for run in runs]) for name, measure in measures.items()}
    if len(runs) == 1:
        test = runs[0].test
        low, high = wilson_interval(round(test.accuracy * test.num_items), test.num_items)
        summary["accuracy"] |= {"low": low, "high": high}
    return summary | {
        "recipe": runs[0].recipe.model_dump(mode="json"),
        "weights": runs[0].weights.name,
        "seeds": [run.seed for run in runs],
        "status": [run.status for run in runs],
        "test_accesses": [run.test_accesses for run in runs],
        "judged_after_the_last_step": [
            bool(run.history) and run.history[-1].step == run.plan.num_steps for run in runs
        ],
        "foreign_share": [times.foreign_share(run) for run in runs],  # of the machine's cores
        "shared_clocks": [times.was_shared(run) for run in runs],  # by --jobs: times of these say little
        "num_threads": sorted({run.host.num_threads for run in runs}),
        "hosts": len({(run.host.hostname, run.host.cpu, run.host.platform) for run in runs}),
        "commits": sorted({run.host.commit for run in runs}),
        "num_segments": [len(run.clocks.segments) for run in runs],  # above 1: interrupted and resumed
        "num_test_images": runs[0].test.num_items,
        "images_seen": [run.plan.images_seen for run in runs],
        "weights_sha256": [run.weights_sha256 for run in runs],
        "predictions_sha256": [run.predictions_sha256 for run in runs],  # of all test images
    }


def spread(values: list[float]) -> dict[str, Any]:
    """Mean, standard deviation and 95 % t-interval over seeds; one seed has a value and no more."""
    low, high = mean_interval(values) if len(values) > 1 else (None, None)
    sd = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.mean(values), "sd": sd, "low": low, "high": high, "values": values}


def verdicts_of(folders: list[Path]) -> dict[str, Any]:
    """What the comparison says of these runs: of every pair, and of all contenders together."""
    comparison = compare_runs(folders)
    return {
        "families": [family.model_dump(mode="json") for family in comparison.families],
        "verdicts": [
            verdict.model_dump(mode="json") | {"sentence": sentence(verdict, comparison)}
            for verdict in comparison.verdicts
        ],
        "findings": [finding.model_dump(mode="json") for finding in comparison.findings],
    }


if __name__ == "__main__":
    main()
