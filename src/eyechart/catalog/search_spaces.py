"""What `eyechart tune` may change in each recipe, beside recipes.py: the file to edit for another search.

Only what a recipe may choose is here, and of that only how a network is trained.  The network itself (widths, depths,
patches, frozen stages) stays: it is what a study compares.  `epochs` and `batch_size` stay as well: the budget decides
how long, and a search over them would mostly find out that longer is better.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from eyechart.catalog.recipes import changed
from eyechart.catalog.regimes import ALL_FROZEN
from eyechart.catalog.zoo import is_of_zoo
from eyechart.schema import Recipe

DIGITS = 3  # significant, of a number that a trial chooses: recipes are read by people


class Range(NamedTuple):
    """A number between two ends, both possible."""

    low: float
    high: float
    log: bool = False  # equal chances for equal ratios


class Choice(NamedTuple):
    """One of a few values."""

    values: tuple[float, ...]


Space = dict[str, Range | Choice]  # field of the recipe, "augmentation.shift_pixels" for one inside another

AUGMENTATION: Space = {
    "augmentation.shift_pixels": Range(0, 3),
    "augmentation.rotate_degrees": Range(0, 15),
    "augmentation.scale_fraction": Range(0, 0.15),
}

# Of a contender that has no space of its own below.
ANY_CONTENDER: Space = {
    "learning_rate": Range(1e-4, 1.0, log=True),
    "weight_decay": Range(0, 0.3),
    "warmup_fraction": Range(0, 0.4),
    "label_smoothing": Range(0, 0.2),
    **AUGMENTATION,
}

# Of every network of a zoo.
ZOO_SPACE: Space = {
    "learning_rate": Range(1e-4, 1e-2, log=True),
    "weight_decay": Range(1e-4, 0.3, log=True),
    "warmup_fraction": Range(0, 0.4),
    "label_smoothing": Range(0, 0.2),
    "trunk_rate": Range(0.03, 1.0, log=True),
    **AUGMENTATION,
}

SEARCH_SPACES: dict[str, Space] = {
    "cnn": {
        "learning_rate": Range(0.03, 1.0, log=True),
        "momentum": Range(0.7, 0.95),
        "weight_decay": Range(1e-5, 5e-3, log=True),
        "warmup_fraction": Range(0, 0.4),
        "label_smoothing": Range(0, 0.2),
        "options.logit_scale": Range(0.1, 1.0, log=True),
        **AUGMENTATION,
    },
    "vit": {
        "learning_rate": Range(5e-4, 2e-2, log=True),
        "weight_decay": Range(1e-3, 0.3, log=True),
        "warmup_fraction": Range(0, 0.4),
        "clip_norm": Choice((0.0, 0.5, 1.0, 2.0)),
        "label_smoothing": Range(0, 0.2),
        **AUGMENTATION,
    },
    "vgg16": {
        "learning_rate": Range(1e-4, 1e-2, log=True),
        "weight_decay": Range(1e-4, 0.1, log=True),
        "warmup_fraction": Range(0, 0.4),
        "label_smoothing": Range(0, 0.2),
        "trunk_rate": Range(0.03, 1.0, log=True),
        **AUGMENTATION,
    },
    "alexnet": {
        "learning_rate": Range(1e-4, 1e-2, log=True),
        "weight_decay": Range(1e-4, 0.1, log=True),
        "warmup_fraction": Range(0, 0.4),
        "label_smoothing": Range(0, 0.2),
        "trunk_rate": Range(0.03, 1.0, log=True),
        **AUGMENTATION,
    },
    "fasterrcnn": {
        "learning_rate": Range(5e-4, 2e-2, log=True),
        "momentum": Range(0.7, 0.95),
        "weight_decay": Range(1e-3, 0.2, log=True),
        "warmup_fraction": Range(0, 0.4),
        "options.region_positives": Range(0.25, 0.75),
        "augmentation.shift_pixels": Range(0, 3),
    },
}


def space_of(recipe: Recipe) -> Space:
    """What may be searched in this very recipe: what would change nothing, or is excluded, is left out."""
    space = dict(ZOO_SPACE if is_of_zoo(recipe.contender) else SEARCH_SPACES.get(recipe.contender, ANY_CONTENDER))
    if recipe.cache_frozen:  # an image that changes every time cannot be kept
        space = {field: choices for field, choices in space.items() if not field.startswith("augmentation.")}
    if recipe.weights == "none" or recipe.frozen_stages >= ALL_FROZEN:  # no pretrained layer is trained
        space.pop("trunk_rate", None)
    return space


def settings_of(recipe: Recipe, space: Space) -> dict[str, Any]:
    """The recipe's own value of every field of the space."""
    return {field: _value(recipe, field) for field in space}


def with_settings(recipe: Recipe, settings: dict[str, Any]) -> Recipe:
    """The recipe with these values; UsageError for one that cannot be."""
    changes: dict[str, Any] = {}
    for field, value in settings.items():
        outer, _, inner = field.partition(".")
        if inner:
            part = getattr(recipe, outer)
            whole = dict(part) if isinstance(part, dict) else part.model_dump()
            changes[outer] = changes.get(outer, whole) | {inner: value}
        else:
            changes[outer] = value
    return changed(recipe, changes)


def rounded(value: float) -> float:
    """With DIGITS significant digits: 0.0123456 -> 0.0123."""
    return round(value, DIGITS - 1 - math.floor(math.log10(abs(value)))) if value else value


def _value(recipe: Recipe, field: str) -> Any:
    outer, _, inner = field.partition(".")
    part = getattr(recipe, outer)
    if not inner:
        return part
    return part[inner] if isinstance(part, dict) else getattr(part, inner)
