"""Datasets through torchvision: conversion of its own files, made small here; deadlines and failures of its process.

Nothing is downloaded: where torchvision would look on the network, the network is a port where nobody listens.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import struct
import sys
import time
import zipfile

import numpy as np
import pytest

from eyechart.base.errors import DatasetError, DatasetMissing
from eyechart.data import idx, torchvision_child, torchvision_sets
from eyechart.data.catalog import KNOWN, is_here, load_dataset, verify
from eyechart.data.idx import IDX_FILES

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 28, 28), np.uint8)
LABELS = np.array([0, 1, 2, 3, 4, 5, 9])


def write_raw(root, class_name, names, labels=LABELS):
    """Unpacked files where torchvision takes them without asking anyone."""
    raw = root / class_name / "raw"
    raw.mkdir(parents=True)
    for name, array in zip(names, (PIXELS, labels, PIXELS[::-1], labels), strict=True):
        (raw / name).write_bytes(idx.pack(array))
    return raw


def converted(name, root, tmp_path):
    torchvision_child.convert(name, root, tmp_path / "out")
    return [idx.parse((tmp_path / "out" / file).read_bytes(), file) for file in IDX_FILES]


@pytest.mark.parametrize(("name", "class_name"), [("fashion-mnist", "FashionMNIST"), ("kmnist", "KMNIST")])
def test_mnists_twins(name, class_name, tmp_path):
    write_raw(tmp_path, class_name, IDX_FILES)
    train_images, train_labels, test_images, _ = converted(name, tmp_path, tmp_path)
    assert np.array_equal(train_images, PIXELS)
    assert np.array_equal(test_images, PIXELS[::-1])
    assert train_labels.tolist() == LABELS.tolist()


def test_emnist_letters_are_turned_upright_and_counted_from_0(tmp_path):
    kinds = ("images-idx3-ubyte", "labels-idx1-ubyte")
    names = [f"emnist-letters-{part}-{kind}" for part in ("train", "test") for kind in kinds]
    write_raw(tmp_path, "EMNIST", names, labels=np.array([1, 2, 3, 4, 5, 6, 26]))
    train_images, train_labels, _, _ = converted("emnist-letters", tmp_path, tmp_path)
    assert np.array_equal(train_images[0], PIXELS[0].T)
    assert train_labels.tolist() == [0, 1, 2, 3, 4, 5, 25]
    assert KNOWN["emnist-letters"].classes[25] == "Z"


def test_qmnists_labels_are_the_first_of_eight_columns(tmp_path):
    raw = tmp_path / "QMNIST" / "raw"
    raw.mkdir(parents=True)
    columns = np.arange(7 * 8).reshape(7, 8)
    columns[:, 0] = LABELS
    for part in ("train", "test"):
        (raw / f"qmnist-{part}-images-idx3-ubyte").write_bytes(idx.pack(PIXELS))
        (raw / f"qmnist-{part}-labels-idx2-int").write_bytes(
            bytes([0, 0, 12, 2]) + struct.pack(">2I", 7, 8) + columns.astype(">i4").tobytes()
        )
    _, train_labels, _, test_labels = converted("qmnist", tmp_path, tmp_path)
    assert train_labels.tolist() == test_labels.tolist() == LABELS.tolist()


def test_usps(tmp_path):
    line = "10 " + " ".join(f"{place + 1}:{value}" for place, value in enumerate([-1.0, 1.0] * 128))
    for name in ("usps.bz2", "usps.t.bz2"):
        (tmp_path / name).write_bytes(bz2.compress(f"{line}\n".encode()))
    train_images, train_labels, _, _ = converted("usps", tmp_path, tmp_path)
    assert train_images.shape == (1, 16, 16)
    assert train_images[0, 0, :4].tolist() == [0, 255, 0, 255]
    assert train_labels.tolist() == [9]


@pytest.mark.parametrize(
    "name", [name for name, known in KNOWN.items() if known.download_megabytes and name != "mnist"]
)
def test_source_files_are_torchvisions_and_missing_until_they_are_whole(name, tmp_path):
    files = torchvision_child.source_files(name)
    assert torchvision_child.missing_files(name, tmp_path) == list(files)
    first = next(iter(files))
    (tmp_path / first).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / first).write_bytes(b"another content")
    assert first in torchvision_child.missing_files(name, tmp_path)


def test_a_gzip_with_the_right_checksum_is_taken_without_a_network(tmp_path, monkeypatch):
    """torchvision's own checking, with checksums of the small files put into its table."""
    from torchvision import datasets

    raw = tmp_path / "KMNIST" / "raw"
    raw.mkdir(parents=True)
    resources = []
    for name, array in zip(IDX_FILES, (PIXELS, LABELS, PIXELS, LABELS), strict=True):
        content = gzip.compress(idx.pack(array))
        (raw / f"{name}.gz").write_bytes(content)
        resources.append((f"{name}.gz", hashlib.md5(content).hexdigest()))
    monkeypatch.setattr(datasets.KMNIST, "resources", resources)
    monkeypatch.setattr(datasets.KMNIST, "mirrors", ["http://127.0.0.1:9/"])
    assert torchvision_child.missing_files("kmnist", tmp_path) == []
    assert converted("kmnist", tmp_path, tmp_path)[1].tolist() == LABELS.tolist()
    (raw / "train-images-idx3-ubyte").unlink()  # unpacked on the way; without it, the checksum is asked for again
    (raw / "train-images-idx3-ubyte.gz").write_bytes(b"wrong")
    with pytest.raises(RuntimeError, match="Error downloading train-images"):
        torchvision_child.convert("kmnist", tmp_path, tmp_path / "out")


