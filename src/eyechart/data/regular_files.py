"""Nothing but regular files is ever opened: a named pipe or a device can keep whoever reads it waiting for ever."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from eyechart.base.errors import DatasetError
from eyechart.files.file_names import readable

if TYPE_CHECKING:
    from pathlib import Path

OTHER_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_regular(path: Path | str, status: os.stat_result | None = None) -> None:
    """DatasetError for what is neither a regular file nor a folder; OSError where there is nothing."""
    status = status or os.stat(path)
    kind = OTHER_KINDS.get(stat.S_IFMT(status.st_mode))
    if kind:
        raise DatasetError(f"{readable(str(path))} is {kind}; expected a regular file. Remove it, or name another.")
