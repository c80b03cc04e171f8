"""Where the cells of a network's map, or its tokens, lie on the dataset's image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor
from torch.nn.functional import interpolate, pad

if TYPE_CHECKING:
    from eyechart.insight.asked import AskedModel


def on_image(asked: AskedModel, cells: Tensor, *, smooth: bool) -> np.ndarray:
    """A map (rows, columns) over the network's input, float32 (H, W) over the dataset's image.

    `smooth`: between the middles of cells, for maps of convolutions, whose cells see far beyond themselves; otherwise
    each cell is a tile, as a patch is.  What a crop took off the image is 0.
    """
    card = asked.model.preprocess.card
    crops = card.fit == "centre-crop"
    size = (card.input_height, card.input_width) if crops else (card.image_height, card.image_width)
    mode = {"mode": "bilinear", "align_corners": False} if smooth else {"mode": "nearest-exact"}
    placed = interpolate(cells[None, None].float(), size=size, **mode)[0, 0]
    if crops:
        top, left = (card.image_height - size[0]) // 2, (card.image_width - size[1]) // 2
        right, bottom = card.image_width - size[1] - left, card.image_height - size[0] - top
        placed = pad(placed, (left, right, top, bottom))
    found: np.ndarray = placed.detach().cpu().numpy()
    return found


def token_grid(num_tokens: int, shape: float, num_extra: int | None = None) -> tuple[int, int]:
    """Rows and columns of the patches among tokens, of which some in front may be none (a class token, registers).

    `shape`: height over width of what the network sees.  `num_extra`: tokens that are no patch, where it is known;
    otherwise the fewest that leave a grid of that shape.
    """
    for extra in [num_extra] if num_extra is not None else range(num_tokens):
        number = num_tokens - extra
        rows = round(math.sqrt(number * shape))
        if rows and number % rows == 0 and abs(rows * rows / number - shape) <= 0.02 * shape:
            return rows, number // rows
    return 0, 0
