"""What was tried and how often it failed, kept on the disk after every try, so that hours of it can be gone on with."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from eyechart.base.plain_json import json_text
from eyechart.files.storage import write_text


class Tally:
    """Entries by name; each holds how many tries it was and what was wrong with them."""

    def __init__(self, path: Path):
        self._path = path
        self._entries: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def has(self, name: str) -> bool:
        return name in self._entries

    def add(self, name: str, tried: int, problems: list[str], **facts: Any) -> None:
        self._entries[name] = {"tried": tried, "problems": problems, **facts}
        write_text(self._path, json_text(self._entries, indent=1) + "\n")

    @property
    def tried(self) -> int:
        return sum(entry["tried"] for entry in self._entries.values())

    @property
    def failed(self) -> int:
        return sum(bool(entry["problems"]) for entry in self._entries.values())

    def by(self, fact: str) -> dict[str, int]:
        """Tries by a fact of their entries; a list counts each of its values."""
        counts: Counter[str] = Counter()
        for entry in self._entries.values():
            value = entry.get(fact, "")
            if isinstance(value, list):
                counts.update(value)
            else:
                counts[value] += entry["tried"]
        return dict(sorted(counts.items()))

    def figures(self, *facts: str) -> dict[str, Any]:
        """As a record holds them."""
        problems = sorted({problem for entry in self._entries.values() for problem in entry["problems"]})
        figures: dict[str, Any] = {"tried": self.tried, "failed": self.failed}
        figures |= {f"by_{fact}": self.by(fact) for fact in facts}
        return figures | ({"problems": problems} if problems else {})
