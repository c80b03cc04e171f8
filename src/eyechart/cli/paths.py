"""Paths on the command line: a `~` is the home folder, also where no shell has seen it, and an address its copy here.

The folder of studies (-o of commands that train) and the studies and runs that a command is given may lie at an address
such as s3://bucket/runs; nothing else may.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eyechart.files.places import as_address, user_path

STUDIES = "EYECHART_OUTPUT"  # the variable of all options that name the folder of studies
LIST = ("ls",)  # commands that read records alone
COMPARE = ("compare", "diff", "report", "show", "track", "winner_map")  # and those that need no weights either


def expanding(command: Callable[..., None]) -> Callable[..., None]:
    """A command that gets each of its paths as one of this machine; what it changed in a copy is put at its address."""

    @functools.wraps(command)
    def call(**values: Any) -> None:
        copies: list[Path] = []

        def found(value: Any, name: str) -> Any:
            if isinstance(value, list | tuple):
                return [found(each, name) for each in value]
            if not isinstance(value, Path):
                return value
            if as_address(value) is None:
                return user_path(value)
            if name == "output":
                return _to_write_to(value, inspect.signature(command).parameters[name].default)
            copies.append(_to_read(value, command.__name__, values))
            return copies[-1]

        command(**{name: found(value, name) for name, value in values.items()})
        for folder in copies:
            _put(folder)

    return call


def _to_write_to(path: Path, declared: Any) -> Path:
    """The copy of an address, as it is: whoever writes there brings it up to date."""
    from eyechart.base.errors import UsageError
    from eyechart.files.addresses import here

    if getattr(declared, "envvar", None) != STUDIES:
        raise UsageError(f"--output {as_address(path)} is an address; expected a path of this machine.")
    return here(path, wanted=None)


def _to_read(path: Path, command: str, values: dict[str, Any]) -> Path:
    """The copy of an address with what the command reads."""
    from eyechart.files.addresses import but_weights, everything, here, records

    is_light = command in COMPARE and not values.get("explain")  # a report's maps are made by the networks
    return here(path, records if command in LIST else but_weights if is_light else everything)


def _put(folder: Path) -> None:
    from eyechart.files.addresses import put

    put(folder)
