"""Folders of pictures are decoded once, into a store that nothing and nobody leaves half-written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import DatasetError, Interrupted, StorageError
from eyechart.data import picture_pass, picture_reader, picture_store
from eyechart.data.catalog import load_dataset, verify
from eyechart.data.class_folders import list_folder
from eyechart.data.content import parts_sha256
from eyechart.data.pictures import read_picture
from eyechart.data.stratify import amounts, class_counts, pick
from eyechart.schema.contracts import LabelledImages

pytestmark = pytest.mark.usefixtures("empty_cache")

NAMES = tuple(f"{number}.png" for number in range(12))


@pytest.fixture
def folder(tmp_path, write_pictures):
    """Three classes of twelve grey pictures of 6 x 4 pixels."""
    for name in ("a", "b", "c"):
        write_pictures(tmp_path / "pictures" / name, *NAMES, grey=True)
    return tmp_path / "pictures"


@pytest.fixture
def decoded_files(monkeypatch):
    """The files that were decoded, in this process, after the guess."""
    files: list[str] = []

    def noting(task):
        files.extend(task.files)
        return decode(task)

    decode = picture_reader.decode
    monkeypatch.setattr(picture_reader, "decode", noting)
    return files


def silent(sentence: str) -> None:
    """Nobody listens."""


def stores_of(folder: Path) -> list[str]:
    return sorted(path.name for path in picture_store.place_of(folder).iterdir() if path.is_dir())


def plainly(root: Path, side: int | None = None, *, channels: int = 3) -> str:
    """The content hash by the rules, without any store: everything in memory, the test cut from train by sha256."""
    files = list(list_folder(root).files())
    with Image.open(files[0]) as first:
        width, height = (side, side) if side else first.size
    images = np.stack([read_picture(Path(file), channels=channels, height=height, width=width) for file in files])
    labels = list_folder(root).labels("train")
    digests = [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files]
    keys = np.argsort(np.array(sorted(range(len(files)), key=lambda place: digests[place])))
    counts = class_counts(labels, 3)
    is_test = pick(labels, amounts(counts, round(0.2 * len(labels)), at_least=1, leave=1), keys)
    return parts_sha256(*(LabelledImages(images[chosen], labels[chosen]) for chosen in (~is_test, is_test)))


# --------------------------------------------------------------------------------------------- the same as ever


@pytest.mark.parametrize("side", [None, 9])
def test_the_hash_is_that_of_plain_decoding(folder, side):
    assert load_dataset(str(folder), img_size=side).card.content_sha256 == plainly(folder, side, channels=1)


def test_processes_decode_the_same(folder, monkeypatch):
    monkeypatch.setattr(picture_reader, "PROCESS_SECONDS", 0.0)
    monkeypatch.setattr("eyechart.base.host.num_cores", lambda: 2)
    monkeypatch.setattr(picture_reader, "FEWEST_PICTURES", 1)
    monkeypatch.setattr(picture_reader, "TASK_SECONDS", 0.0)
    assert load_dataset(str(folder)).card.content_sha256 == plainly(folder, channels=1)


def test_a_broken_picture_is_named_across_processes(folder, monkeypatch):
    monkeypatch.setattr(picture_reader, "PROCESS_SECONDS", 0.0)
    monkeypatch.setattr("eyechart.base.host.num_cores", lambda: 2)
    broken = folder / "b" / "5.png"
    broken.write_bytes(broken.read_bytes()[:50])
    with pytest.raises(DatasetError, match=r"b/5\.png cannot be read as a picture"):
        load_dataset(str(folder), img_size=8)


def test_views_equal_copies(folder):
    train = load_dataset(str(folder)).train
    copy = np.array(train.images[:])
    for index in (slice(2, 5), np.array([7, 0, 7]), np.arange(len(copy)) % 3 == 0):
        assert np.array_equal(train.images[index], copy[index])
    part = train.subset(np.array([5, 1, 9])).subset(np.array([2, 0]))
    assert np.array_equal(part.images[:], copy[[9, 5]])
    assert part.images.shape == (2, 1, 4, 6)
    assert np.array_equal(np.concatenate(list(train.chunks(7))), copy)
    assert part.images.everything is train.images.everything, "nothing was copied"


# --------------------------------------------------------------------------------------------- once


def test_a_second_start_decodes_nothing(folder, decoded_files):
    before = load_dataset(str(folder))
    assert len(decoded_files) == 36
    again = load_dataset(str(folder))
    assert len(decoded_files) == 36
    assert before.card == again.card
    assert np.array_equal(before.test.images[:], again.test.images[:])


def test_other_sizes_live_side_by_side(folder, decoded_files):
    load_dataset(str(folder), img_size=8)
    load_dataset(str(folder), img_size=9)
    load_dataset(str(folder), img_size=8)
    assert len(decoded_files) == 72
    assert len(stores_of(folder)) == 2


@pytest.mark.parametrize("change", ["touched", "removed", "added", "renamed"])
def test_a_change_makes_a_new_store_and_removes_the_old_ones(change, folder, decoded_files):
    load_dataset(str(folder), img_size=8)
    load_dataset(str(folder), img_size=9)
    old = stores_of(folder)
    picture = folder / "b" / "3.png"
    if change == "touched":
        Image.new("L", (6, 4), 9).save(picture)
        os.utime(picture, ns=(1, 1))
    elif change == "removed":
        picture.unlink()
    elif change == "added":
        shutil.copy(picture, folder / "b" / "copy.png")
    else:
        picture.rename(folder / "b" / "another.png")
    dataset = load_dataset(str(folder), img_size=8)
    assert dataset.card.content_sha256 == plainly(folder, 8, channels=1)
    (new,) = stores_of(folder)
    assert new not in old


def test_a_first_coloured_picture_turns_the_grey_ones_into_colour(folder, write_pictures, saves_every_task):
    write_pictures(folder / "c", "0b.png")
    listing = list_folder(folder)
    assert picture_pass.guess(listing, None).num_channels == 1, "it must not be among those that the guess goes by"
    dataset = load_dataset(str(folder))
    assert dataset.card.num_channels == 3
    assert dataset.card.content_sha256 == plainly(folder)


def test_an_odd_size_starts_anew_at_the_usual_size(folder, write_pictures, saves_every_task):
    write_pictures(folder / "c", "0b.png", size=(7, 4))
    assert picture_pass.guess(list_folder(folder), None)[:2] == (4, 6)
    dataset = load_dataset(str(folder))
    assert (dataset.card.height, dataset.card.width) == (64, 64)
    assert dataset.card.content_sha256 == plainly(folder, 64)


# --------------------------------------------------------------------------------------------- stopped


def stopping_after(count: int):
    """Something to say things to that asks to stop after some of them."""
    said: list[str] = []

    def say(sentence: str) -> None:
        said.append(sentence)
        if sum("pictures prepared," in line for line in said) == count:
            raise Interrupted("stopped")

    return say


def test_what_was_prepared_before_a_stop_is_not_decoded_again(folder, saves_every_task, decoded_files):
    with pytest.raises(Interrupted):
        load_dataset(str(folder), say=stopping_after(20))
    assert len(decoded_files) == 20
    dataset = load_dataset(str(folder))
    assert len(decoded_files) == 36
    assert dataset.card.content_sha256 == plainly(folder, channels=1)


def test_progress_is_told(folder, saves_every_task):
    said: list[str] = []
    load_dataset(str(folder), say=said.append)
    told = [line for line in said if "pictures prepared," in line]
    assert told[8].startswith(f"{folder}: 9 of 36 pictures prepared, ")
    assert told[8].endswith(" s left")


PROGRAM = """
import os, sys, time
from eyechart.data import picture_pass, picture_reader
from eyechart.data.catalog import load_dataset
picture_reader.FEWEST_PICTURES, picture_reader.TASK_SECONDS = 1, 0.0
picture_pass.SAVE_SECONDS = picture_pass.SAY_SECONDS = -1.0
decode = picture_reader.decode
num_decoded = 0
def gated(task):
    global num_decoded
    num_decoded += 1
    while num_decoded > int(sys.argv[2]) and not os.path.exists(sys.argv[3]):
        time.sleep(0.02)
    return decode(task)
