"""What trained runs looked at: on a picture, or on the most disputed test images of a study; checked, and kept.

<study>/explain/<run>-checks.json   whether the maps of a run are to be trusted, on images of its validation part
<study>/explain/<run>.npz           its maps of the study's most disputed test images, for the report
<study>/explain.json                which images these are, and whose maps

All of it is for looking: no choice is made by it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from eyechart.base import host
from eyechart.base.errors import StorageError, UsageError
from eyechart.base.seeding import seed_everything
from eyechart.comparison.naming import one_by_one
from eyechart.evaluation.predict import to_device
from eyechart.files import storage
from eyechart.files.file_names import readable
from eyechart.files.items import read_items
from eyechart.inference import seeing
from eyechart.inference.expected import expected_of
from eyechart.inference.prediction import RunPredictor
from eyechart.inference.predictor import NetworkPredictor
from eyechart.inference.saved import load_run_model
from eyechart.insight.asked import AskedModel
from eyechart.insight.attention import head_maps
from eyechart.insight.checks import check_methods
from eyechart.insight.methods import askable, cannot_ask, explain
from eyechart.insight.pixels import captum_attr
from eyechart.insight.regions import find_regions
from eyechart.models.catalog import build_model
from eyechart.report.looked.seen import Explanation, Seen
from eyechart.schema.explain import CHECKS_SUFFIX, EXPLAIN_FOLDER, EXPLAIN_VERSION, ChecksRecord
from eyechart.scoring.temperature import cooled
from eyechart.words.remarks import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyechart.schema import RunRecord
    from eyechart.schema.contracts import ContenderModel
    from eyechart.words.remarks import Remark

NUM_CHECKED = 30  # validation images, as many of each class as there is room for
FEWEST_CHECKED = 20  # fewer leave intervals that say nothing


@dataclass(frozen=True)
class OpenedRun:
    """A finished run that can be asked."""

    folder: Path
    record: RunRecord
    asked: AskedModel
    predictor: RunPredictor  # of the same network

    @property
    def heat(self) -> float:
        return self.record.heat

    def answer(self, image: torch.Tensor) -> tuple[int, float]:
        """Class id and probability, after the run's temperature, for an image (1, C, H, W)."""
        probabilities = cooled(self.asked.probabilities(image).cpu().numpy(), self.heat)[0]
        answer = int(probabilities.argmax())
        return answer, float(probabilities[answer])

    def remark(self, seen: seeing.Seen, *, raw: bool = False) -> Remark | None:
        """What `eyechart predict` says in the place of that answer, by the same rules; None: it names the class."""
        return self.predictor.answer_seen([""], [seen], knows_unlike=not raw)[0].remark


def explain_picture(
    runs: Sequence[Path],
    picture: Path,
    say: Callable[[str], None],
    *,
    num_checked: int = NUM_CHECKED,
    num_threads: int | None = None,
    device: str = "auto",
    raw: bool = False,
) -> Explanation:
    """What the runs in these folders looked at on one picture, which may be of any size.

    It is prepared for each run as `eyechart predict` prepares it, so that what is explained is what is answered there;
    `raw`: as it comes.  `num_checked`: validation images for the checks, 0 for none; what was checked before is not
    checked again.  Raises UsageError for no run, for runs that saw other images than each other or name no whole images
    and for a picture on which there is nothing to name, StorageError for a run without weights, DatasetMissing and
    DatasetError for the picture, MissingError where captum is not installed.
    """
    captum_attr()
    check_number(num_checked)
    if not runs:
        raise UsageError("No run was named to explain. Expected folders of runs or of studies.")
    records = {folder: storage.read_run(folder) for folder in runs}
    for record in records.values():
        if record.status == "diverged":
            raise UsageError(f"{record.run} diverged: its weights are no finite numbers. Expected a run that finished.")
    _check_alike(records)
    names = dict(zip(records, one_by_one(records), strict=True))
    views = _views(picture, records, names, say, raw=raw)
    image = next(iter(views.values())).pixels
    assert image is not None, "those that are refused are not among them"
    first = next(iter(records.values()))
    where = host.select_device(device)
    host.set_threads(num_threads or first.rules.num_threads)
    looked = []
    for place, (folder, seen) in enumerate(views.items(), 1):
        name, contender = names[folder]
        say(f"{name} ({place} of {len(views)})")
        run = opened(folder, where)
        checks = checks_of(run, num_checked, say) if num_checked else None
        found = _look(run, seen, checks, raw=raw)
        own = None if seen.pixels is None or np.array_equal(seen.pixels, image) else seen.pixels
        looked.append(replace(found, run=name, contender=contender, own_image=own))
    return Explanation(picture.name, image, first.dataset.classes, tuple(looked))


def _views(
    picture: Path,
    records: dict[Path, RunRecord],
    names: dict[Path, tuple[str, str]],
    say: Callable[[str], None],
    *,
    raw: bool,
) -> dict[Path, seeing.Seen]:
    """The picture as each run gets it, of those that would be asked; UsageError where none of them would be."""
    content = seeing.Source(str(picture)).read()
    views, refused = {}, {}
    for folder, record in records.items():
        ink = None if raw else expected_of(folder, record).ink
        seen = seeing.see(seeing.Source(str(picture)), record.preprocessing, ink, content=content)
        if seen.refusal:
            refused[folder] = in_words(seen.refusal, count=seen.num_things, classes=record.dataset.classes)
        else:
            views[folder] = seen
    if not views:
        raise UsageError(
            f"{readable(str(picture))} is {next(iter(refused.values()))}, so there is no answer to explain. Expected a "
            f"picture of one thing; --raw takes it as it comes."
        )
    for folder, said in refused.items():
        say(f"{names[folder][0]} is not asked: to it the picture is {said}")
    return views


