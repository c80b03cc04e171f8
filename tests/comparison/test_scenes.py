"""Studies on scenes compared: verdicts on mAP, and alarms on boxes that cannot be."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from eyechart.base.errors import UsageError
from eyechart.comparison.compare import compare_runs
from eyechart.comparison.findings import find
from eyechart.files.storage import (
    PREDICTIONS_FILE,
    RUN_FILE,
    digest_arrays,
    read_arrays,
    read_run,
    write_arrays,
    write_record,
)
from eyechart.schema import Verdict
from eyechart.words.findings import sentence
from eyechart.words.verdicts import sentence as verdict_sentence
from tests.comparison.fake_scenes import fake_scene_study


def verdict(folders: list[Path]) -> Verdict:
    comparison = compare_runs(folders)
    assert comparison.primary == "map"
    assert {each.metric for each in comparison.verdicts} <= {"map", "training_seconds"}
    (found,) = [each for each in comparison.verdicts if each.metric == "map"]
    assert "exploratory" not in verdict_sentence(found, comparison)
    return found


def test_enough_seeds_decide_between_architectures(fake_runs: ModuleType, tmp_path: Path) -> None:
    found = verdict(fake_scene_study(tmp_path, fake_runs, {"good": 0.5, "poor": 3.0}, tuple(range(6))))
    assert (found.first, found.kind, found.scope) == ("good", "better", "architectures")
    assert found.low is not None
    assert 0 < found.low < found.difference
    assert found.mcnemar_p is None, "McNemar's test is of answers to whole images"


def test_one_seed_decides_between_these_runs_by_drawing_scenes_anew(fake_runs: ModuleType, tmp_path: Path) -> None:
    clear = verdict(fake_scene_study(tmp_path / "clear", fake_runs, {"good": 0.5, "poor": 3.0}))
    assert (clear.first, clear.kind, clear.scope) == ("good", "better", "these runs")
    assert clear.low is not None
    assert clear.low > 0
    level = verdict(fake_scene_study(tmp_path / "level", fake_runs, {"one": 1.5, "other": 1.5}))
    assert level.kind == "too few runs"
    assert level.low is not None
    assert level.low < 0


def test_eight_detectors_of_one_seed_can_be_told_apart(fake_runs: ModuleType, tmp_path: Path) -> None:
    """A thousand draws know no p below .002, which 28 pairs made .056: nobody was better than anybody."""
    folders = fake_scene_study(tmp_path, fake_runs, {f"d{number}": 0.3 + 1.2 * number for number in range(8)})
    found = [each for each in compare_runs(folders).verdicts if each.metric == "map"]
    assert len(found) == 28
    assert sum(each.kind == "better" for each in found) > 14


def test_scenes_without_an_object_are_compared_in_nothing(fake_runs: ModuleType, tmp_path: Path) -> None:
    """Their mAP is not a number: no verdict, and no crash after all that training."""
    folders = fake_scene_study(tmp_path, fake_runs, {"good": 0.5, "poor": 3.0})
    for folder in folders:
        run = read_run(folder)
        assert run.detection is not None
        none = {name: float("nan") for name in type(run.detection).model_fields if name.startswith(("map", "mar"))}
        write_record(folder / RUN_FILE, run.model_copy(update={"detection": run.detection.model_copy(update=none)}))
    assert "map" not in {each.metric for each in compare_runs(folders).verdicts}


def test_the_interval_is_that_of_other_scenes(fake_runs: ModuleType, tmp_path: Path) -> None:
    """A quarter of the scenes widens it about twice."""
    widths = []
    for number in (80, 320):
        found = verdict(fake_scene_study(tmp_path / str(number), fake_runs, {"good": 1.0, "poor": 2.0}, (0,), number))
        assert found.low is not None
        assert found.high is not None
        widths.append(found.high - found.low)
    assert 1.4 < widths[0] / widths[1] < 2.9


def test_a_run_on_scenes_is_not_compared_with_one_on_images(fake_runs: ModuleType, tmp_path: Path) -> None:
    folders = fake_scene_study(tmp_path / "scenes", fake_runs, {"good": 0.5})
    with pytest.raises(UsageError, match="different datasets"):
        compare_runs([*folders, *fake_runs.fake_study(tmp_path / "images", {"cnn": fake_runs.FIVE["cnn"]})])


def test_nothing_speaks_against_an_honest_study(fake_runs: ModuleType, tmp_path: Path) -> None:
    folders = fake_scene_study(tmp_path, fake_runs, {"good": 0.5, "poor": 3.0})
    assert not [each for each in find(folders) if each.kind == "alarm"]


def test_boxes_that_were_changed_are_an_alarm(fake_runs: ModuleType, tmp_path: Path) -> None:
    (run,) = fake_scene_study(tmp_path, fake_runs, {"good": 0.5})
    arrays = read_arrays(run / PREDICTIONS_FILE)
    arrays["boxes"] = arrays["boxes"] + 20
    write_arrays(run / PREDICTIONS_FILE, arrays)
    codes = {each.code for each in find([run])}
    assert {"predictions-changed", "boxes-not-from-answers"} <= codes
    told = [sentence(each) for each in find([run]) if each.code == "boxes-not-from-answers"]
    assert "the stored boxes give" in told[0]


def test_the_same_box_everywhere_is_an_alarm(fake_runs: ModuleType, tmp_path: Path) -> None:
    (run,) = fake_scene_study(tmp_path, fake_runs, {"good": 0.5})
    arrays = read_arrays(run / PREDICTIONS_FILE)
    arrays["boxes"] = np.tile(np.array([[4, 4, 60, 60]], np.float32), (len(arrays["boxes"]), 1))
    write_arrays(run / PREDICTIONS_FILE, arrays)
    record = read_run(run)
    write_record(run / RUN_FILE, record.model_copy(update={"predictions_sha256": digest_arrays(arrays)}))
    (found,) = [each for each in find([run]) if each.code == "same-box"]
    assert found.facts["share"] == 1.0


def test_missing_boxes_are_told_and_scores_are_compared_all_the_same(fake_runs: ModuleType, tmp_path: Path) -> None:
    folders = fake_scene_study(tmp_path, fake_runs, {"good": 0.5, "poor": 3.0}, tuple(range(6)))
    for run in folders:
        (run / PREDICTIONS_FILE).unlink()
    found = verdict(folders)
    assert found.kind == "better"
    assert {each.code for each in find(folders)} >= {"not-checked"}
