"""Names of contenders, changes of recipes, presets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import readme_tables

from eyechart.base.errors import UsageError, WeightsMissing
from eyechart.catalog.presets import PRESETS, rules_of
from eyechart.catalog.recipes import DETECTION_RECIPES, FULL_SCHEDULE, RECIPES, recipe_of, slug
from eyechart.catalog.regimes import check_has_start, is_plain, regime_of
from eyechart.schema import Budget, Recipe
from eyechart.study.plan import plan_study

PROJECT = Path(__file__).resolve().parents[2]


def test_a_plain_name_is_the_recipe_itself() -> None:
    assert recipe_of("vit") == RECIPES["vit"]


def test_the_parts_of_a_name() -> None:
    assert recipe_of("vgg16:hed").weights == "hed"
    head = recipe_of("vgg16:hed:head")
    assert head.weights == "hed"
    assert head.frozen_stages > 5
    assert head.cache_frozen
    assert head.options == {"batch_norm": True, "head_width": 0}, "a linear probe"
    assert recipe_of("alexnet:full").weights == "auto"
    assert recipe_of("alexnet:full").frozen_stages == 0
    assert recipe_of("vgg16:/data/my.pt:head").weights == "/data/my.pt"
    assert recipe_of("vgg16:none").frozen_stages == 0, "frozen noise teaches nothing, unless it is asked for"
    assert recipe_of("vgg16:none:head").frozen_stages > 5


def test_regimes_say_what_is_trained() -> None:
    assert recipe_of("vgg16:hed:last").open_last == 1
    assert recipe_of("vgg16:hed:from4").frozen_stages == 3
    full, gradual = recipe_of("vgg16:hed:full"), recipe_of("vgg16:hed:gradual")
    assert (full.frozen_stages, full.gradual) == (0, False)
    assert 0 < full.layer_decay < 1, "lower layers learn more slowly"
    assert gradual == full.model_copy(update={"gradual": True})
    assert full.augmentation == recipe_of("vgg16:hed").augmentation, "what changes every time is not kept"


def test_what_regimes_were_called_is_still_read() -> None:
    assert recipe_of("vgg16:hed:frozen") == recipe_of("vgg16:hed:head")
    assert recipe_of("alexnet:none:whole") == recipe_of("alexnet:none:full")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vgg16:none:gradual", "from nothing they know nothing. Expected vgg16:none"),
        ("alexnet:auto:from4", "alexnet has 3 stages. Expected from2 to from3"),
    ],
)
def test_regimes_that_make_no_sense_are_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        recipe_of(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vgg", "no contender 'vgg'. Did you mean 'vgg16'"),
        ("resnet", "Expected one of cnn, "),
        ("cnn:imagenet", "only vgg16 and alexnet"),
        ("", "no contender ''"),
    ],
)
def test_wrong_names_say_what_there_is(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        recipe_of(name)


@pytest.mark.parametrize(
    "change", [{"learning_rate": -1}, {"batch_size": 0}, {"epochs": 0}, {"optimizer": "adam"}, {"colour": 1}]
)
def test_values_that_cannot_be_are_named(change: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(change))):
        recipe_of("cnn", change)


@pytest.mark.parametrize("contender", ["vgg16:none", "alexnet"])
def test_a_batch_of_one_is_refused_where_a_batch_is_evened_out(contender: str) -> None:
    with pytest.raises(UsageError, match=r"Expected -b 2 or more"):
        recipe_of(contender, {"batch_size": 1})
    assert recipe_of(contender, {"batch_size": 1, "options": {}}).batch_size == 1
    assert recipe_of("cnn", {"batch_size": 1}).batch_size == 1


def test_kept_features_exclude_augmentation() -> None:
    with pytest.raises(UsageError, match="excludes augmentation"):
        recipe_of("vgg16:hed:frozen", {"augmentation": {"shift_pixels": 2}})


def test_slugs_are_safe_names_of_folders() -> None:
    assert slug("vgg16:hed:frozen") == "vgg16-hed-frozen"
    assert slug("vgg16:/some where/my net.pt") == "vgg16-my_net"
    assert "/" not in slug("vgg16:../../x:whole")


def test_presets() -> None:
    assert set(PRESETS) == {"quick", "standard", "smoke"}
    assert rules_of("quick", "mnist").budget is not None
    assert rules_of("standard", "mnist").budget is None
    assert rules_of("quick", "mnist", budget=Budget(unit="epochs", amount=1), fraction=None).fraction == 1.0
    with pytest.raises(UsageError, match=r"no preset 'quik'\. Did you mean 'quick'"):
        rules_of("quik", "mnist")
    with pytest.raises(UsageError, match="fraction = 2"):
        rules_of("quick", "mnist", fraction=2)


def test_a_full_schedule_has_a_recipe_of_its_own() -> None:
    def recipes(preset: str, *, name: str = "alexnet", **rules: Any) -> Recipe:
        return plan_study([name], preset=preset, **rules).recipes[name]

    short, full = RECIPES["alexnet"], recipes("standard")
    assert full == recipe_of("alexnet", full_schedule=True)
    assert (full.epochs, full.label_smoothing) == (12, 0.1)
    assert full.augmentation != short.augmentation
    assert recipes("quick") == recipes("standard", budget=Budget(unit="epochs", amount=12)) == short
    assert recipe_of("alexnet:glyphs", full_schedule=True).epochs == 12
    assert recipe_of("alexnet:plain", full_schedule=True).augmentation.is_none
    assert recipe_of("alexnet", {"epochs": 3}, full_schedule=True).epochs == 3
    assert recipe_of("vgg16:hed:head", full_schedule=True).augmentation.is_none, "the regime has the last word"
    assert recipes("standard", name="vit") == RECIPES["vit"], "nothing but a longer one that was measured"
    assert recipe_of("fasterrcnn", None, "detection", full_schedule=True) == DETECTION_RECIPES["fasterrcnn"]


def test_what_was_measured_is_said_of_nothing_else() -> None:
    for name, changes in (("vgg16:none", {}), ("alexnet:glyphs:head", {}), ("cnn:plain", {}), ("vit", {"epochs": 2})):
        for is_full in (True, False):
            assert recipe_of(name, changes, full_schedule=is_full).expect == "not measured with these settings"
    assert recipe_of("cnn", {"expect": "by hand"}).expect == "by hand"
    assert recipe_of("fasterrcnn:hed", task="detection").expect == "not measured with these settings"


def test_every_change_of_a_full_schedule_fits_its_recipe() -> None:
    for name in FULL_SCHEDULE:
        assert recipe_of(name, full_schedule=True) != RECIPES[name]
        assert recipe_of(name, full_schedule=True).epochs > RECIPES[name].epochs


def test_what_a_recipe_expects_is_what_was_recorded() -> None:
    record = readme_tables.read_record(PROJECT, "standard")
    for name, result in record["results"].items():
        recipe = recipe_of(name, full_schedule=True)
        assert recipe.expect == readme_tables.expectation(result), "python scripts/readme_tables.py"
    quick = readme_tables.read_record(PROJECT, "quick")["results"]
    for name in FULL_SCHEDULE:
        assert RECIPES[name].expect == readme_tables.expectation(quick[name], readme_tables.QUICK_SCHEDULE)


def test_from_nothing_by_option_is_from_nothing_by_name() -> None:
    def recipe(name: str, weights: str | None) -> Recipe:
        return plan_study([name], changes={"weights": weights}).recipes[name]

    assert recipe("vgg16", "none") == recipe("vgg16:none", None)
    assert recipe("vgg16", "hed").frozen_stages == 2
    assert recipe("vgg16:auto:head", "none").frozen_stages > 5, "a regime that was named stays"
    with pytest.raises(UsageError, match="from nothing they know nothing"):
        recipe("vgg16:gradual", "none")


def test_plain_is_the_same_recipe_without_augmentation() -> None:
    for name in ("cnn", "vgg16", "vgg16:hed:full", "vgg16:none", "torchvision:resnet18"):
        plain, own = recipe_of(f"{name}:plain"), recipe_of(name)
        assert plain.augmentation.is_none
        assert not own.augmentation.is_none
        assert plain.settings == own.settings.model_copy(update={"augmentation": plain.augmentation})
    assert regime_of("vgg16:hed:full:plain") == "full"
    assert (is_plain("cnn:plain"), is_plain("cnn"), is_plain("cnn:explain")) == (True, False, False)
    with pytest.raises(UsageError, match="only vgg16 and alexnet have"):
        recipe_of("cnn:full:plain")


@pytest.mark.parametrize(
    ("contender", "changes"),
    [("cnn", {}), ("vit", {"frozen_stages": 2}), ("vgg16", {"frozen_stages": 0}), ("fasterrcnn", {})],
)
def test_outputs_of_no_frozen_stages_cannot_be_kept(contender: str, changes: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="has no frozen stages whose outputs could be kept"):
        recipe_of(contender, {"cache_frozen": True, "augmentation": {}} | changes)


def test_the_momentum_is_below_1() -> None:
    with pytest.raises(UsageError, match="cannot have momentum = 1"):
        recipe_of("vit", {"momentum": 1})


def test_what_is_done_with_pretrained_weights_needs_some() -> None:
    for contender in ("alexnet:head", "vgg16:frozen", "alexnet:gradual", "alexnet:head:plain"):
        with pytest.raises(WeightsMissing, match=r"none could be had.*or take (alexnet|vgg16):none"):
            check_has_start(contender)
    for contender in ("alexnet", "alexnet:full", "vgg16:last"):
        check_has_start(contender)
