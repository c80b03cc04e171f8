"""`eyechart compare`: the matrix, the sentences, JSON, languages, and that nothing is lost on a narrow screen."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console
from typer.testing import CliRunner

import eyechart as ec
from eyechart.base.errors import UsageError
from eyechart.cli import app
from eyechart.schema import Comparison
from eyechart.terminal.verdicts import show_comparison, show_short
from tests.comparison.fake_verdicts import made_up_study, verdict_of


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "three"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: None)
        made_up_study(folder, {"cnn": 0.01, "vit": 0.011, "vgg16:hed": 0.2}, tuple(range(8)))
    return folder


@pytest.fixture(scope="module")
def comparison(study: Path) -> Comparison:
    return ec.compare(study)


def on_screen(comparison: Comparison, width: int, **options: object) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    show_comparison(comparison, ["accuracy", "loss"], console=console, **options)  # type: ignore[arg-type]
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_everything_fits_the_screen(comparison: Comparison, width: int) -> None:
    screen = on_screen(comparison, width)
    assert max(map(len, screen.splitlines())) <= width
    assert "…" not in screen.replace("… too few", "").replace("… +", "").replace("… -", ""), "nothing is cut"


def test_the_matrix_says_both_ways_who_leads_and_the_legend_only_what_occurs(comparison: Comparison) -> None:
    screen = on_screen(comparison, 120)
    rows = {
        line.split()[1]: line for line in screen.splitlines() if line[:1] in "●■▲" and ("▲ +" in line or "▼ -" in line)
    }
    assert set(rows) == {"cnn", "vit", "vgg16:hed"}
    assert rows["vgg16:hed"].count("▼ -") == 2
    assert rows["cnn"].count("▲ +") == 1
    assert "lead of the row over the column: ▲ ▼ better, worse, " in screen
    assert "too few runs" not in screen
    assert "loss (exploratory)" in screen


def test_json_is_the_comparison_itself(study: Path, comparison: Comparison) -> None:
    result = CliRunner().invoke(app, ["compare", str(study), "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    assert Comparison.model_validate_json(result.stdout) == comparison
    assert json.loads(result.stdout)["verdicts"][0]["metric"] == "accuracy"
    assert verdict_of(comparison, "cnn", "vgg16:hed").kind == "better"


def test_french_and_metrics_by_name(study: Path) -> None:
    arguments = ["compare", str(study), "--lang", "fr", "--metric", "loss,training_seconds"]
    screen = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert "cnn a une perte inférieure de" in screen
    assert "temps d'entraînement (exploratoire)" in screen
    assert "est meilleur que" not in screen, "accuracy was not asked for"
    assert "images de test de MNIST" in screen


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metric", "speed"], "--metric got 'speed'; expected all, or some of accuracy"),
        (["--metric", ","], "--metric got ','"),
        (["--lang", "de"], "--lang 'de' is not known; expected one of: en, fr"),
    ],
)
def test_unknown_names_are_usage_errors(study: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(app, ["compare", str(study), *arguments], catch_exceptions=False)


def test_the_short_form_has_the_primary_metric_alone(
    comparison: Comparison, capsys: pytest.CaptureFixture[str]
) -> None:
    show_short(comparison)
    screen = capsys.readouterr().out
    assert "cnn is better than vgg16:hed by" in screen
    assert "exploratory" not in screen
    show_short(comparison, "fr")
    french = capsys.readouterr().out
    assert "verdicts sur l'exactitude" in french
    assert "cnn est meilleur que vgg16:hed de" in french


def test_the_environment_chooses_the_language(study: Path) -> None:
    shown = CliRunner(env={"EYECHART_LANG": "fr"}).invoke(app, ["compare", str(study)])
    assert "concurrent" in shown.stdout
    assert "contender" not in shown.stdout


def test_missing_predictions_are_said_first(comparison: Comparison) -> None:
    from eyechart.schema import Finding

    finding = Finding(kind="note", code="no-predictions", runs=("three/cnn-s0",))
    screen = on_screen(comparison.model_copy(update={"findings": (finding,)}), 120)
    assert screen.index("three/cnn-s0") < screen.index("contender")


def test_failures_are_told_once_and_have_no_verdicts(fake_runs: ModuleType, tmp_path: Path) -> None:
    fakes = {name: fake_runs.FIVE[name] for name in ("cnn", "vit", "alexnet", "vgg16")}
    lost = tuple(f"{name}-s{seed}" for name in ("cnn", "vit", "alexnet") for seed in (0, 1))
    fake_runs.fake_study(tmp_path / "one", fakes, (0, 1), num_items=200, diverged=lost)
    told = ec.compare(tmp_path / "one")
    assert set(told.diverged) == {"cnn", "vit", "alexnet"}
    for lang, words in (
        ("en", "diverged with every seed, so none of them can be compared with another."),
        ("fr", "ont divergé avec chaque graine\N{NARROW NO-BREAK SPACE}; aucun ne peut être comparé à un autre."),
    ):
        screen = on_screen(told, 300, lang=lang)
        assert screen.count(words) == 1
        sentences = [line for line in screen.splitlines() if line.startswith("- ") and "vgg16" not in line]
        assert sentences == [], "no verdict among those that failed"
        assert sum(line.startswith("- ") for line in screen.splitlines()) >= 3, "they are worse than who did not"
    console = Console(file=io.StringIO(), width=300, record=True)
    show_short(told, console=console)
    assert console.export_text().count("so none of them can be compared with another") == 1


def test_where_all_failed_there_is_nothing_but_that(fake_runs: ModuleType, tmp_path: Path) -> None:
    fakes = {name: fake_runs.FIVE[name] for name in ("cnn", "vit", "alexnet")}
    fake_runs.fake_study(tmp_path / "one", fakes, num_items=200, diverged=tuple(f"{name}-s0" for name in fakes))
    screen = on_screen(ec.compare(tmp_path / "one"), 300)
    assert "level in" not in screen
    assert "ahead of" not in screen
    assert "Cochran" not in screen
    assert screen.count("none of them can be compared") == 1
