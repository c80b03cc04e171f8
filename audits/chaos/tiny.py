"""Runs small enough to be killed hundreds of times, and what must be the same whatever happened to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from audits.small_mnist import write_small_mnist
from eyechart.files import storage
from eyechart.schema import Budget, RunJob
from eyechart.study.plan import jobs_of, plan_study

NUM_STEPS = 8
TRUNK = {"options": {"last_stage": 3, "batch_norm": True, "head_width": 16}, "batch_size": 8}
CHANGES: dict[str, dict[str, Any]] = {
    "cnn": {"options": {"first_maps": 8, "last_maps": 32, "logit_scale": 0.25}, "batch_size": 8},
    "vit": {"options": {"patch_pixels": 7, "token_width": 32, "num_blocks": 2, "num_heads": 2}, "batch_size": 8},
    "vgg16:none": TRUNK,
    "alexnet:none": TRUNK,
    "fasterrcnn": {"batch_size": 2},
}
CONTENDERS = tuple(CHANGES)
NO_TIMES = {"training_seconds"}


def tiny_job(contender: str, folder: Path, place: str) -> RunJob:
    """A run of eight steps on a hundred images of MNIST, in `folder`/`place`, on one thread of the CPU."""
    data = write_small_mnist(folder / "data", 30, 10)
    record = plan_study(
        [contender], str(data), "smoke", (0,), name=place, changes=CHANGES[contender], device="cpu",
        precision="float32", num_threads=1, budget=Budget(unit="steps", amount=NUM_STEPS), num_evaluations=2,
        fraction=0.5, max_test_images=40, least_validation_images=20,
    )  # fmt: skip
    return jobs_of(record, folder / place, offline=True)[0]


def fingerprint_of(folder: Path) -> dict[str, Any]:
    """What a finished run is, but for its times; what the files hold, and not only what run.json says of them."""
    record = storage.read_run(folder)
    return {
        "weights": record.weights_sha256,
        "weights_file": storage.digest_arrays(load_file(folder / storage.WEIGHTS_FILE)),
        "predictions": record.predictions_sha256,
        "predictions_file": storage.digest_arrays(storage.read_arrays(folder / storage.PREDICTIONS_FILE)),
        "validation_file": storage.digest_arrays(storage.read_arrays(folder / storage.VALIDATION_FILE)),
        "history": [point.model_dump(mode="json", exclude=NO_TIMES) for point in record.history],
        "test": record.test.model_dump(mode="json") if record.test else None,
        "last_step": record.clocks.segments[-1].last_step,
    }


def leftovers(folder: Path) -> list[str]:
    """What must not lie beside a finished run: half-written files and checkpoints."""
    names = {path.name for path in folder.glob(".*.partial")}
    return sorted(names | {name for name in storage.CHECKPOINT_FILES if (folder / name).exists()})
