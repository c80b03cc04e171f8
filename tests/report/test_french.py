"""The page in French: nothing of it is left in English, and its numbers are written as French writes them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eyechart.cli import app
from eyechart.report.fields import FRENCH
from eyechart.report.page import write_report
from eyechart.schema import (
    Augmentation,
    DatasetCard,
    DetectionScores,
    Host,
    Plan,
    Preprocessing,
    Recipe,
    Rules,
    SplitsCard,
    WeightsOrigin,
)
from eyechart.words.speech import Speech, spaced

NARROW = "\N{NARROW NO-BREAK SPACE}"
ENGLISH = re.compile(
    r"\b(the|of|is|are|was|were|with|and|not|from|by|than|which|each|every|seeds?|runs?|of|to|all|images? of|epochs?"
    r"|loss|accuracy|recall|training|contenders?|mistakes?|truth|answers?|weights|shown|years?|times)\b"
)
READ_ALOUD = ("title", "aria-label", "alt")
AS_IN_THE_FILE = ("style", "script", "pre", "code", "dd")  # not sentences of the report, or values of a record


class Texts(HTMLParser):
    """What a reader sees or hears of a page, without what stands in run files."""

    def __init__(self, page: str):
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.lang = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.lang = dict(attrs).get("lang") or self.lang
        self.texts += [value for name, value in attrs if name in READ_ALOUD and value]
        if tag not in ("meta", "br", "image", "rect", "use", "line", "path"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attrs if name in READ_ALOUD and value]

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not set(AS_IN_THE_FILE) & set(self.open):
            self.texts.append(data)


@pytest.fixture(scope="module")
def french(five_runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(five_runs, tmp_path_factory.mktemp("french") / "rapport.html", lang="fr")


def test_no_english_is_left(french: Path) -> None:
    texts = Texts(french.read_text())
    assert texts.lang == "fr"
    told = [text.strip() for text in texts.texts if "A made-up" not in text]
    left = [text for text in told if ENGLISH.search(text)]
    assert left == []
    assert len(told) > 300


def test_the_check_sees_english(report: Path) -> None:
    texts = Texts(report.read_text())
    assert texts.lang == "en"
    assert len([text for text in texts.texts if ENGLISH.search(text)]) > 60


def test_numbers_have_a_comma_and_narrow_spaces(french: Path) -> None:
    texts = Texts(french.read_text()).texts
    text = " ".join(texts)
    assert re.search(rf"\d,\d\d{NARROW}%", text)
    assert f"57{NARROW}000 images" in text
    assert not re.search(r"\d %", text), "an ordinary space before %"
    ordinary = [each for each in texts if re.search(r"\w [;:?!](?!\w)", each)]
    assert ordinary == [], "an ordinary space before ; : ? !"
    assert not re.search(r"(?<![\d.])\d+\.\d+(?![\d.])", text), "a decimal point"


def test_the_synthesis_is_french_as_well(french: Path) -> None:
    text = french.with_name("rapport-synthesis.md").read_text()
    assert not ENGLISH.search(re.sub(r"\]\([^)]*\)", "]", text))
    assert "## Ce qui a été comparé" in text


@pytest.mark.parametrize(
    ("record", "told_otherwise"),
    [
        (Rules, ()), (Augmentation, ()), (Recipe, ("tuning",)), (DatasetCard, ()), (SplitsCard, ()),
        (Preprocessing, ()), (WeightsOrigin, ()), (DetectionScores, ()),
        (Plan, ("evaluation_steps", "execution", "stretches", "pacing_shares")),
        (Host, ("load_average", "memory_bytes")),
    ],
)  # fmt: skip
def test_every_field_has_a_french_name(record: type, told_otherwise: tuple[str, ...]) -> None:
    fields = set(record.model_fields) - set(told_otherwise)  # type: ignore[attr-defined]
    assert fields - set(FRENCH) == set()


def test_words_agree() -> None:
    say = Speech("fr")
    assert say.counted(1, "image", "image d'entraînement") == "1 image d'entraînement"
    assert say.counted(57_000, "image", "image d'entraînement") == f"57{NARROW}000 images d'entraînement"
    assert say.counted(0, "seed", "graine") == "0 graine"
    assert say.than("alexnet") == "qu'alexnet"
    assert say.than("vit et cnn") == "que vit et cnn"
    assert say.of("les deux autres") == "des deux autres"
    assert say.than("les deux autres") == "que les deux autres"
    assert spaced("Oui ! « x » : 3 %") == f"Oui{NARROW}! «{NARROW}x{NARROW}»{NARROW}: 3{NARROW}%"


def test_the_command_line_speaks_french(five_runs: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    done = CliRunner().invoke(app, ["report", str(five_runs[0]), "-o", str(target), "--lang", "fr"])
    assert done.exit_code == 0, done.output
    assert '<html lang="fr">' in target.read_text()


def test_the_language_can_stand_in_the_environment(five_runs: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    arguments = ["report", str(five_runs[0]), "-o", str(target)]
    assert CliRunner(env={"EYECHART_LANG": "fr"}).invoke(app, arguments).exit_code == 0
    assert '<html lang="fr">' in target.read_text()
