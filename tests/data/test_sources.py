"""Who delivers a dataset: the first source in order that claims a reference, whatever size and colours it has."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import UsageError
from eyechart.data import catalog, sources
from eyechart.data.known import KNOWN, KnownDataset
from eyechart.data.sources import IdxFiles, Made, PictureFolder, Wish
from eyechart.schema.contracts import Dataset, LabelledImages

DRAWN = KnownDataset(
    name="drawn", title="Drawn by a rule", licence="none", source="a rule", download_megabytes=0,
    classes=("a", "b"), num_train=8, num_test=4, height=12, width=20, num_channels=3,
)  # fmt: skip


def draw() -> Dataset:
    def part(number: int) -> LabelledImages:
        return LabelledImages(np.zeros((number, 3, 12, 20), np.uint8), np.arange(number) % 2)

    return Dataset(DRAWN.card("0" * 64), part(8), part(4))


def test_every_known_name_has_its_source() -> None:
    assert list(sources.NAMED) == list(KNOWN)
    for name in KNOWN:
        assert catalog.source_of(name) is sources.NAMED[name]


def test_a_generated_dataset_may_be_wide_and_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a new one takes: a row of facts and who makes it."""
    monkeypatch.setattr(sources, "SOURCES", (Made(DRAWN, draw), *sources.SOURCES))
    dataset = catalog.load_dataset("drawn")
    assert dataset.train.images.shape == (8, 3, 12, 20)
    assert (dataset.card.num_channels, dataset.card.height, dataset.card.width) == (3, 12, 20)
    assert catalog.verify("drawn").card == dataset.card
    with pytest.raises(UsageError, match="drawn has images of 12 x 20 pixels, and 12 was asked for"):
        catalog.load_dataset("drawn", img_size=12)


def test_names_come_before_folders_of_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert catalog.load_dataset("digits").card.name == "digits"


def test_a_folder_is_the_last_that_is_asked(tmp_path: Path) -> None:
    assert isinstance(sources.SOURCES[-1], PictureFolder)
    (tmp_path / "a").mkdir()
    assert not IdxFiles().claims(str(tmp_path))
    assert PictureFolder().claims(str(tmp_path))
    assert not PictureFolder().claims(str(tmp_path / "nowhere"))
    assert not PictureFolder().claims(" ")


def test_a_wish_has_defaults() -> None:
    assert dataclasses.asdict(DRAWN)["height"] == 12
    wish = Wish()
    wish.say("nobody hears this")
    assert (wish.img_size, wish.offline) == (None, False)
