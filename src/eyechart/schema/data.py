"""Cards of data: what a dataset is, how it was cut, and how a picture comes to a network."""

from __future__ import annotations

from typing import Literal

from eyechart.schema.frozen import Count, Frozen, NotNegative, Positive

Task = Literal["classification", "detection"]


class PictureRule(Frozen):
    """How a dataset reads pictures of more than 8 bits, and transparent ones: one rule for all of its pictures."""

    integers: tuple[float, float] | None = None  # the values that become 0 and 255; None: train has no such picture
    floats: tuple[float, float] | None = None  # the same
    ground: Literal["white", "black", "grey"] | None = None  # what transparent parts are laid over; None: white


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
    picture_rule: PictureRule | None = None  # None: all pictures have 8 bits and are opaque
    task: Task = "classification"  # detection: any number of objects on an image, each in a box

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
    num_mislabelled: Count = 0  # train images whose label was replaced by that of another class, as the rules ask
    num_shared: dict[str, Count] | None = None  # "validation/test": distinct pictures in both; None: not looked at
    missing_classes: dict[str, tuple[str, ...]] | None = None  # part -> classes without an image there
    plain_classes: dict[str, tuple[str, ...]] | None = None  # part -> classes all of whose images are of one colour


class InkFacts(Frozen):
    """What the images of an ink-like set have in common, measured on its train part: one thing written on even ground.

    Pixels are those of the set's own images.  Ranges leave out the few oddest images at either end.
    """

    is_bright: bool  # the ink is brighter than what it stands on
    box_side: Positive  # pixels: of the box around the ink the longer side, median
    stroke: Positive  # pixels: how thick strokes are, median
    centred_by: Literal["mass", "box"]  # whose centre varies less from image to image
    centre: tuple[float, float]  # pixels (x, y) from the image's middle to that centre, median
    centre_spread: NotNegative  # pixels: how far it is from there at most
    boxes: tuple[float, float]  # pixels: range of the box's longer side
    strokes: tuple[float, float]  # pixels: range of the thickness
    shares: tuple[float, float]  # 0..1: range of how much of its box the ink covers
    aspects: tuple[float, float]  # range of the box's width by its height


class Preprocessing(Frozen):
    """The way from a raw picture to what a network sees; saved beside the weights, needed by nothing else.

    A raw picture is brought to the dataset's own size and channels (uint8), by its `picture_rule`.  The network's own
    part, run on the device for a whole batch: `fit` to the input size, grey repeated to `input_channels`,
    (pixel/255 - mean) / std.
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
    picture_rule: PictureRule | None = None  # of the dataset; None: it had only opaque pictures of 8 bits
    ink: InkFacts | None = None  # None: no ink-like set, or an older run, which did not measure it
