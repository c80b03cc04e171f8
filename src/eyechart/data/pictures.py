"""One picture file of any size and mode becomes an array of a dataset's own size and channels.

Image folders are decoded here for training and `eyechart predict` reads its pictures here, so a trained model meets
what it was trained on.  The rule, in order:

1. only the first frame; turned upright by its EXIF orientation
2. values of more than 8 bits are brought to 0..255 by the range that the dataset's rule chose (picture_rule.py)
3. transparent parts are laid over the ground that it chose; palettes, CMYK and the like become plain grey or RGB
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
from PIL import Image, ImageOps, UnidentifiedImageError, features

from eyechart.base.errors import DatasetError, DatasetMissing
from eyechart.data.picture_rule import GROUNDS, UNMEASURED, measure_ink, measure_values, own_range
from eyechart.data.picture_values import DeepPicture, deep_picture, is_deep, to_picture
from eyechart.data.regular_files import check_regular
from eyechart.data.silence import silent_standard_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eyechart.schema import PictureRule

# Raster formats that Pillow decodes itself; EPS and its like would start other programs.
HAS_AVIF = bool(features.check("avif"))  # an older or smaller Pillow has not
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM", *(("AVIF",) if HAS_AVIF else ()))
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"),
    *((".avif",) if HAS_AVIF else ()),
)
MAX_PIXELS = 120_000_000  # larger than any phone's usual picture; decoding takes 3 bytes a pixel
DECODER_VERSION = 2  # of the rule above: raise it when the same file gives other pixels
EXIF_ORIENTATION = 0x0112

# Our own limit is stricter, and broken files end in our own errors: Pillow's remarks would only stand in between.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class DecodedPicture(NamedTuple):
    """One picture as a store keeps it."""

    pixels: np.ndarray  # uint8: (1, H, W) if every pixel is grey, whatever the file's mode says, otherwise (3, H, W)
    own_size: tuple[int, int]  # (height, width) of the upright picture, before it was fitted
    needs_rule: bool = False  # it has more than 8 bits, or transparent parts


def read_picture(path: Path, *, channels: int, height: int, width: int, rule: PictureRule | None = None) -> np.ndarray:
    """Decode one picture to uint8 (C, H, W), by the rule of the dataset that it is to be like.

    Where the rule does not speak of its kind, a picture of more than 8 bits is read by its own range, and transparent
    parts lie over white.  Raises DatasetMissing when there is no such file, DatasetError, naming it, when it is no
    picture, broken or huge.
    """
    return read_with_size(path, channels=channels, height=height, width=width, rule=rule)[0]


def read_with_size(
    path: Path | str,
    *,
    channels: int,
    height: int,
    width: int,
    rule: PictureRule | None = None,
    is_upright: bool = True,
    content: bytes | None = None,
) -> tuple[np.ndarray, tuple[int, int]]:
    """The same, and the (height, width) of the upright picture before it was fitted.

    Not `is_upright`: as the file has it, whatever its EXIF says, which is how annotations mean it.  With `content`, the
    bytes are these and `path` is for errors.
    """
    assert channels in (1, 3)
    with _errors_named(path):
        fitted, own_size, _ = _fitted(_content(path) if content is None else content, height, width, rule, is_upright)
        return _pixels(fitted.convert("L" if channels == 1 else "RGB")), own_size


def read_in_own_size(
    path: Path, *, channels: int, rule: PictureRule | None = None, is_upright: bool = True
) -> np.ndarray:
    """A picture as it is, uint8 (channels, H, W); upright, or as the file has it.  Errors as read_picture."""
    assert channels in (1, 3)
    with _errors_named(path):
        upright, _, _ = _upright(_content(path), rule, is_upright=is_upright)
        return _pixels(upright.convert("L" if channels == 1 else "RGB"))


def open_layers(
    path: Path | str, content: bytes, least: tuple[int, int], rule: PictureRule | None = None
) -> tuple[Image.Image, tuple[int, int]]:
    """The upright picture, mode L or RGB, or RGBA where parts of it are transparent; and its own (height, width).

    A JPEG may come smaller than it is, but not below `least` (width, height).  `path` is for errors, as read_picture's.
    """
    with _errors_named(path):
        picture, own_size, _ = _turned(_opened(content), content, rule, least, is_upright=True)
        layered = _layered(picture)
        if layered is not None and _is_transparent(layered):
            return layered, own_size
        mode = "L" if picture.mode in ("1", "L") else "RGB"
        return picture if picture.mode == mode else picture.convert(mode), own_size


def on_ground(picture: Image.Image, rule: PictureRule | None) -> Image.Image:
    """What open_layers gave as a network sees it: transparent parts laid over the ground of the rule, else white."""
    return _plain(picture, rule)[0]


def in_frame(boxes: np.ndarray, own_size: tuple[int, int], height: int, width: int) -> np.ndarray:
    """Boxes (R, 4) in a picture's own pixels, where they are once it is fitted into a frame; undoes in_own_pixels."""
    corner, scale = _fit_map(own_size, height, width)
    fitted: np.ndarray = boxes / scale + corner
    return fitted


