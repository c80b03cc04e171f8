"""A map and its image as one picture: orange speaks for the answer, purple against it, the image shows through.

The colours are ColorBrewer's PuOr (Harrower and Brewer 2003): lightness falls evenly from the middle to both ends, and
people who confuse red and green tell the ends apart.  Their last eighth is left out, which would hide the image.
"""

from __future__ import annotations

import numpy as np

COLOURS = "PuOr_r"  # matplotlib's
REACH = 0.44  # of the colour map, to each side of its middle
SIDE = 168  # pixels that small images are brought to at most, by whole numbers
SHADE, SHADE_ALONE = 0.16, 0.42  # what the strongest ink takes off the light; of images too large to get outlines
LEAST_SCALE = 3  # drawn pixels a pixel, from which ink gets an outline
OUTLINE = 0.28  # its grey
TOP_PERCENTILE = 99.5  # |value| that is drawn strongest: one wild pixel does not pale all others
MOST_COVER = 0.82  # of a transparent map, where it is strongest
LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R 601-2


def contrast(image: np.ndarray) -> np.ndarray:
    """float (H, W) in 0..1 of an image uint8 (C, H, W): how far each pixel is from the median of the edge."""
    grey = image[0] / 255.0 if len(image) != 3 else np.tensordot(LUMINANCE, image / 255.0, axes=1)
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    away = np.abs(grey - np.median(edge))
    share: np.ndarray = away / max(away.max(), 1e-6)
    return share


def scaled(values: np.ndarray) -> np.ndarray:
    """A map (H, W) brought to -1..1 by its own strongest values; a map of zeros stays one."""
    top = float(np.percentile(np.abs(values), TOP_PERCENTILE)) or float(np.abs(values).max())
    fitted: np.ndarray = np.clip(values / (top or 1.0), -1.0, 1.0)
    return fitted


def overlaid(image: np.ndarray, values: np.ndarray, longest: int = SIDE) -> np.ndarray:
    """float (h, w, 3) in 0..1 of a map (H, W) over its image uint8 (C, H, W), enlarged to at most `longest` pixels.

    Ink is shaded a little and outlined, so that strokes are seen and colours stay what they are.
    """
    import matplotlib

    colours = matplotlib.colormaps[COLOURS](0.5 + REACH * scaled(np.asarray(values, np.float64)))[..., :3]
    scale = max(1, longest // max(values.shape))
    ink = contrast(image)
    if scale < LEAST_SCALE:
        return _enlarged(colours * (1 - SHADE_ALONE * ink)[..., None], scale)
    laid = _enlarged(colours * (1 - SHADE * ink)[..., None], scale)
    laid[_outline(_enlarged(ink > 0.5, scale))] = OUTLINE
    return laid


def transparent(values: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 4) of a map (H, W), to be laid over a picture: the more a pixel speaks, the less shines through."""
    import matplotlib

    strength = scaled(np.asarray(values, np.float64))
    laid = matplotlib.colormaps[COLOURS](0.5 + REACH * np.sign(strength) * np.abs(strength) ** 0.5)
    laid[..., 3] = MOST_COVER * np.abs(strength)
    cells: np.ndarray = (255 * laid).round().astype(np.uint8)
    return cells


def _enlarged(picture: np.ndarray, scale: int) -> np.ndarray:
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def _outline(inside: np.ndarray) -> np.ndarray:
    """The rim, one pixel wide, of what is marked (h, w)."""
    core = inside.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            core &= np.roll(inside, step, axis)
    rim: np.ndarray = inside & ~core
    return rim


def plain(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) of an image (C, H, W)."""
    three = np.repeat(image[:1], 3, axis=0) if len(image) != 3 else image
    return np.moveaxis(three, 0, -1)
