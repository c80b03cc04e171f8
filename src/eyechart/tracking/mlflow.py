"""Runs for MLflow: one experiment a study, one MLflow run a run, in a folder, a database or on a server."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from eyechart.base.errors import StorageError
from eyechart.files import storage
from eyechart.schema import RunRecord
from eyechart.tracking import told

MOST_METRICS, MOST_PARAMS = 1000, 100  # in one batch, as MLflow says
FOLDERS_VARIABLE = "MLFLOW_ALLOW_FILE_STORE"  # `mlflow ui` on a folder asks for it as well
HASH_TAG = "eyechart.run_sha256"

Value = TypeVar("Value")


def write_run(run_folder: Path, place: str) -> bool:
    """Write one run to a folder, or to a server by its address; False where it is there already.

    Raises UsageError without mlflow, StorageError for what is no run or a place that takes nothing.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nobody asked it to tell its makers of us
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise told.missing_package("MLflow", "mlflow-skinny") from None
    run, mark = storage.read_run(run_folder), told.hash_of(run_folder)
    try:
        client = MlflowClient(tracking_uri=_address(place))
        experiment = _experiment(client, run.study)
        is_whole = f"tags.`{HASH_TAG}` = '{mark}' and attributes.status != 'RUNNING'"
        if client.search_runs([experiment], filter_string=is_whole):
            return False
        _write(client, experiment, run, mark)
    except (MlflowException, OSError) as error:
        raise StorageError(f"MLflow could not write {run.run} to {place}: {error}") from error
    return True


def _address(place: str) -> str:
    """Of a folder its file: address; what is an address stays one, such as that of a server or of a database."""
    if "://" in place:
        return place
    os.environ.setdefault(FOLDERS_VARIABLE, "true")  # MLflow prefers databases, which need more than mlflow-skinny
    return Path(place).absolute().as_uri()


def _experiment(client: Any, study: str) -> str:
    found = client.get_experiment_by_name(study)
    return str(found.experiment_id if found else client.create_experiment(study))


def _write(client: Any, experiment: str, run: RunRecord, mark: str) -> None:
    """The run is "running" until all of it is written, so that one that was cut off is told from one that is whole."""
    from mlflow.entities import Metric, Param

    tags = {HASH_TAG: mark, "mlflow.note.content": f"eyechart: {run.command}", "status": run.status}
    begun = client.create_run(experiment, start_time=_milliseconds(told.started_at(run)), run_name=run.run, tags=tags)
    name = begun.info.run_id
    points = [Metric(each.name, each.value, _milliseconds(each.time), each.step) for each in told.curves_of(run)]
    points += [
        Metric(each, value, _milliseconds(told.ended_at(run)), run.plan.num_steps)
        for each, value in told.results_of(run).items()
    ]
    for batch in _batches(points, MOST_METRICS):
        client.log_batch(name, metrics=batch)
    for params in _batches([Param(key, str(value)) for key, value in told.settings_of(run).items()], MOST_PARAMS):
        client.log_batch(name, params=params)
    client.set_terminated(name, status="FINISHED", end_time=_milliseconds(told.ended_at(run)))


def _batches(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    left = iter(values)
    while batch := list(islice(left, size)):
        yield batch


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
