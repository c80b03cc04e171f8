"""What an exported file may say of a run: its record without the paths of the machine that trained it.

A contender is called after its weights, scenes after their images, and both may be named by a path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eyechart.catalog.recipes import slug
from eyechart.files.places import HUB, SCENES

if TYPE_CHECKING:
    from eyechart.schema import RunRecord

SEPARATOR = re.compile(r"[/\\]")
OF_A_PATH = ("run", "file")  # where weights came from that a recipe names by a path


def without_paths(record: RunRecord) -> RunRecord:
    """The record for others to read; nothing that decides how the network answers is changed."""
    recipe, dataset = record.recipe, record.dataset
    if record.weights.name in OF_A_PATH:
        recipe = recipe.model_copy(update={"weights": record.weights.name})
    if recipe.tuning:
        tuning = recipe.tuning.model_copy(update={"dataset": named_without_path(recipe.tuning.dataset)})
        recipe = recipe.model_copy(update={"tuning": tuning})
    dataset = dataset.model_copy(update={"name": named_without_path(dataset.name)})
    contender = contender_without_path(record.contender)
    return record.model_copy(update={"contender": contender, "recipe": recipe, "dataset": dataset})


def contender_without_path(contender: str) -> str:
    """ "vgg16:/home/ann/mine.safetensors:head" -> "vgg16:mine:head"; what lies on the Hub is no path."""
    if f":{HUB}" in contender:
        return contender
    parts = [SEPARATOR.split(part.rstrip("/\\")) for part in contender.split(":")]
    return ":".join(slug(f"/{part[-1]}") if len(part) > 1 else part[0] for part in parts)


def named_without_path(dataset: str) -> str:
    """ "scenes:/home/ann/shapes,level=hard" -> "scenes:shapes,level=hard"; what has no path stays as it is."""
    parts = SEPARATOR.split(dataset)
    if len(parts) == 1:
        return dataset
    name = parts[-1] if parts[-1] and not parts[-1].startswith(",") else parts[-2] + parts[-1]
    return f"{SCENES if dataset.startswith(SCENES) else ''}{name.removeprefix(SCENES)}"