# --------------------------------------------------------------------------------------------- the other process


def play_child(monkeypatch, program):
    """Let this program stand in for the process; it sees NAME ROOT OUTPUT in its arguments."""

    def command(name, root, output, offline):
        return [sys.executable, "-c", program, name, str(root), str(output), *(["--offline"] if offline else [])]

    monkeypatch.setattr(torchvision_sets, "child_command", command)


WRITES_FILES = """
import sys; from pathlib import Path
from eyechart.data import idx; import numpy as np
output = Path(sys.argv[3]); output.mkdir()
for name, count in (("train", 7291), ("t10k", 2007)):
    (output / f"{name}-images-idx3-ubyte").write_bytes(idx.pack(np.full((count, 16, 16), 3)))
    (output / f"{name}-labels-idx1-ubyte").write_bytes(idx.pack(np.arange(count) % 10))
print("{}")
"""


def test_what_the_process_wrote_is_kept_and_opened(empty_cache, monkeypatch):
    play_child(monkeypatch, WRITES_FILES)
    said: list[str] = []
    dataset = load_dataset("usps", say=said.append)
    assert dataset.train.images.shape == (7291, 1, 16, 16)
    assert dataset.card.name == "usps"
    assert said[0] == "usps: trying torchvision (8 MB, at most 120 s)"
    assert [path.name for path in empty_cache.iterdir()] == ["usps"], "nothing else is left behind"
    play_child(monkeypatch, "raise SystemExit('must not be started again')")
    assert load_dataset("usps", offline=True).card == dataset.card
    assert verify("usps").card == dataset.card
    assert is_here("usps")


def test_a_changed_file_in_the_cache_is_noticed(empty_cache, monkeypatch):
    play_child(monkeypatch, WRITES_FILES)
    load_dataset("usps")
    path = empty_cache / "usps" / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x05")
    with pytest.raises(DatasetError, match="t10k-labels-idx1-ubyte has the md5"):
        load_dataset("usps", offline=True)
    said: list[str] = []
    load_dataset("usps", say=said.append)
    assert "Fetching it again" in said[0]


