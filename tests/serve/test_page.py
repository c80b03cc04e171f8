"""The page in a real browser: drawing by mouse and keys, pictures, lines, languages, themes, a phone."""

from __future__ import annotations

import base64
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from eyechart.inference.panel import runs_at
from eyechart.serve.app import build_app
from eyechart.serve.gate import Access
from eyechart.serve.limits import Limits
from eyechart.serve.reading import Reader
from tests.pages import NEEDS_CHROMIUM, opening

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, which the extra dev brings")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    NEEDS_CHROMIUM,
]
expect = playwright.expect
Points = list[tuple[float, float]]

# Shares of the sheet, as a hand would go.
THREE: Points = [
    (0.30, 0.25), (0.38, 0.18), (0.50, 0.15), (0.62, 0.19), (0.67, 0.28), (0.62, 0.38), (0.50, 0.45), (0.60, 0.50),
    (0.69, 0.60), (0.68, 0.74), (0.58, 0.84), (0.45, 0.86), (0.32, 0.80),
]  # fmt: skip
TWO: Points = [
    (0.25, 0.32), (0.32, 0.18), (0.50, 0.13), (0.66, 0.20), (0.68, 0.36), (0.55, 0.58), (0.30, 0.84), (0.50, 0.84),
    (0.74, 0.84),
]  # fmt: skip
ZERO: Points = [
    (0.50, 0.12), (0.34, 0.20), (0.26, 0.40), (0.26, 0.60), (0.34, 0.80), (0.50, 0.88), (0.66, 0.80), (0.74, 0.60),
    (0.74, 0.40), (0.66, 0.20), (0.50, 0.12),
]  # fmt: skip
SEVEN: Points = [(0.25, 0.16), (0.50, 0.15), (0.74, 0.16), (0.60, 0.45), (0.48, 0.70), (0.42, 0.88)]
# In one step of the page: a later answer draws its boxes anew.
MIDDLES_OF_BOXES = """() => {
    const sheet = document.querySelector("#pad").getBoundingClientRect();
    return [...document.querySelectorAll("#boxes rect.found")].map((box) => {
        const { x, width } = box.getBoundingClientRect();
        return (x + width / 2 - sheet.x) / sheet.width;
    });
}"""


