"""The report of a study on scenes: its sections, and what it may say."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from eyechart.files.storage import PREDICTIONS_FILE, RUN_FILE, read_run, write_record
from eyechart.report.boxes import hardest, mistakes
from eyechart.report.page import SCENE_SECTIONS, write_report
from eyechart.scoring.detection_errors import ErrorCost
from eyechart.words.numbers import NARROW_SPACE
from eyechart.words.speech import Speech
from tests.comparison.fake_scenes import fake_scene_study


@pytest.fixture(scope="module")
def study(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("scenes") / "study"
    return fake_scene_study(folder, fake_runs, {"good": 0.5, "poor": 3.0}, (0, 1))


def page_of(folders: list[Path], tmp_path: Path, lang: str = "en") -> str:
    return write_report(folders, tmp_path / "report.html", lang=lang).read_text(encoding="utf-8")


def test_every_section_stands_on_the_page(study: list[Path], tmp_path: Path) -> None:
    page = page_of(study, tmp_path)
    for section in SCENE_SECTIONS:
        if section.anchor != "inside":  # made-up runs kept nothing of how they came to their answers
            assert f'<section id="{section.anchor}"' in page
    files = {file.name for file in (tmp_path / "report-figures").iterdir()}
    assert {"learning-map.svg", "learning-objectness.png", "precision-recall-1.svg"} <= files
    assert "Which of two contenders finds best" in page
    assert "good reached a mAP of" in page
    assert "too few runs to say" in page


def test_the_hardest_scenes_show_every_contenders_boxes(study: list[Path], tmp_path: Path) -> None:
    page = page_of(study, tmp_path)
    scenes = page[page.index('<section id="hardest"') :]
    assert scenes.count('class="case"') % 2 == 0, "two contenders on each scene"
    assert scenes.count("<image href=") == scenes.count('class="case"')
    counts = re.findall(r"(\d+) right, (\d+) wrong, (\d+) missed", scenes)
    assert counts
    first = [sum(map(int, each[1:])) for each in counts]
    assert sum(first[:2]) >= sum(first[-2:]), "the hardest come first"


def test_no_word_of_classification_is_said(study: list[Path], tmp_path: Path) -> None:
    page = page_of(study, tmp_path)
    for word in ("accuracy", "fewest errors", "Brier", "confusion"):
        assert word not in page


def test_french_leaves_no_english_heading(study: list[Path], tmp_path: Path) -> None:
    page = page_of(study, tmp_path, "fr")
    assert "Les scènes les plus difficiles" in page
    for _, title in (section.title for section in SCENE_SECTIONS if section.anchor != "inside"):
        assert title in page
    assert "The hardest scenes" not in page


def test_one_contender_is_set_beside_nobody(fake_runs: ModuleType, tmp_path: Path) -> None:
    page = page_of(fake_scene_study(tmp_path / "s", fake_runs, {"good": 0.5}), tmp_path)
    assert "How well does good find" in page
    assert "the highest" not in page
    assert "The interval is over other test scenes of the same kind" in " ".join(page.split())


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("en", "The interval is over seeds; for a contender with one seed, over other test scenes of the same kind."),
        (
            "fr",
            f"L'intervalle est sur les graines{NARROW_SPACE}; pour un concurrent à une seule graine, sur d'autres "
            "scènes de test du même genre.",
        ),
    ],
)
def test_one_seed_beside_several_has_an_interval_of_its_own_kind(
    fake_runs: ModuleType, tmp_path: Path, lang: str, told: str
) -> None:
    folders = fake_scene_study(tmp_path / "s", fake_runs, {"good": 0.5, "poor": 3.0}, (0, 1))
    assert told in page_of(folders[:3], tmp_path, lang).replace("&#39;", "'")
    assert told not in page_of(folders, tmp_path, lang).replace("&#39;", "'")


@pytest.mark.parametrize(
    ("totals", "english", "french"),
    [
        (
            [0] * 20,
            "Nobody made a mistake on any of the 20 scenes",
            "Personne ne s'est trompé sur aucune des 20 scènes",
        ),
        ([0], "Nobody made a mistake", "Personne ne s'est trompé"),
        (
            [1, 2],
            "No scene is without a mistake; these are the hardest",
            "Aucune scène n'est sans erreur ; voici les plus difficiles",
        ),
        (
            [0, 1, 2],
            "On 1 of 3 scenes nobody made a mistake; these are the hardest",
            "Sur 1 scène sur 3, personne ne s'est trompé ; voici les plus difficiles",
        ),
        (
            [0, 0, 2],
            "On 2 of 3 scenes nobody made a mistake; these are the hardest",
            "Sur 2 scènes sur 3, personne ne s'est trompé ; voici les plus difficiles",
        ),
    ],
)
def test_scenes_without_mistakes_are_counted(totals: list[int], english: str, french: str) -> None:
    assert hardest._finding(np.array(totals), Speech("en")) == english
    assert hardest._finding(np.array(totals), Speech("fr")).replace(NARROW_SPACE, " ") == french


@pytest.mark.parametrize(
    ("costs", "told"),
    [
        ([np.nan, np.nan], "What is wrong"),  # nothing is to be found
        ([0.0, -0.01], "What is wrong"),
        ([np.nan, 0.02], "What costs vit most: badly placed, 2.0 points of mAP50"),
        ([0.03, 0.02], "What costs vit most: another class, 3.0 points of mAP50"),
    ],
)
def test_what_costs_most_is_said_of_costs_alone(costs: list[float], told: str) -> None:
    errors = [ErrorCost(kind, 1, cost) for kind, cost in zip(("class", "place"), costs, strict=True)]
    finder: Any = SimpleNamespace(judged=SimpleNamespace(errors=errors), named=lambda say: "vit")
    assert mistakes._finding((finder,), Speech("en")) == told


def test_what_cannot_be_read_is_named(fake_runs: ModuleType, tmp_path: Path) -> None:
    folders = fake_scene_study(tmp_path / "s", fake_runs, {"good": 0.5, "poor": 3.0})
    (folders[1] / PREDICTIONS_FILE).unlink()
    told: list[str] = []
    write_report(folders, tmp_path / "report.html", say_left_out=told.append)
    assert any("poor is left out" in each for each in told)
    (tmp_path / "s" / read_run(folders[0]).items).unlink()
    told.clear()
    write_report(folders, tmp_path / "report.html", say_left_out=told.append)
    assert any("The scenes are not shown" in each for each in told)


def test_all_diverged_claims_nothing(fake_runs: ModuleType, tmp_path: Path) -> None:
    folders = fake_scene_study(tmp_path / "s", fake_runs, {"good": 0.5})
    record = read_run(folders[0])
    write_record(folders[0] / RUN_FILE, record.model_copy(update={"status": "diverged"}))
    page = page_of(folders, tmp_path)
    assert "No contender finished." in page
    assert "reached a mAP" not in page


def test_a_run_that_diverged_before_its_first_look_is_no_traceback(fake_runs: ModuleType, tmp_path: Path) -> None:
    folders = fake_scene_study(tmp_path / "s", fake_runs, {"good": 0.5}, seeds=(0, 1))
    for folder, update in zip(folders, ({"history": ()}, {}), strict=True):
        record = read_run(folder)
        write_record(folder / RUN_FILE, record.model_copy(update={"status": "diverged", **update}))
    assert "No contender finished." in page_of(folders, tmp_path)
