"""What a contender takes besides time: operations, memory, and how fast it answers."""

from __future__ import annotations

import contextlib
import copy
import sys
import time
from statistics import median
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import nn
from torch.utils import flop_counter
from torch.utils.flop_counter import FlopCounterMode

from eyechart.base import compiler
from eyechart.base.clock import device_synchronise
from eyechart.evaluation.predict import judging, to_device
from eyechart.schema import Cost
from eyechart.schema.contracts import Batch, KeepsFeatures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    import numpy as np

    from eyechart.schema.contracts import ContenderModel, Images, LabelledImages

    Shape = tuple[int, ...]

NUM_COUNTED_IMAGES = 8  # operations grow with the batch in proportion, so a few images are enough to count
MATMUL_SIZES = (1024, 2048)
MATMUL_SECONDS = 0.15  # for each size
MIN_LATENCY_SAMPLES = 20
LATENCY_SECONDS = 1.0


def measure_cost(
    model: ContenderModel,
    sample: LabelledImages,
    device: torch.device,
    batch_size: int,
    *,
    training_images_per_second: float,
    num_processes: int = 1,
    example_batch: Batch,
    training_flops_override: float | None = None,
    dtype: torch.dtype = torch.float32,
    peak_memory_bytes: int | None = None,
    earlier_matmul: float = 0.0,
) -> Cost:
    """Measure what `model` (on `device`, threads already set) takes; about three seconds.

    `sample` are images of the dataset, uint8, of which at most `batch_size` are used; `example_batch` is one that the
    model trains on.  `training_flops_override` are the operations that training took per image where counting one
    step would not tell (frozen stages that ran once and were kept).  `dtype` is what matrix products were computed in.
    `num_processes` trained together, each on a machine like this.  `peak_memory_bytes` None: read here, before anything
    is measured that takes memory itself.  `earlier_matmul` is the rate of the matrix product before the training,
    FLOP/s; other load can only lower it, so the better of both counts.
    """
    if peak_memory_bytes is None:
        peak_memory_bytes = read_peak_memory(device)
    forward_flops, training_flops = count_flops(model, example_batch)
    if training_flops_override is not None:
        training_flops = training_flops_override
    parameters = list(cast(nn.Module, model).parameters())
    later_matmul = matmul_flops_per_second(device, dtype)
    matmul = max(earlier_matmul, later_matmul)
    return Cost(
        num_parameters=sum(parameter.numel() for parameter in parameters),
        num_trainable=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        forward_flops=forward_flops,
        training_flops=training_flops,
        peak_memory_bytes=peak_memory_bytes,
        inference_images_per_second=measure_inference(model, sample.images, device, batch_size),
        latency_seconds=measure_latency(model, sample.images[:1], device),
        matmul_flops_per_second=matmul,
        matmul_before_flops_per_second=earlier_matmul or None,
        matmul_after_flops_per_second=later_matmul,
        mfu=training_images_per_second * training_flops / (num_processes * matmul),
    )


# --------------------------------------------------------------------------------------------- operations


class FlopsPerImage(NamedTuple):
    """Floating-point operations for one image; a multiply-add is 2.

    Matrix products and convolutions count, and weighted sums of rows that are looked up, as a detector on a CPU pools:
    elsewhere it multiplies, which are more operations for the same.
    """

    forward: float  # answering
    training: float  # forward and backward; frozen parameters need no gradient and add none


def count_flops(model: ContenderModel, batch: Batch) -> FlopsPerImage:
    """Count the operations of `model` on the first few images of `batch`; model and random state stay as they were."""
    few = {name: part[:NUM_COUNTED_IMAGES] for name, part in batch._asdict().items() if part is not None}
    batch = Batch(**few)
    num_images = len(batch.images)
    # A copy, so that gradients and the running means of batch norm are not touched.
    subject = copy.deepcopy(model)
    module = cast(nn.Module, subject)
    with _random_state_kept(batch.images.device):
        module.train()
        with _counter() as training:
            subject.loss(batch).backward()  # type: ignore[no-untyped-call]
        module.eval()
        with torch.no_grad(), _counter() as forward:
            subject.answer(batch.images)
    return FlopsPerImage(forward.get_total_flops() / num_images, training.get_total_flops() / num_images)


def count_flops_with_kept_stages(model: ContenderModel, batch: Batch, runs_per_image: float) -> float:
    """Operations of training, per image seen, when the frozen stages ran only `runs_per_image` times for each.

    Keeping what the frozen stages gave for 1,000 images and using each 4 times is 0.25 runs for each image seen.
    """
    assert isinstance(model, KeepsFeatures)
    images = batch.images[:NUM_COUNTED_IMAGES]
    with torch.no_grad(), _counter() as frozen:
        model.features(images)
    spared = (1 - runs_per_image) * frozen.get_total_flops() / len(images)
    return float(count_flops(model, batch).training - spared)


