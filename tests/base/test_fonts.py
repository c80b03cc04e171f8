"""Fonts for names in any script: what is installed is asked, and a sign that nothing has is written as its number."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.font_manager import fontManager
from PIL import Image
from typer.testing import CliRunner

from eyechart.base import fonts
from eyechart.cli import app
from eyechart.data.contact_sheet import draw_contact_sheet
from eyechart.report.charts import drawing, new_panel, saved_panel
from eyechart.report.page import write_report
from eyechart.schema import DatasetCard
from eyechart.schema.contracts import Dataset, LabelledImages

CAT, DOG = "猫", "犬"


def make_font(path: Path, family: str, signs: str) -> fonts.Font:
    """A font file in which every sign is a black square."""
    pen = TTGlyphPen(None)
    for place in ((100, 0), (100, 700), (800, 700), (800, 0)):
        (pen.moveTo if place == (100, 0) else pen.lineTo)(place)
    pen.closePath()
    names = [".notdef", *(f"sign{number}" for number in range(len(signs)))]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(dict(zip(map(ord, signs), names[1:], strict=True)))
    builder.setupGlyf(dict.fromkeys(names, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (900, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return fonts.Font(family, str(path))


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing is installed but what matplotlib carries."""
    monkeypatch.setattr(fonts, "installed", lambda: (fonts.own_font(),))


@pytest.fixture
def cat_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fonts.Font:
    """A machine with one more font, which has 猫 and Latin letters and lacks 犬."""
    font = make_font(tmp_path / "cats.ttf", "Cats", CAT + "catdog 0123456789,")
    monkeypatch.setattr(fonts, "installed", lambda: (fonts.own_font(), font))
    monkeypatch.setattr(fontManager, "ttflist", list(fontManager.ttflist))
    fontManager.addfont(font.path)
    return font


def test_our_own_font_is_asked_first_and_others_only_for_what_it_lacks(cat_font: fonts.Font) -> None:
    assert fonts.families_for(["cat", "É → –"]) == ["DejaVu Sans"]
    assert fonts.families_for(["cat", CAT]) == ["DejaVu Sans", "Cats"]
    assert fonts.signs_without_font([CAT, DOG, "dog"]) == [DOG]


def test_what_no_font_has_is_written_as_its_number(no_fonts: None) -> None:
    assert fonts.families_for([CAT]) == ["DejaVu Sans"]
    font, text = fonts.pillow_font(f"{CAT} cat \U0002000b", 20)
    assert text == "\\u732b cat \\U0002000b"
    assert font.getname()[0] == "DejaVu Sans"


def test_one_font_draws_the_whole_line(cat_font: fonts.Font) -> None:
    font, text = fonts.pillow_font(f"{CAT} cat", 20)
    assert (font.getname()[0], text) == ("Cats", f"{CAT} cat")
    font, text = fonts.pillow_font("cat", 20)
    assert font.getname()[0] == "DejaVu Sans"


def test_the_machines_own_fonts_can_be_asked() -> None:
    assert fonts.installed()
    assert all(Path(font.path).is_file() for font in fonts.installed())
    assert "a" in fonts.signs_of(fonts.own_font(bold=True).path)
    assert fonts.signs_of("nowhere.ttf") == frozenset()
    unassigned = "\U0003fff0"  # no font of letters has it, and the last resort has a box for it
    assert not any("Last Resort" in font.family for font in fonts.installed())
    assert fonts.families_for(["a"]) == ["DejaVu Sans"]
    assert unassigned in fonts.signs_without_font([unassigned])


def test_the_contact_sheet_draws_what_can_be_drawn(cat_font: fonts.Font) -> None:
    part = LabelledImages(np.zeros((4, 1, 8, 8), np.uint8), np.array([0, 0, 1, 1]))

    def sheet(*classes: str) -> np.ndarray:
        card = DatasetCard(
            name="pets", title="pets", source="made up", licence="none", content_sha256="0" * 64, classes=classes,
            num_channels=1, height=8, width=8, num_train=4, num_test=4,
        )  # fmt: skip
        return np.asarray(draw_contact_sheet(Dataset(card, part, part)))

    rows = sheet(CAT, "dog")[100:130, 48:70, 0]
    assert (rows < 60).mean() > 0.25, "a black square, which is what 猫 looks like in this font"
    assert np.array_equal(sheet(DOG, "dog"), sheet("\\u72ac", "dog")), "its number, as if that were the name"


def report_files(fake_runs: ModuleType, folder: Path, names: tuple[str, str]) -> tuple[str, Path]:
    one = {"cnn": fake_runs.FIVE["cnn"]}
    runs = fake_runs.fake_study(folder / "study", one, num_items=200, classes=names, dataset="animals")
    return write_report(runs, folder / "r.html").read_text(), folder / "r-figures"


@pytest.mark.filterwarnings("error")
def test_figures_keep_names_for_the_browser_and_say_once_what_pngs_lack(
    no_fonts: None, fake_runs: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    page, figures = report_files(fake_runs, tmp_path, (CAT, DOG))
    assert page.count("No font that is installed here has") == 1
    assert "has 犬 猫, so picture files show their numbers, such as \\u72ac" in page
    assert f">{CAT}<" in (figures / "classes-f1.svg").read_text()
    assert not [record for record in caplog.records if "font" in record.name]


def test_a_png_has_numbers_and_the_svg_has_names(no_fonts: None, tmp_path: Path) -> None:
    with drawing([CAT, DOG]):
        figure, axes = new_panel(3.0, 2.0, (0.5, 0.5, 0.2, 0.2))
        axes.set_yticks([0, 1], [CAT, "cat"])
        axes.set_title(f"{DOG} dog")
        axes.set_xlim(2, 5)
        panel = saved_panel(figure, "pets", "", tmp_path)
    assert all(f">{name}<" in panel.svg for name in (CAT, "cat", f"{DOG} dog"))
    # The PNG is drawn last, so the figure still holds what it shows.
    assert [label.get_text() for label in axes.get_yticklabels()] == ["\\u732b", "cat"]
    assert axes.get_title() == "\\u72ac dog"
    assert next(label.get_text() for label in axes.get_xticklabels()) == "2", "figures are as they were"


def test_figures_use_an_installed_font_and_nothing_is_said_of_it(
    cat_font: fonts.Font, tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    with drawing(["cat", CAT]):
        figure, axes = new_panel(3.0, 2.0, (0.5, 0.5, 0.2, 0.5))
        axes.set_title(CAT, weight="bold", fontsize=40)  # the font has no bold kind
        saved_panel(figure, "pets", "", tmp_path)
    assert axes.get_title() == CAT
    with Image.open(tmp_path / "pets.png") as picture:
        top = np.asarray(picture.convert("L"))[:100]
    assert (top < 60).mean() > 0.04, "a black square, which is what 猫 looks like in this font"
    assert not caplog.records
    assert not recwarn.list


def test_a_contact_sheet_says_it_once(no_fonts: None, empty_cache: Path, tmp_path: Path) -> None:
    for name in (CAT, DOG):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for shade in range(4):
            Image.new("L", (8, 8), 60 * shade).save(tmp_path / "pictures" / name / f"{shade}.png")
    sheet = str(tmp_path / "sheet.png")
    result = CliRunner().invoke(app, ["data", "show", str(tmp_path / "pictures"), "--output", sheet])
    assert result.exit_code == 0, result.output
    assert result.stderr.count("No font that is installed here has 犬 猫") == 1
    assert result.stdout == sheet + "\n"
