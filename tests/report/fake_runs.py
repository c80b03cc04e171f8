"""Synthetic run folders with the shape of real ones, for testing the mechanics of the page; nobody trained anything.

By hand: `python tests/report/fake_runs.py FOLDER` writes a study of five contenders there.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np

from eyechart.files.storage import (
    PREDICTIONS_FILE,
    RUN_FILE,
    VALIDATION_FILE,
    digest_arrays,
    read_arrays,
    read_run,
    write_arrays,
    write_record,
)
from eyechart.schema import (
    Augmentation,
    Budget,
    Clocks,
    Cost,
    DatasetCard,
    DetectionScores,
    HistoryPoint,
    Host,
    Plan,
    Preprocessing,
    Recipe,
    Rules,
    RunRecord,
    Segment,
    SplitsCard,
    Temperature,
    WeightsOrigin,
)
from eyechart.scoring.metrics import score

DIGITS = tuple("0123456789")
ITEMS_FILE = "items-0123456789ab.npz"
VALIDATION_ITEMS_FILE = "items-ba9876543210.npz"
# 5 rows of 3 pixels for each digit
GLYPHS = {
    0: "111101101101111", 1: "010110010010111", 2: "111001111100111", 3: "111001111001111", 4: "101101111001001",
    5: "111100111001111", 6: "111100111101111", 7: "111001010010010", 8: "111101111101111", 9: "111101111001111",
}  # fmt: skip


class Fake:
    """What a made-up contender is like."""

    def __init__(self, error: float, parameters: int, latency: float, origin: str = "", detector: bool = False):
        self.error, self.parameters, self.latency = error, parameters, latency
        self.origin, self.detector = origin, detector


FIVE = {
    "cnn": Fake(0.008, 70_000, 0.0009),
    "alexnet": Fake(0.013, 2_900_000, 0.004, "ImageNet-1k"),
    "vit": Fake(0.03, 205_386, 0.002),
    "vgg16": Fake(0.05, 14_900_000, 0.012, "ImageNet-1k"),
    "fasterrcnn": Fake(0.08, 1_200_000, 0.03, detector=True),
}


def fake_study(
    folder: Path,
    fakes: dict[str, Fake] | None = None,
    seeds: tuple[int, ...] = (0,),
    *,
    num_items: int = 2000,
    classes: tuple[str, ...] = DIGITS,
    dataset: str = "mnist",
    preset: str = "quick",
    with_arrays: bool = True,
    diverged: tuple[str, ...] = (),
    absent: tuple[int, ...] = (),
) -> list[Path]:
    """Write a study, give its run folders; `diverged` names runs ("vit-s1"), without arrays only run.json is there.

    The test part has no image of the classes `absent`.
    """
    labels, images, boxes = fake_items(num_items, len(classes))
    is_there = ~np.isin(labels, absent)
    labels, images, boxes = labels[is_there], images[is_there], boxes[is_there]
    if with_arrays:
        write_arrays(folder / ITEMS_FILE, {"images": images, "labels": labels, "true_boxes": boxes})
    folders = []
    for index, (name, fake) in enumerate((fakes or FIVE).items()):
        for seed in seeds:
            run = folder / f"{name.replace(':', '-')}-s{seed}"
            random = np.random.default_rng([index, seed])
            error = 0.9 if run.name in diverged else fake.error * float(random.uniform(0.9, 1.1))
            probabilities = fake_probabilities(labels, len(classes), error, random)
            arrays = {"probabilities": probabilities}
            if fake.detector:
                arrays |= fake_boxes(probabilities, boxes[:, 0], random)
            if with_arrays:
                write_arrays(run / PREDICTIONS_FILE, arrays)
            record = fake_record(run, name, fake, seed, labels, probabilities, classes, dataset, preset)
            missing = {"test": tuple(classes[k] for k in absent)} if absent else None
            splits = record.splits.model_copy(
                update={"test_sha256": _part_sha(images, labels), "missing_classes": missing}
            )
            record = record.model_copy(update={"splits": splits, "predictions_sha256": digest_arrays(arrays)})
            if run.name in diverged:
                record = record.model_copy(update={"status": "diverged"})
            write_record(run / RUN_FILE, record)
            folders.append(run)
    return folders


def keep_validation(folders: list[Path], num_items: int) -> None:
    """Give runs of one study validation answers, those to its first test images, whose pixels are inverted."""
    study = folders[0].parent
    items = read_arrays(study / ITEMS_FILE)
    write_arrays(
        study / VALIDATION_ITEMS_FILE,
        {"images": 255 - items["images"][:num_items], "labels": items["labels"][:num_items]},
    )
    for run in folders:
        answers = read_arrays(run / PREDICTIONS_FILE)["probabilities"]
        write_arrays(run / VALIDATION_FILE, {"probabilities": answers[:num_items]})
        record = read_run(run).model_copy(update={"validation_items": VALIDATION_ITEMS_FILE})
        write_record(run / RUN_FILE, record)


def fake_items(num_items: int, num_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels (N,), images uint8 (N, 1, 28, 28) of blocky noisy digits, and the boxes of their ink (N, 1, 4)."""
    random = np.random.default_rng(7)
    labels = random.integers(0, num_classes, num_items)
    images = random.normal(8, 8, (num_items, 1, 28, 28))
    boxes = np.zeros((num_items, 1, 4), np.float32)
    for i, label in enumerate(labels):
        glyph = np.array([int(bit) for bit in GLYPHS[int(label) % 10]]).reshape(5, 3)
        ink = np.kron(glyph, np.ones((4, 4))) * random.uniform(150, 255)
        top, left = random.integers(1, 8), random.integers(3, 13)
        images[i, 0, top : top + 20, left : left + 12] += ink
        boxes[i, 0] = (left, top, left + 12, top + 20)
    return labels.astype(np.int64), images.clip(0, 255).astype(np.uint8), boxes


