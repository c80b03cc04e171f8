"""Single lines and JSON on standard output and standard error; loads nothing, because every command needs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from eyechart.foreign_text import shown

if TYPE_CHECKING:
    from pydantic import BaseModel


def say(sentence: str, *, err: bool = False) -> None:
    """A sentence on a line of its own, wherever its names come from."""
    typer.echo(shown(sentence), err=err)


def record_json(record: BaseModel) -> str:
    """A record as JSON in ASCII: names with control characters stay exact and steer no terminal."""
    return json.dumps(json.loads(record.model_dump_json()), indent=1)
