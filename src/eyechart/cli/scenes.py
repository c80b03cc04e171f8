"""`eyechart scenes`: pictures with many objects, made from a classification set; annotations of others, checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from eyechart.terminal.lines import aloud, say

if TYPE_CHECKING:
    from eyechart.data.annotations.found import Annotated
    from eyechart.data.scenes import Knobs

app = typer.Typer(help="Scenes with many objects: make them, and check annotations of COCO, VOC, YOLO or CSV.",
                  no_args_is_help=True)  # fmt: skip


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
    offline: bool = typer.Option(False, "--offline", envvar="EYECHART_OFFLINE", help="Never touch the network."),
) -> None:  # fmt: skip
    """Place images on canvases, with a tight box around each; every part uses its own images alone."""
    from eyechart.data.scenes import knobs_of

    grounds = tuple(word.strip() for word in ground.split(",")) if ground else None
    knobs = knobs_of(level, canvas=canvas, count=_between("--count", count), side=_between("--side", side),
                     overlap=overlap, rotation=rotation, clutter=clutter, noise=noise, grounds=grounds,
                     contrast=contrast)  # fmt: skip
    numbers = {"train": train, "validation": validation, "test": test}
    _write(data, output, knobs, numbers, seed, offline)


@app.command()
def check(
    folder: Path = typer.Argument(..., help="Pictures with annotations in COCO, Pascal VOC, YOLO or CSV."),
) -> None:
    """Read annotations, whatever their format, and say what is there; what is wrong is named with file and line."""
    from eyechart.data.annotations.looking import read_annotations

    for line in _lines(read_annotations(folder)):
        say(line)


def _write(data: str, output: Path, knobs: Knobs, numbers: dict[str, int], seed: int, offline: bool) -> None:
    from eyechart.base.errors import UsageError
    from eyechart.catalog.presets import rules_of
    from eyechart.data.catalog import load_dataset
    from eyechart.data.coco_files import made_whole, write_scenes
    from eyechart.data.scenes import SceneMaker
    from eyechart.data.splits import split

    if min(numbers.values()) < 0 or not any(numbers.values()):
        raise UsageError("Expected some scenes: --train, --validation and --test with 0 or more, not all of them 0.")
    if output.exists():
        raise UsageError(f"{output} is there; expected a new folder. Choose another --output.")
    dataset = load_dataset(data, offline=offline, say=aloud)
    splits = split(dataset, rules_of("standard", data), seed)
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test.open()}
    with made_whole(output) as folder:
        for part, number in numbers.items():
            if number:
                maker = SceneMaker(parts[part].images, parts[part].labels, knobs, seed, part)
                write_scenes(folder, part, maker, number, dataset.card.classes, aloud)
    say(f"scenes: {output}")


def _between(option: str, text: str | None) -> tuple[int, int] | None:
    """ "2-8" -> (2, 8), "5" -> (5, 5)."""
    from eyechart.base.errors import UsageError

    if text is None:
        return None
    low, _, high = text.partition("-")
    try:
        return int(low), int(high or low)
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
