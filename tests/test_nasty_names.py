"""Every place where a name from outside is shown, with names that are markup, control characters and worse."""

from __future__ import annotations

import html.parser
import json
import os
import random
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote_to_bytes

import pytest
from PIL import Image

from eyechart import cli
from eyechart.base.foreign_text import shown
from eyechart.files.file_names import readable
from eyechart.files.storage import STUDY_FILE, read_run
from eyechart.terminal.tables import MOST_CLASSES, repeat_command
from tests.nasty_names import NASTY_NAMES, NASTY_PATH, raw_controls

pytestmark = pytest.mark.slow

PICTURES_OF_A_CLASS = 6
SHORT_NAMES = [name for name in NASTY_NAMES if len(name) < 60]
Eyechart = Callable[..., str]


@pytest.fixture
def eyechart(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Eyechart:
    """Runs a command in this process; gives what it printed, which must be free of raw control characters."""
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: object, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["eyechart", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        assert int(ended.value.code or 0) == code, err
        assert not raw_controls(out + err)
        return out + err

    return run


def check_report(page: Path, names: list[str]) -> None:
    """The page is text that a parser reads, every figure is XML, and the names stand there as they are shown."""
    text = page.read_text(encoding="utf-8")
    assert not raw_controls(text)
    words = Words()
    words.feed(text)
    assert not words.scripts_beside_ours
    for name in names:
        assert shown(name) in words.text
    figures = [*(page.parent / f"{page.stem}-figures").glob("*.svg")]
    assert figures
    for figure in figures:
        ElementTree.fromstring(figure.read_bytes())
        assert not raw_controls(figure.read_text(encoding="utf-8"))
    markdown = page.with_name(f"{page.stem}-synthesis.md").read_text(encoding="utf-8")
    assert not raw_controls(markdown)
    assert "<script" not in markdown.replace("\\<script", "")


class Words(html.parser.HTMLParser):
    """The text of a page, and whether it holds a script that we did not write."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.scripts_beside_ours: list[str] = []
        self._tags = [""]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._tags.append(tag)
        self.text += "".join(f"\n{value}" for _, value in attributes if value)

    def handle_data(self, text: str) -> None:
        self.text += text
        if self._tags[-1] == "script" and "alert(1)" in text:
            self.scripts_beside_ours.append(text)

    def handle_endtag(self, tag: str) -> None:
        self._tags.append("")


# --------------------------------------------------------------------------------------------- reading made-up runs


@pytest.fixture(scope="module")
def read_names() -> tuple[str, ...]:
    """As records hold them: exact but for bytes that are no text."""
    return tuple(map(readable, NASTY_NAMES))


@pytest.fixture(scope="module")
def made_up(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory, read_names: tuple[str, ...]) -> Path:
    """Two contenders on a dataset whose classes have nasty names, below a folder that has one, too."""
    folder: Path = tmp_path_factory.mktemp("runs") / "[red]a\nb\x1b[31m" / "[bold]"
    two = {name: fake_runs.FIVE[name] for name in ("cnn", "fasterrcnn")}
    fake_runs.fake_study(folder, two, (0, 1), num_items=400, classes=read_names)
    (folder / STUDY_FILE).write_text("{}")
    return folder


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 160, 200])
def test_lists_and_sheets(made_up: Path, eyechart: Eyechart, monkeypatch: pytest.MonkeyPatch, columns: int):
    monkeypatch.setenv("COLUMNS", str(columns))
    told = eyechart("ls", made_up)
    for record in [read_run(folder) for folder in sorted(made_up.glob("*-s?"))]:
        assert f"{100 * record.test.accuracy:.2f}" in told
        assert f"{record.test.macro_f1:.4f}" in told
        assert f"{record.test.loss:.4f}" in told
    sheet = eyechart("show", made_up / "cnn-s0")
    told = "".join(sheet.split())
    not_told = [name for name in SHORT_NAMES if "".join(shown(name).split()) not in told]
    assert len(not_told) <= len(NASTY_NAMES) - MOST_CLASSES, "of many classes it tells those with the lowest F1"
    eyechart("show", made_up)
    eyechart("compare", made_up)
    eyechart("compare", made_up, "--metric", "all", "--lang", "fr")


def test_json_keeps_the_names_exactly(made_up: Path, eyechart: Eyechart, read_names: tuple[str, ...]):
    run = json.loads(eyechart("show", made_up / "cnn-s0", "--json"))
    assert tuple(run["dataset"]["classes"]) == read_names
    json.loads(eyechart("compare", made_up, "--json"))


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_report(made_up: Path, eyechart: Eyechart, tmp_path: Path, read_names: tuple[str, ...], lang: str):
    page = tmp_path / f"{lang}[red].html"
    assert "[red]" in eyechart("report", made_up, "-o", page, "--lang", lang)
    check_report(page, [name for name in read_names if len(name) < 60])
    figure = (page.parent / f"{page.stem}-figures" / "classes-f1.svg").read_text()
    assert "$x_1$" in figure
    assert "_hidden" in figure


def test_a_report_whose_name_is_no_text_leads_to_its_files(made_up: Path, eyechart: Eyechart, tmp_path: Path):
    page = tmp_path / "r\udcff.html"
    assert "r\\xff.html" in eyechart("report", made_up, "-o", page)
    links = re.findall(r'href="([^"#]+-figures/[^"]+|[^"#]+run\.json)"', page.read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert (page.parent / os.fsdecode(unquote_to_bytes(link))).is_file(), link


def test_the_command_that_repeats_a_run_is_right_and_stands_on_one_line(
    made_up: Path, eyechart: Eyechart, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "40")
    run = made_up / "cnn-s0"
    line = eyechart("show", run).splitlines()[-1]
    assert line == repeat_command(run)
    words = subprocess.run(["bash", "-c", line.replace("eyechart", "printf '%s\\0'", 1)], capture_output=True)
    assert words.stdout == b"repeat\0" + os.fsencode(run) + b"\0"


def test_a_run_says_itself_how_to_repeat_it(tmp_path: Path):
    line = repeat_command(Path("-out") / NASTY_PATH)
    assert shlex.split(line) == ["eyechart", "repeat", f"./-out/{NASTY_PATH}"]


@pytest.mark.parametrize("name", SHORT_NAMES, ids=ascii)
def test_errors_show_paths(eyechart: Eyechart, tmp_path: Path, name: str):
    for command, code in (("ls", 1), ("show", 1), ("report", 1)):
        told = eyechart(command, tmp_path / name, code=code)
        assert told.count("\n") == 1
        assert shown(name) in told


def test_labels(made_up: Path, eyechart: Eyechart, tmp_path: Path):
    pytest.importorskip("cleanlab")
    eyechart("labels", made_up)
    eyechart("labels", made_up, "-o", tmp_path / "sheet.png")
    eyechart("labels", made_up, "-o", tmp_path / "sheet.csv")
    Image.open(tmp_path / "sheet.png").verify()


# --------------------------------------------------------------------------------------------- a real study


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders with nasty names, and in each a picture with a nasty name."""
    root = tmp_path_factory.mktemp("pictures") / "[red]pics"
    for label, name in enumerate(NASTY_NAMES):
        draws = random.Random(label)
        (root / name).mkdir(parents=True)
        for number in range(PICTURES_OF_A_CLASS):
            picture = Image.new("RGB", (8, 8), (11 * label, 255 - 11 * label, draws.randrange(256)))
            picture.save(root / name / f"{number if number else name}.png")
    return root


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shared by the tests of this file, and nobody else's."""
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path_factory.getbasetemp() / "nasty-cache"))


