"""A study on scenes from the command line: trained, judged once, compared, reported, repeated and asked again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.files.storage import INSIDE_FILE, PREDICTIONS_FILE, VALIDATION_FILE, read_arrays, read_run, read_study
from eyechart.schema.contracts import Predictions
from eyechart.schema.objects import objects_from
from eyechart.scoring.detection import score_found
from tests.in_process import eyechart

SCENES = "scenes:digits,level=easy,canvas=64,side=16-24,count=1-3,train=48,validation=12,test=16"


@pytest.fixture(scope="module")
def study(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Two seeds of a few steps."""

    def train(home: Path) -> None:
        words = ["run", "-d", SCENES, "--steps", 6, "--seeds", "0,1", "--output", home, "--name", "s", "--threads", 1]
        done = eyechart(*words, "--offline")
        assert done.returncode == 0, done.stderr
        assert "mAP %" in done.stdout

    return made_once("scene-study", train) / "s"


def test_the_record_tells_all_of_it(study: Path) -> None:
    run = read_run(study / "fasterrcnn-s0")
    assert (run.task, run.test, run.validation, run.temperature) == ("detection", None, None, None)
    assert run.test_accesses == 1
    assert run.detection is not None
    assert run.validation_detection is not None
    last = run.history[-1]
    assert last.validation_accuracy is None
    assert last.validation_map == run.validation_detection.map
    names = ["objectness", "proposal boxes", "classes", "boxes"]
    assert list(last.validation_losses) == list(last.train_losses) == names
    assert sum(last.validation_losses.values()) == pytest.approx(last.validation_objective, rel=1e-4)
    assert sum(last.train_losses.values()) == pytest.approx(last.train_loss, rel=1e-4)


def test_anchors_are_settled_once_for_all_seeds(study: Path) -> None:
    recipe = read_study(study).recipes["fasterrcnn"]
    assert "auto" not in recipe.options.values()
    assert all(read_run(study / f"fasterrcnn-s{seed}").recipe == recipe for seed in (0, 1))


def test_scores_follow_from_what_is_stored(study: Path) -> None:
    run = read_run(study / "fasterrcnn-s0")
    objects = objects_from(read_arrays(study / run.items))
    assert objects is not None
    found = Predictions.from_arrays(read_arrays(study / "fasterrcnn-s0" / PREDICTIONS_FILE)).found()
    assert score_found(found, objects, 10) == run.detection
    assert "boxes" in read_arrays(study / "fasterrcnn-s0" / VALIDATION_FILE)


def test_the_way_to_the_answers_is_kept_and_shown(study: Path) -> None:
    arrays = read_arrays(study / "fasterrcnn-s0" / INSIDE_FILE)
    scenes = [int(value) for name, value in arrays.items() if name.endswith("/scene")]
    assert len(scenes) == 3
    found = Predictions.from_arrays(read_arrays(study / "fasterrcnn-s0" / PREDICTIONS_FILE)).found()
    for place, scene in enumerate(scenes):
        kept = found.boxes[found.image == scene]
        assert len(arrays[f"{place}/found"]) == len(kept), "what is shown is what was answered"
        np.testing.assert_allclose(arrays[f"{place}/found"], kept, atol=0.05)
    page = (study / "report.html").read_text(encoding="utf-8")
    assert '<section id="inside"' in page
    assert page.count("Positive anchors:") == 3, "a caption for each scene"


def test_every_reading_command_takes_it(study: Path) -> None:
    for words in (["show", study], ["show", study / "fasterrcnn-s0"], ["ls", "--output", study.parent]):
        done = eyechart(*words)
        assert done.returncode == 0, done.stderr
        assert "mAP" in done.stdout
    compared = json.loads(eyechart("compare", study, "--json").stdout)
    assert compared["primary"] == "map"
    shown = json.loads(eyechart("show", study / "fasterrcnn-s0", "--json").stdout)
    assert shown["calibration"] is None
    assert (study / "report.html").is_file()


def test_a_repetition_is_the_same_to_the_bit(study: Path, tmp_path: Path) -> None:
    done = eyechart("repeat", study / "fasterrcnn-s0", "-o", tmp_path, "--offline")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("identical") == 3
    assert "mAP" in done.stdout


def test_any_picture_is_answered_with_boxes_in_its_own_pixels(study: Path, tmp_path: Path) -> None:
    picture = tmp_path / "wide.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 200), np.uint8)).save(picture)
    done = eyechart("predict", study / "fasterrcnn-s0", picture, "--json", "--draw", tmp_path / "drawn.png")
    (answer,) = json.loads(done.stdout)
    assert (answer["label"], answer["probability"], answer["probabilities"]) == (None, None, {})
    for each in answer["boxes"]:
        left, top, right, bottom = each["box"]
        assert 0 <= left <= right <= 200
        assert 0 <= top <= bottom <= 50
    assert (tmp_path / "drawn.png").is_file()
    assert "boxes" in eyechart("predict", study / "fasterrcnn-s0", picture).stdout


def test_a_study_goes_on_where_it_stopped(study: Path) -> None:
    words = ["run", "-d", SCENES, "--steps", 6, "--seeds", "0,1", "--output", study.parent, "--name", "s"]
    done = eyechart(*words, "--threads", 1, "--offline", "--resume")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("is finished already") == 2


@pytest.mark.parametrize("contender", ["cnn", "vit", "vgg16:none"])
def test_who_only_names_images_is_told_so(contender: str, tmp_path: Path) -> None:
    done = eyechart("run", "-m", contender, "-d", SCENES, "--preset", "smoke", "--output", tmp_path)
    assert done.returncode == 2
    assert "objects to be found in boxes. Expected -m fasterrcnn" in done.stderr


def test_a_dry_run_trains_nothing(tmp_path: Path) -> None:
    done = eyechart("run", "-d", SCENES, "--preset", "smoke", "--output", tmp_path, "--dry-run", "--offline")
    assert done.returncode == 0, done.stderr
    assert "Nothing was trained" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_search_on_scenes_is_refused(tmp_path: Path) -> None:
    done = eyechart("tune", "-m", "fasterrcnn", "-d", SCENES, "--output", tmp_path, "--offline")
    assert done.returncode == 2
    assert "recipes for scenes are not searched" in done.stderr


def test_labels_of_scenes_are_not_doubted(study: Path) -> None:
    done = eyechart("labels", study)
    assert (done.returncode, "was trained on scenes, whose images have no label each" in done.stderr) == (2, True)
