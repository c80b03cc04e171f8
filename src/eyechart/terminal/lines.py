"""Single lines and JSON on standard output and standard error; loads nothing, because every command needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from eyechart.base.foreign_text import shown
from eyechart.base.plain_json import json_text

if TYPE_CHECKING:
    from pydantic import BaseModel


def say(sentence: str, *, err: bool = False) -> None:
    """A sentence on a line of its own, wherever its names come from."""
    typer.echo(shown(sentence), err=err)


def aloud(sentence: str) -> None:
    """Beside the results, on standard error: what happens meanwhile."""
    say(sentence, err=True)


def silent(sentence: str) -> None:
    """Where nobody wants to hear what happens meanwhile."""


def record_json(record: BaseModel) -> str:
    """A record as JSON in ASCII: names with control characters stay exact and steer no terminal."""
    return json_text(record.model_dump(mode="json"), indent=1)
