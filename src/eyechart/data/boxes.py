"""Where the boxes of images come from: their dataset, or, for one-object images, THE rule: the box around the ink.

1. background   per channel, the median of the image's own border pixels
2. contrast     per pixel, how far it is from the background, in the channel where it is furthest
3. ink          pixels with more than INK_SHARE of the image's largest contrast (so a pale pencil counts as well)
4. box          from the first to the last column and row with ink: left, top inclusive, right, bottom exclusive,
                so a box of one pixel is 1 wide and a full one is (0, 0, W, H)
5. no box       an image whose largest contrast is at most MIN_CONTRAST has no ink, and a single pixel is a speck:
                both get the whole frame, so that every image has a box of at least two pixels

Training boxes are measured after augmentation, test boxes on the plain images, by this same function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from eyechart.data.batches import to_floats
from eyechart.data.ink import INK_SHARE
from eyechart.schema.objects import Objects, from_padded

if TYPE_CHECKING:
    from eyechart.schema.contracts import LabelledImages

CHUNK_SIZE = 256  # images at once, while their ink is looked for

MIN_CONTRAST = 0.1  # on the scale of 0..1: below, it is noise on an empty sheet


def ink_boxes(images: Tensor) -> Tensor:
    """Float (B, C, H, W) in 0..1 -> ink boxes float32 (B, 4): left, top, right, bottom in pixels."""
    height, width = images.shape[-2:]
    contrast = (images - background_of(images)).abs_().amax(dim=1)  # (B, H, W)
    columns, rows = contrast.amax(dim=1), contrast.amax(dim=2)  # (B, W), (B, H)
    peak = rows.amax(dim=1, keepdim=True)  # (B, 1)
    left, right = _span(columns > INK_SHARE * peak)
    top, bottom = _span(rows > INK_SHARE * peak)
    boxes = torch.stack([left, top, right, bottom], dim=1)  # (B, 4)
    is_speck = (right - left) * (bottom - top) < 2
    has_no_box = is_speck | (peak.squeeze(1) <= MIN_CONTRAST)
    return torch.where(has_no_box.unsqueeze(1), boxes.new_tensor([0, 0, width, height]), boxes)


def background_of(images: Tensor) -> Tensor:
    """The median of the border pixels, (B, C, 1, 1)."""
    border = torch.cat([images[..., 0, :], images[..., -1, :], images[..., 1:-1, 0], images[..., 1:-1, -1]], dim=-1)
    return border.median(dim=-1).values[..., None, None]


def _span(marked: Tensor) -> tuple[Tensor, Tensor]:
    """First marked place and the place after the last: bool (B, L) -> two float32 (B,)."""
    length = marked.shape[1]
    places = torch.arange(length, device=marked.device, dtype=torch.float32)
    first = length - (marked * (length - places)).amax(dim=1)
    return first, (marked * (places + 1)).amax(dim=1)


def strata_of(objects: Objects) -> np.ndarray:
    """int64 (N,): the class of each image's largest object, 0 where there is none; what shares are balanced by."""
    image = np.repeat(np.arange(len(objects)), objects.counts)
    smallest_first = np.lexsort((objects.areas, image))
    strata = np.zeros(len(objects), np.int64)
    strata[image[smallest_first]] = objects.labels[smallest_first]  # the last that is written is the largest
    return strata


def objects_on(part: LabelledImages) -> Objects:
    """What is to be found on each image of a part: what its dataset says, or one object around the ink."""
    if part.objects is not None:
        return part.objects
    chunks = (torch.from_numpy(np.array(images)) for images in part.chunks(CHUNK_SIZE))  # mapped read-only
    found = torch.cat([ink_boxes(to_floats(images)) for images in chunks])[:, None]
    return from_padded(found.numpy(), part.labels[:, None])
