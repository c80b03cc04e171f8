"""Letters and symbols drawn from fonts: the same by number, what they say they are, and no digit among them."""

from __future__ import annotations

import string
import sys
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from eyechart.base.errors import MissingError
from eyechart.data import drawn_sets, glyphs
from eyechart.data.signs import CLASSES, GREEK, LETTERS, SIGNS

NUM_PENNED = len(glyphs.PEN_WIDTHS)


@pytest.fixture(scope="module")
def masters() -> glyphs.Masters:
    return glyphs.all_masters()


def test_no_digit_is_among_them() -> None:
    assert not set(SIGNS.values()) & set(string.digits)
    assert len(set(SIGNS.values())) == len(CLASSES) == len(set(CLASSES)) == 71


def test_a_picture_depends_on_seed_part_and_number_alone() -> None:
    images, labels = glyphs.pictures(range(70, 76), 0, "train")
    again, _ = glyphs.pictures(range(74, 76), 0, "train")
    assert images.shape == (6, 1, 28, 28)
    assert images.dtype == np.uint8
    assert labels.tolist() == [70, 0, 1, 2, 3, 4]
    np.testing.assert_array_equal(images[4:], again)
    for other in (glyphs.pictures(range(74, 76), 1, "train"), glyphs.pictures(range(74, 76), 0, "test")):
        assert (other[0] != again).any()


def test_pictures_are_white_on_black_and_whole() -> None:
    images, _ = glyphs.pictures(range(284), 0, "train")
    border = np.concatenate([images[:, 0, 0], images[:, 0, -1], images[:, 0, :, 0], images[:, 0, :, -1]], axis=1)
    assert (border > 30).mean() < 0.01, "hardly any ink reaches the border"
    assert (images.reshape(284, -1).max(axis=1) > 150).all(), "and none is empty"
    assert 0.05 < (images > 127).mean() < 0.3


def test_every_class_has_many_faces_and_a_margin(masters: glyphs.Masters) -> None:
    assert np.diff(masters.first).min() >= 16
    assert masters.first[-1] == len(masters.ink)
    margin = glyphs.MARGIN - 5  # edges are soft
    outside = masters.ink.copy()
    outside[:, margin:-margin, margin:-margin] = 0
    assert outside.max() < 0.02
    sides = [np.ptp(np.flatnonzero((ink > 0.3).any(axis=axis))) for ink in masters.ink for axis in (0, 1)]
    longer = np.array(sides).reshape(-1, 2).max(axis=1)
    assert longer.min() > 0.8 * (glyphs.MASTER - 2 * glyphs.MARGIN)


def test_pens_write_what_type_says(masters: glyphs.Masters) -> None:
    """Hershey's Greek stands on Latin letters: one that were off by a letter would teach nonsense."""
    of_class = {name: masters.ink[masters.first[k] : masters.first[k + 1]] for k, name in enumerate(CLASSES)}
    greek = {name: of_class[name].reshape(len(of_class[name]), -1) for name in GREEK}
    typed = np.stack([found[: len(glyphs.TYPE)].mean(axis=0) for found in greek.values()])
    typed /= np.linalg.norm(typed, axis=1, keepdims=True)
    right = [
        place in np.argsort(typed @ penned)[-3:]  # zeta and xi, phi and psi are alike
        for place, found in enumerate(greek.values())
        for penned in found[len(glyphs.TYPE) :]
    ]
    assert len(right) == len(GREEK) * len(glyphs.GREEK_PENS) * NUM_PENNED
    assert np.mean(right) > 0.9
    assert all(len(of_class[letter]) == len(of_class["A"]) for letter in LETTERS), "every face has every letter"


def test_what_they_are_drawn_with_is_named() -> None:
    told = glyphs.drawn_with()
    assert len(told) == len(glyphs.TYPE) + len(glyphs.LATIN_TYPE) + 4
    assert any(each.startswith("pillow ") for each in told)


def test_without_pens_there_is_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "HersheyFonts", None)
    with pytest.raises(MissingError, match="pip install Hershey-Fonts"):
        glyphs._strokes_of("futural")


def test_a_package_that_is_not_installed_is_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(glyphs, "version", version)
    with pytest.raises(MissingError, match="pip install Hershey-Fonts"):
        drawn_sets.load("glyphs", lambda sentence: None)


def test_without_type_there_is_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match="pip install matplotlib"):
        glyphs.type_folder()