def in_own_pixels(boxes: np.ndarray, own_size: tuple[int, int], height: int, width: int) -> np.ndarray:
    """Boxes (R, 4) found on a picture that was fitted into a frame, in the upright picture's own pixels, cut to it."""
    corner, scale = _fit_map(own_size, height, width)
    own: np.ndarray = ((boxes - corner) * scale).clip(0, [own_size[1], own_size[0]] * 2)
    return own


def frame_in_own_pixels(own_size: tuple[int, int], height: int, width: int) -> np.ndarray:
    """Where the whole frame lies into which a picture was fitted, (4,) in the upright picture's own pixels, uncut."""
    corner, scale = _fit_map(own_size, height, width)
    own: np.ndarray = (np.array([0, 0, width, height]) - corner) * scale
    return own


def _fit_map(own_size: tuple[int, int], height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the fitted picture begins, and how many of its own pixels one of the frame's is; for boxes, (4,) each."""
    own_height, own_width = own_size
    inner_width, inner_height = _inner(own_width, own_height, height, width)
    corner = np.array([(width - inner_width) // 2, (height - inner_height) // 2] * 2)
    return corner, np.array([own_width / inner_width, own_height / inner_height] * 2)


def decode_picture(
    path: Path | str, content: bytes, *, height: int, width: int, rule: PictureRule | None = None
) -> DecodedPicture:
    """Decode the bytes of a picture file; `path` is for errors, which are those of read_picture."""
    with _errors_named(path):
        fitted, own_size, needs_rule = _fitted(content, height, width, rule)
        pixels = _pixels(fitted)
    if len(pixels) == 3 and np.array_equal(pixels[0], pixels[1]) and np.array_equal(pixels[0], pixels[2]):
        pixels = pixels[:1]
    return DecodedPicture(pixels, own_size, needs_rule)


def measure_picture(path: Path | str, content: bytes) -> np.ndarray:
    """What a picture says about the rule for its dataset: one of MEASURES.  Errors as read_picture."""
    with _errors_named(path):
        opened = _opened(content)
        measures = UNMEASURED.copy()
        if is_deep(opened):
            deep = deep_picture(opened, content)
            measures = measure_values(deep)
            layered = to_picture(deep, own_range(deep)).convert("RGBA") if deep.alpha is not None else None
        else:
            layered = _layered(opened)
        if layered is not None and _is_transparent(layered):
            measures["contrasts"] = measure_ink(layered)
        return measures


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


def _opened(content: bytes) -> Image.Image:
    opened = Image.open(io.BytesIO(content), formats=FORMATS)
    if opened.width * opened.height > MAX_PIXELS:
        raise _TooLargeError(f"{opened.width} x {opened.height}")
    return opened


def _fitted(
    content: bytes, height: int, width: int, rule: PictureRule | None, is_upright: bool = True
) -> tuple[Image.Image, tuple[int, int], bool]:
    """The picture inside the frame, mode L or RGB; its own (height, width); whether it needs a rule."""
    # JPEG can be decoded at 1/2, 1/4 or 1/8: far faster for photos, and still twice the size that is kept.
    upright, own_size, needs_rule = _upright(content, rule, (2 * width, 2 * height), is_upright)
    return _fit(upright, height, width), own_size, needs_rule


def _upright(
    content: bytes, rule: PictureRule | None, least: tuple[int, int] | None = None, is_upright: bool = True
) -> tuple[Image.Image, tuple[int, int], bool]:
    """The same before it is fitted; with `least` (width, height), a JPEG may come smaller, but not below that."""
    picture, own_size, is_deep_one = _turned(_opened(content), content, rule, least, is_upright)
    plain, needs_rule = _plain(picture, rule)
    return plain, own_size, is_deep_one or needs_rule


def _turned(
    opened: Image.Image, content: bytes, rule: PictureRule | None, least: tuple[int, int] | None, is_upright: bool
) -> tuple[Image.Image, tuple[int, int], bool]:
    """Decoded, 8 bits a channel, upright, in its own mode; its own (height, width); whether it had more bits."""
    own_width, own_height = opened.size
    deep = deep_picture(opened, content) if is_deep(opened) else None  # first: asking a PNG for its EXIF loads it
    orientation = opened.getexif().get(EXIF_ORIENTATION, 1) if is_upright else 1
    if least:
        opened.draft(None, least)
    picture = _decoded(opened, deep, rule, is_turned=orientation != 1)
    # Orientations 5 to 8 swap the axes.
    return picture, (own_width, own_height) if orientation >= 5 else (own_height, own_width), deep is not None


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


def _decoded(
    opened: Image.Image, deep: DeepPicture | None, rule: PictureRule | None, *, is_turned: bool
) -> Image.Image:
    with silent_standard_error() if opened.format == "TIFF" else contextlib.nullcontext():
        opened.load()
    picture = opened
    if deep is not None:
        picture = to_picture(deep, (getattr(rule, deep.kind) if rule else None) or own_range(deep))
        picture.getexif()[EXIF_ORIENTATION] = opened.getexif().get(EXIF_ORIENTATION, 1)  # none where it was turned
    return ImageOps.exif_transpose(picture) if is_turned else picture


def _plain(picture: Image.Image, rule: PictureRule | None) -> tuple[Image.Image, bool]:
    """Opaque, mode L or RGB; and whether it has transparent parts, which need a rule."""
    layered = _layered(picture)
    if layered is not None:
        level = GROUNDS[(rule.ground if rule else None) or "white"]
        ground = Image.new("RGBA", layered.size, (level, level, level, 255))
        return Image.alpha_composite(ground, layered).convert("RGB"), _is_transparent(layered)
    mode = "L" if picture.mode in ("1", "L") else "RGB"
    return picture if picture.mode == mode else picture.convert(mode), False


def _layered(picture: Image.Image) -> Image.Image | None:
    """As RGBA, if it has transparency of any kind."""
    if not picture.has_transparency_data:
        return None
    return (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")


def _is_transparent(layered: Image.Image) -> bool:
    lowest, _ = layered.getchannel("A").getextrema()
    return bool(lowest < 255)  # type: ignore[operator]


def _fit(picture: Image.Image, height: int, width: int) -> Image.Image:
    """Scale into the frame, proportions kept, and fill what is left over with the edge's colour."""
    if picture.size == (width, height):
        return picture
    inner = _inner(picture.width, picture.height, height, width)
    scaled = picture.resize(inner, Image.Resampling.BILINEAR)
    if inner == (width, height):
        return scaled
    frame = Image.new(picture.mode, (width, height), _edge_colour(scaled))
    frame.paste(scaled, ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return frame


def _inner(own_width: int, own_height: int, height: int, width: int) -> tuple[int, int]:
    """Width and height that a picture has inside the frame, proportions kept."""
    scale = min(width / own_width, height / own_height)
    return max(1, round(own_width * scale)), max(1, round(own_height * scale))


def _edge_colour(picture: Image.Image) -> int | tuple[int, ...]:
    """The median of the border pixels, channel by channel."""
    pixels = np.asarray(picture).reshape(picture.height, picture.width, -1)  # (H, W, C)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # (edge pixels, C)
    median = tuple(int(value) for value in np.median(border, axis=0))
    return median if len(median) > 1 else median[0]
