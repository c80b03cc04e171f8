"""What a detector's second stage was shown, and what it took each region for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from eyechart.insight.pixels import Map

if TYPE_CHECKING:
    from eyechart.insight.asked import AskedModel


class Regions(NamedTuple):
    """The proposals that were kept, best first; boxes in pixels of the dataset's image."""

    boxes: np.ndarray  # float32 (R, 4): left, top, right, bottom
    scores: np.ndarray  # float32 (R, K): of each region as each class; what is missing to 1 is background


def find_regions(asked: AskedModel, image: Tensor) -> Regions:
    """The proposals for one image (1, C, H, W) and their class scores."""
    assert asked.detector is not None, "methods.py asks nobody else"
    with torch.no_grad():
        inside = asked.detector.look_inside(image[0], image.new_zeros(0, 4))
    return Regions(inside.proposals.cpu().numpy(), inside.region_scores.cpu().numpy())


def region_map(asked: AskedModel, image: Tensor, answer: int) -> Map:
    """The best score of `answer` (0..1) among the regions that cover a pixel; 0 where none does."""
    regions = find_regions(asked, image)
    height, width = image.shape[2:]
    rows, columns = np.arange(height)[:, None] + 0.5, np.arange(width)[None, :] + 0.5  # middles of pixels
    values = np.zeros((height, width), np.float32)
    for (left, top, right, bottom), scores in zip(regions.boxes, regions.scores, strict=True):
        covers = (left <= columns) & (columns < right) & (top <= rows) & (rows < bottom)
        values = np.where(covers, np.maximum(values, scores[answer]), values)
    return Map(values.astype(np.float32), (height, width))
