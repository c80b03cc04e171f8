"""A section of the page, and the report in the making that all sections are built from.

A new section is one module with a SECTION, a template beside it (or chart.html), and a line in page.SECTIONS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from eyechart.report.entries import MOST_SHOWN, Entry
from eyechart.report.pairs import Pairs
from eyechart.schema import Verdict
from eyechart.words.speech import Speech

if TYPE_CHECKING:
    from eyechart.report.boxes.found import OnScenes


class Section(NamedTuple):
    """What stands under one heading."""

    anchor: str  # in addresses
    title: tuple[str, str]  # in the table of contents: English, French
    build: Callable[[Draft], Any]  # what the template knows as `content`; None: there is nothing to show
    template: str = "chart.html"


@dataclass(frozen=True)
class Facts:
    """What sentences may speak of: records and verdicts, nothing else."""

    entries: list[Entry]  # fewest errors first
    pairs: Pairs
    findings: list[str]  # in words already
    sentence: Callable[[Verdict], str]
    say: Speech

    @property
    def standing(self) -> list[Entry]:
        """The contenders of which at least one run finished."""
        return [entry for entry in self.entries if not entry.diverged]


@dataclass
class Draft:
    """A report in the making; a section may ask for another one's content, and each is built once."""

    facts: Facts
    output: Path  # the page
    sections: tuple[Section, ...]
    _contents: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def entries(self) -> list[Entry]:
        return self.facts.entries

    @cached_property
    def drawn(self) -> list[Entry]:
        """Those that figures have room for."""
        return self.facts.entries[:MOST_SHOWN]

    @property
    def pairs(self) -> Pairs:
        return self.facts.pairs

    @property
    def say(self) -> Speech:
        return self.facts.say

    @property
    def figures(self) -> Path:
        """The folder of drawings, beside the page."""
        return self.output.parent / f"{self.output.stem}-figures"

    @cached_property
    def on_scenes(self) -> OnScenes:
        """What one run of each contender found, where the task is to find boxes."""
        from eyechart.report.boxes.found import on_scenes

        return on_scenes(self.entries, self.say)

    def content(self, anchor: str) -> Any:
        """What the section has to show; None: nothing."""
        if anchor not in self._contents:
            (section,) = (each for each in self.sections if each.anchor == anchor)
            self._contents[anchor] = section.build(self)
        return self._contents[anchor]
