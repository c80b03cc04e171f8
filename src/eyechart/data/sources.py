"""Where datasets come from, one class for each way; catalog.py asks them in turn who knows a reference."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

from eyechart.base.errors import DatasetError, DatasetMissing, UsageError
from eyechart.data import (
    annotated_folder,
    cached,
    drawn_sets,
    idx_folder,
    image_folder,
    mnist,
    scene_sets,
    sklearn_digits,
    torchvision_sets,
)
from eyechart.data.annotations.looking import are_annotated
from eyechart.data.archive import names_that_lead_out
from eyechart.data.facts import DatasetFacts, FileCheck, facts_of
from eyechart.data.idx import IDX_FILES
from eyechart.data.known import KNOWN, KnownDataset
from eyechart.data.regular_files import check_regular
from eyechart.data.resized import check_side, resized
from eyechart.files.cache import cache_folder, is_offline
from eyechart.files.file_names import on_disk, readable
from eyechart.files.folder_names import ARCHIVES
from eyechart.files.places import SCENES, user_path
from eyechart.schema import Task
from eyechart.schema.contracts import Dataset


class Wish(NamedTuple):
    """How a dataset is asked for."""

    img_size: int | None = None  # side in pixels to which pictures are decoded; None: as the source has them
    offline: bool = False
    say: Callable[[str], None] = lambda sentence: None  # plain lines on what is being done


class Source(Protocol):
    """One way to come by a dataset; the first that claims a reference delivers it."""

    @property
    def task(self) -> Task:
        """What is asked of its images."""

    def claims(self, reference: str) -> bool:
        """Whether a reference is this source's business: a name that it knows, a path that it can read."""

    def load(self, reference: str, wish: Wish) -> Dataset:
        """Raises UsageError (a wish that it cannot grant), DatasetMissing (not to be had), DatasetError (broken)."""

    def verify(self, reference: str, wish: Wish) -> DatasetFacts:
        """Everything read and hashed anew, from what is on this machine.  Raises as `load` does."""


# --------------------------------------------------------------------------------------------- names


@dataclass(frozen=True)
class Named:
    """A dataset that has a name and a size of its own."""

    task: ClassVar[Task] = "classification"

    known: KnownDataset

    def claims(self, reference: str) -> bool:
        return reference == self.known.name

    def check_size(self, img_size: int | None) -> None:
        check_side(self.known.name, self.known.height, self.known.width, img_size)

    def is_here(self) -> bool:
        """Whether it can be loaded without fetching anything."""
        return True

    def folder(self) -> Path | None:
        """Where it is kept; None: it is made where it is needed."""
        return None


@dataclass(frozen=True)
class Made(Named):
    """Made on the spot: carried by a library, or drawn by a rule."""

    make: Callable[[], Dataset]

    def load(self, reference: str, wish: Wish) -> Dataset:
        self.check_size(wish.img_size)
        return resized(self.make(), wish.img_size)

    def verify(self, reference: str, wish: Wish) -> DatasetFacts:
        return facts_of(self.load(reference, wish), ())


@dataclass(frozen=True)
class Drawn(Named):
    """Drawn once by a rule, and kept."""

    draw: Callable[..., Dataset]

    def load(self, reference: str, wish: Wish, *, rehash: bool = False) -> Dataset:
        self.check_size(wish.img_size)
        return resized(self.draw(wish.say, rehash=rehash), wish.img_size)

    def verify(self, reference: str, wish: Wish) -> DatasetFacts:
        return facts_of(self.load(reference, wish, rehash=True), ())


@dataclass(frozen=True)
class Kept(Named):
    """Four IDX files in the cache, fetched where they are not there, and again where they are broken."""

    fetch: Callable[[bool, Callable[[str], None]], Path]  # offline, say -> the folder with the files
    md5: dict[str, str]  # of the files, as published; empty: whoever fetches checks what is downloaded

    def folder(self) -> Path:
        return cache_folder() / self.known.name

    def is_here(self) -> bool:
        return all((self.folder() / name).is_file() for name in IDX_FILES)

    def load(self, reference: str, wish: Wish) -> Dataset:
        self.check_size(wish.img_size)
        return resized(self._load(wish), wish.img_size)

    def _load(self, wish: Wish) -> Dataset:
        was_here, offline = self.is_here(), is_offline(wish.offline)
        folder = self.fetch(offline, wish.say)
        try:
            return cached.open_dataset(folder, self.known, self.md5)
        except DatasetError as error:
            if offline or not was_here:
                raise
            wish.say(f"{error} Fetching it again.")
        for name in IDX_FILES:
            (folder / name).unlink(missing_ok=True)
        return cached.open_dataset(self.fetch(offline, wish.say), self.known, self.md5)

    def verify(self, reference: str, wish: Wish) -> DatasetFacts:
        name, folder = self.known.name, self.folder()
        if not any((folder / file).is_file() for file in IDX_FILES):
            raise DatasetMissing(f"{name} is not in the cache, {folder}. Get it: eyechart data fetch {name}")
        self.check_size(wish.img_size)
        dataset = resized(cached.open_dataset(folder, self.known, self.md5, rehash=True), wish.img_size)
        found = cached.md5_of_files(folder)
        return facts_of(dataset, tuple(FileCheck(file, found[file], self.md5.get(file)) for file in IDX_FILES))


def _kept(name: str) -> Kept:
    known = KNOWN[name]
    return Kept(known, lambda offline, say: torchvision_sets.files_in_cache(known, offline=offline, say=say), {})


# --------------------------------------------------------------------------------------------- paths


