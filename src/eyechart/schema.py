"""The records that travel from stage to stage and onto the disk: frozen, checked where they are made, plain JSON.

Nothing here imports torch, so that everything which only reads runs (list, show, compare, report) starts at once.
One place for each kind of setting: Rules hold what is the same for every contender, a Recipe what one may choose.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Scalar = bool | int | float | str
ExecutionMode = Literal["eager", "compiled", "graphs"]


class Frozen(BaseModel):
    """A record that cannot be changed after it was checked, and that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True, ser_json_inf_nan="constants")


# --------------------------------------------------------------------------------------------- data


class DatasetCard(Frozen):
    """What a dataset is; it travels into every run that used it."""

    name: str  # what the user asked for: "mnist", or the name of a folder
    title: str
    source: str  # where the images came from, for people
    licence: str
    content_sha256: str  # of images and labels, train then test, as they are in memory
    classes: tuple[str, ...]  # in the order of the class ids 0..K-1
    num_channels: Literal[1, 3]
    height: int  # pixels, after decoding
    width: int
    num_train: Count  # before validation is cut from it
    num_validation: Count = 0  # 0: the dataset has no validation part of its own
    num_test: Count

    @property
    def num_classes(self) -> int:
        return len(self.classes)


class SplitsCard(Frozen):
    """Which images went where, by count and by hash: equal hashes mean the same images in the same part."""

    train_sha256: str
    validation_sha256: str
    test_sha256: str
    num_train: Count
    num_validation: Count
    num_test: Count


class Preprocessing(Frozen):
    """The way from a raw picture to what a network sees; saved beside the weights, needed by nothing else.

    A raw picture is brought to the dataset's own size and channels (uint8).  The network's own part, run on the
    device for a whole batch: `fit` to the input size, grey repeated to `input_channels`, (pixel/255 - mean) / std.
    """

    image_channels: Literal[1, 3]
    image_height: int
    image_width: int
    input_channels: Literal[1, 3]
    input_height: int
    input_width: int
    fit: Literal["resize", "centre-crop"] = "resize"
    mean: tuple[float, ...]  # one for each input channel, on a scale of 0..1
    std: tuple[float, ...]


# --------------------------------------------------------------------------------------------- rules and recipes


class Budget(Frozen):
    """How long a contender may train.  `seconds` become a fixed number of `steps` before the start."""

    unit: Literal["epochs", "images", "seconds", "steps"]
    amount: Positive


class Rules(Frozen):
    """What is held the same for every contender of a study."""

    preset: str
    dataset: str  # a known name or a path
    budget: Budget | None = None  # None: each recipe's own full schedule
    img_size: int | None = None  # pixels a side to which an image folder is decoded
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0  # share of the train part that is used, stratified
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.05  # of the train part, when there is no own one
    max_test_images: int | None = None  # only the smoke preset shortens the test
    num_evaluations: Annotated[int, Field(ge=1)] = 8  # times that validation is measured while training
    device: str = "auto"  # what was asked for; the run file's host says what was used
    num_threads: Annotated[int, Field(ge=1)] = 1
    precision: Literal["auto", "float32", "tf32", "bfloat16"] = "auto"  # of products; weights and sums are float32


class Augmentation(Frozen):
    """Random changes of a training image, drawn anew for every image and step.  All zero: none."""

    shift_pixels: Annotated[float, Field(ge=0)] = 0.0  # up to this far along both axes
    rotate_degrees: Annotated[float, Field(ge=0, le=180)] = 0.0  # up to this angle either way
    scale_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0  # 0.1: between 0.9 and 1.1
    shear_degrees: Annotated[float, Field(ge=0, le=60)] = 0.0
    flip: bool = False  # left-right, half of the images

    @property
    def is_none(self) -> bool:
        return self == Augmentation()


class Recipe(Frozen):
    """What one contender may choose for itself; everything else is in Rules."""

    contender: str  # the catalog's name of the architecture
    title: str  # for people: "Vision Transformer"
    epochs: Positive  # the full schedule, used when the rules set no budget
    batch_size: Annotated[int, Field(ge=1)]
    optimizer: Literal["sgd", "adamw"]
    learning_rate: Positive  # the peak, reached after warm-up
    weight_decay: Annotated[float, Field(ge=0)] = 0.0  # not applied to biases and norms
    momentum: Fraction = 0.9  # SGD's (Nesterov), or AdamW's first beta
    schedule: Literal["linear", "cosine"] = "cosine"  # how the rate falls to 0 after warm-up
    warmup_fraction: Fraction = 0.1  # of all steps
    label_smoothing: Fraction = 0.0
    clip_norm: Annotated[float, Field(ge=0)] = 0.0  # of the whole gradient; 0: never clipped
    augmentation: Augmentation = Augmentation()
    input_pixels: int | None = None  # square input to which small images are brought; None: always their own size
    fit: Literal["resize", "centre-crop"] = "resize"
    weights: str = "none"  # "auto", "none", a name from weights/, or a path
    frozen_stages: Count = 0  # pretrained contenders: leading stages that are not trained
    trunk_rate: Positive = 1.0  # learning rate of pretrained layers as a share of the head's
    cache_frozen: bool = False  # run the frozen stages once and train on their outputs; excludes augmentation
    cache_passes: Positive = 4.0  # when a budget is too short for all images: times that each cached one is used
    options: dict[str, Scalar] = {}  # the architecture's own arguments, checked by its constructor
    source: str  # the paper, table or lab-log entry behind these numbers
    expect: str  # measured "score +- spread on dataset"


class WeightsOrigin(Frozen):
    """Where a contender's starting weights came from."""

    name: str  # "none", "imagenet", "hed", "file"
    description: str  # "random initialisation", "torchvision VGG16 ImageNet-1k", ...
    licence: str = ""
    sha256: str = ""  # of the file they were read from
    pretrained_on: str = ""  # empty: from scratch; otherwise the mark that tables show


