"""Grad-CAM by hand, for convolutions and for tokens, and where it looks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from eyechart.insight.asked import AskedModel, log_odds
from eyechart.insight.grad_cam import find_last_map, grad_cam
from eyechart.insight.methods import cannot_ask
from eyechart.models.cnn import CNN
from eyechart.models.vit import ViT


def test_of_convolutions_by_hand(ask: Callable[..., AskedModel], image: torch.Tensor) -> None:
    asked = ask("cnn")
    network = asked.network
    assert isinstance(network, CNN)
    maps = network.stages(asked.model.preprocess(image)).detach().requires_grad_(True)
    score = log_odds(network.head(maps.flatten(1)) * network.logit_scale, 2).sum()
    (gradient,) = torch.autograd.grad(score, maps)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    cam = (weights * maps).sum(dim=1, keepdim=True).relu().detach()
    assert cam.max() > 0
    expected = interpolate(cam, size=(28, 21), mode="bilinear", align_corners=False)[0, 0]
    found = grad_cam(asked, image, 2)
    np.testing.assert_allclose(found.values, expected.numpy(), atol=1e-6)
    assert found.cells == (3, 3)


@pytest.mark.parametrize("class_token", [False, True])
def test_of_tokens_by_hand(class_token: bool, ask: Callable[..., AskedModel], image: torch.Tensor) -> None:
    asked = ask("vit", options={"class_token": class_token})
    network = asked.network
    assert isinstance(network, ViT)
    tokens = network._embedded(asked.model.preprocess(image))
    for block in network.blocks[:-1]:
        tokens = block(tokens)
    tokens = tokens.detach().requires_grad_(True)
    last = network.blocks[-1](tokens)
    pooled = last[:, 0] if class_token else last.mean(dim=1)
    (gradient,) = torch.autograd.grad(log_odds(network.head(network.norm(pooled)), 0).sum(), tokens)
    patches, slopes = tokens.detach()[0, int(class_token) :], gradient[0, int(class_token) :]
    expected = (patches @ slopes.mean(dim=0)).relu().view(4, 3)
    assert expected.max() > 0
    found = grad_cam(asked, image, 0)
    np.testing.assert_allclose(found.values[::7, ::7], expected.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("contender", "name", "grid", "layout"),
    [
        ("cnn", "stages", (3, 3), "features first"),
        (
            "vgg16:none:head",
            "features.22",
            (4, 4),
            "features first",
        ),  # at 32 px the last stage has 2 x 2 cells and then 1
        ("alexnet:none:head", "features.11", (3, 3), "features first"),
        ("vit", "blocks.3", (5, 4), "tokens"),
        ("fasterrcnn", "backbone", (7, 5), "features first"),
        ("torchvision:resnet18:none:head", "body.layer3", (4, 4), "features first"),  # at 64 px layer4 has 2 x 2
        ("torchvision:swin_t:none:head", "body.features.5", (4, 4), "features last"),  # then come 2 x 2
        ("timm:test_vit:none:head", "body.blocks.5", (10, 10), "tokens"),
    ],
)
def test_where_it_looks(
    contender: str, name: str, grid: tuple[int, int], layout: str, ask: Callable[..., AskedModel],
    image: torch.Tensor,
) -> None:  # fmt: skip
    changes = {"input_pixels": 160} if contender.startswith("timm:test_vit") else {}
    asked = ask(contender, **changes)
    found = find_last_map(asked, image)
    assert found is not None
    assert (found.name, found.grid, found.layout) == (name, grid, layout)
    values = grad_cam(asked, image, 1).values
    assert values.shape == (28, 21)
    assert values.min() >= 0


def test_a_network_that_forgets_where_is_not_asked(ask: Callable[..., AskedModel], image: torch.Tensor) -> None:
    asked = ask("timm:test_resnet:none:head")
    small = find_last_map(asked, image)
    assert small is not None
    assert min(small.grid) >= 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eyechart.insight.grad_cam.LEAST_CELLS", 100)
        assert find_last_map(asked, image) is None
        assert cannot_ask(asked, image)["grad-cam"] == "no map"
