"""What is planned and measured while one contender trains and is judged."""

from __future__ import annotations

import math
from typing import Literal

from eyechart.schema.frozen import Count, Frozen, Positive
from eyechart.schema.rules import Budget

ExecutionMode = Literal["eager", "compiled", "graphs"]

# One certain and wrong answer must not make the loss of a whole part infinite: it costs -ln(1e-7) = 16.1 nats.
PROBABILITY_FLOOR = 1e-7


class HistoryPoint(Frozen):
    """One look at the model while it trained."""

    step: Count
    images_seen: Count
    epoch: float  # images seen / size of the train part
    training_seconds: float  # on the training clock
    learning_rate: float
    train_loss: float  # the contender's own objective, mean since the last point
    validation_loss: float  # negative log-likelihood of the class probabilities, the same for all; on scenes objective
    validation_accuracy: float | None  # None: scenes
    validation_objective: float | None = None  # a detector's own loss (classes and boxes), else None
    validation_map: float | None = None  # of the boxes, on scenes
    train_losses: dict[str, float] = {}  # what a detector's objective is the sum of, by name
    validation_losses: dict[str, float] = {}

    @property
    def mark(self) -> float:
        """The primary metric of the task on validation images, 0..1: accuracy, or the boxes' mAP."""
        value = self.validation_map if self.validation_accuracy is None else self.validation_accuracy
        return math.nan if value is None else value

    @property
    def mark_name(self) -> str:
        return "mAP" if self.validation_accuracy is None else "accuracy"


class FedPixels(Frozen):
    """What a network is fed: train images after everything that prepares them."""

    num_images: Count
    mean: float
    std: float  # within a channel, over the pixels of all these images


class Execution(Frozen):
    """How a training step is executed; what it computes is the same, random numbers included."""

    mode: ExecutionMode = "eager"  # as written; compiled; compiled and replayed as CUDA graphs
    step_seconds: dict[str, float] = {}  # of each mode that was timed; empty: there was nothing to choose
    preparing_seconds: dict[str, float] = {}  # compiling and recording: once a run, on the preparation clock
    failures: dict[str, str] = {}  # modes that do not work here, and why


class Stretch(Frozen):
    """From one step on, where the training was to end: what was known of its pace by then."""

    first_step: Count
    num_steps: Count  # of the whole training, as it was laid out from here


class Plan(Frozen):
    """The schedule, stored so that a run can be repeated step for step.

    It is fixed before the first step, but for a budget in seconds: then its number of steps is fixed anew by the pace
    of the training itself, and `stretches` says when and how.
    """

    num_steps: Count
    batch_size: int
    num_train_images: Count  # of the train part
    num_cached_images: Count = 0  # of which these are used, when frozen stages are cached
    budget: Budget  # what it was made from
    step_seconds: float | None = None  # measured by the calibration, when the budget is in seconds
    evaluation_steps: tuple[int, ...]
    stretches: tuple[Stretch, ...] = ()  # empty: one, from the first step to the last
    pacing_shares: tuple[float, ...] = ()  # of the budget's seconds, after which the steps are still to be fixed anew
    execution: Execution = Execution()

    @property
    def images_seen(self) -> int:
        """When all steps are done, the same image each time it comes."""
        return self.num_steps * self.batch_size


class PerClass(Frozen):
    """One list each, in the order of the classes; None for a class without an image in the judged part."""

    precision: tuple[float | None, ...]
    recall: tuple[float | None, ...]
    f1: tuple[float | None, ...]
    support: tuple[int, ...]  # images of the class

    @property
    def absent(self) -> tuple[int, ...]:
        """The ids of the classes without an image, which are in no mean."""
        return tuple(k for k, number in enumerate(self.support) if number == 0)


class Temperature(Frozen):
    """What the logits of one trained model are divided by before its certainty is believed (temperature.py)."""

    value: Positive
    num_items: Count  # validation images that it was fitted to
    reason: Literal["fitted", "held"]  # the images decided | too few of them say anything, so it stays near 1


