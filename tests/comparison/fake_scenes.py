"""Made-up studies on scenes: boxes near the true ones, as far away as a detector is bad, with records that follow."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import ModuleType

import numpy as np

from eyechart.files.storage import PREDICTIONS_FILE, RUN_FILE, digest_arrays, write_arrays, write_record
from eyechart.schema.contracts import FoundBoxes, Predictions
from eyechart.schema.objects import OBJECT_ARRAYS, Objects, objects_of
from eyechart.scoring.detection import score_found

CLASSES = ("cat", "dog", "cow")
SIZE = 64


def objects(num_images: int) -> Objects:
    random = np.random.default_rng(1)
    made = []
    for _ in range(num_images):
        number = int(random.integers(0, 5))
        corners = random.uniform(0, 40, (number, 2))
        boxes = np.concatenate([corners, corners + random.uniform(10, 24, (number, 2))], axis=1)
        made.append((boxes.tolist(), random.integers(0, len(CLASSES), number).tolist(), [False] * number))
    found = objects_of(made)
    return Objects(found.offsets, found.boxes.astype(np.float32), found.labels, found.crowds, found.areas)


def boxes_found(truth: Objects, error: float, random: np.random.Generator) -> FoundBoxes:
    """`error` pixels off at each edge, another class with that chance in tens of per cent."""
    image = np.repeat(np.arange(len(truth)), truth.counts).astype(np.int32)
    boxes = (truth.boxes + random.normal(0, error, truth.boxes.shape)).astype(np.float32)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    wrong = random.random(len(image)) < error / 10
    labels = np.where(wrong, (truth.labels + 1) % len(CLASSES), truth.labels).astype(np.int32)
    return FoundBoxes(image, boxes, random.uniform(0.3, 1, len(image)).astype(np.float32), labels)


def fake_scene_study(
    folder: Path, fake_runs: ModuleType, errors: dict[str, float], seeds: tuple[int, ...] = (0,), num_images: int = 80
) -> list[Path]:
    """Runs of contenders that are `errors` pixels off; their folders."""
    truth = objects(num_images)
    random = np.random.default_rng(5)
    images = random.integers(0, 255, (num_images, 1, SIZE, SIZE)).astype(np.uint8)
    labels = np.zeros(num_images, np.int64)
    items = {"images": images, "labels": labels, **{f"object_{name}": getattr(truth, name) for name in OBJECT_ARRAYS}}
    digest = hashlib.sha256(images.tobytes() + labels.astype("<i8").tobytes())
    for taken_in in truth.bytes_for_hash:
        digest.update(taken_in)
    write_arrays(folder / fake_runs.ITEMS_FILE, items)
    folders = []
    for name, error in errors.items():
        for seed in seeds:
            run = folder / f"{name}-s{seed}"
            found = boxes_found(truth, error * (1 + 0.05 * seed), np.random.default_rng([seed, len(name)]))
            arrays = Predictions(np.zeros((num_images, len(CLASSES)), np.float32), *found).arrays()
            write_arrays(run / PREDICTIONS_FILE, arrays)
            fake = fake_runs.Fake(0.01, 100_000, 0.01, detector=True)
            answers = np.full((num_images, len(CLASSES)), 1 / 3, np.float32)
            record = fake_runs.fake_record(run, name, fake, seed, labels, answers, CLASSES, "farm", "quick")
            scores = score_found(found, truth, len(CLASSES))
            history = tuple(
                point.model_copy(
                    update={
                        "validation_accuracy": None,
                        "validation_map": scores.map * number / len(record.history),
                        "validation_losses": {"objectness": 1 / number, "classes": 2 / number},
                    }
                )
                for number, point in enumerate(record.history, 1)
            )
            record = record.model_copy(
                update={
                    "dataset": record.dataset.model_copy(update={"task": "detection", "height": SIZE, "width": SIZE}),
                    "splits": record.splits.model_copy(update={"test_sha256": digest.hexdigest()}),
                    "history": history,
                    "temperature": None,
                    "validation": None,
                    "test": None,
                    "detection": scores,
                    "validation_detection": scores,
                    "predictions_sha256": digest_arrays(arrays),
                }
            )
            write_record(run / RUN_FILE, record)
            folders.append(run)
    return folders
