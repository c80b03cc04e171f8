"""One picture as a run is to see it: prepared where the run learned from ink, else fitted as its dataset was."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eyechart.base.errors import UsageError
from eyechart.data.handwriting import Refusal, Step, prepare
from eyechart.data.ink_facts import measure_ink, oddities
from eyechart.data.pictures import (
    SUFFIXES,
    frame_in_own_pixels,
    in_own_pixels,
    open_layers,
    read_content,
    read_with_size,
)
from eyechart.files.file_names import readable
from eyechart.files.storage import find_runs, natural_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyechart.schema import InkFacts, Preprocessing

STANDARD_INPUT = "-"  # as a picture's name: its bytes come from there
LEAST_DECODED = (1200, 1200)  # pixels: a large JPEG is decoded no smaller than that


class Source(NamedTuple):
    """Where a picture comes from; its bytes are read when they are wanted."""

    name: str
    content: bytes | None = None  # None: of the file of that name

    def read(self) -> bytes:
        """DatasetMissing or DatasetError where there is no such file, or none that may be read."""
        return read_content(self.name) if self.content is None else self.content


class Seen(NamedTuple):
    """What a network gets of a picture, or why none is asked."""

    pixels: np.ndarray | None  # uint8 (C, H, W) of the dataset's size; None: refused
    own_size: tuple[int, int]  # (height, width) of the upright picture
    refusal: Refusal | None = None
    num_things: int = 1  # that stand apart
    oddities: tuple[str, ...] = ()  # in what it is unlike the training images, as far as ink tells
    steps: tuple[Step, ...] = ()  # none: as its dataset would have read it
    corner: tuple[float, float] = (0.0, 0.0)  # of a prepared one: where its image begins in the picture's own pixels
    scale: float = 1.0  # of these, for one pixel of the image

    def boxes_in_own_pixels(self, boxes: np.ndarray) -> np.ndarray:
        """Boxes (R, 4) on `pixels`, where they are on the upright picture, cut to it."""
        assert self.pixels is not None
        if not self.steps:
            return in_own_pixels(boxes, self.own_size, *self.pixels.shape[1:])
        placed = boxes * self.scale + np.array(self.corner * 2)
        own: np.ndarray = placed.clip(0, [self.own_size[1], self.own_size[0]] * 2)
        return own

    @property
    def frame_in_own_pixels(self) -> np.ndarray:
        """Where all of `pixels` lies on the upright picture, (4,); it may reach beyond that."""
        assert self.pixels is not None
        height, width = self.pixels.shape[1:]
        if not self.steps:
            return frame_in_own_pixels(self.own_size, height, width)
        frame: np.ndarray = np.array([0.0, 0.0, width, height]) * self.scale + np.array(self.corner * 2)
        return frame


def see(source: Source, frame: Preprocessing, ink: InkFacts | None, *, content: bytes | None = None) -> Seen:
    """A picture for a run with this frame; prepared by `ink`, or as its dataset would have read it where that is None.

    DatasetMissing or DatasetError, naming it, for one that cannot be read.  `content`: its bytes, if they were read.
    """
    content = source.read() if content is None else content
    if ink is None:
        pixels, own_size = read_with_size(
            source.name,
            channels=frame.image_channels,
            height=frame.image_height,
            width=frame.image_width,
            rule=frame.picture_rule,
            content=content,
        )
        return Seen(pixels, own_size)
    picture, own_size = open_layers(source.name, content, LEAST_DECODED, frame.picture_rule)
    made = prepare(picture, ink, frame.image_height, frame.image_width)
    if made.pixels is None:
        return Seen(None, own_size, made.refusal, made.num_things, steps=made.steps)
    decoded = own_size[1] / picture.width  # above 1: the JPEG came smaller
    measured = measure_ink((made.pixels if ink.is_bright else 255 - made.pixels).astype(np.float32) / 255)
    return Seen(
        made.pixels[None],
        own_size,
        oddities=tuple(oddities(measured, ink)) if measured else (),
        steps=made.steps,
        corner=(decoded * made.corner[0], decoded * made.corner[1]),
        scale=decoded * made.scale,
    )


def find_sources(paths: Sequence[Path], say: Callable[[str], None] = lambda sentence: None) -> list[Source]:
    """Pictures by name: files as they are, the picture files of folders (one level, natural order), "-" the input.

    `say` hears of each folder that holds none, which is no error where there are others: bulk jobs have empty ones.
    Raises UsageError where none is left, or the standard input is asked for twice.
    """
    found: list[Source] = []
    for path in paths:
        if str(path) == STANDARD_INPUT:
            if any(source.name == STANDARD_INPUT for source in found):
                raise UsageError("- was given twice; the standard input is one picture.")
            found.append(Source(STANDARD_INPUT, sys.stdin.buffer.read()))
        elif path.is_dir():
            pictures = _pictures_in(path)
            found += [Source(str(file)) for file in pictures]
            if not pictures:
                told = "; the runs in it are asked where they, or their study, are named" if find_runs([path]) else ""
                say(f"{readable(str(path))} holds no picture{told}")
        else:
            found.append(Source(str(path)))
    if not found:
        where = ", ".join(readable(str(path)) for path in paths) or "what was given"
        raise UsageError(
            f"There is no picture in {where}. Give picture files, a folder that holds some ({', '.join(SUFFIXES[:4])}, "
            f"...; folders inside are not looked into), or - for one from the standard input."
        )
    return found


def _pictures_in(folder: Path) -> list[Path]:
    files = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    return sorted(files, key=lambda path: natural_key(path.name))
