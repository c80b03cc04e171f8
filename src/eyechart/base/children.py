"""Python processes of our own: what they import and how they read text depends on nothing that surrounds them.

They import what this process would, but never a `random.py` that happens to lie in the current folder, and they run in
UTF-8 mode, whatever the locale.  Names of files are handed to them by file_names.for_utf8_mode, or as bytes.
"""

from __future__ import annotations

import os
import subprocess
import sys

from eyechart.base.module_search import search_path


def python(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module."""
    return [sys.executable, "-m", module, *arguments]


def run(
    command: list[str], *, seconds: float, told: str = "", variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one to its end, `told` on its standard input, and keep what it writes.

    Raises subprocess.TimeoutExpired, after ending it, and OSError when it cannot be started.
    """
    return subprocess.run(
        command,
        input=told,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",  # a library in C may write anything
        timeout=seconds,
        check=False,
        env=environment() if variables is None else variables,
    )


def environment(**settings: str) -> dict[str, str]:
    """The variables for such a process, which also hold for the processes that it starts; `settings` come on top."""
    ours = {
        "PYTHONPATH": os.pathsep.join(search_path()),
        "PYTHONSAFEPATH": "1",
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": "utf-8:surrogateescape",  # says more than UTF-8 mode where a user has set it
    }
    return os.environ | ours | settings
