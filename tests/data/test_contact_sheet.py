"""The contact sheet: size, a row a class, right pictures in the right row, written whole."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import StorageError
from eyechart.data import contact_sheet
from eyechart.data.boxes import strata_of
from eyechart.data.contact_sheet import (
    HEADER_HEIGHT,
    MOST_ROWS,
    draw_contact_sheet,
    shown_classes,
    tile_size,
    write_contact_sheet,
)
from eyechart.schema.contracts import Dataset, LabelledImages
from eyechart.schema.objects import objects_of


@pytest.mark.parametrize(
    ("width", "height", "expected"), [(28, 28, (56, 56)), (8, 8, (56, 56)), (16, 10, (48, 30)), (112, 56, (56, 28))]
)
def test_tiles(width, height, expected):
    assert tile_size(width, height) == expected


@pytest.mark.parametrize("channels", [1, 3])
def test_a_row_for_each_class_below_the_last(make_dataset, channels):
    dataset = make_dataset([20, 3, 1], [1, 1, 1], channels=channels)
    two, three = (draw_contact_sheet(make_dataset(counts, [1])) for counts in ([9, 9], [9, 9, 9]))
    assert three.height > two.height
    sheet = np.asarray(draw_contact_sheet(dataset)).astype(int)
    image = dataset.train.images[dataset.train.labels == 1][0]
    tile = Image.fromarray(image[0] if channels == 1 else image.transpose(1, 2, 0)).convert("RGB")
    tile = np.asarray(tile.resize(tile_size(5, 7), Image.Resampling.NEAREST)).astype(int)
    windows = np.lib.stride_tricks.sliding_window_view(sheet[:, :, 0], tile.shape[:2])
    matches = (windows[:, :, 4::8, 4::8] == tile[4::8, 4::8, 0]).all(axis=(2, 3))  # one look at each enlarged pixel
    tops = np.flatnonzero(matches.any(axis=1))
    row_height = three.height - two.height
    assert len(tops) > 0
    assert set((tops - HEADER_HEIGHT + 10) // row_height) == {1}, "in the second row only"


def test_a_row_of_boxes_shows_the_pictures_that_have_one(make_dataset, monkeypatch):
    """Both classes lie on the first picture, the smaller one on no other; the last has nothing on it."""
    plain = make_dataset([4, 0], [1, 1])
    boxes = [[(0, 0, 4, 4), (0, 0, 2, 2)], [(0, 0, 4, 4)], [(0, 0, 4, 4)], []]
    objects = objects_of((each, [0, 1][: len(each)], [False] * len(each)) for each in boxes)
    train = LabelledImages(plain.train.images, strata_of(objects), objects)
    card = plain.card.model_copy(update={"task": "detection"})
    texts = []
    monkeypatch.setattr(contact_sheet.Label, "draw", lambda label, draw, middle: texts.append(label.text))
    pasted = []
    monkeypatch.setattr(contact_sheet, "as_picture", lambda image: pasted.append(image) or Image.new("L", (5, 7)))
    draw_contact_sheet(Dataset(card, train, plain.test))
    assert [text for text in texts if text.endswith("boxes")] == ["3 train boxes", "1 train boxes"]
    assert np.array_equal(pasted, train.images[:][[0, 1, 2, 0]])


def test_of_very_many_classes_some_are_shown_from_the_first_to_the_last(make_dataset):
    assert shown_classes(1) == [0]
    assert shown_classes(MOST_ROWS) == list(range(MOST_ROWS))
    some = shown_classes(1_000)
    assert (len(some), some[0], some[-1], len(set(some))) == (MOST_ROWS, 0, 999, MOST_ROWS)
    most, more = (draw_contact_sheet(make_dataset([1] * count, [1])) for count in (MOST_ROWS, 3 * MOST_ROWS))
    assert more.height == most.height
    header = slice(56, 80)  # the line that says how many there are
    told = [(np.asarray(sheet)[header].min(axis=2) < 200).sum() for sheet in (most, more)]
    assert told[1] > told[0], "and says that it does not show all"


def test_the_same_dataset_gives_the_same_sheet(make_dataset):
    dataset = make_dataset([20, 20], [5, 5])
    assert draw_contact_sheet(dataset).tobytes() == draw_contact_sheet(dataset).tobytes()


def test_long_names_do_not_widen_the_sheet_for_ever(make_dataset):
    dataset = make_dataset([5, 5], [5, 5])
    long_names = dataset.card.model_copy(update={"classes": ("x" * 500, "b"), "title": "y" * 500})
    assert draw_contact_sheet(type(dataset)(long_names, dataset.train, dataset.test)).width < 1500


def test_png_is_written_whole(tmp_path, make_dataset):
    path = tmp_path / "new" / "sheet.png"
    write_contact_sheet(make_dataset([20, 20], [5, 5]), path)
    with Image.open(path) as picture:
        picture.load()
    assert [entry.name for entry in path.parent.iterdir()] == ["sheet.png"]
    with pytest.raises(StorageError):
        write_contact_sheet(make_dataset([20, 20], [5, 5]), path / "below-a-file.png")
