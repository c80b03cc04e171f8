"""A study's runs judged on its own test images among pieces of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import UsageError
from eyechart.contexts import clutter
from eyechart.contexts.catalog import CONTEXTS
from eyechart.contexts.source import open_source
from eyechart.report.judged_text import in_words
from eyechart.schema.contexts import ContextRecord
from eyechart.words.speech import speech
from tests.in_process import eyechart

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def judged(judged_once: Callable[..., Path]) -> Path:
    """A small study of two contenders on digits of 8 x 8 pixels, judged among one and three pieces."""
    return judged_once("clutter", "clutter-among-pieces-of-others.png", "--levels", "3,1")


def record_of(study: Path) -> ContextRecord:
    return ContextRecord.model_validate_json((study / "clutter" / "context.json").read_bytes())


def test_each_number_of_pieces_is_a_level_beside_the_untouched(judged: Path) -> None:
    record = record_of(judged)
    assert [(level.label, level.value, level.study) for level in record.levels] == [
        ("1", 1, "pieces-1"), ("3", 3, "pieces-3"),
    ]  # fmt: skip
    (untouched,) = record.means
    accuracies = {
        name: [
            next(each.mean for each in one.comparison.summaries if (each.contender, each.metric) == (name, "accuracy"))
            for one in (untouched, *record.levels)
        ]
        for name in ("cnn", "vit")
    }
    assert all(values[0] > values[1] > values[2] for values in accuracies.values()), accuracies


@pytest.mark.parametrize(
    ("lang", "row", "how"),
    [
        ("en", "| images beside 1 piece |", "pieces of others, a fifth as wide"),
        ("fr", "| les images à côté de 3 morceaux |", "des morceaux d'autres, larges d'un cinquième"),
    ],
)
def test_the_words_are_about_pieces(judged: Path, lang: str, row: str, how: str) -> None:
    text = in_words(record_of(judged), CONTEXTS["clutter"].question, judged / "clutter", speech(lang))
    assert row in text
    assert how in text
    if lang == "en":
        assert (judged / "clutter" / "clutter-synthesis.md").read_text() == text


def test_levels_are_known_again_by_their_folders(judged: Path) -> None:
    source = open_source(judged, "clutter")
    levels = clutter.levels_of(source, [])
    assert [level.amount for level in levels] == [1, 2, 4, 8]
    assert [clutter.level_of(level.folder, source) for level in levels] == levels
    assert len({level.judged_on(source) for level in levels}) == 4
    assert clutter.level_of("pieces-many", source) is None


def test_fewer_images_see_pieces_of_all(judged: Path) -> None:
    few, all_of_them = open_source(judged, "clutter", 20), open_source(judged, "clutter")
    (level,) = clutter.levels_of(few, ["2"])
    whole = level.pictures(all_of_them, 1)
    assert np.array_equal(level.pictures(few, 1).images, whole.images[few.chosen])


def test_what_cannot_be_asked_is_a_clear_error(judged: Path) -> None:
    for wrong in ("0", "65", "many", "-1"):
        with pytest.raises(UsageError, match=f"--levels got '{wrong}'; expected numbers of pieces, 1 to 64"):
            clutter.levels_of(open_source(judged, "clutter"), [wrong])
    done = eyechart("study", "clutter", judged, "--to", "usps")
    assert done.returncode == 2
    assert "does not know --to" in done.stderr


def test_a_dry_run_judges_nothing(judged: Path) -> None:
    planned = json.loads(eyechart("study", "clutter", judged, "--dry-run", "--json").stdout)
    assert [(each["level"], each["runs"]) for each in planned] == [
        ("pieces-1", 0), ("pieces-2", 2), ("pieces-4", 2), ("pieces-8", 2),
    ]  # fmt: skip
    assert not (judged / "clutter" / "pieces-2").exists()
