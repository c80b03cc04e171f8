"""The builder of synthetic run folders, which the tests of the report own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def fake_runs() -> ModuleType:
    path = Path(__file__).parents[1] / "report" / "fake_runs.py"
    specification = importlib.util.spec_from_file_location("fake_runs", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["fake_runs"] = module
    specification.loader.exec_module(module)
    return module