@pytest.fixture(scope="module")
def address(reader: Reader, study: Path) -> Iterator[str]:
    """Of a server with the trained network, on a port of its own."""

    class Kept(Reader):  # its networks go on for other tests
        def __init__(self) -> None:
            super().__init__(reader.panel, 1, Limits())

    app = build_app(Kept(), study, runs_at(study), Access(), Limits())
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        thread = threading.Thread(target=lambda: server.run(sockets=[bound]))
        thread.start()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/"
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens the page."""
    with opening(browser, address) as open_page:
        yield open_page


def draw(
    page: Any, points: Points, left: float = 0.0, width: float = 1.0, top: float = 0.0, height: float = 1.0
) -> None:
    """A stroke by mouse, in a part of the sheet."""
    sheet = page.locator("#pad").bounding_box()
    placed = [
        (sheet["x"] + sheet["width"] * (left + width * x), sheet["y"] + sheet["height"] * (top + height * y))
        for x, y in points
    ]
    page.mouse.move(*placed[0])
    page.mouse.down()
    for x, y in placed[1:]:
        page.mouse.move(x, y, steps=4)
    page.mouse.up()


def ink_on(page: Any) -> int:
    """Pixels of the sheet that are not empty."""
    count: int = page.locator("#pad").evaluate(
        "pad => { const copy = new OffscreenCanvas(pad.width, pad.height).getContext('2d', {willReadFrequently: true});"
        " copy.drawImage(pad, 0, 0); const {data} = copy.getImageData(0, 0, pad.width, pad.height);"
        " let count = 0; for (let i = 3; i < data.length; i += 4) count += data[i] > 0; return count; }"
    )
    return count


# --------------------------------------------------------------------------------------------- drawing


def test_every_model_answers_a_drawn_three(opened: Callable[..., Any]) -> None:
    page = opened()
    expect(page.locator("#verdict")).to_have_text("…")
    draw(page, THREE)
    expect(page.locator("#verdict")).to_have_text("It says 3.")
    rows = page.locator(".contender")
    expect(rows).to_have_count(1)
    expect(rows.locator(".answer")).to_have_text("3")
    expect(rows.locator(".time")).to_have_text(re.compile(r"^\d+(\.\d)? ms$"))
    expect(rows.locator(".sure")).to_have_text(re.compile(r"%$"))
    expect(rows.locator(".bars")).to_have_attribute("aria-label", re.compile(r"^3 "))
    expect(page.locator("#spoken")).to_have_text(re.compile(r"^It says 3\. cnn: 3, "))
    expect(page.locator("#seen img")).to_have_count(1)
    page.locator("#steps-frame summary").click()
    expect(page.locator("#steps li").first).to_contain_text("as it came")


def test_models_answer_before_the_pen_is_lifted(opened: Callable[..., Any]) -> None:
    page = opened()
    sheet = page.locator("#pad").bounding_box()
    placed = [(sheet["x"] + sheet["width"] * x, sheet["y"] + sheet["height"] * y) for x, y in THREE]
    page.mouse.move(*placed[0])
    page.mouse.down()
    for x, y in placed[1:]:
        page.mouse.move(x, y, steps=4)
    expect(page.locator("#verdict")).to_have_text("It says 3.")
    page.mouse.up()


def test_undo_and_clear(opened: Callable[..., Any]) -> None:
    page = opened()
    expect(page.locator("#undo")).to_be_disabled()
    draw(page, THREE)
    expect(page.locator("#verdict")).to_have_text("It says 3.")
    one = ink_on(page)
    draw(page, [(0.05, 0.05), (0.05, 0.95)])
    expect(page.locator("#verdict")).not_to_have_text("It says 3.")
    page.locator("#undo").click()
    expect(page.locator("#verdict")).to_have_text("It says 3.")
    assert ink_on(page) == one
    page.locator("#clear").click()
    expect(page.locator("#verdict")).to_have_text("…")
    expect(page.locator("#saw")).to_be_hidden()
    assert ink_on(page) == 0
    draw(page, TWO)
    page.keyboard.press("Control+z")
    assert ink_on(page) == 0
    expect(page.locator("#clear")).to_be_disabled()


def test_strokes_are_drawn_again_at_another_size(opened: Callable[..., Any]) -> None:
    page = opened()
    draw(page, THREE)
    sheet = page.locator("#pad")
    wide, share = sheet.bounding_box()["width"], ink_on(page) / sheet.evaluate("pad => pad.width * pad.height")
    page.set_viewport_size({"width": 420, "height": 800})
    expect(sheet).not_to_have_attribute("width", str(round(wide)))
    assert sheet.bounding_box()["width"] < wide
    assert ink_on(page) / sheet.evaluate("pad => pad.width * pad.height") == pytest.approx(share, rel=0.05)


def test_a_thicker_brush_leaves_more_ink(opened: Callable[..., Any]) -> None:
    page = opened()
    draw(page, SEVEN)
    thin = ink_on(page)
    page.locator("#clear").click()
    page.locator("#brush").fill("14")
    draw(page, SEVEN)
    assert ink_on(page) > 1.6 * thin


def test_the_arrow_keys_move_a_pen(opened: Callable[..., Any]) -> None:
    """A 7: to the upper left, pen down, right, then down and left."""
    page = opened()
    page.locator("#pad").focus()
    for key, times in (("Shift+ArrowLeft", 3), ("Shift+ArrowUp", 4)):
        for _ in range(times):
            page.keyboard.press(key)
    blank = page.locator("#verdict")
    expect(blank).to_have_text("…")
    page.keyboard.press("Space")
    expect(page.locator("#spoken")).to_have_text("pen down")
    for key, times in (("ArrowRight", 24), ("ArrowDown", 2)):
        for _ in range(times):
            page.keyboard.press(key)
    for _ in range(14):
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator(".answer")).to_have_text("7")
    page.keyboard.press("Delete")
    expect(blank).to_have_text("…")
    page.keyboard.press("Tab")
    expect(page.locator("#brush")).to_be_focused()


# --------------------------------------------------------------------------------------------- pictures


def test_a_chosen_a_pasted_and_a_dropped_picture(opened: Callable[..., Any], three: bytes) -> None:
    page = opened()
    page.locator("#choose").set_input_files({"name": "3.png", "mimeType": "image/png", "buffer": three})
    expect(page.locator("#verdict")).to_have_text("It says 3.")
    made = (
        "([kind, data]) => { const all = new DataTransfer();"
        " const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));"
        " all.items.add(new File([bytes], '3.png', {type: 'image/png'}));"
        " const how = {clipboardData: all, dataTransfer: all, bubbles: true, cancelable: true};"
        " document.dispatchEvent(kind === 'paste' ? new ClipboardEvent(kind, how) : new DragEvent(kind, how)); }"
    )
    for kind in ("paste", "drop"):
        page.locator("#clear").click()
        expect(page.locator("#verdict")).to_have_text("…")
        page.evaluate(made, [kind, base64.b64encode(three).decode()])
        expect(page.locator("#verdict")).to_have_text("It says 3.")


def test_what_is_no_picture_is_told(opened: Callable[..., Any]) -> None:
    page = opened(refused=415)
    page.locator("#choose").set_input_files({"name": "3.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#verdict")).to_contain_text("no picture of a known format")


def test_a_hard_image_shows_its_label_and_who_said_what(opened: Callable[..., Any]) -> None:
    page = opened()
    hardest = page.locator("#gallery button").first
    label = hardest.inner_text()
    expect(hardest).to_have_accessible_name(f"test image labelled {label}")
    hardest.click()
    expect(page.locator("#beside")).to_contain_text(f"The test set says {label}.")
    draw(page, [(0.1, 0.1), (0.2, 0.2)])
    expect(page.locator("#beside")).not_to_contain_text("The test set says")


# --------------------------------------------------------------------------------------------- a line


def test_several_digits_are_boxed_and_read(opened: Callable[..., Any]) -> None:
    page = opened()
    page.get_by_text("A line of digits").click()
    for place, digit in enumerate((TWO, ZERO, SEVEN, THREE)):
        draw(page, digit, 0.04 + 0.24 * place, 0.2, 0.15, 0.7)
    expect(page.locator("#verdict")).to_have_text("It reads 2 0 7 3.")
    expect(page.locator("#boxes rect.found")).to_have_count(4)
    expect(page.locator("#boxes text")).to_have_text(["2", "0", "7", "3"])
    expect(page.locator(".contender .digit")).to_have_text(["2", "0", "7", "3"])
    expect(page.locator("#seen img")).to_have_count(4)
    assert page.evaluate(MIDDLES_OF_BOXES) == pytest.approx([0.14 + 0.24 * place for place in range(4)], abs=0.03)


def test_several_digits_on_the_small_sheet_go_on_as_a_line(opened: Callable[..., Any]) -> None:
    page = opened()
    draw(page, TWO, 0.02, 0.45, 0.2, 0.6)
    draw(page, SEVEN, 0.53, 0.45, 0.2, 0.6)
    expect(page.locator("#verdict")).to_have_text("Several digits (2).")
    page.get_by_role("button", name="Read them one by one").click()
    expect(page.locator("#verdict")).to_have_text("It reads 2 7.")


# --------------------------------------------------------------------------------------------- where it looked


def test_maps_come_when_drawing_rests_and_go_when_it_goes_on(opened: Callable[..., Any]) -> None:
    pytest.importorskip("captum")
    page = opened()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    draw(page, THREE)
    expect(page.locator("#verdict")).to_have_text("It says 3.")
    page.wait_for_timeout(1000)
    assert not [url for url in asked if "looked" in url], "nobody asked for maps"
    page.get_by_role("switch", name="Where it looked").check()
    chosen = page.locator("#maps button")
    expect(chosen).to_have_count(1)
    expect(chosen).to_have_attribute("aria-pressed", "true")
    expect(chosen).to_contain_text("Grad-CAM, for 3")
    laid, sheet = page.locator("#map"), page.locator("#pad").bounding_box()
    expect(laid).to_be_visible()
    middle = [
        laid.bounding_box()[start] + laid.bounding_box()[side] / 2 for start, side in (("x", "width"), ("y", "height"))
    ]
    assert middle[0] == pytest.approx(sheet["x"] + sheet["width"] / 2, abs=0.12 * sheet["width"])
    assert middle[1] == pytest.approx(sheet["y"] + sheet["height"] / 2, abs=0.12 * sheet["height"])
    draw(page, [(0.05, 0.05), (0.06, 0.06)])
    expect(laid).to_be_hidden()
    page.locator("#undo").click()
    expect(laid).to_be_visible()
    page.locator("#clear").click()
    expect(laid).to_be_hidden()
    expect(page.locator("#looked-note")).to_have_text("There is nothing to look at yet.")
    expect(page.locator("#maps li")).to_have_count(0)


def test_the_switch_and_the_maps_work_by_keys_and_in_french(opened: Callable[..., Any]) -> None:
    pytest.importorskip("captum")
    page = opened(locale="fr-FR", color_scheme="dark")
    page.get_by_role("switch", name="Où il a regardé").focus()
    page.keyboard.press("Space")
    draw(page, THREE)
    chosen = page.locator("#maps button")
    expect(chosen).to_contain_text("Grad-CAM, pour 3")
    chosen.focus()
    page.keyboard.press("Enter")
    expect(chosen).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#map")).to_be_hidden()
    expect(chosen).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#map")).to_be_visible()
    page.get_by_text("Une ligne de chiffres").click()
    expect(page.locator("#looked")).to_be_hidden()
    expect(page.locator("#map")).to_be_hidden()


def test_maps_fit_a_phone_and_blank_sheets_are_told(opened: Callable[..., Any]) -> None:
    page = opened(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, device_scale_factor=2)
    page.locator(".switch").click()
    draw(page, TWO, 0.02, 0.45, 0.2, 0.6)
    draw(page, SEVEN, 0.53, 0.45, 0.2, 0.6)
    expect(page.locator("#looked-note")).to_have_text("Several digits (2).")
    wide, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= inner == 360


def test_a_busy_server_is_asked_for_maps_again(opened: Callable[..., Any]) -> None:
    pytest.importorskip("captum")
    page = opened(refused=429)
    busy = {"status": 429, "headers": {"Retry-After": "1"}, "json": {"error": "busy"}}
    page.route("**/api/looked", lambda route: route.fulfill(**busy))
    page.locator(".switch").click()
    draw(page, THREE)
    expect(page.locator("#verdict")).to_have_text("It says 3.")
    page.wait_for_timeout(900)
    page.unroute("**/api/looked")
    expect(page.locator("#map")).to_be_visible()


# --------------------------------------------------------------------------------------------- settings


def test_languages_and_themes_switch_and_stay(opened: Callable[..., Any]) -> None:
    page = opened(color_scheme="light")
    draw(page, THREE)
    expect(page.locator("#verdict")).to_have_text("It says 3.")
    page.get_by_role("button", name="Français").click()
    expect(page.locator("#verdict")).to_have_text("Il dit 3.")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.get_by_role("button", name="Annuler")).to_be_visible()

    def paper() -> str:
        colour: str = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        return colour

    assert paper() == "rgb(251, 250, 246)"
    theme = page.locator("#theme")
    theme.click()
    theme.click()
    expect(theme).to_have_accessible_name(re.compile("sombre$"))
    assert paper() == "rgb(22, 22, 20)"
    page.reload()
    expect(page.locator("#question")).to_have_text("Dessinez un chiffre, et un réseau répond")
    assert paper() == "rgb(22, 22, 20)"
    draw(page, THREE)
    expect(page.locator("#verdict")).to_have_text("Il dit 3.")


SCENES = {"task": "detection", "is_ink": False, "readings": ["line"]}
LETTERS = {"classes": ["A", "b"]}


@pytest.mark.parametrize(
    ("changes", "question", "hint"),
    [
        (LETTERS, "Draw one thing", "Draw here"),
        (LETTERS | {"readings": ["line"]}, "Draw several things", "Draw several things here"),
        (SCENES, "Write several digits", "Write several digits here"),
        (SCENES | {"classes": ["cat", "dog"]}, "Show a picture", "Drop, paste or choose a picture"),
        ({"is_ink": False, "readings": ["one"]}, "Show a picture", "Drop, paste or choose a picture"),
    ],
)
def test_it_asks_for_what_the_study_reads(
    opened: Callable[..., Any], changes: dict[str, Any], question: str, hint: str
) -> None:
    page = opened()

    def changed(route: Any) -> None:
        route.fulfill(json=route.fetch().json() | changes)

    page.route("**/api/study", changed)
    page.reload()
    expect(page.locator("#question")).to_have_text(f"{question}, and one network answers")
    expect(page.locator("#hint")).to_have_text(hint)


def test_a_french_browser_in_the_dark_gets_its_own(opened: Callable[..., Any]) -> None:
    page = opened(locale="fr-FR", color_scheme="dark")
    expect(page.get_by_role("button", name="Effacer")).to_be_visible()
    assert page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == "rgb(22, 22, 20)"


@pytest.mark.parametrize("reading", ["One digit", "A line of digits"])
def test_on_a_phone_nothing_scrolls_sideways_and_the_sheet_comes_first(
    opened: Callable[..., Any], reading: str
) -> None:
    page = opened(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, device_scale_factor=2)
    page.get_by_text(reading).click()
    sheet = page.locator("#pad").bounding_box()
    assert sheet["y"] + sheet["height"] < 740, "all of it on the first screen"
    draw(page, THREE, 0.1, 0.8 if reading == "One digit" else 0.2, 0.1, 0.8)
    expect(page.locator("#verdict")).to_contain_text("3")
    wide, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= inner == 360
    assert page.locator("#pad").evaluate("pad => getComputedStyle(pad).touchAction") == "none"
    expect(page.get_by_text("Take a photo")).to_be_visible()


def test_the_report_opens(opened: Callable[..., Any]) -> None:
    page = opened()
    page.get_by_role("link", name="Report").click()
    expect(page).to_have_title("a report")


def test_a_busy_server_is_asked_again(opened: Callable[..., Any]) -> None:
    page = opened(refused=429)
    busy = {"status": 429, "headers": {"Retry-After": "1"}, "json": {"error": "busy"}}
    page.route("**/api/predict*", lambda route: route.fulfill(**busy))
    draw(page, THREE)
    page.wait_for_timeout(300)
    expect(page.locator("#verdict")).to_have_text("…")
    page.unroute("**/api/predict*")
    expect(page.locator("#verdict")).to_have_text("It says 3.")
