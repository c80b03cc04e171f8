"""Pictures of every mode and size become plain arrays; broken ones are named."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import DatasetError, DatasetMissing
from eyechart.data import pictures
from eyechart.data.pictures import decode_picture, read_in_own_size, read_picture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on broken TIFF files

RED = (200, 40, 20)
RED_AS_GREY = (RED[0] * 19595 + RED[1] * 38470 + RED[2] * 7471 + 0x8000) >> 16  # ITU-R 601-2 as Pillow computes it


def saved(tmp_path, image, name="x.png", **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


def read_grey(path, height=4, width=4):
    return read_picture(path, channels=1, height=height, width=width)


def read_colour(path, height=4, width=4):
    return read_picture(path, channels=3, height=height, width=width)


def test_own_size_is_read_unchanged(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 9, 3), np.uint8)
    read = read_colour(saved(tmp_path, Image.fromarray(pixels)), 5, 9)
    assert read.dtype == np.uint8
    assert np.array_equal(read, pixels.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("mode", "colour", "name"),
    [
        ("RGB", RED, "x.png"),
        ("RGB", RED, "x.bmp"),
        ("RGB", RED, "x.tif"),
        ("RGB", RED, "x.ppm"),
        ("RGBA", (*RED, 255), "x.png"),
        ("RGBA", (*RED, 255), "x.webp"),
        ("P", RED, "x.gif"),
        ("P", RED, "x.png"),
    ],
)
def test_one_colour_in_every_mode(mode, colour, name, tmp_path):
    image = Image.new("RGB", (4, 4), RED).convert("P", palette=Image.Palette.ADAPTIVE)
    if mode != "P":
        image = Image.new(mode, (4, 4), colour)
    path = saved(tmp_path, image, name, **({"lossless": True} if name.endswith("webp") else {}))
    assert read_colour(path).reshape(3, -1).T.tolist() == [list(RED)] * 16
    assert set(read_grey(path).ravel()) == {RED_AS_GREY}


def test_cmyk_jpeg(tmp_path):
    path = saved(tmp_path, Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "x.jpg", quality=100)
    red, green, blue = read_colour(path)[:, 2, 2]
    assert red > 240
    assert green < 15
    assert blue < 15


def test_transparent_is_white(tmp_path):
    path = saved(tmp_path, Image.new("RGBA", (4, 4), (0, 0, 0, 0)))
    assert set(read_grey(path).ravel()) == {255}
    half = saved(tmp_path, Image.new("LA", (4, 4), (0, 128)), "half.png")
    assert set(read_grey(half).ravel()) == {127}


def test_a_transparent_palette_colour_is_white(tmp_path):
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 40, 50, 60])
    path = saved(tmp_path, image, transparency=0)
    assert set(read_colour(path).ravel()) == {255}


def test_sixteen_bits_keep_their_top_byte(tmp_path):
    values = np.array([[0, 257, 32768, 65535]], np.uint16)
    assert read_grey(saved(tmp_path, Image.fromarray(values)), 1, 4).ravel().tolist() == [0, 1, 128, 255]


def test_one_bit(tmp_path):
    image = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")
    assert read_grey(saved(tmp_path, image), 2, 2).ravel().tolist() == [0, 255, 255, 0]


def test_floats_of_0_to_1(tmp_path):
    image = Image.fromarray(np.array([[0.0, 0.5, 1.0, np.nan]], np.float32))
    assert read_grey(saved(tmp_path, image, "x.tiff"), 1, 4).ravel().tolist() == [0, 128, 255, 0]


def test_integers_of_32_bits(tmp_path):
    image = Image.fromarray(np.array([[0, 65535]], np.int32))
    assert read_grey(saved(tmp_path, image, "x.tiff"), 1, 2).ravel().tolist() == [0, 255]


def test_exif_orientation_is_applied(tmp_path):
    pixels = np.array([[10, 20, 30], [40, 50, 60]], np.uint8)  # H=2, W=3
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    path = saved(tmp_path, Image.fromarray(pixels), exif=exif)
    decoded = decode_picture(path, path.read_bytes(), height=3, width=2)
    assert decoded.own_size == (3, 2)
    assert np.array_equal(decoded.pixels, read_grey(path, 3, 2))
    assert read_grey(path, 3, 2)[0].tolist() == [[40, 10], [50, 20], [60, 30]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_grey_in_every_mode_is_kept_as_one_channel(mode, tmp_path):
    ramp = Image.fromarray(np.arange(0, 240, 10, np.uint8).reshape(4, 6))
    path = saved(tmp_path, ramp.convert("I").convert(mode) if mode == "I;16" else ramp.convert(mode), "x.tif")
    pixels = decode_picture(path, path.read_bytes(), height=4, width=6).pixels
    assert pixels.shape == (1, 4, 6)
    assert np.array_equal(np.repeat(pixels, 3, axis=0), read_colour(path, 4, 6))


def test_one_coloured_pixel_is_colour(tmp_path):
    image = Image.new("RGB", (6, 4), (7, 7, 7))
    image.putpixel((5, 3), (7, 7, 8))
    path = saved(tmp_path, image)
    pixels = decode_picture(path, path.read_bytes(), height=4, width=6).pixels
    assert np.array_equal(pixels, read_colour(path, 4, 6))


def test_proportions_are_kept_and_the_rest_takes_the_edge_colour(tmp_path):
    image = Image.new("L", (40, 20), 90)
    image.paste(255, (10, 5, 30, 15))
    read = read_grey(saved(tmp_path, image), 20, 20)[0]
    assert set(read[:5].ravel()) | set(read[15:].ravel()) == {90}
    assert read[10, 10] == 255


def test_a_picture_of_one_pixel_fills_the_frame(tmp_path):
    assert set(read_grey(saved(tmp_path, Image.new("L", (1, 1), 7)), 6, 5).ravel()) == {7}


def test_an_extremely_thin_picture(tmp_path):
    assert read_grey(saved(tmp_path, Image.new("L", (3000, 1), 7)), 6, 5).shape == (1, 6, 5)


def test_a_large_jpeg_is_still_exact_enough(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 1024).astype(np.uint8), (1024, 1))
    read = read_grey(saved(tmp_path, Image.fromarray(ramp), "x.jpg", quality=95), 64, 64)[0]
    assert np.abs(read[32].astype(int) - ramp[0].reshape(64, 16).mean(axis=1)).max() <= 3


def test_grey_and_colour_decode_to_the_same_values(tmp_path):
    """A folder is decoded in colour and kept grey if it is; `predict` reads one picture as grey."""
    pixels = np.random.default_rng(0).integers(0, 256, (50, 37), np.uint8)
    path = saved(tmp_path, Image.fromarray(pixels))
    assert np.array_equal(read_grey(path, 16, 16)[0], read_colour(path, 16, 16)[1])


# --------------------------------------------------------------------------------------------- what is broken


def test_no_such_file(tmp_path):
    with pytest.raises(DatasetMissing, match=r"nothing\.png"):
        read_grey(tmp_path / "nothing.png")


def test_a_folder(tmp_path):
    with pytest.raises(DatasetError, match="is a folder"):
        read_grey(tmp_path)


def test_an_empty_file(tmp_path):
    (tmp_path / "x.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"x\.png is empty \(0 bytes\)"):
        read_grey(tmp_path / "x.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".bmp", ".webp", ".tif"])
def test_truncated_and_garbled_files_are_named(suffix, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    whole = saved(tmp_path, Image.fromarray(pixels), f"x{suffix}").read_bytes()
    for number, content in enumerate((whole[: len(whole) // 2], whole[:9], b"no picture at all" + whole)):
        path = tmp_path / f"broken{number}{suffix}"
        path.write_bytes(content)
        with pytest.raises(DatasetError, match=f"broken{number}"):
            read_grey(path)


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_are_decoded_or_named_but_never_a_traceback(seed, tmp_path):
    rng = np.random.default_rng(seed)
    suffix = (".png", ".jpg", ".gif", ".tif")[seed % 4]
    pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
    content = bytearray(saved(tmp_path, Image.fromarray(pixels), f"x{suffix}").read_bytes())
    for place in rng.integers(0, len(content), 6):
        content[place] = rng.integers(0, 256)
    path = tmp_path / f"flipped{suffix}"
    path.write_bytes(bytes(content))
    try:
        outcome = str(read_grey(path).shape)
    except DatasetError as error:
        outcome = str(error)
    assert outcome == "(1, 4, 4)" or f"flipped{suffix} c" in outcome  # "cannot be read", "claims to be"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # ours says it better
@pytest.mark.parametrize("side", [20_000, 13_000, 11_000])
def test_a_picture_that_claims_to_be_huge(side, tmp_path):
    """Beyond Pillow's own limit, and between ours and Pillow's."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(DatasetError, match=r"bomb\.png (claims to be|cannot be read).*(large|limit|exceeds)"):
        read_grey(tmp_path / "bomb.png")


