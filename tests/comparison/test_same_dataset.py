"""One dataset is the same images and classes, whatever it was called where it lay: three commands ask this alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eyechart.base.errors import UsageError
from eyechart.cli import labels
from eyechart.comparison.compare import compare_runs
from eyechart.comparison.same_dataset import check_one_dataset
from eyechart.files.storage import RUN_FILE, read_run, write_record
from eyechart.report.entries import read_runs
from tests.comparison.fake_verdicts import made_up_study

ASKED = {"compare": compare_runs, "report": read_runs, "labels": labels._read}


@pytest.fixture
def two_runs(tmp_path: Path) -> list[Path]:
    return made_up_study(tmp_path / "s", {"cnn": 0.01, "vit": 0.05}, (0,))


def changed(folder: Path, **changes: Any) -> None:
    """What a run says of its dataset, in other words."""
    run = read_run(folder)
    write_record(folder / RUN_FILE, run.model_copy(update={"dataset": run.dataset.model_copy(update=changes)}))


@pytest.mark.parametrize("command", ASKED)
def test_the_same_images_under_another_name_belong_together(command: str, two_runs: list[Path]) -> None:
    """As a study has them that was resumed from another folder, or one of a copy of MNIST."""
    changed(two_runs[1], name="my copy", title="my copy", source="../my copy")
    assert ASKED[command](two_runs)


@pytest.mark.parametrize("command", ASKED)
def test_other_images_and_other_classes_do_not(command: str, two_runs: list[Path]) -> None:
    changed(two_runs[1], content_sha256="f" * 64)
    with pytest.raises(UsageError, match=r"different datasets: mnist \w{8} \(1 run\), mnist ffffffff \(1 run\)\. Exp"):
        ASKED[command](two_runs)
    own = read_run(two_runs[0]).dataset
    others = tuple(f"number {name}" for name in own.classes)
    changed(two_runs[1], content_sha256=own.content_sha256, classes=others)
    with pytest.raises(UsageError, match=r"classes 0, 1, 2, \.\.\. \(1 run\), .* classes number 0, number 1, number 2"):
        ASKED[command](two_runs)


def test_every_name_of_a_dataset_is_told(two_runs: list[Path]) -> None:
    card = read_run(two_runs[0]).dataset
    cards = [card, card.model_copy(update={"name": "copy"}), card.model_copy(update={"content_sha256": "f" * 64})]
    with pytest.raises(UsageError, match=r": mnist or copy \w{8} \(2 runs\), mnist ffffffff .* Look at each\."):
        check_one_dataset(cards, "Look at each.")
    check_one_dataset(cards[:2], "Look at each.")
