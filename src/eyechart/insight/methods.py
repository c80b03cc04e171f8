"""All methods side by side, and why one cannot be asked of a contender."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from eyechart.insight.attention import attention_rollout
from eyechart.insight.grad_cam import find_last_map, grad_cam
from eyechart.insight.pixels import Map, integrated_gradients, occlusion
from eyechart.insight.regions import region_map
from eyechart.models.vit import ViT
from eyechart.schema.explain import METHODS, MethodName, Why

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from eyechart.insight.asked import AskedModel


@dataclass(frozen=True)
class Explained:
    """The maps of one image by one contender."""

    maps: dict[MethodName, Map]
    seconds: dict[MethodName, float]


def cannot_ask(asked: AskedModel, image: Tensor) -> dict[MethodName, Why]:
    """The methods that this contender cannot be asked by, and why; `image` (1, C, H, W) is any of its images."""
    reasons: dict[MethodName, Why] = {}
    if find_last_map(asked, image) is None:
        reasons["grad-cam"] = "no map"
    if not isinstance(asked.network, ViT):
        reasons["attention rollout"] = "no attention"
    if asked.detector is None:
        reasons["regions"] = "no regions"
    return reasons


def explain(asked: AskedModel, image: Tensor, answer: int, methods: Sequence[MethodName]) -> Explained:
    """What spoke for `answer` (a class id) on an image float32 (1, C, H, W) in 0..1, by each of `methods`.

    Raises MissingError where captum is not installed.
    """
    maps: dict[MethodName, Map] = {}
    seconds: dict[MethodName, float] = {}
    for method in methods:
        started = time.perf_counter()
        maps[method] = _asked_by(method, asked, image, answer)
        seconds[method] = time.perf_counter() - started
    return Explained(maps, seconds)


def askable(asked: AskedModel, image: Tensor) -> list[MethodName]:
    """The methods that this contender can be asked by, in the order of the figure."""
    return [method for method in METHODS if method not in cannot_ask(asked, image)]


def _asked_by(method: MethodName, asked: AskedModel, image: Tensor, answer: int) -> Map:
    with torch.enable_grad():
        match method:
            case "occlusion":
                return occlusion(asked, image, answer)
            case "integrated gradients":
                return integrated_gradients(asked, image, answer)
            case "grad-cam":
                return grad_cam(asked, image, answer)
            case "attention rollout":
                return attention_rollout(asked, image)
            case "regions":
                return region_map(asked, image, answer)
