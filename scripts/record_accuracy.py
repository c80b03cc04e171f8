"""Turn the runs of a study into a record that documents cite: mean, sd and values over seeds for each contender.

python scripts/record_accuracy.py runs/standard-mnist records/mnist-standard.json "make accuracy-standard"
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from eyechart.schema import RunRecord
from eyechart.storage import find_runs, read_run, write_text

MEASURES: dict[str, Callable[[RunRecord], float]] = {
    "accuracy": lambda run: run.test.accuracy,
    "macro_precision": lambda run: run.test.macro_precision,
    "macro_recall": lambda run: run.test.macro_recall,
    "macro_f1": lambda run: run.test.macro_f1,
    "loss": lambda run: run.test.loss,
    "train_seconds": lambda run: run.clocks.training_seconds,
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


def main() -> None:
    study, output, command = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    runs = defaultdict(list)
    for folder in find_runs([study]):
        record = read_run(folder)
        runs[record.contender].append(record)
    first = next(iter(runs.values()))[0]
    content = {
        "schema_version": 1,
        "command": command,
        "commit": first.host.commit,
        "date": datetime.now(UTC).date().isoformat(),
        "host": first.host.model_dump(mode="json", exclude={"hostname"}),
        "results": {contender: _summary(records) for contender, records in runs.items()},
    }
    write_text(output, json.dumps(content, indent=1) + "\n")


def _summary(records: list[RunRecord]) -> dict[str, object]:
    measures = MEASURES | (BOX_MEASURES if records[0].detection else {})
    summary: dict[str, object] = {
        name: _spread([measure(run) for run in records]) for name, measure in measures.items()
    }
    summary["weights"] = records[0].weights.name
    summary["seeds"] = [run.seed for run in records]
    summary["commits"] = sorted({run.host.commit for run in records})
    summary["num_segments"] = [len(run.clocks.segments) for run in records]  # above 1: interrupted and resumed
    summary["num_test_images"] = records[0].test.num_items
    summary["images_seen"] = records[0].plan.num_steps * records[0].plan.batch_size
    return summary


def _spread(values: list[float]) -> dict[str, object]:
    return {
        "mean": statistics.mean(values),
        "sd": statistics.stdev(values) if len(values) > 1 else None,
        "values": values,
    }


if __name__ == "__main__":
    main()
