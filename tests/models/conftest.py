"""What several tests of models share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from eyechart.models.faster_rcnn import FasterRCNN


@pytest.fixture(scope="session")
def cases() -> ModuleType:
    """detector_cases.py: tests are not a package, so they cannot import each other."""
    name = "detector_cases"
    specification = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def trained(cases: ModuleType) -> FasterRCNN:
    """Trained a little, so that scores differ, proposals overlap and some boxes fall below the threshold."""
    model: FasterRCNN = cases.detector(num_proposals=30, num_detections=15, **cases.BAR_ANCHORS)
    cases.train(model, cases.scenes((1, 2, 3, 0, 1, 2, 3, 1), seed=7), 40)
    return model
