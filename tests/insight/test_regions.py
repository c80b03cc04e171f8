"""A detector's regions as a map."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from eyechart.insight import regions
from eyechart.insight.asked import AskedModel
from eyechart.insight.regions import Regions, find_regions, region_map


def test_regions_are_the_proposals_with_scores_of_every_class(
    ask: Callable[..., AskedModel], image: torch.Tensor
) -> None:
    found = find_regions(ask("fasterrcnn"), image)
    assert 0 < len(found.boxes) <= 12, "the recipe's num_proposals"
    assert found.scores.shape == (len(found.boxes), 3)
    assert (found.scores.sum(axis=1) < 1).all(), "what is missing is background"
    assert (found.boxes[:, 2] <= 21).all()
    assert (found.boxes[:, 3] <= 28).all()


def test_a_pixel_has_the_best_score_of_what_covers_it(
    ask: Callable[..., AskedModel], image: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = np.array([[0, 0, 4, 2], [2, 1, 6, 9]], np.float32)
    scores = np.array([[0.1, 0.7, 0.0], [0.9, 0.2, 0.0]], np.float32)
    monkeypatch.setattr(regions, "find_regions", lambda asked, image: Regions(boxes, scores))
    values = region_map(ask("fasterrcnn"), image, 1).values
    assert values[0, 0] == values[1, 3] == np.float32(0.7)
    assert values[1, 4] == values[8, 5] == np.float32(0.2)
    assert values[9:].sum() == values[:, 6:].sum() == 0
