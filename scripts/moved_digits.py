"""Classifiers and the detector on digits that are moved, resized, and among clutter: where do their lines cross?

Usage: python scripts/moved_digits.py STUDY      a folder of runs on MNIST, such as runs/accuracy-quick

Nothing is trained: the runs of the study answer the same changed test images.  Into records/moved-digits.json,
docs/images/moved-digits.png and the table of docs/detection.md.  An image that is drawn from the test part is changed
by a rule that knows no contender; accuracies here choose nothing.
"""

from __future__ import annotations

import argparse
import re
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from eyechart.base.plain_json import json_text
from eyechart.base.seeding import derived_seed
from eyechart.catalog.palette import style_of
from eyechart.data.catalog import load_dataset
from eyechart.files.storage import digest_arrays, find_runs, read_run
from eyechart.inference.prediction import open_run
from eyechart.report.charts import drawing, new_panel, saved_panel

ROOT = Path(__file__).resolve().parents[1]
REGION = re.compile(r"<!-- moved -->\n.*?<!-- /moved -->", re.DOTALL)
DETECTOR = "fasterrcnn"
NUM_IMAGES, NUM_SEEDS, NUM_DRAWS = 1000, 3, 2000
AXES: dict[str, tuple[float, ...]] = {
    "shift": (0, 1, 2, 3, 4, 5, 6),  # pixels along both axes, each to a side of its own; ink beyond the edge is lost
    "size": (1.3, 1.15, 1.0, 0.85, 0.7, 0.55, 0.4),  # times the digit's own, about the middle
    "clutter": (0, 1, 2, 3, 4, 6, 8),  # pieces of 5 x 5 pixels of other digits, around this one
}
LABELS = {"shift": "pixels off the middle", "size": "times its own size", "clutter": "pieces of other digits"}
PIECE = 5


def changed(image: np.ndarray, others: np.ndarray, axis: str, amount: float, random: np.random.Generator) -> np.ndarray:
    """One image uint8 (28, 28), changed; `others` (N, 28, 28) are where clutter comes from."""
    side = len(image)
    if axis == "shift":
        down, right = (int(amount) * random.choice([-1, 1]) for _ in range(2))
        canvas = np.zeros((3 * side, 3 * side), np.uint8)
        canvas[side + down : 2 * side + down, side + right : 2 * side + right] = image
        return canvas[side : 2 * side, side : 2 * side]
    if axis == "size":
        scaled = max(1, round(side * amount))
        small = np.asarray(Image.fromarray(image).resize((scaled, scaled), Image.Resampling.BILINEAR))
        margin = side
        canvas = np.zeros((side + 2 * margin,) * 2, np.uint8)
        start = margin + (side - scaled) // 2
        canvas[start : start + scaled, start : start + scaled] = small
        return canvas[margin : margin + side, margin : margin + side]
    cluttered = image.copy()
    for _ in range(int(amount)):
        other = others[random.integers(len(others))]
        row, column = random.integers(6, side - 6 - PIECE, 2)
        piece = other[row : row + PIECE, column : column + PIECE]
        for _ in range(20):
            top, left = random.integers(0, side - PIECE + 1, 2)
            if not image[top : top + PIECE, left : left + PIECE].any():
                place = cluttered[top : top + PIECE, left : left + PIECE]
                np.maximum(place, piece, out=place)
                break
    return cluttered


