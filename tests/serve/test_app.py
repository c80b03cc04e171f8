"""What the addresses give: who answers, answers of every kind of body, the gallery, the page, the report."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from eyechart.serve.app import PAGE


def answered(client: TestClient, content: bytes, query: str = "", kind: str = "image/png") -> dict[str, Any]:
    response = client.post(f"/api/predict{query}", content=content, headers={"Content-Type": kind})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def picture_at(url: str) -> Image.Image:
    head, _, data = url.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


# --------------------------------------------------------------------------------------------- answers


def test_the_study_says_who_answers(client: TestClient) -> None:
    card = client.get("/api/study").json()
    assert (card["study"], card["task"], card["height"], card["width"]) == ("reading", "classification", 28, 28)
    assert card["classes"] == [str(digit) for digit in range(10)]
    assert (card["readings"], card["line_by"], card["is_ink"]) == (["one", "line"], "components", True)
    (cnn,) = card["contenders"]
    assert (cnn["run"], cnn["colour"], cnn["mark"], cnn["is_detector"]) == ("cnn-s0", "#0072B2", "●", False)
    assert card["report"] == "/report/"


def test_a_drawing_is_answered(client: TestClient, three: bytes) -> None:
    found = answered(client, three)
    (cnn,) = found["contenders"]
    assert (cnn["label"], cnn["remark"], cnn["said"]) == ("3", None, None)
    assert cnn["probability"] == cnn["classes"][0]["probability"] > 0.5
    assert sum(each["probability"] for each in cnn["classes"]) == pytest.approx(1, abs=1e-4)
    assert found["agreement"] == {"label": "3", "num_agree": 1, "num_asked": 1}
    assert 0 < cnn["milliseconds"] < found["milliseconds"]
    assert (found["width"], found["height"]) == Image.open(io.BytesIO(three)).size
    assert picture_at(found["seen"]).size == (28, 28)
    assert found["steps"] == []


def test_every_kind_of_body_gives_the_same_answer(client: TestClient, three: bytes) -> None:
    expected = answered(client, three)["contenders"][0]["classes"]
    url = f"data:image/png;base64,{base64.b64encode(three).decode()}"
    grey = np.asarray(Image.open(io.BytesIO(three)).convert("L"))
    height, width = grey.shape
    bodies = [
        answered(client, three, kind="application/octet-stream"),
        answered(client, json.dumps({"image": url}).encode(), kind="application/json"),
        answered(client, url.encode(), kind="text/plain"),
        client.post("/api/predict", files={"file": ("3.png", three, "image/png")}).json(),
    ]
    for found in bodies:
        assert found["contenders"][0]["classes"] == expected
    numbers = {"width": width, "height": height, "pixels": grey.ravel().tolist()}
    rows = numbers | {"pixels": np.stack([grey] * 3, axis=-1).tolist()}
    for each in (numbers, rows):
        assert answered(client, json.dumps(each).encode(), kind="application/json")["contenders"][0]["label"] == "3"


def test_steps_are_shown_and_raw_leaves_them_out(client: TestClient, three: bytes) -> None:
    steps = answered(client, three, "?steps=true")["steps"]
    assert [step["name"] for step in steps][:3] == ["as it came", "grey", "ink"]
    assert picture_at(steps[-1]["picture"]).size == (28, 28)
    raw = answered(client, three, "?raw=true&steps=true")
    assert raw["steps"] == []
    assert raw["contenders"][0]["label"] is not None


@pytest.mark.parametrize("query", ["raw=true", "steps=true"])
def test_what_a_line_does_not_know_is_refused(client: TestClient, line: bytes, query: str) -> None:
    response = client.post(f"/api/predict?reading=line&{query}", content=line, headers={"Content-Type": "image/png"})
    assert (response.status_code, "raw and steps are of reading=one" in response.text) == (422, True)


@pytest.mark.parametrize(
    ("kind", "remark", "english", "french"),
    [
        ("blank", "blank", "blank", "vide"),
        ("two", "several", "several digits (2)", "plusieurs chiffres (2)"),
        ("square", "unlike", "unlike the training images", "différent des images d'entraînement"),
    ],
)
def test_what_is_no_digit_is_told(client: TestClient, kind: str, remark: str, english: str, french: str) -> None:
    page = np.full((200, 300), 255, np.uint8)
    if kind == "two":
        page[60:140, 60:70] = page[60:140, 200:210] = 0
    if kind == "square":
        page[50:150, 100:200] = 0
    content = io.BytesIO()
    Image.fromarray(page).save(content, "PNG")
    found = answered(client, content.getvalue())
    (cnn,) = found["contenders"]
    assert (cnn["label"], cnn["remark"], cnn["said"]) == (None, remark, {"en": english, "fr": french})
    assert found["agreement"]["label"] is None


def test_a_line_is_read_in_order(client: TestClient, line: bytes) -> None:
    found = answered(client, line, "?reading=line")
    assert (found["reading"], found["how"]) == ("line", "components")
    assert found["lines"][0]["labels"] == ["2", "0", "4", "7", "3"]
    lefts = [thing["box"][0] for thing in found["things"]]
    assert lefts == sorted(lefts)
    assert [thing["agreement"]["label"] for thing in found["things"]] == ["2", "0", "4", "7", "3"]
    assert picture_at(found["things"][0]["seen"]).size == (28, 28)
    blank = io.BytesIO()
    Image.new("L", (300, 100), 255).save(blank, "PNG")
    assert answered(client, blank.getvalue(), "?reading=line")["things"] == []


def test_the_gallery_shows_what_costs_most(client: TestClient) -> None:
    images = client.get("/api/gallery").json()["images"]
    losses = [image["loss"] for image in images]
    assert len(images) == 24
    assert losses == sorted(losses, reverse=True)
    assert picture_at(images[0]["picture"]).size == (28, 28)
    assert images[0]["named"]["cnn-s0"] != images[0]["label"], "the costliest was read wrongly"


# --------------------------------------------------------------------------------------------- files


def test_the_page_asks_nobody_else(client: TestClient) -> None:
    response = client.get("/")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    names = re.findall(r'(?:src|href)="(page/[^"]+)"', response.text)
    assert len(names) == 4
    for name in (*names, *(f"page/{path.name}" for path in PAGE.glob("*.js"))):
        assert client.get(f"/{name}").status_code == 200
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.", text), f"{path.name} names another host"
        assert not re.search(r'\sstyle="|\son[a-z]+="|<script>|<style>', text), "the policy would not allow it"


def test_words_are_said_in_both_languages() -> None:
    """Every key of one language is one of the other; every key that the page asks for is there."""
    text = (PAGE / "words.js").read_text(encoding="utf-8")
    english, _, french = text.partition("const FRENCH")
    keys = [
        set(re.findall(r"(?:^|[{,]) ?\s*(\w+): ", part, re.MULTILINE)) - {"alpha", "en", "fr"}
        for part in (english, french)
    ]
    steps = {"grey", "ink", "marks", "nearer", "weight", "blank"}
    digits = {"minimumFractionDigits", "maximumFractionDigits"}
    assert keys[0] - digits == keys[1] - steps - digits
    asked = set(re.findall(r'data-words="(\w+)"', (PAGE / "index.html").read_text(encoding="utf-8")))
    for script in ("show.js", "looked.js"):
        asked |= set(re.findall(r"(?:words|said|words\(\))\.(\w+)", (PAGE / script).read_text(encoding="utf-8")))
    assert asked <= keys[0]
    assert not re.search(r" [:;?!]['`\"]", french), "French has a narrow space before these"


def test_the_report_and_what_lies_beside_it(client: TestClient, study: Path) -> None:
    response = client.get("/report")
    assert response.url.path == "/report/"
    assert "a report" in response.text
    assert "connect-src" not in response.headers["content-security-policy"]
    assert client.get("/report/report-figures/tuning.svg").headers["content-type"] == "image/svg+xml"
    assert client.get("/report/cnn-s0/run.json").json()["run"] == "cnn-s0"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.html", "..%2fsecret.html", "%2e%2e/secret.html", "cnn-s0/../../secret.html",
        "cnn-s0/weights.safetensors",
        "report-figures/other.svg", "/etc/passwd", "%2fetc%2fpasswd", "study.json", "report-figures/", "report.html%00",
        "cnn-s0\\run.json", "link.html", "report-figures/tuning.png",
    ],
)  # fmt: skip
def test_nothing_else_is_given(client: TestClient, study: Path, path: str) -> None:
    (study.parent / "secret.html").write_text("not for you", encoding="utf-8")
    (study / "report-figures" / "other.svg").write_text("not for you", encoding="utf-8")
    link = study / "link.html"
    if not link.exists():
        link.symlink_to(study.parent / "secret.html")
    figure = study / "report-figures" / "tuning.png"  # a name that is given, where it is a file
    if not figure.exists():
        figure.symlink_to(study.parent / "secret.html")
    response = client.get(f"/report/{path}")
    assert response.status_code == 404
    assert "not for you" not in response.text
    assert client.get(f"/page/{path}").status_code == 404


def test_the_api_describes_itself(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {"/api/study", "/api/predict", "/api/looked", "/api/gallery", "/report/{name}"}
    predict = described["paths"]["/api/predict"]["post"]
    kinds = predict["requestBody"]["content"]
    assert set(kinds) == {"multipart/form-data", "image/*", "application/json", "text/plain"}
    assert {"400", "408", "413", "415", "422", "429"} <= set(predict["responses"])
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404
