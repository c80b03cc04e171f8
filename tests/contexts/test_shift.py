"""A study's runs judged on images of the same classes from elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import UsageError
from eyechart.contexts import shift
from eyechart.contexts.again import recorded
from eyechart.contexts.catalog import CONTEXTS
from eyechart.contexts.source import open_source
from eyechart.data.catalog import load_dataset
from eyechart.files.storage import find_runs, read_arrays, read_run, write_record
from eyechart.report.judged_text import finding, in_words
from eyechart.schema import InkFacts
from eyechart.schema.contexts import ContextRecord
from eyechart.schema.contracts import LabelledImages
from eyechart.words.speech import speech
from tests.in_process import eyechart

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def judged(judged_once: Callable[..., Path]) -> Path:
    """A small study of two contenders on digits of 8 x 8 pixels, judged on printed ones."""
    return judged_once("shift", "shift-as-they-come.png", "--to", "font-digits", "--offline")


@pytest.fixture
def study(judged: Path, tmp_path: Path) -> Path:
    shutil.copytree(judged, tmp_path / "small")
    return tmp_path / "small"


def record_of(study: Path) -> ContextRecord:
    return ContextRecord.model_validate_json((study / "shift" / "context.json").read_bytes())


# --------------------------------------------------------------------------------------------- pictures


def test_images_are_brought_to_another_size_and_colour() -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(1, 1, 8, 8)
    assert np.array_equal(shift.brought_to(grey, (1, 8, 8)), grey)
    colour = shift.brought_to(grey, (3, 16, 16))
    assert colour.shape == (1, 3, 16, 16)
    assert np.array_equal(colour[:, 0], colour[:, 2])
    pure = np.zeros((1, 3, 4, 4), np.uint8)
    pure[0, 1] = 200  # green
    assert np.array_equal(shift.brought_to(pure, (1, 4, 4)), np.full((1, 1, 4, 4), round(0.587 * 200), np.uint8))


def test_ink_is_framed_as_the_study_has_it() -> None:
    """A square of 10 x 20 px in a corner, dark on bright, becomes 12 px long, bright, its mass where it should be."""
    image = np.full((1, 1, 40, 40), 255, np.uint8)
    image[0, 0, :20, :10] = 0
    ink = InkFacts(is_bright=True, box_side=12, stroke=3, centred_by="mass", centre=(0.0, 0.0), centre_spread=1,
                   boxes=(10, 14), strokes=(2, 4), shares=(0.1, 1), aspects=(0.1, 2))  # fmt: skip
    (made,) = shift.framed(LabelledImages(image, np.zeros(1, np.int64)), ink, (1, 28, 28))[:, 0]
    rows, columns = np.flatnonzero((made > 127).any(axis=1)), np.flatnonzero((made > 127).any(axis=0))
    assert (len(rows), len(columns)) == (12, 6)
    assert abs(rows.mean() + 0.5 - 14) <= 0.5
    assert abs(columns.mean() + 0.5 - 14) <= 0.5
    blank = np.full((1, 1, 40, 40), 255, np.uint8)
    assert shift.framed(LabelledImages(blank, np.zeros(1, np.int64)), ink, (1, 28, 28)).min() == 255, "as it came"


def test_a_study_on_ink_is_judged_on_framed_images_as_well(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(study, "shift")
    facts = InkFacts(is_bright=True, box_side=7, stroke=1.5, centred_by="box", centre=(0.0, 0.0), centre_spread=1,
                     boxes=(6, 8), strokes=(1, 2), shares=(0.1, 1), aspects=(0.1, 2))  # fmt: skip
    for ink, folders in ((None, ["on-font-digits"]), (facts, ["on-font-digits", "on-font-digits-framed"])):
        monkeypatch.setattr(shift, "ink_of", lambda source, ink=ink: ink)
        levels = shift.levels_of(source, ["font-digits"])
        assert [level.folder for level in levels] == folders
        assert [shift.level_of(level.folder, source) for level in levels] == levels
    assert [level.severity for level in levels] == ["as they come", "framed"]
    assert len({level.judged_on(source) for level in levels}) == 2
    assert shift.level_of("on-font-digits-framed", source) is not None
    monkeypatch.setattr(shift, "ink_of", lambda source: None)
    assert shift.level_of("on-font-digits-framed", source) is None


def test_labels_are_those_of_the_study_by_their_names(study: Path, tmp_path: Path) -> None:
    """A folder whose classes come in another order, because there are fewer of them."""
    for name, value in (("7", 250), ("3", 90)):
        for part in ("train", "test"):
            (tmp_path / "mine" / part / name).mkdir(parents=True)
            for number in range(3):
                Image.fromarray(np.full((8, 8), value + number, np.uint8)).save(
                    tmp_path / "mine" / part / name / f"{number}.png"
                )
    source = open_source(study, "shift")
    level, _ = shift.levels_of(source, [str(tmp_path / "mine")])
    part = level.pictures(source, 1)
    assert sorted(set(part.labels.tolist())) == [3, 7]
    assert all((image.min() >= 250) == (label == 7) for image, label in zip(part.images, part.labels, strict=True))
    done = eyechart("study", "shift", study, "--to", tmp_path / "mine", "--threads", 1)
    assert done.returncode == 0, done.stderr
    labels = [each.label for each in record_of(study).levels]
    assert labels == ["font-digits", "mine"] * 2, "what was judged before stays; as they come, and framed"
    shutil.rmtree(tmp_path / "mine")
    done = eyechart("study", "shift", study, "--to", "font-digits", "--threads", 1)
    assert done.returncode == 0, done.stderr
    assert [each.label for each in record_of(study).levels] == labels, "also what has no name that is known"


# --------------------------------------------------------------------------------------------- what is made


def test_runs_are_judged_on_the_other_datasets_test_part(judged: Path) -> None:
    record = record_of(judged)
    assert [(level.label, level.study) for level in record.levels] == [
        ("font-digits", "on-font-digits"),
        ("font-digits", "on-font-digits-framed"),
    ]
    assert [(mean.name, mean.severity) for mean in record.means] == [
        ("untouched", "as they come"),
        ("untouched", "framed"),
    ]
    home = judged / "shift" / "on-font-digits"
    runs = find_runs([home])
    assert [run.name for run in runs] == ["cnn-s3", "vit-s3"]
    seen = read_arrays(home / read_run(runs[0]).items)
    other = load_dataset("font-digits").test
    assert np.array_equal(seen["images"], shift.brought_to(other.images[:], (1, 8, 8)))
    assert np.array_equal(seen["labels"], other.labels)
    assert read_run(runs[0]).judged_on.startswith("test part of font-digits, 2,000 images")
    with Image.open(judged / "shift" / "shift-as-they-come.png") as picture:
        assert picture.size[0] > 800


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_words_claim_no_more_than_one_seed_shows(lang: str, judged: Path) -> None:
    record, say = record_of(judged), speech(lang)
    text = in_words(record, CONTEXTS["shift"].question, judged / "shift", say)
    if lang == "en":
        assert (judged / "shift" / "shift-synthesis.md").read_text() == text
    assert "(shift-as-they-come.svg)" in text
    told = [line for line in text.splitlines() if "font-digits" in line and line.endswith(".")]
    assert told
    words = ("In these runs", "in these runs", "not shown", "too few", "ces entraînements", "démontré", "trop peu")
    assert all(any(word in line for word in words) for line in told)
    assert ("corruption" in text, "altération" in text) == (False, False)


def test_it_goes_on_where_it_was(study: Path) -> None:
    planned = json.loads(eyechart("study", "shift", study, "--to", "font-digits", "--dry-run", "--json").stdout)
    assert [(each["level"], each["runs"], each["images"]) for each in planned] == [
        ("on-font-digits", 0, 2_000),
        ("on-font-digits-framed", 0, 2_000),
    ]
    shutil.rmtree(study / "shift" / "on-font-digits" / "vit-s3")
    done = eyechart("study", "shift", study, "--to", "font-digits", "--threads", 1, "--json")
    assert "1 of 2 runs judged already" in done.stderr
    assert json.loads(done.stdout) == json.loads((study / "shift" / "context.json").read_bytes())


def test_by_default_it_is_all_that_is_here_with_the_same_classes(study: Path) -> None:
    source = open_source(study, "shift")
    names = [level.label for level in shift.levels_of(source, [])]
    assert "font-digits" in names
    assert not {"digits", "glyphs", "fashion-mnist"} & set(names), "not itself, and no other classes"
    assert all(shift.level_of(name, source) is None for name in ("on-nowhere", "fog-published", "on-nowhere-framed"))


def test_the_map_has_a_row_for_each_dataset(judged: Path) -> None:
    rows = json.loads(eyechart("map", judged, "--json").stdout)
    assert [row["label"] for row in rows] == ["as trained", *["untouched", "font-digits"] * 2]


def test_one_contender_alone_is_told_once_that_it_is_alone(study: Path) -> None:
    shutil.rmtree(study / "vit-s3")
    alone = recorded(CONTEXTS["shift"], open_source(study, "shift"), [])  # type: ignore[arg-type]
    text = in_words(alone, CONTEXTS["shift"].question, study / "shift", speech("en"))
    assert "compared with nobody" not in text
    assert "Who wins where" not in text
    assert "| font-digits |" in text


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_studys_report_has_a_section_and_a_paragraph_of_it(lang: str, study: Path) -> None:
    done = eyechart("report", study, "--lang", lang)
    assert done.returncode == 0, done.stderr
    page = (study / "report.html").read_text()
    assert '<section id="contexts">' in page
    assert (study / "report-figures" / "shift-as-they-come.png").is_file()
    say, record = speech(lang), record_of(study)
    told = finding(record, "as they come", say)
    text = (study / "report-synthesis.md").read_text()
    assert f"{told}." in text
    assert "## " + say("Other pictures", "D'autres images") in text
    assert "(report-figures/shift-as-they-come.svg)" in text


def test_a_context_of_fewer_contenders_than_the_report_is_left_out(study: Path) -> None:
    shutil.rmtree(study / "shift" / "on-font-digits" / "vit-s3")
    write_record(study / "shift" / "context.json", recorded(CONTEXTS["shift"], open_source(study, "shift"), []))  # type: ignore[arg-type]
    assert eyechart("report", study).returncode == 0
    page = (study / "report.html").read_text()
    assert ("shift-framed.png" in page, "shift-as-they-come.png" in page) == (True, False)


# --------------------------------------------------------------------------------------------- refused


def test_what_cannot_be_is_refused(study: Path) -> None:
    with pytest.raises(UsageError, match="which has the class 'A'"):
        shift.levels_of(open_source(study, "shift"), ["glyphs"])
    for words, told in (
        (["shift", study, "--levels", "3"], "does not know --levels"),
        (["shift", study, "--images", 50], "does not know --images"),
        (["corruption", study, "--to", "mnist"], "does not know --to"),
        (["shift", study, "--to", "nowhere"], "neither a known dataset nor a path"),
        (["shift"], "no study was named"),
        (["budget", "--to", "mnist"], "--to was given"),
    ):
        done = eyechart("study", *words)
        assert (done.returncode, told in done.stderr.replace("\n", " ")) == (2, True), done.stderr
