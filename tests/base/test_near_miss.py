"""Which known name is offered for one that is not known."""

from __future__ import annotations

import pytest

from eyechart.base.near_miss import did_you_mean
from eyechart.catalog.presets import PRESETS
from eyechart.catalog.recipes import RECIPES


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [("cmn", "cnn"), ("vti", "vit"), ("vgg", "vgg16"), ("VGG16", "vgg16"), ("alexnt", "alexnet"),
     ("faster-rcnn", "fasterrcnn"), ("vit_b_16", "vit"), ("vgg19", "vgg16")],
)  # fmt: skip
def test_a_slip_or_a_beginning(wanted: str, meant: str):
    assert did_you_mean(wanted, RECIPES) == f" Did you mean {meant!r}?"


@pytest.mark.parametrize("wanted", ["resnet", "resnet50", "densenet", "lenet", "unet", "v", ""])
def test_other_architectures_are_not_near(wanted: str):
    assert did_you_mean(wanted, RECIPES) == ""


def test_presets():
    assert did_you_mean("stand", PRESETS) == " Did you mean 'standard'?"
    assert did_you_mean("fast", PRESETS) == ""
