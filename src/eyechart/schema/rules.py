"""What is the same for every contender (Rules) and what one may choose for itself (Recipe)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from eyechart.schema.frozen import Count, Fraction, Frozen, NotNegative, Positive, Setting


class Budget(Frozen):
    """How long a contender may train.  `seconds` become a fixed number of `steps` before the start."""

    unit: Literal["epochs", "images", "seconds", "steps"]
    amount: Positive


class Looking(Frozen):
    """That a study was looked at after every seed, to stop when all of its pairs are decided; said before its start.

    Verdicts are then those of comparison/sequential.py.
    """

    most_seeds: Annotated[int, Field(ge=1)]  # N: there will never be more
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05  # the chance of a false "better", over all looks together


class Rules(Frozen):
    """What is held the same for every contender of a study."""

    preset: str
    dataset: str  # a known name or a path
    budget: Budget | None = None  # None: each recipe's own full schedule
    img_size: int | None = None  # pixels a side to which images are brought; None: as the dataset has them
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0  # share of the train part that is used, stratified
    label_noise: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share of the train labels that name another class
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.05  # of the train part, when there is no own one
    least_validation_images: Count = 0  # a small train part gives more than that share, up to a fifth of it
    max_test_images: int | None = None  # only the smoke preset shortens the test
    num_evaluations: Annotated[int, Field(ge=1)] = 8  # times that validation is measured while training
    device: str = "auto"  # what was asked for; the run file's host says what was used
    num_threads: Annotated[int, Field(ge=1)] = 1
    precision: Literal["auto", "float32", "tf32", "bfloat16"] = "auto"  # of products; weights and sums are float32
    looking: Looking | None = None  # None: the number of seeds was fixed beforehand


# A change of a training image's pixels that moves none of them; data/mixed_changes.py makes them.
Change = Literal[
    "levels", "light", "negative", "negative_part", "posterise", "blur", "thicken", "thin", "outline",
    "sharpen", "coarse", "noise", "strokes", "blobs",
]  # fmt: skip


class Mixing(Frozen):
    """Chains of changes of an image's pixels, mixed with the image as AugMix does; data/mixing.py makes them."""

    clean_fraction: Fraction  # of images that stay as they are
    num_chains: Count  # 0: nothing is mixed
    most_operations: Annotated[int, Field(ge=1)]  # of a chain, which has one to so many
    operations: Annotated[tuple[Change, ...], Field(min_length=1)]  # among which each of them is drawn
    finishes: tuple[tuple[Change | Literal["none"], ...], ...] = ()  # one of each is made of the mixture, unmixed


class Augmentation(Frozen):
    """Random changes of a training image, drawn anew for every image and step.  All zero: none."""

    shift_pixels: NotNegative = 0.0  # up to this far along both axes
    rotate_degrees: Annotated[float, Field(ge=0, le=180)] = 0.0  # up to this angle either way
    scale_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0  # 0.1: between 0.9 and 1.1
    shear_degrees: Annotated[float, Field(ge=0, le=60)] = 0.0
    flip: bool = False  # left-right, half of the images
    mixing: Mixing | None = None  # what `--robust` gives: changes of its pixels, after those that move them

    @property
    def is_none(self) -> bool:
        return self == Augmentation()


class Tuning(Frozen):
    """How a recipe was searched, on validation images only: what fairness compares and the report draws."""

    unit: Literal["trials", "seconds"]  # what every contender of the search got the same amount of
    amount: Positive
    accuracies: tuple[Fraction, ...]  # on validation, of every trial in turn; one that failed counts as a guess
    num_failed: Count  # of these trials: they diverged, or their process ended
    best_trial: Count  # whose settings these are; trial 0 is the recipe as it stood
    validation_accuracy: Fraction  # of that trial, at its last step, mean over the search seeds
    validation_loss: float
    training_seconds: float  # of all trials together
    search_seeds: tuple[int, ...]  # a study may not use these again
    budget: Budget | None  # of each training; None: the recipe's own full schedule
    dataset: str
    dataset_sha256: str  # of the content
    searched: tuple[str, ...]  # the fields that a trial could choose
    sampler: str  # "optuna 5.0.0, TPE"
    date: str
    commit: str  # of eyechart's code

    @property
    def trials(self) -> int:
        """How many there were, failed ones among them."""
        return len(self.accuracies)


class Recipe(Frozen):
    """What one contender may choose for itself; everything else is in Rules."""

    contender: str  # the catalog's name of the architecture
    title: str  # for people: "Vision Transformer"
    epochs: Positive  # the full schedule, used when the rules set no budget
    batch_size: Annotated[int, Field(ge=1)]
    optimizer: Literal["sgd", "adamw"]
    learning_rate: Positive  # the peak, reached after warm-up
    weight_decay: NotNegative = 0.0  # not applied to biases and norms
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9  # SGD's (Nesterov), or AdamW's first beta
    schedule: Literal["linear", "cosine", "constant"] = "cosine"  # how the rate falls to 0 after warm-up, or stays
    warmup_fraction: Fraction = 0.1  # of all steps
    label_smoothing: Fraction = 0.0
    clip_norm: NotNegative = 0.0  # of the whole gradient; 0: never clipped
    augmentation: Augmentation = Augmentation()
    input_pixels: Annotated[int, Field(ge=8, le=1024)] | None = None  # square, small images are brought to it
    fit: Literal["resize", "centre-crop"] = "resize"
    normalise: bool = True  # pixels to mean 0 and sd 1; False: they stay 0..1, unless pretrained weights know theirs
    weights: str = "none"  # "auto", "none", a name from weights/, or a path
    frozen_stages: Count = 0  # pretrained contenders: leading stages that are not trained
    open_last: Count = 0  # instead: so many stages are trained, the last of those that fit the input; 0: frozen_stages
    trunk_rate: Positive = 1.0  # learning rate of pretrained layers as a share of the head's
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0  # and of each stage as a share of the one behind it
    gradual: bool = False  # pretrained stages are opened one by one, the last first, over half of the schedule
    cache_frozen: bool = False  # run the frozen stages once and train on their outputs; excludes augmentation
    cache_passes: Positive = 4.0  # when a budget is too short for all images: times that each cached one is used
    options: dict[str, Setting] = {}  # the architecture's own arguments, checked by its constructor
    source: str  # the paper, table or lab-log entry behind these numbers
    expect: str  # measured "score +- spread on dataset"
    tuning: Tuning | None = None  # how eyechart tune found these numbers; None: they were written by hand

    @property
    def settings(self) -> Recipe:
        """What changes a step, without the words about it: equal for all runs of one contender."""
        return self.model_copy(update={"title": "", "source": "", "expect": "", "tuning": None})


class WeightsOrigin(Frozen):
    """Where a contender's starting weights came from."""

    name: str  # "none", "imagenet", "hed", "file", "hub", "run"
    description: str  # "random initialisation", "torchvision VGG16 ImageNet-1k", ...
    licence: str = ""
    sha256: str = ""  # of the file they were read from
    pretrained_on: str = ""  # empty: from scratch; otherwise the mark that tables show
    knows_pixels: bool = True  # False: a file that does not say which mean and std its pixels had
