"""Runs as MLflow reads them back."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from eyechart.files.storage import read_run
from eyechart.tracking import mlflow

pytest.importorskip("mlflow", reason='mlflow-skinny is not installed: pip install "eyechart[track]"')


@pytest.fixture
def run(fake_runs: ModuleType, tmp_path: Path) -> Path:
    found: list[Path] = fake_runs.fake_study(tmp_path / "study", {"cnn": fake_runs.FIVE["cnn"]}, (0,), num_items=50)
    return found[0]


def test_a_run_is_read_back_and_written_once(run: Path, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    place = str(tmp_path / "mlruns")
    assert mlflow.write_run(run, place)
    assert not mlflow.write_run(run, place)
    record = read_run(run)
    client = MlflowClient(tracking_uri=Path(place).as_uri())
    experiment = client.get_experiment_by_name(record.study)
    (found,) = client.search_runs([experiment.experiment_id])
    assert (found.info.run_name, found.info.status) == (record.run, "FINISHED")
    assert found.data.params["recipe.learning_rate"] == str(record.recipe.learning_rate)
    assert found.data.metrics["test_accuracy"] == pytest.approx(record.mark)
    curve = client.get_metric_history(found.info.run_id, "validation_accuracy")
    assert [(each.step, each.value) for each in curve] == [
        (look.step, look.validation_accuracy) for look in record.history
    ]
