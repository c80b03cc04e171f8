"""A study's runs judged again on spoiled pictures: the same for all, resumed, refused, and put into words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from eyechart.base.errors import DatasetError, DatasetMissing, StorageError, UsageError
from eyechart.comparison.compare import compare_runs
from eyechart.contexts import corruption
from eyechart.contexts.catalog import CONTEXTS
from eyechart.contexts.source import judge_level, open_source, pending
from eyechart.data.corruptions import mnist_c
from eyechart.data.corruptions.apply import corrupted
from eyechart.data.corruptions.table import CORRUPTIONS
from eyechart.files.storage import RUN_FILE, find_runs, read_arrays, read_run, write_arrays, write_record
from eyechart.inference.predictor import uniform_guess
from eyechart.report.contexts import record_beside
from eyechart.report.judged_text import finding, in_words
from eyechart.schema import Verdict
from eyechart.schema.contexts import ContextRecord
from eyechart.schema.contracts import LabelledImages
from eyechart.words.speech import speech
from tests.in_process import eyechart

pytestmark = pytest.mark.slow

GEOMETRIC = ["shear", "scale", "rotate", "translate"]


@pytest.fixture(scope="module")
def judged(judged_once: Callable[..., Path]) -> Path:
    """A small study of two contenders, judged again at the published level."""
    return judged_once("corruption", "corruption-published.png")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred small files are written here; on a busy disk each wait takes long."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@pytest.fixture
def study(judged: Path, tmp_path: Path) -> Path:
    """One of its own, to be changed, with few levels judged."""
    keep = {"fog-published", "shear-published"}
    home = tmp_path / "small"

    def is_left_out(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(folder).name == "corruption" and name not in keep]

    shutil.copytree(judged, home, ignore=is_left_out)
    return home


def record_of(judged: Path) -> ContextRecord:
    return ContextRecord.model_validate_json((judged / "corruption" / "context.json").read_bytes())


# --------------------------------------------------------------------------------------------- what is made


def test_every_corruption_is_a_level_and_the_two_groups_have_means(judged: Path) -> None:
    record = record_of(judged)
    assert [level.label for level in record.levels] == list(CORRUPTIONS)
    assert {level.severity for level in record.levels} == {"published"}
    untouched, others, geometric = record.means
    assert [mean.name for mean in record.means] == ["untouched", "not geometric", "geometric"]
    assert list(geometric.labels) == GEOMETRIC
    assert [*others.labels, *geometric.labels] == list(CORRUPTIONS)
    own = {run.run: run for run in map(read_run, find_runs([judged]))}
    for summary in untouched.comparison.summaries:
        if summary.metric == "accuracy":
            assert summary.values == (own[f"{summary.contender}-s3"].test_scores.accuracy,)
    for mean in (others, geometric):
        for summary in mean.comparison.summaries:
            of_levels = [
                each.values
                for level in record.levels
                for each in level.comparison.summaries
                if level.label in mean.labels and (each.contender, each.metric) == (summary.contender, summary.metric)
            ]
            assert summary.values == pytest.approx(np.mean(of_levels, axis=0))


def test_all_runs_saw_the_same_pictures_of_their_own_test_images(judged: Path) -> None:
    source = open_source(judged)
    for name in ("fog", "scale"):
        runs = find_runs([judged / "corruption" / f"{name}-published"])
        assert [run.name for run in runs] == [run.name for run in find_runs([judged])] == ["cnn-s3", "vit-s3"]
        (items,) = {read_run(run).items for run in runs}
        seen = read_arrays(runs[0].parent / items)
        assert np.array_equal(seen["images"], corrupted(source.test.images, name, "published"))
        assert np.array_equal(seen["labels"], source.test.labels)


def test_a_run_judged_again_keeps_all_but_what_was_judged(judged: Path) -> None:
    again, own = read_run(judged / "corruption" / "fog-published" / "vit-s3"), read_run(judged / "vit-s3")
    assert again.judged_on.startswith("fog-published, seed 0")
    assert own.judged_on == ""
    changed = {name for name in type(own).model_fields if getattr(own, name) != getattr(again, name)}
    assert changed <= {
        "study", "judged_on", "dataset", "splits", "test", "predictions_sha256", "items", "validation_items", "command",
        "finished_at",
    }  # fmt: skip
    assert again.dataset.title == f"{own.dataset.title}, fog, published"
    assert again.splits.test_sha256 != own.splits.test_sha256
    assert sorted(path.name for path in (judged / "corruption" / "fog-published" / "vit-s3").iterdir()) == [
        "predictions.npz", "run.json"
    ]  # fmt: skip


def test_a_run_trained_anew_takes_the_section_along(judged: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(judged, tmp_path / "copy"))
    assert record_beside(copy, "corruption")
    run = read_run(copy / "cnn-s3")
    write_record(copy / "cnn-s3" / RUN_FILE, run.model_copy(update={"weights_sha256": "of another training"}))
    assert record_beside(copy, "corruption") is None, "the networks that were judged are no longer there"
    for folder in (copy / "corruption").glob("*-published"):
        shutil.rmtree(folder)
    assert record_beside(copy, "corruption"), "of what is gone nobody knows"


def test_what_reads_runs_reads_these(judged: Path, tmp_path: Path) -> None:
    home = judged / "corruption"
    assert compare_runs(find_runs([home / "stripe-published"])).contenders
    compared = json.loads(eyechart("compare", home / "stripe-published", "--json").stdout)
    codes = {each["code"] for each in compared["findings"]}
    assert not codes & {"validation-above-test", "no-predictions", "items-changed", "scores-not-from-answers"}
    shutil.copytree(home / "stripe-published", tmp_path / "stripe")
    reported = eyechart("report", tmp_path / "stripe")
    assert (reported.returncode, "older eyechart" in reported.stderr) == (0, False), "its temperature is known"
    assert "published" in (tmp_path / "stripe" / "report.html").read_text()
    assert len(json.loads(eyechart("ls", home, "--json").stdout)) == 15 * 2
    shown = eyechart("show", home / "fog-published" / "cnn-s3").stdout
    assert "fog-published, seed 0" in shown
    assert f"eyechart study corruption {judged}" in shown
    with pytest.raises(UsageError, match="tested on different images"):
        compare_runs([*find_runs([home / "stripe-published"]), *find_runs([home / "fog-published"])])


def test_the_study_itself_has_no_more_runs_than_before(judged: Path) -> None:
    assert len(find_runs([judged])) == len(find_runs([judged.parent])) == 2
    assert len(json.loads(eyechart("ls", judged.parent, "--json").stdout)) == 2


# --------------------------------------------------------------------------------------------- going on


def test_it_goes_on_where_it_was(study: Path) -> None:
    home = study / "corruption"
    before = read_run(home / "fog-published" / "cnn-s3")
    shutil.rmtree(home / "fog-published" / "cnn-s3")
    planned = json.loads(eyechart("study", "corruption", study, "--dry-run", "--json").stdout)
    left = {each["level"]: each["runs"] for each in planned}
    assert (left["fog-published"], left["shear-published"], left["scale-published"]) == (1, 0, 2)
    assert all((each["seconds"] > 0) == (each["runs"] > 0) for each in planned)
    assert not (home / "scale-published").exists(), "a dry run judges nothing"
    done = eyechart("study", "corruption", study, "--threads", 1, "--json")
    assert done.returncode == 0, done.stderr
    assert "fog, published, 1 of 2 runs judged already" in done.stderr
    assert read_run(home / "fog-published" / "cnn-s3").predictions_sha256 == before.predictions_sha256
    assert json.loads(done.stdout) == json.loads((home / "context.json").read_bytes())
    assert len(json.loads(done.stdout)["levels"]) == 15


def test_runs_with_other_weights_are_judged_anew(study: Path) -> None:
    source = open_source(study)
    fog = corruption.level_of("fog-published")
    assert fog
    assert pending(source, fog) == []
    run = read_run(study / "cnn-s3")
    write_record(study / "cnn-s3" / "run.json", run.model_copy(update={"weights_sha256": "0" * 64}))
    assert pending(open_source(study), fog) == [study / "cnn-s3"]


def test_some_images_at_some_severities(study: Path) -> None:
    done = eyechart("study", "corruption", study, "--levels", "5", "--images", 50, "--threads", 1, "--lang", "fr")
    assert done.returncode == 0, done.stderr
    assert "sévérité 5\N{NARROW NO-BREAK SPACE}: moyenne sur 11" in done.stdout
    home = study / "corruption-50-images"
    record = ContextRecord.model_validate_json((home / "context.json").read_bytes())
    assert [level.severity for level in record.levels] == ["5"] * 15
    assert {level.comparison.num_items for level in record.levels} == {50}
    assert {mean.comparison.num_items for mean in record.means} == {50}
    text = (home / "corruption-synthesis.md").read_text()
    assert text.count("![") == 1
    assert "Qui est meilleur" in text
    with Image.open(home / "corruption-5.png") as picture:
        assert picture.size[0] > 800
    source = open_source(study, num_images=50)
    seen = read_arrays(next((home / "zigzag-5").glob("items-*.npz")))["images"]
    assert np.array_equal(seen, corrupted(source.test.images, "zigzag", "5")[source.chosen]), "the draws of the whole"


def test_a_run_that_diverged_guesses_here_as_there(study: Path) -> None:
    run = read_run(study / "cnn-s3")
    write_record(study / "cnn-s3" / "run.json", run.model_copy(update={"status": "diverged"}))
    source, scale = open_source(study), corruption.levels_of([], None)[-3]
    judge_level(source, scale, [study / "cnn-s3"], torch.device("cpu"), 1, str)
    answers = read_arrays(study / "corruption" / scale.folder / "cnn-s3" / "predictions.npz")["probabilities"]
    assert np.array_equal(answers, uniform_guess(len(source.test), 10))


def test_levels_have_an_order_and_a_default(tmp_path: Path) -> None:
    assert {level.severity for level in corruption.levels_of([], None)} == {"published"}
    assert {level.severity for level in corruption.levels_of([], tmp_path)} == {"mnist-c"}
    some = corruption.levels_of(["5", "1", "5"], tmp_path)
    assert [level.severity for level in some] == ["1"] * 15 + ["5"] * 15 + ["mnist-c"] * 15
    assert [level.corruption.name for level in some[:15]] == list(CORRUPTIONS)
    assert [corruption.level_of(level.folder) for level in some] == some
    assert corruption.level_of("fog-6") is corruption.level_of("report-figures") is None


# --------------------------------------------------------------------------------------------- refused


def test_what_is_no_study_is_refused(study: Path, tmp_path: Path) -> None:
    for words, told in (
        ([], "no study was named"),
        ([tmp_path / "nothing"], "is no study: it has no study.json"),
        ([study / "cnn-s3"], "is no study"),
        ([study, "--levels", "6"], "--levels got '6'; expected some of 1, 2, 3, 4, 5, published"),
        ([study, "--images", 9_999], "has 355 test images. Expected 1 to that many"),
        ([study, "-m", "cnn"], "--model was given"),
        ([study, "--seeds", "0"], "--seeds was given"),
    ):
        done = eyechart("study", "corruption", *words)
        assert (done.returncode, told in done.stderr.replace("\n", " ")) == (2, True), done.stderr
    done = eyechart("study", "pretraining", study, "-d", "digits")
    assert (done.returncode, "takes runs that it trains itself" in done.stderr) == (2, True), done.stderr


def test_an_empty_study_has_no_runs(study: Path) -> None:
    for run in find_runs([study]):
        shutil.rmtree(run)
    with pytest.raises(UsageError, match="no finished run"):
        open_source(study)


def test_scenes_have_no_class_to_name(study: Path) -> None:
    run = read_run(study / "cnn-s3")
    scenes = run.dataset.model_copy(update={"task": "detection"})
    write_record(study / "cnn-s3" / "run.json", run.model_copy(update={"dataset": scenes}))
    with pytest.raises(UsageError, match="is a study on scenes"):
        open_source(study)


def test_test_images_that_are_others_or_gone_are_told(study: Path) -> None:
    items = study / read_run(study / "cnn-s3").items
    arrays = read_arrays(items)
    write_arrays(items, {**arrays, "images": 255 - arrays["images"]})
    with pytest.raises(StorageError, match="holds other images than cnn-s3 was judged on"):
        open_source(study)
    items.unlink()
    with pytest.raises(StorageError, match="is not there"):
        open_source(study)


def test_a_folder_of_something_else_is_left_alone(study: Path) -> None:
    shutil.rmtree(study / "corruption")
    (study / "corruption").mkdir()
    (study / "corruption" / "letter.txt").write_text("dear")
    done = eyechart("study", "corruption", study)
    assert (done.returncode, "holds no runs judged again" in done.stderr.replace("\n", " ")) == (2, True), done.stderr
    assert [path.name for path in (study / "corruption").iterdir()] == ["letter.txt"]


def test_another_run_in_a_levels_place_is_refused(study: Path) -> None:
    place = study / "corruption" / "fog-published" / "cnn-s3"
    shutil.rmtree(place)
    shutil.copytree(study / "vit-s3", place)
    done = eyechart("study", "corruption", study, "--threads", 1)
    assert done.returncode != 0
    assert "is no run judged again of cnn-s3" in done.stderr.replace("\n", " ")
    assert (place / "weights.safetensors").is_file()


def test_what_was_judged_again_is_not_trained_again(judged: Path, tmp_path: Path) -> None:
    done = eyechart("repeat", judged / "corruption" / "fog-published" / "cnn-s3", "--output", tmp_path)
    assert (done.returncode, "expected a run as it was trained" in done.stderr.replace("\n", " ")) == (2, True)
    assert not list(tmp_path.iterdir())


def test_damaged_files_are_told_with_their_cure(study: Path) -> None:
    place = study / "corruption" / "fog-published" / "cnn-s3"
    (place / "run.json").write_text("{")
    with pytest.raises(StorageError, match="the same command judges that run again"):
        pending(open_source(study), corruption.Spoiled(CORRUPTIONS["fog"], "published"))
    shutil.rmtree(place)
    (study / "cnn-s3" / "weights.safetensors").unlink()
    done = eyechart("study", "corruption", study, "--threads", 1)
    assert done.returncode != 0
    assert "expected the trained weights of cnn-s3" in done.stderr.replace("\n", " ")


# --------------------------------------------------------------------------------------------- published arrays


def published_arrays(home: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    """Files as MNIST-C has them, inverted pictures for every corruption."""
    for name in CORRUPTIONS:
        (home / name).mkdir(parents=True)
        np.save(home / name / "test_images.npy", 255 - images.transpose(0, 2, 3, 1))
        np.save(home / name / "test_labels.npy", labels)
    return home


def test_published_arrays_are_judged_on(study: Path, tmp_path: Path) -> None:
    source = open_source(study)
    folder = published_arrays(tmp_path / "mnist_c", source.test.images, source.test.labels)
    zigzag = next(each for each in corruption.levels_of([], folder) if each.corruption.name == "zigzag")
    judge_level(source, zigzag, pending(source, zigzag), torch.device("cpu"), 1, str)
    home = study / "corruption" / "zigzag-mnist-c"
    assert np.array_equal(read_arrays(next(home.glob("items-*.npz")))["images"], 255 - source.test.images)
    assert len(find_runs([home])) == 2
    assert "published arrays" in read_run(home / "cnn-s3").judged_on
    done = eyechart("study", "corruption", study, "--mnist-c", tmp_path / "elsewhere", "--threads", 1)
    assert (done.returncode, "expected MNIST-C as it is published" in done.stderr.replace("\n", " ")) == (3, True)


def test_arrays_of_other_images_are_refused(tmp_path: Path) -> None:
    part = LabelledImages(np.zeros((6, 1, 28, 28), np.uint8), np.arange(6))
    folder = published_arrays(tmp_path / "mnist_c", part.images, part.labels)
    assert mnist_c.published(folder, "fog", part).shape == (6, 1, 28, 28)
    with pytest.raises(DatasetError, match="holds uint8"):
        mnist_c.published(folder, "fog", part.subset(np.arange(5)))
    with pytest.raises(DatasetError, match="other labels than the study's"):
        mnist_c.published(folder, "fog", LabelledImages(part.images, part.labels[::-1].copy()))
    (folder / "fog" / "test_labels.npy").write_bytes(b"no array")
    with pytest.raises(DatasetError, match="is damaged, or no array of numpy"):
        mnist_c.published(folder, "fog", part)
    (folder / "fog" / "test_images.npy").unlink()
    with pytest.raises(DatasetMissing, match="expected MNIST-C as it is published"):
        mnist_c.published(folder, "fog", part)
    with pytest.raises(UsageError, match="no corruption 'snow'"):
        mnist_c.published(folder, "snow", part)


# --------------------------------------------------------------------------------------------- words


def verdict(first: str, second: str, kind: str, scope: str = "architectures") -> Verdict:
    return Verdict(metric="accuracy", first=first, second=second, kind=kind, scope=scope, num_seeds=9, difference=0.02)  # type: ignore[arg-type]


def test_the_title_tells_every_pair_and_no_more_than_is_shown(judged: Path) -> None:
    record = record_of(judged)
    verdicts = (
        verdict("cnn", "vit", "better"), verdict("cnn", "vgg16", "better"), verdict("cnn", "alexnet", "equivalent"),
        verdict("alexnet", "vit", "not shown"), verdict("alexnet", "vgg16", "better", "these runs"),
        verdict("vit", "vgg16", "too few runs", "these runs"),
    )  # fmt: skip
    mean = record.means[1]
    changed = mean.model_copy(update={"comparison": mean.comparison.model_copy(update={"verdicts": verdicts})})
    record = record.model_copy(update={"means": (changed,)})
    start, _, told = finding(record, "published", speech("en")).partition(": ")
    assert start == "mean over 11 corruptions that are not geometric"
    assert told.split("; ") == [
        "cnn is better than vit and vgg16",
        "in these runs alexnet is better than vgg16",
        "cnn and alexnet are equivalent",
        "no difference is shown between alexnet and vit",
        "too few seeds to tell apart vit and vgg16",
    ]
    french = finding(record, "published", speech("fr"))
    assert "cnn est meilleur que vit et vgg16" in french
    assert not {"better", "shown", "seeds", "mean"} & set(french.split())


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_synthesis_says_the_same_as_the_record(lang: str, judged: Path) -> None:
    record, say = record_of(judged), speech(lang)
    text = in_words(record, CONTEXTS["corruption"].question, judged / "corruption", say)
    if lang == "en":
        assert (judged / "corruption" / "corruption-synthesis.md").read_text() == text
    assert "(corruption-published.svg)" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    for level in record.levels:
        (row, _) = [row for row in rows if row.startswith(f"| {say(*CORRUPTIONS[level.label].words)} |")]
        for summary in level.comparison.summaries:
            if summary.metric == "accuracy":
                assert say.percent(summary.mean) in row
    assert sum(row.startswith("| **") for row in rows) == 2 * 3, "three means in either table"