picture_reader.decode = gated
def say(sentence):
    print(sentence, flush=True)
print(load_dataset(sys.argv[1], say=say).card.content_sha256)
"""


def gate_of(folder: Path) -> Path:
    """The file that lets the processes that are `started` go on."""
    return folder.with_name("gate")


def started(folder: Path, num_pictures: int) -> subprocess.Popen[str]:
    """A process that tells of every picture it prepares, and after so many waits for its gate."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM, str(folder), str(num_pictures), str(gate_of(folder))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"it ended without saying {words!r}")


@pytest.mark.parametrize("num_told", [1, 17, 35])
def test_killed_in_the_middle_it_goes_on(num_told, folder, decoded_files):
    with started(folder, num_told) as process:
        wait_for(process, f" {num_told} of 36 pictures prepared")
        process.send_signal(signal.SIGKILL)
    (partial,) = stores_of(folder)
    assert partial.endswith(".partial")
    layout = picture_pass.read_progress(picture_store.place_of(folder) / partial)
    assert layout is not None
    assert layout.num_done == num_told
    dataset = load_dataset(str(folder))
    assert len(decoded_files) == 36 - layout.num_done
    assert dataset.card.content_sha256 == plainly(folder, channels=1)


def test_bytes_behind_the_last_save_do_not_count(folder, saves_every_task):
    with pytest.raises(Interrupted):
        load_dataset(str(folder), say=stopping_after(20))
    (partial,) = picture_store.place_of(folder).glob("*.partial")
    with (partial / picture_pass.IMAGES_FILE).open("ab") as images:
        images.write(b"half a pict")
    assert load_dataset(str(folder)).card.content_sha256 == plainly(folder, channels=1)


