"""What is asked of a context, and what one of its levels is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyechart.schema import StudyRecord


@dataclass(frozen=True)
class Asked:
    """What the user wants; None and empty: as the context has it."""

    data: str
    num_train: int  # images of the train part, validation set aside
    name: str = "context"  # of the folder of all levels; theirs begin with it
    models: Sequence[str] = ()
    values: Sequence[int] = ()  # of the levels
    seeds: Sequence[int] | None = None
    images: float | None = None  # that each run sees
    rules: dict[str, Any] = field(default_factory=dict)  # device, threads: the same everywhere
    say: Callable[[str], None] = lambda sentence: None


class Level(NamedTuple):
    """One study of a context."""

    label: str
    value: float
    record: StudyRecord
    questions: tuple[tuple[str, str], ...] = ()  # pairs of contenders that the context is about
