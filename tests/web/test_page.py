"""The exported folder in a real browser, from a plain static server, below a path: what is drawn is answered there."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eyechart.inference.panel import open_panel
from eyechart.serve.limits import Limits
from eyechart.serve.reading import Reader
from tests.pages import NEEDS_CHROMIUM, opening
from tests.serve.test_page import SEVEN, THREE, TWO, ZERO, draw, ink_on

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, which the extra dev brings")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    NEEDS_CHROMIUM,
]
expect = playwright.expect
ANSWERS = """async (pictures) => {
  window.back ??= (await import(new URL("page/back.js", location))).openBack(() => {});
  const answers = [];
  for (const [data, reading] of pictures) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    answers.push(await window.back.answer(new Blob([bytes]), {reading, steps: false}));
  }
  return answers;
}"""


class Silent(http.server.SimpleHTTPRequestHandler):
    """As `python3 -m http.server`."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Of the folder, below another one."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(site.parent)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{site.name}/"
    server.shutdown()
    server.server_close()
    thread.join(20)


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens the page."""
    with opening(browser, address, patience=60) as open_page:
        yield open_page


def says(page: Any, verdict: str) -> None:
    """Loading two networks and a runtime takes its time at first."""
    expect(page.locator("#verdict")).to_have_text(verdict, timeout=60_000)


def png_of(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


# --------------------------------------------------------------------------------------------- the same answers


def test_answers_are_those_of_python(opened: Callable[..., Any], two: Path, three: bytes, line: bytes) -> None:
    """Of every way of drawing: what was seen, who says what and how surely, in which boxes, and what is refused."""
    from strangers_digits import WAYS, picture

    pictures = [(png_of(picture("hand", way, 3 * place % 10, 3)), "one") for place, way in enumerate(WAYS)]
    pictures += [(png_of(Image.new("L", (90, 60), 255)), "one"), (three, "one"), (line, "one"), (line, "line")]
    reader = Reader(open_panel([two], device="cpu"), 1, Limits())
    page = opened()
    answers = page.evaluate(ANSWERS, [[base64.b64encode(content).decode(), reading] for content, reading in pictures])
    for theirs, (content, reading) in zip(answers, pictures, strict=True):
        ours = (reader.line if reading == "line" else reader.one)(content).model_dump(mode="json")
        for key in ("reading", "how", "width", "height"):
            assert theirs[key] == ours[key]
        for theirs_one, ours_one in zip([theirs, *theirs["things"]], [ours, *ours["things"]], strict=True):
            assert theirs_one["agreement"] == ours_one["agreement"]
            assert_same_pixels(theirs_one["seen"], ours_one["seen"])
            for one, other in zip(theirs_one["contenders"], ours_one["contenders"], strict=True):
                assert_same_answer(one, other)
        assert [each["labels"] for each in theirs["lines"]] == [each["labels"] for each in ours["lines"]]
    reader.close()


def assert_same_pixels(one: str | None, other: str | None) -> None:
    if one is None or other is None:
        assert one == other
        return
    first, second = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L")).astype(int)
        for url in (one, other)
    )
    assert np.abs(first - second).max() <= 2


def assert_same_answer(one: dict[str, Any], other: dict[str, Any]) -> None:
    for key in ("run", "contender", "label", "remark", "said"):
        assert one[key] == other[key]
    assert one["probability"] == (other["probability"] and pytest.approx(other["probability"], abs=0.02))
    assert len(one["classes"]) == len(other["classes"])
    sure = [[box for box in each["boxes"] if box["score"] > 0.5] for each in (one, other)]
    for found, twin in zip(*sure, strict=True):
        assert found["label"] == twin["label"]
        assert found["box"] == pytest.approx(twin["box"], abs=0.05 * max(twin["box"]))


# --------------------------------------------------------------------------------------------- drawing


def test_every_model_answers_a_drawn_three(opened: Callable[..., Any]) -> None:
    page = opened()
    draw(page, THREE)
    says(page, "Both say 3.")
    rows = page.locator(".contender")
    expect(rows.locator(".name b")).to_have_text(["cnn", "fasterrcnn"])
    expect(rows.locator(".answer")).to_have_text(["3", "3"])
    for row in rows.all():
        expect(row.locator(".time")).to_have_text(re.compile(r"^\d+(\.\d)? ms$"))
        expect(row.locator(".sure")).to_have_text(re.compile(r"%$"))
        expect(row.locator(".bars")).to_have_attribute("aria-label", re.compile(r"^3 "))
    expect(page.locator("#boxes rect.detected")).to_have_count(1)
    expect(page.locator("#spoken")).to_have_text(re.compile(r"^Both say 3\. cnn: 3, "))
    expect(page.locator("#seen img")).to_have_count(1)
    page.locator("#steps-frame summary").click()
    expect(page.locator("#steps li")).to_have_count(6)
    expect(page.locator("#steps li").first).to_contain_text("as it came")
    expect(page.get_by_role("link", name="OpenAPI")).to_be_hidden()


def test_undo_clear_and_keys(opened: Callable[..., Any]) -> None:
    page = opened()
    draw(page, THREE)
    says(page, "Both say 3.")
    draw(page, [(0.05, 0.05), (0.05, 0.95)])
    expect(page.locator("#verdict")).not_to_have_text("Both say 3.")
    page.keyboard.press("Control+z")
    says(page, "Both say 3.")
    page.locator("#clear").click()
    says(page, "…")
    assert ink_on(page) == 0
    expect(page.locator("#saw")).to_be_hidden()


def test_a_chosen_a_pasted_and_a_dropped_picture(opened: Callable[..., Any], three: bytes) -> None:
    page = opened()
    page.locator("#choose").set_input_files({"name": "3.png", "mimeType": "image/png", "buffer": three})
    says(page, "Both say 3.")
    made = (
        "([kind, data]) => { const all = new DataTransfer();"
        " const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));"
        " all.items.add(new File([bytes], '3.png', {type: 'image/png'}));"
        " const how = {clipboardData: all, dataTransfer: all, bubbles: true, cancelable: true};"
        " document.dispatchEvent(kind === 'paste' ? new ClipboardEvent(kind, how) : new DragEvent(kind, how)); }"
    )
    for kind in ("paste", "drop"):
        page.locator("#clear").click()
        says(page, "…")
        page.evaluate(made, [kind, base64.b64encode(three).decode()])
        says(page, "Both say 3.")


def test_what_is_no_picture_is_told_in_both_languages(opened: Callable[..., Any]) -> None:
    page = opened()
    page.locator("#choose").set_input_files({"name": "3.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#verdict")).to_contain_text("This browser cannot read that as a picture.", timeout=60_000)
    page.get_by_role("button", name="Français").click()
    expect(page.locator("#verdict")).to_contain_text("Ce navigateur ne peut pas lire cela comme une image.")
    draw(page, THREE)
    says(page, "Les deux disent 3.")


def test_several_digits_are_boxed_and_read(opened: Callable[..., Any]) -> None:
    page = opened()
    page.get_by_text("A line of digits").click()
    for place, digit in enumerate((TWO, ZERO, SEVEN, THREE)):
        draw(page, digit, 0.04 + 0.24 * place, 0.2, 0.15, 0.7)
    says(page, "They read 2 0 7 3.")
    expect(page.locator("#boxes rect.found")).to_have_count(4)
    expect(page.locator("#boxes rect.detected")).to_have_count(4)
    expect(page.locator("#boxes text")).to_have_text(["2", "0", "7", "3"])
    for row in page.locator(".contender").all():
        expect(row.locator(".digit")).to_have_text(["2", "0", "7", "3"])
    expect(page.locator("#seen img")).to_have_count(4)


def test_several_digits_on_the_small_sheet_go_on_as_a_line(opened: Callable[..., Any]) -> None:
    page = opened()
    draw(page, TWO, 0.02, 0.45, 0.2, 0.6)
    draw(page, SEVEN, 0.53, 0.45, 0.2, 0.6)
    says(page, "Several digits (2).")
    page.get_by_role("button", name="Read them one by one").click()
    says(page, "They read 2 7.")


def test_a_hard_image_shows_its_label(opened: Callable[..., Any]) -> None:
    page = opened()
    hardest = page.locator("#gallery button").first
    label = hardest.inner_text()
    hardest.click()
    expect(page.locator("#beside")).to_contain_text(f"The test set says {label}.", timeout=60_000)


# --------------------------------------------------------------------------------------------- the page


def test_languages_and_themes_switch_and_stay(opened: Callable[..., Any]) -> None:
    page = opened(color_scheme="light")
    draw(page, THREE)
    says(page, "Both say 3.")
    page.get_by_role("button", name="Français").click()
    says(page, "Les deux disent 3.")
    page.locator("#theme").click()
    page.locator("#theme").click()
    page.reload()
    expect(page.locator("#question")).to_have_text("Dessinez un chiffre, et deux réseaux répondent")
    assert page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == "rgb(22, 22, 20)"


@pytest.mark.parametrize("reading", ["One digit", "A line of digits"])
def test_on_a_phone(opened: Callable[..., Any], reading: str) -> None:
    page = opened(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, device_scale_factor=2)
    page.get_by_text(reading).click()
    draw(page, THREE, 0.1, 0.8 if reading == "One digit" else 0.2, 0.1, 0.8)
    says(page, "Both say 3." if reading == "One digit" else "They read 3.")
    wide, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= inner == 360


def test_the_report_opens(browser: Any, address: str) -> None:
    page = browser.new_page(locale="en-GB")
    page.goto(address)
    page.get_by_role("link", name="Report").click()
    expect(page).to_have_title(re.compile("MNIST"))
    page.close()


def test_it_tells_how_much_is_still_on_its_way(browser: Any, address: str) -> None:
    page = browser.new_page(locale="en-GB")
    page.route("**/1-fasterrcnn-s0.onnx", lambda route: None)  # never answered
    page.goto(address)
    expect(page.locator("#beside")).to_have_text(re.compile(r"^The networks are on their way: \d+ of \d+ MB\.$"))
    draw(page, THREE)
    expect(page.locator("#verdict")).to_have_text("…")
    page.close()


def test_a_network_that_is_missing_is_named(browser: Any, address: str) -> None:
    page = browser.new_page(locale="en-GB")
    page.route("**/1-fasterrcnn-s0.onnx", lambda route: route.fulfill(status=404))
    page.goto(address)
    draw(page, THREE)
    expect(page.locator("#verdict")).to_contain_text("models/1-fasterrcnn-s0.onnx: 404", timeout=60_000)
    page.close()


@pytest.mark.parametrize(("locale", "told"), [("en-GB", "a static server"), ("fr-FR", "d'un serveur statique")])
def test_opened_from_a_file_it_says_that_it_needs_a_server(browser: Any, site: Path, locale: str, told: str) -> None:
    page = browser.new_page(locale=locale)
    page.goto((site / "index.html").as_uri())
    expect(page.locator("#verdict")).to_contain_text(told)
    expect(page.locator("#beside")).to_contain_text("python3 -m http.server")
    page.close()
