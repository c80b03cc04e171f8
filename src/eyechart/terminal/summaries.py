"""Runs in a few figures, for lists and for JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.files import storage
from eyechart.files.file_names import readable
from eyechart.files.places import own_folder
from eyechart.scoring.times import was_shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema import Finding, RunRecord


# The loss is that after the temperature.  None: a run on scenes, whose images have no class of their own.
CLASS_SCORES = ("accuracy", "macro_precision", "macro_recall", "macro_f1", "loss", "raw_loss")


def summary(record: RunRecord) -> dict[str, Any]:
    """What scripts want to know of a run: ratios in 0..1, times in seconds."""
    from eyechart.words.class_means import absent_classes

    return {
        "study": record.study,
        "run": record.run,
        "contender": record.contender,
        "seed": record.seed,
        "status": record.status,
        "weights": record.weights.name,
        "task": record.task,
        **{name: getattr(record.test, name, None) for name in CLASS_SCORES},
        "temperature": record.temperature.value if record.temperature else None,
        "train_seconds": record.clocks.training_seconds,
        "total_seconds": record.clocks.total_seconds,
        "shared_clocks": was_shared(record),  # other runs of the same command trained beside it
        "num_parameters": record.cost.num_parameters,
        "images_seen": record.images_trained_on,
        "num_classes": record.dataset.num_classes,
        "absent_classes": list(absent_classes(record))
        if record.test
        else [],  # without a test image, and in no macro mean
        "mean_iou": record.detection.mean_iou if record.detection else None,
        "map": record.detection.map if record.detection else None,
        "map50": record.detection.map50 if record.detection else None,
        "dataset": record.dataset.name,
        "finished_at": record.finished_at,
    }


def findings_about(record: RunRecord, findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Those that name a run or its contender, and those that are about all runs."""
    names = {record.run, f"{record.study}/{record.run}", record.contender, f"{record.contender} ({record.study})"}
    return [each.model_dump(mode="json") for each in findings if not each.runs or names & set(each.runs)]


def unfinished(folder: Path) -> list[dict[str, Any]]:
    """Runs that were started and not finished, with what is known of why."""
    traces = (*storage.CHECKPOINT_FILES, storage.FAILURE_FILE)
    depths = ("", "*/", "*/*/", "*/*/*/")  # a run, a study, a folder of studies, one that holds a context of studies
    started = {path.parent for depth in depths for name in traces for path in folder.glob(depth + name)}
    return [
        {
            "study": readable(own_folder(run).parent.name),
            "run": own_folder(run).name,
            "status": "unfinished",
            "can_continue": any((run / name).exists() for name in storage.CHECKPOINT_FILES),
            "reason": storage.failure_reason(run),
        }
        for run in sorted(started)
        if not storage.is_run(run) and not storage.is_hidden(run, folder)
    ]
