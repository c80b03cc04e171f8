"""Files appear whole or not at all, and damage is named."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import StorageError
from eyechart.files import storage
from eyechart.schema import Budget


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    storage.write_text(path, "old")

    def write_half() -> None:
        with storage.atomic_file(path) as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert path.read_text() == "old"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_a_full_disk_says_what_to_do_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match=r"disk is full.*Free some space.*--resume"):
        storage.write_text(tmp_path / "run.json", "content")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(StorageError, match=r"could not be written"):
        storage.write_text(tmp_path / "runs" / "run.json", "content")


def test_records_survive_and_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "budget.json"
    storage.write_record(path, Budget(unit="epochs", amount=2))
    assert storage.read_record(path, Budget) == Budget(unit="epochs", amount=2)
    path.write_text('{"unit": "years", "amount": 1}')
    with pytest.raises(StorageError, match=r"budget.json is damaged .*unit"):
        storage.read_record(path, Budget)
    path.write_text('{"unit": ')
    with pytest.raises(StorageError, match="is damaged"):
        storage.read_record(path, Budget)
    with pytest.raises(StorageError, match="is not there"):
        storage.read_record(tmp_path / "other.json", Budget)


def test_arrays_survive_and_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    storage.write_arrays(path, {"probabilities": np.eye(3, dtype=np.float32)})
    assert np.array_equal(storage.read_arrays(path)["probabilities"], np.eye(3))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StorageError, match="is damaged"):
        storage.read_arrays(path)


def test_digests_see_names_types_shapes_and_bytes() -> None:
    array = np.arange(6, dtype=np.float32)
    reference = storage.digest_arrays({"a": array, "b": array})
    assert storage.digest_arrays({"b": array.copy(), "a": array}) == reference
    for other in (
        {"a": array, "c": array},
        {"a": array, "b": array.reshape(2, 3)},
        {"a": array, "b": array.astype(int)},
    ):
        assert storage.digest_arrays(other) != reference


def test_natural_order_puts_2_before_10() -> None:
    names = ["vit-s10", "vit-s2", "cnn-s0", "10", "9", "a"]
    assert sorted(names, key=storage.natural_key) == ["9", "10", "a", "cnn-s0", "vit-s2", "vit-s10"]


def test_runs_are_found_at_every_depth_and_once(tmp_path: Path) -> None:
    for place in ("study/b-s10", "study/b-s2", "other/a-s0"):
        storage.write_text(tmp_path / place / "run.json", "{}")
    found = [str(path.relative_to(tmp_path)) for path in storage.find_runs([tmp_path, tmp_path / "study"])]
    assert found == ["other/a-s0", "study/b-s2", "study/b-s10"]
    assert storage.find_runs([tmp_path / "study" / "b-s2"]) == [tmp_path / "study" / "b-s2"]
    with pytest.raises(StorageError, match="does not exist"):
        storage.find_runs([tmp_path / "nowhere"])


def test_a_folder_that_is_no_run_says_what_it_is_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"is not there; .* `eyechart ls`"):
        storage.read_run(tmp_path / "nowhere")
    with pytest.raises(StorageError, match=r"no finished run in .* `eyechart run`"):
        storage.read_run(tmp_path)
    for seed in range(14):
        (tmp_path / "study" / f"cnn-s{seed}").mkdir(parents=True)
        (tmp_path / "study" / f"cnn-s{seed}" / "run.json").write_text("{}")
    for folder in (tmp_path, tmp_path / "study"):
        with pytest.raises(StorageError, match=r"holds several runs.*cnn-s0, .*cnn-s11 and 2 more") as found:
            storage.read_run(folder)
        assert "run.json" not in str(found.value)
    with pytest.raises(StorageError, match="is a file"):
        storage.read_run(tmp_path / "study" / "cnn-s0" / "run.json")


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("study.json", r"Restore that file, or start anew under another --name\.$"),
        ("tune.json", r"Restore that file, or start anew under another --name\.$"),
        ("run.json", r"Delete the folder \S+ and run with --resume\.$"),
    ],
)
def test_what_is_advised_of_a_damaged_record_works(name: str, cure: str, tmp_path: Path) -> None:
    """Without its plan a study cannot be resumed, and its folder holds all of its runs."""
    (tmp_path / name).write_text("{")
    with pytest.raises(StorageError, match=cure):
        storage.read_record(tmp_path / name, Budget)


def test_damaged_images_are_made_again_by_a_run(tmp_path: Path) -> None:
    (tmp_path / "items-0123.npz").write_text("")
    with pytest.raises(StorageError, match=r"Delete it and the folder of one run beside it, then run with --resume"):
        storage.read_arrays(tmp_path / "items-0123.npz")