def opened(folder: Path, device: torch.device) -> OpenedRun:
    """A run with its trained network; StorageError where its weights are not there or damaged."""
    record, model = load_run_model(folder, device)
    host.set_again(record.rules.precision, device)
    network = NetworkPredictor(cast("ContenderModel", model), device, 1)
    predictor = RunPredictor(record, network, expected_of(folder, record))
    return OpenedRun(folder, record, AskedModel(model, device), predictor)


def check_number(num_checked: int) -> None:
    """UsageError for a number of images that would say nothing."""
    if num_checked and num_checked < FEWEST_CHECKED:
        raise UsageError(
            f"--checks got {num_checked}; expected {FEWEST_CHECKED} images or more, or 0 to check nothing."
        )


def _check_alike(records: dict[Path, RunRecord]) -> None:
    """UsageError unless all runs name whole images, of one size and with the same classes."""
    seen = {}
    for folder, record in records.items():
        if record.task != "classification":
            raise UsageError(
                f"{folder} was trained on scenes, which have no answer as a whole. Expected runs on images that have a "
                f"class each; the report shows how a detector came to its boxes on scenes."
            )
        frame = record.preprocessing
        size = (frame.image_channels, frame.image_height, frame.image_width)
        seen[size, record.dataset.classes] = folder, f"{size[1]} x {size[2]} px of {size[0]} channels"
    if len(seen) > 1:
        (one, its_size), (other, other_size) = list(seen.values())[:2]
        raise UsageError(
            f"{one} takes images of {its_size}, and {other} of {other_size}, or with other classes. Expected runs on "
            f"the same dataset; explain them in turns."
        )


def _look(run: OpenedRun, seen: seeing.Seen, checks: ChecksRecord | None, *, raw: bool) -> Seen:
    """What a run looked at on a picture that it would be asked about."""
    assert seen.pixels is not None
    image = to_device(seen.pixels[None], run.asked.device)
    answer, probability = run.answer(image)
    cannot = cannot_ask(run.asked, image)
    explained = explain(run.asked, image, answer, askable(run.asked, image))
    regions = find_regions(run.asked, image) if "regions" not in cannot else None
    return Seen(
        run=run.record.run,
        contender=run.record.contender,
        answer=answer,
        probability=probability,
        maps={method: found.values for method, found in explained.maps.items()},
        cells={method: found.cells for method, found in explained.maps.items()},
        cannot=cannot,
        checks=checks,
        seconds=explained.seconds,
        miss=explained.maps["integrated gradients"].miss,
        boxes=regions.boxes if regions else None,
        scores=regions.scores if regions else None,
        heads=head_maps(run.asked, image) if "attention rollout" not in cannot else None,
        remark=run.remark(seen, raw=raw),
    )


# --------------------------------------------------------------------------------------------- checks


def checks_of(run: OpenedRun, num_checked: int, say: Callable[[str], None]) -> ChecksRecord | None:
    """The checks of a run, from beside it where they were made of the same weights and images, else made and kept.

    None, and a word why, where the validation images are not beside the run.
    """
    record = run.record
    try:
        images = _validation_images(run, num_checked)
    except StorageError as error:
        say(f"{record.run} is not checked: {error}")
        return None
    digest = storage.digest_arrays({"images": images})
    path = run.folder.parent / EXPLAIN_FOLDER / f"{run.folder.name}{CHECKS_SUFFIX}"
    if path.is_file():
        kept = storage.read_record(path, ChecksRecord)
        if (kept.version, kept.weights_sha256, kept.images_sha256) == (EXPLAIN_VERSION, record.weights_sha256, digest):
            return kept
    say(f"checking the maps of {record.run} on {len(images)} validation images; kept as {path}")
    found = check_methods(run.asked, _untrained(run), images)
    made = ChecksRecord(
        run=record.run,
        weights_sha256=record.weights_sha256,
        images_sha256=digest,
        num_images=len(images),
        random_area=found.random_area,
        ink_area=found.ink_area,
        checks=found.checks,
    )
    try:
        storage.write_record(path, made)
    except StorageError as error:
        say(f"the checks of {record.run} are not kept, and will be made again: {error}")
    return made


def _untrained(run: OpenedRun) -> AskedModel:
    """The same architecture with random weights, always the same ones."""
    record = run.record
    with torch.random.fork_rng(devices=[]):
        seed_everything(0, "untrained")
        model = build_model(record.recipe, record.preprocessing, record.dataset.num_classes)
    model.to(memory_format=torch.channels_last).to(run.asked.device)
    return AskedModel(model, run.asked.device)


def _validation_images(run: OpenedRun, number: int) -> np.ndarray:
    """uint8 (N, C, H, W), N up to `number`: the first of each class in turns.  StorageError where there are none."""
    path = run.folder.parent / (run.record.validation_items or "the validation images")
    part = read_items(path)
    labels = part.labels
    turn = np.zeros(len(labels), np.int64)  # how many of its class came before
    for label in np.unique(labels):
        turn[labels == label] = np.arange((labels == label).sum())
    chosen = np.lexsort((labels, turn))[:number]
    return np.asarray(part.images[np.sort(chosen)])
