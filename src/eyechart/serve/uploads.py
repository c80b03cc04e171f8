"""A request's body becomes the bytes of one picture: a file in a form, the picture itself, or pixels in JSON.

The body's length and its time are watched by gate.py, whatever its kind.
"""

from __future__ import annotations

import base64
import binascii
import io
import itertools
import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from starlette.datastructures import UploadFile
from starlette.requests import Request

from eyechart.data.pictures import FORMATS
from eyechart.files.pictures import png
from eyechart.serve.limits import Limits
from eyechart.serve.refusals import Refused

EXPECTED = (
    "Expected a form with one picture file (multipart/form-data), the picture itself (image/png, image/jpeg, ...), "
    'or JSON: {"width": 28, "height": 28, "pixels": [0, ..., 255]} or {"image": "data:image/png;base64,..."}.'
)
CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}


async def picture_of(request: Request, limits: Limits) -> Callable[[], bytes]:
    """What gives the picture's bytes, to be called where it may take its time.  Raises Refused, as that does."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        content = await _file_in_form(request, limits)
        return lambda: checked(content, limits)
    body = await request.body()
    if not body:
        raise Refused(400, f"The body is empty. {EXPECTED}")
    if kind == "application/json":
        return lambda: checked(_from_json(body, limits), limits)
    if kind == "text/plain":
        return lambda: checked(_from_data_url(body.decode("ascii", "replace").strip()), limits)
    if kind.startswith("image/") or kind == "application/octet-stream":
        return lambda: checked(body, limits)
    raise Refused(415, f"The body is of type {kind or '(none)'}. {EXPECTED}")


async def _file_in_form(request: Request, limits: Limits) -> bytes:
    # Starlette itself answers a broken form, or one with too many parts, with status 400.
    form = await request.form(max_files=limits.parts, max_fields=limits.parts, max_part_size=limits.body_bytes)
    try:
        files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        if len(files) != 1:
            raise Refused(400, f"The form holds {len(files)} files. {EXPECTED}")
        return await files[0].read()
    finally:
        await form.close()


def checked(content: bytes, limits: Limits) -> bytes:
    """The same bytes, if they begin as a picture of a known format and of a bearable size; decodes nothing."""
    if not content:
        raise Refused(400, f"The picture is empty (0 bytes). {EXPECTED}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            width, height = Image.open(io.BytesIO(content), formats=FORMATS).size
    except UnidentifiedImageError:
        raise Refused(
            415, f"That is no picture of a known format. Expected a whole file of one of {', '.join(FORMATS)}."
        ) from None
    except Image.DecompressionBombError as error:
        raise Refused(413, f"{error} Expected at most {limits.pixels / 1e6:g} million; make it smaller.") from None
    except Exception as error:  # decoders meet broken files with exceptions of all kinds
        raise Refused(400, f"The picture is damaged ({error}). Expected a whole file; send it again.") from None
    if width * height > limits.pixels:
        raise Refused(
            413,
            f"The picture claims to be {width} x {height} pixels large; expected at most "
            f"{limits.pixels / 1e6:g} million pixels. Make it smaller.",
        )
    return content


def _from_json(body: bytes, limits: Limits) -> bytes:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"The body is no JSON ({error}). {EXPECTED}") from None
    if isinstance(content, dict) and isinstance(content.get("image"), str):
        return _from_data_url(content["image"])
    if isinstance(content, dict) and {"width", "height", "pixels"} <= set(content):
        return _from_pixels(content["width"], content["height"], content["pixels"], limits)
    raise Refused(422, f"The JSON holds neither image nor width, height and pixels. {EXPECTED}")


def _from_data_url(url: str) -> bytes:
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:image/") and head.endswith(";base64")):
        raise Refused(422, f"{url[:40]!r} is no data URL of a picture. {EXPECTED}")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(422, f"The data URL is damaged ({error}). {EXPECTED}") from None


def _from_pixels(width: object, height: object, pixels: object, limits: Limits) -> bytes:
    """A PNG of whole numbers 0..255, row by row: grey, or three or four numbers a pixel."""
    if type(width) is not int or type(height) is not int or min(width, height) < 1:
        raise Refused(422, f"width and height are {width!r} and {height!r}; expected whole numbers above 0.")
    if width * height > limits.json_pixels:
        raise Refused(
            413, f"{width} x {height} pixels as numbers; expected at most {limits.json_pixels:,}. Send a file."
        )
    # Looked at one by one: of a list of texts numpy would make an array as wide as the longest.
    listed: list[Any] = pixels if isinstance(pixels, list) else [None]
    most = max(CHANNELS) * width * height
    while len(listed) <= most and listed and all(isinstance(each, list) for each in listed):  # rows of pixels
        listed = list(itertools.chain.from_iterable(listed))
    listed = listed if len(listed) <= most else [None]
    is_numbers = all(type(value) is int and abs(value) < 2**31 for value in listed)
    values = np.array(listed if is_numbers else None)
    channels, left_over = divmod(values.size, width * height)
    if values.dtype.kind not in "iu" or left_over or channels not in CHANNELS:
        raise Refused(
            422,
            f"pixels holds {values.size} values for {width} x {height}; expected {width * height} whole numbers 0..255 "
            f"row by row (grey), or three (RGB) or four (RGBA) times as many.",
        )
    if values.min() < 0 or values.max() > 255:
        raise Refused(422, f"pixels go from {values.min()} to {values.max()}; expected whole numbers 0..255.")
    levels = values.astype(np.uint8).reshape(height, width, channels)
    picture = Image.fromarray(levels[:, :, 0] if channels == 1 else levels, CHANNELS[channels])
    return png(picture)
