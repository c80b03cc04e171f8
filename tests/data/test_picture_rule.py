"""One rule for a whole dataset: ranges, ground, strays, and what is told of it."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import DatasetError, Interrupted
from eyechart.data import picture_reader, picture_store
from eyechart.data.catalog import load_dataset, verify
from eyechart.data.class_folders import list_folder
from eyechart.data.cut_test import is_test
from eyechart.data.picture_rule import MEASURES, UNMEASURED, decide
from eyechart.data.pictures import read_picture
from eyechart.inference.prediction import read_as_the_run_does
from eyechart.schema import DatasetCard, PictureRule, Preprocessing

pytestmark = pytest.mark.usefixtures("empty_cache")

SIDE = 8
RAMP = np.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE)  # what all of these sets show, in their own values
GREY = np.round(RAMP * 255)


def write_set(root: Path, pictures: list[np.ndarray | Image.Image], ending: str = "tif", part: str = "") -> Path:
    """Two classes, the pictures in turns."""
    for number, picture in enumerate(pictures):
        folder = root / part / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        image.save(folder / f"{number}.{ending}")
    return root


def load(root: Path):
    said: list[str] = []
    dataset = load_dataset(str(root), say=said.append)
    return dataset, "\n".join(said)


def all_images(root: Path) -> np.ndarray:
    """Train, then test, of a folder of grey pictures: int (N, H, W)."""
    dataset, _ = load(root)
    return np.concatenate([dataset.train.images[:], dataset.test.images[:]])[:, 0].astype(int)


def floats(factor: float = 1.0, offset: float = 0.0, count: int = 10) -> list[np.ndarray]:
    """Float pictures that differ a little in the middle, from `offset` to `offset + factor`."""
    pictures = [(RAMP * factor + offset).astype(np.float32) for _ in range(count)]
    for number, picture in enumerate(pictures):
        picture[4, 4] -= number * factor / 1000
    return pictures


# --------------------------------------------------------------------------------------------- ranges


@pytest.mark.parametrize(
    ("low", "high", "chosen"),
    [
        (0, 1, (0, 1)),
        (0, 1.01, (0, 1)),
        (-0.02, 0.97, (0, 1)),
        (0, 0.3, (0, 0.3)),  # fills too little of 0..1
        (-1, 1, (-1, 1)),
        (-0.98, 1.04, (-1, 1)),
        (0, 1.6, (0, 1.6)),  # between two scales: never darkened by the next one
        (-2.1, 2.6, (-2.1, 2.6)),
        (0, 255, (0, 255)),
        (3, 4000, (0, 4095)),
        (0, 1000, (0, 1023)),
        (0, 16, (0, 16)),
        (0, 65535, (0, 65535)),
        (100, 1_000_000, (100, 1_000_000)),
        (-1000, 3000, (-1000, 3000)),  # Hounsfield units
        (5, 5, (0, 255)),
        (-7, -7, (0, 255)),
        (-1e6, -1e6, (-1e6, -1e6 + 1)),
        (1e9, 1e9, (1e9, 1e9 + 1)),
    ],
)
def test_the_scale_that_fits(low, high, chosen):
    measures = np.array([(0, low, high, False, [np.nan] * 3)] * 3, MEASURES)
    assert decide(measures) == PictureRule(integers=chosen)
    measures["kind"] = 1
    assert decide(measures) == PictureRule(floats=chosen)


def test_a_few_strays_do_not_darken_everything():
    measures = np.array([(0, 0, 4000, False, [np.nan] * 3)] * 9 + [(0, 0, 65535, False, [np.nan] * 3)], MEASURES)
    assert decide(measures).integers == (0, 4095)
    measures["lowest"][3] = -1_000_000
    assert decide(measures).integers == (0, 4095)
    measures["highest"][:3] = 65535  # three of ten are no strays
    assert decide(measures[3:]).integers == decide(measures[3:][::-1]).integers
    assert decide(measures[:3]).integers == (0, 65535)


def test_mostly_black_pictures_do_not_hide_the_others():
    measures = np.array([(0, 0, 0, False, [np.nan] * 3)] * 9 + [(0, 0, 4000, False, [np.nan] * 3)], MEASURES)
    assert decide(measures).integers == (0, 4095)


def test_nothing_to_decide():
    assert decide(np.array([UNMEASURED] * 3)) == PictureRule()


# --------------------------------------------------------------------------------------------- whole sets


@pytest.mark.parametrize(
    ("pictures", "ending"),
    [
        (floats(), "tif"),
        (floats(2, -1), "tif"),
        (floats(255), "tif"),
        (floats(4095), "tif"),
        ([picture.astype(np.uint16) for picture in floats(4095)], "png"),
        ([picture.astype(np.uint16) for picture in floats(65535)], "png"),
        ([picture.astype(np.uint16) for picture in floats(4095)], "tif"),
        ([picture.astype(np.int32) for picture in floats(1_000_000)], "tif"),
        ([picture.astype(np.int32) for picture in floats(4000, -1000)], "tif"),
        ([picture.astype(">u2") for picture in floats(4095)], "tif"),
    ],
)
def test_the_same_ramp_from_every_kind_of_values(pictures, ending, tmp_path):
    for image in all_images(write_set(tmp_path / "set", pictures, ending)):
        assert np.abs(np.delete(image.ravel() - GREY.ravel(), 36)).max() <= 1, "all but the pixel that differs"


def test_one_pixel_beyond_the_range(tmp_path):
    pictures = floats()
    pictures[3][0, 0] = 1.01
    root = write_set(tmp_path / "set", pictures)
    assert all_images(root)[:, 7, 7].tolist() == [255] * 10
    assert verify(str(root)).card.picture_rule == PictureRule(floats=(0, 1))


def test_nan_and_infinity_darken_nothing(tmp_path):
    pictures = floats()
    pictures[0][0, 0], pictures[1][0, 0], pictures[2][0, 1] = np.inf, np.nan, -np.inf
    pictures.append(np.full((SIDE, SIDE), np.nan, np.float32))
    root = write_set(tmp_path / "set", pictures)
    images = all_images(root)
    assert sorted(images[:, 7, 7]) == [0, *[255] * 10]
    assert sorted(images[:, 0, 0]) == [*[0] * 10, 255]
    assert "4 pictures hold NaN or infinite values" in load(root)[1]


def test_the_range_is_not_each_pictures_own(tmp_path):
    pictures = [*floats(), *floats(0.5)]
    assert sorted(all_images(write_set(tmp_path / "set", pictures))[:, 7, 7]) == [*[128] * 10, *[255] * 10]


def test_a_test_part_is_read_by_the_rule_of_train_and_its_strays_are_told(tmp_path):
    root = write_set(tmp_path / "set", floats(4095), part="train")
    write_set(root, [*floats(8190, count=4), *floats(4095, count=2)], part="test")
    dataset, said = load(root)
    assert dataset.card.picture_rule == PictureRule(floats=(0, 4095))
    assert (dataset.test.images[:][:, 0, 7, 7] == 255).all()
    assert sorted(dataset.test.images[:][:, 0, 4, 0]) == [130, 130, 255, 255, 255, 255]
    assert "16 pictures of more than 8 bits (floats): 0..4095 becomes 0..255" in said
    assert "4 test pictures have values outside 0..4095, which are cut off" in said
    assert "one rule for all pictures: floats 0..4095 become 0..255" in verify(str(root)).lines()


def test_a_test_part_that_is_cut_does_not_decide(tmp_path):
    """The larger values lie exactly in the pictures that the fixed rule sets aside."""
    root = write_set(tmp_path / "set", [picture.astype(np.uint16) for picture in floats(4095, count=20)], "png")
    listing = list_folder(root)
    files = np.array(list(listing.files()))
    digests = [picture_reader.measure(picture_reader.Look([file], with_digests=True)).digests for file in files]
    chosen = files[is_test(listing, np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32))]
    rule = load(root)[0].card.picture_rule
    for file in files:
        if file not in chosen:
            Path(file).unlink()
    assert len(chosen) == 4
    assert rule == PictureRule(integers=(0, 4095))
    assert load(root)[0].card.picture_rule == rule


def test_deep_pictures_in_the_test_part_alone_are_told(tmp_path):
    root = write_set(tmp_path / "set", [np.round(picture).astype(np.uint8) for picture in floats(255)], part="train")
    write_set(root, [picture.astype(np.uint16) for picture in floats(4095, count=2)], "png", part="test")
    dataset, said = load(root)
    assert dataset.card.picture_rule == PictureRule()
    assert "2 pictures hold integers, and no train picture does: each is read by its own range" in said
    assert dataset.test.images[:].max() == 255


def test_integers_and_floats_have_a_range_each(tmp_path):
    pictures = [*floats(), *[picture.astype(np.uint16) for picture in floats(4095)]]
    root = write_set(tmp_path / "set", pictures)
    assert load(root)[0].card.picture_rule == PictureRule(integers=(0, 4095), floats=(0, 1))
    assert (all_images(root)[:, 7, 7] == 255).all()


# --------------------------------------------------------------------------------------------- colour of 16 bits


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(values: np.ndarray, colour_type: int, *between: bytes) -> bytes:
    """A PNG of 16 bits a channel from (H, W, C); Pillow itself cannot write colour of 16 bits."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour_type, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *between, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(values: np.ndarray, order: str, compression: int) -> bytes:
    """A TIFF of 16 bits a channel from (H, W, 3), plain (1) or deflated (8)."""
    data = values.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if compression == 8 else data
    height, width = values.shape[:2]
    bits_at = 8 + 2 + 9 * 12 + 4
    # Each: tag, type (3: two bytes, 4: four), count, value
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits_at), (259, 3, 1, compression), (262, 3, 1, 2)]
    tags += [(273, 4, 1, bits_at + 6), (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(data))]
    entries = b""
    for tag, kind, count, value in tags:
        short = kind == 3 and count == 1
        entries += struct.pack(f"{order}HHI", tag, kind, count) + (
            struct.pack(f"{order}HH", value, 0) if short else struct.pack(f"{order}I", value)
        )
    start = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return start + struct.pack(f"{order}H", 9) + entries + bytes(4) + struct.pack(f"{order}HHH", 16, 16, 16) + data


