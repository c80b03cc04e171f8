"""What `--robust` makes of a recipe: training images are spoiled in many ways, so that spoiled test images are read.

docs/robust.md says how the policy was chosen, and which of the fifteen corruptions its changes are near to.
"""

from __future__ import annotations

from eyechart.catalog.recipes import changed
from eyechart.schema import Mixing, Recipe

ROBUST = Mixing(
    clean_fraction=0.5,
    num_chains=2,
    most_operations=2,
    operations=(
        "levels", "light", "posterise", "blur", "thicken", "thin", "outline", "sharpen", "coarse", "noise", "strokes",
        "blobs",
    ),
    finishes=(
        ("none", "strokes", "blobs", "outline"),
        ("none", "levels", "light", "negative", "negative_part"),
        ("none", "none", "noise"),
    ),
)  # fmt: skip


def made_robust(recipe: Recipe) -> Recipe:
    """The recipe with that policy beside its own shifts and turns.

    What frozen stages give is kept no more (cache_frozen), because an image that changes every time cannot be kept.
    """
    augmentation = recipe.augmentation.model_copy(update={"mixing": ROBUST})
    return changed(recipe, {"augmentation": augmentation.model_dump(), "cache_frozen": False})
