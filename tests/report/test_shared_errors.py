"""The section on errors in common: its images are the right ones, its numbers those of the comparison."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from eyechart.comparison.compare import compare_runs
from eyechart.files.storage import PREDICTIONS_FILE, read_arrays
from eyechart.report.disagreement import Answers, read_all
from eyechart.report.entries import group_runs, read_runs
from eyechart.report.page import write_report
from eyechart.report.shared_errors import MOST_IMAGES, MOST_OF_ONE, chosen_images
from eyechart.words.shared_errors import fooled
from eyechart.words.speech import Speech


@pytest.fixture(scope="module")
def read(five_runs: list[Path]) -> tuple[list[Answers], dict[str, np.ndarray]]:
    missing: list[str] = []
    images, answers = read_all(group_runs(read_runs(five_runs)), missing, Speech())
    assert images is not None
    assert not missing
    return answers, images


def test_images_are_those_that_all_or_one_alone_get_wrong(
    read: tuple[list[Answers], dict[str, np.ndarray]],
) -> None:
    answers, images = read
    everyone, single = chosen_images(answers, images)
    wrong = np.stack([each.probabilities.argmax(axis=1) != images["labels"] for each in answers])
    assert len(everyone) == min(MOST_IMAGES, wrong.all(axis=0).sum())
    assert wrong[:, everyone].all()
    assert len(single) > 0
    assert (wrong[:, single].sum(axis=0) == 1).all()
    assert wrong[:, single].sum(axis=1).max() <= MOST_OF_ONE
    certainty = [answers[int(wrong[:, item].argmax())].probabilities[item].max() for item in single]
    assert min(certainty) >= 0.9


def test_one_contender_has_none(read: tuple[list[Answers], dict[str, np.ndarray]]) -> None:
    answers, images = read
    assert chosen_images(answers[:1], images) == ([], [])


def test_the_page_says_what_the_comparison_says(five_runs: list[Path], tmp_path: Path) -> None:
    comparison = compare_runs(five_runs)
    assert comparison.shared_errors is not None
    text = write_report(five_runs, tmp_path / "r.html", comparison=comparison).read_text()
    section = text.partition('<section id="common">')[2].partition("</section>")[0]
    assert fooled(comparison.shared_errors, Speech()).split(",")[0] in section.replace("\u00a0", " ")
    assert section.count("<tr>") == 2 + 5 + 10
    assert "One alone is wrong" in section


def test_images_that_fool_everybody_are_shown(fake_runs: ModuleType, tmp_path: Path) -> None:
    poor = {name: fake_runs.Fake(0.5, 70_000, 0.001) for name in ("cnn", "vit", "alexnet")}
    folders = fake_runs.fake_study(tmp_path / "s", poor, num_items=300)
    comparison = compare_runs(folders)
    assert comparison.shared_errors
    assert comparison.shared_errors.all_wrong > 0.05
    text = write_report(folders, tmp_path / "r.html", comparison=comparison).read_text()
    assert "Nobody is right" in text.partition('<section id="common">')[2].partition("</section>")[0]


def test_answers_that_are_gone_leave_their_contender_out(fake_runs: object, tmp_path: Path) -> None:
    folders = fake_runs.fake_study(tmp_path / "s", num_items=300)  # type: ignore[attr-defined]
    assert "probabilities" in read_arrays(folders[0] / PREDICTIONS_FILE)
    (folders[0] / PREDICTIONS_FILE).unlink()
    section = write_report(folders, tmp_path / "r.html").read_text().partition('<section id="common">')[2]
    assert section.partition("</section>")[0].count("<tr>") == 2 + 4 + 6
    (tmp_path / "s" / read_runs(folders)[0].record.items).unlink()
    assert '<section id="common">' not in write_report(folders, tmp_path / "r.html").read_text()
