"""One picture file of any size and mode becomes an array of a dataset's own size and channels.

Image folders are decoded here for training and `eyechart predict` reads its pictures here, so a trained model meets
what it was trained on.  The rule, in order:

1. only the first frame; turned upright by its EXIF orientation
2. 16-bit and float grey values are brought to 0..255 (integers by their top byte, floats of 0..1 by their range)
3. transparent parts are laid over white; palettes, CMYK and the like become plain grey or RGB
4. the whole picture is fitted into the frame, keeping its proportions (bilinear, antialiased); what is left over at
   the sides takes the median colour of the picture's own edge
5. grey or RGB, as asked; colour becomes grey by luminance (ITU-R 601-2)
"""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from eyechart.data.regular_files import check_regular
from eyechart.data.silence import silent_standard_error
from eyechart.errors import DatasetError, DatasetMissing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Raster formats that Pillow decodes itself; EPS and its like would start other programs.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
MAX_PIXELS = 120_000_000  # larger than any phone's usual picture; decoding takes 3 bytes a pixel
DECODER_VERSION = 1  # of the rule above: raise it when the same file gives other pixels
EXIF_ORIENTATION = 0x0112
WHITE = (255, 255, 255, 255)

# Our own limit is stricter, and broken files end in our own errors: Pillow's remarks would only stand in between.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class DecodedPicture(NamedTuple):
    """One picture as a store keeps it."""

    pixels: np.ndarray  # uint8: (1, H, W) if every pixel is grey, whatever the file's mode says, otherwise (3, H, W)
    own_size: tuple[int, int]  # (height, width) of the upright picture, before it was fitted


def read_picture(path: Path, *, channels: int, height: int, width: int) -> np.ndarray:
    """Decode one picture to uint8 (C, H, W).

    Raises DatasetMissing when there is no such file, DatasetError, naming it, when it is no picture, broken or huge.
    """
    assert channels in (1, 3)
    with _errors_named(path):
        fitted, _ = _fitted(_content(path), height, width)
        return _pixels(fitted.convert("L" if channels == 1 else "RGB"))


def decode_picture(path: Path | str, content: bytes, *, height: int, width: int) -> DecodedPicture:
    """Decode the bytes of a picture file; `path` is for errors, which are those of read_picture."""
    with _errors_named(path):
        fitted, own_size = _fitted(content, height, width)
        pixels = _pixels(fitted)
    if len(pixels) == 3 and np.array_equal(pixels[0], pixels[1]) and np.array_equal(pixels[0], pixels[2]):
        pixels = pixels[:1]
    return DecodedPicture(pixels, own_size)


def read_content(path: Path | str) -> bytes:
    """The bytes of a picture file.  Errors as read_picture."""
    with _errors_named(path):
        return _content(path)


def _content(path: Path | str) -> bytes:
    check_regular(path)
    with open(path, "rb") as file:
        content = file.read()
    if not content:
        raise DatasetError(f"{path} is empty (0 bytes); expected a picture. Replace or remove it.")
    return content


def _fitted(content: bytes, height: int, width: int) -> tuple[Image.Image, tuple[int, int]]:
    """The picture inside the frame, mode L or RGB, and its own (height, width)."""
    opened = Image.open(io.BytesIO(content), formats=FORMATS)
    own_width, own_height = opened.size
    if own_width * own_height > MAX_PIXELS:
        raise _TooLargeError(f"{own_width} x {own_height}")
    orientation = opened.getexif().get(EXIF_ORIENTATION, 1)
    # JPEG can be decoded at 1/2, 1/4 or 1/8: far faster for photos, and still twice the size that is kept.
    opened.draft(None, (2 * width, 2 * height))
    fitted = _fit(_plain(opened, is_turned=orientation != 1), height, width)
    # Orientations 5 to 8 swap the axes.
    return fitted, (own_width, own_height) if orientation >= 5 else (own_height, own_width)


def _pixels(picture: Image.Image) -> np.ndarray:
    """Mode L or RGB -> uint8 (1, H, W) or (3, H, W)."""
    pixels = np.asarray(picture)
    return pixels[np.newaxis] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


class _TooLargeError(Exception):
    """A picture with more than MAX_PIXELS; says its size."""


@contextlib.contextmanager
def _errors_named(path: Path | str) -> Iterator[None]:
    """Turn whatever a decoder raises into an error that names the file."""
    try:
        yield
    except DatasetError:
        raise
    except FileNotFoundError:
        raise DatasetMissing(f"There is no picture {path}. Check the path.") from None
    except IsADirectoryError:
        raise DatasetError(f"{path} is a folder; expected a picture file. Name a file inside it.") from None
    except _TooLargeError as error:
        raise DatasetError(
            f"{path} claims to be {error} pixels large; expected at most {MAX_PIXELS // 1_000_000} million pixels. "
            f"Make it smaller, or remove it if nobody knows where it came from."
        ) from None
    except Exception as error:  # decoders meet broken files with exceptions of all kinds
        reason = "no picture format that is known here" if isinstance(error, UnidentifiedImageError) else str(error)
        raise DatasetError(
            f"{path} cannot be read as a picture ({reason}). Expected a whole file of one of "
            f"{', '.join(FORMATS)}. Replace or remove it."
        ) from None


def _plain(picture: Image.Image, *, is_turned: bool) -> Image.Image:
    """Upright, opaque, 8 bits a channel: mode L or RGB."""
    with silent_standard_error() if picture.format == "TIFF" else contextlib.nullcontext():
        picture.load()
    if is_turned:
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):
        return _to_bytes(picture)
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, WHITE), layered).convert("RGB")
    mode = "L" if picture.mode in ("1", "L") else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def _to_bytes(picture: Image.Image) -> Image.Image:
    """Grey of more than 8 bits: 16-bit integers keep their top byte, floats of at most 1 are taken as 0..1."""
    values = np.asarray(picture).astype(np.float64)
    largest = float(np.nanmax(values)) if values.size else 0.0
    if picture.mode.startswith("I;16") or largest > 255:
        values = values / 257
    elif picture.mode == "F" and largest <= 1:
        values = values * 255
    return Image.fromarray(np.nan_to_num(values).round().clip(0, 255).astype(np.uint8))


def _fit(picture: Image.Image, height: int, width: int) -> Image.Image:
    """Scale into the frame, proportions kept, and fill what is left over with the edge's colour."""
    if picture.size == (width, height):
        return picture
    scale = min(width / picture.width, height / picture.height)
    inner = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    scaled = picture.resize(inner, Image.Resampling.BILINEAR)
    if inner == (width, height):
        return scaled
    frame = Image.new(picture.mode, (width, height), _edge_colour(scaled))
    frame.paste(scaled, ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return frame


def _edge_colour(picture: Image.Image) -> int | tuple[int, ...]:
    """The median of the border pixels, channel by channel."""
    pixels = np.asarray(picture).reshape(picture.height, picture.width, -1)  # (H, W, C)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # (edge pixels, C)
    median = tuple(int(value) for value in np.median(border, axis=0))
    return median if len(median) > 1 else median[0]
