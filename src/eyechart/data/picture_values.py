"""Pictures of more than 8 bits: their values as they stand in the file, and as bytes once a range is chosen.

Pillow opens grey of 16 and 32 bits and floats as they are (modes I;16, I and F), and 16-bit colour by its upper bytes
alone.  Of the latter the lower bytes are read by unpacking the same data in the other byte order.
"""

from __future__ import annotations

import io
import sys
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image

Kind = Literal["integers", "floats"]
# Raw modes of colour with 16 bits, and the one that unpacks the lower bytes instead of the upper ones.
_TWINS = {"RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B", "RGBA;16B": "RGBA;16L", "RGBA;16L": "RGBA;16B"}
GREY_WITH_ALPHA = "LA;16B"  # four bytes a pixel: unpacked as RGBA, they are both bytes of both channels
Range = tuple[float, float]  # the values that become 0 and 255


class DeepPicture(NamedTuple):
    """A picture of more than 8 bits."""

    values: np.ndarray  # float64 (H, W) or (H, W, 3)
    kind: Kind
    alpha: np.ndarray | None  # uint8 (H, W), 0 is transparent; None: opaque

    @property
    def opaque_values(self) -> np.ndarray:
        """The values that can be seen at all: (n,) or (n, 3)."""
        return self.values if self.alpha is None else self.values[self.alpha > 0]


def is_deep(opened: Image.Image) -> bool:
    """Whether a picture that is opened, and not yet loaded, has more than 8 bits."""
    return opened.mode.startswith(("I", "F")) or _has_wide_colour(opened)


def deep_picture(opened: Image.Image, content: bytes) -> DeepPicture:
    """The values of a picture for which `is_deep`; `content` is the file that it was opened from."""
    if _has_wide_colour(opened):
        return _wide_colour(opened, content)
    opened.load()
    values = np.asarray(opened).astype(np.float64)
    return DeepPicture(values, "floats" if opened.mode == "F" else "integers", _keyed_alpha(values, opened))


def to_picture(deep: DeepPicture, chosen: Range) -> Image.Image:
    """Mode L, LA, RGB or RGBA: the chosen range becomes 0..255, what lies outside is cut off, NaN is darkest."""
    low, high = chosen
    scaled = np.nan_to_num((deep.values - low) * (255 / (high - low)), nan=0, posinf=255, neginf=0)
    picture = Image.fromarray(scaled.round().clip(0, 255).astype(np.uint8))
    if deep.alpha is not None:
        picture.putalpha(Image.fromarray(deep.alpha))
    return picture


# --------------------------------------------------------------------------------------------- colour of 16 bits


def _has_wide_colour(opened: Image.Image) -> bool:
    return opened.mode in ("RGB", "RGBA") and _raw_mode(opened) in (*_TWINS, GREY_WITH_ALPHA)


def _raw_mode(opened: Image.Image) -> str:
    """How Pillow will unpack the file's data, such as "RGB;16B"; "" when it does not say so."""
    tiles = getattr(opened, "tile", None)
    arguments = tiles[0].args if tiles else ""
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    native = ";16L" if sys.byteorder == "little" else ";16B"
    return raw_mode.replace(";16N", native) if isinstance(raw_mode, str) else ""


def _wide_colour(opened: Image.Image, content: bytes) -> DeepPicture:
    raw_mode = _raw_mode(opened)
    if raw_mode == GREY_WITH_ALPHA:
        planes = _unpacked(content, opened.format, "RGBA")
        return DeepPicture(planes[..., 0] * 256.0 + planes[..., 1], "integers", planes[..., 2])
    upper, lower = (_unpacked(content, opened.format, mode) for mode in (raw_mode, _TWINS[raw_mode]))
    values = upper[..., :3] * 256.0 + lower[..., :3]
    alpha = upper[..., 3] if upper.shape[-1] == 4 else _keyed_alpha(values, opened)
    return DeepPicture(values, "integers", alpha)


def _keyed_alpha(values: np.ndarray, opened: Image.Image) -> np.ndarray | None:
    """Of a PNG that calls one value, or one colour, transparent."""
    key = opened.info.get("transparency")
    if not isinstance(key, int | tuple):
        return None
    is_key = (values.reshape(*values.shape[:2], -1) == np.array(key)).all(axis=-1)
    return np.where(is_key, 0, 255).astype(np.uint8)


def _unpacked(content: bytes, file_format: str | None, raw_mode: str) -> np.ndarray:
    """The picture as bytes (H, W, C), unpacked by a mode of our choice."""
    opened = Image.open(io.BytesIO(content), formats=[str(file_format)])
    opened.tile = [_with_raw_mode(tile, raw_mode) for tile in opened.tile]
    opened.load()
    return np.asarray(opened)


def _with_raw_mode(tile: Any, raw_mode: str) -> Any:
    return tile._replace(args=raw_mode if isinstance(tile.args, str) else (raw_mode, *tile.args[1:]))
