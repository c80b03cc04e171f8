"""What a detector's recipe may choose: names, meanings and limits of its options."""

from __future__ import annotations

import math
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from eyechart.base.errors import UsageError
from eyechart.schema import Fraction, Frozen, Recipe

ANCHOR_OPTIONS = ("anchors", "anchor_pixels", "anchor_ratios")
Anchor = TypeVar("Anchor")
STRIDE = 4  # input pixels a cell of the finest map; a cell of each further one is twice as wide
REFERENCE_SIDE = 28  # pixels: MNIST's, for which anchor_pixels are chosen when they scale


class DetectorOptions(Frozen):
    """The options of a recipe, checked.  Sizes are in pixels of the network's input."""

    trunk: Literal["", "vgg16"] = ""  # whose first three stages the backbone begins with; "": convolutions of its own
    width: int = Field(16, ge=1)  # channels of the first convolution; the others have 2 and 4 times as many
    convolutions: int = Field(1, ge=1)  # of the finest map's own fineness, the last of the backbone
    levels: int = Field(1, ge=1, le=4)  # maps of strides 4, 8, 16, 32, each with as many anchors, the smallest first
    anchors: str = ""  # widths x heights in pixels, "7x21,13x18"; "auto" until the train boxes are known; or else:
    anchor_pixels: str = "8,12,16,20"  # square roots of the anchors' areas
    scale_anchors: bool = False  # True: anchors are for an input of 28 pixels and grow with a larger one
    anchor_ratios: str = "1,2,4"  # height / width
    pool_cells: int = Field(5, ge=1)  # side of the grid on which the head sees a proposal
    pool_growth: float = Field(1.0, ge=1)  # that many times as large as a proposal is the window that the head sees
    pool_aligned: bool = False  # True: that window lies where it says; False: half a map cell off, as torchvision's
    shared_deltas: bool = False  # True: one box a proposal, whatever its class; False: one for each class
    box_weight: float = Field(1.0, gt=0)  # of the head's box loss
    head_convolutions: int = Field(0, ge=0)  # on the pooled grid, each with its norm, before the hidden layers
    head_norm: bool = False  # layer norm in both hidden layers
    refinements: int = Field(0, ge=0)  # times that the head looks again, at the boxes that it gave; needs shared_deltas
    head_units: int = Field(128, ge=1)  # of both hidden layers
    num_candidates: int = Field(64, ge=1)  # best anchors of an image and level that suppression looks at
    num_proposals: int = Field(24, ge=1)  # of which this many go to the head
    num_detections: int = Field(20, ge=1)  # boxes of an image that are answered at most
    proposal_samples: int = Field(64, ge=1)  # anchors of an image that a training step learns from
    proposal_positives: Fraction = 0.5  # share of them that may lie on true boxes
    region_samples: int = Field(16, ge=1)  # proposals of an image that a training step learns from
    region_positives: Fraction = 0.25
    proposal_overlap: Fraction = 0.7  # IoU above which the worse of two proposals goes
    detection_overlap: Fraction = 0.5  # IoU above which the worse of two boxes of a class goes
    vote_overlap: Fraction = 1.0  # IoU above which a box of the class has a say in where a better one lies; 1: none
    whole_pixels: bool = False  # True: answers have whole edges, as the train boxes have; "auto" until these are known
    score_threshold: Fraction = 0.05  # boxes that are less likely are not answered

    @property
    def anchor_sizes(self) -> list[float]:
        return [float(pixels) for pixels in self.anchor_pixels.split(",")]

    def anchor_growth(self, height: int, width: int) -> float:
        """How many times as large anchors are for an input of that size."""
        return max(1.0, max(height, width) / REFERENCE_SIDE) if self.scale_anchors else 1.0

    @property
    def anchor_shapes(self) -> list[float]:
        return [float(ratio) for ratio in self.anchor_ratios.split(",")]

    @property
    def anchor_sides(self) -> list[tuple[float, float]]:
        """The given (width, height) pairs; none where sizes and ratios are given."""
        pairs = [pair.split("x") for pair in self.anchors.split(",") if self.anchors]
        return [(float(width), float(height)) for width, height in pairs]

    def anchors_for(self, height: int, width: int) -> list[list[tuple[float, float]]]:
        """The anchors' (width, height) in pixels for an input of that size, level by level.

        Raises UsageError for an input of which the coarsest map would have no cell.
        """
        least = STRIDE * 2 ** (self.levels - 1)
        if min(height, width) < least:
            raise UsageError(
                f"The detector's levels are {self.levels} and its input is {width} x {height} pixels; expected {least} "
                f"or more on the shorter side, so that the coarsest map has a cell. Choose fewer levels, or a larger "
                f"--img-size."
            )
        growth = self.anchor_growth(height, width)
        if self.anchors:
            return self._by_level([(growth * across, growth * down) for across, down in self.anchor_sides])
        roots = [math.sqrt(ratio) for ratio in self.anchor_shapes]
        by_level = self._by_level([growth * size for size in self.anchor_sizes])
        return [[(size / root, size * root) for root in roots for size in sizes] for sizes in by_level]

    def _by_level(self, anchors: list[Anchor]) -> list[list[Anchor]]:
        each = len(anchors) // self.levels
        return [anchors[each * level : each * (level + 1)] for level in range(self.levels)]


def read_options(recipe: Recipe) -> DetectorOptions:
    """The recipe's options; UsageError when one is unknown or cannot be."""
    try:
        options = DetectorOptions.model_validate(recipe.options)
        numbers = (
            options.anchor_sizes + options.anchor_shapes + [side for pair in options.anchor_sides for side in pair]
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"{recipe.contender}: option {first['loc'][0]!s} = {first['input']!r} cannot be ({first['msg']}). "
            f"Known options: {', '.join(DetectorOptions.model_fields)}."
        ) from None
    except ValueError:
        numbers = []
    if numbers and options.refinements and not options.shared_deltas:
        raise UsageError(
            f"{recipe.contender}: refinements = {options.refinements} look again at one box a proposal, and "
            f"shared_deltas = false gives one for each class. Expected shared_deltas = true with refinements."
        )
    if numbers and (number := len(options.anchor_sides or options.anchor_sizes)) % options.levels:
        which = "anchors" if options.anchors else "anchor_pixels"
        raise UsageError(
            f"{recipe.contender}: {which}={getattr(options, which)!r} are {number} for {options.levels} levels; "
            f"expected as many on each level."
        )
    if not numbers or not all(0 < number < math.inf for number in numbers):
        given = [f"{name}={recipe.options[name]!r}" for name in ANCHOR_OPTIONS if name in recipe.options]
        raise UsageError(
            f"{recipe.contender}: {' and '.join(given)} were found; expected positive numbers with commas between "
            f"them, as in '8,12,20', and anchors as in '7x21,13x18'."
        )
    return options
