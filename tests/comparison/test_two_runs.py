"""What two runs have different, on the terminal and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from eyechart.comparison.two_runs import Difference, differences, is_same_to_the_bit
from eyechart.files.storage import RUN_FILE, read_run, write_record
from eyechart.schema import Segment
from tests.in_process import eyechart


@pytest.fixture
def runs(fake_runs: ModuleType, tmp_path: Path) -> list[Path]:
    two = {name: fake_runs.FIVE[name] for name in ("cnn", "vit")}
    found: list[Path] = fake_runs.fake_study(tmp_path / "study", two, (0,), num_items=100)
    return found


def test_a_run_differs_from_itself_in_nothing(runs: list[Path]) -> None:
    run = read_run(runs[0])
    assert differences(run, run) == []
    assert is_same_to_the_bit(run, run)
    told = eyechart("diff", runs[0], runs[0])
    assert "No setting, no result and no second differs." in told.stdout
    assert "the same to the last bit" in told.stdout


def test_causes_stand_before_effects_and_every_value_is_there(runs: list[Path]) -> None:
    run = read_run(runs[0])
    segment = Segment(started_at="", first_step=0, last_step=1, training_seconds=1.0)
    other = run.model_copy(
        update={
            "recipe": run.recipe.model_copy(update={"learning_rate": 0.25, "source": "other words"}),
            "seed": 7,
            "clocks": run.clocks.model_copy(update={"segments": (segment, *run.clocks.segments)}),
            "weights_sha256": "0" * 64,
        }
    )
    found = differences(run, other)
    assert [(each.group, each.field) for each in found] == [
        ("settings", "seed"), ("settings", "recipe.learning_rate"), ("costs", "clocks.segments"),
        ("bits", "weights_sha256"),
    ]  # fmt: skip
    assert found[1] == Difference("settings", "recipe.learning_rate", run.recipe.learning_rate, 0.25)
    assert found[2][2:] == (1, 2)
    assert not is_same_to_the_bit(run, other)


def test_on_the_terminal_and_as_json(runs: list[Path]) -> None:
    record = read_run(runs[0])
    write_record(runs[0] / RUN_FILE, record.model_copy(update={"host": record.host.model_copy(update={"cpu": "Z80"})}))
    told = eyechart("diff", runs[0], runs[1], COLUMNS="200")
    assert told.returncode == 0, told.stderr
    lines = [line.split() for line in told.stdout.splitlines()]
    assert ["settings", "contender", "cnn", "vit"] in lines
    assert any(line[:3] == ["machine", "host.cpu", "Z80"] for line in lines)
    assert lines[-1] == ["Weights", "and", "predictions", "are", "not", "the", "same."]
    listed = json.loads(eyechart("diff", runs[0], runs[1], "--json").stdout)
    assert {"group": "settings", "field": "contender", "first": "cnn", "second": "vit"} in listed
    assert eyechart("diff", runs[0], runs[0].parent).returncode == 1
