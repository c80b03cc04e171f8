"""Runs at an address: what is new goes there, what is there comes here, and a run is there once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from eyechart.base.errors import StorageError, UsageError
from eyechart.files import addresses, locks, storage, twins
from eyechart.files.addresses import address_of, copy_of, fetch, here, kept_up, put
from eyechart.files.places import as_address

RUN = "study/cnn-s0"


@pytest.fixture(params=["memory", "file"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place in memory, and one on the disk, which are what fsspec opens without a service."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    yield "memory://bucket/runs" if request.param == "memory" else f"file://{tmp_path / 'far' / 'runs'}"
    memory.store.clear()


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> Callable[[str], Path]:
    """The copy of the address on a machine of that name, where we are from then on."""

    def be_on(machine: str) -> Path:
        monkeypatch.setenv("EYECHART_CACHE", str(tmp_path / machine))
        return copy_of(address)

    return be_on


def write(copy: Path, **files: str) -> None:
    """Files of one run, by the first word of their names."""
    names = {"run": storage.RUN_FILE, "weights": storage.WEIGHTS_FILE, "checkpoint": storage.CHECKPOINT_FILE}
    for name, text in files.items():
        storage.write_text(copy / RUN / names[name], text)


def read(copy: Path) -> dict[str, str]:
    found = (path for path in copy.rglob("*") if path.is_file() and twins.MARKER not in path.parts)
    return {path.relative_to(copy).as_posix(): path.read_text() for path in found}


def test_what_is_an_address() -> None:
    for path in ("runs", "/runs", "C:/runs", "C:\\runs", "a/b:/c", "./s3:x", "~/runs"):
        assert as_address(path) is None, path
    for path in ("s3://bucket/runs", Path("s3://bucket/runs")):
        assert as_address(path) == "s3://bucket/runs", "pathlib makes one slash of two"
    assert as_address(Path("file:///home/runs")) == "file:///home/runs"
    assert here("~") == Path.home()


def test_what_one_machine_put_another_one_has(at: Callable[[str], Path], address: str) -> None:
    first = at("first")
    storage.write_text(first / "study" / storage.STUDY_FILE, "plan")
    write(first, run="done", weights="w")
    put(first)
    second = at("second")
    assert second != first
    fetch(second / "study")
    assert read(second) == read(first) == {
        "study/study.json": "plan", f"{RUN}/run.json": "done", f"{RUN}/weights.safetensors": "w",
    }  # fmt: skip
    assert address_of(second / RUN) == f"{address}/{RUN}"
    assert here(address) == second


def test_only_what_changed_travels(at: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    copy, travelled = at("first"), []
    write(copy, weights="w", checkpoint="1")
    put_file = twins.Twins.put_file
    monkeypatch.setattr(twins.Twins, "put_file", lambda self, path: (travelled.append(path.name), put_file(self, path)))
    put(copy)
    put(copy)
    write(copy, checkpoint="2")
    put(copy)
    assert travelled == [storage.CHECKPOINT_FILE, storage.WEIGHTS_FILE, storage.CHECKPOINT_FILE]
    monkeypatch.setattr(storage, "atomic_file", lambda path: pytest.fail(f"{path} was fetched"))
    fetch(copy)


def test_a_run_that_was_cut_off_goes_on_elsewhere(at: Callable[[str], Path]) -> None:
    first = at("first")
    write(first, checkpoint="half")
    put(first)
    second = at("second")
    fetch(second)
    assert read(second) == {f"{RUN}/{storage.CHECKPOINT_FILE}": "half"}
    (second / RUN / storage.CHECKPOINT_FILE).unlink()  # as a run does that ends
    write(second, run="done")
    put(second)
    third = at("third")
    fetch(third)
    assert read(third) == {f"{RUN}/run.json": "done"}, "the checkpoint is needed no more"
    first = at("first")
    fetch(first)
    assert read(first) == {f"{RUN}/run.json": "done"}


def test_of_two_machines_that_did_a_run_the_first_one_counts(at: Callable[[str], Path]) -> None:
    for machine in ("first", "second"):
        copy = at(machine)
        write(copy, run=machine, weights=machine)
    for machine in ("first", "second"):
        put(at(machine))
    for machine in ("first", "second", "third"):
        copy = at(machine)
        fetch(copy)
        assert set(read(copy).values()) == {"first"}, "nothing of the other one's, in no file"


def test_a_run_under_way_puts_nothing_over_one_that_another_machine_has_done(at: Callable[[str], Path]) -> None:
    write(at("first"), run="first", weights="of first")
    put(at("first"))
    second = at("second")
    write(second, checkpoint="1", weights="of second")  # before its own run.json
    put(second)
    assert read(second)[f"{RUN}/{storage.WEIGHTS_FILE}"] == "of second", "it goes on"
    third = at("third")
    fetch(third)
    assert read(third) == {f"{RUN}/run.json": "first", f"{RUN}/weights.safetensors": "of first"}
    second = at("second")
    write(second, run="second")
    put(second)
    assert read(second) == read(third)


def test_a_file_that_changed_there_replaces_ours(at: Callable[[str], Path]) -> None:
    first = at("first")
    write(first, checkpoint="1")
    put(first)
    second = at("second")
    fetch(second)
    write(second, checkpoint="22")
    put(second)
    first = at("first")
    write(first, checkpoint="333")
    fetch(first)
    assert read(first) == {f"{RUN}/{storage.CHECKPOINT_FILE}": "22"}


def test_what_is_ours_alone_stays_here(at: Callable[[str], Path]) -> None:
    first = at("first")
    write(first, run="done")
    for name in (".eyechart-lock", "features.bin", ".run.json.x1.partial"):
        storage.write_text(first / RUN / name, "ours")
    put(first)
    second = at("second")
    fetch(second)
    assert read(second) == {f"{RUN}/run.json": "done"}


def test_a_run_under_way_is_put_from_time_to_time(at: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "PUT_SECONDS", 0.01)
    copy, was_put = at("first"), threading.Event()
    put_file = twins.Twins.put_file
    monkeypatch.setattr(twins.Twins, "put_file", lambda self, path: (put_file(self, path), was_put.set()))
    with kept_up(copy / RUN):
        write(copy, checkpoint="half")
        assert was_put.wait(60), "nothing was put while the run was under way"
        storage.write_text(copy / "study" / "items-01.npz", "test images")
        write(copy, run="done")
    second = at("second")
    fetch(second)
    assert f"{RUN}/run.json" in read(second)
    assert "study/items-01.npz" in read(second)


def test_an_error_inside_is_told_and_what_is_there_is_put(at: Callable[[str], Path]) -> None:
    copy = at("first")

    def fail() -> None:
        with kept_up(copy / RUN):
            write(copy, checkpoint="half")
            raise StorageError("the disk")

    with pytest.raises(StorageError, match="the disk"):
        fail()
    second = at("second")
    fetch(second)
    assert read(second) == {f"{RUN}/{storage.CHECKPOINT_FILE}": "half"}


def test_whoever_holds_a_folder_has_it_in_step(at: Callable[[str], Path], address: str) -> None:
    first, said = at("first"), []
    with locks.hold(first / "study", said.append):
        write(first, run="done")
    assert address in said[0]
    second = at("second")
    with locks.share(second / "study", "1-of-2", said.append):
        assert read(second).pop(f"{RUN}/run.json") == "done"
        storage.write_text(second / "study" / storage.REPORT_FILE, "report")
    third = at("third")
    fetch(third)
    assert f"study/{storage.REPORT_FILE}" in read(third)
    assert ".eyechart" not in " ".join(read(third))


def test_a_place_below_is_in_the_same_copy(at: Callable[[str], Path], address: str) -> None:
    copy = at("first")
    assert copy_of(f"{address}/study/") == copy / "study"
    with pytest.raises(StorageError, match="leads out"):
        copy_of(f"{address}/../other")


def test_the_nearest_copy_is_taken_where_one_above_came_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path / "first"))
    below = f"{address}/deep/study"
    copy = copy_of(below)
    above = copy_of(f"{address}/other")
    assert above.parent not in copy.parents
    assert copy_of(below) == copy


def test_a_run_of_which_nothing_is_wanted_is_there_all_the_same(at: Callable[[str], Path], address: str) -> None:
    write(at("first"), checkpoint="half")
    put(at("first"))
    second = at("second")
    assert here(address, addresses.records) == second
    assert (second / RUN).is_dir()
    assert read(second) == {}


def test_an_address_that_is_none_or_empty_is_told(at: Callable[[str], Path], address: str) -> None:
    at("first")
    with pytest.raises(StorageError, match=r"holds nothing; expected runs"):
        here(address)
    with pytest.raises(UsageError, match=r"no address that can be opened .* s3://bucket"):
        here("nonsense://bucket")


def test_a_service_that_fails_is_told_and_nothing_is_lost(
    at: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = at("first")
    write(copy, run="done")

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("AccessDenied")  # services raise what they like

    for kind in ("memory", "file"):
        monkeypatch.setattr(type(fsspec.filesystem(kind)), "makedirs", refuse)
    with pytest.raises(StorageError, match=r"could not be reached or written to \(AccessDenied\).*--resume") as caught:
        put(copy)
    assert str(copy) in str(caught.value)
    assert read(copy) == {f"{RUN}/run.json": "done"}


def test_only_what_a_command_needs_is_fetched(at: Callable[[str], Path]) -> None:
    first = at("first")
    storage.write_text(first / "study" / "items-01.npz", "test images")
    write(first, run="done", weights="w")
    put(first)
    second = at("second")
    fetch(second, addresses.records)
    assert set(read(second)) == {f"{RUN}/run.json"}
    fetch(second, addresses.but_weights)
    assert set(read(second)) == {f"{RUN}/run.json", "study/items-01.npz"}
    put(second)  # what is not here is not taken for removed
    fetch(second)
    assert read(second) == read(first)


def test_folders_of_this_machine_are_left_alone(tmp_path: Path) -> None:
    assert address_of(tmp_path) is None
    fetch(tmp_path)
    put(tmp_path)
    with kept_up(tmp_path):
        pass
    assert not any(tmp_path.iterdir())
