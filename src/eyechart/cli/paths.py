"""Paths on the command line: a `~` is the home folder, also where no shell has seen it, as in a variable."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eyechart.files.places import user_path


def expanding(command: Callable[..., None]) -> Callable[..., None]:
    """A command that gets each of its paths with the home folder in the place of `~`."""

    @functools.wraps(command)
    def call(**values: Any) -> None:
        command(**{name: _expanded(value) for name, value in values.items()})

    return call


def _expanded(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_expanded(each) for each in value]
    return user_path(value) if isinstance(value, Path) else value
