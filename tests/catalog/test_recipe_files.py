"""Recipes from files: back as they were written, and every damage named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eyechart.base.errors import UsageError
from eyechart.catalog.recipe_files import read_recipe
from eyechart.catalog.recipes import RECIPES, recipe_of
from eyechart.files import storage
from eyechart.schema import Recipe, RecipeFile, RunJob, StudyRecord, Tuning
from eyechart.study import plan as plans
from eyechart.study.folder import open_study, take

TUNING = Tuning(
    unit="trials", amount=3, accuracies=(0.98, 0.1, 0.99), num_failed=1, best_trial=2, validation_accuracy=0.99,
    validation_loss=0.04, training_seconds=30, search_seeds=(1000, 1001), budget=None, dataset="mnist",
    dataset_sha256="0123456789abcdef", searched=("learning_rate",), sampler="optuna 5, TPE", date="2026-11-24",
    commit="",
)  # fmt: skip
TUNED = RECIPES["cnn"].model_copy(update={"tuning": TUNING, "learning_rate": 0.123})


def written(folder: Path, recipe: Recipe = TUNED, contender: str = "cnn") -> Path:
    path = folder / f"{recipe.contender}.json"
    storage.write_record(path, RecipeFile(contender=contender, recipe=recipe))
    return path


def test_a_recipe_comes_back_as_it_was_and_is_used(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert read_recipe(path).recipe == TUNED
    record = plans.plan_study(["cnn", "vit"], recipe_files=[path], seeds=[0, 1])
    assert record.recipes == {"cnn": TUNED, "vit": RECIPES["vit"]}
    assert StudyRecord.model_validate_json(record.model_dump_json()) == record
    assert {job.recipe.tuning for job in plans.jobs_of(record, tmp_path) if job.contender == "cnn"} == {TUNING}


def test_a_variant_keeps_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, recipe_of("vgg16:hed:frozen", {"learning_rate": 0.002}), "vgg16:hed:frozen")
    record = plans.plan_study(["vgg16:hed:frozen", "vgg16:hed"], recipe_files=[path])
    assert record.recipes["vgg16:hed:frozen"].learning_rate == 0.002
    assert record.recipes["vgg16:hed"].learning_rate == RECIPES["vgg16"].learning_rate


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "Invalid JSON"),
        (lambda text: "", "Invalid JSON"),
        (lambda text: "[]", "recipe file"),
        (lambda text: text.replace('"batch_size"', '"batch_sise"'), "batch_sise|batch_size"),
        (lambda text: text.replace("0.123", "-0.123"), r"recipe\.learning_rate.*greater than 0"),
        (lambda text: text.replace('"cnn"', '"resnet"', 1), "no contender 'resnet'"),
        (lambda text: text.replace('"cnn"', '"vit"', 1), "is for vit, and its recipe is of cnn"),
    ],
)
def test_damaged_files_are_named(damage: Callable[[str], str], message: str, tmp_path: Path) -> None:
    path = written(tmp_path)
    before = path.read_text()
    path.write_text(damage(before))
    assert path.read_text() != before
    with pytest.raises(UsageError, match=message) as caught:
        plans.plan_study(["cnn", "vit"], recipe_files=[path])
    assert "cnn.json" in str(caught.value) or "resnet" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.json could not be read.*expected a recipe file"):
        read_recipe(tmp_path / "none.json")


def test_what_excludes_each_other_is_refused(tmp_path: Path) -> None:
    fields = json.loads(written(tmp_path, recipe_of("alexnet"), "alexnet").read_text())
    fields["recipe"] |= {"cache_frozen": True}
    (tmp_path / "alexnet.json").write_text(json.dumps(fields))
    with pytest.raises(UsageError, match="excludes augmentation"):
        read_recipe(tmp_path / "alexnet.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": ["vit"]}, "recipe for cnn, and this study has vit. Add -m cnn"),
        ({"models": ["cnn"], "changes": {"learning_rate": 0.1}}, "cnn has a recipe file, and learning_rate would"),
        ({"models": ["cnn"], "seeds": [0, 1000]}, "tuned with seed 1000, and this study would use it again"),
    ],
)
def test_a_study_that_does_not_go_with_a_file(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        plans.plan_study(recipe_files=[written(tmp_path)], **arguments)
    with pytest.raises(UsageError, match="two files for cnn"):
        plans.plan_study(["cnn"], recipe_files=[written(tmp_path)] * 2)


def test_resuming_cannot_smuggle_in_a_search_seed(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    first = plans.plan_study(["cnn"], preset="smoke", recipe_files=[written(tmp_path)])
    take(open_study(first, folder, resume=False, exist_ok=False))
    storage.write_text(folder / "cnn-s0" / storage.CHECKPOINT_FILE, "")
    with pytest.raises(UsageError, match="tuned with seed 1000"):
        open_study(plans.plan_study(["vit"], preset="smoke", seeds=[1000]), folder, resume=True, exist_ok=False)


def test_where_the_numbers_came_from_changes_no_checkpoint(tmp_path: Path) -> None:
    """A checkpoint of before recipes had this field still continues its run; other numbers are another recipe."""
    from eyechart.runner.planning import fingerprint
    from eyechart.schema import SplitsCard

    card = SplitsCard(train_sha256="", validation_sha256="", test_sha256="", num_train=1, num_validation=1, num_test=1)
    (job,) = plans.jobs_of(plans.plan_study(["cnn"], recipe_files=[written(tmp_path)]), tmp_path)

    def of(**changes: object) -> str:
        changed = job.model_copy(update={"recipe": job.recipe.model_copy(update=changes)})
        return of_start(changed, "none", "")

    def of_start(job: RunJob, name: str, sha256: str) -> str:
        starting = SimpleNamespace(origin=SimpleNamespace(name=name, sha256=sha256))
        contender = SimpleNamespace(job=job, starting=starting, splits=SimpleNamespace(card=card))
        return fingerprint(contender)  # type: ignore[arg-type]

    assert of() == of(tuning=None) != of(learning_rate=0.2)
    assert of_start(job, "hed", "aa") == of_start(job, "hed", "bb") == of(), "published weights are checked elsewhere"
    assert len({of_start(job, "glyphs", "aa"), of_start(job, "glyphs", "bb"), of()}) == 3, "made anew is another start"
