"""Do the maps depend on what was learned, and do they mark what the answer hangs on?  Measured, for every method.

random weights   the same architecture with random weights must give another map (Adebayo et al. 2018)
deletion         pixels are deleted in the order of the map, the highest first; the answer's probability must fall
                 sooner than in random order (Petsiuk et al. 2018).  On images with a plain ground any map that finds
                 the ink does that, so random orders that begin with the ink stand beside it.

A deleted pixel takes the median colour of the image's own edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from eyechart.base.seeding import derived_seed
from eyechart.data.boxes import background_of
from eyechart.data.ink import INK_SHARE
from eyechart.evaluation.predict import to_device
from eyechart.insight.methods import askable, explain
from eyechart.schema.explain import MethodCheck, MethodName
from eyechart.scoring.saliency import area_under, deletion_order, estimated, rank_correlation

if TYPE_CHECKING:
    from torch import Tensor

    from eyechart.insight.asked import AskedModel

NUM_STEPS = 20  # of a deletion curve, a twentieth of the pixels each
NUM_ORDERS = 3  # random ones an image, of each kind
AT_ONCE = 128  # images through the network


@dataclass(frozen=True)
class Checked:
    """The checks of all methods, and the areas of random orders, means over images."""

    checks: tuple[MethodCheck, ...]
    random_area: float
    ink_area: float


def check_methods(asked: AskedModel, untrained: AskedModel, images: np.ndarray, seed: int = 0) -> Checked:
    """Both checks on images uint8 (N, C, H, W), of the answers that the trained network gives to them.

    `untrained` is the same architecture with random weights; it is asked about the same class.
    """
    methods = askable(asked, to_device(images[:1], asked.device))
    alike: dict[MethodName, list[float]] = {method: [] for method in methods}
    areas: dict[MethodName, list[float]] = {method: [] for method in methods}
    seconds: dict[MethodName, list[float]] = {method: [] for method in methods}
    random_areas, ink_areas = [], []
    for number in range(len(images)):
        image = to_device(images[number : number + 1], asked.device)
        answer = int(asked.probabilities(image).argmax())
        own = explain(asked, image, answer, methods)
        other = explain(untrained, image, answer, methods)
        random = np.random.default_rng(derived_seed(seed, "deletion", number))
        by_chance, by_ink = _random_orders(image, random)
        orders = [deletion_order(own.maps[method].values, random) for method in methods]
        found = _areas(asked, image, answer, [*orders, *by_chance, *by_ink])
        for method, area in zip(methods, found, strict=False):
            alike[method].append(rank_correlation(own.maps[method].values, other.maps[method].values))
            areas[method].append(area)
            seconds[method].append(own.seconds[method])
        random_areas.append(float(np.mean(found[len(methods) : -NUM_ORDERS])))
        ink_areas.append(float(np.mean(found[-NUM_ORDERS:])))
    at_random, with_ink = np.array(random_areas), np.array(ink_areas)
    checks = []
    for method in methods:
        own_areas = np.array(areas[method])
        checks.append(MethodCheck(
            method=method, alike=estimated(np.array(alike[method])), area=estimated(own_areas),
            before_random=estimated(at_random - own_areas), before_ink=estimated(with_ink - own_areas),
            seconds=float(np.median(seconds[method])),
        ))  # fmt: skip
    return Checked(tuple(checks), float(at_random.mean()), float(with_ink.mean()))


def _random_orders(image: Tensor, random: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Orders of the pixels (H*W,): at random, and at random with the ink first."""
    contrast = (image - background_of(image)).abs().amax(dim=1)[0].cpu().numpy()  # (H, W)
    is_ink = contrast > INK_SHARE * contrast.max()
    by_chance = [random.permutation(contrast.size) for _ in range(NUM_ORDERS)]
    return by_chance, [deletion_order(is_ink.astype(np.float32), random) for _ in range(NUM_ORDERS)]


def _areas(asked: AskedModel, image: Tensor, answer: int, orders: list[np.ndarray]) -> list[float]:
    """Under the curve of the answer's probability, for each order in which pixels of one image are deleted."""
    ends = np.linspace(0, len(orders[0]), NUM_STEPS + 1).round().astype(int)
    places = torch.from_numpy(np.stack([np.argsort(order) for order in orders])).to(image.device)  # of each pixel
    deleted = places[:, None] < torch.from_numpy(ends).to(image.device)[:, None]  # (orders, steps + 1, H*W)
    shape = image.shape[2:]
    masks = deleted.flatten(0, 1).view(-1, 1, *shape)
    ground = background_of(image)
    found = [
        asked.probabilities(torch.where(masks[start : start + AT_ONCE], ground, image))[:, answer]
        for start in range(0, len(masks), AT_ONCE)
    ]
    curves = torch.cat(found).view(len(orders), -1).cpu().double().numpy()  # MPS has no float64
    return [area_under(curve) for curve in curves]