def conditions(images: np.ndarray, others: np.ndarray) -> dict[tuple[str, float], np.ndarray]:
    """(axis, amount) -> uint8 (N, 1, 28, 28), the same for every contender."""
    made = {}
    for axis, amounts in AXES.items():
        for amount in amounts:
            of_axis = [
                changed(image[0], others, axis, amount, np.random.default_rng(derived_seed(0, f"moved/{axis}", number)))
                for number, image in enumerate(images)
            ]
            made[axis, amount] = np.stack(of_axis)[:, None]
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    study = parser.parse_args().study
    dataset = load_dataset("mnist")
    images, labels = dataset.test.images[:NUM_IMAGES], dataset.test.labels[:NUM_IMAGES]
    made = conditions(images, dataset.train.images[:NUM_IMAGES][:, 0])
    runs = [folder for folder in find_runs([study]) if read_run(folder).seed < NUM_SEEDS]
    right: dict[str, dict[tuple[str, float], list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    records = {}
    for folder in runs:
        predictor = open_run(folder)
        record = predictor.record
        records.setdefault(record.contender, []).append(record)
        for condition, changed_images in made.items():
            answers = predictor.answer(changed_images).probabilities.argmax(axis=1)
            right[record.contender][condition].append(answers == labels)
        print(record.run, flush=True)
    result = summary(right, records, study)
    result["images_sha256"] = digest_arrays({"/".join(map(str, key)): value for key, value in made.items()})
    (ROOT / "records" / "moved-digits.json").write_text(json_text(result, indent=1) + "\n", encoding="utf-8")
    draw(result)
    document = ROOT / "docs" / "detection.md"
    text = document.read_text(encoding="utf-8")
    assert len(REGION.findall(text)) == 1, "the document has one place for the table"
    filled = f"<!-- moved -->\n{table(result)}\n<!-- /moved -->"
    document.write_text(REGION.sub(lambda _: filled, text), encoding="utf-8")


def summary(right: dict[str, Any], records: dict[str, Any], study: Path) -> dict[str, Any]:
    """Accuracy of each contender under each condition, and the detector's lead with its interval over images."""
    random = np.random.default_rng(0)
    draws = random.integers(NUM_IMAGES, size=(NUM_DRAWS, NUM_IMAGES))
    counts = np.stack([np.bincount(draw, minlength=NUM_IMAGES) for draw in draws]) / NUM_IMAGES  # (draws, N)
    means = {name: {key: np.mean(rows, axis=0) for key, rows in by.items()} for name, by in right.items()}
    result: dict[str, Any] = {
        "command": f"python scripts/moved_digits.py {study.name}",
        "num_images": NUM_IMAGES,
        "seeds": sorted({record.seed for of_one in records.values() for record in of_one}),
        "commits": sorted({record.host.commit for of_one in records.values() for record in of_one}),
        "weights": {record.run: record.weights_sha256[:16] for of_one in records.values() for record in of_one},
        "contenders": {},
    }
    for name, by in means.items():
        rows = []
        for (axis, amount), values in by.items():
            row = {"axis": axis, "amount": amount, "accuracy": float(values.mean())}
            if name != DETECTOR:
                lead = means[DETECTOR][axis, amount] - values
                low, high = np.quantile(counts @ lead, [0.025, 0.975])
                row |= {"detector_leads_by": float(lead.mean()), "low": float(low), "high": float(high)}
            rows.append(row)
        of_one = records[name]
        result["contenders"][name] = {
            "rows": rows,
            "training_seconds": statistics.fmean(record.clocks.training_seconds for record in of_one),
            "latency_seconds": statistics.fmean(record.cost.latency_seconds for record in of_one),
            "images_per_second": statistics.fmean(record.cost.inference_images_per_second for record in of_one),
        }
    return result


def draw(result: dict[str, Any]) -> None:
    """A panel an axis, a line a contender."""
    with drawing(list(result["contenders"])):
        panels = []
        for axis in AXES:
            figure, axes = new_panel(4.4, 3.3, (0.6, 0.5, 0.15, 0.35))
            for name, found in result["contenders"].items():
                rows = [row for row in found["rows"] if row["axis"] == axis]
                style = style_of(name, result["contenders"])
                axes.plot([row["amount"] for row in rows], [100 * row["accuracy"] for row in rows], style.marker,
                          color=style.colour, linestyle=style.dash, label=name)  # fmt: skip
            axes.set_xlabel(LABELS[axis])
            axes.set_ylabel("right answers, %")
            axes.set_ylim(0, 102)
            if axis == "size":
                axes.invert_xaxis()
            axes.legend(frameon=False, fontsize=8)
            panels.append(saved_panel(figure, f"moved-{axis}", axis, ROOT / "docs" / "images"))
    for panel in panels:
        (ROOT / "docs" / "images" / panel.svg_file).unlink()


def table(result: dict[str, Any]) -> str:
    """Markdown: a row a condition."""
    names = sorted(result["contenders"], key=lambda name: name != DETECTOR)
    by_name = {
        name: {(row["axis"], row["amount"]): row for row in result["contenders"][name]["rows"]} for name in names
    }
    lines = [f"| changed | {' | '.join(names)} |", "| --- |" + " --- |" * len(names)]
    for axis, amounts in AXES.items():
        for amount in amounts:
            cells = []
            for name in names:
                row = by_name[name][axis, amount]
                text = f"{100 * row['accuracy']:.1f}"
                if "low" in row and (row["low"] > 0 or row["high"] < 0):
                    text += " ▼" if row["low"] > 0 else " ▲"
                cells.append(text)
            lines.append(f"| {axis} {amount:g} | {' | '.join(cells)} |")
    times = " | ".join(f"{1000 * result['contenders'][name]['latency_seconds']:.1f} ms" for name in names)
    return "\n".join([*lines, f"| one answer takes | {times} |"])


if __name__ == "__main__":
    main()
