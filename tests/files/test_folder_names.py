"""A name is the name of one folder, here and on every other system."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyechart.base.errors import UsageError
from eyechart.files.folder_names import MOST_BYTES, check_folder_name, folder_name_of
from eyechart.study import plan as plans

BAD = {
    "../up": "'/'", "a/b/c": "'/'", "/tmp/x": "'/'", "a\\b": r"'\\\\'", "C:x": "':'", "what?": r"'\?'",
    ".": "a dot", "..": "a dot", ".hidden": "a dot", "": "is empty", "  ": "is empty", " a": "a space", "a ": "a space",
    "a.": "ends with a dot", "a\0b": "cannot be printed", "a\nb": "cannot be printed", "\udcff": "cannot be printed",
    "CON": "Windows", "nul.txt": "Windows", "Com1": "Windows", "x" * (MOST_BYTES + 1): "longer than",
    "é" * MOST_BYTES: "longer than",
}  # fmt: skip
GOOD = ["try-2", "étude été", "lr=0.1", "a.b", "console", "com10", "名前", "x" * MOST_BYTES]


@pytest.mark.parametrize("name", BAD)
def test_bad_names_are_refused_before_anything_is_made(name: str) -> None:
    with pytest.raises(UsageError, match=rf"--name got .*{BAD[name]}.*expected the name of one folder"):
        plans.plan_study(["cnn"], name=name)


@pytest.mark.parametrize("name", GOOD)
def test_good_names_are_taken_as_they_are(name: str) -> None:
    assert plans.plan_study(["cnn"], name=name).name == name
    assert folder_name_of(name) == name


@pytest.mark.parametrize("name", BAD)
def test_a_good_name_can_be_made_of_every_text(name: str) -> None:
    check_folder_name(folder_name_of(name))


@pytest.mark.parametrize("data", [".", "..", "/", "a/", "x.", "a b ", "a:b", "con", "é" * 300, "a\nb", "~", "*"])
def test_the_name_that_is_made_of_a_dataset_is_good(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever lies there: some of these are whole disks."""
    monkeypatch.setattr(plans, "task_of", lambda data: "classification")
    check_folder_name(plans.plan_study(["cnn"], data=data, preset="smoke").name)


def test_a_dataset_that_no_record_can_name_is_refused() -> None:
    with pytest.raises(UsageError, match=r"is not UTF-8.*rename it"):
        plans.plan_study(["cnn"], data="\udcff", preset="smoke")


def test_the_usual_names_stay_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my pictures").mkdir()
    monkeypatch.chdir(tmp_path / "my pictures")
    for data, name in {
        "mnist": "smoke-mnist", "fashion-mnist": "smoke-fashion_mnist", "data/cats.zip": "smoke-cats",
        "cats/": "smoke-cats", ".": "smoke-my_pictures", "cats.npz": "smoke-cats", "CATS.ZIP": "smoke-CATS",
    }.items():  # fmt: skip
        assert plans.plan_study(["cnn"], data=data, preset="smoke").name == name


def test_what_stands_behind_a_dot_tells_datasets_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "task_of", lambda data: "detection")
    names = [
        plans.plan_study(["fasterrcnn"], data=data, preset="smoke").name
        for data in ("data.v1", "data.v2", "scenes:mnist,overlap=0.1", "scenes:mnist,overlap=0.3", "scenes:mnist")
    ]
    assert names == [
        "smoke-data.v1", "smoke-data.v2", "smoke-scenes-mnist_overlap_0.1", "smoke-scenes-mnist_overlap_0.3",
        "smoke-scenes-mnist",
    ]  # fmt: skip
