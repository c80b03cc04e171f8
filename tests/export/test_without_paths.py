"""What is told to others holds no path of this machine."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from eyechart.export.exporting import card_of
from eyechart.export.without_paths import contender_without_path, named_without_path, without_paths
from eyechart.files.storage import read_run


@pytest.mark.parametrize(
    ("contender", "told"),
    [
        ("cnn", "cnn"),
        ("vgg16:hed:head", "vgg16:hed:head"),
        ("vgg16:/home/ann/my net.safetensors:head", "vgg16:my_net:head"),
        (r"vgg16:C:\ann\mine.pth", "vgg16:C:mine"),
        ("cnn:run:../before/cnn-s0", "cnn:run:cnn_s0"),
        ("cnn:run:/home/ann/before/", "cnn:run:before"),
        ("timm:resnet18:hf:owner/nets/one.safetensors", "timm:resnet18:hf:owner/nets/one.safetensors"),
    ],
)
def test_contenders(contender: str, told: str) -> None:
    assert contender_without_path(contender) == told


@pytest.mark.parametrize(
    ("dataset", "told"),
    [
        ("mnist", "mnist"),
        ("scenes:mnist,level=hard", "scenes:mnist,level=hard"),
        ("scenes:/home/ann/a,b/shapes,level=hard,side=15-100", "scenes:shapes,level=hard,side=15-100"),
        ("scenes:/home/ann/shapes/,level=hard", "scenes:shapes,level=hard"),
        ("scenes:../shapes", "scenes:shapes"),
    ],
)
def test_datasets(dataset: str, told: str) -> None:
    assert named_without_path(dataset) == told


@pytest.mark.parametrize("origin", ["run", "file"])
def test_records_and_cards(fake_runs: ModuleType, tmp_path: Path, origin: str) -> None:
    (run,) = fake_runs.fake_study(tmp_path / "s", {"cnn": fake_runs.FIVE["cnn"]}, (0,), num_items=50)
    record = read_run(run)
    path = f"{tmp_path}/mine.safetensors"
    recipe = record.recipe.model_copy(update={"weights": path})
    weights = record.weights.model_copy(update={"name": origin})
    named = record.model_copy(update={"contender": f"cnn:{path}", "recipe": recipe, "weights": weights})
    told = without_paths(named)
    assert (told.contender, told.recipe.weights) == ("cnn:mine", origin)
    assert str(tmp_path) not in card_of(run, named, has_recipe=True).model_dump_json()
    assert str(tmp_path) not in told.recipe.model_dump_json()
    assert without_paths(record) == record, "what names no path stays as it is"
