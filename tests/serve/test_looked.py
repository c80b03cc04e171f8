"""Maps of where contenders looked: they lie where the drawing is, say why there is none, and come after answers."""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from eyechart.base.errors import MissingError
from eyechart.inference.panel import Panel
from eyechart.inference.prediction import PicturePredictor, RunPredictor
from eyechart.insight import methods
from eyechart.report.looked.overlay import transparent
from eyechart.serve import looked
from eyechart.serve.limits import Limits
from eyechart.serve.looked import Looker
from eyechart.serve.reading import Reader

pytestmark = pytest.mark.slow  # they wait for a training


def asked(client: TestClient, content: bytes) -> dict[str, Any]:
    response = client.post("/api/looked", content=content, headers={"Content-Type": "image/png"})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def picture_at(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def page_of(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def test_a_map_lies_where_the_drawing_is(client: TestClient, three: bytes) -> None:
    pytest.importorskip("captum")
    found = asked(client, three)
    (cnn,) = found["maps"]
    assert (cnn["run"], cnn["method"], cnn["label"], cnn["said"]) == ("cnn-s0", "grad-cam", "3", None)
    laid = picture_at(cnn["map"])
    assert laid.shape == (28, 28, 4)
    assert laid[..., 3].max() > 150
    drawn = 255 - np.asarray(Image.open(io.BytesIO(three)).convert("L"))
    rows, columns = np.nonzero(drawn > 100)
    left, top, right, bottom = found["box"]
    assert left < columns.min() < columns.max() < right
    assert top < rows.min() < rows.max() < bottom
    assert (right - left) == pytest.approx(bottom - top), "the frame is square"
    side = max(np.ptp(rows), np.ptp(columns))
    assert 28 * side / (right - left) == pytest.approx(20, abs=2), "as large in it as MNIST's digits are"


def test_the_answers_are_as_before(client: TestClient, three: bytes) -> None:
    """Looking hooks into layers and asks for gradients: of copies."""

    def classes() -> Any:
        response = client.post("/api/predict", content=three, headers={"Content-Type": "image/png"})
        return response.json()["contenders"][0]["classes"]

    before = classes()
    asked(client, three)
    assert classes() == before


@pytest.mark.parametrize(("kind", "said"), [("blank", "blank"), ("two", "several digits (2)")])
def test_what_is_no_digit_has_no_map(client: TestClient, kind: str, said: str) -> None:
    page = np.full((200, 300), 255, np.uint8)
    if kind == "two":
        page[60:140, 60:70] = page[60:140, 200:210] = 0
    found = asked(client, page_of(page))
    assert (found["maps"], found["box"], found["said"]["en"]) == ([], None, said)


def test_the_same_limits_hold(serving: Callable[..., TestClient], three: bytes) -> None:
    with serving(pixels=100) as small:
        assert small.post("/api/looked", content=three, headers={"Content-Type": "image/png"}).status_code == 413
        assert small.post("/api/looked", content=b"no", headers={"Content-Type": "image/png"}).status_code == 415
        assert small.get("/api/looked").status_code == 405


def test_without_captum_it_says_so(client: TestClient, three: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> None:
        raise MissingError("no captum")

    monkeypatch.setattr(methods, "explain", absent)
    (cnn,) = asked(client, three)["maps"]
    assert cnn["map"] is None
    assert "needs captum" in cnn["said"]["en"]
    assert "\u202f:" in cnn["said"]["fr"]


def test_a_network_without_a_map_says_so(client: TestClient, three: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "cannot_ask", lambda *_: {"grad-cam": "no map", "attention rollout": "no attention"})
    (cnn,) = asked(client, three)["maps"]
    assert cnn["said"] == looked.NO_MAP.model_dump()


def test_a_detector_refers_to_its_boxes(reader: Reader, three: bytes) -> None:
    (cnn,) = reader.panel.predictors

    class Finds:
        gives_boxes = True

    finds = PicturePredictor(cnn.facts.model_copy(update={"run": "finds-s0"}), Finds(), cnn.expected)  # type: ignore[arg-type]
    found = Looker(Reader(Panel((cnn, finds)), 1, Limits())).maps(three)
    assert [each.said for each in found.maps] == [None, looked.BOXES]


def test_scenes_have_no_maps(reader: Reader, serving: Callable[..., TestClient], three: bytes) -> None:
    (cnn,) = reader.panel.predictors
    assert isinstance(cnn, RunPredictor)
    dataset = cnn.record.dataset.model_copy(update={"task": "detection"})
    scenes = RunPredictor(cnn.record.model_copy(update={"dataset": dataset}), cnn.network)
    with serving(answering=Reader(Panel((scenes,)), 1, Limits())) as client:
        assert client.get("/api/study").json()["has_maps"] is False
        refused = client.post("/api/looked", content=three, headers={"Content-Type": "image/png"})
    assert refused.status_code == 422
    assert "its boxes say where" in refused.json()["error"]


# --------------------------------------------------------------------------------------------- answers come first


def test_answers_come_while_maps_are_made(
    serving: Callable[..., TestClient], three: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Maps that would never end do not hold up a single answer."""
    is_looking, may_end = threading.Event(), threading.Event()

    def endless(*_: object) -> Any:
        is_looking.set()
        may_end.wait(30)
        return transparent(np.zeros((2, 2)))

    monkeypatch.setattr(Looker, "maps", endless)
    with serving(answer_seconds=25.0) as client:
        looking = threading.Thread(
            target=lambda: client.post("/api/looked", content=three, headers={"Content-Type": "image/png"})
        )
        looking.start()
        assert is_looking.wait(20)
        for _ in range(3):
            response = client.post("/api/predict", content=three, headers={"Content-Type": "image/png"})
            assert response.json()["contenders"][0]["label"] == "3"
        assert looking.is_alive()
        may_end.set()
        looking.join(20)


def test_maps_wait_while_somebody_is_answered(reader: Reader, three: bytes) -> None:
    looker = Looker(reader)
    looker.maps(three)  # the copies are made
    reader.is_idle.clear()
    try:
        looking = threading.Thread(target=looker.maps, args=(three,))
        looking.start()
        time.sleep(0.5)
        assert looking.is_alive()
    finally:
        reader.is_idle.set()
    looking.join(20)
    assert not looking.is_alive()


def test_too_many_that_wait_are_refused(serving: Callable[..., TestClient], three: bytes) -> None:
    with serving(looking=0) as client:
        response = client.post("/api/looked", content=three, headers={"Content-Type": "image/png"})
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "1"


def test_a_transparent_map_shows_what_is_under_it() -> None:
    laid = transparent(np.array([[0.0, 1.0], [-1.0, 0.25]]))
    assert laid[0, 0, 3] == 0 < laid[1, 1, 3] < laid[0, 1, 3] == laid[1, 0, 3] < 255
    assert laid[0, 1, 0] > laid[0, 1, 2], "orange speaks for it"
    assert laid[1, 0, 2] > laid[1, 0, 0] or laid[1, 0, 2] > laid[1, 0, 1], "purple against it"
