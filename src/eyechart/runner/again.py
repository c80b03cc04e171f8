"""A trained run judged again on pictures made of its test part: a folder of its own, without weights.

What was learned is not touched, and nothing is chosen by what comes out.  The record is the run's own with other test
scores, so that whatever reads runs reads these.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from eyechart.base import host
from eyechart.base.clock import now_text
from eyechart.base.errors import StorageError
from eyechart.base.seeding import make_deterministic
from eyechart.data.content import parts_sha256
from eyechart.files import storage
from eyechart.files.items import read_items
from eyechart.inference import saved
from eyechart.inference.predictor import Guess, NetworkPredictor
from eyechart.runner.judge import scored
from eyechart.schema import RunRecord
from eyechart.schema.contracts import LabelledImages, Predictions

if TYPE_CHECKING:
    import numpy as np
    import torch

    from eyechart.schema.contracts import ContenderModel


class Pictures(NamedTuple):
    """What runs are judged on again."""

    judged_on: str  # what was done to the test images: equal words mean equal pictures
    title: str  # for people: "fog, published"
    part: LabelledImages
    command: str  # makes these runs again


def test_part(study: Path, run: RunRecord) -> LabelledImages:
    """The images and labels that a run was judged on; StorageError where they are gone or others."""
    path = study / run.items
    part = read_items(path)
    if parts_sha256(part) != run.splits.test_sha256:
        raise StorageError(
            f"{path} holds other images than {run.run} was judged on; expected sha256 {run.splits.test_sha256[:12]}. "
            f"Restore that file, or train the study again."
        )
    return part


def is_judged(target: Path, run: RunRecord, judged_on: str) -> bool:
    """Whether a folder holds this run, with the weights that it has now, judged on these pictures.

    Raises StorageError where it holds something else that is not ours to replace.
    """
    if not storage.is_run(target):
        return False
    there = _read(target)
    if not there.judged_on or (there.contender, there.seed) != (run.contender, run.seed):
        raise StorageError(
            f"{target} holds {there.run} of the study {there.study}, which is no run judged again of {run.run}. "
            f"Expected an empty folder, or what an earlier `eyechart study` left there. Move it away."
        )
    is_whole = (target / storage.PREDICTIONS_FILE).is_file() and (target.parent / there.items).is_file()
    return is_whole and (there.weights_sha256, there.judged_on) == (run.weights_sha256, judged_on)


def _read(target: Path) -> RunRecord:
    """The record of a run that was judged again; what is damaged is told with what to do here."""
    try:
        return storage.read_record(target / storage.RUN_FILE, RunRecord)
    except StorageError as error:
        what = str(error).partition(" Delete the folder")[0]
        raise StorageError(f"{what} Delete the folder {target}: the same command judges that run again.") from None


def judge_again(source: Path, target: Path, pictures: Pictures, items: str, device: torch.device) -> RunRecord:
    """Ask the trained run in `source` about other pictures and leave the answers in `target`, run.json last.

    `items` is the file of the pictures beside `target`.  StorageError for weights that are gone or damaged.
    """
    record, model = saved.load_run_model(source, device)
    host.set_again(record.rules.precision, device)
    make_deterministic()
    if record.status == "diverged":
        answers = Guess(record.dataset.num_classes).answer(pictures.part.images).probabilities
    else:
        answers = NetworkPredictor(cast("ContenderModel", model), device).answer(pictures.part.images).probabilities
    judged = _judged(record, answers, pictures, items)
    storage.write_arrays(target / storage.PREDICTIONS_FILE, {"probabilities": answers})
    storage.write_record(target / storage.RUN_FILE, judged)
    return judged


def _judged(record: RunRecord, probabilities: np.ndarray, pictures: Pictures, items: str) -> RunRecord:
    """The same run, as what was answered now says."""
    answers = Predictions(probabilities)
    part = pictures.part
    splits = record.splits.model_copy(update={"test_sha256": parts_sha256(part), "num_test": len(part)})
    return record.model_copy(
        update={
            "study": f"{record.study} on {pictures.title}",
            "judged_on": pictures.judged_on,
            "dataset": record.dataset.model_copy(update={"title": f"{record.dataset.title}, {pictures.title}"}),
            "splits": splits,
            "test": scored(answers, part, heat=record.temperature).scores,
            "detection": None,
            "predictions_sha256": storage.digest_arrays(answers.arrays()),
            "items": items,
            "validation_items": "",
            "command": pictures.command,
            "finished_at": now_text(),
        }
    )
