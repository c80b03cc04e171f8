"""Single lines and JSON on standard output and standard error; loads nothing, because every command needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from eyechart.foreign_text import shown
from eyechart.plain_json import json_text

if TYPE_CHECKING:
    from pydantic import BaseModel


def say(sentence: str, *, err: bool = False) -> None:
    """A sentence on a line of its own, wherever its names come from."""
    typer.echo(shown(sentence), err=err)


def record_json(record: BaseModel) -> str:
    """A record as JSON in ASCII: names with control characters stay exact and steer no terminal."""
    return json_text(record.model_dump(mode="json"), indent=1)
