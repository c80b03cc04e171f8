"""The files of a folder or of a zip, read one by one.

Nothing in a zip is ever written to the disk, so a member called `../../x` can do no harm; sizes are checked before
anything is unpacked, so neither can a small zip with huge members.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from eyechart.base.errors import DatasetError
from eyechart.data.ignored import is_hidden
from eyechart.data.nearby import files_near
from eyechart.files.file_names import readable
from eyechart.files.storage import natural_key

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ZIP_BYTES = 4 << 30  # of all members together, unpacked


class Member(Protocol):
    """One file: `name` is its path below the folder or inside the zip, with forward slashes."""

    @property
    def name(self) -> str: ...

    def first_bytes(self, count: int) -> bytes: ...


@dataclass(frozen=True)
class FolderMember:
    name: str
    path: Path

    def first_bytes(self, count: int) -> bytes:
        try:
            if not self.path.stat().st_size:  # as all of /proc, where some files let whoever reads them wait for news
                return b""
            with self.path.open("rb") as file:
                return file.read(count)
        except OSError as error:
            raise DatasetError(f"{self.path} cannot be read ({error.strerror}). Check its permissions.") from None


@dataclass(frozen=True)
class ZipMember:
    name: str
    zip_path: Path

    def first_bytes(self, count: int) -> bytes:
        try:
            with zipfile.ZipFile(self.zip_path) as archive, archive.open(self.name) as file:
                return file.read(count)
        except (OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
            raise DatasetError(
                f"{self.name} in {self.zip_path} cannot be unpacked ({error}). Expected a whole zip without a "
                f"password; download it again, or unpack it yourself and name the folder."
            ) from None


def members(path: Path) -> Iterator[Member]:
    """All files near a folder (nearby.py) or in a zip, in natural order, without hidden ones.

    Raises DatasetError for a file that is no zip, and for a zip that unpacks to more than MAX_ZIP_BYTES.
    """
    return _folder_members(path) if path.is_dir() else _zip_members(path)


def names_that_lead_out(path: Path) -> list[str]:
    """Members of a zip that would be written outside of the folder where somebody unpacks it; they are skipped."""
    return [] if path.is_dir() else [info.filename for info in _infos(path) if _leads_out(info.filename)]


def _folder_members(root: Path) -> Iterator[Member]:
    return (FolderMember(readable(path.relative_to(root).as_posix()), path) for path in files_near(root))


def _zip_members(path: Path) -> Iterator[Member]:
    infos = _infos(path)
    total = sum(info.file_size for info in infos)
    if total > MAX_ZIP_BYTES:
        raise DatasetError(
            f"{path} unpacks to {total:,} bytes; expected at most {MAX_ZIP_BYTES:,}. If it is really yours, unpack it "
            f"and name the folder."
        )
    for info in sorted(infos, key=lambda info: natural_key(info.filename)):
        if not _leads_out(info.filename) and not any(is_hidden(part) for part in info.filename.split("/")):
            yield ZipMember(info.filename, path)


def _infos(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [info for info in archive.infolist() if not info.is_dir()]
    except (OSError, zipfile.BadZipFile) as error:
        raise DatasetError(
            f"{path} is no zip file that can be read ({error}). Expected a folder, or a zip, of IDX files, or a folder "
            f"of class folders; unpack other archives first and name the folder."
        ) from None


def _leads_out(name: str) -> bool:
    """Upwards, or from the root; backslashes are slashes where Windows unpacks."""
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or parts[0] == "" or parts[0].endswith(":")
