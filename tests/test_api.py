"""The same from Python: five lines that a notebook would have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import eyechart as ec
from eyechart.contracts import Dataset


def test_importing_is_light() -> None:
    code = "import sys, eyechart; assert not {'torch', 'pydantic', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_run_table_and_report(tmp_path: Path, mnist: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    study = ec.run(
        models=["cnn"], data="mnist", preset="smoke", budget=ec.Budget(unit="images", amount=300), threads=1,
        recipe={"batch_size": 100}, output=tmp_path, quiet=True,
    )  # fmt: skip
    assert capsys.readouterr().err == ""
    (run,) = study.runs
    assert run.plan.num_steps == 3
    assert run.recipe.batch_size == 100
    study.table()
    assert "cnn" in capsys.readouterr().out
    assert study.report(tmp_path / "page.html").read_text().lstrip().startswith("<!doctype html>")
    assert ec.open_study(study.folder).runs == study.runs


def test_errors_are_exceptions_with_messages(tmp_path: Path) -> None:
    with pytest.raises(ec.EyechartError, match="no contender 'resnet'"):
        ec.run(models=["resnet"], output=tmp_path)
    with pytest.raises(ec.EyechartError, match=r"study\.json is not there"):
        ec.open_study(tmp_path)
    with pytest.raises(AttributeError, match="no attribute 'race'"):
        _ = ec.race
