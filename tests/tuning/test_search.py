"""Searching: the same share for all, failures that count, and the same trials whether interrupted or not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from eyechart.base.errors import Interrupted, RunFailed, StorageError, UsageError
from eyechart.catalog.recipes import RECIPES
from eyechart.files import storage
from eyechart.launch.driver import in_turn
from eyechart.schema import DatasetCard, RecipeFile, TuneRecord
from eyechart.schema.contracts import Progress
from eyechart.study import plan as plans
from eyechart.tuning.search import Found, plan_search, search
from eyechart.tuning.search_folder import open_search, take


def quiet(progress: Progress) -> None:
    pass


def searched(record: TuneRecord, folder: Path, card: DatasetCard, launch: Any) -> dict[str, Found]:
    take(open_search(record, folder, resume=True), folder)
    return {found.contender: found for found in search(record, folder, card, quiet, launch=in_turn(launch))}


def test_every_contender_gets_the_same_trials_in_turn(
    planned: TuneRecord, tmp_path: Path, card: DatasetCard, launcher: Any
) -> None:
    launch = launcher()
    found = searched(planned, tmp_path / "t", card, launch)
    assert {contender: len(each.trials) for contender, each in found.items()} == {"cnn": 4, "vit": 4}
    rounds = [launch.jobs[start : start + 2] for start in range(0, 8, 2)]
    assert all({job.contender for job in two} == {"cnn", "vit"} for two in rounds), "one trial of each in every round"
    assert [{job.trial.number for job in two} for two in rounds] == [{0}, {1}, {2}, {3}]
    assert {job.contender: job.recipe for job in rounds[0]} == {name: RECIPES[name] for name in ("cnn", "vit")}
    assert len({job.recipe.model_dump_json() for job in launch.jobs if job.contender == "cnn"}) == 4
    assert all(job.rules == planned.study.rules for job in launch.jobs)


def test_the_winner_is_the_best_on_validation_and_says_how_it_was_found(
    planned: TuneRecord, tmp_path: Path, card: DatasetCard, launcher: Any
) -> None:
    found = searched(planned, tmp_path / "t", card, launcher())["cnn"]
    assert found.best == max(found.trials, key=lambda trial: trial.accuracy)
    assert found.best.accuracy >= found.trials[0].accuracy, "trial 0 is the recipe as it stands"
    assert found.recipe
    recipe = storage.read_record(found.recipe, RecipeFile).recipe
    assert recipe.learning_rate == found.best.settings["learning_rate"]
    assert recipe.tuning
    assert recipe.tuning.trials == 4
    assert recipe.tuning.accuracies == tuple(trial.accuracy for trial in found.trials)
    assert recipe.tuning.validation_accuracy == max(recipe.tuning.accuracies)
    assert recipe.tuning.dataset_sha256 == card.content_sha256
    assert recipe.tuning.search_seeds == (1000,)
    assert recipe.tuning.sampler.startswith("optuna 5")


def test_an_interrupted_search_goes_on_as_if_nothing_had_been(
    planned: TuneRecord, tmp_path: Path, card: DatasetCard, launcher: Any
) -> None:
    whole = searched(planned, tmp_path / "whole", card, launcher())
    first = launcher({"cnn-t2-s1000": Interrupted("Stopped.", 2)})
    with pytest.raises(Interrupted, match=r"--resume") as caught:
        searched(planned, tmp_path / "cut", card, first)
    assert caught.value.exit_code == 130
    assert not (tmp_path / "cut" / "recipes").exists(), "nobody wins before all had their share"
    second = launcher()
    again = searched(planned, tmp_path / "cut", card, second)
    assert not set(second.runs) & (set(first.runs) - {"cnn-t2-s1000"}), "what is finished is not done again"
    assert {name: each.trials for name, each in again.items()} == {name: each.trials for name, each in whole.items()}
    third = launcher()
    searched(planned, tmp_path / "cut", card, third)
    assert third.runs == []


def test_failed_trials_count(planned: TuneRecord, tmp_path: Path, card: DatasetCard, launcher: Any) -> None:
    launch = launcher({"cnn-t1-s1000": RunFailed("Out of memory."), "cnn-t0-s1000": RunFailed("Out of memory.")})
    launch.diverging = {"cnn-t3-s1000"}
    found = searched(planned, tmp_path / "t", card, launch)["cnn"]
    assert [trial.failed for trial in found.trials] == [True, True, False, True]
    assert found.trials[1].accuracy == 1 / 10, "as good as a guess"
    assert found.best == found.trials[2]
    recipe = storage.read_record(tmp_path / "t" / "recipes" / "cnn.json", RecipeFile).recipe
    assert recipe.tuning
    assert (recipe.tuning.trials, recipe.tuning.num_failed) == (4, 3)


def test_a_contender_without_a_standing_trial_has_no_recipe(
    planned: TuneRecord, tmp_path: Path, card: DatasetCard, launcher: Any
) -> None:
    launch = launcher({f"cnn-t{number}-s1000": RunFailed("no") for number in range(4)})
    found = searched(planned, tmp_path / "t", card, launch)
    assert (found["cnn"].best, found["cnn"].recipe) == (None, None)
    assert len(found["vit"].trials) == 4


@pytest.mark.parametrize("error", [StorageError("The disk is full"), UsageError("too small")])
def test_what_is_no_matter_of_settings_ends_the_search(
    error: Exception, planned: TuneRecord, tmp_path: Path, card: DatasetCard, launcher: Any
) -> None:
    with pytest.raises(type(error)):
        searched(planned, tmp_path / "t", card, launcher({"cnn-t0-s1000": error}))
    assert not (tmp_path / "t" / "trials" / "cnn-t0-s1000" / "trial.json").exists()


def test_seconds_are_the_same_for_all_and_never_exceeded(tmp_path: Path, card: DatasetCard, launcher: Any) -> None:
    record = plan_search(plans.plan_study(["cnn", "vit"], preset="smoke", seeds=[1000]), seconds=10)
    launch = launcher(seconds={"cnn": 1.0, "vit": 4.0})
    found = searched(record, tmp_path / "t", card, launch)
    assert {name: len(each.trials) for name, each in found.items()} == {"cnn": 10, "vit": 2}
    assert all(sum(trial.training_seconds for trial in each.trials) <= 10 for each in found.values())


def test_several_search_seeds_are_one_trial(tmp_path: Path, card: DatasetCard, launcher: Any) -> None:
    record = plan_search(plans.plan_study(["cnn"], preset="smoke", seeds=[1000, 1001]), trials=2)
    launch = launcher()
    first = searched(record, tmp_path / "t", card, launch)["cnn"].trials[0]
    assert launch.runs == ["cnn-t0-s1000", "cnn-t0-s1001", "cnn-t1-s1000", "cnn-t1-s1001"]
    assert launch.jobs[2].recipe == launch.jobs[3].recipe
    assert first.accuracy == pytest.approx(1 / 1.3 - 0.0005)


def test_a_share_may_grow_and_nothing_else_may_change(
    planned: TuneRecord, tmp_path: Path, card: DatasetCard, launcher: Any
) -> None:
    folder = tmp_path / "t"
    before = searched(planned, folder, card, launcher())["cnn"].trials
    with pytest.raises(UsageError, match=r"already holds a search.*--resume"):
        open_search(planned, folder, resume=False)
    more = plan_search(plans.plan_study(["cnn", "vit"], preset="smoke", seeds=[1000]), trials=5)
    assert searched(more, folder, card, launcher())["cnn"].trials[:4] == before
    others = {
        "its share was 5 trials and is 4 trials now": planned,
        "contenders was cnn, vit and is cnn now": plan_search(
            plans.plan_study(["cnn"], preset="smoke", seeds=[1000]), trials=5
        ),
        "seeds was 1000 and is 1001 now": plan_search(
            plans.plan_study(["cnn", "vit"], preset="smoke", seeds=[1001]), trials=5
        ),
        "fraction was 0.01 and is 0.5 now": plan_search(
            plans.plan_study(["cnn", "vit"], preset="smoke", seeds=[1000], fraction=0.5), trials=5
        ),
    }
    for what, other in others.items():
        with pytest.raises(UsageError, match=rf"other settings: {what}"):
            open_search(other, folder, resume=True)
        with pytest.raises(UsageError, match=rf"already holds a search, with other settings: {what}"):
            open_search(other, folder, resume=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo.png").write_text("")
    with pytest.raises(UsageError, match="is no search"):
        open_search(planned, tmp_path / "mine", resume=True)


def test_one_limit_above_nothing() -> None:
    record = plans.plan_study(["cnn"], preset="smoke", seeds=[1000])
    assert plan_search(record).amount == 20
    with pytest.raises(UsageError, match=r"got both.*--trial-seconds"):
        plan_search(record, trials=3, seconds=5)
    for amounts in ({"trials": 0}, {"seconds": -1.0}, {"seconds": float("nan")}):
        with pytest.raises(UsageError, match="expected a number above 0"):
            plan_search(record, **amounts)  # type: ignore[arg-type]


def test_without_optuna_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r'pip install "eyechart\[tune\]"'):
        plan_search(plans.plan_study(["cnn"], preset="smoke"), trials=1)