class IdxFiles:
    """A folder or zip that holds IDX files."""

    task: ClassVar[Task] = "classification"

    def claims(self, reference: str) -> bool:
        path = path_of(reference)
        return path is not None and (path.is_file() or bool(idx_folder.find(path)))

    def load(self, reference: str, wish: Wish) -> Dataset:
        path = _path(reference)
        if path.is_file() and (path.suffix.lower() not in ARCHIVES or "ubyte" in path.name):
            raise DatasetError(
                f"{path} is a single file; expected a folder or zip with MNIST-like IDX files, or a folder of class "
                f"folders. Name the folder that it is in."
            )
        found = idx_folder.find(path)
        if not found:
            raise DatasetError(
                f"{path} has no IDX files. {idx_folder.EXPECTED}; a zip of pictures must be unpacked first."
            )
        if outside := names_that_lead_out(path):
            wish.say(f"{path}: skipped, because such a name leads out of the folder: {', '.join(outside[:3])}")
        return resized(idx_folder.load(path, found, wish.say), wish.img_size)

    def verify(self, reference: str, wish: Wish) -> DatasetFacts:
        """The hashes of the files, with MNIST's canonical one if it is that."""
        dataset = self.load(reference, wish)
        canonical = set(mnist.CANONICAL_MD5.values())
        files = idx_folder.read(idx_folder.find(_path(reference)))
        checks = (FileCheck(file.name, file.md5, file.md5 if file.md5 in canonical else None) for file in files)
        return facts_of(dataset, tuple(checks))


@dataclass(frozen=True)
class Scenes:
    """Images of another source, placed on canvases."""

    task: ClassVar[Task] = "detection"

    load_source: Callable[[str, Wish], Dataset]

    def claims(self, reference: str) -> bool:
        return reference.startswith(SCENES)

    def load(self, reference: str, wish: Wish, *, rehash: bool = False) -> Dataset:
        source = self.load_source(scene_sets.wish_of(reference).source, wish)
        return scene_sets.load(reference, source, wish.say, rehash=rehash)

    def verify(self, reference: str, wish: Wish) -> DatasetFacts:
        return facts_of(self.load(reference, wish, rehash=True), ())


class AnnotatedFolder:
    """A folder of pictures with boxes: COCO, Pascal VOC, YOLO or CSV."""

    task: ClassVar[Task] = "detection"

    def claims(self, reference: str) -> bool:
        path = path_of(reference)
        return path is not None and path.is_dir() and are_annotated(path)

    def load(self, reference: str, wish: Wish, *, rehash: bool = False) -> Dataset:
        return annotated_folder.load(_path(reference), wish.img_size, wish.say, rehash=rehash)

    def verify(self, reference: str, wish: Wish) -> DatasetFacts:
        return facts_of(self.load(reference, wish, rehash=True), ())


class PictureFolder:
    """A folder of class folders with pictures in them."""

    task: ClassVar[Task] = "classification"

    def claims(self, reference: str) -> bool:
        return path_of(reference) is not None

    def load(self, reference: str, wish: Wish, *, rehash: bool = False) -> Dataset:
        return image_folder.load(_path(reference), wish.img_size, wish.say, rehash=rehash)

    def verify(self, reference: str, wish: Wish) -> DatasetFacts:
        dataset = self.load(reference, wish, rehash=True)
        return facts_of(dataset, (), image_folder.picture_names(_path(reference), dataset))


def path_of(reference: str) -> Path | None:
    """The path that somebody wrote, or that a record keeps, None where nothing is there.

    Raises DatasetError for what is neither a folder nor a regular file.
    """
    paths = [user_path(name) for name in (reference, on_disk(reference))]
    path = next((path for path in paths if path.exists()), None) if reference.strip() else None
    if path is not None:
        check_regular(path)
    return path


def _path(reference: str) -> Path:
    path = path_of(reference)
    assert path is not None, "only who claims a reference is asked for it"
    return path


# --------------------------------------------------------------------------------------------- all of them


NAMED: dict[str, Named] = {
    "mnist": Kept(
        KNOWN["mnist"], lambda offline, say: mnist.files_in_cache(offline=offline, say=say), mnist.CANONICAL_MD5
    ),
    **{name: _kept(name) for name in ("fashion-mnist", "kmnist", "emnist-letters", "qmnist", "usps")},
    **{name: Drawn(KNOWN[name], partial(drawn_sets.load, name)) for name in drawn_sets.DRAWERS},
    "digits": Made(KNOWN["digits"], sklearn_digits.load),
}
SOURCES: tuple[Source, ...] = (
    *NAMED.values(),  # type: ignore[arg-type]
    Scenes(lambda reference, wish: source_of(reference).load(reference, wish)),
    IdxFiles(),
    AnnotatedFolder(),
    PictureFolder(),
)


def source_of(reference: str) -> Source:
    """The first source that claims a reference; UsageError where none does."""
    for source in SOURCES:
        if source.claims(reference):
            return source
    shown = readable(reference)
    raise UsageError(f"{shown!r} is neither a known dataset nor a path. {names_and_near_misses(shown)}")


def names_and_near_misses(name: str) -> str:
    """What could have been written instead of `name`."""
    wanted = name.strip().lower()
    near = [known for known in KNOWN if wanted and wanted in known]
    near += [known for known in difflib.get_close_matches(wanted, KNOWN, n=2, cutoff=0.5) if known not in near]
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"Expected one of {', '.join(KNOWN)}, scenes:mnist, or the path of a folder or zip.{guess}"
