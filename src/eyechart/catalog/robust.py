"""What `--robust` makes of a recipe: training images are spoiled in many ways, so that spoiled test images are read.

docs/robust.md says how the policy was chosen, and which of the fifteen corruptions its changes are near to.
"""

from __future__ import annotations

from eyechart.base.errors import UsageError
from eyechart.catalog.recipes import NOT_MEASURED, changed
from eyechart.catalog.regimes import PLAIN, is_plain
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


def all_robust(recipes: dict[str, Recipe]) -> dict[str, Recipe]:
    """The recipes of contenders, each made so; UsageError for one whose name says that its images stay as they are."""
    if plain := [name for name in recipes if is_plain(name)]:
        raise UsageError(
            f"--robust spoils training images, and {', '.join(plain)} is trained on images as they are, by its name. "
            f"Expected contenders without :{PLAIN}, or no --robust; to compare both, run a study of each."
        )
    return {name: made_robust(recipe) for name, recipe in recipes.items()}


def made_robust(recipe: Recipe) -> Recipe:
    """The recipe with that policy beside its own shifts and turns.

    What frozen stages give is kept no more (cache_frozen), because an image that changes every time cannot be kept.
    """
    augmentation = recipe.augmentation.model_copy(update={"mixing": ROBUST})
    changes = {"augmentation": augmentation.model_dump(), "cache_frozen": False, "expect": NOT_MEASURED}
    return changed(recipe, changes)
