"""The contexts that train: what each level changes, for whom, how often, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import UsageError
from eyechart.catalog.recipes import RECIPES
from eyechart.contexts.catalog import CONTEXTS
from eyechart.contexts.levels import Asked, Context, Level, against_the_first
from eyechart.contexts.run import check_alike
from eyechart.data.stratify import amounts
from eyechart.files.storage import STUDY_FILE, find_runs, read_run, write_record
from eyechart.schema import Budget
from eyechart.schema.contexts import ContextRecord
from tests.in_process import eyechart

TRAINED = [name for name, context in CONTEXTS.items() if isinstance(context, Context)]


def levels(name: str, asked: Asked) -> list[Level]:
    context = CONTEXTS[name]
    assert isinstance(context, Context)
    return context.levels(asked)


# --------------------------------------------------------------------------------------------- plans


@pytest.mark.parametrize("name", TRAINED)
def test_a_quick_one_fits_into_half_an_hour(name: str) -> None:
    """Of training, on any machine: equal seconds for all; starting and judging take about half as long again."""
    seconds = 0.0
    for level in levels(name, Asked("mnist", 57_000)):
        budget = level.record.rules.budget
        assert budget is not None
        assert budget.unit == "seconds"
        assert level.record.rules.max_test_images == 2_000
        seconds += len(level.record.seeds) * len(level.record.contenders) * budget.amount
    assert 5 * 60 <= seconds * 5 / len(RECIPES) <= 17 * 60, "of five contenders; a sixth takes its own time"


@pytest.mark.parametrize("name", TRAINED)
def test_a_standard_one_has_the_seeds_to_answer_its_questions(name: str) -> None:
    for level in levels(name, Asked("mnist", 57_000, preset="standard")):
        assert level.record.rules.max_test_images is None
        fewest = 3 if level.record.rules.fraction > 1_000 / 57_000 and name in ("data-size", "pretraining") else 7
        assert len(level.record.seeds) >= fewest
        assert level.questions


@pytest.mark.parametrize("name", TRAINED)
def test_levels_are_found_again_by_their_folders(name: str) -> None:
    context = CONTEXTS[name]
    assert isinstance(context, Context)
    for level in context.levels(Asked("mnist", 57_000)):
        assert context.level_of(level.record) == level
    assert context.level_of(level.record.model_copy(update={"name": "something-else"})) is None


def test_each_axis_changes_its_own_rule() -> None:
    found = {name: levels(name, Asked("mnist", 57_000)) for name in TRAINED}
    sizes = found["data-size"]
    assert (
        [round(each.record.rules.fraction * 57_000) for each in sizes]
        == [100, 1_000, 57_000]
        == [each.value for each in sizes]
    )
    seconds = [each.record.rules.budget for each in found["budget"]]
    assert seconds == [Budget(unit="seconds", amount=amount) for amount in (5, 15, 45)]
    assert [each.record.rules.img_size for each in found["resolution"]] == [8, 14, 20, 28]
    assert [each.record.rules.label_noise for each in found["label-noise"]] == [0, 0.2, 0.4, 0.6]
    for name, of_context in found.items():
        same = {
            each.record.rules.model_copy(
                update={"fraction": 1.0, "budget": None, "img_size": None, "label_noise": 0.0}
            ).model_dump_json()
            for each in of_context
        }
        assert len(same) == 1, f"{name}: nothing else changes from level to level"


def test_resolutions_are_parts_of_the_datasets_own_side() -> None:
    assert [each.value for each in levels("resolution", Asked("mine", 900, side=64))] == [18, 32, 46, 64]
    assert [each.value for each in levels("resolution", Asked("digits", 900, side=8))] == [8]


def test_all_contenders_by_default_and_two_of_them_without_augmentation() -> None:
    (first, *_) = levels("data-size", Asked("mnist", 57_000))
    assert first.record.contenders == (*RECIPES, "cnn:plain", "vit:plain")
    assert first.record.recipes["cnn:plain"].augmentation.is_none
    others = {(name, "cnn") for name in RECIPES if name != "cnn"}
    assert set(first.questions) == others | {("cnn", "cnn:plain"), ("vit", "vit:plain")}


def test_everybody_is_asked_about_against_one() -> None:
    assert against_the_first(["vit", "alexnet", "vit"]) == (("alexnet", "vit"),)
    assert against_the_first(["vit", "cnn"]) == (("vit", "cnn"),)
    assert against_the_first(["cnn"]) == ()
    assert against_the_first(["cnn", "vit:plain"]) == (("vit:plain", "cnn"),), "it is there without its own base"
    assert against_the_first(["cnn:plain", "vit:plain"]) == (("vit:plain", "cnn:plain"),)


def test_a_level_has_as_many_images_as_its_name_says() -> None:
    """Every class keeps an image at least, so that few images of many classes are more than few."""
    many = Asked("mine", 20_000, class_counts=(100,) * 200)
    assert [level.value for level in levels("data-size", many)] == [2_000, 20_000], "ten images a class at least"
    with pytest.raises(
        UsageError, match=r"mine has 200 classes.*a level of 100 was asked for. Expected --levels of 2,000"
    ):
        levels("data-size", replace(many, values=[100]))
    counts = (*(1_000,) * 10, *(1,) * 13)
    (level,) = levels("pretraining", Asked("mine", sum(counts), class_counts=counts, values=[300]))
    total = round(level.record.rules.fraction * sum(counts))
    assert amounts(np.array(counts), total, at_least=1).sum() == 300, "of the rare ones each has one, the others fewer"
    assert level.label == "300"


def test_seconds_of_training_leave_no_room_for_a_number_of_images() -> None:
    with pytest.raises(UsageError, match="Leave --images out"):
        levels("budget", Asked("mnist", 57_000, images=5_000))


def test_levels_of_one_context_differ_in_their_axis_alone(tmp_path: Path) -> None:
    """A level of fifteen seconds and one of 20,000 images are no two points of one line."""
    context, quick = CONTEXTS["data-size"], Asked("digits", 1_300, models=["cnn"])
    assert isinstance(context, Context)
    (level,) = context.levels(replace(quick, values=[100]))
    write_record(tmp_path / level.record.name / STUDY_FILE, level.record)
    check_alike(context, replace(quick, values=[300]), tmp_path)
    check_alike(context, replace(quick, values=[300], rules={"num_threads": 2}), tmp_path)
    with pytest.raises(UsageError, match=r"trained by other rules.*differ in their training images alone"):
        check_alike(context, replace(quick, values=[300], preset="standard"), tmp_path)
    with pytest.raises(UsageError, match=r"budget was 15 seconds and is 5000 images now"):
        check_alike(context, replace(quick, values=[300], images=5_000), tmp_path)


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("data-size", [0], "has 57,000 train images, and levels of 0 were asked for. Expected --levels of 1 to 57,000"),
        ("budget", [0], "Expected --levels of 1 to 86,400"),
        ("resolution", [4, 28], "has images of 28 pixels a side, and levels of 4, 28 were asked for"),
        ("resolution", [29], "Expected --levels of 8 to 28"),
        ("label-noise", [99], "Expected --levels of 0 to 95"),
    ],
)
def test_levels_that_cannot_be_are_refused(name: str, values: list[int], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        levels(name, Asked("mnist", 57_000, values=values))
    assert told in str(caught.value)


def test_presets_that_are_none_are_refused() -> None:
    with pytest.raises(UsageError, match=r"There is no preset 'qick' of a context\. Did you mean 'quick'"):
        levels("budget", Asked("mnist", 57_000, preset="qick"))


# --------------------------------------------------------------------------------------------- real ones


@pytest.fixture(scope="module")
def noisy(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Two contenders at two levels of wrong labels, trained for a moment."""

    def make(home: Path) -> None:
        done = eyechart("study", "label-noise", "-d", "digits", "-m", "cnn,vit", "--levels", "0,60", "--seeds", "0",
                        "--images", 3_000, "--threads", 1, "--offline", "--output", home)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "label-noise-accuracy.png" in done.stdout

    return made_once("label-noise-study", make) / "label-noise-digits"


