"""Turn the studies of `make detection` into records/detection.json, and the table of docs/detection.md.

Usage: python scripts/record_detection.py RUNS      the folder of studies that `make detection` trained

What is judged beside the studies' own test scenes: scenes of another generator, written here as CSV, which shares
nothing with eyechart's own but MNIST's test digits.  Nothing is trained on these, and nothing was chosen by them.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from eyechart.base.plain_json import json_text
from eyechart.comparison.detections import judge_detections
from eyechart.data.catalog import load_dataset
from eyechart.files.storage import PREDICTIONS_FILE, find_runs, read_arrays, read_run, write_text
from eyechart.schema import RunRecord
from eyechart.schema.contracts import Predictions
from eyechart.schema.objects import objects_from

ROOT = Path(__file__).resolve().parents[1]
REGION = re.compile(r"<!-- trained -->\n.*?<!-- /trained -->", re.DOTALL)
STUDIES = {  # name in the record -> study, and what the table calls it
    "scenes128_quick": ("detection-128-quick", "128 px, medium, ten minutes"),
    "scenes128_full": ("detection-128-full", "128 px, medium, full schedule"),
    "scenes300": ("detection-300", "300 px, up to 20 objects of 15 to 100 px"),
}
CLASSIFIER = "detection-mnist"
NUM_FOREIGN, FOREIGN_SEED = 200, 4711


def main(runs: Path) -> None:
    results: dict[str, Any] = {}
    for name, (study, _) in STUDIES.items():
        if folders := find_runs([runs / study]) if (runs / study).is_dir() else []:
            results[name] = scenes_result(folders)
    if "scenes128_full" in results:
        results["other_generator"] = foreign_result(find_runs([runs / STUDIES["scenes128_full"][0]])[0])
    if folders := find_runs([runs / CLASSIFIER]) if (runs / CLASSIFIER).is_dir() else []:
        records = [read_run(folder) for folder in folders]
        results["mnist_classifier"] = {
            "accuracy": float(np.mean([record.test_scores.accuracy for record in records])),
            "values": [record.test_scores.accuracy for record in records],
            **made_by(records),
        }
    record = {"command": "make detection", "written_at": datetime.now(UTC).isoformat(timespec="seconds"), **results}
    write_text(ROOT / "records" / "detection.json", json_text(record, indent=1) + "\n")
    document = ROOT / "docs" / "detection.md"
    text = document.read_text(encoding="utf-8")
    assert len(REGION.findall(text)) == 1, "the document has one place for the table"
    filled = f"<!-- trained -->\n{table(results)}\n<!-- /trained -->"
    write_text(document, REGION.sub(lambda _: filled, text))


def scenes_result(folders: list[Path]) -> dict[str, Any]:
    """Means over seeds, and of the first run what only its boxes tell."""
    records = [read_run(folder) for folder in folders]
    objects = objects_from(read_arrays(folders[0].parent / records[0].items))
    assert objects is not None, "a study on scenes keeps its scenes"
    found = Predictions.from_arrays(read_arrays(folders[0] / PREDICTIONS_FILE)).found()
    judged = judge_detections(found, objects, records[0].dataset.classes, 0.5)
    scores = [record.box_scores for record in records]
    return {
        "map": float(np.mean([each.map for each in scores])),
        "map50": float(np.mean([each.map50 for each in scores])),
        "map75": float(np.mean([each.map75 for each in scores])),
        "train_seconds": float(np.mean([record.clocks.training_seconds for record in records])),
        "map_interval": judged.map_interval,
        "ap_by_class": {each.name: each.ap for each in judged.classes},
        "ap50_by_class": {each.name: each.ap50 for each in judged.classes},
        "counted_right": [judged.counting.num_exact, judged.counting.num_images],
        "num_scenes": len(objects),
        "num_objects": len(objects.boxes),
        "answers_per_second": float(np.mean([record.cost.inference_images_per_second for record in records])),
        "dataset": records[0].dataset.name,
        "options": records[0].recipe.options,
        **made_by(records),
    }


def made_by(records: list[RunRecord]) -> dict[str, Any]:
    """By which the runs are known."""
    return {
        "seeds": [record.seed for record in records],
        "commits": sorted({record.host.commit for record in records}),
        "images_seen": [record.plan.num_steps * record.plan.batch_size for record in records],
        "test_accesses": [record.test_accesses for record in records],
        "weights_sha256": [record.weights_sha256[:16] for record in records],
        "threads": sorted({record.host.num_threads for record in records}),
        "status": [record.status for record in records],
        "training_seconds": [record.clocks.training_seconds for record in records],
    }


# --------------------------------------------------------------------------------------------- another generator


def foreign_result(run: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "scenes"
        number = write_foreign(folder)
        answers = Path(name) / "found.json"
        eyechart("scenes", "answer", run, folder, "-o", answers)
        document = json.loads(eyechart("scenes", "judge", folder, answers, "--json"))
    judged = document["detections"][answers.name]["scores"]
    return {"map": judged["map"], "map50": judged["map50"], "num_scenes": NUM_FOREIGN, "num_objects": number}


def write_foreign(folder: Path) -> int:
    """Digits on a sloping ground, lighter than it, laid over each other by the lighter pixel, and one CSV of boxes."""
    dataset = load_dataset("mnist")
    random = np.random.default_rng(FOREIGN_SEED)
    rows = ["image,label,xmin,ymin,xmax,ymax"]
    folder.mkdir(parents=True)
    for scene in range(NUM_FOREIGN):
        side = 128
        slope = np.linspace(0, random.uniform(0, 60), side)
        canvas = np.add.outer(slope, np.linspace(random.uniform(0, 40), random.uniform(0, 40), side)).astype(np.float32)
        taken: list[tuple[int, int, int, int]] = []
        for which in random.integers(0, len(dataset.test), random.integers(1, 7)):
            digit = dataset.test.images[which : which + 1][0, 0]
            ys, xs = np.nonzero(digit > 0.2 * digit.max())
            ink = Image.fromarray(digit[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1])
            scale = random.uniform(20, 44) / max(ink.size)
            ink = ink.resize(
                (max(4, round(ink.width * scale)), max(4, round(ink.height * scale))), Image.Resampling.BICUBIC
            )
            left, top = (int(random.integers(0, side - length + 1)) for length in ink.size)
            box = left, top, left + ink.width, top + ink.height
            if any(overlap(box, other) > 0.2 for other in taken):
                continue
            place = canvas[top : box[3], left : box[2]]
            np.maximum(place, np.asarray(ink, np.float32) * random.uniform(0.75, 1.0), out=place)
            taken.append(box)
            rows.append(f"{scene:04d}.png,{dataset.card.classes[dataset.test.labels[which]]},{','.join(map(str, box))}")
        Image.fromarray(canvas.clip(0, 255).astype(np.uint8)).save(folder / f"{scene:04d}.png")
    write_text(folder / "boxes.csv", "\n".join(rows) + "\n")
    return len(rows) - 1


def overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """IoU."""
    width = max(0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (areas - width * height)


def eyechart(*arguments: object) -> str:
    words = [sys.executable, "-m", "eyechart", *map(str, arguments)]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


# --------------------------------------------------------------------------------------------- the table


def table(results: dict[str, Any]) -> str:
    return "\n".join(_lines(results))


def _lines(results: dict[str, Any]) -> Iterator[str]:
    yield "| scenes | mAP | mAP50 | worst class | counted right | training |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, (_, title) in STUDIES.items():
        if found := results.get(name):
            low, high = found["map_interval"]
            worst = min(found["ap_by_class"], key=found["ap_by_class"].__getitem__)
            exact, number = found["counted_right"]
            yield (
                f"| {title} | {found['map']:.3f} ({low:.3f} to {high:.3f}) | {found['map50']:.3f} | "
                f"{worst}, {found['ap_by_class'][worst]:.3f} | {exact} of {number} | {found['train_seconds']:.0f} s |"
            )
    if found := results.get("other_generator"):
        yield f"| of another generator, never trained on | {found['map']:.3f} | {found['map50']:.3f} | | | |"
    if found := results.get("mnist_classifier"):
        values, seconds = found["values"], statistics.fmean(found["training_seconds"])
        spread = f" ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else ""
        seeds = "1 seed" if len(values) == 1 else f"{len(values)} seeds"
        named = f"{100 * found['accuracy']:.2f}{spread} % named right, {seeds}"
        yield f"| MNIST, one digit a picture, longer schedule | | | | {named} | {seconds:.0f} s |"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