def test_a_file_that_is_shorter_than_its_progress_is_not_believed(folder, saves_every_task):
    with pytest.raises(Interrupted):
        load_dataset(str(folder), say=stopping_after(20))
    (partial,) = picture_store.place_of(folder).glob("*.partial")
    os.truncate(partial / picture_pass.IMAGES_FILE, 24 * 10)
    assert load_dataset(str(folder)).card.content_sha256 == plainly(folder, channels=1)


@pytest.mark.slow
def test_two_starts_at_once_prepare_it_once(folder):
    with started(folder, 1) as first:
        wait_for(first, " 1 of 36 pictures prepared")
        with started(folder, 1) as second:
            wait_for(second, "waiting for another process that prepares the same pictures")
            gate_of(folder).touch()
            outputs = [process.communicate()[0] for process in (first, second)]
    told = [line for output in outputs for line in output.splitlines() if "pictures prepared" in line]
    assert len(told) == 35, "each of the others was prepared by one of them"
    assert {output.splitlines()[-1] for output in outputs} == {plainly(folder, channels=1)}


def test_whoever_waits_can_be_stopped(folder):
    def say(sentence: str) -> None:
        if "waiting" in sentence:
            raise Interrupted("stopped")

    with started(folder, 1) as process:
        wait_for(process, " 1 of 36")
        with pytest.raises(Interrupted):
            load_dataset(str(folder), say=say)
        process.kill()


def test_reader_processes_end_with_whoever_started_them(folder):
    reader = picture_reader._Reader()
    with reader:
        process = reader._process
        assert process.poll() is None
        process.stdin.close()  # as when the parent is killed
        assert process.wait(timeout=300) == 0


# --------------------------------------------------------------------------------------------- trouble


