"""What must be known of a trained model to ask it about pictures, and what an exported file says of itself."""

from __future__ import annotations

from typing import Any, Literal

from eyechart.schema.data import Preprocessing, Task
from eyechart.schema.frozen import Count, Fraction, Frozen, NotNegative, Positive


class ModelFacts(Frozen):
    """Who answers, and what pictures and answers are to it."""

    run: str  # "vit-s0"
    contender: str
    title: str = ""  # for people: "Vision Transformer"
    task: Task
    dataset: str = ""  # title
    classes: tuple[str, ...]  # in the order of the class ids 0..K-1
    preprocessing: Preprocessing
    temperature: Positive | None  # None: none was fitted


class Quantised(Frozen):
    """What weights and values of 8 bits cost and gave, measured when the file was written."""

    method: Literal["static", "dynamic"]
    why: str  # this method and not the other, in words
    num_calibration: Count  # validation images that gave the ranges of static values
    num_items: Count  # test images
    accuracy_float: Fraction
    accuracy_int8: Fraction
    difference: float  # of these accuracies, int8 less float
    low: float  # 95 % of the difference, for other test images
    high: float
    num_changed: Count  # test images that are answered otherwise
    bytes_float: Count
    bytes_int8: Count
    milliseconds_float: NotNegative  # for one picture, one thread, the median
    milliseconds_int8: NotNegative
    speed: Positive  # times as fast as float: the median of pairs measured in turns, with the smallest and the largest
    speed_least: Positive
    speed_most: Positive
    cpu: str


class ExportedCard(ModelFacts):
    """The metadata of an exported file."""

    weights_sha256: str  # of the run's tensors, not of the file
    licence_of_data: str
    least_sure: Fraction = 0.0  # probability of the answer, below which a picture is unlike the training images
    recipe: dict[str, Any] | None = None  # with which the network is built again: of files that hold tensors alone
    quantised: Quantised | None = None
    eyechart: str = ""  # version