class Scores(Frozen):
    """How good the answers on one part are.  Ratios in 0..1; losses are in nats an image, lower is better."""

    num_items: Count
    accuracy: float
    macro_precision: float  # macro: mean over the classes that the part has (class_means.py)
    macro_recall: float
    macro_f1: float
    loss: float  # after the run's temperature: what contenders are compared by
    raw_loss: float  # of the answers as they come, which a label smoothing or a scale of logits moves as much as skill
    per_class: PerClass
    confusion: tuple[tuple[int, ...], ...]  # rows: truth, columns: answer


class DetectionScores(Frozen):
    """How good the boxes are, by COCO's definitions."""

    mean_iou: float  # of the true box and the best-scored box, 0 where there is none
    map: float  # AP averaged over IoU .50:.05:.95
    map50: float
    map75: float
    found_fraction: float  # images with at least one box
    num_boxes: Count
    # The rest of COCO's twelve.  None: no true box is of that size, or the run was written before they were measured.
    map_small: float | None = None  # AP of true boxes below 32 x 32 pixels
    map_medium: float | None = None
    map_large: float | None = None  # from 96 x 96 pixels on
    mar_1: float | None = None  # recall averaged over IoU .50:.05:.95, with at most one box an image and class
    mar_10: float | None = None
    mar_100: float | None = None
    mar_small: float | None = None  # with at most 100, of true boxes of that size
    mar_medium: float | None = None
    mar_large: float | None = None


class Segment(Frozen):
    """One stretch of training without interruption."""

    started_at: str  # ISO 8601, UTC
    first_step: Count
    last_step: Count
    training_seconds: float
    num_at_once: int = 1  # runs that one command did at the same time on this machine: above 1, its clocks are shared
    damaged_checkpoint: str = (
        ""  # what was wrong with the newest one, so that it began at an earlier one; empty: nothing
    )


class Clocks(Frozen):
    """The four clocks, in seconds of wall time, and what else was used.  A resumed run sums its segments."""

    preparation_seconds: float  # imports, data, starting weights, calibration: once
    training_seconds: float  # first batch asked for to last optimizer step; loading and augmentation in
    evaluation_seconds: float  # validation while training, and the test
    checkpoint_seconds: float
    total_seconds: float
    training_cpu_seconds: float  # all threads of this process, and its children
    training_foreign_cpu_seconds: float | None = None  # of everything else on this machine meanwhile; None: not known
    segments: tuple[Segment, ...]


class Cost(Frozen):
    """What the contender takes, besides time."""

    num_parameters: Count
    num_trainable: Count
    forward_flops: float  # of one image, counted (a multiply-add is 2)
    training_flops: float  # of one image: forward and backward
    peak_memory_bytes: Count  # of the process (of the device on CUDA)
    inference_images_per_second: float  # batches as in the test
    latency_seconds: float  # median of single images
    matmul_flops_per_second: float  # the best matrix product of this machine, measured in the same process
    matmul_before_flops_per_second: float | None = None  # the same before training started, and after it ended:
    matmul_after_flops_per_second: float | None = None  # far apart, the machine was not the same all the time
    mfu: float  # training FLOP/s over that product


class Host(Frozen):
    """Facts of the machine and the software; equal hosts make times comparable."""

    hostname: str
    platform: str
    cpu: str
    num_cores: int  # that this process may use
    num_machine_cores: int | None = None  # all of the machine: what foreign CPU seconds are spread over
    memory_bytes: int
    device: str  # "cpu", "cuda:0 NVIDIA ...", "mps"
    num_threads: int
    python: str
    versions: dict[str, str]  # torch, torchvision, numpy, eyechart
    commit: str  # of eyechart's code, "" outside a checkout; "-dirty" when changed
    load_average: float | None = None  # of the last minute, before the start: foreign work when it is high
