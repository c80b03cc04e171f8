"""The ladder as studies: one for each rung, in which a repaired network, the repair alone and a CNN of its size race.

A context changes the rules from level to level; here the recipe of the contender changes, so that the levels are named
and not numbered.  All rungs pair up by seed: seed s gives every one of them the same split, order and augmentation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from eyechart.base.errors import UsageError
from eyechart.base.near_miss import did_you_mean
from eyechart.catalog import ladder
from eyechart.catalog.recipes import RECIPES, recipe_of
from eyechart.contexts.levels import PRESETS, QUICK, STANDARD
from eyechart.schema import Budget
from eyechart.study.plan import plan_study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema import DatasetCard, Recipe, StudyRecord

SEEDS = (0, 1, 2)
QUICK_FRACTION = 0.1  # of the train images, so that all rungs fit into half an hour on two cores
SIZES, QUICK_SIZES = (300, 1_000, 10_000), (300,)  # train images, on which the last rung of ours meets its CNN
SIZE_IMAGES, QUICK_SIZE_IMAGES = 100_000, 20_000  # that each of those runs sees, drawn again and again from the few
CNN = "cnn"
CNN_RATIO = 6  # of the last maps to the first, in the catalogue's own `cnn`
CNN_TOLERANCE = 0.02  # by which its number of parameters may differ from the rung's
LARGEST_RATIO, MOST_MAPS = 16, 1_024


@dataclass(frozen=True)
class LadderContext:
    """A sequence of recipes instead of an axis."""

    name: str
    question: tuple[str, str]  # English, French


@dataclass(frozen=True)
class Asked:
    """What the user wants; None and empty: as the ladder has it."""

    data: str
    card: DatasetCard
    num_train: int  # images of the train part, validation set aside
    name: str  # of the folder of all rungs; theirs begin with it
    preset: str = QUICK
    models: Sequence[str] = ()
    places: Sequence[int] = ()
    seeds: Sequence[int] | None = None
    has_best: bool = False  # the last rung's runs are there already, in a study of their own
    rules: dict[str, Any] = field(default_factory=dict)  # device, threads: the same everywhere
    there: Sequence[str] = ()  # rungs beside which a CNN is trained already


class Level(NamedTuple):
    """One study of the ladder."""

    place: int
    name: str  # of the rung, or "images-300"
    record: StudyRecord


def levels_of(asked: Asked) -> list[Level]:
    """A study for each rung that trains something, then one for each size.

    A CNN stands beside a rung unless one of the same recipe stands beside an earlier one, here or trained already.
    Raises UsageError for a preset, a place or a contender that cannot be.
    """
    if asked.preset not in PRESETS:
        raise UsageError(
            f"There is no preset {asked.preset!r} of a context.{did_you_mean(asked.preset, PRESETS)} "
            f"Expected one of {', '.join(PRESETS)}."
        )
    names = [*ladder.NAMES, *(f"images-{size}" for size in sizes_of(asked))]
    if wrong := [place for place in asked.places if place not in range(len(names))]:
        told = ", ".join(f"{place} {name}" for place, name in enumerate(names))
        raise UsageError(f"The ladder has no rung {wrong[0]}. Expected --levels of these: {told}.")
    levels, seen = [], set[str]()
    for place, name in enumerate(names):
        recipes = _recipes_at(name, asked)
        if asked.places and place not in asked.places and name not in asked.there:
            continue
        if CNN in recipes and name in ladder.NAMES:
            fingerprint = recipes[CNN].settings.model_dump_json()
            if fingerprint in seen:
                del recipes[CNN]
            seen.add(fingerprint)
        recipes = {each: recipe for each, recipe in recipes.items() if _is_asked(each, asked)}
        if recipes and (not asked.places or place in asked.places):
            levels.append(Level(place, name, _record(place, name, recipes, asked)))
    return levels


def sizes_of(asked: Asked) -> list[int]:
    """Of how many train images the last levels are."""
    wanted = QUICK_SIZES if asked.preset == QUICK else SIZES
    return [size for size in wanted if size < asked.num_train]


def rung_contender(name: str) -> str:
    """Who is on a rung: "logits" -> "tutorial_vit:logits"."""
    if name == ladder.BEST:
        return "vit"
    return ladder.TUTORIAL if name == ladder.AS_WRITTEN else f"{ladder.TUTORIAL}:{name}"


def alone_contender(name: str) -> str:
    """Who has that repair alone.  The first repair of all is on its rung already."""
    return rung_contender(name) if name == ladder.NAMES[1] else f"{ladder.TUTORIAL}:{name}:{ladder.ALONE}"


def _recipes_at(name: str, asked: Asked) -> dict[str, Recipe]:
    """Contender -> recipe.

    What is as written is trained without its loops over images: they change nothing but the time, which is measured
    apart (tests/models/test_tutorial_vit.py proves the first, contexts/ladder_pace.py does the second).
    """
    if name not in ladder.NAMES:  # a size
        last = rung_contender(ladder.RUNGS[-1].name)
        return _with_cnn({last: _without_loops(recipe_of(last))}, last, asked.card)
    if name == ladder.VECTORISED:
        return {}
    contender = rung_contender(name)
    recipes = {contender: _without_loops(recipe_of(contender))}
    beside = _with_cnn(recipes, contender, asked.card)
    if name == ladder.BEST:
        return {CNN: beside[CNN]} if asked.has_best else beside
    if asked.preset == QUICK:  # half an hour does not hold the repairs alone as well
        return beside
    if (alone := alone_contender(name)) != contender and name != ladder.AS_WRITTEN:
        beside[alone] = _without_loops(recipe_of(alone))
    return beside


def _is_asked(contender: str, asked: Asked) -> bool:
    return not asked.models or contender in asked.models or contender.partition(":")[0] in asked.models


def _without_loops(recipe: Recipe) -> Recipe:
    if recipe.contender != ladder.TUTORIAL:
        return recipe
    return recipe.model_copy(update={"options": recipe.options | {"loops": False}})


def _with_cnn(recipes: dict[str, Recipe], contender: str, card: DatasetCard) -> dict[str, Recipe]:
    return recipes | {CNN: cnn_beside(recipes[contender], card)}


def _record(place: int, name: str, recipes: dict[str, Recipe], asked: Asked) -> StudyRecord:
    rules: dict[str, Any] = dict(asked.rules)
    if name not in ladder.NAMES:
        size = int(name.rpartition("-")[2])
        images = QUICK_SIZE_IMAGES if asked.preset == QUICK else SIZE_IMAGES
        rules |= {"fraction": size / asked.num_train, "budget": Budget(unit="images", amount=images)}
    elif asked.preset == QUICK:
        rules["fraction"] = QUICK_FRACTION
    record = plan_study(list(recipes), asked.data, STANDARD, asked.seeds or SEEDS,
                        name=f"{asked.name}-{place:02d}-{name}", **rules)  # fmt: skip
    return record.model_copy(update={"recipes": recipes})


# --------------------------------------------------------------------------------------------- the CNN beside a rung


def cnn_beside(recipe: Recipe, card: DatasetCard) -> Recipe:
    """The catalogue's `cnn`, as wide as makes it the size of a rung's network, and trained by the rung's recipe.

    Of all widths within CNN_TOLERANCE of the count those are taken whose ratio is nearest to the catalogue's own.
    Raises UsageError where there are none.
    """
    from eyechart.models import cnn

    side = card.height, card.width
    wanted = num_parameters(recipe, card)
    fitting = []
    for first in range(1, MOST_MAPS):
        counts = {
            last: cnn.num_parameters(card.num_channels, *side, card.num_classes, first, last)
            for last in range(first, LARGEST_RATIO * first + 1)
        }
        last = min(counts, key=lambda each: abs(counts[each] - wanted))
        if abs(counts[last] / wanted - 1) <= CNN_TOLERANCE:
            fitting.append((abs(last / first - CNN_RATIO), first, last))
        if counts[first] > wanted:  # wider only gets larger
            break
    if not fitting:
        raise UsageError(
            f"No CNN has {wanted:,} parameters within {CNN_TOLERANCE:.0%} on images of {side[0]}x{side[1]} pixels. "
            f"Choose another dataset."
        )
    _, first, last = min(fitting)
    changes = {
        "contender": CNN,
        "title": f"CNN of the size of {recipe.title}",
        "options": RECIPES[CNN].options | {"first_maps": first, "last_maps": last},
        "input_pixels": None,
        "fit": "resize",
    }
    return recipe.model_copy(update=changes)


def num_parameters(recipe: Recipe, card: DatasetCard) -> int:
    """Of a recipe's network on images of a dataset; it is made without memory for its numbers."""
    import torch

    from eyechart.models.catalog import build_model, plan_preprocessing
    from eyechart.schema import WeightsOrigin
    from eyechart.schema.contracts import StartingWeights

    nothing = StartingWeights(WeightsOrigin(name="none", description=""), {})
    middle = (0.5,) * card.num_channels
    with torch.device("meta"):
        model = build_model(recipe, plan_preprocessing(recipe, card, middle, middle, nothing), card.num_classes)
    return sum(parameter.numel() for parameter in model.parameters())
