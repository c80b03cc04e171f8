"""Where ONNX Runtime Web comes from, and that nothing but the pinned bytes gets through."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from eyechart.base.errors import MissingError, StorageError, UsageError
from eyechart.data.download import DownloadError
from eyechart.web import runtime

CONTENTS = {"dist/ort.wasm.bundle.min.mjs": b"a program", "dist/ort-wasm-simd-threaded.wasm": b"\0asm and more"}
WANTED = {"ort.wasm.bundle.min.js": b"a program", "ort-wasm-simd-threaded.wasm": b"\0asm and more"}


@pytest.fixture
def tgz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_cache: Path) -> Path:
    """A package like npm's, small, and pinned in the place of the real one."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as package:
        for name, data in (*CONTENTS.items(), ("../outside.js", b"leads out")):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            package.addfile(entry, io.BytesIO(data))
    sha512 = base64.b64encode(hashlib.sha512(content.getvalue()).digest()).decode()
    files = {name: (target, hashlib.sha256(CONTENTS[name]).hexdigest()) for name, (target, _) in runtime.FILES.items()}
    monkeypatch.setattr(runtime, "INTEGRITY", sha512)
    monkeypatch.setattr(runtime, "FILES", files)
    path = tmp_path / "package.tgz"
    path.write_bytes(content.getvalue())
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tgz: Path) -> list[str]:
    """Addresses that were downloaded; what comes is the package."""
    addresses: list[str] = []

    def download(url: str, **limits: Any) -> bytes:
        addresses.append(url)
        return tgz.read_bytes()

    monkeypatch.setattr(runtime, "download", download)
    return addresses


def test_a_package_that_is_named(tgz: Path, tmp_path: Path) -> None:
    assert runtime.runtime_files(tgz, print) == WANTED
    folder = tmp_path / "unpacked"
    (folder / "dist").mkdir(parents=True)
    for name, data in CONTENTS.items():
        (folder / name).write_bytes(data)
    assert runtime.runtime_files(folder, print) == WANTED


def test_it_is_fetched_once_and_kept(asked: list[str], empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYECHART_NPM_REGISTRY", "https://registry.example/npm")
    said: list[str] = []
    assert runtime.runtime_files(None, said.append) == WANTED
    assert asked == [f"https://registry.example/npm/onnxruntime-web/-/onnxruntime-web-{runtime.VERSION}.tgz"]
    assert said == [f"fetching onnxruntime-web {runtime.VERSION} (33 MB, once)"]
    assert runtime.runtime_files(None, said.append) == WANTED
    assert len(asked) == len(said) == 1
    assert [file.name for file in (empty_cache / "web").iterdir()] == [f"onnxruntime-web-{runtime.VERSION}.tgz"]


def test_npm_says_which_registry_and_else_it_is_npms_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\n[ \"$*\" = 'config get registry' ] && echo https://mirror.example/\n")
    npm.chmod(0o755)
    monkeypatch.setattr(runtime.shutil, "which", lambda name: str(npm))
    assert runtime.registry() == "https://mirror.example/"
    npm.write_text("#!/bin/sh\necho undefined\n")
    assert runtime.registry() == "https://registry.npmjs.org/"
    monkeypatch.setattr(runtime.shutil, "which", lambda name: None)
    assert runtime.registry() == "https://registry.npmjs.org/"


def test_other_bytes_are_refused(tgz: Path, asked: list[str], empty_cache: Path, tmp_path: Path) -> None:
    tgz.write_bytes(tgz.read_bytes() + b"!")
    with pytest.raises(StorageError, match=r"What the registry sent is not onnxruntime-web .* another sha512"):
        runtime.runtime_files(None, print)
    assert not (empty_cache / "web").exists(), "nothing wrong is kept"
    with pytest.raises(StorageError, match=r"package\.tgz is not onnxruntime-web .* npm pack onnxruntime-web@"):
        runtime.runtime_files(tgz, print)
    (tmp_path / "dist").mkdir()
    for name in CONTENTS:
        (tmp_path / name).write_bytes(b"older")
    with pytest.raises(StorageError, match=r"ort\.wasm\.bundle\.min\.mjs is not that of onnxruntime-web"):
        runtime.runtime_files(tmp_path, print)


def test_without_a_network_it_says_which_file_to_put_where(
    asked: list[str], empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = rf"Get onnxruntime-web-{runtime.VERSION}\.tgz .* put it into .*web, or name it: --runtime"
    monkeypatch.setenv("EYECHART_OFFLINE", "1")
    with pytest.raises(MissingError, match=rf"must not be touched\. {told}"):
        runtime.runtime_files(None, print)
    assert not asked
    monkeypatch.delenv("EYECHART_OFFLINE")

    def unreachable(url: str, **limits: Any) -> bytes:
        raise DownloadError("no connection: timed out")

    monkeypatch.setattr(runtime, "download", unreachable)
    with pytest.raises(MissingError, match=rf"no connection: timed out\)\. {told}"):
        runtime.runtime_files(None, print)


@pytest.mark.parametrize("name", ["nowhere", "folder"])
def test_what_is_no_package(tgz: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=r"cannot be read \(No such file or directory\); expected the folder or the"):
        runtime.runtime_files(tmp_path / name, print)


@pytest.mark.slow
def test_the_real_package_is_the_pinned_one(package: Path) -> None:
    files = runtime.runtime_files(package, print)
    assert set(files) == set(WANTED)
    assert files["ort-wasm-simd-threaded.wasm"][:4] == b"\0asm"