COLOUR = np.stack([RAMP, RAMP[::-1], RAMP.T], axis=-1) * 4095
FILES = {
    "rgb.png": png(COLOUR, 2),
    "rgba.png": png(np.concatenate([COLOUR, np.full((SIDE, SIDE, 1), 65535)], axis=-1), 6),
    "little.tif": tiff(COLOUR, "<", 1),
    "big.tif": tiff(COLOUR, ">", 1),
    "little-deflated.tif": tiff(COLOUR, "<", 8),
    "big-deflated.tif": tiff(COLOUR, ">", 8),
}


@pytest.mark.parametrize("name", list(FILES))
def test_colour_of_twelve_bits_in_sixteen(name, tmp_path):
    (tmp_path / name).write_bytes(FILES[name])
    read = read_picture(tmp_path / name, channels=3, height=SIDE, width=SIDE, rule=PictureRule(integers=(0, 4095)))
    assert np.abs(read.transpose(1, 2, 0).astype(int) - COLOUR / 4095 * 255).max() <= 0.6


def test_grey_of_twelve_bits_with_alpha(tmp_path):
    alpha = np.where(np.arange(SIDE) < 4, 0, 65535) * np.ones((SIDE, 1))
    (tmp_path / "x.png").write_bytes(png(np.stack([RAMP * 4095, alpha], axis=-1), 4))
    rule = PictureRule(integers=(0, 4095), ground="black")
    read = read_picture(tmp_path / "x.png", channels=1, height=SIDE, width=SIDE, rule=rule)[0]
    assert np.abs(read - np.where(alpha > 0, GREY, 0)).max() <= 1


