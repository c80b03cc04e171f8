"""Folders of synthetic runs, built once; see fake_runs.py."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from eyechart.report.page import write_report


@pytest.fixture(scope="session")
def fake_runs() -> ModuleType:
    """The builder of synthetic runs."""
    return _beside("fake_runs")


@pytest.fixture(scope="session")
def fake_comparison() -> ModuleType:
    """The builder of comparisons."""
    return _beside("fake_comparison")


@pytest.fixture(scope="session")
def page_reader() -> ModuleType:
    """The reader of pages."""
    return _beside("page_reader")


def _beside(name: str) -> ModuleType:
    """A module of this folder: tests are not a package, so they cannot import each other."""
    specification = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def five_runs(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five contenders, one seed each; not to be changed by a test."""
    folders: list[Path] = fake_runs.fake_study(tmp_path_factory.mktemp("runs") / "five", num_items=600)
    return folders


@pytest.fixture(scope="session")
def report(five_runs: list[Path]) -> Path:
    """The report on the five runs, written beside their study."""
    return write_report(five_runs, five_runs[0].parent.parent / "report.html")


@pytest.fixture(scope="session")
def page(report: Path, page_reader: ModuleType) -> Any:
    """That report, parsed."""
    return page_reader.Page(report)
