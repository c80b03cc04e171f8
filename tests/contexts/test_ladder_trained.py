"""Two rungs trained from start to end on small real images, and trained no second time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eyechart.contexts import ladder_pace
from eyechart.schema import RunJob
from eyechart.study.plan import plan_study
from tests.in_process import eyechart

pytestmark = pytest.mark.slow

COMMAND = ("study", "vit-ladder", "-d", "digits", "--seeds", "0", "--threads", "1", "--levels", "0,1")


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ladder")
    result = eyechart(*COMMAND, "-m", "tutorial_vit", "-o", str(folder))
    assert result.returncode == 0, result.stderr
    return folder


def test_what_is_trained_is_recorded(output: Path) -> None:
    record = json.loads((output / "vit-ladder-digits" / "ladder.json").read_text())
    assert [rung["name"] for rung in record["rungs"] if rung["climber"]] == ["as_written", "logits"]
    assert record["rungs"][1]["step"]["num_seeds"] == 1
    assert record["loops"]["loop_seconds"] > 2 * record["loops"]["vector_seconds"]


@pytest.mark.parametrize(("precision", "on_a_cpu"), [("tf32", "float32"), ("bfloat16", "bfloat16")])
def test_loops_are_timed_on_a_cpu_whatever_the_ladder_was_trained_on(precision: str, on_a_cpu: str) -> None:
    """On a GPU it would have failed after everything was trained."""
    like = plan_study("tutorial_vit", "digits", "smoke", device="cuda", precision=precision)
    with pytest.MonkeyPatch.context() as patch:
        asked: list[RunJob] = []
        step_of = ladder_pace._step_of
        patch.setattr(ladder_pace, "_step_of", lambda job: (asked.append(job), step_of(job))[1])
        assert ladder_pace.loop_pace(like, offline=True, num_steps=1).loop_seconds > 0
    assert {(job.rules.device, job.rules.precision) for job in asked} == {("cpu", on_a_cpu)}


def test_it_goes_on_with_what_is_missing(output: Path) -> None:
    """A CNN beside the first rung; the runs that are there stay as they are."""
    run = output / "vit-ladder-digits" / "vit-ladder-digits-00-as_written" / "tutorial_vit-s0" / "run.json"
    before = run.read_bytes()
    result = eyechart(*COMMAND, "-o", str(output), "--json")
    assert result.returncode == 0, result.stderr
    first = json.loads(result.stdout)["rungs"][0]
    assert abs(first["cnn"]["parameters"] / first["climber"]["parameters"] - 1) <= 0.02
    assert run.read_bytes() == before


def test_a_dry_run_counts_what_is_left(output: Path) -> None:
    result = eyechart(*COMMAND, "-m", "tutorial_vit", "-o", str(output), "--dry-run", "--json")
    assert [rung["runs"] for rung in json.loads(result.stdout)] == [0, 0], result.stderr
    told = eyechart(*COMMAND[:-4], "--threads", 1, "--seeds", "0,1", "--levels", "0,1", "-m", "tutorial_vit", "-o",
                    str(output), "--dry-run").stdout  # fmt: skip
    assert "logits  1 runs" in told


def test_a_dry_run_trains_nothing(output: Path, tmp_path: Path) -> None:
    result = eyechart(*COMMAND, "-o", str(tmp_path), "--dry-run")
    assert result.returncode == 0, result.stderr
    assert "logits  1 runs" in result.stdout
    assert "Nothing was trained." in result.stdout
    assert not list(tmp_path.iterdir())
