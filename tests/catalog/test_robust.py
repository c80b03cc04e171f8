"""`--robust`: which recipes it makes, what they are called, and that nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest

import eyechart as ec
from eyechart.base.errors import UsageError
from eyechart.catalog.recipe_files import read_recipe
from eyechart.catalog.recipes import NOT_MEASURED, RECIPES, recipe_of
from eyechart.catalog.robust import ROBUST, made_robust
from eyechart.files import storage
from eyechart.schema import Augmentation, Recipe, RecipeFile, StudyRecord
from eyechart.study.differences import differences
from eyechart.study.plan import plan_study
from tests.in_process import eyechart


@pytest.mark.parametrize("name", RECIPES)
def test_only_the_mixing_is_new(name: str) -> None:
    plain = RECIPES[name]
    assert plain.augmentation.mixing is None, "off by default"
    robust = made_robust(plain)
    assert robust.augmentation.mixing == ROBUST
    back = robust.augmentation.model_copy(update={"mixing": None})
    assert robust.model_copy(update={"augmentation": back, "expect": plain.expect}) == plain
    assert robust.expect == NOT_MEASURED, "a score of other training images"
    assert robust.settings != plain.settings
    assert Recipe.model_validate_json(robust.model_dump_json()) == robust


def test_a_head_that_kept_outputs_keeps_them_no_more() -> None:
    head = recipe_of("vgg16:hed:head")
    assert (head.cache_frozen, made_robust(head).cache_frozen) == (True, False)


def test_a_name_that_says_plain_is_not_spoiled() -> None:
    with pytest.raises(UsageError, match="--robust spoils training images, and cnn:plain, vgg16:hed:full:plain is tr"):
        plan_study("cnn,cnn:plain,vgg16:hed:full:plain", changes={"robust": True})


def test_a_study_of_robust_recipes_is_another_study() -> None:
    plain, robust = plan_study(["cnn", "fasterrcnn"]), plan_study(["cnn", "fasterrcnn"], changes={"robust": True})
    assert (plain.name, robust.name) == ("quick-mnist", "quick-mnist-robust")
    assert all(recipe.augmentation.mixing == ROBUST for recipe in robust.recipes.values())
    assert plan_study(["cnn", "fasterrcnn"], changes={"robust": False}).recipes == plain.recipes
    found = differences(plain, robust)
    assert len(found) == 2
    assert all("recipe of" in each and "mixing" in each for each in found)


def test_python_has_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[StudyRecord] = []

    class Raced:
        def raise_failures(self) -> None:
            pass

    def race(record: StudyRecord, folder: Path, **flags: object) -> Raced:
        planned.append(record)
        return Raced()

    monkeypatch.setattr("eyechart.study.race.race", race)
    ec.run("cnn", "digits", robust=True, output=tmp_path)
    ec.run("cnn", "digits", recipe={"learning_rate": 0.1}, output=tmp_path)
    assert [record.recipes["cnn"].augmentation.mixing for record in planned] == [ROBUST, None]


def test_recipe_files_hold_it_and_exclude_the_option(tmp_path: Path) -> None:
    path = tmp_path / "cnn.json"
    storage.write_record(path, RecipeFile(contender="cnn", recipe=made_robust(RECIPES["cnn"])))
    assert read_recipe(path).recipe.augmentation.mixing == ROBUST
    assert plan_study(["cnn"], recipe_files=[path]).recipes["cnn"].augmentation.mixing == ROBUST
    with pytest.raises(UsageError, match="cnn has a recipe file, and robust would change it"):
        plan_study(["cnn"], recipe_files=[path], changes={"robust": True})
    path.write_text(path.read_text().replace('"sharpen"', '"sharper"'))
    with pytest.raises(UsageError, match=r"augmentation\.mixing\.operations.*Mend that field"):
        read_recipe(path)


@pytest.mark.slow
def test_a_robust_run_is_repeated_to_the_last_bit(tmp_path: Path) -> None:
    """A detector too, whose boxes of single objects are measured before the picture is spoiled."""
    trained = eyechart("run", "-m", "cnn,fasterrcnn", "-d", "digits", "-p", "smoke", "--threads", 1, "--robust", "-o",
                       tmp_path)  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    study = tmp_path / "smoke-digits-robust"
    for run in ("cnn-s0", "fasterrcnn-s0"):
        assert storage.read_run(study / run).recipe.augmentation.mixing == ROBUST
        again = eyechart("repeat", study / run, "-o", tmp_path / "again")
        assert again.returncode == 0, again.stdout + again.stderr
    shown = eyechart("show", study / "cnn-s0").stdout
    assert "negative" in shown
    assert "mixing" in shown
    resumed = eyechart("run", "-m", "cnn,fasterrcnn", "-d", "digits", "-p", "smoke", "--threads", 1, "--name",
                       "smoke-digits-robust", "--resume", "-o", tmp_path)  # fmt: skip
    assert resumed.returncode == 2
    assert "recipe of cnn: augmentation was" in resumed.stderr


def test_a_recipe_with_mixing_alone_augments() -> None:
    assert not Augmentation(mixing=ROBUST).is_none
    with pytest.raises(UsageError, match="cache_frozen"):
        recipe_of("vgg16:hed:head", {"augmentation": {"mixing": ROBUST.model_dump()}})
