"""A study with networks of both zoos from the command line: trained, judged, continued from, asked, exported."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from eyechart.export.exporting import export_run
from eyechart.files.storage import read_run
from eyechart.inference.saved import load_run_model
from tests.in_process import eyechart

pytestmark = pytest.mark.slow

NAMES = ("torchvision:shufflenet_v2_x0_5:none", "timm:test_resnet:none", "timm:test_vit:none:head")
OPTIONS = ["-d", "digits", "--steps", 3, "-b", 8, "--input-size", 32, "--threads", 1, "--offline"]


@pytest.fixture(scope="module")
def home(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A study of three steps, and one that starts from a run of it."""

    def train(folder: Path) -> None:
        done = eyechart("run", "-m", ",".join(NAMES), *OPTIONS, "--output", folder, "--name", "first")
        assert done.returncode == 0, done.stderr
        run = folder / "first" / "timm-test_resnet-none-s0"
        second = f"timm:test_resnet:run:{run}:last"
        done = eyechart("run", "-m", second, *OPTIONS, "--output", folder, "--name", "second")
        assert done.returncode == 0, done.stderr

    return made_once("zoo-study", train)


def test_each_is_a_contender_of_its_own(home: Path) -> None:
    runs = [read_run(home / "first" / f"{name.replace(':', '-')}-s0") for name in NAMES]
    assert [run.contender for run in runs] == list(NAMES)
    assert [run.recipe.contender for run in runs] == [":".join(name.split(":")[:2]) for name in NAMES]
    assert all(run.preprocessing.input_channels == 3 and run.preprocessing.image_channels == 1 for run in runs)
    assert all(run.test_accesses == 1 for run in runs)
    assert [run.cost.num_trainable < run.cost.num_parameters for run in runs] == [False, False, True]


def test_a_run_names_the_version_of_its_zoo(home: Path) -> None:
    """And one that does not depend on timm is not told to differ in it."""
    versions = [read_run(home / "first" / f"{name.replace(':', '-')}-s0").host.versions for name in NAMES]
    assert [each.get("timm") for each in versions] == [None, *[importlib.metadata.version("timm")] * 2]
    found = json.loads(eyechart("compare", home / "first", "--json").stdout)
    assert "other-versions" not in json.dumps(found)


def test_a_run_starts_from_what_another_has_learned(home: Path) -> None:
    _, first = load_run_model(home / "first" / "timm-test_resnet-none-s0", torch.device("cpu"))
    (folder,) = (home / "second").glob("timm-test_resnet-run-*")
    record, second = load_run_model(folder, torch.device("cpu"))
    assert record.weights.name == "run"
    assert record.weights.pretrained_on
    before, after = first.network.body.state_dict(), second.network.body.state_dict()
    changed = {name.split(".")[0] for name, tensor in after.items() if not torch.equal(before[name], tensor)}
    assert changed == {"layer4"}, "the last stage alone was trained, and alone counted"


def test_it_answers_a_picture_and_is_exported(home: Path, tmp_path: Path) -> None:
    run = home / "first" / "timm-test_resnet-none-s0"
    Image.fromarray(np.full((40, 30), 255, np.uint8)).save(tmp_path / "white.png")
    answered = eyechart("predict", run, tmp_path / "white.png", "--json")
    assert answered.returncode == 0, answered.stderr
    assert export_run(run, tmp_path / "net.onnx").agreement.num_items > 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torchvision:squeezenet1_0:none", "ends in Conv2d"),
        ("torchvision:resnet19:none", "Did you mean 'resnet18'"),
        ("timm:test_nfnet:none:from4", "has 3 stages, and the first 3 are to be frozen"),
    ],
)
def test_what_cannot_be_is_told_before_the_first_run(name: str, message: str, tmp_path: Path) -> None:
    done = eyechart("run", "-m", f"cnn,{name}", *OPTIONS, "--output", tmp_path)
    assert (done.returncode, not list(tmp_path.glob("*/*-s0"))) == (2, True)
    assert message in done.stderr
