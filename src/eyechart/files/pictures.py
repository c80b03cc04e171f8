"""Pictures going out: pixels as a picture, and that as a PNG, as a file or inside a page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from eyechart.files.storage import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from PIL import Image


def as_picture(pixels: np.ndarray) -> Image.Image:
    """uint8 (C, H, W): grey of one channel, colour of the first three of more."""
    import numpy as np
    from PIL import Image

    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(np.moveaxis(pixels[:3], 0, -1)))


def png(picture: Image.Image, *, small: bool = False) -> bytes:
    """A picture as a PNG, made fast, or small."""
    content = io.BytesIO()
    if small:
        picture.save(content, "PNG", optimize=True)
    else:
        picture.save(content, "PNG", compress_level=1)
    return content.getvalue()


def png_url(picture: Image.Image, *, small: bool = False) -> str:
    """The same as a data URL, which a page shows without asking for it."""
    return f"data:image/png;base64,{base64.b64encode(png(picture, small=small)).decode('ascii')}"


def write_png(path: Path, picture: Image.Image, *, small: bool = True) -> None:
    """The same as a file, whole or not at all; StorageError when the disk refuses."""
    write_bytes(path, png(picture, small=small))
