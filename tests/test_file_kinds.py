"""Names that are not UTF-8, named pipes and sockets: each is told or left alone, and nobody waits for ever."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from eyechart.base.errors import DatasetError, UsageError
from eyechart.data.annotations.looking import are_annotated
from eyechart.data.pictures import read_picture
from eyechart.data.regular_files import check_regular
from eyechart.files import file_names

NOT_UTF8 = b"o\xe9"
SMOKE = ["-m", "cnn", "-p", "smoke", "--threads", "1", "--offline"]
PATIENCE_SECONDS = 240  # only what hangs takes as long

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps names as text, and has no such files"),
    pytest.mark.slow,
]


def eyechart(*arguments: str | bytes | Path, here: Path, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "eyechart", *arguments],
        cwd=here, capture_output=True, encoding="utf-8", timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for number in range(60):
        file = folder / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 4 * number).save(file)
    return folder


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "x.png")
    return tmp_path / "x.png"


@pytest.fixture
def socket_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s.png")
        yield tmp_path / "s.png"


# --------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("option", ["-o", "--name"])
def test_a_study_under_a_name_that_is_not_utf8(pictures: Path, tmp_path: Path, option: str):
    """An output folder is only opened, so it works; the name of a study is recorded, so it must be text."""
    if option == "-o":
        eyechart("run", "-d", pictures, *SMOKE, "-o", NOT_UTF8, "--name", "x", here=tmp_path)
        study = os.path.join(NOT_UTF8, b"x")
        assert os.path.exists(os.path.join(os.fsencode(tmp_path), study, b"cnn-s0", b"run.json"))
        assert json.loads(eyechart("show", "--json", study, here=tmp_path))[0]["study"] == "x"
        said = eyechart("ls", NOT_UTF8, here=tmp_path)
        assert "cnn-s0" in said
        picture = os.path.join(os.fsencode(tmp_path), b"p\xe9.png")
        Image.new("L", (8, 8), 9).save(picture)
        (answer,) = json.loads(eyechart("predict", "--json", os.path.join(study, b"cnn-s0"), picture, here=tmp_path))
        assert answer["picture"].endswith("p\\xe9.png")
    else:
        said = eyechart("run", "-d", pictures, *SMOKE, "-o", "out", "--name", NOT_UTF8, here=tmp_path, code=2)
        assert "--name got" in said
        assert not (tmp_path / "out").exists()


def test_a_folder_of_pictures_that_is_not_utf8(pictures: Path, tmp_path: Path):
    given = os.path.join(os.fsencode(tmp_path), NOT_UTF8)
    os.rename(pictures, given)
    said = eyechart("run", "-d", given, *SMOKE, "-o", "out", here=tmp_path, code=2)
    assert "is not UTF-8" in said
    assert "o\\xe9" in said
    assert "o\\xe9" in eyechart("data", "verify", given, here=tmp_path)


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"plain", "plain"), ("é 1".encode(), "é 1"), (NOT_UTF8, "o\\xe9"), (b"\xff\xc3\xa9", "\\xffé")],
)
def test_names_as_text(content: bytes, text: str):
    name = os.fsdecode(content)
    assert file_names.readable(name) == text
    assert os.fsencode(file_names.for_utf8_mode(name)) == content
    try:
        recorded = file_names.recordable(name)
    except UsageError as error:
        assert text in str(error)  # noqa: PT017 - which names are refused is what the last line says
        assert b"\xe9" in content or b"\xff" in content
    else:
        assert os.fsencode(file_names.on_disk(recorded)) == content


# --------------------------------------------------------------------------------------------- pipes and sockets


@pytest.mark.parametrize("kind", ["fifo", "socket_file"])
def test_in_a_class_folder(kind: str, pictures: Path, tmp_path: Path, request: pytest.FixtureRequest):
    special: Path = request.getfixturevalue(kind)
    special.rename(pictures / "a" / special.name)
    said = eyechart("data", "verify", pictures, here=tmp_path, code=3)
    assert special.name in said
    assert {"fifo": "a named pipe", "socket_file": "a socket"}[kind] in said
    assert "expected a regular file" in said


@pytest.mark.parametrize(("kind", "words"), [("fifo", "a named pipe"), ("socket_file", "a socket")])
def test_as_a_picture(kind: str, words: str, request: pytest.FixtureRequest):
    special: Path = request.getfixturevalue(kind)
    with pytest.raises(DatasetError, match=f"{special.name} is {words}; expected a regular file"):
        read_picture(special, channels=1, height=8, width=8)


def test_a_device():
    with pytest.raises(DatasetError, match="a device"):
        check_regular("/dev/zero")


def test_as_a_dataset(fifo: Path, tmp_path: Path):
    assert "x.png" in eyechart("data", "verify", fifo, here=tmp_path, code=3)


def test_predict(fifo: Path, tmp_path: Path):
    eyechart("run", "-d", "digits", *SMOKE, "-o", "out", "--name", "x", here=tmp_path)
    assert "x.png is a named pipe" in eyechart("predict", "out/x/cnn-s0", fifo, here=tmp_path, code=3)


def test_beside_annotations(tmp_path: Path) -> None:
    """Whatever a folder is, it is looked through for annotations first."""
    for ending in ("json", "xml", "csv", "yaml"):
        os.mkfifo(tmp_path / f"x.{ending}")
    assert not are_annotated(tmp_path)
