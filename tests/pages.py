"""Pages opened in a real browser, which may complain of nothing and ask nobody else."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")


@contextlib.contextmanager
def opening(browser: Any, address: str, patience: float = 20.0) -> Iterator[Callable[..., Any]]:
    """What opens our page at an address; at the end, nothing was complained of and nobody else was asked."""
    from playwright.sync_api import expect

    complaints: list[str] = []
    contexts = []

    def open_page(*, refused: int = 0, **options: Any) -> Any:
        """`refused`: a status that this test provokes, which the browser itself complains of."""
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}, "locale": "en-GB"} | options))
        context.set_default_timeout(1000 * patience)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: _is_fine(said, refused) or complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        context.on("request", lambda asked: _is_own(asked.url, address) or complaints.append(f"asked {asked.url[:80]}"))
        context.on("response", lambda got: got.status in (refused, *range(400)) or complaints.append(
            f"{got.status} of {got.url}"))  # fmt: skip
        page.goto(address)
        expect(page.locator("#gallery button").first).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _is_fine(said: Any, refused: int) -> bool:
    is_asked_for = refused > 0 and f"status of {refused}" in said.text
    return said.type not in ("error", "warning") or is_asked_for


def _is_own(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:"))
