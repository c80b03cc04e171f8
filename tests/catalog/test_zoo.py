"""Names of contenders taken apart, and recipes and colours of networks that are not our own."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from eyechart.base.errors import MissingError, UsageError
from eyechart.catalog import zoo
from eyechart.catalog.palette import CONTENDER_STYLE, FALLBACK_STYLES, style_of
from eyechart.catalog.recipe_files import read_recipe
from eyechart.catalog.recipes import RECIPES, recipe_of, slug
from eyechart.catalog.regimes import ALL_FROZEN, takes_weights
from eyechart.catalog.search_spaces import ZOO_SPACE, space_of
from eyechart.catalog.zoo import architecture_of, architecture_of_run, known_network, parts_of
from eyechart.schema import RecipeFile
from eyechart.study.plan import plan_study, run_name


@pytest.mark.parametrize(
    ("contender", "architecture", "rest"),
    [
        ("cnn", "cnn", ""),
        ("vgg16:hed:head", "vgg16", "hed:head"),
        ("vgg16:run:/a/b:full", "vgg16", "run:/a/b:full"),
        ("torchvision:resnet18", "torchvision:resnet18", ""),
        ("timm:resnet18.a1_in1k:imagenet:head", "timm:resnet18.a1_in1k", "imagenet:head"),
    ],
)
def test_a_name_is_an_architecture_and_the_rest(contender: str, architecture: str, rest: str) -> None:
    assert parts_of(contender) == (architecture, rest)
    assert architecture_of(contender) == architecture
    assert architecture_of_run(run_name(contender, 3)) == architecture


def test_the_recipe_of_a_zoo_names_its_network() -> None:
    plain = recipe_of("torchvision:resnet18")
    assert (plain.contender, plain.title, plain.weights) == ("torchvision:resnet18", "resnet18 of torchvision", "auto")
    assert recipe_of("timm:test_vit:none").frozen_stages == 0
    head = recipe_of("timm:resnet18.a1_in1k:imagenet:head")
    assert (head.contender, head.weights, head.frozen_stages) == ("timm:resnet18.a1_in1k", "imagenet", ALL_FROZEN)
    assert head.cache_frozen
    assert head.options == {}, "head_width is an option of our own heads"
    assert recipe_of("torchvision:resnet18:full").layer_decay < 1
    assert recipe_of("torchvision:resnet18:run:/a/b:last").weights == "run:/a/b"
    assert takes_weights("torchvision:resnet18:none")


def test_default_contenders_are_our_own() -> None:
    assert plan_study().contenders == tuple(RECIPES)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torchvision", "'torchvision' names no network of torchvision"),
        ("torchvision:", "Expected torchvision: and a name such as resnet18"),
        ("timm:a/b", "names no network of timm"),
        ("resnet18", "or a network of torchvision or timm, such as -m torchvision:resnet18"),
        ("torchvision:resnet18:none:gradual", "Expected torchvision:resnet18:none"),
    ],
)
def test_names_that_cannot_be(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        recipe_of(name)


def test_a_zoo_names_images_and_finds_no_boxes() -> None:
    with pytest.raises(UsageError, match=r"names what a whole image shows.*Expected -m fasterrcnn\."):
        recipe_of("torchvision:resnet18", task="detection")


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("torchvision:resnet19", "has no network 'resnet19'. Did you mean 'resnet18'"),
        ("torchvision:fasterrcnn_resnet50_fpn", "no network that names what an image shows"),
        ("torchvision:raft_small", "no network that names what an image shows"),
        ("timm:resnet18x", "has no network 'resnet18x'. Did you mean"),
        ("timm:resnet18.wrong", r"knows no weights 'wrong' of resnet18\. Expected timm:resnet18 alone.*a1_in1k"),
    ],
)
def test_networks_that_a_zoo_does_not_have(architecture: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        known_network(architecture)


def test_without_timm_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_there(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", not_there)
    message = r'timm, which is not installed here.*pip install "eyechart\[zoo\]"'
    with pytest.raises(MissingError, match=message) as caught:
        known_network("timm:resnet18")
    assert caught.value.exit_code == 3
    assert zoo.packages_of("timm:resnet18") == ("timm",)
    assert zoo.packages_of("vit") == ()


def test_slugs_hold_both_parts() -> None:
    assert slug("timm:resnet18.a1_in1k:imagenet:head") == "timm-resnet18.a1_in1k-imagenet-head"


def test_a_search_space_and_a_recipe_file(tmp_path: Path) -> None:
    recipe = recipe_of("torchvision:resnet18:none")
    assert set(space_of(recipe)) == set(ZOO_SPACE) - {"trunk_rate"}
    assert "trunk_rate" in space_of(recipe_of("torchvision:resnet18:imagenet"))
    file = RecipeFile(contender="torchvision:resnet18:none", recipe=recipe)
    (tmp_path / "r.json").write_text(file.model_dump_json(), encoding="utf-8")
    assert read_recipe(tmp_path / "r.json") == file


# --------------------------------------------------------------------------------------------- colours


def test_a_contender_looks_as_its_architecture() -> None:
    assert style_of("vgg16:hed:head") == CONTENDER_STYLE["vgg16"]
    assert style_of("torchvision:resnet18:none") == style_of("torchvision:resnet18:imagenet:head")
    assert style_of("torchvision:resnet18") in FALLBACK_STYLES


def test_several_networks_never_look_alike() -> None:
    """Thirty, of six colours: each differs in colour or mark, whatever the order in which they stand."""
    names = [f"torchvision:resnet{number}" for number in range(30)]
    styles = {name: style_of(name, names) for name in names}
    assert len({(style.colour, style.marker) for style in styles.values()}) == len(names)
    assert len({style_of(name, names[:6]).colour for name in names[:6]}) >= 5
    assert styles == {name: style_of(name, [*reversed(names), "cnn"]) for name in names}
    assert not {style.colour for style in styles.values()} & {style.colour for style in CONTENDER_STYLE.values()}


def test_more_networks_than_styles_still_have_one() -> None:
    names = [f"timm:net{number}" for number in range(100)]
    assert all(style_of(name, names).colour for name in names)