@pytest.mark.parametrize(("colour_type", "key"), [(0, (4095,)), (2, (4095, 4095, 4095))])
def test_one_value_of_sixteen_bits_that_is_transparent(colour_type, key, tmp_path):
    values = np.repeat((RAMP * 4095).astype(int)[..., np.newaxis], len(key), axis=-1)
    transparency = chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))
    (tmp_path / "x.png").write_bytes(png(values, colour_type, transparency))
    rule = PictureRule(integers=(0, 4095), ground="black")
    read = read_picture(tmp_path / "x.png", channels=1, height=SIDE, width=SIDE, rule=rule)[0]
    assert read[7, 7] == 0, "the brightest value is the transparent one"
    assert read[7, 6] == 251


# --------------------------------------------------------------------------------------------- ink


def ink(level: int, mode: str = "LA", number: int = 0) -> Image.Image:
    """A stroke of one grey level on nothing."""
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    alpha[2:6, 3:5] = 255
    alpha[7, number % SIDE] = 255
    return Image.merge("LA", (Image.new("L", (SIDE, SIDE), level), Image.fromarray(alpha))).convert(mode)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
@pytest.mark.parametrize(
    ("levels", "ground", "told"),
    [
        ([0] * 10, 255, "white"),
        ([120] * 10, 255, "white"),
        ([255] * 10, 0, "black"),
        ([230] * 10, 0, "black"),
        ([0, 255] * 5, 128, "grey"),
        ([0] * 199 + [255], 255, "white"),
    ],
)
def test_the_ground_is_what_the_ink_of_all_stands_out_from(mode, levels, ground, told, tmp_path):
    pictures = [ink(level, "RGBA" if mode == "P" else mode, number) for number, level in enumerate(levels)]
    pictures = [picture.quantize(4) if mode == "P" else picture for picture in pictures]
    root = write_set(tmp_path / "set", pictures, "png")
    dataset, said = load(root)
    assert dataset.card.picture_rule == PictureRule(ground=told)
    assert (all_images(root)[:, 0, 0] == ground).all()
    assert f"{len(levels)} pictures with transparent parts: laid over {told}, all of them" in said
    assert ("1 of them hardly stand out" in said) == (len(levels) == 200)


