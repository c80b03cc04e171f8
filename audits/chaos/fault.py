"""What happens to a victim, and when."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """What happens, and when: at the n-th call by which something is written, before a step, or after some seconds."""

    kind: str = "none"  # "kill", "term", "error" (of that number), "file size", "memory", "no memory"
    event: int = -1
    step: int = -1
    seconds: float = -1.0
    number: int = 0  # errno of an "error"
    only_checkpoints: bool = False  # whether events of other files are not counted
