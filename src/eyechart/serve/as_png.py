"""Pictures that go out: as a PNG, and as a data URL, which a page shows without asking for it."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def png(picture: Image.Image) -> bytes:
    """A picture as a PNG, made fast rather than small."""
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=1)
    return content.getvalue()


def picture_url(picture: Image.Image) -> str:
    """A picture as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(png(picture)).decode('ascii')}"


def pixels_url(pixels: np.ndarray) -> str:
    """The same of uint8 (C, H, W)."""
    return picture_url(Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)))