def _counter() -> FlopCounterMode:
    compiler.need_not_know(getattr(flop_counter, "_FlopCounterMode", None), "__torch_dispatch__")
    operators = torch.ops.aten
    return FlopCounterMode(
        display=False,
        custom_mapping={
            operators._embedding_bag: _looked_up,
            operators._embedding_bag_forward_only: _looked_up,
            operators._embedding_bag_backward: _looked_up,
        },
    )


def _looked_up(table: Shape, indices: Shape, *others: object, **more: object) -> int:
    """A multiply-add for each number of each row; of the way back, `table` is the gradient, of as many columns."""
    return 2 * indices[0] * table[1]


@contextlib.contextmanager
def _random_state_kept(device: torch.device) -> Iterator[None]:
    """Dropout and sampling inside do not change the random numbers that come after."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


# --------------------------------------------------------------------------------------------- speed


def measure_inference(
    model: ContenderModel, images: Images, device: torch.device, batch_size: int, seconds: float = 1.0
) -> float:
    """Images per second for batches of images uint8 (N, C, H, W), the median of repeats for about `seconds`.

    From bytes in memory to probabilities on the device, as `predict` does it.  Fewer than `batch_size` images: smaller
    batches.  One batch is always measured, however long it takes.
    """
    batch = images[:batch_size]
    with judging(model):
        _answer_seconds(model, batch[:MIN_LATENCY_SAMPLES], device)  # warm: kernels chosen, memory taken
        durations = _repeat(lambda: _answer_seconds(model, batch, device), seconds, minimum=1)
    return len(batch) / median(durations)


def measure_latency(model: ContenderModel, image: np.ndarray, device: torch.device) -> float:
    """Median seconds from one image uint8 (1, C, H, W) in memory to its answer.

    At least 20 are measured unless these take longer than LATENCY_SECONDS; then at least three.
    """
    assert len(image) == 1, "latency is that of a single image"
    with judging(model):
        _answer_seconds(model, image, device)
        durations = _repeat(lambda: _answer_seconds(model, image, device), LATENCY_SECONDS / 4, MIN_LATENCY_SAMPLES)
    return median(durations)


def matmul_flops_per_second(device: torch.device, dtype: torch.dtype = torch.float32) -> float:
    """The best rate of a square matrix product here and now: what this machine can do at most, in FLOP/s."""
    return max(_matmul_rate(size, device, dtype) for size in MATMUL_SIZES)


def _matmul_rate(size: int, device: torch.device, dtype: torch.dtype) -> float:
    left, right = (torch.ones(size, size, device=device, dtype=dtype) for _ in range(2))
    product = torch.empty_like(left)
    synchronise = device_synchronise(device)

    def multiply() -> float:
        start = time.perf_counter()
        torch.mm(left, right, out=product)
        synchronise()
        return time.perf_counter() - start

    multiply()
    return 2.0 * size**3 / min(_repeat(multiply, MATMUL_SECONDS, minimum=2))


def _answer_seconds(model: ContenderModel, images: np.ndarray, device: torch.device) -> float:
    synchronise = device_synchronise(device)
    synchronise()
    start = time.perf_counter()
    model.answer(to_device(images, device))
    synchronise()
    return time.perf_counter() - start


def _repeat(measure: Callable[[], float], seconds: float, minimum: int) -> list[float]:
    """What `measure` gave in `seconds`, and at least `minimum` times, unless three of them take a full second."""
    durations = [measure()]
    while sum(durations) < seconds or len(durations) < minimum:
        if len(durations) >= 3 and sum(durations) > max(seconds, LATENCY_SECONDS):
            break
        durations.append(measure())
    return durations


# --------------------------------------------------------------------------------------------- memory


class PeakMemory:
    """The most memory in use, read where the `with` block ends: `num_bytes`.

    On CUDA, of the tensors on the device inside the block.  Elsewhere, of the process since its start, imports and
    data included; this says something about one run only because each run has a process of its own.
    """

    def __init__(self, device: torch.device):
        self._device = device
        self.num_bytes = 0

    def __enter__(self) -> PeakMemory:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.num_bytes = read_peak_memory(self._device)


def read_peak_memory(device: torch.device) -> int:
    """Peak bytes of tensors on a CUDA device, or of this process in main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return _peak_process_bytes()


def _peak_process_bytes() -> int:
    if sys.platform == "linux":
        # Not getrusage: what it calls the peak of a process starts at the size of the process that launched it.
        with open("/proc/self/status", encoding="utf-8", errors="replace") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
