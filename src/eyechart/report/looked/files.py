"""What was seen on one image as files: figures, numbers, arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.plain_json import json_text
from eyechart.files.storage import disk_error, write_arrays, write_text
from eyechart.report.looked.figure import write_figures

if TYPE_CHECKING:
    from eyechart.report.looked.seen import Explanation

NUMBERS_FILE, MAPS_FILE = "explain.json", "maps.npz"


def write_explanation(found: Explanation, folder: Path, lang: str) -> list[Path]:
    """Figures as PNG and SVG, explain.json and maps.npz; gives the PNG files.  StorageError where the disk refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from error
    figures = write_figures(found, folder, lang)
    write_text(folder / NUMBERS_FILE, json_text(found.as_json(), indent=1) + "\n")
    write_arrays(folder / MAPS_FILE, found.arrays())
    return figures