def test_too_little_space_is_told_before_anything_is_decoded(folder, monkeypatch, decoded_files):
    usage = shutil.disk_usage(folder)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(StorageError, match=r"36 pictures .* at 8 x 8 pixels takes 0 MB in .*, and 1 MB are free there"):
        load_dataset(str(folder), img_size=8)
    with pytest.raises(StorageError, match="EYECHART_CACHE"):
        load_dataset(str(folder), img_size=8)
    assert not decoded_files


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_disk_that_fills_up_on_the_way(folder):
    load_dataset(str(folder))
    (store,) = stores_of(folder)
    place = picture_store.place_of(folder)
    shutil.rmtree(place / store)
    (place / f"{store}.partial").mkdir()
    (place / f"{store}.partial" / picture_pass.IMAGES_FILE).symlink_to("/dev/full")
    with pytest.raises(StorageError, match=r"could not be prepared in .* EYECHART_CACHE"):
        load_dataset(str(folder))


def test_a_cache_that_is_a_file(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="EYECHART_CACHE"):
        load_dataset(str(folder))


@pytest.mark.parametrize("damage", ["no record", "no json", "too short"])
def test_a_store_that_is_not_whole_is_prepared_anew(damage, folder, decoded_files):
    load_dataset(str(folder))
    store = picture_store.place_of(folder) / stores_of(folder)[0]
    if damage == "no record":
        (store / picture_store.STORE_FILE).unlink()
    elif damage == "no json":
        (store / picture_store.STORE_FILE).write_text("{")
    else:
        os.truncate(store / picture_pass.IMAGES_FILE, 100)
    assert load_dataset(str(folder)).card.content_sha256 == plainly(folder, channels=1)
    assert len(decoded_files) == 72


def test_verify_finds_a_changed_byte(folder):
    card = verify(str(folder)).card
    store = picture_store.place_of(folder) / stores_of(folder)[0]
    images = bytearray((store / picture_pass.IMAGES_FILE).read_bytes())
    images[7] ^= 1
    (store / picture_pass.IMAGES_FILE).write_bytes(images)
    with pytest.raises(DatasetError, match="damaged or replaced: delete that folder"):
        verify(str(folder))
    shutil.rmtree(store)
    assert verify(str(folder)).card == card


def test_the_record_is_plain(folder):
    load_dataset(str(folder), img_size=8)
    store = picture_store.place_of(folder) / stores_of(folder)[0]
    record = json.loads((store / picture_store.STORE_FILE).read_text())
    assert record == {"images": [36, 1, 8, 8], "num_digests": 36}


def test_what_is_prepared_can_be_listed_and_removed(folder):
    assert picture_store.prepared_folders() == []
    load_dataset(str(folder), img_size=8)
    ((root, place, num_bytes),) = picture_store.prepared_folders()
    assert root == str(folder)
    assert num_bytes > 36 * (64 + 32)
    assert picture_store.remove(folder)
    assert not place.exists()
    assert not picture_store.remove(folder)


@pytest.mark.slow
def test_memory_stays_flat(tmp_path):
    """Decoding twice as many pictures takes no more memory of its own: 24 MB more would show."""

    def anonymous_peak(num_pictures: int) -> int:
        root = tmp_path / f"many-{num_pictures}"
        for name in ("a", "b"):
            (root / name).mkdir(parents=True)
        Image.effect_noise((128, 128), 50).convert("RGB").save(root / "a" / "0.png", compress_level=1)
        for number in range(1, num_pictures):
            os.link(root / "a" / "0.png", root / "ab"[number % 2] / f"{number}.png")
        command = [sys.executable, "-c", MEMORY_PROGRAM, str(root)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        return int(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)

    assert anonymous_peak(1000) - anonymous_peak(500) < 8 << 20


MEMORY_PROGRAM = """
import sys
from eyechart.data.catalog import load_dataset
from eyechart.data import picture_pass
peak = 0
def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))
def say(sentence):
    global peak
    peak = max(peak, anonymous())
picture_pass.SAY_SECONDS = 0.0
load_dataset(sys.argv[1], say=say)
print(max(peak, anonymous()))
"""