def test_data_is_verified_and_shown(pictures: Path, cache: None, eyechart: Eyechart, tmp_path: Path):
    told = eyechart("data", "verify", pictures)
    for name in NASTY_NAMES:
        assert f"{shown(name)}: " in told
    assert "[red]pics" in told
    sheet = tmp_path / NASTY_PATH
    sheet.parent.mkdir()
    assert shown(str(sheet)) in eyechart("data", "show", pictures, "--output", sheet)
    Image.open(sheet).verify()
    facts, _ = json.JSONDecoder().raw_decode(eyechart("data", "verify", pictures, "--json"))
    assert set(facts["card"]["classes"]) == set(map(readable, NASTY_NAMES))


def test_a_study_is_trained_reported_and_asked(
    pictures: Path, cache: None, eyechart: Eyechart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    common = ("-d", pictures, "-p", "smoke", "--threads", 1, "--offline", "-o", tmp_path / "-[red]\x1b[31m")
    told = eyechart("run", "-m", "cnn,vit", "--name", "study[a]", *common)
    study = tmp_path / "-[red]\x1b[31m" / "study[a]"
    assert "study[a]" in told
    run = study / "cnn-s0"
    assert set(read_run(run).dataset.classes) == set(map(readable, NASTY_NAMES))
    check_report(study / "report.html", [readable(name) for name in SHORT_NAMES])
    for name in SHORT_NAMES:
        folder = pictures / name
        answers = eyechart("predict", run, folder / f"{name}.png")
        assert re.search(r"\d\.\d %", answers)
        assert len(answers.splitlines()) == 3
    picture = tmp_path / NASTY_PATH
    picture.parent.mkdir()
    picture.write_bytes((pictures / "_hidden" / "1.png").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert NASTY_PATH in eyechart("predict", run, NASTY_PATH)
    assert str(picture) in json.loads(eyechart("predict", run, picture, "--json"))[0]["picture"]
