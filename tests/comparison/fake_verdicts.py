"""Runs on the disk with answers that are known exactly, for tests of verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from eyechart.files.storage import PREDICTIONS_FILE, RUN_FILE, write_arrays, write_record
from eyechart.schema import Comparison, Verdict
from tests.report.fake_runs import DIGITS, ITEMS_FILE, Fake, fake_record

NUM_ITEMS = 400
LABELS = np.arange(NUM_ITEMS) % 10


def right_but_for(wrong: Iterable[int], sure: float = 0.97) -> np.ndarray:
    """Probabilities (400, 10): the right class but for the items `wrong`, which get the next one."""
    answers = LABELS.copy()
    places = np.array(list(wrong), int)
    answers[places] = (answers[places] + 1) % 10
    probabilities = np.full((NUM_ITEMS, 10), (1 - sure) / 9, np.float32)
    probabilities[np.arange(NUM_ITEMS), answers] = sure
    return probabilities


def made_up_run(
    study: Path, name: str, seed: int, probabilities: np.ndarray, *, seconds: float = 60.0, dataset: str = "mnist",
    preset: str = "standard", status: str = "finished",
) -> Path:  # fmt: skip
    """Write one run; its folder."""
    folder = study / f"{name}-s{seed}"
    write_arrays(folder / PREDICTIONS_FILE, {"probabilities": probabilities.astype(np.float32)})
    if not (study / ITEMS_FILE).exists():
        write_arrays(study / ITEMS_FILE, {"images": np.zeros((NUM_ITEMS, 1, 2, 2), np.uint8), "labels": LABELS})
    fake = Fake(0.01, 70_000, 0.001)
    record = fake_record(folder, name, fake, seed, LABELS, probabilities, DIGITS, dataset, preset)
    clocks = record.clocks.model_copy(update={"training_seconds": seconds + 0.1 * seed})
    write_record(folder / RUN_FILE, record.model_copy(update={"clocks": clocks, "status": status}))
    return folder


def made_up_study(
    study: Path, errors: dict[str, float], seeds: tuple[int, ...], *, seconds: dict[str, float] | None = None,
    dataset: str = "mnist", preset: str = "standard",
) -> list[Path]:  # fmt: skip
    """Contenders that get each item wrong with a probability of their own, independently."""
    folders = []
    for index, (name, error) in enumerate(errors.items()):
        for seed in seeds:
            wrong = np.flatnonzero(np.random.default_rng([index, seed]).random(NUM_ITEMS) < error)
            folders.append(
                made_up_run(study, name, seed, right_but_for(wrong), seconds=(seconds or {}).get(name, 60.0),
                            dataset=dataset, preset=preset)
            )  # fmt: skip
    return folders


def verdict_of(comparison: Comparison, one: str, other: str, metric: str = "accuracy") -> Verdict:
    return next(v for v in comparison.verdicts if v.metric == metric and {v.first, v.second} == {one, other})
