"""Cells and tokens lie where their pixels are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from eyechart.insight.asked import AskedModel
from eyechart.insight.place import on_image, token_grid


def test_a_crop_is_put_back_where_it_was_taken_from(ask: Callable[..., AskedModel]) -> None:
    asked = ask("cnn", height=28, width=28)
    assert asked.model.preprocess.card.fit == "centre-crop"
    values = on_image(asked, torch.ones(3, 3), smooth=True)
    assert values.shape == (28, 28)
    assert (values[2:26, 2:26] == 1).all()
    assert values.sum() == 24 * 24, "nothing is said of the rim"


def test_tiles_and_smooth_cells(ask: Callable[..., AskedModel]) -> None:
    asked = ask("vit")
    cells = torch.arange(12.0).view(4, 3)
    tiles = on_image(asked, cells, smooth=False)
    np.testing.assert_array_equal(tiles[::7, ::7], cells.numpy())
    assert len(np.unique(on_image(asked, cells, smooth=True))) > 12


@pytest.mark.parametrize(
    ("num_tokens", "shape", "num_extra", "grid"),
    [
        (16, 1.0, None, (4, 4)), (17, 1.0, None, (4, 4)), (20, 1.0, None, (4, 4)), (197, 1.0, None, (14, 14)),
        (12, 28 / 21, None, (4, 3)), (13, 28 / 21, None, (4, 3)), (9, 1.0, 5, (2, 2)), (201, 1.0, 5, (14, 14)),
        (10, 1.0, 0, (0, 0)),
    ],
)  # fmt: skip
def test_tokens_on_a_grid(num_tokens: int, shape: float, num_extra: int | None, grid: tuple[int, int]) -> None:
    assert token_grid(num_tokens, shape, num_extra) == grid