def test_wrong_labels_are_in_the_record_and_are_learned(noisy: Path) -> None:
    homes = {level: noisy / f"label-noise-digits-wrong-{level}" for level in (0, 60)}
    runs = {level: [read_run(run) for run in find_runs([home])] for level, home in homes.items()}
    assert {run.splits.num_mislabelled for run in runs[0]} == {0}
    (wrong,) = {run.splits.num_mislabelled for run in runs[60]}
    assert wrong == pytest.approx(0.6 * runs[60][0].splits.num_train, abs=5)
    assert {run.splits.validation_sha256 for each in runs.values() for run in each} == {
        runs[0][0].splits.validation_sha256
    }
    for clean, spoiled in zip(runs[0], runs[60], strict=True):
        assert clean.contender == spoiled.contender
        assert clean.test_scores.loss < spoiled.test_scores.loss


def test_the_level_with_no_noise_has_its_place_on_the_axis(noisy: Path) -> None:
    record = ContextRecord.model_validate_json((noisy / "context.json").read_bytes())
    assert [level.value for level in record.levels] == [0, 60]
    assert [level.seconds for level in record.levels] == [None, None]
    for name in ("label-noise-accuracy", "label-noise-loss", "label-noise-winners"):
        with Image.open(noisy / f"{name}.png") as picture:
            assert picture.size[0] > 700


