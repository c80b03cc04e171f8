"""Bodies that hold no picture, or too much of one, are refused with a sentence."""

from __future__ import annotations

import io
import json
import struct
import time
import zlib
from collections.abc import Callable

import pytest
from PIL import Image
from starlette.testclient import TestClient

from eyechart.serve.limits import Limits
from eyechart.serve.reading import Reader


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims to be so large, and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def refused(client: TestClient, content: bytes, kind: str = "image/png", query: str = "") -> tuple[int, str]:
    response = client.post(f"/api/predict{query}", content=content, headers={"Content-Type": kind})
    assert set(response.json()) == {"error"}
    return response.status_code, response.json()["error"]


def test_what_is_no_picture_is_refused(client: TestClient, three: bytes) -> None:
    assert refused(client, b"")[0] == 400
    assert refused(client, b"hello, I am text")[0] == 415
    assert refused(client, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")[0] == 415
    assert refused(client, b"a,b,c", "text/csv") == (415, refused(client, b"a,b,c", "text/csv")[1])
    assert "multipart/form-data" in refused(client, b"a,b,c", "text/csv")[1]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_picture_is_refused(client: TestClient, three: bytes, share: float) -> None:
    status, why = refused(client, three[: int(len(three) * share)])
    assert status == 400, why
    assert "upload" in why or "damaged" in why


def test_a_truncated_line_is_refused(client: TestClient, line: bytes) -> None:
    assert refused(client, line[: len(line) // 2], query="?reading=line")[0] == 400


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (100_000, 1_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_before_it_is_decoded(client: TestClient, width: int, height: int) -> None:
    started = time.monotonic()
    status, why = refused(client, png_header(width, height))
    assert status == 413
    assert "pixels" in why
    assert time.monotonic() - started < 2


def test_a_real_picture_of_too_many_pixels_is_refused(serving: Callable[..., TestClient]) -> None:
    content = io.BytesIO()
    Image.new("1", (1001, 1000)).save(content, "PNG")
    with serving(pixels=1_000_000) as client:
        status, why = refused(client, content.getvalue())
    assert (status, "1 million pixels" in why) == (413, True)


def test_forms_hold_one_file_and_few_parts(client: TestClient, three: bytes) -> None:
    two = client.post("/api/predict", files=[("a", ("a.png", three)), ("b", ("b.png", three))])
    assert (two.status_code, "2 files" in two.json()["error"]) == (400, True)
    none = client.post("/api/predict", data={"file": "three.png"}, files=[])
    assert none.status_code == 415, "a form without files comes in another encoding"
    field = client.post("/api/predict", files=[("file", (None, "text"))])
    assert (field.status_code, "0 files" in field.json()["error"]) == (400, True)
    many = client.post("/api/predict", files=[(f"f{place}", ("x.png", three)) for place in range(50)])
    assert (many.status_code, "Too many files" in many.json()["error"]) == (400, True)
    fields = client.post("/api/predict", files=[(f"f{place}", (None, "text")) for place in range(5000)])
    assert (fields.status_code, "Too many fields" in fields.json()["error"]) == (400, True)
    broken = client.post("/api/predict", content=b"--x\r\nnonsense", headers={"Content-Type": "multipart/form-data"})
    assert broken.status_code == 400
    cut = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + three
    response = client.post("/api/predict", content=cut, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert response.status_code == 400, "the form does not end"


@pytest.mark.parametrize(
    ("content", "status", "why"),
    [
        ("{", 400, "no JSON"),
        ("[" * 100_000, 400, "no JSON"),
        ("[1, 2]", 422, "neither"),
        ('{"width": 2, "height": 2}', 422, "neither"),
        ('{"width": 2, "height": 2, "pixels": [0, 1, 2]}', 422, "3 values for 2 x 2"),
        ('{"width": 2, "height": 2, "pixels": [0, 1, 2, 256]}', 422, "0 to 256"),
        ('{"width": 2, "height": 2, "pixels": [0, 1, 2, -1]}', 422, "-1 to 2"),
        ('{"width": 2, "height": 2, "pixels": [0, 0.5, 1, 1]}', 422, "whole numbers"),
        ('{"width": 2, "height": 2, "pixels": ["0", "1", "2", "3"]}', 422, "whole numbers"),
        ('{"width": 2, "height": 2, "pixels": [[0, 1], [2]]}', 422, "whole numbers"),
        ('{"width": 1, "height": 1, "pixels": ["' + "x" * 10_000 + '", "", ""]}', 422, "whole numbers"),
        ('{"width": 1, "height": 1, "pixels": [0, 1, 2, 3, 4]}', 422, "expected 1 whole numbers"),
        ('{"width": 1, "height": 1, "pixels": [1e999]}', 422, "whole numbers"),
        ('{"width": 1, "height": 1, "pixels": [99999999999999999999999]}', 422, "whole numbers"),
        ('{"width": true, "height": 2, "pixels": [0, 1]}', 422, "expected whole numbers above 0"),
        ('{"width": 0, "height": 2, "pixels": []}', 422, "expected whole numbers above 0"),
        ('{"width": 100000, "height": 100000, "pixels": []}', 413, "Send a file"),
        ('{"image": "https://elsewhere.example/3.png"}', 422, "no data URL"),
        ('{"image": "data:image/png;base64,%%%"}', 422, "damaged"),
        ('{"image": "data:text/html;base64,AAAA"}', 422, "no data URL"),
        ('{"image": "data:image/png;base64,AAAA"}', 415, "no picture"),
        ('{"image": 3}', 422, "neither"),
    ],
)
def test_json_that_holds_no_picture_is_refused(client: TestClient, content: str, status: int, why: str) -> None:
    found = refused(client, content.encode(), "application/json")
    assert found[0] == status, found
    assert why in found[1]


def test_values_that_cannot_be_are_told(client: TestClient, three: bytes) -> None:
    assert refused(client, three, query="?reading=prose")[0] == 422
    assert "reading" in refused(client, three, query="?reading=prose")[1]
    assert refused(client, three, query="?steps=perhaps")[0] == 422
    assert client.get("/api/predict").status_code == 405
    assert json.loads(client.get("/nowhere").content) == {"error": "Not Found"}


def test_more_things_than_a_line_has_are_told(serving: Callable[..., TestClient], reader: Reader, line: bytes) -> None:
    few = Reader(reader.panel, 1, Limits(things=2))
    with serving(answering=few) as client:
        status, why = refused(client, line, query="?reading=line")
    few.close()
    assert (status, "5 things" in why) == (422, True)