def test_white_ink_is_not_blank(tmp_path):
    root = write_set(tmp_path / "set", [ink(255, number=number) for number in range(10)], "png")
    assert verify(str(root)).doubts() == []


def test_what_is_opaque_needs_no_rule(tmp_path):
    opaque = Image.fromarray(np.round(GREY).astype(np.uint8)).convert("LA")
    dataset, said = load(write_set(tmp_path / "set", [opaque] * 6, "png"))
    assert dataset.card.picture_rule is None
    assert "transparent" not in said


@pytest.mark.parametrize("mode", ["La", "RGBa", "PA"])
def test_modes_that_come_from_few_files(mode):
    from eyechart.data import pictures

    picture = ink(255, "LA" if mode == "La" else "RGBA").convert(mode)
    plain, needs_rule = pictures._plain(picture, PictureRule(ground="black"))
    assert needs_rule
    assert (plain.getpixel((0, 0)), plain.getpixel((3, 3))) == ((0, 0, 0), (255, 255, 255))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"])
def test_modes_of_eight_bits_show_what_pillow_shows(mode):
    from eyechart.data import pictures

    picture = Image.fromarray(np.round(GREY).astype(np.uint8)).convert("RGB")
    picture = Image.new("LAB", (SIDE, SIDE), (120, 9, 9)) if mode == "LAB" else picture.convert(mode)
    plain, needs_rule = pictures._plain(picture, None)
    assert not needs_rule
    assert plain.mode == ("L" if mode in ("1", "L") else "RGB")
    assert plain.tobytes() == (picture if mode == "L" else picture.convert(plain.mode)).tobytes()


# --------------------------------------------------------------------------------------------- the store


def test_pictures_of_eight_bits_are_measured_never(tmp_path, monkeypatch, write_pictures):
    def fail(*arguments):
        raise AssertionError("measured")

    monkeypatch.setattr(picture_reader, "measure", fail)
    for name in ("a", "b"):
        write_pictures(tmp_path / "set" / name, "0.png", "1.png", "2.png", "3.jpg")
    assert load(tmp_path / "set")[0].card.picture_rule is None


@pytest.mark.parametrize("num_told", [1, 7, 15])
def test_stopped_in_the_middle_it_goes_on_by_the_same_rule(num_told, tmp_path, saves_every_task):
    plain = [np.round(picture).astype(np.uint8) for picture in floats(255)]
    root = write_set(tmp_path / "set", [*plain, *floats(0.4)])  # the first that needs a rule comes after ten others
    (root / "b").rename(root / "z")
    expected = load(root)[0].card
    assert expected.picture_rule is not None
    assert picture_store.remove(root)
    told = 0

    def say(sentence: str) -> None:
        nonlocal told
        told += "pictures prepared" in sentence
        if told == num_told:
            raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        load_dataset(str(root), say=say)
    assert load(root)[0].card == expected


