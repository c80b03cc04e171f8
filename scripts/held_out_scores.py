"""How runs read their validation images under spoilings outside the fifteen: for choosing a robust policy.

Usage: python scripts/held_out_scores.py RUN...

Each RUN is the folder of a finished classifier, such as runs/quick-mnist-robust/cnn-s0.  A line of JSON each: accuracy
on the untouched images, under every spoiling of data/corruptions/held_out.py, and the mean of these.  No test image is
read, so that the fifteen corruptions of `eyechart study corruption` can judge what was chosen.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from eyechart.base.errors import UsageError
from eyechart.base.plain_json import json_text
from eyechart.data.corruptions.apply import spoiled_by
from eyechart.data.corruptions.held_out import HELD_OUT
from eyechart.files import storage
from eyechart.inference import saved
from eyechart.inference.predictor import NetworkPredictor

if TYPE_CHECKING:
    from eyechart.schema.contracts import ContenderModel

DIGITS = 4  # after the point


def scores(folder: Path) -> dict[str, float]:
    """Accuracies 0..1 on validation images: untouched, each spoiling, their mean."""
    device = torch.device("cpu")
    record, model = saved.load_run_model(folder, device)
    if not record.validation_items:
        raise UsageError(f"{folder} kept no validation images; expected a run of today's eyechart. Train it again.")
    part = storage.read_arrays(folder.parent / record.validation_items)
    predictor = NetworkPredictor(cast("ContenderModel", model), device)

    def accuracy(images: np.ndarray) -> float:
        return float((predictor.answer(images).probabilities.argmax(axis=1) == part["labels"]).mean())

    found = {"untouched": accuracy(part["images"])}
    for name, spoiling in HELD_OUT.items():
        found[name] = accuracy(spoiled_by(spoiling, spoiling.parameters[0], part["images"]))
    return found | {"mean of the spoiled": float(np.mean([found[name] for name in HELD_OUT]))}


def main(folders: list[Path]) -> None:
    for folder in folders:
        told = {name: round(value, DIGITS) for name, value in scores(folder).items()}
        print(json_text({"run": f"{folder.parent.name}/{folder.name}"} | told), flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main([Path(argument) for argument in sys.argv[1:]])
