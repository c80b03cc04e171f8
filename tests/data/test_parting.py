"""A line is parted into the things on it, in reading order, each alone on its paper."""

from __future__ import annotations

import numpy as np
from PIL import Image

from eyechart.data.marks import find_things, reading_order
from eyechart.data.parting import part


def page_of(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (600, 200)) -> Image.Image:
    """White, with frames of dark ink: left, top, right, bottom."""
    page = np.full((size[1], size[0]), 255, np.uint8)
    for left, top, right, bottom in boxes:
        page[top:bottom, left:right] = 0
        page[top + 10 : bottom - 10, left + 10 : right - 10] = 255
    return Image.fromarray(page)


def test_things_stand_in_reading_order_where_they_were() -> None:
    boxes = [(400, 30, 460, 130), (40, 50, 100, 150), (220, 40, 280, 140)]
    found = [each.box for each in part(page_of(*boxes))]
    assert np.allclose(found, sorted(boxes), atol=1.5)


def test_two_lines_are_read_one_after_the_other() -> None:
    upper, lower = [(300, 20, 350, 100), (40, 35, 90, 115)], [(160, 180, 210, 260), (420, 170, 470, 250)]
    found = [each.box[:2] for each in part(page_of(*lower, *upper, size=(600, 300)))]
    assert np.allclose(found, [(40, 35), (300, 20), (160, 180), (420, 170)], atol=1.5)
    assert reading_order([(0, 0, 1, 1), (0, 5, 1, 6), (5, 0, 6, 1)]) == [0, 2, 1]
    assert reading_order([]) == []


def test_a_part_shows_its_thing_alone_and_says_where_it_is() -> None:
    """Of a picture twice as large as what is looked at, bright on dark."""
    page = Image.fromarray(255 - np.asarray(page_of((200, 100, 400, 500), (480, 120, 700, 480), size=(2000, 640))))
    first, second = part(page)
    ink = np.asarray(first.picture) < 128
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    left, top = (edge * first.scale + corner for edge, corner in zip((columns[0], rows[0]), first.corner, strict=True))
    assert np.allclose((left, top), (200, 100), atol=3)
    assert abs((columns[-1] - columns[0] + 1) * first.scale - 200) <= 5
    assert np.allclose(second.box, (480, 120, 700, 480), atol=3)
    assert not ink[:, [0, -1]].any(), "paper is around it"


def test_a_blank_page_has_no_part() -> None:
    assert part(Image.new("L", (300, 100), 255)) == []
    assert find_things(np.zeros((30, 20), bool)) == []
