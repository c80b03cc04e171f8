"""The ladder: the ViT of a tutorial as it is written, and what is repaired on each rung; data, to be edited here.

    tutorial_vit                      as it is written
    tutorial_vit:final_norm           that repair and all before it
    tutorial_vit:final_norm:alone     that repair alone, on the tutorial's network as it is written

`eyechart study vit-ladder` climbs it; models/tutorial_vit.py is the network.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from eyechart.base.errors import UsageError
from eyechart.base.near_miss import did_you_mean
from eyechart.schema import Augmentation, Recipe

TUTORIAL = "tutorial_vit"
AS_WRITTEN, VECTORISED, BEST = "as_written", "vectorised", "best"
ALONE = "alone"

RECIPE = Recipe(
    contender=TUTORIAL,
    title="ViT of a tutorial, as it is written",
    epochs=5,
    batch_size=128,
    optimizer="adamw",  # without weight decay, it is Adam
    learning_rate=5e-3,
    schedule="constant",
    warmup_fraction=0.0,
    normalise=False,
    options={"patch_pixels": 4, "token_width": 8, "num_blocks": 2, "num_heads": 2},
    source='Brian Pulfer, "Vision Transformers from Scratch (PyTorch): A step-by-step guide"',
    expect="docs/vit.md",
)


class Rung(NamedTuple):
    """One repair."""

    name: str
    words: tuple[str, str]  # English, French: on the step of the stair
    changes: dict[str, Any]  # of the recipe's fields
    options: dict[str, Any] = {}  # noqa: RUF012 (never changed): of the network

    def applied(self, recipe: Recipe) -> Recipe:
        changes = self.changes | {"options": recipe.options | self.options}
        return Recipe.model_validate(recipe.model_dump() | changes)


RUNGS: tuple[Rung, ...] = (
    Rung(AS_WRITTEN, ("as written", "tel quel"), {}),
    Rung("logits", ("no softmax before the loss", "pas de softmax avant la perte"), {}, {"softmax": False}),
    Rung(VECTORISED, ("no loops over images", "sans boucles sur les images"), {}, {"loops": False}),
    Rung("whole_tokens", ("q, k, v from the whole token", "q, k, v du jeton entier"), {}, {"sliced_heads": False}),
    Rung("projection", ("a projection mixes the heads", "une projection mêle les têtes"), {}, {"projection": True}),
    Rung("final_norm", ("norm before the last layer", "norme avant la dernière couche"), {}, {"final_norm": True}),
    Rung("positions", ("learned positions", "positions apprises"), {}, {"learned_positions": True}),
    Rung("pixels", ("pixels normalised", "pixels normalisés"), {"normalise": True}),
    Rung(
        "width",
        ("width 64, 4 blocks, 7 px patches", "largeur 64, 4 blocs, carrés de 7 px"),
        {},
        {"token_width": 64, "num_blocks": 4, "patch_pixels": 7},
    ),
    Rung(
        "schedule",
        ("warm-up, cosine, decay, 10 epochs", "cosinus, décroissance, 10 époques"),
        {"epochs": 10, "weight_decay": 0.05, "schedule": "cosine", "warmup_fraction": 0.15, "clip_norm": 1.0},
    ),
    Rung(
        "augmentation",
        ("shifts, turns, scales", "décalages, rotations, échelles"),
        {"augmentation": Augmentation(shift_pixels=2, rotate_degrees=4, scale_fraction=0.04)},
    ),
)  # fmt: skip
BEST_WORDS = ("our vit, its own recipe", "notre vit, sa propre recette")
NAMES = (*(rung.name for rung in RUNGS), BEST)


def recipe_of_rung(name: str, *, alone: bool = False) -> Recipe:
    """The recipe with that repair and all before it, or with that one alone.  UsageError for no rung's name."""
    known = [rung.name for rung in RUNGS]
    if name not in known:
        raise UsageError(
            f"{TUTORIAL} has no rung {name!r}.{did_you_mean(name, known)} Expected {TUTORIAL} alone, or behind a "
            f"colon one of {', '.join(known)}; and :{ALONE} for a repair without those before it."
        )
    place = known.index(name)
    recipe = RECIPE
    for rung in RUNGS[place if alone else 0 : place + 1]:
        recipe = rung.applied(recipe)
    how = f"{RUNGS[place].words[0]}{', alone' if alone else ''}"
    return recipe.model_copy(update={"title": f"ViT of a tutorial: {how}"}) if place else recipe


def recipe_from_name(rest: str) -> Recipe:
    """Of what stands behind the architecture in a contender's name: "", "logits" or "logits:alone"."""
    rung, _, word = rest.partition(":")
    if word not in ("", ALONE):
        raise UsageError(
            f"{TUTORIAL}:{rest} ends with {word!r}; expected {TUTORIAL}:{rung} or {TUTORIAL}:{rung}:{ALONE}."
        )
    return recipe_of_rung(rung or AS_WRITTEN, alone=bool(word))


def words_of(name: str) -> tuple[str, str]:
    """What is done on a rung, English and French."""
    return next((rung.words for rung in RUNGS if rung.name == name), BEST_WORDS)
