"""An exported network with weights and values of 8 bits, and what that costs and gives on this machine.

Two ways, by onnxruntime's own tools.  Static: weights and what flows between layers are whole numbers, in ranges that
validation images show.  Dynamic: weights alone are, and only those of matrix products; ranges are found on the way.
Static is taken unless it costs more than MOST_LOST of the answers on validation images that gave no range; the test
part chooses nothing and says afterwards what was lost.

Seven of the eight bits of a weight are used: with all eight, processors without VNNI instructions overflow, and the
same file would answer otherwise there.
"""

from __future__ import annotations

import contextlib
import logging
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from eyechart.base.errors import StorageError, UsageError
from eyechart.base.host import cpu_name
from eyechart.comparison.uncertainty import paired_interval
from eyechart.export.onnx_format import set_card
from eyechart.files.items import read_items
from eyechart.inference.onnx_file import OnnxPredictor
from eyechart.schema.contracts import LabelledImages
from eyechart.schema.exported import ExportedCard, Quantised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eyechart.schema import RunRecord

NUM_CALIBRATION = 256  # validation images that give the ranges
NUM_CHOSEN_BY = 2000  # at most so many others say which way is taken
MOST_LOST = 0.002  # of their answers that may become wrong by the static way
LAYERS = ("Conv", "Gemm", "MatMul")  # what is computed in 8 bits; what stands between probabilities and boxes is not
ROUNDS, CALLS = 15, 8  # of timing in turns: pairs, and calls of each half of a pair


class _Timed(NamedTuple):
    float_milliseconds: float
    int8_milliseconds: float
    speeds: list[float]  # float's time by int8's, of each pair


def quantise(
    run: Path, record: RunRecord, card: ExportedCard, made: Path, test: LabelledImages | str, say: Callable[[str], None]
) -> Quantised:
    """Put the network in `made` (ONNX, checked) into 8 bits, in its place, with what was measured in its metadata.

    Raises UsageError for a run on scenes, whose loss nobody measures here, and where images to measure with are gone.
    """
    if record.task == "detection":
        raise UsageError(
            f"{record.run} finds boxes on scenes, and what 8 bits cost it is not measured yet; expected a run whose "
            f"images have a class each. Leave out --int8."
        )
    if isinstance(test, str):
        raise UsageError(f"--int8 says what it costs on the run's test images, and these are gone ({test}).")
    validation = _validation(run, record)
    whole, folder = OnnxPredictor.open(made), made.parent
    say("putting weights and values into 8 bits, in two ways ...")
    with _without_remarks():
        prepared = _prepared(made, folder / "prepared.onnx")
        static = _static(prepared, validation.images[:NUM_CALIBRATION], folder / "static.onnx")
        dynamic = _dynamic(prepared, folder / "dynamic.onnx")
    others = validation.subset(np.arange(NUM_CALIBRATION, min(len(validation), NUM_CALIBRATION + NUM_CHOSEN_BY)))
    method, why = _choice(whole, static, others)
    chosen = static if method == "static" else dynamic
    say(f"asking both about {len(test):,} test images ...")
    found = _measured(whole, chosen, made, test)
    quantised = found.model_copy(
        update={"method": method, "why": why, "num_calibration": NUM_CALIBRATION if method == "static" else 0}
    )
    _say_so(chosen, made, card.model_copy(update={"quantised": quantised}))
    return quantised


def _validation(run: Path, record: RunRecord) -> LabelledImages:
    try:
        part = read_items(run.resolve().parent / record.validation_items)
    except StorageError as error:
        raise UsageError(f"--int8 finds ranges on the run's validation images, and these are gone ({error}).") from None
    if len(part) < 2 * NUM_CALIBRATION:
        raise UsageError(
            f"{record.run} has {len(part)} validation images; --int8 needs {2 * NUM_CALIBRATION}, half of them to find "
            f"ranges and half to choose by. Leave out --int8."
        )
    order = np.random.default_rng(0).permutation(len(part))
    return LabelledImages(part.images[order], part.labels[order])


# --------------------------------------------------------------------------------------------- two ways


