"""What stands below a comparison in the terminal: of which images, and what its brackets are."""

from __future__ import annotations

import pytest

from eyechart.schema import Comparison, Language, Summary
from eyechart.terminal.verdicts import _caption


def compared(primary: str, *spreads: float | None) -> Comparison:
    """One contender for each standard deviation; None: it has one seed."""
    names = tuple(f"contender {place}" for place in range(len(spreads)))
    summaries = tuple(
        Summary(contender=name, metric=primary, seeds=(0,) if sd is None else (0, 1), values=(0.5,), mean=0.5, sd=sd)
        for name, sd in zip(names, spreads, strict=True)
    )
    return Comparison(
        dataset="MNIST", primary=primary, contenders=names, num_items=100, num_classes=10, summaries=summaries,
        families=(), verdicts=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("comparison", "lang", "told"),
    [
        (compared("accuracy", None), "en", "95 % interval, Wilson. Precision, recall"),
        (compared("accuracy", 0.1), "en", "95 % interval, Student's t over seeds. Precision, recall"),
        (compared("accuracy", 0.1, None), "en", "interval, Student's t over seeds and Wilson for one seed. Precision"),
        (compared("map", None), "en", "95 % interval, a bootstrap over images."),
        (compared("accuracy", 0.1, None), "fr", "Student sur les graines et Wilson pour une seule graine. Précision"),
        (compared("map", 0.1), "fr", "Student sur les graines."),
    ],
)
def test_the_caption_says_what_the_brackets_are(comparison: Comparison, lang: Language, told: str) -> None:
    caption = _caption(comparison, lang)
    assert told in caption
    assert ("F1" in caption) == (comparison.primary == "accuracy"), "boxes have no mean over classes in that table"
