"""Run files of earlier versions are read in today's form; later ones are refused politely."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from eyechart.base.errors import StorageError
from eyechart.files import storage
from eyechart.schema import RUN_VERSION
from eyechart.schema.versions import upgraded_run
from eyechart.scoring import temperature


@pytest.fixture
def run(tmp_path: Path, fake_runs: ModuleType) -> Path:
    folders = fake_runs.fake_study(tmp_path / "study", seeds=(0,), num_items=500)
    fake_runs.keep_validation(folders, 400)
    return tmp_path / "study" / "vgg16-s0"


def as_version_1(run: Path) -> None:
    """Rewrite run.json as the first version wrote it: the raw loss as `loss`, and no temperature."""
    raw = json.loads((run / storage.RUN_FILE).read_text(encoding="utf-8"))
    for part in ("test", "validation"):
        raw[part]["loss"] = raw[part].pop("raw_loss")
    del raw["temperature"]
    raw["schema_version"] = 1
    (run / storage.RUN_FILE).write_text(json.dumps(raw), encoding="utf-8")


def test_the_loss_of_an_old_run_is_worked_out_from_its_stored_answers(run: Path) -> None:
    before = storage.read_run(run)
    as_version_1(run)
    after = storage.read_run(run)
    items = storage.read_arrays(run.parent / after.validation_items)
    answers = storage.read_arrays(run / storage.VALIDATION_FILE)
    assert after.temperature == temperature.fit(items["labels"], answers["probabilities"])
    assert after.test.raw_loss == before.test.raw_loss
    assert after.test.loss < after.test.raw_loss, "a temperature that is fitted helps on images like these"
    labels = storage.read_arrays(run.parent / after.items)["labels"]
    probabilities = storage.read_arrays(run / storage.PREDICTIONS_FILE)["probabilities"]
    assert after.test.loss == temperature.loss_after(after.temperature.value, labels, probabilities)


def test_an_old_run_without_its_answers_has_no_temperature(run: Path) -> None:
    as_version_1(run)
    (run / storage.VALIDATION_FILE).unlink()
    after = storage.read_run(run)
    assert after.temperature is None
    assert after.test.loss == after.test.raw_loss


def test_a_later_version_is_refused(run: Path) -> None:
    raw = json.loads((run / storage.RUN_FILE).read_text(encoding="utf-8"))
    raw["schema_version"] = RUN_VERSION + 1
    raw["unheard_of"] = True
    (run / storage.RUN_FILE).write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(StorageError, match=r"a later one wrote it. Update eyechart"):
        storage.read_run(run)


def test_no_json_is_told_as_such(run: Path) -> None:
    (run / storage.RUN_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(StorageError, match="it is no JSON"):
        storage.read_run(run)


def test_todays_form_is_left_alone() -> None:
    raw = {"schema_version": RUN_VERSION, "test": {"loss": 1.0, "raw_loss": 2.0}}
    assert upgraded_run(raw) == raw