def fake_probabilities(labels: np.ndarray, num_classes: int, error: float, random: np.random.Generator) -> np.ndarray:
    """float32 (N, K): right but for about `error` of the items, less sure where wrong; some items are hard for all."""
    hard = np.random.default_rng(3).random(len(labels)) < 0.02
    wrong = random.random(len(labels)) < np.where(hard, min(1.0, 12 * error), 0.8 * error)
    answers = np.where(wrong, (labels + random.integers(1, num_classes, len(labels))) % num_classes, labels)
    swap = wrong & (labels == 4 % num_classes) & (random.random(len(labels)) < 0.7)
    answers = np.where(swap, 9 % num_classes, answers) if num_classes > 9 else answers
    logits = random.normal(0, 1, (len(labels), num_classes))
    logits[np.arange(len(labels)), answers] += np.where(wrong, random.uniform(3, 6, len(labels)), 9)
    logits[np.arange(len(labels)), labels] += np.where(wrong, 2, 0)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def fake_boxes(probabilities: np.ndarray, true_boxes: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
    """One box an image near the true one, sometimes a second; none on every 50th image."""
    first = np.flatnonzero(np.arange(len(true_boxes)) % 50 != 49)
    second = first[::7]
    image = np.concatenate([first, second]).astype(np.int32)
    boxes = true_boxes[image] + random.normal(0, 0.8, (len(image), 4)).astype(np.float32)
    ranked = np.argsort(-probabilities, axis=1)
    labels = np.concatenate([ranked[first, 0], ranked[second, 1]]).astype(np.int32)
    scores = np.concatenate([probabilities[first].max(axis=1), random.uniform(0.31, 0.6, len(second))])
    return {
        "box_image": image,
        "boxes": boxes.clip(0, 28).astype(np.float32),
        "box_scores": scores.astype(np.float32),
        "box_labels": labels,
    }


# --------------------------------------------------------------------------------------------- records


def fake_history(error: float, seconds: float, epochs: float, seed: int) -> tuple[HistoryPoint, ...]:
    random = np.random.default_rng(seed)
    points = []
    for i in range(1, 9):
        part = (i / 8) ** 1.5
        wrong = float(error + (0.7 - error) * np.exp(-6 * part)) * random.uniform(0.93, 1.07)
        points.append(
            HistoryPoint(
                step=int(400 * part),
                images_seen=int(57_000 * epochs * part),
                epoch=epochs * part,
                training_seconds=seconds * part,
                learning_rate=0.1 * (1 - part),
                train_loss=3.5 * wrong + 0.02,
                validation_loss=3.2 * wrong,
                validation_accuracy=1 - wrong,
            )
        )
    return tuple(points)


def fake_record(
    folder: Path, name: str, fake: Fake, seed: int, labels: np.ndarray, probabilities: np.ndarray,
    classes: tuple[str, ...], dataset: str, preset: str,
) -> RunRecord:  # fmt: skip
    base = name.split(":")[0]
    scores = score(labels, probabilities)
    budget = Budget(unit="seconds", amount=60)
    seconds = 60.0 + seed * 0.3 - 0.1 * len(name)
    epochs = 5.0 / (1 + fake.parameters / 1e6)
    return RunRecord(
        study=folder.parent.name, run=folder.name, contender=name, status="finished", seed=seed,
        recipe=Recipe(
            contender=base, title=f"A made-up {base}", epochs=4, batch_size=128, optimizer="sgd", learning_rate=0.3,
            augmentation=Augmentation(shift_pixels=1.0), source="made up for tests", expect="nothing",
        ),
        rules=Rules(preset=preset, dataset=dataset, budget=budget if preset == "quick" else None),
        plan=Plan(
            num_steps=400, batch_size=128, num_train_images=57_000, budget=budget, step_seconds=0.15,
            evaluation_steps=tuple(range(50, 401, 50)),
        ),
        dataset=DatasetCard(
            name=dataset, title={"mnist": "MNIST"}.get(dataset, dataset), source="made up", licence="none",
            content_sha256=_sha(dataset), classes=classes, num_channels=1, height=28, width=28, num_train=60_000,
            num_test=len(labels),
        ),
        splits=SplitsCard(
            train_sha256=_sha(f"train {seed}"), validation_sha256=_sha(f"validation {seed}"), test_sha256=_sha("test"),
            num_train=57_000, num_validation=3000, num_test=len(labels),
        ),
        weights=WeightsOrigin(
            name="imagenet" if fake.origin else "none",
            description="made up" if fake.origin else "random initialisation", pretrained_on=fake.origin,
        ),
        preprocessing=Preprocessing(
            image_channels=1, image_height=28, image_width=28, input_channels=1, input_height=28, input_width=28,
            mean=(0.13,), std=(0.31,),
        ),
        history=fake_history(fake.error, seconds, epochs, seed), validation=scores, test=scores,
        temperature=Temperature(value=1.0, num_items=3000, reason="fitted"),
        detection=DetectionScores(
            mean_iou=0.86, map=0.71, map50=0.97, map75=0.84, found_fraction=0.98, num_boxes=len(labels)
        ) if fake.detector else None,
        clocks=Clocks(
            preparation_seconds=7.1, training_seconds=seconds, evaluation_seconds=9.4, checkpoint_seconds=0.2,
            total_seconds=seconds + 17, training_cpu_seconds=seconds * 1.9,
            segments=(
                Segment(started_at="2025-01-01T00:00:00Z", first_step=0, last_step=400, training_seconds=seconds),
            ),
        ),
        cost=Cost(
            num_parameters=fake.parameters, num_trainable=fake.parameters, forward_flops=fake.parameters * 120.0,
            training_flops=fake.parameters * 360.0, peak_memory_bytes=412_000_000,
            inference_images_per_second=6 / fake.latency, latency_seconds=fake.latency,
            matmul_flops_per_second=1.4e11, mfu=0.41,
        ),
        host=Host(
            hostname="made-up", platform="Linux", cpu="a CPU", num_cores=2, memory_bytes=8_000_000_000, device="cpu",
            num_threads=2, python="3.12.1", versions={"torch": "2.14.1", "eyechart": "0.1.0"}, commit="0123abc",
        ),
        test_accesses=1, weights_sha256=_sha(folder.name), predictions_sha256=_sha(folder.name + "p"),
        items=ITEMS_FILE, command=f"eyechart run -m {name} -d {dataset} --seeds {seed} --preset {preset}",
        started_at="2025-01-01T00:00:00Z", finished_at="2025-01-01T00:02:00Z",
    )  # fmt: skip


def _part_sha(images: np.ndarray, labels: np.ndarray) -> str:
    """As data/content.py hashes a part."""
    return hashlib.sha256(images.tobytes() + labels.astype("<i8").tobytes()).hexdigest()


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    fake_study(Path(sys.argv[1]), seeds=tuple(range(int(sys.argv[2]) if len(sys.argv) > 2 else 1)))
