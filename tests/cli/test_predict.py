"""`eyechart predict` as people type it: runs, studies, files, folders, pipes; tables, JSON, CSV and drawings."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image
from strangers_digits import picture

import eyechart as ec
from eyechart.inference.as_csv import csv_text
from eyechart.inference.prediction import FoundBox, PictureAnswer
from eyechart.terminal.answers import answers_table
from eyechart.words.remarks import REMARKS, in_words
from tests.in_process import eyechart

pytestmark = pytest.mark.slow  # some tests wait for a training


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a 3 and a 7, a blank page, two digits side by side, and a file that is none."""
    folder = tmp_path_factory.mktemp("pictures")
    picture("hand", "felt pen", 3, 0).save(folder / "3.png")
    picture("hand", "transparent, white ink", 7, 0).save(folder / "7.png")
    Image.new("L", (90, 120), 255).save(folder / "blank.png")
    both = Image.new("RGB", (600, 280), "white")
    for place in (0, 1):
        both.paste(picture("hand", "felt pen", 4, 0), (300 * place, 0))
    both.save(folder / "two.png")
    return folder


@pytest.mark.parametrize(
    "words", [["--draw", "."], ["--draw", "3.png"], ["--show-steps", "."], ["--sheet", "3.png"], ["--csv", "3.png"]]
)
def test_no_picture_is_written_over(words: list[str], reading_study: Path, pictures: Path, tmp_path: Path) -> None:
    shutil.copy(pictures / "3.png", tmp_path / "3.png")
    before = (tmp_path / "3.png").read_bytes()
    done = eyechart("predict", reading_study / "cnn-s0", "3.png", *words, cwd=tmp_path)
    assert (done.returncode, "is one of the pictures" in done.stderr) == (2, True)
    assert (tmp_path / "3.png").read_bytes() == before


