"""What is written in a picture: which connected pieces of ink belong to it, which are strays, and how many things.

specks   far smaller than the largest piece
frames   pieces along the border of the picture, or around everything else: edges of paper, shadows, drawn boxes
things   pieces near each other are one thing; a thing far smaller than the largest is a stray
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

SPECK_SHARE = 0.015  # of the largest piece's pixels
MOST_PIECES = 400  # the largest are looked at: each is compared with each, and nobody writes so many
LEAST_LENGTH = 0.03  # of the picture's longer side: what is shorter is no writing
LONG, MARGIN = 0.55, 0.12  # shares of a side: as long is a border's piece, or it lies within so much of the border
CLEAR = 0.03  # of the longer side: so far from the writing a border's piece is no part of it
AROUND = 0.25  # of a frame's longer side: what is inside must be as long
APART_X, APART_Y = 0.07, 0.25  # of the largest piece's longer side: gaps that part two things
STRAY_LENGTH = 0.4  # of the largest thing's longer side


class Piece(NamedTuple):
    """Connected ink: its number in the labelled picture, its box in whole pixels (ends exclusive), its pixels."""

    number: int
    top: int
    bottom: int
    left: int
    right: int
    pixels: int

    @property
    def length(self) -> int:
        return max(self.bottom - self.top, self.right - self.left)


class Marks(NamedTuple):
    """What is written."""

    mask: np.ndarray  # bool (H, W): the ink of the largest thing; nothing where nothing is written
    num_things: int
    num_dropped: int  # pieces that are no writing


class Thing(NamedTuple):
    """One of the things that stand apart: its box in whole pixels (ends exclusive), and its ink in there."""

    top: int
    bottom: int
    left: int
    right: int
    mask: np.ndarray  # bool (bottom - top, right - left)


def find_marks(mask: np.ndarray) -> Marks:
    """Of ink, bool (H, W): the largest thing, and how many there are."""
    labels, writing, num_pieces = _writing(mask)
    if not writing:
        return Marks(np.zeros_like(mask), 0, num_pieces)
    first = max(writing, key=lambda thing: sum(piece.pixels for piece in thing))
    num_kept = sum(len(thing) for thing in writing)
    return Marks(np.isin(labels, [piece.number for piece in first]), len(writing), num_pieces - num_kept)


def find_things(mask: np.ndarray) -> list[Thing]:
    """Of ink, bool (H, W): everything that is written, in reading order: line by line, from the left."""
    labels, writing, _ = _writing(mask)
    found = []
    for pieces in writing:
        top, bottom = min(each.top for each in pieces), max(each.bottom for each in pieces)
        left, right = min(each.left for each in pieces), max(each.right for each in pieces)
        ink = np.isin(labels[top:bottom, left:right], [each.number for each in pieces])
        found.append(Thing(top, bottom, left, right, ink))
    return [found[place] for place in reading_order([(each.left, each.top, each.right, each.bottom) for each in found])]


def reading_order(boxes: Sequence[tuple[float, float, float, float]]) -> list[int]:
    """Places of boxes (left, top, right, bottom) line by line from the top, each line from the left.

    A box whose middle is as high as some box of a line is in that line.
    """
    lines: list[list[int]] = []
    for place in sorted(range(len(boxes)), key=lambda each: boxes[each][1] + boxes[each][3]):
        middle = (boxes[place][1] + boxes[place][3]) / 2
        own = next((line for line in lines if any(boxes[k][1] <= middle <= boxes[k][3] for k in line)), None)
        if own is None:
            lines.append([place])
        else:
            own.append(place)
    return [place for line in lines for place in sorted(line, key=lambda each: boxes[each][0] + boxes[each][2])]


def _writing(mask: np.ndarray) -> tuple[np.ndarray, list[list[Piece]], int]:
    """Ink with its pieces numbered, the pieces of each thing that is written, and how many pieces there are in all."""
    from scipy.ndimage import find_objects, label

    labels, _ = label(mask, np.ones((3, 3)))
    counts = np.bincount(labels.ravel())
    pieces = [
        Piece(number, rows.start, rows.stop, columns.start, columns.stop, int(counts[number]))
        for number, (rows, columns) in enumerate(find_objects(labels), 1)
    ]
    kept = _without_frames(_without_specks(pieces, mask.shape), mask.shape)
    things = _things(kept) if kept else []
    length = max((_length(thing) for thing in things), default=0)
    return labels, [thing for thing in things if _length(thing) >= STRAY_LENGTH * length], len(pieces)


def _without_specks(pieces: list[Piece], shape: tuple[int, ...]) -> list[Piece]:
    least = max(2.0, LEAST_LENGTH * max(shape))
    largest = max((piece.pixels for piece in pieces if piece.length >= least), default=0)
    if not largest:
        return []
    kept = [piece for piece in pieces if piece.pixels >= max(2.0, SPECK_SHARE * largest)]
    if len(kept) > MOST_PIECES:
        kept = sorted(sorted(kept, key=lambda piece: -piece.pixels)[:MOST_PIECES])  # by number again
    return kept


def _without_frames(pieces: list[Piece], shape: tuple[int, ...]) -> list[Piece]:
    around = [frame for frame in pieces if any(_is_around(frame, piece) for piece in pieces)]
    pieces = [piece for piece in pieces if piece not in around]
    inner = [piece for piece in pieces if not _touches(piece, shape)]
    if not inner:
        return pieces
    main = max(inner, key=lambda piece: piece.pixels)
    return [piece for piece in pieces if piece in inner or not _is_border(piece, main, shape)]


def _is_around(frame: Piece, piece: Piece) -> bool:
    is_inside = (
        frame.top < piece.top and piece.bottom < frame.bottom and frame.left < piece.left and piece.right < frame.right
    )
    return is_inside and piece.length >= AROUND * frame.length


def _touches(piece: Piece, shape: tuple[int, ...]) -> bool:
    return piece.top == 0 or piece.left == 0 or piece.bottom == shape[0] or piece.right == shape[1]


def _is_border(piece: Piece, main: Piece, shape: tuple[int, ...]) -> bool:
    """Whether a piece that touches the border is long or lies along it, clear of the writing."""
    height, width = shape
    is_long = piece.bottom - piece.top >= LONG * height or piece.right - piece.left >= LONG * width
    is_along = (
        piece.bottom <= MARGIN * height
        or piece.top >= (1 - MARGIN) * height
        or piece.right <= MARGIN * width
        or piece.left >= (1 - MARGIN) * width
    )
    clear = max(_gaps(piece, main)) >= CLEAR * max(shape)
    return (is_along and clear) or (is_long and (clear or _is_around(piece, main)))


def _gaps(one: Piece, other: Piece) -> tuple[int, int]:
    """Empty columns and empty rows between two boxes; below 0: they overlap."""
    return max(one.left, other.left) - min(one.right, other.right), max(one.top, other.top) - min(
        one.bottom, other.bottom
    )


def _things(pieces: list[Piece]) -> list[list[Piece]]:
    """Pieces in groups: near each other, directly or through others."""
    length = max(piece.length for piece in pieces)
    groups: list[list[Piece]] = []
    for piece in pieces:
        near = [group for group in groups if any(_are_near(piece, other, length) for other in group)]
        merged = [piece, *(other for group in near for other in group)]
        groups = [group for group in groups if group not in near] + [merged]
    return groups


def _are_near(one: Piece, other: Piece, length: int) -> bool:
    across, down = _gaps(one, other)
    return across <= APART_X * length and down <= APART_Y * length


def _length(thing: list[Piece]) -> int:
    height = max(piece.bottom for piece in thing) - min(piece.top for piece in thing)
    return max(height, max(piece.right for piece in thing) - min(piece.left for piece in thing))
