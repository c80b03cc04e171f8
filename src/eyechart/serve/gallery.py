"""The test images that cost the contenders most: good ones to try, because somebody is wrong on most of them.

From stored answers alone: nobody is asked again, and nothing is chosen by what comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eyechart.base.errors import StorageError
from eyechart.files.pictures import as_picture, png_url
from eyechart.files.storage import PREDICTIONS_FILE, read_arrays, read_run
from eyechart.schema import PROBABILITY_FLOOR, RunRecord
from eyechart.scoring.temperature import cooled
from eyechart.serve.answers import Gallery, GalleryImage

MOST_IMAGES = 24


def hardest(runs: Sequence[Path], most: int = MOST_IMAGES) -> Gallery:
    """Of runs of one study: the images with the highest mean loss, the hardest first.  Says why there are none."""
    records = [read_run(run) for run in runs]
    if records[0].task == "detection":
        return Gallery(images=(), left_out="Scenes have no loss of their own that was stored.")
    if len({record.items for record in records}) > 1:
        return Gallery(images=(), left_out="The runs were judged on different test images.")
    try:
        items = read_arrays(runs[0].resolve().parent / records[0].items)
        answers = [_answers(run, record) for run, record in zip(runs, records, strict=True)]
        images, labels = items["images"], items["labels"]
    except (StorageError, KeyError) as error:
        return Gallery(images=(), left_out=error.told() if isinstance(error, StorageError) else f"{error} is missing.")
    if {len(each) for each in answers} != {len(labels)}:
        return Gallery(images=(), left_out="Stored answers and test images do not belong together.")
    rows = np.arange(len(labels))
    losses = np.mean([-np.log(each[rows, labels].clip(PROBABILITY_FLOOR)) for each in answers], axis=0)
    classes = records[0].dataset.classes
    return Gallery(
        images=tuple(
            GalleryImage(
                index=int(row),
                label=classes[int(labels[row])],
                loss=float(losses[row]),
                named={
                    record.run: classes[int(each[row].argmax())] for record, each in zip(records, answers, strict=True)
                },
                picture=png_url(as_picture(images[row])),
            )
            for row in np.argsort(-losses, kind="stable")[:most]
        )
    )


def _answers(run: Path, record: RunRecord) -> np.ndarray:
    """float (N, K) after the run's temperature."""
    return cooled(read_arrays(run / PREDICTIONS_FILE)["probabilities"], record.heat)
