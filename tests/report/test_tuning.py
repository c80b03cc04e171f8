"""The chart of tuning: there when something was tuned, with the figures of the trials, in both languages."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from eyechart.files import storage
from eyechart.report.charts import drawing
from eyechart.report.entries import Entry, group_runs, read_runs
from eyechart.report.tuning import tuning_curves
from eyechart.schema import Tuning
from eyechart.words.speech import NARROW_SPACE, Speech


def tuned(accuracies: tuple[float, ...], num_failed: int = 0) -> Tuning:
    best = max(accuracies)
    return Tuning(
        unit="trials", amount=len(accuracies), accuracies=accuracies, num_failed=num_failed,
        best_trial=accuracies.index(best), validation_accuracy=best, validation_loss=0.04, training_seconds=30,
        search_seeds=(1000,), budget=None, dataset="mnist", dataset_sha256="0", searched=("learning_rate",),
        sampler="optuna 5, TPE", date="2026-11-24", commit="",
    )  # fmt: skip


def entries_with(fake_runs: ModuleType, folder: Path, tunings: dict[str, Tuning | None]) -> list[Entry]:
    five = {name: fake_runs.FIVE[name] for name in tunings}
    folders = fake_runs.fake_study(folder / "study", five, num_items=50, with_arrays=False)
    for run in folders:
        record = storage.read_run(run)
        recipe = record.recipe.model_copy(update={"tuning": tunings[record.contender]})
        storage.write_record(run / storage.RUN_FILE, record.model_copy(update={"recipe": recipe}))
    return group_runs(read_runs(folders))


def test_nothing_is_drawn_of_hand_written_recipes(fake_runs: ModuleType, tmp_path: Path) -> None:
    entries = entries_with(fake_runs, tmp_path, {"cnn": None, "vit": None})
    assert tuning_curves(entries, tmp_path / "figures", Speech()) is None
    assert not (tmp_path / "figures").exists()


def test_the_chart_says_what_trials_gained(fake_runs: ModuleType, tmp_path: Path) -> None:
    tunings = {"cnn": tuned((0.98, 0.985)), "vit": tuned((0.96, 0.1, 0.99, 0.97), num_failed=1), "alexnet": None}
    entries = entries_with(fake_runs, tmp_path, tunings)
    with drawing():
        chart = tuning_curves(entries, tmp_path / "figures", Speech("en"))
        french = tuning_curves(entries, tmp_path / "figures", Speech("fr"))
    assert chart
    assert french
    # of one of vit's trials: 1 - (0.96 + 0.1 + 0.99 + 0.97) / 4 = 0.245
    assert chart.finding == "vit: 24.50 % validation error to expect of one trial, 1.00 % of the best of 4"
    assert french.finding.startswith(f"vit{NARROW_SPACE}: 24,50{NARROW_SPACE}% d'erreur")
    assert "2 to 4 trials for each contender" in chart.caption
    assert "1 failed and count" in chart.caption
    assert "Not tuned: alexnet." in chart.caption
    assert "search seeds 1000;" in chart.caption
    (panel,) = chart.panels
    assert (tmp_path / "figures" / panel.svg_file).exists()
    assert (tmp_path / "figures" / panel.png_file).stat().st_size > 1000
    assert "vit" in panel.svg


@pytest.mark.parametrize("accuracies", [(0.97,), (1.0, 1.0, 1.0), (0.1, 0.1), tuple(0.9 + i / 1000 for i in range(60))])
def test_odd_searches_are_drawn(accuracies: tuple[float, ...], fake_runs: ModuleType, tmp_path: Path) -> None:
    entries = entries_with(fake_runs, tmp_path, {"cnn": tuned(accuracies)})
    with drawing():
        chart = tuning_curves(entries, tmp_path / "figures", Speech())
    assert chart
    assert "nan" not in chart.panels[0].svg
    if len(set(accuracies)) == 1:
        assert chart.finding == "Validation error to expect of the best of n trials", "nothing was gained"
