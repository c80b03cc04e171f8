"""Datasets with boxes, made once and mapped into memory by every later run.

<cache folder>/scenes/<hash of all that they are made from>/       whole: its presence means "complete"
    train.npy, validation.npy, test.npy                            uint8 (N, C, H, W); those of the parts that there are
    objects.npz                                                    what is on them
    card.json                                                      facts for people, and the hash of the content

Those of a folder of annotated pictures are kept where picture_store.py keeps what is prepared from folders.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from eyechart.base.errors import DatasetError, StorageError
from eyechart.base.plain_json import json_text
from eyechart.data import picture_store
from eyechart.data.boxes import strata_of
from eyechart.data.coco_files import made_whole
from eyechart.data.content import parts_sha256
from eyechart.data.layout import Part
from eyechart.files.cache import cache_folder, keep
from eyechart.files.locks import locked
from eyechart.schema.contracts import LabelledImages
from eyechart.schema.objects import OBJECT_ARRAYS, Objects, joined

STORE_VERSION = 1
PARTS: tuple[Part, ...] = ("train", "validation", "test")
CARD_FILE, OBJECTS_FILE = "card.json", "objects.npz"
SAY_SECONDS = 5.0

Stretch = tuple[np.ndarray, Objects]  # some images uint8 (B, C, H, W) and what is on them


@dataclass(frozen=True)
class Recipe:
    """How a part is made, stretch by stretch."""

    shape: tuple[int, int, int, int]  # (N, C, H, W)
    stretches: Callable[[], Iterator[Stretch]]


@dataclass(frozen=True)
class Plan:
    """How the parts are made."""

    recipes: dict[Part, Recipe]
    found: dict[str, Any] = field(default_factory=dict)  # what came up while it was made, as JSON; kept with the store


@dataclass(frozen=True)
class BoxStore:
    """What was made, open."""

    parts: dict[Part, LabelledImages]
    content_sha256: str
    found: dict[str, Any]  # what the plan says


@dataclass(frozen=True)
class Home:
    """Where the store of a folder of pictures is kept, among all that is prepared from it."""

    root: Path  # the folder of pictures
    variant: str  # what may differ while the pictures are the same: "320x320"


def prepared(
    facts: Any,
    plan: Callable[[], Plan],
    what: str,
    say: Callable[[str], None],
    *,
    home: Home | None = None,
    rehash: bool = False,
) -> BoxStore:
    """The parts that `facts` (all that they depend on, as JSON) stand for: opened if they were made before, else made.

    `say` hears of the progress every few seconds and may raise to stop; `what` is being made, for people.  What was
    made in a `home` from other facts is removed once the new one is there.
    Raises StorageError for a cache that cannot be written to, DatasetError for a store that is damaged.
    """
    place = picture_store.place_of(home.root) if home else cache_folder() / "scenes"
    name = hashlib.sha256(json_text([STORE_VERSION, facts]).encode()).hexdigest()[:16]
    folder = place / (f"{name}-{home.variant}" if home else name)
    if not (folder / CARD_FILE).is_file():
        try:
            place.mkdir(parents=True, exist_ok=True)
            if home:
                picture_store.tell_root(home.root)
            waiting = partial(say, f"waiting for another process that makes the same {what}")
            with locked(place / ("lock" if home else f"{name}.lock"), waiting):
                if not (folder / CARD_FILE).is_file():
                    for leftover in place.glob(f".{folder.name}-*"):  # of a process that was killed
                        shutil.rmtree(leftover, ignore_errors=True)
                    _make(folder, facts, plan(), what, say)
                    if home:
                        picture_store.remove_replaced(folder)
        except OSError as error:
            raise StorageError(
                f"The {what} could not be kept in {place} ({error.strerror}). Free some space, or set EYECHART_CACHE "
                f"to a folder that can be written to, and try again."
            ) from error
    return _opened(folder, what, rehash)


def _make(folder: Path, facts: Any, plan: Plan, what: str, say: Callable[[str], None]) -> None:
    total = sum(recipe.shape[0] for recipe in plan.recipes.values())
    done, said = 0, time.monotonic()
    with made_whole(folder) as inside:
        found: dict[Part, LabelledImages] = {}
        for part, recipe in plan.recipes.items():
            images = np.lib.format.open_memmap(inside / f"{part}.npy", "w+", np.uint8, recipe.shape)
            _take_space(inside / f"{part}.npy")
            some, first = [], 0
            for pixels, objects in recipe.stretches():
                images[first : first + len(pixels)] = pixels
                some.append(objects)
                first += len(pixels)
                if time.monotonic() - said > SAY_SECONDS:
                    said = time.monotonic()
                    say(f"preparing {what}: {done + first:,} of {total:,}")
            assert first == len(images), "as many as were promised"
            done += first
            images.flush()
            objects = joined(some)
            found[part] = LabelledImages(images, strata_of(objects), objects)
        arrays = {
            f"{part}_{name}": getattr(each.objects, name) for part, each in found.items() for name in OBJECT_ARRAYS
        }
        np.savez(inside / OBJECTS_FILE, **arrays)
        card = {"content_sha256": _sha256(found), "parts": list(found), "made_from": facts, "found": plan.found}
        keep(inside / CARD_FILE, json_text(card, indent=1).encode())


def _take_space(path: Path) -> None:
    """Room on the disk for all of a file now: a full disk would end the process at some later byte of a mapped one."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _sha256(parts: dict[Part, LabelledImages]) -> str:
    return parts_sha256(*(parts.get(part) for part in ("train", "test", "validation")))


def _opened(folder: Path, what: str, rehash: bool) -> BoxStore:
    mend = f"Delete {folder}; then they are made anew."
    try:
        card = json.loads((folder / CARD_FILE).read_bytes())
        with np.load(folder / OBJECTS_FILE) as arrays:
            parts = {part: _part(folder, part, arrays) for part in PARTS if part in card["parts"]}
        sha256, told = str(card["content_sha256"]), dict(card.get("found", {}))
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise DatasetError(f"The prepared {what} are damaged ({error}). {mend}") from None
    if rehash and (found := _sha256(parts)) != sha256:
        raise DatasetError(f"The prepared {what} have the sha256 {found[:16]}; expected {sha256[:16]}. {mend}")
    return BoxStore(parts, sha256, told)


def _part(folder: Path, part: Part, arrays: Any) -> LabelledImages:
    images = np.load(folder / f"{part}.npy", mmap_mode="r")
    objects = Objects(**{name: arrays[f"{part}_{name}"] for name in OBJECT_ARRAYS})
    return LabelledImages(images, strata_of(objects), objects)
