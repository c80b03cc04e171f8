"""`eyechart scenes`: a folder that every detection tool reads, made from one dataset's own parts, and checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eyechart.base.errors import DatasetError, UsageError
from eyechart.cli import app

MAKE = ["scenes", "make", "digits", "--offline", "--train", "6", "--validation", "3", "--test", "2", "--canvas", "64"]


def eyechart(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_made_and_checked(tmp_path: Path) -> None:
    made = eyechart(*MAKE, "-o", tmp_path / "s", "--side", "8-20", "--count", "3")
    assert made.exit_code == 0
    assert made.stdout.strip() == f"scenes: {tmp_path / 's'}"
    checked = eyechart("scenes", "check", tmp_path / "s").stdout.splitlines()
    assert checked[0] == "COCO: 10 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    by_part = {line.partition(":")[0]: line for line in checked[1:]}
    assert by_part["train"].startswith("train: 6 pictures of 64 x 64 pixels, ")
    assert by_part["validation"].startswith("validation: 3 pictures of 64 x 64 pixels, ")
    assert by_part["test"].startswith("test: 2 pictures of 64 x 64 pixels, ")


def test_the_same_seed_makes_the_same_files(tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert eyechart(*MAKE, "-o", tmp_path / name, "--seed", seed).exit_code == 0
    files = [path.relative_to(tmp_path / "a") for path in sorted((tmp_path / "a").rglob("*")) if path.is_file()]
    assert len(files) == 6 + 3 + 2 + 3
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
    assert any((tmp_path / "a" / file).read_bytes() != (tmp_path / "c" / file).read_bytes() for file in files)


def test_a_part_of_none_is_left_out(tmp_path: Path) -> None:
    assert eyechart(*MAKE, "--test", "0", "-o", tmp_path / "s").exit_code == 0
    assert not (tmp_path / "s" / "test").exists()
    with pytest.raises(UsageError, match="Expected some scenes"):
        eyechart(*MAKE, "--train", "0", "--validation", "0", "--test", "0", "-o", tmp_path / "t")
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--level", "medim"], "Did you mean 'medium'"),
        (["--count", "many"], "--count got 'many'; expected a whole number, or two with a dash"),
        (["--side", "8-900"], "Scenes cannot have side"),
        (["--ground", "blue"], "Scenes cannot have grounds"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(options: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        eyechart(*MAKE, *options, "-o", tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_folder_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is there; expected a new folder"):
        eyechart(*MAKE, "-o", tmp_path)
    with pytest.raises(DatasetError, match="has no annotations that are known"):
        eyechart("scenes", "check", tmp_path)


def made_scenes(folder: Path) -> Path:
    assert eyechart(*MAKE, "-o", folder / "s", "--test", "12", "--side", "8-20", "--count", "1-3").exit_code == 0
    return folder / "s"


def perfect(scenes: Path) -> list[dict[str, object]]:
    truth = json.loads((scenes / "annotations" / "test.json").read_text(encoding="utf-8"))["annotations"]
    return [
        {"image_id": each["image_id"], "category_id": each["category_id"], "bbox": each["bbox"], "score": 0.9}
        for each in truth
    ]


def test_detections_are_judged_and_compared(tmp_path: Path) -> None:
    scenes = made_scenes(tmp_path)
    right, wrong = tmp_path / "right.json", tmp_path / "wrong.json"
    right.write_text(json.dumps(perfect(scenes)), encoding="utf-8")
    wrong.write_text(json.dumps([each | {"category_id": 1} for each in perfect(scenes)]), encoding="utf-8")
    told = eyechart("scenes", "judge", scenes, right, wrong).stdout
    assert told.startswith("test: 12 pictures, ")
    assert "right.json finds better than wrong.json on such images" in told
    assert "as many as there are objects on 12 of 12 images" in told
    document = json.loads(eyechart("scenes", "judge", scenes, right, wrong, "--json").stdout)
    scores = {name: each["scores"]["map"] for name, each in document["detections"].items()}
    assert scores["right.json"] == pytest.approx(1)
    assert scores["wrong.json"] < 0.3
    errors = {each["kind"]: each["count"] for each in document["detections"]["wrong.json"]["errors"]}
    assert errors["class"] > 0 == errors["missed"]
    assert -1 <= document["pairs"][0]["interval"][0] < document["pairs"][0]["interval"][1] < 0
    intervals = [each["map_interval"] for each in document["detections"].values()]
    assert all(0 <= low <= high <= 1 for low, high in intervals)


def test_what_cannot_be_judged(tmp_path: Path) -> None:
    scenes = made_scenes(tmp_path)
    file = tmp_path / "x.json"
    file.write_text("[]", encoding="utf-8")
    with pytest.raises(UsageError, match=r"There is no part 'valid' here, only .*Choose one with --part"):
        eyechart("scenes", "judge", scenes, file, "--part", "valid")
    with pytest.raises(UsageError, match="is given twice"):
        eyechart("scenes", "judge", scenes, file, file)
    with pytest.raises(UsageError, match=r"--score got 2; expected 0\.\.1"):
        eyechart("scenes", "judge", scenes, file, "--score", "2")
    silent = eyechart("scenes", "judge", scenes, file).stdout
    assert "wrong by" in silent
