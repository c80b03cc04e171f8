"""`-d glyphs` and `-d fractals`: drawn once, kept, and datasets like any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import UsageError
from eyechart.data import box_store, drawn_sets
from eyechart.data.catalog import load_dataset, verify
from eyechart.data.known import KNOWN

NAMES = tuple(drawn_sets.DRAWERS)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path))
    for name in NAMES:
        num_classes = len(KNOWN[name].classes)
        monkeypatch.setitem(KNOWN, name, replace(KNOWN[name], num_train=2 * num_classes, num_test=num_classes))


@pytest.mark.parametrize(("name", "num_classes"), [("glyphs", 71), ("fractals", 1_000)])
def test_it_is_a_dataset_like_any_other(name: str, num_classes: int) -> None:
    dataset = load_dataset(name)
    assert dataset.card.num_classes == num_classes
    assert dataset.card.task == "classification"
    assert (len(dataset.train), len(dataset.test), dataset.validation) == (2 * num_classes, num_classes, None)
    assert (np.bincount(dataset.train.labels) == 2).all()
    assert dataset.train.objects is None, "no boxes: where the ink is, the ink says"
    drawn, labels = drawn_sets.DRAWERS[name].pictures(range(num_classes), drawn_sets.SEED, "test")
    np.testing.assert_array_equal(dataset.test.images, drawn)
    np.testing.assert_array_equal(dataset.test.labels, labels)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_drawn_once(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    first = load_dataset(name)
    drawer = drawn_sets.DRAWERS[name]
    monkeypatch.setattr(drawer, "pictures", lambda *given: pytest.fail("drawn again"))
    assert load_dataset(name).card == first.card
    for what, other in (("drawn_with", lambda: ["another machine"]), ("VERSION", drawer.VERSION + 1)):
        with monkeypatch.context() as changed:
            changed.setattr(drawer, what, other)
            with pytest.raises(pytest.fail.Exception, match="drawn again"):
                load_dataset(name)


def test_long_drawing_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box_store, "SAY_SECONDS", 0.0)
    said: list[str] = []
    load_dataset("glyphs", say=said.append)
    assert "preparing glyphs: 142 of 213" in said


@pytest.mark.parametrize(
    ("name", "title"), [("glyphs", "Letters and symbols"), ("fractals", "One fractal, changed a little")]
)
def test_it_can_be_verified_and_has_a_size_of_its_own(name: str, title: str) -> None:
    facts = verify(name)
    assert facts.lines()[0].startswith(title)
    assert (facts.num_shared, facts.doubts()) == ({"test": 0}, []), "train and test are different pictures"
    with pytest.raises(UsageError, match="nothing is gained by more pixels"):
        load_dataset(name, img_size=32)
