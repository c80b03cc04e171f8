"""The fifteen corruptions of MNIST-C side by side: what they do, their five severities, and which is published.

The numbers are those of MNIST-C's code where it has five severities; `published` is its default for each function,
which is the level of the published arrays, and not the same severity for all.  Where it has one level (stripe, dotted
line, zigzag, Canny's edges), or where its severities do not grow on small images (3 of fog, 1 to 3 of spatter), the
others are ours.  Lengths are in pixels of a 28-pixel image (frame.py).

Source: N. Mu, J. Gilmer, MNIST-C: A Robustness Benchmark for Computer Vision, arXiv 1906.02337, 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError
from eyechart.base.near_miss import did_you_mean
from eyechart.data.corruptions import blur, edges, geometry, lines, noise, overlays

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

PUBLISHED = "published"
SEVERITIES = ("1", "2", "3", "4", "5")
LEVELS = (*SEVERITIES, PUBLISHED)
VERSION = 1  # of the pictures: another one where the same seed gives other pictures


@dataclass(frozen=True)
class Corruption:
    """One way to spoil a picture."""

    name: str
    words: tuple[str, str]  # English, French
    change: Callable[
        ..., np.ndarray
    ]  # (images float32 (N, C, H, W) in 0..1, draws, *parameters) -> the same, unclipped
    parameters: tuple[tuple[float, ...], ...]  # of each severity, the mildest first
    published: int  # severity of the published arrays
    is_geometric: bool = False  # moves pixels and changes none, as every recipe's augmentation does
    is_drawn: bool = True  # each image its own draw; False: the same for all images

    def parameters_at(self, level: str) -> tuple[float, ...]:
        """UsageError for a level that there is not."""
        if level not in LEVELS:
            raise UsageError(f"There is no level {level!r} of {self.name}; expected one of {', '.join(LEVELS)}.")
        return self.parameters[(self.published if level == PUBLISHED else int(level)) - 1]


_ALL = (
    # photons of a white pixel
    Corruption("shot_noise", ("shot noise", "bruit de grenaille"), noise.shot_noise,
               ((60,), (25,), (12,), (5,), (3,)), published=5),
    # share of white and black pixels
    Corruption("impulse_noise", ("impulse noise", "bruit impulsionnel"), noise.impulse_noise,
               ((0.03,), (0.06,), (0.09,), (0.17,), (0.27,)), published=4),
    # sigma, reach of a swap, rounds
    Corruption("glass_blur", ("glass blur", "flou de verre"), blur.glass_blur,
               ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)), published=1),
    # length, sigma
    Corruption("motion_blur", ("motion blur", "flou de bougé"), blur.motion_blur,
               ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)), published=1),
    # what is added to the brightness
    Corruption("brightness", ("brightness", "luminosité"), overlays.brightness,
               ((0.1,), (0.2,), (0.3,), (0.4,), (0.5,)), published=5, is_drawn=False),
    # columns of either side
    Corruption("stripe", ("stripe", "bande"), overlays.stripe,
               ((3,), (5,), (7,), (9,), (11,)), published=3, is_drawn=False),
    # amount, and by how much less finer clouds vary
    Corruption("fog", ("fog", "brouillard"), overlays.fog,
               ((1.5, 2), (2, 2), (2.25, 1.7), (2.5, 1.5), (3, 1.4)), published=5),
    # noise's mean and deviation, sigma of drops, from where on there is mud, sigma of its edges
    Corruption("spatter", ("spatter", "éclaboussures"), overlays.spatter,
               ((0.59, 0.3, 1, 0.65, 1.5), (0.61, 0.3, 1, 0.65, 1.5), (0.63, 0.3, 1, 0.65, 1.5),
                (0.65, 0.3, 1, 0.65, 1.5), (0.67, 0.4, 1, 0.65, 1.5)), published=4),
    # number of lines
    Corruption("dotted_line", ("dotted line", "ligne pointillée"), lines.dotted_line,
               ((1,), (2,), (3,), (4,), (5,)), published=1),
    # number of lines
    Corruption("zigzag", ("zigzag", "zigzag"), lines.zigzag,
               ((1,), (2,), (3,), (4,), (5,)), published=1),
    # share of the outlines, and sigma before them
    Corruption("canny_edges", ("Canny edges", "contours de Canny"), edges.canny_edges,
               ((0.2, 1), (0.4, 1), (0.6, 1), (0.8, 1), (1, 1)), published=5, is_drawn=False),
    # radians
    Corruption("shear", ("shear", "cisaillement"), geometry.shear,
               ((0.2,), (0.4,), (0.6,), (0.8,), (1,)), published=2, is_geometric=True),
    # size of the result over that of the original
    Corruption("scale", ("scale", "échelle"), geometry.scale,
               ((0.9,), (0.8,), (0.7,), (0.6,), (0.5,)), published=3, is_geometric=True, is_drawn=False),
    # radians
    Corruption("rotate", ("rotation", "rotation"), geometry.rotate,
               ((0.2,), (0.4,), (0.6,), (0.8,), (1,)), published=2, is_geometric=True),
    # length along both axes
    Corruption("translate", ("translation", "translation"), geometry.translate,
               ((1,), (2,), (3,), (4,), (5,)), published=3, is_geometric=True),
)  # fmt: skip

CORRUPTIONS: dict[str, Corruption] = {each.name: each for each in _ALL}


def corruption_of(name: str) -> Corruption:
    """UsageError for a name that is not known."""
    if name not in CORRUPTIONS:
        raise UsageError(
            f"There is no corruption {name!r}.{did_you_mean(name, CORRUPTIONS)} "
            f"Expected one of {', '.join(CORRUPTIONS)}."
        )
    return CORRUPTIONS[name]
