"""Occlusion and integrated gradients, which every contender can be asked: captum's, with our baseline.

What is taken away takes the median colour of the image's own edge (black, for MNIST), as the sides do of a picture that
is fitted into a frame.

Sources: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks" (occlusion); Sundararajan, Taly
and Yan 2017, "Axiomatic Attribution for Deep Networks" (integrated gradients).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from torch import Tensor

from eyechart.base.errors import MissingError
from eyechart.data.boxes import background_of

if TYPE_CHECKING:
    from types import ModuleType

    from eyechart.insight.asked import AskedModel

INSTALL = 'pip install "eyechart[explain]"'
WINDOWS_A_SIDE = 6  # a window is about a sixth of a side: 5 of 28 pixels
STEPS, MOST_STEPS = 64, 256  # of the way from the baseline to the image, at Gauss and Legendre's places
LARGEST_MISS, SMALL_MISS = (
    0.05,
    0.02,
)  # of the difference of the outputs, and in log-odds; beyond both steps are doubled
AT_ONCE = 64  # changed images through the network


class Map(NamedTuple):
    """What a method says of one image."""

    values: np.ndarray  # float32 (H, W) of the dataset's image; above 0: speaks for the answer, below: against it
    cells: tuple[int, int]  # rows and columns that the method tells apart
    miss: float | None = None  # integrated gradients: by how much the sum misses the difference of the outputs


def captum_attr() -> ModuleType:
    """captum.attr; MissingError where captum is not installed."""
    try:
        import captum.attr as attr
    except ImportError as error:
        raise MissingError(
            f"What a contender looked at is asked with captum, which is not installed here ({error}). Install it with: "
            f"{INSTALL}"
        ) from None
    module: ModuleType = attr
    return module


def occlusion(asked: AskedModel, image: Tensor, answer: int) -> Map:
    """By how much the log-odds of `answer` fall where a window of the image (1, C, H, W) is painted over."""
    channels, height, width = image.shape[1:]
    window = (channels, max(1, round(height / WINDOWS_A_SIDE)), max(1, round(width / WINDOWS_A_SIDE)))
    strides = (channels, max(1, window[1] // 2), max(1, window[2] // 2))
    baseline = background_of(image).expand_as(image).contiguous()
    # captum gives each channel of a pixel the mean over the windows that cover it.
    found = captum_attr().Occlusion(asked.exact(answer)).attribute(
        image, sliding_window_shapes=window, strides=strides, baselines=baseline, perturbations_per_eval=AT_ONCE
    )  # fmt: skip
    steps = [-(-(side - size) // step) + 1 for side, size, step in zip((height, width), window[1:], strides[1:],
                                                                         strict=True)]  # fmt: skip
    return Map(_summed(found) / channels, (steps[0], steps[1]))


def integrated_gradients(asked: AskedModel, image: Tensor, answer: int) -> Map:
    """Each pixel's share in the way from the plain ground to the image (1, C, H, W), in log-odds of `answer`.

    Their sum is the difference of the two log-odds; steps are doubled until it misses that by no more than
    LARGEST_MISS or SMALL_MISS, or there are MOST_STEPS, and what is missed is told.
    """
    baseline = background_of(image).expand_as(image).contiguous()
    method = captum_attr().IntegratedGradients(asked.smooth(image, answer))
    steps = STEPS
    while True:
        found, miss = method.attribute(
            image, baselines=baseline, n_steps=steps, internal_batch_size=AT_ONCE, return_convergence_delta=True
        )
        values, missed = _summed(found), float(miss.item())
        allowed = max(SMALL_MISS, LARGEST_MISS * abs(float(values.sum()) - missed))
        if steps >= MOST_STEPS or abs(missed) <= allowed:
            return Map(values, (image.shape[2], image.shape[3]), missed)
        steps *= 2


def _summed(attribution: Tensor) -> np.ndarray:
    """(1, C, H, W) -> float32 (H, W)."""
    summed: np.ndarray = attribution.detach()[0].sum(dim=0).float().cpu().numpy()
    return summed