def test_a_program_in_disguise_is_not_started(tmp_path):
    """EPS would be handed to Ghostscript by Pillow if it were allowed."""
    (tmp_path / "x.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    with pytest.raises(DatasetError, match="no picture format that is known here"):
        read_grey(tmp_path / "x.png")
    assert "EPS" not in pictures.FORMATS


# --------------------------------------------------------------------------------------------- endings


@pytest.mark.parametrize("ending", [".jfif", ".jpe", ".JFIF"])
def test_other_endings_of_jpeg(ending, tmp_path):
    Image.new("L", (4, 4), 90).save(tmp_path / f"x{ending}", "JPEG")
    assert f"x{ending}".lower().endswith(pictures.SUFFIXES)
    assert abs(int(read_grey(tmp_path / f"x{ending}")[0, 0, 0]) - 90) <= 1


@pytest.mark.skipif(not pictures.HAS_AVIF, reason="this Pillow cannot read AVIF")
def test_avif(tmp_path):
    Image.new("L", (4, 4), 90).save(tmp_path / "x.avif", quality=100)
    assert "x.avif".endswith(pictures.SUFFIXES)
    assert abs(int(read_grey(tmp_path / "x.avif")[0, 0, 0]) - 90) <= 3


def test_its_own_size_is_the_upright_one_and_no_draft_of_a_jpeg(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (400, 3))).save(tmp_path / "x.jpg", exif=exif)
    assert read_in_own_size(tmp_path / "x.jpg", channels=1).shape == (1, 600, 400)
    assert read_in_own_size(tmp_path / "x.jpg", channels=3).shape == (3, 600, 400)
