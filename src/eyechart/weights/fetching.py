"""Where fetched weights are kept, and how to fetch: in a process of its own, so that a deadline always holds."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from eyechart.base import children
from eyechart.files.cache import cache_folder

REACHABLE_SECONDS = 5.0  # a machine without internet must not be held up
DOWNLOAD_SECONDS = 900.0  # 528 MB at 0.6 MB/s

_HEAD_REQUEST = """
import sys, urllib.request
urllib.request.urlopen(urllib.request.Request(sys.argv[1], method="HEAD"), timeout=float(sys.argv[2]))
"""


def weights_folder() -> Path:
    """`weights/` in eyechart's cache."""
    return cache_folder() / "weights"


def sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run_python(arguments: list[str], seconds: float) -> str:
    """Run this Python with `arguments`; the reason of its failure in one line, empty when it went well."""
    try:
        done = children.run([sys.executable, *arguments], seconds=seconds)
    except subprocess.TimeoutExpired:
        return f"no answer within {seconds:.0f} s"
    except OSError as error:
        return str(error.strerror)
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1][:200] if lines else f"exit code {done.returncode}"


def reach(url: str) -> str:
    """Why `url` cannot be reached; empty when it can.  Takes 5 s and a little at most."""
    # A name server that hangs is not covered by urllib's timeout, but by the process's.
    return run_python(["-c", _HEAD_REQUEST, url, str(REACHABLE_SECONDS)], REACHABLE_SECONDS + 1)
