"""`eyechart scenes`: pictures with many objects, made from a classification set; annotations of others, checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from eyechart.base.plain_json import json_text
from eyechart.cli import options
from eyechart.terminal.lines import aloud, say

if TYPE_CHECKING:
    from eyechart.comparison.detections import Judged
    from eyechart.data.annotations.found import Annotated
    from eyechart.data.layout import Part
    from eyechart.data.scenes import Knobs
    from eyechart.inference.baselines import How
    from eyechart.schema.contracts import FoundBoxes

app = typer.Typer(help="Scenes with many objects: make them, check annotations of others, judge detections.",
                  no_args_is_help=True)  # fmt: skip

MOST_DRAWN = 12
PART = typer.Option(None, "--part", help="train, validation or test. Default: the only one, or test.")


@app.command()
def make(
    data: str = typer.Argument("mnist", help="The images that are placed: a known dataset, or a folder or zip."),
    output: Path = typer.Option(..., "-o", "--output", help="A new folder: PNG, and COCO's json for each part."),
    level: str = typer.Option("medium", "--level", help="easy, medium or hard: what the other options start from."),
    train: int = typer.Option(1000, "--train", help="Scenes of train images."),
    validation: int = typer.Option(200, "--validation", help="Scenes of validation images."),
    test: int = typer.Option(200, "--test", help="Scenes of test images."),
    seed: int = typer.Option(0, "--seed", help="Of the scenes, and of the cut into train and validation."),
    canvas: int = typer.Option(None, "--canvas", help="Pixels a side."),
    count: str = typer.Option(None, "--count", help="Objects a scene, such as 2-8."),
    side: str = typer.Option(None, "--side", help="Pixels of an object's longer side, such as 16-48."),
    overlap: float = typer.Option(None, "--overlap", help="The largest IoU of two boxes, 0..1."),
    rotation: float = typer.Option(None, "--rotation", help="Degrees, to either side."),
    clutter: int = typer.Option(None, "--clutter", help="Pieces of images without a box."),
    noise: float = typer.Option(None, "--noise", help="Standard deviation of noise, 0..1."),
    ground: str = typer.Option(None, "--ground", help="dark, light, textured, coloured; several by commas."),
    contrast: float = typer.Option(None, "--contrast", help="The least between objects and ground, 0..1."),
    offline: bool = options.OFFLINE,
) -> None:  # fmt: skip
    """Place images on canvases, with a tight box around each; every part uses its own images alone."""
    from eyechart.data.scenes import knobs_of

    grounds = tuple(word.strip() for word in ground.split(",")) if ground else None
    knobs = knobs_of(level, canvas=canvas, count=_between("--count", count), side=_between("--side", side),
                     overlap=overlap, rotation=rotation, clutter=clutter, noise=noise, grounds=grounds,
                     contrast=contrast)  # fmt: skip
    numbers: dict[Part, int] = {"train": train, "validation": validation, "test": test}
    _write(data, output, knobs, numbers, seed, offline)


@app.command()
def check(
    folder: Path = typer.Argument(..., help="Pictures with annotations in COCO, Pascal VOC, YOLO or CSV."),
) -> None:
    """Read annotations, whatever their format, and say what is there; what is wrong is named with file and line."""
    from eyechart.data.annotations.looking import read_annotations

    for line in _lines(read_annotations(folder)):
        say(line)


@app.command()
def answer(
    run: Path = typer.Argument(..., help="The folder of a trained run: a detector, or a classifier with --how."),
    folder: Path = typer.Argument(..., help="Pictures with annotations, as for check."),
    output: Path = typer.Option(..., "-o", "--output", help="A new json file: COCO's list of detections."),
    part: str = PART,
    how: str = typer.Option(None, "--how", help="For a classifier: components or windows."),
    device: str = typer.Option("auto", "--device", help="auto, cpu, cuda, cuda:1 or mps."),
) -> None:
    """Write what a trained run finds in annotated pictures, for judge and for every tool that reads COCO."""
    from eyechart.base.errors import UsageError
    from eyechart.data.annotations.looking import read_annotations
    from eyechart.files.storage import write_text
    from eyechart.inference.detections import find_in
    from eyechart.inference.prediction import open_run

    if output.exists():
        raise UsageError(f"{output} is there; expected a new file. Choose another --output.")
    annotated = read_annotations(folder)
    chosen = _part(annotated, part)
    detections = find_in(open_run(run, device=device), annotated, chosen, _how(how), aloud)
    write_text(output, json_text(detections) + "\n")
    say(f"detections: {output} ({len(detections):,} boxes on {len(annotated.parts[chosen]):,} pictures of {chosen})")


@app.command()
def judge(
    folder: Path = typer.Argument(..., help="Pictures with annotations, as for check."),
    detections: list[Path] = typer.Argument(..., help="COCO's json of detections, of one detector or of several."),
    part: str = PART,
    score: float = typer.Option(0.5, "--score", help="The least of a box that counts as an answer, 0..1."),
    draw: Path = typer.Option(None, "--draw", help="A new folder: the worst pictures, and the curves, drawn."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON: also every curve of precision and recall."),
) -> None:
    """Judge any detector's boxes: COCO's twelve, every class, what is wrong and what it costs, and which is better."""
    from eyechart.base.errors import UsageError
    from eyechart.comparison.detections import judge_detections
    from eyechart.data.annotations.detections import read_detections
    from eyechart.data.annotations.looking import read_annotations
    from eyechart.terminal.detections import detections_json, print_detections

    if not 0 <= score <= 1:
        raise UsageError(f"--score got {score:g}; expected 0..1.")
    if draw is not None and draw.exists():
        raise UsageError(f"{draw} is there; expected a new folder. Choose another --draw.")
    annotated = read_annotations(folder)
    chosen = _part(annotated, part)
    objects = annotated.objects(chosen)
    found = {name: read_detections(path, annotated, chosen) for name, path in _names(detections).items()}
    judged = {name: judge_detections(each, objects, annotated.classes, score) for name, each in found.items()}
    if draw is not None:
        _draw(draw, annotated, chosen, found, judged)
    if as_json:
        typer.echo(json_text({"part": chosen, **detections_json(judged, annotated.classes)}, indent=1))
        return
    say(f"{chosen}: {len(objects):,} pictures, {int((~objects.crowds).sum()):,} boxes to find")
    print_detections(judged, annotated.classes)


def _how(text: str | None) -> How | None:
    from eyechart.base.errors import UsageError

    if text is None:
        return None
    if text == "components":
        return "components"
    if text == "windows":
        return "windows"
    raise UsageError(f"--how got {text!r}; expected components or windows.")


def _draw(
    folder: Path, annotated: Annotated, part: Part, found: dict[str, FoundBoxes], judged: dict[str, Judged]
) -> None:
    """The worst pictures and the curves; a folder for each detector, where there are several."""
    from eyechart.data.coco_files import made_whole
    from eyechart.inference.mistakes import draw_worst
    from eyechart.report.precision_recall import draw_curves
    from eyechart.scoring.detection_matrix import answers_only

    pictures, objects = annotated.parts[part], annotated.objects(part)
    with made_whole(folder) as inside:
        for number, (name, each) in enumerate(found.items(), 1):
            own = inside / str(number) if len(found) > 1 else inside
            answers = answers_only(each, judged[name].least_score)
            drawn = draw_worst(pictures, answers, objects, annotated.classes, own, MOST_DRAWN)
            draw_curves(name, judged[name].classes, own)
            aloud(f"drawn: {len(drawn)} pictures and the curves of {name} in {folder / own.relative_to(inside)}")


def _part(annotated: Annotated, asked: str | None) -> Part:
    """The part that is asked for; else the only one, else test."""
    from eyechart.base.errors import UsageError

    there = [part for part, pictures in annotated.parts.items() if pictures]
    chosen = asked or (there[0] if len(there) == 1 else "test")
    for part in there:
        if part == chosen:
            return part
    raise UsageError(f"There is no part {chosen!r} here, only {', '.join(there)}. Choose one with --part.")


def _names(paths: list[Path]) -> dict[str, Path]:
    """Files by their names; by their paths where two have one name.  UsageError for a file that is given twice."""
    from eyechart.base.errors import UsageError

    if len(set(paths)) < len(paths):
        raise UsageError(f"{max(paths, key=paths.count)} is given twice; expected every file once.")
    names = [path.name for path in paths]
    return {path.name if names.count(path.name) == 1 else str(path): path for path in paths}


def _write(data: str, output: Path, knobs: Knobs, numbers: dict[Part, int], seed: int, offline: bool) -> None:
    from eyechart.base.errors import UsageError
    from eyechart.data.catalog import load_dataset
    from eyechart.data.coco_files import made_whole, write_scenes
    from eyechart.data.scene_sets import scene_makers

    if min(numbers.values()) < 0 or not any(numbers.values()):
        raise UsageError("Expected some scenes: --train, --validation and --test with 0 or more, not all of them 0.")
    if output.exists():
        raise UsageError(f"{output} is there; expected a new folder. Choose another --output.")
    dataset = load_dataset(data, offline=offline, say=aloud)
    makers = scene_makers(dataset, knobs, seed)
    with made_whole(output) as folder:
        for part, number in numbers.items():
            if number:
                write_scenes(folder, part, makers[part], number, dataset.card.classes, aloud)
    say(f"scenes: {output}")


def _between(option: str, text: str | None) -> tuple[int, int] | None:
    from eyechart.base.errors import UsageError
    from eyechart.data.scenes import between

    if text is None:
        return None
    try:
        return between(text)
    except ValueError:
        raise UsageError(f"{option} got {text!r}; expected a whole number, or two with a dash, such as 2-8.") from None


def _lines(found: Annotated) -> list[str]:
    lines = [f"{found.kind}: {len(found.classes)} classes: {_some(found.classes)}", *found.remarks]
    for part, pictures in found.parts.items():
        objects = found.objects(part)
        sizes = sorted({(each.width, each.height) for each in pictures})
        size = f"{sizes[0][0]} x {sizes[0][1]}" + (f" to {sizes[-1][0]} x {sizes[-1][1]}" if len(sizes) > 1 else "")
        empty, crowds = int((objects.counts == 0).sum()), int(objects.crowds.sum())
        more = (f", {empty:,} pictures with nothing on them" if empty else "") + (
            f", {crowds:,} crowds" if crowds else ""
        )
        lines.append(f"{part}: {len(pictures):,} pictures of {size} pixels, {len(objects.boxes):,} boxes{more}")
    return lines


def _some(names: tuple[str, ...], most: int = 20) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