def test_processes_measure_and_decode_the_same(tmp_path, monkeypatch, saves_every_task):
    root = write_set(tmp_path / "set", floats(2, -1))
    expected = load(root)[0].card
    assert picture_store.remove(root)
    monkeypatch.setattr(picture_reader, "PROCESS_SECONDS", 0.0)
    monkeypatch.setattr("eyechart.base.host.num_cores", lambda: 2)
    assert load(root)[0].card == expected


def test_a_broken_picture_is_named_while_measuring(tmp_path, saves_every_task):
    root = write_set(tmp_path / "set", floats(count=40))
    (root / "b" / "39.tif").write_bytes((root / "b" / "39.tif").read_bytes()[:99])
    with pytest.raises(DatasetError, match=r"b/39\.tif cannot be read as a picture"):
        load(root)


def test_a_later_start_tells_the_same(tmp_path):
    root = write_set(tmp_path / "set", floats(4095))
    first, second = load(root), load(root)
    assert first[0].card == second[0].card
    assert "0..4095 becomes 0..255" in first[1]
    assert "0..4095 becomes 0..255" in second[1]


# --------------------------------------------------------------------------------------------- what travels


def test_a_strangers_picture_is_read_by_the_rule_of_the_run(tmp_path):
    root = write_set(tmp_path / "set", floats(2, -1))
    dataset, _ = load(root)
    dark = (RAMP * 0.6 - 1).astype(np.float32)  # the lower end of the range alone
    Image.fromarray(dark).save(tmp_path / "stranger.tif")
    preprocessing = Preprocessing(
        image_channels=1,
        image_height=SIDE,
        image_width=SIDE,
        input_channels=1,
        input_height=SIDE,
        input_width=SIDE,
        mean=(0.5,),
        std=(0.5,),
        picture_rule=dataset.card.picture_rule,
    )
    again = Preprocessing.model_validate_json(preprocessing.model_dump_json())
    read, _ = read_as_the_run_does(tmp_path / "stranger.tif", again)
    assert np.abs(read[0] - GREY * 0.3).max() <= 1
    alone, _ = read_as_the_run_does(tmp_path / "stranger.tif", preprocessing.model_copy(update={"picture_rule": None}))
    assert np.abs(alone[0] - GREY).max() <= 1, "without a rule it has its own range"


def test_records_from_before_have_no_rule(make_dataset):
    record = make_dataset([3, 3], [2, 2]).card.model_dump(mode="json")
    assert record.pop("picture_rule") is None
    assert DatasetCard.model_validate(record).picture_rule is None


# --------------------------------------------------------------------------------------------- as ever

OPAQUE_AND_DARK_INK = "0412daa65e94ed70db7a41daead48a98096ec1abb6cd51006095031837b8850c"  # by decoder version 1


def test_eight_bits_are_decoded_as_ever():
    import hashlib

    from eyechart.data.pictures import decode_picture

    pixels = Image.fromarray(np.random.default_rng(7).integers(0, 256, (5, 7, 3), np.uint8))
    modes = {"1": "PNG", "L": "PNG", "P": "GIF", "RGB": "PNG", "RGBA": "PNG", "LA": "PNG", "CMYK": "TIFF"}
    files = [(pixels.convert(mode), file_format) for mode, file_format in modes.items()]
    files.insert(4, (pixels, "BMP"))
    files += [(pixels.convert("YCbCr"), "TIFF"), (pixels.convert("L"), "PPM")]
    files += [(Image.merge("LA", (Image.new("L", (7, 5), level), pixels.convert("L"))), "PNG") for level in (0, 90)]
    digest = hashlib.sha256()
    for picture, file_format in files:
        buffer = io.BytesIO()
        picture.save(buffer, file_format)
        digest.update(decode_picture("x", buffer.getvalue(), height=5, width=7).pixels.tobytes())
    assert digest.hexdigest() == OPAQUE_AND_DARK_INK