def test_a_folder_without_pictures_is_told_and_the_others_are_asked(
    reading_study: Path, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    done = eyechart("predict", reading_study / "cnn-s0", tmp_path / "empty", pictures / "3.png", "--json")
    assert (done.returncode, len(json.loads(done.stdout))) == (0, 1)
    assert "empty holds no picture" in done.stderr.replace("\n", "")


@pytest.fixture(scope="module")
def study(reading_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run under two names: a study of two contenders."""
    folder = tmp_path_factory.mktemp("runs") / "study"
    shutil.copytree(reading_study, folder)
    shutil.copytree(folder / "cnn-s0", folder / "vit-s0")
    run = json.loads((folder / "vit-s0" / "run.json").read_text(encoding="utf-8"))
    (folder / "vit-s0" / "run.json").write_text(
        json.dumps(run | {"run": "vit-s0", "contender": "vit"}), encoding="utf-8"
    )
    plan = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    plan |= {"contenders": ["cnn", "vit"], "recipes": plan["recipes"] | {"vit": plan["recipes"]["cnn"]}}
    (folder / "study.json").write_text(json.dumps(plan), encoding="utf-8")
    return folder


def rows_of(told: str) -> dict[str, str]:
    """The lines of a table by the name of their picture's file."""
    words = [line.split(maxsplit=1) for line in told.splitlines()[2:] if line.strip()]
    return {Path(first).name: rest.strip() for first, rest in words}


def test_all_contenders_stand_side_by_side(study: Path, pictures: Path) -> None:
    result = eyechart("predict", study, pictures, COLUMNS="300")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0].split() == ["picture", "cnn-s0", "vit-s0"]
    rows = rows_of(result.stdout)
    assert list(rows) == ["3.png", "7.png", "blank.png", "two.png"]
    assert rows["3.png"].split()[0::3] == ["3", "3"]
    assert rows["7.png"].split()[0::3] == ["7", "7"]
    assert rows["blank.png"].split() == ["blank", "blank"]
    assert rows["two.png"].count("several digits (2)") == 2


def test_more_candidates(study: Path, pictures: Path) -> None:
    one = eyechart("predict", study / "cnn-s0", pictures / "3.png", "--top", 3, COLUMNS="300")
    assert one.stdout.splitlines()[0].split() == ["picture", "answer", *["probability", "next"] * 2, "probability"]
    two = eyechart("predict", study, pictures / "3.png", "--top", 3, COLUMNS="300")
    assert rows_of(two.stdout)["3.png"].count("%") == 6
    assert eyechart("predict", study, pictures / "3.png", "--top", 0).returncode == 2


def test_json_has_every_answer(study: Path, pictures: Path) -> None:
    result = eyechart("predict", study, pictures / "3.png", pictures / "blank.png", "--json")
    told = json.loads(result.stdout)
    assert [(each["run"], each["label"], each["remark"]) for each in told] == [
        ("cnn-s0", "3", None), ("vit-s0", "3", None), ("cnn-s0", None, "blank"), ("vit-s0", None, "blank"),
    ]  # fmt: skip
    assert sum(told[0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_csv_for_other_programs(study: Path, pictures: Path, tmp_path: Path) -> None:
    printed = eyechart("predict", study, pictures, "--csv", "-", "--top", 2)
    rows = list(csv.DictReader(io.StringIO(printed.stdout)))
    assert len(rows) == 8
    assert rows[0].keys() >= {"picture", "run", "answer", "probability", "said", "answer_2", "probability_2"}
    assert [row["answer"] or row["said"] for row in rows[::2]] == ["3", "7", "blank", "several digits (2)"]
    written = eyechart("predict", study, pictures, "--csv", tmp_path / "a.csv", "--top", 2)
    assert "3.png" in written.stdout
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == printed.stdout
    both = eyechart("predict", study, pictures, "--csv", "-", "--json")
    assert (both.returncode, "choose one" in both.stderr) == (2, True)


def test_a_picture_that_cannot_be_read_has_its_line(study: Path, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nonsense")
    result = eyechart("predict", study, tmp_path / "broken.png", pictures / "3.png", COLUMNS="300")
    assert result.returncode == 3
    rows = rows_of(result.stdout)
    assert rows["broken.png"].count("cannot be read") == 2
    assert rows["3.png"].startswith("3 ")
    assert "no picture format that is known here" in result.stderr
    assert "1 of 2 pictures could not be read" in result.stderr
    told = json.loads(eyechart("predict", study, tmp_path / "broken.png", "--json").stdout)
    assert ["no picture format" in each["error"] for each in told] == [True, True]


def test_a_picture_from_the_standard_input(study: Path, pictures: Path) -> None:
    piped = io.TextIOWrapper(io.BytesIO((pictures / "3.png").read_bytes()))
    with mock.patch("sys.stdin", piped):
        result = eyechart("predict", study / "cnn-s0", "-", "--json")
    (answer,) = json.loads(result.stdout)
    assert (answer["picture"], answer["label"]) == ("-", "3")


def test_the_sheet_and_the_steps_are_drawn(study: Path, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"nothing")
    sheet, steps = tmp_path / "sheet.png", tmp_path / "steps"
    result = eyechart("predict", study, pictures, tmp_path / "broken.png", "--sheet", sheet, "--show-steps", steps)
    assert result.returncode == 3
    drawn = np.asarray(Image.open(sheet).convert("RGB"))
    assert drawn.shape[1] > 600
    assert (drawn == (0x00, 0x72, 0xB2)).all(axis=2).sum() > 500, "bars in the colour of cnn"
    assert (drawn == (0xD5, 0x5E, 0x00)).all(axis=2).sum() > 500, "and in that of vit"
    assert {path.name for path in steps.iterdir()} == {"3.png", "7.png", "blank.png", "two.png"}
    one = eyechart("predict", study, pictures / "7.png", "--show-steps", tmp_path / "one.png")
    assert one.returncode == 0
    wide, narrow = Image.open(tmp_path / "one.png").width, Image.open(steps / "blank.png").width
    assert wide > narrow, "more steps were taken"
    before = sheet.read_bytes()
    again = eyechart("predict", study, pictures, "--sheet", sheet, "--csv", tmp_path / "a.csv")
    assert (again.returncode, f"{sheet} is there already" in again.stderr) == (2, True)
    assert (sheet.read_bytes(), (tmp_path / "a.csv").exists()) == (before, False)
    raw = eyechart(
        "predict", study, pictures / "7.png", "--raw", "--sheet", sheet, "--exist-ok", "--show-steps",
        tmp_path / "raw.png",
    )  # fmt: skip
    assert "was not prepared" in raw.stderr
    assert not (tmp_path / "raw.png").exists()
    wrong = eyechart("predict", study, pictures, "--show-steps", tmp_path / "all.png")
    assert (wrong.returncode, "expected a folder" in wrong.stderr) == (2, True)


def test_as_it_comes(study: Path, pictures: Path) -> None:
    told = json.loads(eyechart("predict", study / "cnn-s0", pictures / "blank.png", "--raw", "--json").stdout)
    assert told[0]["label"] in "0123456789"
    assert told[0]["remark"] is None


def test_drawing_is_for_one_run(study: Path, pictures: Path, tmp_path: Path) -> None:
    several = eyechart("predict", study, pictures / "3.png", "--draw", tmp_path / "a.png")
    assert (several.returncode, "take --sheet" in several.stderr) == (2, True)
    one = eyechart("predict", study / "cnn-s0", pictures / "3.png", "--draw", tmp_path / "a.png")
    assert one.returncode == 0
    assert (tmp_path / "a.png").is_file()


def test_nothing_to_ask_about(study: Path, tmp_path: Path) -> None:
    result = eyechart("predict", study, tmp_path)
    assert (result.returncode, "There is no picture in" in result.stderr) == (2, True)
    assert eyechart("predict", study).returncode == 2


def test_the_same_from_python(study: Path, pictures: Path) -> None:
    answers = ec.predict(study, [pictures / "3.png", pictures / "blank.png"], device="cpu")
    assert [(each.run, each.label, each.said) for each in answers] == [
        ("cnn-s0", "3", ""), ("vit-s0", "3", ""), ("cnn-s0", None, "blank"), ("vit-s0", None, "blank"),
    ]  # fmt: skip
    (raw,) = ec.predict(str(study / "cnn-s0"), str(pictures / "blank.png"), raw=True)
    assert raw.label is not None


def test_one_picture_is_answered_within_a_second(study: Path, pictures: Path) -> None:
    eyechart("predict", study / "cnn-s0", pictures / "3.png")  # imports, and whatever torch does once
    started = time.process_time()
    assert eyechart("predict", study / "cnn-s0", pictures / "7.png").returncode == 0
    assert time.process_time() - started < 1.0


# --------------------------------------------------------------------------------------------- without a training


def an_answer(**fields: object) -> PictureAnswer:
    plain = PictureAnswer("a.png", "3", 0.9, {"3": 0.9, "8": 0.1}, [], "cnn-s0", "cnn")
    return plain._replace(**fields)  # type: ignore[arg-type]


def test_a_detector_that_found_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = an_answer(label=None, probability=None, probabilities={}, remark="nothing", said="nothing found")
    found = an_answer(picture="b.png", boxes=[FoundBox("3", 0.97, (1.0, 2.0, 20.0, 30.0))])
    answers_table([[nothing], [found]], 2)
    told = rows_of(capsys.readouterr().out)
    assert "nothing found" in told["a.png"]
    assert "10.0 %" not in told["a.png"]
    assert "3 97 % at 1,2,20,30" in told["b.png"]
    assert csv_text([nothing], 1).splitlines()[1] == "a.png,cnn-s0,cnn,,,nothing found,"


def test_remarks_in_both_languages() -> None:
    for remark in REMARKS:
        english, french = (in_words(remark, count=3, classes=("0", "1"), french=each) for each in (False, True))
        assert english != french
    assert in_words("several", count=3, classes=("0", "1")) == "several digits (3)"
    assert in_words("several", count=2, classes=("a", "b"), french=True) == "plusieurs objets (2)"


def test_a_table_in_the_home_folder(
    study: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert eyechart("predict", study, pictures / "7.png", "--csv=~/a.csv").returncode == 0
    assert (tmp_path / "a.csv").is_file()
