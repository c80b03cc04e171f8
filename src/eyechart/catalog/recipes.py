"""One recipe per contender, side by side: the file a newcomer edits.

Learning rates are peaks after warm-up.  Where a budget is set, a recipe is stretched or squeezed to it; without one, as
in the `standard` preset, `epochs` is the schedule, and what FULL_SCHEDULE names is changed for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from eyechart.base.errors import UsageError
from eyechart.base.near_miss import did_you_mean
from eyechart.catalog import ladder
from eyechart.catalog.regimes import (
    EARLIER_WORDS,
    FROM_NOTHING,
    REGIMES,
    check_regime,
    is_plain,
    named_weights,
    regime_of,
    takes_weights,
    without_plain,
)
from eyechart.catalog.zoo import ZOOS, is_of_zoo, parts_of, zoo_and_network
from eyechart.schema import Augmentation, Recipe, Task

RECIPES: dict[str, Recipe] = {
    "cnn": Recipe(
        contender="cnn",
        title="CNN of our own",
        epochs=20,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.3,
        momentum=0.85,
        weight_decay=5e-4,
        schedule="linear",
        warmup_fraction=0.2,
        label_smoothing=0.1,
        augmentation=Augmentation(shift_pixels=1, rotate_degrees=7, scale_fraction=0.07),
        input_pixels=24,
        fit="centre-crop",
        options={"first_maps": 32, "last_maps": 192, "logit_scale": 0.25},
        source="docs/lab-log.md",
        expect="99.63 ± 0.07 % of MNIST's test images, full schedule, 3 seeds",
    ),
    "vit": Recipe(
        contender="vit",
        title="Vision Transformer from scratch",
        epochs=40,
        batch_size=128,
        optimizer="adamw",
        learning_rate=5e-3,
        weight_decay=0.05,
        warmup_fraction=0.15,
        clip_norm=1.0,
        label_smoothing=0.1,
        augmentation=Augmentation(shift_pixels=2, rotate_degrees=4, scale_fraction=0.04),
        options={"patch_pixels": 8, "patch_step": 5, "token_width": 64, "num_blocks": 4, "num_heads": 2},
        source="docs/lab-log.md, vit, a better vit",
        expect="99.45 ± 0.13 % of MNIST's test images, full schedule, 3 seeds",
    ),
    "vgg16": Recipe(
        contender="vgg16",
        title="VGG16, fine-tuned",
        epochs=2.75,
        batch_size=64,
        optimizer="adamw",
        learning_rate=1e-3,
        weight_decay=0.01,
        augmentation=Augmentation(shift_pixels=1, rotate_degrees=7, scale_fraction=0.07),
        input_pixels=32,
        weights="auto",
        frozen_stages=2,
        trunk_rate=0.3,
        options={"batch_norm": True},
        source="docs/lab-log.md, vgg16, augmentation",
        expect="97.44 ± 0.22 % of MNIST's test images, 75 s on two threads of a CPU, 10 seeds",
    ),
    "alexnet": Recipe(
        contender="alexnet",
        title="AlexNet, fine-tuned",
        epochs=6,
        batch_size=64,
        optimizer="adamw",
        learning_rate=1e-3,
        weight_decay=0.01,
        input_pixels=64,
        weights="auto",
        augmentation=Augmentation(shift_pixels=1),
        options={"batch_norm": True},
        source="docs/lab-log.md, fine-tuning",
        expect="99.11 ± 0.03 % of MNIST's test images, 75 s on two threads of a CPU, 10 seeds",
    ),
    "fasterrcnn": Recipe(
        contender="fasterrcnn",
        title="Faster R-CNN",
        epochs=6,
        batch_size=32,
        optimizer="adamw",
        learning_rate=5e-3,
        momentum=0.85,
        weight_decay=0.02,
        augmentation=Augmentation(shift_pixels=2),
        options={
            "width": 16,
            "num_candidates": 48,
            "num_proposals": 12,
            "region_samples": 8,
            "region_positives": 0.5,
            "scale_anchors": True,
        },
        source="docs/lab-log.md, faster r-cnn",
        expect="99.27 ± 0.07 % of MNIST's test images, full schedule, 3 seeds",
    ),
}

# What a full schedule of its own changes: longer training pays, and asks for more variety, for which a short one has
# no time (timm's recipes A1 to A3 differ likewise).  Chosen on held-out train images.
FULL_SCHEDULE: dict[str, dict[str, Any]] = {
    "vgg16": {
        "epochs": 5,
        "augmentation": Augmentation(shift_pixels=2, rotate_degrees=10, scale_fraction=0.1, shear_degrees=6),
        "source": "docs/lab-log.md, full schedules of vgg16 and alexnet",
        "expect": "99.54 ± 0.07 % of MNIST's test images, full schedule, 3 seeds",
    },
    "alexnet": {
        "epochs": 12,
        "label_smoothing": 0.1,
        "augmentation": Augmentation(shift_pixels=2, rotate_degrees=7, scale_fraction=0.07),
        "source": "docs/lab-log.md, full schedules of vgg16 and alexnet",
        "expect": "99.60 ± 0.05 % of MNIST's test images, full schedule, 3 seeds",
    },
}

NOT_MEASURED = "not measured with these settings"

# Of contenders that find boxes, for datasets with any number of objects on an image.
DETECTION_RECIPES: dict[str, Recipe] = {
    "fasterrcnn": Recipe(
        contender="fasterrcnn",
        title="Faster R-CNN",
        epochs=12,
        batch_size=4,
        optimizer="adamw",
        learning_rate=6e-3,
        weight_decay=0.02,
        clip_norm=5.0,
        options={
            "width": "auto",
            "convolutions": 2,
            "anchors": "auto",
            "levels": "auto",
            "whole_pixels": "auto",
            "num_candidates": "auto",
            "num_proposals": "auto",
            "num_detections": "auto",
            "region_samples": "auto",
            "proposal_samples": "auto",
            "region_positives": 0.5,
            "pool_cells": 7,
            "pool_growth": 1.25,
            "pool_aligned": True,
            "vote_overlap": 0.7,
            "shared_deltas": True,
            "refinements": 1,
            "box_weight": 3.0,
            "head_units": 256,
            "head_norm": True,
        },
        source="docs/lab-log.md, scenes",
        expect="mAP 0.926 on 1,000 test scenes of MNIST, level medium, full schedule, 1 seed",
    ),
}

# Of every network of a zoo, such as torchvision:resnet18: one recipe for all, which nobody fitted to each of them.
ZOO_RECIPE = Recipe(
    contender="torchvision:resnet18",
    title="a network of a zoo",
    epochs=3,
    batch_size=64,
    optimizer="adamw",
    learning_rate=1e-3,
    weight_decay=0.05,
    warmup_fraction=0.15,
    clip_norm=1.0,
    augmentation=Augmentation(shift_pixels=1),
    input_pixels=64,
    weights="auto",
    trunk_rate=0.3,
    source="docs/lab-log.md, zoo",
    expect="not measured: it differs from network to network",
)

PUBLISHED = ("auto", "imagenet", "hed")  # weights that only some contenders have
DETECTOR_WEIGHTS = ("imagenet", "hed")  # of vgg16, whose first stages a detector may begin with


def recipes_for(task: Task) -> dict[str, Recipe]:
    """Who can do a task, and how."""
    return RECIPES if task == "classification" else DETECTION_RECIPES


def recipe_of(
    contender: str,
    changes: dict[str, Any] | None = None,
    task: Task = "classification",
    *,
    full_schedule: bool = False,
) -> Recipe:
    """The recipe of a contender "architecture[:weights[:regime]][:plain]", with `changes` of fields on top.

    `full_schedule`: as it is trained where no budget is set.
    Raises UsageError for a name, a regime or a value that cannot be.  Whether a zoo has the network that is named is
    said where that is built.
    """
    name, rest = parts_of(contender)
    if name == ladder.TUTORIAL and task == "classification":
        of_rung = ladder.recipe_from_name(without_plain(rest))
        return changed(of_rung, ({"augmentation": {}} if is_plain(contender) else {}) | (changes or {}))
    if name not in RECIPES and not is_of_zoo(name):
        raise UsageError(
            f"There is no contender {name!r}.{did_you_mean(name, RECIPES)} "
            f"Expected one of {', '.join(RECIPES)}, such as -m cnn -m vgg16:hed:head; or a network of "
            f"{' or '.join(ZOOS)}, such as -m torchvision:resnet18."
        )
    known = recipes_for(task)
    if is_of_zoo(name) and task == "classification":
        known = known | {name: _zoo_recipe(name)}
    if name not in known:
        raise UsageError(
            f"{name} names what a whole image shows, and this dataset has objects to be found in boxes. "
            f"Expected -m {' or -m '.join(recipes_for(task))}."
        )
    longer = FULL_SCHEDULE.get(name, {}) if full_schedule and task == "classification" else {}
    given = _from_name(without_plain(contender), without_plain(rest), known[name])
    if is_plain(contender):
        given |= {"augmentation": {}}
    given |= changes or {}
    unknown = {"expect": NOT_MEASURED} if given else {}
    return changed(known[name], longer | unknown | given)


def changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """A recipe with some fields replaced, checked; UsageError names the first field that does not fit."""
    if not changes:
        return recipe
    try:
        new = Recipe.model_validate(recipe.model_dump() | changes)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"The recipe of {recipe.contender} cannot have {field} = {first['input']!r}: {first['msg']}."
        ) from None
    if new.cache_frozen and not new.augmentation.is_none:
        raise UsageError(
            f"{recipe.contender} keeps the outputs of its frozen stages (cache_frozen), which excludes augmentation: "
            f"an image that changes every time cannot be kept. Choose one of the two."
        )
    if new.cache_frozen and not (takes_weights(new.contender) and (new.frozen_stages or new.open_last)):
        raise UsageError(
            f"{recipe.contender} has no frozen stages whose outputs could be kept (cache_frozen). Expected the regime "
            f"head of a network that starts from weights, or cache_frozen false."
        )
    if new.batch_size == 1 and new.options.get("batch_norm"):
        raise UsageError(
            f"{recipe.contender} evens out its features over the images of a batch (batch_norm), and a batch of "
            f"1 image has nothing to even out. Expected -b 2 or more; or give a recipe file with batch_norm false."
        )
    return new


def _zoo_recipe(architecture: str) -> Recipe:
    zoo, network = zoo_and_network(architecture)
    return ZOO_RECIPE.model_copy(update={"contender": architecture, "title": f"{network} of {zoo}"})


def slug(contender: str) -> str:
    """A contender's name as part of a folder's name: "vgg16:hed:head" -> "vgg16-hed-head"."""
    parts = [Path(part).stem if "/" in part or "\\" in part else part for part in contender.split(":")]
    return "-".join("".join(c if c.isalnum() or c in "._" else "_" for c in part) for part in parts if part)


def starting_from(recipe: Recipe, weights: str) -> dict[str, Any]:
    """What changes in a detector's recipe that starts from there; by name: VGG16's stages, two of which stand still."""
    start = {"weights": weights, "expect": NOT_MEASURED}
    if weights not in DETECTOR_WEIGHTS:  # as wide as the stages that it starts from
        return start | {"options": recipe.options | {"width": "auto"}}
    return start | {"frozen_stages": 2, "trunk_rate": 0.3, "options": recipe.options | {"trunk": "vgg16"}}


def _from_name(contender: str, rest: str, recipe: Recipe) -> dict[str, Any]:
    if not rest:
        return {}
    if recipe.contender == "fasterrcnn":
        return starting_from(recipe, rest)
    word = regime_of(contender)
    if not takes_weights(contender):
        if word or rest in PUBLISHED:
            what = f"the regime {word}" if word else f"the weights {rest}"
            raise UsageError(
                f"{contender!r} names {what}, which only vgg16 and alexnet have, and networks of {' and '.join(ZOOS)}. "
                f"Expected {recipe.contender}, or what was pretrained here ({recipe.contender}:glyphs, "
                f"{recipe.contender}:fractals, ...), or {recipe.contender}:run: and the folder of a run."
            )
        return {"weights": rest}
    weights = named_weights(contender) or "auto"
    check_regime(contender, weights)
    changes: dict[str, Any] = {"weights": weights}
    if weights == "none":  # random stages are worth freezing only for who asks for it
        changes |= FROM_NOTHING
    regime = dict(REGIMES.get(EARLIER_WORDS.get(word, word), {}))
    if "options" in regime:  # of the head that our own put on a trunk; what a zoo has gets a linear one anyway
        regime["options"] = recipe.options | ({} if is_of_zoo(recipe.contender) else regime["options"])
    return changes | regime
