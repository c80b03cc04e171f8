"""The pass over all picture files that fills a store; stopped at any moment, it goes on where it was.

The files grow picture by picture.  Every second or two they are flushed to the disk, and then progress.json, written
whole or not at all, says how many pictures count; what stands behind them in the files is cut off by whoever goes on.

Size and channels are guessed from a few pictures, so that one pass is enough in nearly all folders.  When a picture
says otherwise: an odd size starts the pass anew (at the usual size), a first coloured one repeats the grey ones so far,
and at the first one that needs a rule (picture_rule.py) all are measured, and the pass goes on where it was.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from eyechart.base.errors import StorageError
from eyechart.base.plain_json import json_text
from eyechart.data.picture_reader import Decoded, Task, decode, decode_all
from eyechart.data.picture_scan import Found, find_rule
from eyechart.files.cache import keep
from eyechart.files.file_names import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from eyechart.data.class_folders import Listing

IMAGES_FILE, DIGESTS_FILE, PROGRESS_FILE, RULE_FILE = "images.bin", "digests.bin", "progress.json", "rule.json"
LARGEST_OWN_SIDE = 128  # pixels: pictures of one size up to this keep it
USUAL_SIDE = 64  # pixels: otherwise
NUM_GUESSED_FROM = 16  # pictures
SAVE_SECONDS = 1.5  # of work that a kill may cost
SAY_SECONDS = 3.0
SPARE_BYTES = 64 << 20  # that the disk must have left when all is done


class Layout(NamedTuple):
    """How the pictures lie in the file, and how many do."""

    height: int
    width: int
    num_channels: int
    num_done: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.num_channels, self.height, self.width

    @property
    def picture_bytes(self) -> int:
        return self.num_channels * self.height * self.width


def fill(
    folder: Path, listing: Listing, img_size: int | None, with_digests: bool, say: Callable[[str], None]
) -> tuple[Layout, Found | None]:
    """Write all pictures of `listing`, and the sha256 of their files if asked for, into `folder`.

    Returns how they lie there and the rule that they were read by, if they needed one.
    Raises what `say` raises, DatasetError for a broken picture, StorageError or OSError for the disk.
    """
    folder.mkdir(exist_ok=True)
    layout = _earlier(folder, with_digests) or guess(listing, img_size)
    found = _found_earlier(folder)
    while layout.num_done < len(listing):
        _check_space(folder, listing, layout)
        try:
            with (folder / IMAGES_FILE).open("ab") as images, (folder / DIGESTS_FILE).open("ab") as digests:
                files = _Files(folder, images, digests, with_digests, found)
                pace = _Pace(listing, layout.num_done, say, "prepared")
                own_size = None if img_size or layout[:2] == (USUAL_SIDE, USUAL_SIDE) else layout[:2]
                layout = _append(files, listing, layout, own_size, pace)
        except _OddSizeError:
            (folder / PROGRESS_FILE).unlink(missing_ok=True)  # before the files that it tells of change
            layout = Layout(USUAL_SIDE, USUAL_SIDE, layout.num_channels)
        except _FirstColourError:
            layout = _widened(folder, read_progress(folder) or layout._replace(num_done=0))
        except _NeedsRuleError:
            found = find_rule(listing, with_digests, _Pace(listing, 0, say, "measured").tell)
            keep(folder / RULE_FILE, json_text(found.as_json()).encode())
            layout = read_progress(folder) or layout._replace(num_done=0)  # those so far needed none
    return layout, found


def read_progress(folder: Path) -> Layout | None:
    """What progress.json says; None where there is none."""
    try:
        return Layout(**json.loads((folder / PROGRESS_FILE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _found_earlier(folder: Path) -> Found | None:
    try:
        return Found.from_json(json.loads((folder / RULE_FILE).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _earlier(folder: Path, with_digests: bool) -> Layout | None:
    """What an earlier try left, if the files hold as much as it says."""
    layout = read_progress(folder)
    expected = (layout.num_done * layout.picture_bytes, layout.num_done * 32 * with_digests) if layout else (0, 0)
    files = (folder / IMAGES_FILE, folder / DIGESTS_FILE)
    is_there = all(file.is_file() and file.stat().st_size >= size for file, size in zip(files, expected, strict=True))
    return layout if is_there else None


def guess(listing: Listing, img_size: int | None) -> Layout:
    """Size and channels, going by a few pictures spread over the folder."""
    step = max(1, len(listing) // NUM_GUESSED_FROM)
    side = img_size or USUAL_SIDE
    some = decode(Task(list(islice(listing.files(), 0, None, step)), side, side, with_digests=False))
    height, width = next(iter(some.own_sizes))
    if img_size or len(some.own_sizes) > 1 or max(height, width) > LARGEST_OWN_SIDE:
        height = width = side
    return Layout(height, width, some.pixels.shape[1])


# --------------------------------------------------------------------------------------------- appending


class _OddSizeError(Exception):
    """A picture whose size is another than that of all before."""


class _FirstColourError(Exception):
    """A coloured picture after grey ones."""


class _NeedsRuleError(Exception):
    """A picture of more than 8 bits, or a transparent one, and no rule yet."""


class _Files(NamedTuple):
    folder: Path
    images: BinaryIO
    digests: BinaryIO
    with_digests: bool
    found: Found | None

    def save(self, layout: Layout) -> None:
        """Make everything so far count."""
        for file in (self.images, self.digests):
            file.flush()
            os.fsync(file.fileno())
        keep(self.folder / PROGRESS_FILE, json_text(layout._asdict()).encode())

    def cut(self, layout: Layout) -> None:
        """Cut off what does not count."""
        self.images.truncate(layout.num_done * layout.picture_bytes)
        self.digests.truncate(layout.num_done * 32 * self.with_digests)


def _append(files: _Files, listing: Listing, layout: Layout, own_size: tuple[int, int] | None, pace: _Pace) -> Layout:
    """Decode and write what is missing; every picture must be of `own_size`, unless that is None."""
    files.cut(layout)
    with closing(_decoded(listing, layout, files)) as parts:
        for decoded in parts:
            if decoded.need_rule and not files.found:
                raise _NeedsRuleError
            if own_size and decoded.own_sizes != {own_size}:
                raise _OddSizeError
            if decoded.pixels.shape[1] > layout.num_channels:
                raise _FirstColourError
            count = len(decoded.pixels)
            files.images.write(np.broadcast_to(decoded.pixels, (count, *layout.shape)).tobytes())
            files.digests.write(decoded.digests)
            layout = layout._replace(num_done=layout.num_done + count)
            if pace.wants_saving():
                files.save(layout)
            pace.tell(layout.num_done)
    files.save(layout)
    return layout


def _decoded(listing: Listing, layout: Layout, files: _Files) -> Generator[Decoded]:
    missing = len(listing) - layout.num_done
    rule = files.found.rule if files.found else None
    task = Task([], layout.height, layout.width, files.with_digests, rule)
    num_bytes = listing.num_bytes * missing // len(listing)
    return decode_all(islice(listing.files(), layout.num_done, None), missing, num_bytes, task)


def _widened(folder: Path, layout: Layout) -> Layout:
    """Repeat the grey channel of what counts, so that colour can follow."""
    wide = layout._replace(num_channels=3)
    grey, colour = folder / IMAGES_FILE, folder / f"{IMAGES_FILE}.colour"
    with grey.open("rb") as source, colour.open("wb") as target:
        for _ in range(layout.num_done):
            target.write(source.read(layout.picture_bytes) * 3)
    # A process that is killed between these three lines starts anew; none ever takes one file for the other.
    (folder / PROGRESS_FILE).unlink(missing_ok=True)
    colour.replace(grey)
    keep(folder / PROGRESS_FILE, json_text(wide._asdict()).encode())
    return wide


# --------------------------------------------------------------------------------------------- time and space


class _Pace:
    """When to save and when to speak; how long it will still take, going by this process's own work."""

    def __init__(self, listing: Listing, num_done: int, say: Callable[[str], None], verb: str):
        self._prefix, self._num_pictures = f"{readable(str(listing.root))}: ", len(listing)
        self._first, self._say, self._verb = num_done, say, verb
        self._started = self._saved = self._said = time.monotonic()

    def wants_saving(self) -> bool:
        is_time = time.monotonic() - self._saved > SAVE_SECONDS
        self._saved = time.monotonic() if is_time else self._saved
        return is_time

    def tell(self, num_done: int) -> None:
        now = time.monotonic()
        if now - self._said < SAY_SECONDS:
            return
        self._said = now
        seconds_left = (now - self._started) / (num_done - self._first) * (self._num_pictures - num_done)
        done = f"{num_done:,} of {self._num_pictures:,} pictures {self._verb}"
        self._say(f"{self._prefix}{done}, {seconds_left:.0f} s left")


def _check_space(folder: Path, listing: Listing, layout: Layout) -> None:
    missing_bytes = (len(listing) - layout.num_done) * (layout.picture_bytes + 32)
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < missing_bytes + SPARE_BYTES:
        raise StorageError(
            f"Preparing the {len(listing):,} pictures of {listing.root} at {layout.width} x {layout.height} pixels "
            f"takes {_megabytes(missing_bytes)} in {folder.parent}, and {_megabytes(free_bytes)} are free there. Free "
            f"some space, set EYECHART_CACHE to a folder on another disk, or choose a smaller --img-size."
        )


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:,.0f} MB"
