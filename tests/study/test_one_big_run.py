"""`eyechart train` under torchrun: the run of one process, stopped and resumed, and what cannot be shared."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from eyechart.base.errors import UsageError
from eyechart.files import storage
from eyechart.inference.saved import load_run_model
from eyechart.study.one_big_run import check_shareable, with_stored_threads
from eyechart.study.plan import plan_study
from tests.training.test_together import TORCHRUN

CPU = torch.device("cpu")


def command(folder: Path, *more: str) -> list[str]:
    fixed = ["train", "-m", "cnn", "-d", "digits", "--device", "cpu", "-b", "50", "--threads", "1"]
    return ["-m", "eyechart", *fixed, "-o", str(folder), *more]


def trained(start: list[str], folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"EYECHART_OFFLINE": "1"}
    return subprocess.run(
        [*start, *command(folder, *more)], capture_output=True, text=True, timeout=500, env=environment, check=False
    )


@pytest.mark.slow
def test_two_processes_make_the_run_of_one(tmp_path: Path) -> None:
    budget = ("--steps", "20", "--lr", "0.01", "--name", "study")  # gentle: rounding stays small
    one = trained([sys.executable], tmp_path / "one", *budget)
    two = trained(list(TORCHRUN), tmp_path / "two", *budget)
    assert (one.returncode, two.returncode) == (0, 0), one.stderr + two.stderr
    records = [storage.read_run(tmp_path / place / "study" / "cnn-s0") for place in ("one", "two")]
    assert [record.num_processes for record in records] == [1, 2]
    assert [record.test_accesses for record in records] == [1, 1]
    assert records[0].splits == records[1].splits
    losses = [[point.train_loss for point in record.history] for record in records]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    models = [load_run_model(tmp_path / place / "study" / "cnn-s0", CPU)[1] for place in ("one", "two")]
    flat = [torch.cat([weight.flatten() for weight in model.parameters()]) for model in models]  # type: ignore[union-attr]
    assert (flat[0] - flat[1]).norm() < 1e-3 * flat[0].norm()


@pytest.mark.slow
def test_two_hosts_make_the_run_of_one_to_the_last_bit(tmp_path: Path) -> None:
    """Two torchruns of one process each, which find each other by an address, as on two machines."""
    budget = ("--steps", "20", "--name", "study")
    one_host = trained(list(TORCHRUN), tmp_path / "one", *budget)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    meet = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1",
            "--master-addr", "127.0.0.1", "--master-port", port]  # fmt: skip
    with ThreadPoolExecutor(2) as hosts:
        two_hosts = list(
            hosts.map(lambda rank: trained([*meet, "--node-rank", rank], tmp_path / "two", *budget), ["0", "1"])
        )
    assert [host.returncode for host in (one_host, *two_hosts)] == [0, 0, 0], two_hosts[0].stderr + two_hosts[1].stderr
    records = [storage.read_run(tmp_path / place / "study" / "cnn-s0") for place in ("one", "two")]
    assert [record.num_processes for record in records] == [2, 2]
    assert records[0].weights_sha256 == records[1].weights_sha256
    assert records[0].predictions_sha256 == records[1].predictions_sha256


@pytest.mark.slow
def test_it_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    budget = ("--steps", "2000", "--name", "study")
    process = subprocess.Popen(
        [*TORCHRUN, *command(tmp_path, *budget)], stderr=subprocess.PIPE, text=True,
        env=os.environ | {"EYECHART_OFFLINE": "1"}, start_new_session=True,
    )  # fmt: skip
    assert process.stderr
    for line in process.stderr:
        if "training  step" in line:
            break
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    said = process.stderr.read()
    assert process.wait(120) != 0
    run = tmp_path / "study" / "cnn-s0"
    assert (run / storage.CHECKPOINT_FILE).is_file(), said
    again = trained(list(TORCHRUN), tmp_path, *budget, "--resume")
    assert again.returncode == 0, again.stderr
    record = storage.read_run(run)
    assert len(record.clocks.segments) == 2
    assert record.clocks.segments[0].last_step == record.clocks.segments[1].first_step
    assert not (run / storage.CHECKPOINT_FILE).exists()


def test_threads_are_those_that_it_began_with_however_many_processes_go_on(tmp_path: Path) -> None:
    begun, now = (plan_study("cnn", num_threads=number) for number in (1, 2))
    assert with_stored_threads(now, tmp_path) is now, "there is nothing to go on with"
    storage.write_record(tmp_path / storage.STUDY_FILE, begun)
    assert with_stored_threads(now, tmp_path) == now.model_copy(update={"rules": begun.rules})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "quick"}, "A budget in seconds is paced by one clock"),
        ({"changes": {"batch_size": 3}}, "A batch of 3 images is too small for 4 processes"),
    ],
)
def test_what_several_processes_cannot_do(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_shareable(plan_study("cnn", **{"preset": "standard"} | changes), 4)  # type: ignore[arg-type]