def test_one_map_of_all_contexts(noisy: Path, tmp_path: Path) -> None:
    done = eyechart("map", noisy.parent, "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["winner-map.md", "winner-map.png", "winner-map.svg"]
    text = (tmp_path / "winner-map.md").read_text()
    assert text.count("% of wrong labels") == 2
    rows = json.loads(eyechart("map", noisy, "--json").stdout)
    assert [row["label"] for row in rows] == ["0 % of wrong labels", "60 % of wrong labels"]
    assert rows == json.loads(eyechart("map", noisy.parent, "--json").stdout), "levels are no studies of their own"
    level = json.loads(eyechart("map", noisy / "label-noise-digits-wrong-0", "--json").stdout)
    assert [row["label"] for row in level] == ["as trained"]
    assert level[0]["best"]["accuracy"] == rows[0]["best"]["accuracy"]
    assert "| exactitude |" in eyechart("map", noisy, "--lang", "fr", "--output", tmp_path).stdout


def test_a_map_of_nothing_is_refused(tmp_path: Path, small_study: Path) -> None:
    (tmp_path / "one").mkdir()
    shutil.copy(small_study / "study.json", tmp_path / "one")
    shutil.copytree(small_study / "cnn-s3", tmp_path / "one" / "cnn-s3")
    done = eyechart("map", tmp_path / "one")
    assert (done.returncode, "one contender each" in done.stderr.replace("\n", " ")) == (2, True)
    assert not (tmp_path / "one" / "winner-map.md").exists()
    shutil.rmtree(tmp_path / "one")
    done = eyechart("map", tmp_path)
    assert (done.returncode, "holds no study and no context" in done.stderr.replace("\n", " ")) == (2, True)
    done = eyechart("map", tmp_path / "nowhere")
    assert (done.returncode, "is no folder" in done.stderr.replace("\n", " ")) == (2, True)


def test_pictures_with_boxes_are_refused(tmp_path: Path) -> None:
    done = eyechart("study", "data-size", "-d", "scenes:digits", "--offline", "--output", tmp_path)
    assert done.returncode == 2
    assert "have objects to be found in boxes" in done.stderr.replace("\n", " ")
