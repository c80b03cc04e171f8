"""Search spaces: about fields that exist, around the recipe's own value, and every corner builds a network."""

from __future__ import annotations

import pytest
import torch

from eyechart.base.errors import UsageError
from eyechart.catalog.recipes import RECIPES, recipe_of
from eyechart.catalog.search_spaces import (
    ANY_CONTENDER,
    SEARCH_SPACES,
    Choice,
    rounded,
    settings_of,
    space_of,
    with_settings,
)
from eyechart.models.catalog import build_model, plan_preprocessing
from eyechart.schema import DatasetCard, Recipe, WeightsOrigin
from eyechart.schema.contracts import StartingWeights

CARD = DatasetCard(
    name="x", title="x", source="", licence="", content_sha256="", classes=("a", "b"), num_channels=1, height=28,
    width=28, num_train=10, num_test=10,
)  # fmt: skip
NOTHING = StartingWeights(WeightsOrigin(name="none", description=""), {})


def build(recipe: Recipe) -> None:
    with torch.device("meta"):  # shapes only: nothing is drawn
        build_model(recipe, plan_preprocessing(recipe, CARD, (0.1,), (0.3,), NOTHING), CARD.num_classes)


def test_spaces_are_of_contenders() -> None:
    assert set(SEARCH_SPACES) <= set(RECIPES)


def test_a_contender_without_a_space_of_its_own_is_searched_all_the_same() -> None:
    recipe = RECIPES["cnn"].model_copy(update={"contender": "mlp"})
    assert {"learning_rate", "weight_decay"} <= set(space_of(recipe))


@pytest.mark.parametrize("name", RECIPES)
def test_spaces_hold_the_recipe_and_every_end_builds(name: str) -> None:
    recipe, space = RECIPES[name], SEARCH_SPACES.get(name, ANY_CONTENDER)
    own = settings_of(recipe, space)
    assert with_settings(recipe, own) == recipe
    ends: dict[str, list[float]] = {}
    for field, choices in space.items():
        ends[field] = list(choices.values) if isinstance(choices, Choice) else [choices.low, choices.high]
        is_inside = own[field] in ends[field]
        if not isinstance(choices, Choice):
            is_inside = choices.low <= own[field] <= choices.high
        assert is_inside, f"{field} {own[field]} of the recipe is outside of its own space"
        assert all(rounded(end) == end for end in ends[field]), "rounding must not leave the space"
    for last in (False, True):
        corner = with_settings(recipe, {field: values[-1 if last else 0] for field, values in ends.items()})
        assert corner != recipe
        build(corner)


def test_what_would_change_nothing_is_not_searched() -> None:
    assert "augmentation.shift_pixels" in space_of(recipe_of("alexnet:hed"))
    frozen = space_of(recipe_of("alexnet:hed:frozen"))
    assert not [field for field in frozen if field.startswith("augmentation")], "kept outputs exclude augmentation"
    assert "trunk_rate" not in frozen
    assert "trunk_rate" in space_of(recipe_of("vgg16:hed"))
    assert "trunk_rate" not in space_of(recipe_of("vgg16:none"))


def test_a_setting_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="learning_rate"):
        with_settings(RECIPES["cnn"], {"learning_rate": -1.0})


def test_three_digits() -> None:
    assert [rounded(value) for value in (0.0123456, 12.3456, 0.0, 1234.5)] == [0.0123, 12.3, 0.0, 1230.0]
