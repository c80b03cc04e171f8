"""eyechart tune from the command line: killed, resumed, and its recipe put to use.  Real trainings, of four steps."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eyechart.catalog.recipes import recipe_of
from eyechart.cli.tune import plan, use_command
from eyechart.files import storage
from eyechart.schema import Budget, RecipeFile, TuneRecord
from eyechart.tuning.search import Found
from tests.in_process import eyechart

pytestmark = pytest.mark.slow

SMOKE = ["-p", "smoke", "--threads", "1", "--device", "cpu", "--steps", "2", "--no-exam"]
EYECHART = [sys.executable, "-m", "eyechart"]
PATIENCE_SECONDS = 600  # only a process that hangs takes longer


def tune_arguments(output: Path, *more: str) -> list[str]:
    smoke = ["-m", "cnn", "-p", "smoke", "--threads", "1", "--device", "cpu", "--trials", "2"]
    return ["tune", *smoke, "-o", str(output), "--name", "t", *more]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, mnist: object) -> tuple[Path, str]:
    """A search that was killed after its first trial and then resumed; its folder and what it printed."""
    output = tmp_path_factory.mktemp("runs")
    first = output / "t" / "trials" / "cnn-t0-s1000" / storage.TRIAL_FILE
    process = subprocess.Popen([*EYECHART, *tune_arguments(output)], stderr=subprocess.PIPE, start_new_session=True)
    stop_at = time.monotonic() + PATIENCE_SECONDS
    while not first.exists() and time.monotonic() < stop_at and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    complaints = process.communicate()[1].decode()
    assert first.exists(), complaints
    before = first.read_bytes()
    assert not (output / "t" / "recipes").exists()
    refused = eyechart(*tune_arguments(output))
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    result = eyechart(*tune_arguments(output, "--resume", "--json"))
    assert result.returncode == 0, result.stderr
    assert first.read_bytes() == before, "the finished trial was done again"
    return output / "t", result.stdout


def test_a_killed_search_ends_with_a_recipe(tuned: tuple[Path, str]) -> None:
    folder, printed = tuned
    (found,) = json.loads(printed)
    assert (found["contender"], found["trials"], found["failed"]) == ("cnn", 2, 0)
    assert found["validation_accuracy"] >= found["default_validation_accuracy"]
    recipe = storage.read_record(Path(found["recipe"]), RecipeFile).recipe
    assert recipe.tuning
    assert recipe.tuning.validation_accuracy == found["validation_accuracy"]
    assert recipe.tuning.dataset == "mnist"
    for trial in (folder / "trials").iterdir():
        assert [path.name for path in trial.iterdir()] == [storage.TRIAL_FILE]
        assert json.loads((trial / storage.TRIAL_FILE).read_text())["test_accesses"] == 0


def test_a_finished_search_shows_itself_again_at_once(tuned: tuple[Path, str]) -> None:
    result = eyechart(*tune_arguments(tuned[0].parent, "--resume"))
    assert result.returncode == 0, result.stderr
    assert "validation images at the last step, search seed 1000" in result.stdout
    command = f"eyechart run -d mnist -p smoke -m cnn --recipe {tuned[0]}/recipes/cnn.json --name t-tuned"
    assert f"Use them: {command}\n" in result.stdout


@pytest.mark.parametrize(("search_seeds", "told"), [([1000], ""), ([0, 1, 3], " --seeds 2"), ([1], "")])
def test_the_command_that_is_told_is_not_refused(search_seeds: list[int], told: str, tuned: tuple[Path, str],
                                                 tmp_path: Path) -> None:  # fmt: skip
    """Beside a study of the default name, and where the search took the seed that studies take first."""
    record = storage.read_record(tuned[0] / storage.TUNE_FILE, TuneRecord)
    study = record.study.model_copy(update={"seeds": tuple(search_seeds)})
    kept = storage.read_record(tuned[0] / "recipes" / "cnn.json", RecipeFile)
    assert kept.recipe.tuning
    tuning = kept.recipe.tuning.model_copy(update={"search_seeds": tuple(search_seeds)})
    file = tmp_path / "cnn.json"
    recipe = kept.recipe.model_copy(update={"tuning": tuning})
    storage.write_record(file, kept.model_copy(update={"recipe": recipe}))
    found = [Found("cnn", [], None, file)]
    command = use_command(record.model_copy(update={"study": study}), found)
    assert command == f"eyechart run -d mnist -p smoke -m cnn --recipe {file}{told} --name t-tuned"
    assert eyechart("run", "-m", "cnn", *SMOKE, cwd=tmp_path).returncode == 0
    done = eyechart(*command.split()[1:], *SMOKE[2:], cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_run_with_the_recipe_says_so(tuned: tuple[Path, str], tmp_path: Path) -> None:
    recipe = tuned[0] / "recipes" / "cnn.json"
    smoke = ["run", "-p", "smoke", "-m", "cnn", "--threads", "1", "--device", "cpu", "-o", tmp_path, "--recipe", recipe]
    assert "would use it again" in eyechart(*smoke, "--seeds", "1000").stderr
    result = eyechart(*smoke, "--name", "s")
    assert result.returncode == 0, result.stderr
    record = storage.read_run(tmp_path / "s" / "cnn-s0")
    assert record.recipe == storage.read_record(recipe, RecipeFile).recipe
    assert record.test_accesses == 1
    assert "2 trials" in (tmp_path / "s" / "report.html").read_text().replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seconds", "5"], "got both"),
        (["--trial-seconds", "5", "--steps", "3"], "--steps, --trial-seconds"),
        (["--search-seeds", "a"], "--search-seeds got 'a'"),
        (["-m", "resnet"], "no contender 'resnet'"),
    ],
)
def test_bad_usage(arguments: list[str], message: str, tmp_path: Path) -> None:
    result = eyechart(*tune_arguments(tmp_path, *arguments))
    assert result.returncode == 2
    assert message in result.stderr
    assert not any(tmp_path.iterdir())


def test_ctrl_c_keeps_what_is_there_and_says_how_to_go_on(tmp_path: Path, mnist: object) -> None:
    arguments = tune_arguments(tmp_path, "--epochs", "40")
    process = subprocess.Popen([*EYECHART, *arguments], stderr=subprocess.PIPE, text=True)
    assert process.stderr
    for line in process.stderr:
        if "training" in line:
            break
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=PATIENCE_SECONDS)[1]
    assert process.returncode == 130, said
    assert "--resume" in said
    trial = tmp_path / "t" / "trials" / "cnn-t0-s1000"
    assert [path.name for path in trial.iterdir()] == [storage.CHECKPOINT_FILE], "half a trial goes on later"


def test_a_dry_run_trains_nothing(tmp_path: Path, mnist: object) -> None:
    result = eyechart(*tune_arguments(tmp_path, "--dry-run"))
    assert result.returncode == 0, result.stderr
    assert "2 trials for each of 1: about" in result.stdout
    assert not any(tmp_path.rglob("trial.json"))


@pytest.mark.parametrize("preset", ["standard", "quick"])
def test_the_recipe_of_the_training_to_come_is_searched(preset: str) -> None:
    """A trial has a budget, however long what it is for will train."""
    budget = Budget(unit="images", amount=640)
    search = plan(["alexnet"], "mnist", preset, [1000], trials=2, seconds=None, name=None, weights=None, budget=budget)
    assert search.study.recipes["alexnet"] == recipe_of("alexnet", full_schedule=preset == "standard")
