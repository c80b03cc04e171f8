from __future__ import annotations

import pytest
import torch
import torchvision

from eyechart.weights.trunks import trunk_shapes


@pytest.mark.parametrize("architecture", ["vgg16", "alexnet"])
def test_names_and_shapes_are_torchvisions(architecture: str) -> None:
    with torch.device("meta"):
        model = torchvision.models.get_model(architecture, weights=None)
    theirs = {name: tuple(t.shape) for name, t in model.state_dict().items() if name.startswith("features.")}
    assert trunk_shapes(architecture) == theirs