def test_files_of_another_dataset_are_refused(empty_cache, monkeypatch):
    play_child(monkeypatch, WRITES_FILES)
    load_dataset("usps")
    (empty_cache / "usps").rename(empty_cache / "kmnist")
    with pytest.raises(DatasetError, match=r"does not hold kmnist: found train images \(7291, 1, 16, 16\)"):
        load_dataset("kmnist", offline=True)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ('print(\'{"failed": "URLError: no such host"}\')', "URLError: no such host"),
        ("import sys; sys.exit('something odd')", "the process ended with 1: something odd"),
        ("print('half an answ')", "the process ended with 0"),
    ],
)
def test_failures_of_the_process_are_told(program, words, empty_cache, monkeypatch):
    play_child(monkeypatch, program)
    with pytest.raises(DatasetMissing, match=words) as caught:
        load_dataset("usps")
    assert str(empty_cache / "usps") in str(caught.value)
    assert IDX_FILES[0] in str(caught.value)
    assert list(empty_cache.iterdir()) == []


def test_the_deadline_ends_the_process(empty_cache, monkeypatch):
    play_child(monkeypatch, "import time; time.sleep(600)")
    start = time.monotonic()
    with pytest.raises(DatasetMissing, match="not finished within 1 s"):
        torchvision_sets.files_in_cache(KNOWN["usps"], offline=False, say=lambda _: None, deadline_seconds=1)
    assert time.monotonic() - start < 300


@pytest.mark.slow
def test_the_real_process_offline_names_torchvisions_files(empty_cache):
    with pytest.raises(DatasetMissing) as caught:
        load_dataset("emnist-letters", offline=True)
    assert str(empty_cache / "torchvision" / "EMNIST" / "raw" / "gzip.zip") in str(caught.value)


@pytest.mark.slow
def test_the_real_process_without_a_network(empty_cache, monkeypatch):
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(DatasetMissing, match="could not be fetched") as caught:
        load_dataset("fashion-mnist")
    assert "FashionMNIST/raw/train-images-idx3-ubyte.gz" in str(caught.value)
    assert list(empty_cache.iterdir()) == []


def test_files_put_there_by_hand_with_another_checksum_are_refused(tmp_path, capsys):
    """torchvision itself would read any file that is called usps.bz2."""
    (tmp_path / "usps.bz2").write_bytes(bz2.compress(b"1 1:0.5"))
    assert torchvision_child.main(["usps", str(tmp_path), str(tmp_path / "out")]) == 1
    reply = json.loads(capsys.readouterr().out)
    assert "usps.bz2 below" in reply["failed"]
    assert reply["missing"] == ["usps.bz2", "usps.t.bz2"]


def test_files_put_there_by_hand_are_converted(tmp_path, capsys, monkeypatch):
    from torchvision import datasets

    line = "1 " + " ".join(f"{place + 1}:0.5" for place in range(256))
    content = bz2.compress(f"{line}\n".encode())
    table = {
        part: ["http://127.0.0.1:9/", f"{part}.bz2", hashlib.md5(content).hexdigest()] for part in ("train", "test")
    }
    monkeypatch.setattr(datasets.USPS, "split_list", table)
    for part in table:
        (tmp_path / f"{part}.bz2").write_bytes(content)
    assert torchvision_child.main(["usps", str(tmp_path), str(tmp_path / "out"), "--offline"]) == 0
    assert json.loads(capsys.readouterr().out) == {}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(IDX_FILES)


def test_zip_of_emnist_is_not_mistaken_for_a_dataset_of_one(tmp_path):
    """EMNIST's own archive holds six datasets: which one is meant cannot be told."""
    with zipfile.ZipFile(tmp_path / "gzip.zip", "w") as target:
        for split in ("letters", "digits"):
            for part, pixels in (("train", PIXELS), ("test", PIXELS[::-1])):
                extra = np.full((1 if split == "letters" else 2, 28, 28), 5, np.uint8)
                stem = f"gzip/emnist-{split}-{part}"
                images = np.concatenate([pixels, extra])
                target.writestr(f"{stem}-images-idx3-ubyte.gz", gzip.compress(idx.pack(images)))
                target.writestr(f"{stem}-labels-idx1-ubyte.gz", gzip.compress(idx.pack(np.arange(len(images)) % 3)))
    with pytest.raises(DatasetError, match=r"two different contents for its (train|test) images"):
        load_dataset(str(tmp_path / "gzip.zip"))
