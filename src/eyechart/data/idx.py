"""The IDX format of MNIST's files: a magic number, the sizes, then the values, all big-endian.

    00 00 08 03 | images | rows | columns | one byte a pixel      magic 2051, "images"
    00 00 08 01 | labels | one byte a label                       magic 2049, "labels"

Gzipped files are unpacked on the way.  Source: the description on MNIST's home page.
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from eyechart.base.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["images", "labels"]
KIND_OF_MAGIC: dict[bytes, Kind] = {b"\x00\x00\x08\x03": "images", b"\x00\x00\x08\x01": "labels"}
# The four files of a dataset in MNIST's format, by the names that its authors gave them.
IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

MAGIC_OF_KIND = {kind: magic for magic, kind in KIND_OF_MAGIC.items()}
GZIP_MAGIC = b"\x1f\x8b"
MAX_BYTES = 4 << 30  # that gzipped files may unpack to
LONGEST_HEADER = 16  # bytes
FIRST_BYTES = 1024  # that hold a header, packed or not: a gzip may keep the file's old name before its data


@dataclass(frozen=True)
class Header:
    """What the first bytes of an IDX file promise."""

    kind: Kind
    shape: tuple[int, ...]  # (N, H, W) or (N,)

    @property
    def num_bytes(self) -> int:
        """Of the header itself."""
        return 4 + 4 * len(self.shape)

    @property
    def num_bytes_of_file(self) -> int:
        return self.num_bytes + math.prod(self.shape)


def kind_of(first_bytes: bytes) -> Kind | None:
    """What a file is by its first bytes (unpacked if they are the start of a gzip); None: not an IDX file of bytes."""
    try:
        return KIND_OF_MAGIC.get(_start_of(first_bytes)[:4])
    except zlib.error:
        return None


def header_of(first_bytes: bytes, name: str) -> Header:
    """The header of a file by its first bytes (unpacked likewise); DatasetError when there is none."""
    try:
        return read_header(_start_of(first_bytes), name)
    except zlib.error as error:
        raise _damaged_gzip(name, error) from None


def unpack(content: bytes, name: str, max_bytes: int = MAX_BYTES) -> bytes:
    """Undo gzip, if it is gzip.

    Raises DatasetError when that fails, or gives more than `max_bytes` or than its header announces: a small gzip can
    unpack to anything, so no more than that is ever unpacked.
    """
    if not is_packed(content):
        return content
    announced = header_of(content[:FIRST_BYTES], name).num_bytes_of_file
    if announced > max_bytes:
        raise DatasetError(
            f"{name} announces {announced:,} bytes; expected at most {max_bytes:,}. It was not unpacked."
        )
    try:
        with gzip.open(io.BytesIO(content)) as file:
            plain = file.read(announced + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged_gzip(name, error) from None
    if len(plain) > announced:
        raise DatasetError(
            f"{name} is too long: it unpacks to more than the {announced:,} bytes that its header announces. "
            f"Download it again."
        )
    return plain


def is_packed(first_bytes: bytes) -> bool:
    return first_bytes.startswith(GZIP_MAGIC)


def _start_of(first_bytes: bytes) -> bytes:
    """As much of the file itself as a header takes."""
    if is_packed(first_bytes):
        return zlib.decompressobj(wbits=31).decompress(first_bytes, LONGEST_HEADER)
    return first_bytes[:LONGEST_HEADER]


def _damaged_gzip(name: str, error: Exception) -> DatasetError:
    return DatasetError(f"{name} is a damaged gzip file ({error}). Expected a whole .gz file; download it again.")


def parse(content: bytes, name: str) -> np.ndarray:
    """Read an IDX file: uint8 (N, H, W) or (N,), a view of `content`, so read-only.

    Raises DatasetError, with `name` in it, for a wrong magic number, or for fewer or more bytes than promised.
    """
    content = unpack(content, name)
    header = read_header(content, name)
    check_size(header, len(content), name)
    return np.frombuffer(content, np.uint8, offset=header.num_bytes).reshape(header.shape)


def read_header(content: bytes, name: str) -> Header:
    """The header at the start of `content`; DatasetError when there is none."""
    kind = KIND_OF_MAGIC.get(content[:4])
    if kind is None:
        found = f"the first bytes {content[:4].hex(' ')}" if content else "an empty file"
        raise DatasetError(
            f"{name} is no IDX file of bytes: found {found}; expected 00 00 08 03 (images) or 00 00 08 01 (labels). "
            f"Download it again; a web page saved under the file's name is the usual cause."
        )
    num_sizes = 3 if kind == "images" else 1
    if len(content) < 4 + 4 * num_sizes:
        raise DatasetError(f"{name} ends inside its header, after {len(content)} bytes. Download it again.")
    return Header(kind, struct.unpack(f">{num_sizes}I", content[4 : 4 + 4 * num_sizes]))


def check_size(header: Header, num_bytes: int, name: str) -> None:
    """DatasetError unless a file of `num_bytes` is exactly as long as its header promises, and not empty."""
    expected = header.num_bytes_of_file
    if num_bytes != expected:
        what = "truncated" if num_bytes < expected else "too long"
        raise DatasetError(
            f"{name} is {what}: found {num_bytes:,} bytes; expected {expected:,} for its {header.kind} of shape "
            f"{header.shape}. Download it again."
        )
    if math.prod(header.shape) == 0:
        raise DatasetError(f"{name} holds no {header.kind}: its shape is {header.shape}. Expected at least one.")


def pack(array: np.ndarray) -> bytes:
    """The bytes of an IDX file: uint8 (N, H, W) images, or labels 0..255 of any integer type (N,)."""
    kind: Kind = "images" if array.ndim == 3 else "labels"
    assert array.ndim in (1, 3)
    assert array.min(initial=0) >= 0, "IDX bytes are 0..255"
    assert array.max(initial=0) <= 255, "IDX bytes are 0..255"
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return MAGIC_OF_KIND[kind] + sizes + array.astype(np.uint8).tobytes()


def open_mapped(path: Path) -> np.ndarray:
    """An uncompressed IDX file as a read-only memory map, uint8 (N, H, W) or (N,).  Raises DatasetError and OSError."""
    with path.open("rb") as file:
        header = read_header(file.read(16), str(path))
    check_size(header, path.stat().st_size, str(path))
    return np.memmap(path, np.uint8, mode="r", offset=header.num_bytes, shape=header.shape)
