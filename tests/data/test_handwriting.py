"""A stranger's picture comes out as the training images are, whatever paper, light and place; or is told why not."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PIL import Image, ImageDraw
from strangers_digits import WAYS, picture

from eyechart.data.handwriting import Prepared, prepare
from eyechart.data.ink_facts import measure_ink, measure_set
from eyechart.data.marks import MOST_PIECES, _writing
from eyechart.data.paper import find_ink, light_of
from eyechart.schema import InkFacts
from eyechart.schema.contracts import Dataset


@pytest.fixture(scope="module")
def facts(mnist: Dataset) -> InkFacts:
    found = measure_set(mnist.train.images)
    assert found
    return found


def drawn(
    strokes: list[list[tuple[int, int]]], size: tuple[int, int], width: int = 14, paper: int = 255
) -> Image.Image:
    image = Image.new("L", size, paper)
    for stroke in strokes:
        ImageDraw.Draw(image).line(stroke, fill=255 - paper, width=width, joint="curve")
    return image


SEVEN = [[(90, 70), (190, 70), (130, 220)]]


def seven(**options: int) -> Image.Image:
    return drawn(SEVEN, (280, 300), **options)


def pixels_of(prepared: Prepared) -> np.ndarray:
    assert prepared.pixels is not None, prepared.refusal
    return prepared.pixels


# --------------------------------------------------------------------------------------------- what comes out


@pytest.mark.parametrize("way", WAYS)
def test_every_way_comes_out_alike(facts: InkFacts, way: str) -> None:
    for digit in (2, 4, 7):
        prepared = prepare(picture("hand", way, digit, 0), facts, 28, 28)
        pixels = pixels_of(prepared)
        assert (pixels.shape, pixels.dtype) == ((28, 28), np.uint8)
        assert np.median(pixels) == 0
        assert pixels.max() > 200
        found = measure_ink(pixels.astype(np.float32) / 255)
        assert found
        assert found.side == pytest.approx(20, abs=1.2)
        assert found.stroke == pytest.approx(facts.stroke, rel=0.35)
        assert found.mass == pytest.approx(facts.centre, abs=0.6)


@pytest.mark.parametrize("change", ["inverted", "transparent", "moved", "twice as large", "colour", "darker"])
def test_what_is_nothing_of_the_digit_changes_nothing(facts: InkFacts, change: str) -> None:
    plain = seven()
    changed = {
        "inverted": lambda: seven(paper=0),
        "transparent": lambda: Image.merge(
            "RGBA", [Image.new("L", plain.size, 10)] * 3 + [Image.eval(plain, lambda v: 255 - v)]
        ),
        "moved": lambda: drawn([[(x + 60, y + 40) for x, y in SEVEN[0]]], (400, 380)),
        "twice as large": lambda: plain.resize((560, 600), Image.Resampling.NEAREST),
        "colour": lambda: Image.merge("RGB", [plain, Image.new("L", plain.size, 255), Image.new("L", plain.size, 255)]),
        "darker": lambda: Image.eval(plain, lambda v: 40 + v // 2),
    }[change]()
    wanted, found = (pixels_of(prepare(each, facts, 28, 28)).astype(float) for each in (plain, changed))
    assert np.abs(wanted - found).mean() < 6, "of 255"


def test_uneven_light_is_taken_away(facts: InkFacts) -> None:
    plain = seven()
    y, x = np.mgrid[0:1:300j, 0:1:280j]
    light = (0.45 + 0.5 * x) * (1 - 0.3 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)) * np.where(x + y > 1.1, 0.6, 1.0)
    lit = (20 + 0.85 * np.asarray(plain, float)) * light + np.random.default_rng(0).normal(0, 4, plain.size[::-1])
    dim = Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))
    wanted, found = (pixels_of(prepare(each, facts, 28, 28)).astype(float) for each in (plain, dim))
    assert np.abs(wanted - found).mean() < 9
    assert light_of(np.asarray(plain, np.float32))[1]
    estimated, is_even = light_of(np.asarray(dim, np.float32))
    paper = light * (20 + 0.85 * 255)
    assert not is_even
    assert np.median(np.abs(estimated - paper)) < 6


@pytest.mark.parametrize("invert", [False, True])
def test_a_training_image_stays_as_it_is(facts: InkFacts, mnist: Dataset, invert: bool) -> None:
    kept = 0
    for image in mnist.train.images[1000:1100, 0]:
        shown = 255 - image if invert else image
        kept += np.array_equal(prepare(Image.fromarray(shown), facts, 28, 28).pixels, image)
    assert kept >= 97


def test_a_set_of_dark_ink_gets_dark_ink(facts: InkFacts) -> None:
    dark = facts.model_copy(update={"is_bright": False})
    made, twin = (pixels_of(prepare(seven(), each, 28, 28)) for each in (facts, dark))
    np.testing.assert_array_equal(made, 255 - twin)


def test_other_sizes_in_proportion(facts: InkFacts) -> None:
    large = facts.model_copy(update={"box_side": 40.0, "stroke": 2 * facts.stroke, "centre": (0.0, 0.0)})
    pixels = pixels_of(prepare(seven(), large, 60, 48))
    assert pixels.shape == (60, 48)
    found = measure_ink(pixels.astype(np.float32) / 255)
    assert found
    assert found.side == pytest.approx(40, abs=1.5)


def test_it_says_where_the_image_lies_in_the_picture(facts: InkFacts) -> None:
    for scale in (1, 5):
        large = seven().resize((280 * scale, 300 * scale))
        made = prepare(large, facts, 28, 28)
        rows, columns = np.nonzero(pixels_of(made) > 128)
        left, right = (made.corner[0] + made.scale * edge for edge in (columns.min(), columns.max() + 1))
        top, bottom = (made.corner[1] + made.scale * edge for edge in (rows.min(), rows.max() + 1))
        ink = np.argwhere(np.asarray(large) < 128)
        tolerance = 10 * scale  # strokes were made thicker
        assert (top, left) == pytest.approx(tuple(ink.min(axis=0)), abs=tolerance)
        assert (bottom, right) == pytest.approx(tuple(ink.max(axis=0) + 1), abs=tolerance)


def test_borders_and_specks_are_dropped(facts: InkFacts) -> None:
    spoiled = seven()
    draw = ImageDraw.Draw(spoiled)
    draw.rectangle((0, 0, 280, 9), fill=30)
    draw.rectangle((271, 0, 280, 300), fill=60)
    for x, y in ((30, 250), (240, 150), (60, 40)):
        draw.rectangle((x, y, x + 2, y + 2), fill=0)
    framed = seven()
    ImageDraw.Draw(framed).rectangle((12, 12, 268, 288), outline=0, width=3)
    wanted = pixels_of(prepare(seven(), facts, 28, 28))
    for each in (spoiled, framed):
        np.testing.assert_array_equal(pixels_of(prepare(each, facts, 28, 28)), wanted)


# --------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("paper", [0, 128, 255])
def test_a_blank_page_is_blank(facts: InkFacts, paper: int) -> None:
    assert prepare(Image.new("L", (280, 200), paper), facts, 28, 28).refusal == "blank"
    assert prepare(Image.new("RGBA", (280, 200), (paper, paper, paper, 0)), facts, 28, 28).refusal == "blank"


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_lamp_light_are_no_writing(facts: InkFacts, seed: int) -> None:
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:1:400j, 0:1:300j]
    photo = (200 - 60 * x - 40 * (y - 0.5) ** 2) + random.normal(0, 8, x.shape)
    assert prepare(Image.fromarray(photo.clip(0, 255).astype(np.uint8)), facts, 28, 28).refusal == "blank"


def test_several_digits_are_counted(facts: InkFacts) -> None:
    for count in (2, 3, 5):
        strokes = [[(x + 170 * place, y) for x, y in SEVEN[0]] for place in range(count)]
        made = prepare(drawn(strokes, (110 + 170 * count, 300)), facts, 28, 28)
        assert (made.refusal, made.num_things) == ("several", count)


def test_of_many_pieces_the_largest_are_looked_at() -> None:
    """Each is compared with each: a small picture of dots would take a minute."""
    mask = np.zeros((600, 600), bool)
    for number in range(30 * 30):
        row, column = divmod(number, 30)
        mask[20 * row : 20 * row + 6, 20 * column : 20 * column + 6] = True
    mask[100:112, 100:400] = True
    _, things, number = _writing(mask)
    assert number > MOST_PIECES
    assert 1 <= sum(map(len, things)) <= MOST_PIECES


def test_a_five_with_a_bar_apart_is_one(facts: InkFacts) -> None:
    five = [[(100, 80), (190, 80)], [(100, 98), (100, 150), (170, 150), (180, 210), (95, 225)]]
    assert prepare(drawn(five, (280, 300), width=10), facts, 28, 28).num_things == 1


def test_a_dot_is_too_small(facts: InkFacts) -> None:
    tiny = Image.new("L", (60, 60), 255)
    ImageDraw.Draw(tiny).line((30, 30, 33, 32), fill=0, width=2)
    assert prepare(tiny, facts, 28, 28).refusal == "small"


# --------------------------------------------------------------------------------------------- steps, time


def test_steps_can_be_shown(facts: InkFacts) -> None:
    names = [step.name for step in prepare(seven(), facts, 28, 28).steps]
    assert names == ["as it came", "grey", "ink", "marks", "weight", "size and place"]
    for step in prepare(picture("hand", "in a corner", 3, 0), facts, 28, 28).steps:
        assert step.picture.dtype == np.uint8
        assert step.picture.shape[2:] in ((), (3,))
        assert step.words


def test_it_is_the_same_every_time(facts: InkFacts) -> None:
    photo = picture("hand", "photo with shadow", 5, 0)
    first, second = (pixels_of(prepare(photo, facts, 28, 28)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_yellow_ink_is_seen_in_blue(facts: InkFacts) -> None:
    steps = {step.name: step.words for step in prepare(picture("hand", "yellow on white", 3, 0), facts, 28, 28).steps}
    assert steps["grey"].startswith("blue")


def test_which_is_bright() -> None:
    for paper, is_bright in ((255, False), (0, True)):
        found = find_ink(np.asarray(seven(paper=paper), np.float32))
        assert (found.is_bright, found.is_even) == (is_bright, True)
        assert found.contrast == pytest.approx(255, abs=2)


@pytest.mark.parametrize(("side", "seconds"), [((280, 280), 0.02), ((4000, 3000), 1.0)])
def test_it_is_fast(facts: InkFacts, side: tuple[int, int], seconds: float) -> None:
    large = seven().resize(side, Image.Resampling.BICUBIC)
    taken = []
    for _ in range(5):
        started = time.process_time()  # of this process: others may be busy
        prepare(large, facts, 28, 28)
        taken.append(time.process_time() - started)
    assert min(taken) < seconds
