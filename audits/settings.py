"""What whoever runs the audits decides, and what an audit answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

ROOT = Path(__file__).resolve().parent.parent
Value = TypeVar("Value")


def _say_nothing(sentence: str) -> None:
    """For tests."""


@dataclass(frozen=True)
class Settings:
    """Sizes, and where runs are kept."""

    folder: Path = ROOT / "runs" / "audits"
    is_tiny: bool = False  # the sizes of the tests; the figures are too few to cite
    say: Callable[[str], None] = _say_nothing

    def pick(self, full: Value, tiny: Value) -> Value:
        return tiny if self.is_tiny else full


class Answer(NamedTuple):
    """Whether an audit was passed, and the figures that say so."""

    passed: bool
    figures: dict[str, Any]
