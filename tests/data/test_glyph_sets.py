"""`-d glyphs`: drawn once, kept, and a dataset like any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import UsageError
from eyechart.data import box_store, glyph_sets, glyphs
from eyechart.data.catalog import load_dataset, verify
from eyechart.data.known import KNOWN


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path))
    monkeypatch.setitem(KNOWN, "glyphs", replace(KNOWN["glyphs"], num_train=142, num_test=71))


def test_it_is_a_dataset_like_any_other() -> None:
    dataset = load_dataset("glyphs")
    assert dataset.card.num_classes == 71
    assert dataset.card.task == "classification"
    assert (len(dataset.train), len(dataset.test), dataset.validation) == (142, 71, None)
    assert np.bincount(dataset.train.labels).tolist() == [2] * 71
    assert dataset.train.objects is None, "no boxes: where the ink is, the ink says"
    drawn, labels = glyphs.pictures(range(71), glyph_sets.SEED, "test")
    np.testing.assert_array_equal(dataset.test.images, drawn)
    np.testing.assert_array_equal(dataset.test.labels, labels)


def test_it_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_dataset("glyphs")
    monkeypatch.setattr(glyphs, "pictures", lambda *given: pytest.fail("drawn again"))
    assert load_dataset("glyphs").card == first.card
    monkeypatch.setattr(glyphs, "drawn_with", lambda: ["other fonts"])
    with pytest.raises(pytest.fail.Exception, match="drawn again"):
        load_dataset("glyphs")


def test_long_drawing_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box_store, "SAY_SECONDS", 0.0)
    said: list[str] = []
    load_dataset("glyphs", say=said.append)
    assert "preparing glyphs: 142 of 213" in said


def test_it_can_be_verified_and_has_a_size_of_its_own() -> None:
    assert "Letters and symbols" in verify("glyphs").lines()[0]
    with pytest.raises(UsageError, match="--img-size is for folders"):
        load_dataset("glyphs", img_size=32)
