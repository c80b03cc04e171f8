"""Planning, resuming and replacing studies, with a launcher that only pretends to train."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import DiskRefused, Interrupted, RunFailed, StorageError, UsageError
from eyechart.catalog.recipes import RECIPES
from eyechart.files import storage
from eyechart.launch.driver import in_turn
from eyechart.schema import Job, RecipeFile
from eyechart.schema.contracts import Progress, Reporter
from eyechart.study import plan as plans
from eyechart.study import study


def quiet(progress: Progress) -> None:
    pass


class Launcher:
    """Remembers jobs, leaves a run.json for each, and fails where it is told to."""

    def __init__(self, **failures: Exception):
        self.jobs: list[Job] = []
        self.failures = failures

    def __call__(self, job: Job, report: Reporter) -> None:
        self.jobs.append(job)
        if job.run.replace("-", "_") in self.failures:
            raise self.failures[job.run.replace("-", "_")]
        storage.write_text(Path(job.folder) / storage.RUN_FILE, "{}")


def test_a_plan_covers_every_contender_and_seed_in_blocks() -> None:
    record = plans.plan_study(["cnn", "vit", "alexnet"], seeds=[0, 1], preset="smoke")
    jobs = plans.jobs_of(record, Path("runs/x"))
    assert [job.seed for job in jobs] == [0, 0, 0, 1, 1, 1]
    assert {job.run for job in jobs[:3]} == {"cnn-s0", "vit-s0", "alexnet-s0"}
    assert jobs == plans.jobs_of(record, Path("runs/x")), "the random order is a function of the seed"
    assert record.name == "smoke-mnist"


def test_all_by_default() -> None:
    assert plans.plan_study().contenders == tuple(RECIPES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": ["cnn", "cnn"]}, "names the same one twice"),
        ({"models": ["alexnet:run:a/s0", "alexnet:run:b/s0"]}, "would have folders of one name: alexnet-run-s0"),
        ({"seeds": []}, "one or more whole numbers"),
        ({"seeds": [-1]}, "one or more whole numbers"),
        ({"seeds": [1, 1]}, "--seeds names the same one twice"),
        ({"changes": {"learning_rate": 0.0}}, "learning_rate"),
        ({"num_threads": 0}, "num_threads"),
        ({"models": ""}, "no contender ''"),
        ({"models": "cnn,,vit"}, "no contender ''"),
        ({"models": [3]}, "expected names of contenders"),
        ({"seeds": [0.5]}, "one or more whole numbers"),
        ({"seeds": None}, "one or more whole numbers"),
        ({"models": ["cnn"], "changes": {"weights": "hed"}}, "none of cnn starts from weights"),
    ],
)
def test_what_cannot_be_planned(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plans.plan_study(**arguments)  # type: ignore[arg-type]


def test_one_or_several_contenders_and_seeds() -> None:
    assert plans.plan_study("cnn").contenders == ("cnn",)
    assert plans.plan_study("cnn, vit").contenders == ("cnn", "vit")
    for seeds in (3, np.int64(3), np.array(3), [3], np.array([3]), iter([3])):
        assert plans.plan_study("cnn", seeds=seeds).seeds == (3,)
    assert plans.plan_study("cnn", seeds=np.arange(3)).seeds == (0, 1, 2)
    assert {type(seed) for seed in plans.plan_study("cnn", seeds=np.arange(3)).seeds} == {int}


def test_weights_are_given_to_those_that_have_some() -> None:
    record = plans.plan_study(["cnn", "alexnet"], changes={"weights": "none"})
    assert record.recipes["cnn"].weights == "none"
    assert record.recipes["alexnet"].weights == "none"
    assert plans.plan_study(["cnn", "vgg16"], changes={"weights": "hed"}).recipes["cnn"].weights == "none"


@pytest.mark.parametrize(
    ("contenders", "weights", "named"),
    [
        ("vgg16:hed,vgg16:none,cnn", "imagenet", "vgg16:hed starts from 'hed' by its name"),
        ("vgg16:hed:head", "none", "vgg16:hed:head starts from 'hed'.*leave --weights out.*-m vgg16:none"),
        ("torchvision:resnet18:none:plain", "imagenet", "starts from 'none'"),
        ("alexnet:a.safetensors", "b.safetensors", "starts from 'a.safetensors'"),
    ],
)
def test_weights_that_a_name_says_are_not_replaced_under_it(contenders: str, weights: str, named: str) -> None:
    with pytest.raises(UsageError, match=f"--weights got '{weights}', and .*{named}"):
        plans.plan_study(contenders, changes={"weights": weights})


def test_weights_go_with_names_that_say_the_same_or_nothing() -> None:
    for contenders, weights in (
        ("vgg16:hed:head", "hed"), ("vgg16:full,alexnet:plain,torchvision:resnet18:head", "imagenet"),
        ("vgg16:auto:head", "hed"), ("alexnet:a.safetensors", "./a.safetensors"), ("cnn:glyphs,vgg16", "hed"),
    ):  # fmt: skip
        plans.plan_study(contenders, changes={"weights": weights})
    with pytest.raises(UsageError, match="--backbone got 'imagenet', and fasterrcnn:hed starts from 'hed'"):
        plans.plan_study("fasterrcnn:hed", changes={"backbone": "imagenet"})
    plans.plan_study("fasterrcnn:hed", changes={"backbone": "hed"})


def test_a_recipe_file_excludes_fields_that_are_switched_off_as_well(tmp_path: Path) -> None:
    file = tmp_path / "cnn.json"
    storage.write_record(file, RecipeFile(contender="cnn", recipe=RECIPES["cnn"]))
    with pytest.raises(UsageError, match=r"cnn has a recipe file, and normalise would change it\."):
        plans.plan_study("cnn", recipe_files=file, changes={"normalise": False, "robust": False})
    assert plans.plan_study("cnn", recipe_files=file, changes={"robust": False}).recipes["cnn"] == RECIPES["cnn"]


def test_finished_runs_are_skipped_and_failures_do_not_stop_the_others(tmp_path: Path) -> None:
    record = plans.plan_study(["cnn", "vit"], preset="smoke")
    first = study.run_study(record, tmp_path / "s", quiet, launch=in_turn(Launcher(vit_s0=RunFailed("no luck"))))
    assert {run: str(error) for run, error in first.failures.items()} == {"vit-s0": "no luck"}
    with pytest.raises(RunFailed, match=r"1 of 2 runs failed \(vit-s0\), 1 complete in .*--resume.*\nvit-s0: no luck"):
        first.raise_failures()
    again = Launcher()
    second = study.run_study(record, tmp_path / "s", quiet, launch=in_turn(again))
    assert [job.run for job in again.jobs] == ["vit-s0"]
    second.raise_failures()


def test_failures_that_agree_keep_their_exit_code(tmp_path: Path) -> None:
    record = plans.plan_study(["cnn", "vit"], preset="smoke")
    launcher = Launcher(vit_s0=UsageError("too small"), cnn_s0=UsageError("too small"))
    with pytest.raises(RunFailed, match=r"2 of 2 runs failed .*, none is complete") as caught:
        study.run_study(record, tmp_path, quiet, launch=in_turn(launcher)).raise_failures()
    assert caught.value.exit_code == 2
    assert "--resume" not in str(caught.value), "a study without any work is taken anew, with other settings too"
    assert caught.value.reasons == {"cnn-s0": "too small", "vit-s0": "too small"}
    assert str(caught.value).count("too small") == 1, "one reason is told once"
    assert sorted(re.findall(r"\w+-s0", str(caught.value).splitlines()[-1])) == ["cnn-s0", "vit-s0"]


def test_a_long_reason_is_told_by_its_first_line_and_kept_whole(tmp_path: Path) -> None:
    record = plans.plan_study(["cnn"], preset="smoke")
    launcher = Launcher(cnn_s0=RunFailed("KeyError: 3\nTraceback ..."))
    with pytest.raises(RunFailed, match=r"cnn-s0: KeyError: 3$") as caught:
        study.run_study(record, tmp_path, quiet, launch=in_turn(launcher)).raise_failures()
    assert caught.value.reasons == {"cnn-s0": "KeyError: 3\nTraceback ..."}


def test_a_full_disk_ends_the_study_at_once(tmp_path: Path) -> None:
    record = plans.plan_study(["cnn", "vit"], preset="smoke")
    full = DiskRefused("The disk is full")
    launcher = Launcher(vit_s0=full, cnn_s0=full)
    assert len(study.run_study(record, tmp_path, quiet, launch=in_turn(launcher)).failures) == 1
    assert len(launcher.jobs) == 1


def test_a_damaged_file_of_one_run_does_not_stop_the_others(tmp_path: Path) -> None:
    record = plans.plan_study(["cnn", "vit"], preset="smoke")
    launcher = Launcher(cnn_s0=StorageError("The checkpoint is damaged"), vit_s0=StorageError("It is damaged"))
    assert len(study.run_study(record, tmp_path, quiet, launch=in_turn(launcher)).failures) == 2


def test_stopping_says_how_to_go_on(tmp_path: Path) -> None:
    record = plans.plan_study(["cnn"], preset="smoke")
    with pytest.raises(Interrupted, match="--resume") as caught:
        study.run_study(record, tmp_path, quiet, launch=in_turn(Launcher(cnn_s0=Interrupted("Stopped.", 15))))
    assert caught.value.exit_code == 143


def test_auto_weights_that_are_not_to_be_had_unfreeze_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path))
    said: list[str] = []
    settled = plans.settle_weights(plans.plan_study(["vgg16"], preset="smoke"), True, said.append)
    recipe = settled.recipes["vgg16"]
    assert (recipe.weights, recipe.frozen_stages, recipe.cache_frozen) == ("none", 0, False)
    assert said, "and it says so"
