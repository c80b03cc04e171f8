"""What the tests want to know of a page, read with the parser of the standard library."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """What the tests want to know of a page: addresses, ids, scripts, text, and that its tags are balanced."""

    def __init__(self, path: Path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.num_scripts = 0
        self.open_tags: list[str] = []
        self.words: list[str] = []
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href", "action") and value]
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.num_scripts += tag == "script"
        assert not any(name.startswith("on") for name in named), f"inline handler in {tag}"
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open_tags.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags, f"</{tag}> closes nothing"
        assert self.open_tags.pop() == tag, f"</{tag}> does not close what is open"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def rows(self, table: int = 0) -> dict[str, list[str]]:
        """The rows of a sortable table by contender, in their order, each as the texts of its cells."""
        body = self.source.split('<table class="sortable')[table + 1].split("<tbody>")[1].split("</tbody>")[0]
        rows = {}
        for row in body.split("<tr>")[1:]:
            name = html.unescape(re.findall(r'<b class="name">([^<]*)</b>', row)[0])
            cells = re.split(r"<t[dh]\b[^>]*>", row)[1:]
            rows[name] = [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in cells]
        return rows
