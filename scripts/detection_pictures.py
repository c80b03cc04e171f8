"""The pictures and the table of docs/detection.md: a classifier's two baselines, and how a detector comes to an answer.

Usage: python scripts/detection_pictures.py CNN [DETECTOR]

CNN is the folder of a classifier trained on single digits, such as runs/quick-mnist/cnn-s0: the baselines' pictures and
table.  DETECTOR is that of a detector trained on scenes, such as runs/detection-128-quick/fasterrcnn-s0: the four
pictures of its two stages.  `-` for the first makes those of the detector alone.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from eyechart.base.fonts import pillow_font
from eyechart.files.storage import INSIDE_FILE, read_arrays, read_run

SCALE, GAP, CAPTION = 2, 10, 30  # pixels
DOCS = Path(__file__).resolve().parents[1] / "docs"
REGION = re.compile(r"<!-- baselines -->\n.*?<!-- /baselines -->", re.DOTALL)
LEVELS, WAYS = ("easy", "medium", "hard"), ("components", "windows")
MOST_DRAWN = 80  # boxes of a step on a picture
NUM_SCENES, SEED = 100, 1  # scenes of seed 0 were looked at while the baselines were written


def main(run: Path, detector: Path | None) -> None:
    if detector is not None:
        draw_inside(detector, DOCS / "images" / "detection-inside.png")
    if str(run) != "-":
        draw_baselines(run)


def draw_inside(run: Path, target: Path) -> None:
    """Four pictures of the first scene whose way was kept: anchors, candidates, proposals, answer."""
    arrays = read_arrays(run / INSIDE_FILE)
    image = read_arrays(run.parent / read_run(run).items)["images"][int(arrays["0/scene"])]
    kept = arrays["0/found_scores"] >= 0.5
    steps = {
        "positive anchors": arrays["0/anchors"],
        "candidates": arrays["0/candidates"],
        "proposals": arrays["0/proposals"],
        "answer": arrays["0/found"][kept],
    }
    pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    side = SCALE * image.shape[2]
    sheet = Image.new("RGB", (len(steps) * (side + GAP) - GAP, SCALE * image.shape[1] + CAPTION), "#fbfaf6")
    for place, (title, boxes) in enumerate(steps.items()):
        picture = (
            Image.fromarray(pixels).convert("RGB").resize((side, SCALE * image.shape[1]), Image.Resampling.NEAREST)
        )
        draw = ImageDraw.Draw(picture)
        each = max(1, len(boxes) // MOST_DRAWN)
        for box in boxes[::each].tolist():
            left, top, right, bottom = (SCALE * edge for edge in box)
            if right > left and bottom > top:
                draw.rectangle((left, top, right - 1, bottom - 1), outline="#E69F00", width=1 if len(boxes) > 20 else 2)
        sheet.paste(picture, (place * (side + GAP), 0))
        font, text = pillow_font(f"{title}: {len(boxes)}" + (f" (one in {each})" if each > 1 else ""), 16)
        ImageDraw.Draw(sheet).text(
            (place * (side + GAP), sheet.height - CAPTION // 2), text, "#16161a", font, anchor="lm"
        )
    sheet.save(target)


def draw_baselines(run: Path) -> None:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        judged = {level: judged_scenes(run, level, folder) for level in LEVELS}
        shutil.copy(folder / "easy-drawn" / "1" / "precision-recall.png", DOCS / "images" / "detection-curves.png")
        worst = min((folder / "easy-drawn" / "1").glob("01-*.png"))
        shutil.copy(worst, DOCS / "images" / "detection-worst.png")
    document = DOCS / "detection.md"
    text = document.read_text(encoding="utf-8")
    assert len(REGION.findall(text)) == 1, "the document has one place for the table"
    filled = f"<!-- baselines -->\n{table(judged, record)}\n<!-- /baselines -->"
    document.write_text(REGION.sub(lambda _: filled, text), encoding="utf-8")


def judged_scenes(run: Path, level: str, folder: Path) -> dict[str, Any]:
    """What `judge` says of both ways on test scenes of a level; the worst scenes of the easy ones are drawn."""
    scenes = folder / level
    eyechart("scenes", "make", "mnist", "-o", scenes, "--level", level, "--train", 0, "--validation", 0,
             "--test", NUM_SCENES, "--seed", SEED)  # fmt: skip
    files = [folder / f"{level}-{how}.json" for how in WAYS]
    for how, file in zip(WAYS, files, strict=True):
        eyechart("scenes", "answer", run, scenes, "-o", file, "--how", how)
    drawn = ["--draw", folder / "easy-drawn"] if level == "easy" else []
    document: dict[str, Any] = json.loads(eyechart("scenes", "judge", scenes, *files, "--json", *drawn))
    return {how: document["detections"][file.name] for how, file in zip(WAYS, files, strict=True)}


def eyechart(*arguments: object) -> str:
    words = [sys.executable, "-m", "eyechart", *map(str, arguments)]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def table(judged: dict[str, dict[str, Any]], record: dict[str, Any]) -> str:
    """Markdown: a row for each level and way."""
    lines = [
        "| scenes | way | mAP | mAP50 | counted right | dearest mistake |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for level, ways in judged.items():
        for how, each in ways.items():
            low, high = each["map_interval"]
            count, dearest = each["counting"], max(each["errors"], key=lambda error: float(error["map50_lost"]))
            lines.append(
                f"| {level} | {how} | {each['scores']['map']:.3f} ({low:.3f} to {high:.3f}) "
                f"| {each['scores']['map50']:.3f} | {count['num_exact']} of {count['num_images']} "
                f"| {dearest['kind']}, {dearest['map50_lost']:.3f} |"
            )
    seconds, accuracy = record["clocks"]["training_seconds"], record["test"]["accuracy"]
    lines.append(
        f"\n{NUM_SCENES} test scenes of MNIST each, seed {SEED}; a `{record['contender']}` that trained for "
        f"{seconds:.0f} s on single digits (test accuracy {accuracy:.4f}). Intervals: 95 %, over the scenes."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