# --------------------------------------------------------------------------------------------- what a run leaves


class HistoryPoint(Frozen):
    """One look at the model while it trained."""

    step: Count
    images_seen: Count
    epoch: float  # images seen / size of the train part
    training_seconds: float  # on the training clock
    learning_rate: float
    train_loss: float | None  # the contender's own objective, mean since the last point; None before the first step
    validation_loss: float  # negative log-likelihood of the class probabilities, the same for all
    validation_accuracy: float
    validation_objective: float | None = None  # a detector's own loss (classes and boxes), else None


class Execution(Frozen):
    """How a training step is executed; what it computes is the same, random numbers included."""

    mode: ExecutionMode = "eager"  # as written; compiled; compiled and replayed as CUDA graphs
    step_seconds: dict[str, float] = {}  # of each mode that was timed; empty: there was nothing to choose
    preparing_seconds: dict[str, float] = {}  # compiling and recording: once a run, on the preparation clock
    failures: dict[str, str] = {}  # modes that do not work here, and why


class Plan(Frozen):
    """The schedule, fixed before the first step, so that a run can be repeated step for step."""

    num_steps: Count
    batch_size: int
    num_train_images: Count  # of the train part
    num_cached_images: Count = 0  # of which these are used, when frozen stages are cached
    budget: Budget  # what it was made from
    step_seconds: float | None = None  # measured by the calibration, when the budget is in seconds
    evaluation_steps: tuple[int, ...]
    execution: Execution = Execution()


class PerClass(Frozen):
    """One list each, in the order of the classes."""

    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f1: tuple[float, ...]
    support: tuple[int, ...]


class Scores(Frozen):
    """How good the answers on one part are.  Ratios in 0..1; loss is in nats, lower is better."""

    num_items: Count
    accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    loss: float
    per_class: PerClass
    confusion: tuple[tuple[int, ...], ...]  # rows: truth, columns: answer


class DetectionScores(Frozen):
    """How good the boxes are; COCO's definitions, one ink box an image as truth."""

    mean_iou: float  # of the true box and the best-scored box, 0 where there is none
    map: float  # AP averaged over IoU .50:.05:.95
    map50: float
    map75: float
    found_fraction: float  # images with at least one box
    num_boxes: Count


class Segment(Frozen):
    """One stretch of training without interruption."""

    started_at: str  # ISO 8601, UTC
    first_step: Count
    last_step: Count
    training_seconds: float


class Clocks(Frozen):
    """The four clocks, in seconds of wall time, and what else was used.  A resumed run sums its segments."""

    preparation_seconds: float  # imports, data, starting weights, calibration: once
    training_seconds: float  # first batch asked for to last optimizer step; loading and augmentation in
    evaluation_seconds: float  # validation while training, and the test
    checkpoint_seconds: float
    total_seconds: float
    training_cpu_seconds: float  # all threads of this process
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
    mfu: float  # training FLOP/s over that product


class Host(Frozen):
    """Facts of the machine and the software; equal hosts make times comparable."""

    hostname: str
    platform: str
    cpu: str
    num_cores: int
    memory_bytes: int
    device: str  # "cpu", "cuda:0 NVIDIA ...", "mps"
    num_threads: int
    python: str
    versions: dict[str, str]  # torch, torchvision, numpy, eyechart
    commit: str  # of eyechart's code, "" outside a checkout; "-dirty" when changed
    load_average: float | None = None  # of the last minute, before the start: foreign work when it is high


class RunRecord(Frozen):
    """`run.json`: everything about one run; its presence means that the run is finished and complete."""

    schema_version: int = SCHEMA_VERSION
    study: str
    run: str  # the folder's name: "vit-s0"
    contender: str  # as asked for: "vgg16:hed"
    status: Literal["finished", "diverged"]
    seed: Count
    recipe: Recipe
    rules: Rules
    plan: Plan
    dataset: DatasetCard
    splits: SplitsCard
    weights: WeightsOrigin
    preprocessing: Preprocessing
    history: tuple[HistoryPoint, ...]
    validation: Scores
    test: Scores
    detection: DetectionScores | None = None
    clocks: Clocks
    cost: Cost
    host: Host
    test_accesses: int
    weights_sha256: str  # of the tensors, not of the file
    predictions_sha256: str
    items: str  # the file, beside the runs, that holds the test images and labels
    command: str  # repeats this very run
    started_at: str
    finished_at: str


class MachineChoice(Frozen):
    """Why a study trains where it does: settled once, before the first run, the same for every contender."""

    reason: str
    image_seconds: dict[str, dict[str, float]] = {}  # timed: "cuda bfloat16" -> contender -> to train on one image
    failures: dict[str, str] = {}  # "mps bfloat16" -> why it is out


class StudyRecord(Frozen):
    """`study.json`: what was planned, written before the first run starts."""

    schema_version: int = SCHEMA_VERSION
    name: str
    contenders: tuple[str, ...]
    seeds: tuple[int, ...]
    recipes: dict[str, Recipe]
    rules: Rules
    command: str
    created_at: str
    machine: MachineChoice | None = None  # None: device and precision were given, or are not settled yet


class Job(Frozen):
    """One run to be done: what a launcher hands to a worker, which may be another process."""

    study: str
    run: str
    folder: str  # of the run
    contender: str
    seed: Count
    recipe: Recipe
    rules: Rules
    num_cached_images: Count = 0  # of the run that is repeated; 0: as the budget allows
    execution: Execution | None = None  # of the run that is repeated; None: timed where there is something to choose
    offline: bool = False
    command: str = ""
