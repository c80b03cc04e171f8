"""A server around the trained `cnn`, and a study with a report of its own."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from eyechart.inference.panel import open_panel, runs_at
from eyechart.serve.app import build_app
from eyechart.serve.gate import Access
from eyechart.serve.limits import Limits
from eyechart.serve.reading import Reader

HERE = "http://127.0.0.1:8765"


@pytest.fixture(scope="session")
def study(reading_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained study, copied, with something that passes for a report."""
    copy = tmp_path_factory.mktemp("served") / "reading"
    shutil.copytree(reading_study, copy)
    (copy / "report.html").write_text("<!doctype html><title>a report</title>", encoding="utf-8")
    (copy / "report-figures").mkdir(exist_ok=True)
    (copy / "report-figures" / "tuning.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    return copy


@pytest.fixture(scope="session")
def reader(study: Path) -> Iterator[Reader]:
    reader = Reader(open_panel([study], device="cpu"), 1, Limits())
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def serving(reader: Reader, study: Path) -> Callable[..., TestClient]:
    """A client of a server with these limits, and this access."""

    def client(access: Access | None = None, answering: Any = None, **limits: Any) -> TestClient:
        kept = _Kept(answering or reader)
        app = build_app(kept, study, runs_at(study), access or Access(), Limits(**limits))  # type: ignore[arg-type]
        return TestClient(app, base_url=HERE, raise_server_exceptions=False)

    return client


class _Kept:
    """A reader that several apps use in turn: none of them closes it."""

    def __init__(self, reader: Any):
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def client(serving: Callable[..., TestClient]) -> Iterator[TestClient]:
    with serving() as client:
        yield client


def png_of(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


@pytest.fixture(scope="session")
def three() -> bytes:
    """A 3, dark on white, as somebody would draw it."""
    from strangers_digits import picture

    content = io.BytesIO()
    picture("hand", "felt pen", 3, 0).save(content, "PNG")
    return content.getvalue()


@pytest.fixture(scope="session")
def line() -> bytes:
    """2 0 4 7 3 side by side."""
    from strangers_digits import picture

    page = Image.new("RGB", (1200, 320), "white")
    for place, digit in enumerate((2, 0, 4, 7, 3)):
        page.paste(picture("hand", "felt pen", digit, 0).convert("RGB").resize((220, 220)), (20 + 230 * place, 50))
    content = io.BytesIO()
    page.save(content, "PNG")
    return content.getvalue()
