"""The same from Python: five lines that a notebook would have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import eyechart as ec
from eyechart.base.errors import RunFailed, UsageError
from eyechart.schema import StudyRecord
from eyechart.schema.contracts import Dataset
from eyechart.study.plan import plan_study
from eyechart.study.study import Study


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


def test_one_name_one_seed_and_numbers_of_numpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is planned from what a notebook would write; nothing is trained."""
    planned: list[StudyRecord] = []

    def race(record: StudyRecord, folder: Path, **flags: object) -> Study:
        planned.append(record)
        return Study(folder, record)

    monkeypatch.setattr("eyechart.study.race.race", race)
    ec.run(models="cnn", data="digits", seeds=3, output=tmp_path)
    ec.run(models="cnn,vit", data="digits", seeds=np.arange(2), output=tmp_path)
    ec.run(models=("cnn",), data="digits", seeds=[np.int64(1)], output=tmp_path)
    assert [(record.contenders, record.seeds) for record in planned] == [
        (("cnn",), (3,)), (("cnn", "vit"), (0, 1)), (("cnn",), (1,)),
    ]  # fmt: skip
    assert ec.run(models="cnn", data="digits", output="~").folder == Path.home() / "quick-digits"
    for wrong in ({"models": ""}, {"models": [""]}, {"seeds": "0"}, {"seeds": 0.5}, {"seeds": []}, {"name": "a\0b"}):
        with pytest.raises(ec.EyechartError, match=r"[Ee]xpected"):
            ec.run(**{"models": "cnn", "data": "digits", "output": tmp_path} | wrong)


def test_every_reason_of_a_failure_is_in_the_exception(tmp_path: Path) -> None:
    study = Study(tmp_path, plan_study(["cnn", "vit"], preset="smoke"))
    study.failures = {"cnn-s0": UsageError("too small"), "vit-s0": RunFailed("KeyError: 3\nTraceback")}
    with pytest.raises(RunFailed, match=r"cnn-s0: too small\nvit-s0: KeyError: 3") as caught:
        study.raise_failures()
    assert caught.value.reasons == {"cnn-s0": "too small", "vit-s0": "KeyError: 3\nTraceback"}


def test_errors_are_exceptions_with_messages(tmp_path: Path) -> None:
    with pytest.raises(ec.EyechartError, match="no contender 'resnet'"):
        ec.run(models=["resnet"], output=tmp_path)
    with pytest.raises(ec.EyechartError, match=r"study\.json is not there"):
        ec.open_study(tmp_path)
    with pytest.raises(AttributeError, match="no attribute 'race'"):
        _ = ec.race


def test_compare_takes_one_list_as_well(fake_runs: ModuleType, tmp_path: Path) -> None:
    two = {name: fake_runs.FIVE[name] for name in ("cnn", "vit")}
    folders = fake_runs.fake_study(tmp_path / "s", two, (0,), num_items=50)
    assert ec.compare(list(folders)).verdicts == ec.compare(*folders).verdicts