@contextlib.contextmanager
def _without_remarks() -> Iterator[None]:
    """The tools' warnings are on how fast single layers will be, which is measured afterwards."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _prepared(made: Path, target: Path) -> Path:
    """The same network with the shapes of what flows in it, which the tools want to know."""
    from onnxruntime.quantization import quant_pre_process

    quant_pre_process(str(made), str(target), skip_symbolic_shape=True)
    return target


def _static(prepared: Path, images: np.ndarray, target: Path) -> Path:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._batches: Iterator[np.ndarray] = iter(np.array_split(images, max(1, len(images) // 32)))

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self._batches, None)
            return None if batch is None else {"images": batch.astype(np.float32) / np.float32(255)}

    quantize_static(
        str(prepared),
        str(target),
        Reader(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(LAYERS),
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return target


def _dynamic(prepared: Path, target: Path) -> Path:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    layers = [layer for layer in LAYERS if layer != "Conv"]  # its dynamic kernel is slower than floats
    quantize_dynamic(
        str(prepared),
        str(target),
        op_types_to_quantize=layers,
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )
    return target


def _choice(whole: OnnxPredictor, static: Path, others: LabelledImages) -> tuple[Literal["static", "dynamic"], str]:
    """Which way, and why, by validation images that gave no range."""
    right = [_right(each, others).mean() for each in (whole, OnnxPredictor.open(static))]
    lost = float(right[0] - right[1])
    points = f"{100 * max(lost, 0.0):.2f} points on {len(others):,} validation images"
    if lost <= MOST_LOST:
        return "static", f"it costs {points}"
    return "dynamic", f"static would cost {points}, more than the {100 * MOST_LOST:g} that are allowed"


# --------------------------------------------------------------------------------------------- what it costs and gives


def _measured(whole: OnnxPredictor, chosen: Path, made: Path, test: LabelledImages) -> Quantised:
    small = OnnxPredictor.open(chosen)
    answers = [each.answer(test.images).probabilities.argmax(axis=1) for each in (whole, small)]
    right = [each == test.labels for each in answers]
    only_small, only_whole = int((right[1] & ~right[0]).sum()), int((right[0] & ~right[1]).sum())
    low, high = paired_interval(only_small, only_whole, len(test))
    timed = _timed(made, chosen, test.images[:1])
    return Quantised(
        method="static",
        why="",
        num_calibration=0,
        num_items=len(test),
        accuracy_float=float(right[0].mean()),
        accuracy_int8=float(right[1].mean()),
        difference=(only_small - only_whole) / len(test),
        low=low,
        high=high,
        num_changed=int((answers[0] != answers[1]).sum()),
        bytes_float=made.stat().st_size,
        bytes_int8=chosen.stat().st_size,
        milliseconds_float=timed.float_milliseconds,
        milliseconds_int8=timed.int8_milliseconds,
        speed=statistics.median(timed.speeds),
        speed_least=min(timed.speeds),
        speed_most=max(timed.speeds),
        cpu=cpu_name(),
    )


def _right(asked: OnnxPredictor, part: LabelledImages) -> np.ndarray:
    right: np.ndarray = asked.answer(part.images).probabilities.argmax(axis=1) == part.labels
    return right


def _timed(made: Path, chosen: Path, image: np.ndarray) -> _Timed:
    """One picture, one thread, in turns, so that what else the machine does meets both."""
    networks = [OnnxPredictor.open(each, num_threads=1) for each in (made, chosen)]
    for network in networks:
        _milliseconds(network, image)
    pairs = [[_milliseconds(network, image) for network in networks] for _ in range(ROUNDS)]
    of_float, of_int8 = (statistics.median(each) for each in zip(*pairs, strict=True))
    return _Timed(of_float, of_int8, [each[0] / each[1] for each in pairs])


def _milliseconds(network: OnnxPredictor, image: np.ndarray) -> float:
    """The fastest of some calls: the rest is other programs."""
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        network.answer(image)
        times.append(time.perf_counter() - started)
    return 1000 * min(times)


def _say_so(chosen: Path, made: Path, card: ExportedCard) -> None:
    """The chosen network in the place of the float one, with its metadata."""
    import onnx

    network = onnx.load(str(chosen))
    set_card(network, card)
    made.write_bytes(network.SerializeToString())
