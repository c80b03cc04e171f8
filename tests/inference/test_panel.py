"""Strangers' digits are read by a trained contender; what is no digit is told; runs and pictures are told apart."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from strangers_digits import WAYS, Tally, as_source, ask, picture

from eyechart.base.errors import StorageError, UsageError
from eyechart.files import storage
from eyechart.inference.expected import expected_of
from eyechart.inference.panel import Panel, is_asked, open_panel, runs_at
from eyechart.inference.prediction import PictureAnswer
from eyechart.inference.seeing import Source, find_sources, see
from eyechart.study.plan import plan_study
from tests.report.fake_runs import FIVE, fake_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def panel(reading_study: Path) -> Panel:
    return open_panel([reading_study], device="cpu")


def source_of(pixels: np.ndarray, name: str = "drawn") -> Source:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return Source(name, content.getvalue())


def answer_to(panel: Panel, source: Source, *, raw: bool = False) -> PictureAnswer:
    (asked,) = panel.ask([source], raw=raw)
    return asked.answers[0]


# --------------------------------------------------------------------------------------------- reading


def test_strangers_digits_are_read(panel: Panel) -> None:
    """Drawn in every way, a hundred and sixty of each two: being told "unlike" counts as not read."""
    tallies = [of_runs["cnn-s0"] for of_runs in ask(panel, "hand", range(2), raw=False).values()]
    assert len(tallies) == len(WAYS)
    together = Tally(*(sum(part) for part in zip(*tallies, strict=True)))
    assert together.right / together.all >= 0.95, tallies
    assert together.wrong / together.all <= 0.03, "what is not read is told"


def test_as_they_come_they_are_not(panel: Panel) -> None:
    tallies = [of_runs["cnn-s0"] for of_runs in ask(panel, "hand", range(1), raw=True).values()]
    assert sum(each.right for each in tallies) / sum(each.all for each in tallies) < 0.5


def test_validation_images_are_answered_as_before(panel: Panel, reading_study: Path) -> None:
    (predictor,) = panel.predictors
    items = storage.read_arrays(reading_study / predictor.record.validation_items)
    images, labels = items["images"][:400], items["labels"][:400]
    asked = list(panel.ask(source_of(image[0]) for image in images))
    answers = [one.answers[0] for one in asked]
    named = np.array([int(next(iter(answer.probabilities))) for answer in answers])
    plain = predictor.answer(images).probabilities.argmax(axis=1)
    assert (named == labels).mean() >= (plain == labels).mean() - 0.002
    assert np.mean([answer.remark == "unlike" for answer in answers]) <= 0.03


@pytest.mark.parametrize(
    ("kind", "remark", "said"),
    [
        ("blank", "blank", "blank"),
        ("two", "several", "several digits (2)"),
        ("noise", "blank", "blank"),
        ("square", "unlike", "unlike the training images"),
        ("dot", "small", "too small to read"),
    ],
)
def test_what_is_no_digit_is_told(panel: Panel, kind: str, remark: str, said: str) -> None:
    page = np.full((200, 300), 255, np.uint8)
    if kind == "two":
        page[60:140, 60:70] = page[60:140, 200:210] = 0
    if kind == "noise":
        page = np.random.default_rng(0).normal(180, 10, page.shape).clip(0, 255).astype(np.uint8)
    if kind == "square":
        page[50:150, 100:200] = 0
    if kind == "dot":
        page = page[:40, :40].copy()
        page[20:22, 20:23] = 0
    answer = answer_to(panel, source_of(page))
    assert (answer.label, answer.probability, answer.remark, answer.said) == (None, None, remark, said)
    assert answer_to(panel, source_of(page), raw=True).label is not None, "as it comes, it is a digit"


def test_boxes_and_probabilities_are_told(panel: Panel) -> None:
    answer = answer_to(panel, as_source("felt pen", 7, 0, picture("hand", "felt pen", 7, 0)))
    assert (answer.label, answer.run, answer.contender, answer.remark) == ("7", "cnn-s0", "cnn", None)
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-4)
    assert json.loads(json.dumps(answer.as_json()))["probability"] == answer.probability


def test_one_that_cannot_be_read_costs_no_other(panel: Panel, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nonsense")
    good = as_source("felt pen", 3, 0, picture("hand", "felt pen", 3, 0))
    sources = [Source(str(tmp_path / "broken.png")), good, Source(str(tmp_path / "gone.png"))]
    broken, read, gone = (asked.answers[0] for asked in panel.ask(sources))
    assert "no picture format" in broken.error
    assert "There is no picture" in gone.error
    assert (read.label, read.error) == ("3", "")


# --------------------------------------------------------------------------------------------- what is expected


def test_new_runs_store_what_ink_they_learned(panel: Panel, reading_study: Path, tmp_path: Path) -> None:
    record = panel.predictors[0].record
    assert record.preprocessing.ink
    assert record.preprocessing.ink.box_side == pytest.approx(20, abs=0.7)
    older = record.model_copy(update={"preprocessing": record.preprocessing.model_copy(update={"ink": None})})
    found = expected_of(reading_study / "cnn-s0", older)
    assert found.ink, "measured on its validation images"
    assert found.ink.stroke == pytest.approx(record.preprocessing.ink.stroke, rel=0.1)
    assert 0.3 < found.least_sure < 1
    alone = expected_of(tmp_path / "cnn-s0", older)
    assert (alone.ink, alone.least_sure) == (None, 0.0), "a run's file alone does not say"
    assert expected_of(reading_study / "cnn-s0", older.model_copy(update={"validation_items": ""})).ink is None


def test_a_hundredth_of_validation_is_less_sure(panel: Panel, reading_study: Path) -> None:
    (predictor,) = panel.predictors
    images = storage.read_arrays(reading_study / predictor.record.validation_items)["images"]
    sure = predictor.answer(images).probabilities.max(axis=1)
    assert np.mean(sure < predictor.expected.least_sure) == pytest.approx(0.01, abs=0.003)


def test_boxes_lie_on_the_picture_itself(panel: Panel) -> None:
    frame, ink = panel.predictors[0].record.preprocessing, panel.predictors[0].expected.ink
    page = np.full((900, 1000), 255, np.uint8)
    page[200:600, 700:740] = 0
    seen = see(source_of(page), frame, ink)
    assert seen.pixels is not None
    rows, columns = np.nonzero(seen.pixels[0] > 128)
    on_image = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], float)
    (box,) = seen.boxes_in_own_pixels(on_image)
    assert box == pytest.approx([700, 200, 740, 600], abs=30)
    fitted = see(source_of(page), frame, None)
    assert fitted.boxes_in_own_pixels(np.array([[0.0, 0.0, 28.0, 28.0]])).tolist() == [[0, 0, 1000, 900]]


# --------------------------------------------------------------------------------------------- who, and what


def test_one_seed_of_each_contender_is_asked(reading_study: Path, tmp_path: Path) -> None:
    """In the stored order of seeds and contenders; a run that diverged is not asked."""
    study = tmp_path / "study"
    study.mkdir()
    raw = json.loads((reading_study / "study.json").read_text(encoding="utf-8"))
    recipes = dict.fromkeys(("vit", "cnn"), raw["recipes"]["cnn"])
    plan = raw | {"contenders": ["vit", "cnn"], "seeds": [7, 2], "recipes": recipes}
    (study / "study.json").write_text(json.dumps(plan), encoding="utf-8")
    run = json.loads((reading_study / "cnn-s0" / "run.json").read_text(encoding="utf-8"))
    for contender, seed, status in (
        ("cnn", 2, "finished"),
        ("cnn", 7, "finished"),
        ("vit", 7, "diverged"),
        ("vit", 2, "finished"),
    ):
        folder = study / f"{contender}-s{seed}"
        folder.mkdir()
        changed = run | {"contender": contender, "seed": seed, "status": status, "run": folder.name}
        (folder / "run.json").write_text(json.dumps(changed), encoding="utf-8")
        shutil.copy(reading_study / "cnn-s0" / "weights.safetensors", folder)
    assert [path.name for path in runs_at(study)] == ["vit-s2", "cnn-s7"]
    assert runs_at(study / "cnn-s2") == [study / "cnn-s2"]
    both = open_panel([study, study / "cnn-s7"], device="cpu")
    assert [each.record.run for each in both.predictors] == ["vit-s2", "cnn-s7"], "each is opened once"
    asked = list(both.ask([as_source("brush", 2, 0, picture("hand", "brush", 2, 0))]))
    assert [answer.run for answer in asked[0].answers] == ["vit-s2", "cnn-s7"]


def test_a_study_in_which_all_diverged_says_so(tmp_path: Path) -> None:
    fake_study(tmp_path, {"cnn": FIVE["cnn"]}, (0, 1), diverged=("cnn-s0", "cnn-s1"))
    storage.write_record(tmp_path / storage.STUDY_FILE, plan_study(["cnn"], seeds=(0, 1)))
    with pytest.raises(StorageError, match=r"Every run in .* diverged, .* lower learning rate"):
        runs_at(tmp_path)


def test_what_is_no_run_says_what_it_is(tmp_path: Path) -> None:
    assert not is_asked(tmp_path)
    with pytest.raises(StorageError, match="is not there"):
        open_panel([tmp_path / "nowhere"])
    (tmp_path / "study.json").write_text("{}")
    with pytest.raises(StorageError, match="damaged"):
        open_panel([tmp_path])


def test_a_folder_of_studies_is_no_folder_of_pictures(tmp_path: Path) -> None:
    fake_study(tmp_path / "runs" / "s", {"cnn": FIVE["cnn"]}, (0,), num_items=50)
    heard: list[str] = []
    (tmp_path / "photo.png").write_bytes(b"")
    assert len(find_sources([tmp_path / "runs", tmp_path / "photo.png"], heard.append)) == 1
    (told,) = heard
    assert "runs holds no picture; the runs in it are asked where they, or their study, are named" in told


def test_pictures_of_a_folder_in_natural_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("10.png", "2.PNG", "1.jpg", "notes.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "3.png").write_bytes(b"")
    single = tmp_path / "notes.txt"
    (tmp_path / "empty").mkdir()
    heard: list[str] = []
    found = find_sources([tmp_path, tmp_path / "empty", single], heard.append)
    assert heard == [f"{tmp_path / 'empty'} holds no picture"]
    assert [Path(source.name).name for source in found] == ["1.jpg", "2.PNG", "10.png", "notes.txt"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"bytes")))
    assert find_sources([Path("-")]) == [Source("-", b"bytes")]
    with pytest.raises(UsageError, match="twice"):
        find_sources([Path("-"), Path("-")])
    with pytest.raises(UsageError, match="no picture in"):
        find_sources([tmp_path / "inner" / ".."][:0] or [])
