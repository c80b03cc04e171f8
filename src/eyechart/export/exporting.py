"""From a run's folder to a file of another format, checked against torch, with its card beside it."""

from __future__ import annotations

import contextlib
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from eyechart.base.errors import EyechartError, RunFailed, UsageError
from eyechart.export.agreement import Agreement, check_alike, plain_images, test_images
from eyechart.export.answering import Answering, TorchPredictor
from eyechart.export.formats import FORMATS, FormatName, card_beside, check_ending, check_packages, metadata_beside
from eyechart.export.model_card import write_card
from eyechart.export.onnx_format import write_onnx
from eyechart.export.torch_formats import open_script, open_tensors, write_safetensors, write_script, write_state_dict
from eyechart.export.without_paths import without_paths
from eyechart.files.storage import read_run, write_bytes, write_text
from eyechart.inference.expected import expected_of
from eyechart.inference.onnx_file import OnnxPredictor
from eyechart.inference.prediction import facts_of
from eyechart.inference.saved import load_run_model
from eyechart.models import tutorial_vit
from eyechart.schema.exported import ExportedCard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eyechart.schema import RunRecord
    from eyechart.schema.contracts import LabelledImages, Predictor
    from eyechart.schema.exported import Quantised


class Exported(NamedTuple):
    """What was written, and how it answers."""

    target: Path
    beside: tuple[Path, ...]  # metadata that have no room in the file, and the card
    agreement: Agreement  # of the file and torch; of an int8 file, of the file that it was made from
    checked: str  # the same in words
    quantised: Quantised | None = None


class _Opened(NamedTuple):
    run: Path
    record: RunRecord
    model: Answering
    card: ExportedCard
    test: LabelledImages | str  # why there is none


def export_run(
    run: Path,
    target: Path,
    name: FormatName = "onnx",
    *,
    int8: bool = False,
    with_card: bool = True,
    most_checked: int | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> Exported:
    """Write a finished run as `name`, checked on the whole test part that it was judged on, or its first images.

    Raises UsageError where a package is missing, a file is there already, has an ending that is not opened as `name` or
    the run has nothing to export, StorageError for a run that cannot be read or a disk that refuses, RunFailed where
    the file would not answer as the run does.  Whatever is raised, nothing is left behind.
    """
    check_packages(name)
    check_ending(target, name)
    if int8 and name != "onnx":
        raise UsageError(f"--int8 is for ONNX, and --format is {name}; leave one of them out.")
    card_path = card_beside(target)
    beside = [card_path] if with_card else []
    beside += [] if FORMATS[name].has_own_metadata else [metadata_beside(target)]
    for path in (target, *beside):
        if path.exists():
            raise UsageError(f"{path} is there; expected a new file. Choose another --output.")
    if name == "torchscript" and read_run(run).detection is not None:
        raise UsageError(
            f"{run} is a detector. TorchScript records one way through a network, and a detector's depends on the "
            f"picture: its answers were others when this was tried. Expected --format onnx, safetensors or state-dict."
        )
    opened = _open(run, has_recipe=name in ("safetensors", "state-dict"))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / f"model{FORMATS[name].suffix}"
        with _told_in_a_sentence(opened, name):
            _write(opened, name, made)
            agreement = _check(opened, name, made, most_checked, say)
            quantised = _quantised(opened, made, say) if int8 else None
        checked = agreement.in_words("plain images" if isinstance(opened.test, str) else "test images")
        _put(made, target, beside, lambda: write_card(run, opened.record, card_path, target, name, checked, quantised))
    return Exported(target, tuple(beside), agreement, checked, quantised)


def _open(run: Path, *, has_recipe: bool) -> _Opened:
    record, model = load_run_model(run, torch.device("cpu"))
    if record.status == "diverged":
        raise UsageError(
            f"{record.run} diverged ({record.cause or 'its loss was no number'}); there is nothing to export."
        )
    tutorial_vit.without_loops(model)  # which no exporter follows: they see so many images as they are shown
    # A script keeps whether gradients are wanted.
    answering = Answering(model, record.heat).eval().requires_grad_(False)
    return _Opened(run, record, answering, card_of(run, record, has_recipe), test_images(run, record))


@contextlib.contextmanager
def _told_in_a_sentence(opened: _Opened, name: FormatName) -> Iterator[None]:
    """RunFailed for what exporters and runtimes raise, which have errors of their own for all that they cannot do."""
    try:
        yield
    except (EyechartError, OSError):
        raise
    except Exception as error:
        why = (" ".join(str(error).split()) or type(error).__name__)[:200]
        raise RunFailed(
            f"{opened.record.run} could not be exported as {name} ({why}). Nothing was written. Other versions of "
            f"torch, onnxscript or onnxruntime may do it; --format safetensors keeps the tensors of any network."
        ) from error


def _quantised(opened: _Opened, made: Path, say: Callable[[str], None]) -> Quantised:
    from eyechart.export.int8 import quantise

    return quantise(opened.run, opened.record, opened.card, made, opened.test, say)


def card_of(run: Path, record: RunRecord, has_recipe: bool = False) -> ExportedCard:
    """What the file says of itself; what an older run did not measure of ink is measured now, if it still can be."""
    expected, record = expected_of(run, record), without_paths(record)
    facts = facts_of(record)
    frame = facts.preprocessing.model_copy(update={"ink": expected.ink})
    return ExportedCard(
        **{**dict(facts), "preprocessing": frame},
        weights_sha256=record.weights_sha256,
        licence_of_data=record.dataset.licence,
        least_sure=expected.least_sure,
        recipe=record.recipe.settings.model_dump(mode="json") if has_recipe else None,
        eyechart=version("eyechart"),
    )


def _write(opened: _Opened, name: FormatName, made: Path) -> None:
    images = plain_images(opened.record.preprocessing)
    match name:
        case "onnx":
            write_onnx(opened.model, images, made, opened.card)
        case "torchscript":
            write_script(opened.model, images, made, opened.card)
        case "safetensors":
            write_safetensors(opened.model, opened.record, made, opened.card)
        case "state-dict":
            write_state_dict(opened.model, made, opened.card)


def _predictor(name: FormatName, made: Path, gives_boxes: bool) -> Predictor:
    """What answers from the file, and from nothing else."""
    if name == "onnx":
        return OnnxPredictor.open(made)
    module, _ = open_script(made) if name == "torchscript" else open_tensors(made)
    return TorchPredictor(module, gives_boxes)


def _check(opened: _Opened, name: FormatName, made: Path, most: int | None, say: Callable[[str], None]) -> Agreement:
    frame = opened.record.preprocessing
    gives_boxes = opened.record.detection is not None
    torchs, exported = TorchPredictor(opened.model, gives_boxes), _predictor(name, made, gives_boxes)
    if isinstance(opened.test, str):
        say(f"the test images are gone, so plain ones are asked about ({opened.test})")
        return check_alike(exported, torchs, plain_images(frame), frame)
    images = opened.test.images[:most]
    say(f"asking the file and torch about {len(images):,} test images ...")
    return check_alike(exported, torchs, images, frame)


def _put(made: Path, target: Path, beside: list[Path], write_the_card: Callable[[], None]) -> None:
    """All files in their places, the main one last; none of them, where one cannot be written."""
    try:
        if metadata_beside(target) in beside:
            write_text(metadata_beside(target), metadata_beside(made).read_text(encoding="utf-8"))
        if card_beside(target) in beside:
            write_the_card()
        write_bytes(target, made.read_bytes())
    except BaseException:
        for path in beside:
            path.unlink(missing_ok=True)
        raise
