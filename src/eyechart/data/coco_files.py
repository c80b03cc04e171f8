"""Scenes as files that every detection tool reads: `<part>/000001.png`, and COCO's json, `annotations/<part>.json`."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from eyechart.base.plain_json import json_text
from eyechart.data.scenes import Scene, SceneMaker
from eyechart.files.pictures import as_picture, png
from eyechart.files.storage import disk_error, write_bytes, write_text


@contextlib.contextmanager
def made_whole(output: Path) -> Iterator[Path]:
    """A folder beside `output` to write into, which takes its name once all is there; what fails leaves nothing.

    Raises StorageError for a disk that refuses.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    except OSError as error:
        raise disk_error(output, error) from error
    try:
        yield folder
        folder.chmod(0o755)  # a temporary folder is its maker's alone
        folder.rename(output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_scenes(
    folder: Path, part: str, maker: SceneMaker, number: int, classes: Sequence[str], say: Callable[[str], None]
) -> int:
    """Write the first `number` scenes of a maker, and what is on them; how many objects these are.

    The json is written last: where it is there, all pictures are.  Categories count from 1, as COCO's do.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in range(number):
        scene, name = maker.scene(index), f"{index + 1:06d}.png"
        write_bytes(folder / part / name, png(as_picture(scene.image)))
        height, width = scene.image.shape[1:]
        images.append({"id": index + 1, "file_name": f"{part}/{name}", "width": width, "height": height})
        annotations += _annotations(scene, index + 1, len(annotations) + 1)
    categories = [{"id": label, "name": name} for label, name in enumerate(classes, 1)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    write_text(folder / "annotations" / f"{part}.json", json_text(content) + "\n")
    say(f"{part}: {number:,} scenes with {len(annotations):,} objects")
    return len(annotations)


def _annotations(scene: Scene, image: int, first: int) -> list[dict[str, Any]]:
    """COCO's boxes are (left, top, width, height)."""
    return [
        {
            "id": first + number,
            "image_id": image,
            "category_id": int(label) + 1,
            "bbox": [left, top, right - left, bottom - top],
            "area": (right - left) * (bottom - top),
            "iscrowd": 0,
        }
        for number, (label, (left, top, right, bottom)) in enumerate(
            zip(scene.labels, scene.boxes.tolist(), strict=True)
        )
    ]
