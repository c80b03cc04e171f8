"""Pictures come out of the page's JavaScript as they come out of Python: the same pixels, the same words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from strangers_digits import WAYS, picture

from eyechart.data.handwriting import Step, prepare
from eyechart.data.ink_facts import measure_ink, measure_set, oddities
from eyechart.data.parting import part
from eyechart.data.pictures import in_own_pixels, read_with_size
from eyechart.files.pictures import png
from eyechart.schema import InkFacts, PictureRule
from eyechart.schema.contracts import Dataset
from tests.web.conftest import Do


@pytest.fixture(scope="module")
def facts(mnist: Dataset) -> InkFacts:
    found = measure_set(mnist.train.images)
    assert found
    return found


def as_task(facts: InkFacts, height: int = 28, width: int = 28) -> dict[str, Any]:
    return {"what": "prepare", "facts": facts.model_dump(mode="json"), "height": height, "width": width}


def opaque(image: Image.Image) -> Image.Image:
    """As it is opened from a file: RGBA only where parts of it are transparent."""
    is_clear = image.mode == "RGBA" and image.getchannel("A").getextrema()[0] < 255  # type: ignore[operator]
    return image if is_clear or image.mode == "L" else image.convert("RGB")


def check(do: Do, images: list[Image.Image], facts: InkFacts, height: int = 28, width: int = 28) -> list[str | None]:
    """Both ways of preparing are one; the refusals, for who wants to see some."""
    made = do([as_task(facts, height, width) for _ in images], [np.asarray(image) for image in images])
    for image, theirs in zip(images, made, strict=True):
        ours = prepare(image, facts, height, width)
        assert (theirs["refusal"], theirs["numThings"]) == (ours.refusal, ours.num_things)
        assert [each["name"] for each in theirs["steps"]] == [step.name for step in ours.steps]
        assert [each["words"] for each in theirs["steps"]] == [step.words for step in ours.steps]
        assert [each["sum"] for each in theirs["steps"] if each["name"] in EXACT] == sums(ours.steps)
        assert theirs["corner"] == pytest.approx(ours.corner, abs=1e-6)
        assert theirs["scale"] == pytest.approx(ours.scale, rel=1e-9)
        if ours.pixels is not None:
            np.testing.assert_array_equal(theirs["pixels"], ours.pixels.ravel())
            ink = (ours.pixels if facts.is_bright else 255 - ours.pixels).astype(np.float32) / 255
            measured = measure_ink(ink)
            assert measured
            assert theirs["odd"] == oddities(measured, facts)
    return [theirs["refusal"] for theirs in made]


EXACT = ("grey", "ink", "marks", "weight", "size and place")  # those whose pictures are not made smaller to be shown


def sums(steps: tuple[Step, ...]) -> list[int]:
    return [int(step.picture.sum()) for step in steps if step.name in EXACT]


def test_a_drawing_of_every_way_is_prepared_alike(do: Do, facts: InkFacts) -> None:
    check(do, [opaque(picture("hand", way, place % 10, 1)) for place, way in enumerate(WAYS)], facts)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["hand", "hershey"])
def test_hundreds_of_drawings_are_prepared_alike(do: Do, facts: InkFacts, source: str) -> None:
    check(do, [opaque(picture(source, way, digit, 0)) for way in WAYS for digit in range(10)], facts)


def test_refusals_are_the_same_words(do: Do, facts: InkFacts, mnist: Dataset) -> None:
    random, images = np.random.default_rng(0), []
    for paper in (0, 128, 255):
        images += [Image.new("L", (140, 90), paper), Image.new("RGBA", (140, 90), (paper, paper, paper, 0))]
    y, x = np.mgrid[0:1:200j, 0:1:150j]
    photo = (200 - 60 * x - 40 * (y - 0.5) ** 2) + random.normal(0, 8, x.shape)
    images.append(Image.fromarray(photo.clip(0, 255).astype(np.uint8)))
    for count in (2, 5):
        several = Image.new("L", (110 + 90 * count, 160), 255)
        for place in range(count):
            ImageDraw.Draw(several).line([(50 + 90 * place, 40), (70 + 90 * place, 120)], fill=0, width=9)
        images.append(several)
    dots = Image.new("L", (400, 400), 255)
    for place in range(5, 390, 9):
        for row in range(5, 390, 9):
            ImageDraw.Draw(dots).rectangle((place, row, place + 3, row + 3), fill=0)
    ImageDraw.Draw(dots).rectangle((20, 20, 60, 24), fill=0)
    images.append(dots)  # more pieces than are looked at
    tiny = Image.new("L", (60, 60), 255)
    ImageDraw.Draw(tiny).line((30, 30, 33, 32), fill=0, width=2)
    images += [tiny, *(Image.fromarray(each) for each in mnist.train.images[1000:1030, 0])]
    refusals = check(do, images, facts)
    assert refusals[:7] == ["blank"] * 7
    assert refusals[7:9] == ["several", "several"]
    assert refusals[10] == "small"
    assert refusals[11:] == [None] * 30


@pytest.mark.parametrize(("width", "height"), [(800, 40), (60, 1200)])
def test_long_pictures_in_uneven_light_are_prepared_alike(do: Do, facts: InkFacts, width: int, height: int) -> None:
    """So long that the light is looked at on two rows, on which fewer terms can be told apart."""
    light = np.linspace(110, 240, width)[None] * np.linspace(0.9, 1, height)[:, None]
    light[height // 4 : 3 * height // 4, width // 2 - 15 : width // 2 + 15] *= 0.3
    assert check(do, [Image.fromarray(light.astype(np.uint8))], facts) == [None]


def test_other_sets_of_ink_are_prepared_alike(do: Do, facts: InkFacts) -> None:
    images = [opaque(picture("hand", way, 4, 2)) for way in ("felt pen", "scan", "in a corner", "small picture")]
    large = {"box_side": 40.0, "stroke": 2 * facts.stroke, "centre": (0.0, 0.0), "centred_by": "box"}
    check(do, images, facts.model_copy(update={"is_bright": False}))
    check(do, images, facts.model_copy(update=large), 60, 48)


def test_things_are_parted_alike(do: Do) -> None:
    page = Image.new("RGB", (900, 420), (250, 248, 240))
    for place, digit in enumerate((2, 0, 4, 7, 3, 5)):
        tile = picture("hand", "felt pen", digit, 0).convert("RGB").resize((150, 150))
        page.paste(tile, (20 + 280 * (place % 3), 30 + 200 * (place // 3)))
    large, empty = page.resize((2300, 1100)), Image.new("L", (50, 50), 90)
    pages = [page, large, empty]
    for made, image in zip(
        do([{"what": "part"} for _ in pages], [np.asarray(each) for each in pages]), pages, strict=True
    ):
        parts = part(image)
        assert len(made) == len(parts) == (0 if image is empty else 6)
        for theirs, ours in zip(made, parts, strict=True):
            assert theirs["box"] == pytest.approx(ours.box)
            assert theirs["corner"] == pytest.approx(ours.corner)
            assert (theirs["width"], theirs["height"]) == ours.picture.size
            np.testing.assert_array_equal(theirs["pixels"], np.asarray(ours.picture).ravel())


FILTERS = {"box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("name", FILTERS)
def test_sizes_are_changed_as_pillow_does(do: Do, name: str, kind: type) -> None:
    random, tasks, arrays, wanted = np.random.default_rng(0), [], [], []
    for size, new, options in (
        ((50, 31), (20, 28), {}),
        ((50, 31), (83, 90), {}),
        ((50, 31), (50, 12), {}),
        ((50, 31), (28, 28), {"box": [1.25, 3.4, 47.3, 30.9]}),
        ((331, 150), (29, 17), {"gap": 2}),
    ):
        array = (255 * random.random((size[1], size[0]))).astype(kind)
        if kind == np.float32:
            options = {key: value for key, value in options.items() if key != "gap"}  # only bytes are reduced
        tasks.append({"what": "resize", "width": new[0], "height": new[1], "filter": name, "options": options})
        arrays.append(array)
        image = Image.fromarray(array)
        wanted.append(
            image.resize(new, FILTERS[name], box=options.get("box"), reducing_gap=options.get("gap"))  # type: ignore[arg-type]
        )
    for made, image in zip(do(tasks, arrays), wanted, strict=True):
        np.testing.assert_array_equal(np.array(made, kind), np.asarray(image).ravel())


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_other_sets_are_fitted_alike(do: Do, channels: int) -> None:
    random = np.random.default_rng(1)
    arrays = [
        random.integers(0, 256, shape).astype(np.uint8)
        for shape in ((41, 90, 3), (300, 77, 3), (20, 30, 4), (32, 24, 3))
    ]
    rule = PictureRule(ground="grey")
    frame = {"image_channels": channels, "image_height": 32, "image_width": 24}
    tasks = [{"what": "fit", "frame": {**frame, "picture_rule": rule.model_dump(mode="json")}} for _ in arrays]
    for made, array in zip(do(tasks, arrays), arrays, strict=True):
        ours, size = read_with_size(
            "array", channels=channels, height=32, width=24, rule=rule, content=png(Image.fromarray(array))
        )
        is_tall = len(array) > 2 * array.shape[1]  # newer Pillows then make rows of columns first
        np.testing.assert_allclose(made["pixels"], ours.ravel(), atol=1 if is_tall else 0)
        box = np.array([[1.0, 2.0, 1.0, 2.0]])
        assert np.clip(made["own"], 0, None) == pytest.approx(in_own_pixels(box, size, 32, 24)[0, :2])
