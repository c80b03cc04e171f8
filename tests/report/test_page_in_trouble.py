"""The page when something is hostile, broken, missing, or far more than usual."""

from __future__ import annotations

import time
from pathlib import Path
from types import ModuleType

import pytest

from eyechart.base.errors import StorageError, UsageError
from eyechart.files.storage import PREDICTIONS_FILE, RUN_FILE, read_run, write_record
from eyechart.report.page import write_report


def test_everything_from_outside_is_escaped(fake_runs: ModuleType, page_reader: ModuleType, tmp_path: Path) -> None:
    evil = ("<script>alert(1)</script>", "$x^2$", "--></svg><b>", "'DejaVu Sans' id=\"x\"", "a & b", "猫")
    folder = tmp_path / "<img src=x onerror=alert(1)>" / "study"
    two = {name: fake_runs.FIVE[name] for name in ("cnn", "fasterrcnn")}
    runs = fake_runs.fake_study(folder, two, num_items=200, classes=evil, dataset='<svg onload="alert(2)">')
    for run in runs:
        record = read_run(run)
        recipe = record.recipe.model_copy(update={"title": "</details><script>alert(3)</script>"})
        write_record(run / RUN_FILE, record.model_copy(update={"recipe": recipe, "command": "</pre><script>"}))
    page = page_reader.Page(write_report(runs, tmp_path / "r.html"))  # it refuses unbalanced tags and handlers
    assert page.num_scripts == 1
    assert not page.open_tags
    assert "<script>alert" not in page.source
    assert "alert(1)" in page.text
    assert "$x^2$" in page.text


def test_missing_predictions_leave_one_contender_out(
    fake_runs: ModuleType, page_reader: ModuleType, tmp_path: Path
) -> None:
    three = {name: fake_runs.FIVE[name] for name in ("cnn", "vit", "vgg16")}
    runs = fake_runs.fake_study(tmp_path / "study", three, num_items=300)
    (runs[1] / PREDICTIONS_FILE).unlink()
    (runs[2] / PREDICTIONS_FILE).write_bytes(b"not an archive")
    page = page_reader.Page(write_report(runs, tmp_path / "r.html"))
    assert "vit is left out:" in page.text
    assert "vgg16 is left out:" in page.text
    assert '<li class="case">' in page.source  # what cnn alone got wrong
    assert len(page.rows()) == 3


def test_missing_images_leave_the_rest_standing(fake_runs: ModuleType, page_reader: ModuleType, tmp_path: Path) -> None:
    runs = fake_runs.fake_study(tmp_path / "study", {"cnn": fake_runs.FIVE["cnn"]}, num_items=300)
    (tmp_path / "study" / fake_runs.ITEMS_FILE).unlink()
    page = page_reader.Page(write_report(runs, tmp_path / "r.html"))
    assert "The test images are not shown:" in page.text
    assert '<li class="case">' not in page.source
    assert '<section id="confusion">' in page.source


def test_diverged_runs_are_shown_as_such(fake_runs: ModuleType, page_reader: ModuleType, tmp_path: Path) -> None:
    two = {name: fake_runs.FIVE[name] for name in ("cnn", "vit")}
    runs = fake_runs.fake_study(tmp_path / "study", two, num_items=300, diverged=("cnn-s0",))
    page = page_reader.Page(write_report(runs, tmp_path / "r.html"))
    assert "cnn: diverged. A run that diverges counts as a failure of its contender" in page.text
    assert list(page.rows())[-1] == "cnn"
    assert "cnn is left out: it diverged." in page.text
    assert "1 of 1 diverged" in page.text


def test_runs_without_history_or_success_still_give_a_page(
    fake_runs: ModuleType, page_reader: ModuleType, tmp_path: Path
) -> None:
    [run] = fake_runs.fake_study(
        tmp_path / "study", {"cnn": fake_runs.FIVE["cnn"]}, num_items=100, diverged=("cnn-s0",)
    )
    record = read_run(run)
    scores = record.test.model_copy(update={"loss": float("nan"), "macro_f1": float("nan")})
    write_record(run / RUN_FILE, record.model_copy(update={"history": (), "test": scores}))
    page = page_reader.Page(write_report([run], tmp_path / "r.html"))
    assert "No contender finished." in page.text
    assert '<section id="learning">' not in page.source
    assert 'href="#learning"' not in page.source


def test_refuses_runs_of_different_datasets(fake_runs: ModuleType, tmp_path: Path) -> None:
    one = {"cnn": fake_runs.FIVE["cnn"]}
    runs = fake_runs.fake_study(tmp_path / "a", one, num_items=50, with_arrays=False)
    runs += fake_runs.fake_study(tmp_path / "b", one, num_items=50, with_arrays=False, dataset="kmnist")
    with pytest.raises(UsageError, match=r"different datasets: mnist .* kmnist .* Expected"):
        write_report(runs, tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_refuses_nothing_and_unknown_languages(five_runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No finished run"):
        write_report([], tmp_path / "r.html")
    with pytest.raises(UsageError, match="'xx' is not known; expected one of: en, fr"):
        write_report(five_runs, tmp_path / "r.html", lang="xx")


def test_damaged_run_files_are_named(five_runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text("{")
    with pytest.raises(StorageError, match=r"run\.json is damaged"):
        write_report([*five_runs, tmp_path], tmp_path / "r.html")


def test_an_address_that_cannot_be_written_is_named(five_runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not be written"):
        write_report(five_runs[:1], tmp_path / "file" / "r.html")


# --------------------------------------------------------------------------------------------- many runs, many classes


def test_two_hundred_runs_are_quick(fake_runs: ModuleType, tmp_path: Path) -> None:
    runs = fake_runs.fake_study(tmp_path / "study", seeds=tuple(range(40)), num_items=60, with_arrays=False)
    start = time.process_time()
    report = write_report(runs, tmp_path / "r.html")
    assert time.process_time() - start < 90  # 8 on an idle core
    assert len(runs) == 200
    assert report.stat().st_size < 3_000_000
    assert report.read_text().count(RUN_FILE) == 200


def test_more_contenders_than_a_figure_can_hold(fake_runs: ModuleType, page_reader: ModuleType, tmp_path: Path) -> None:
    many = {f"net{i}": fake_runs.Fake(0.01 * (i + 1), 1000 * (i + 1), 0.001) for i in range(14)}
    runs = fake_runs.fake_study(tmp_path / "study", many, num_items=100)
    page = page_reader.Page(write_report(runs, tmp_path / "r.html"))
    assert len(page.rows()) == 14
    assert "Of 14 contenders the 12 with the fewest errors are drawn." in page.text


def test_many_classes_are_left_undrawn(fake_runs: ModuleType, page_reader: ModuleType, tmp_path: Path) -> None:
    one = {"cnn": fake_runs.FIVE["cnn"]}
    classes = tuple(f"species {i}" for i in range(80))
    page = page_reader.Page(
        write_report(fake_runs.fake_study(tmp_path / "s", one, num_items=300, classes=classes), tmp_path / "r.html")
    )
    assert "80 classes are too many to draw" in page.text
    assert '<section id="disagreement">' in page.source
