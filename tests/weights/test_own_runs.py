"""A detector that starts from the first stages of a classifier that eyechart trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from eyechart.base.errors import StorageError, UsageError, WeightsError
from eyechart.catalog.recipes import recipe_of
from eyechart.files.storage import WEIGHTS_FILE, read_run, read_study
from eyechart.models.detector_options import DetectorOptions
from eyechart.models.faster_rcnn import FasterRCNN, load_starting_tensors, trunk_stages
from eyechart.schema import Preprocessing, RecipeFile
from eyechart.study.differences import differences
from eyechart.study.plan import plan_study
from eyechart.weights.own_runs import read_run_trunk
from tests.in_process import eyechart

pytestmark = pytest.mark.slow

SCENES = "scenes:digits,level=easy,canvas=64,side=16-24,count=1-3,train=32,validation=8,test=8"


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("classifier")
    words = ["run", "-d", "digits", "-m", "cnn", "--steps", 20, "--output", home, "--name", "s", "--threads", 1]
    assert eyechart(*words, "--offline").returncode == 0
    return home / "s" / "cnn-s0"


def detector(width: int, channels: int = 1, levels: int = 1) -> FasterRCNN:
    frame = Preprocessing(
        image_channels=channels, image_height=64, image_width=64, input_channels=channels, input_height=64,
        input_width=64, mean=(0.3,) * channels, std=(0.3,) * channels,
    )  # fmt: skip
    return FasterRCNN(frame, 10, DetectorOptions(width=width, levels=levels))


@pytest.mark.parametrize("levels", [1, 2])
def test_its_first_stages_answer_as_the_classifiers_do(classifier: Path, levels: int) -> None:
    from eyechart.inference.saved import load_run_model

    starting = read_run_trunk(classifier)
    model = detector(len(starting.tensors["0.weight"]), levels=levels).eval()
    load_starting_tensors(model, starting.tensors)
    _, trained = load_run_model(classifier, torch.device("cpu"))
    images = torch.rand(2, 1, 32, 32)
    finest = model.backbone.finest if levels > 1 else model.backbone
    expected = trained.network.stages[:2](images)  # type: ignore[union-attr, index, operator]
    torch.testing.assert_close(finest[:8](images), expected)  # type: ignore[index, operator]
    assert starting.mean == read_run(classifier).preprocessing.mean
    own = sum(parameter.numel() for parameter in trunk_stages(model)[0])
    assert own == sum(
        tensor.numel() for name, tensor in starting.tensors.items() if "running" not in name and "num_" not in name
    )


def test_a_run_says_where_its_detector_started(classifier: Path, tmp_path: Path) -> None:
    words = ["run", "-d", SCENES, "--steps", 3, "--output", tmp_path, "--name", "s", "--threads", 1, "--offline"]
    done = eyechart(*words, "--backbone", classifier)
    assert done.returncode == 0, done.stderr
    run = read_run(tmp_path / "s" / "fasterrcnn-s0")
    assert run.weights.name == "run"
    assert run.weights.sha256 == read_run(classifier).weights_sha256
    assert run.weights.pretrained_on == read_run(classifier).dataset.title
    assert "the first two stages of cnn-s0" in run.weights.description
    width = load_file(str(classifier / WEIGHTS_FILE))["network.stages.0.0.weight"].shape[0]
    assert read_study(tmp_path / "s").recipes["fasterrcnn"].options["width"] == width
    assert eyechart(*words, "--backbone", classifier, "--resume").returncode == 0
    again = eyechart("repeat", tmp_path / "s" / "fasterrcnn-s0", "-o", tmp_path / "again", "--offline")
    assert again.stdout.count("identical") == 3, again.stdout + again.stderr


def test_a_name_may_say_it_too(classifier: Path, tmp_path: Path) -> None:
    words = ["run", "-d", SCENES, "-m", f"fasterrcnn:{classifier}", "--steps", 2, "--output", tmp_path, "--name", "s"]
    done = eyechart(*words, "--threads", 1, "--offline")
    assert done.returncode == 0, done.stderr
    assert "†" in done.stdout


@pytest.mark.parametrize("task", ["mnist", SCENES])
def test_vgg16_by_name_is_planned_whole_so_that_a_study_goes_on(task: str) -> None:
    planned = plan_study("fasterrcnn", task, changes={"backbone": "hed"})
    named = plan_study("fasterrcnn:hed", task)
    recipe = planned.recipes["fasterrcnn"]
    assert recipe.options["trunk"] == "vgg16"
    assert (recipe.weights, recipe.frozen_stages, recipe.trunk_rate) == ("hed", 2, 0.3)
    assert named.recipes["fasterrcnn:hed"] == recipe
    settled = recipe.model_copy(update={"options": recipe.options | {"width": 16}})
    assert differences(planned.model_copy(update={"recipes": {"fasterrcnn": settled}}), planned) == []


def test_a_recipe_file_keeps_its_own_start(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    recipe = recipe_of("fasterrcnn:hed", {"frozen_stages": 0, "trunk_rate": 0.1})
    file.write_text(RecipeFile(contender="fasterrcnn:hed", recipe=recipe).model_dump_json())
    assert plan_study("fasterrcnn:hed", recipe_files=file).recipes["fasterrcnn:hed"] == recipe
    with pytest.raises(UsageError, match="has a recipe file, and backbone would change it"):
        plan_study("fasterrcnn:hed", recipe_files=file, changes={"backbone": "hed"})


def test_what_does_not_fit_is_told(classifier: Path, tmp_path: Path) -> None:
    starting = read_run_trunk(classifier)
    with pytest.raises(WeightsError, match=r"0.weight is \(32, 1, 3, 3\), expected \(32, 3, 3, 3\).*as many channels"):
        load_starting_tensors(detector(32, channels=3), starting.tensors)
    with pytest.raises(StorageError):
        read_run_trunk(tmp_path)
    done = eyechart("run", "-m", "cnn", "-d", "digits", "--backbone", classifier, "--output", tmp_path)
    assert done.returncode == 2
    assert "none of cnn is a detector; add -m fasterrcnn" in done.stderr


def test_only_a_cnn_has_such_stages(tmp_path: Path) -> None:
    words = ["run", "-d", "digits", "-m", "vit", "--steps", 2, "--output", tmp_path, "--name", "s", "--threads", 1]
    assert eyechart(*words, "--offline").returncode == 0
    with pytest.raises(UsageError, match="is a run of vit, and a detector starts from the first stages of a cnn"):
        read_run_trunk(tmp_path / "s" / "vit-s0")
