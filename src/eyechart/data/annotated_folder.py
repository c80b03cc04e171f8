"""A folder of annotated pictures as a dataset: COCO, Pascal VOC, YOLO or CSV, of any size, grey or colour.

Pictures keep their proportions and are fitted into one frame (pictures.py); boxes go with them.  Pictures are taken as
their files have them, whatever their EXIF says of up and down, because that is how annotations mean them.  A folder
without a test part gets one by the rule of cut_test.py.
"""

from __future__ import annotations

import hashlib
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import DatasetError, UsageError
from eyechart.data import box_store
from eyechart.data.annotations.found import with_boxes_alone
from eyechart.data.annotations.looking import read_annotations
from eyechart.data.boxes import strata_of
from eyechart.data.cut_test import smallest_digests
from eyechart.data.picture_scan import Found, find_rule_of_parts
from eyechart.data.pictures import DECODER_VERSION, decode_picture, in_frame, read_content, read_with_size
from eyechart.files.file_names import readable
from eyechart.schema import DatasetCard, PictureRule
from eyechart.schema.contracts import Dataset
from eyechart.schema.objects import Objects, objects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eyechart.data.annotations.found import Annotated, Picture
    from eyechart.data.layout import Part

LARGEST_FRAME = 320  # pixels a side, unless somebody asks for more
AT_ONCE = 64
LEAST_SIDE = 1.0  # pixels of a box in the frame that is still something to be found


def load(root: Path, img_size: int | None, say: Callable[[str], None], *, rehash: bool = False) -> Dataset:
    """The annotated pictures of a folder, decoded once into one frame and memory-mapped.

    `img_size` is the frame's side in pixels; None: the pictures' own size where all have the same and it is small, else
    a square of the longest side, LARGEST_FRAME at most.  Raises DatasetError for annotations or pictures that cannot be
    used, StorageError when the disk is full.
    """
    if img_size is not None and img_size < 8:
        raise UsageError(f"The image size is {img_size}; expected 8 pixels or more: --img-size 320.")
    annotated = with_boxes_alone(read_annotations(root))
    parts = _parts(annotated, root, say)
    frame = _frame([each for pictures in parts.values() for each in pictures], img_size)
    home = box_store.Home(root, f"{frame[1]}x{frame[0]}")
    facts = _facts(annotated, parts, root)
    plan = partial(_plan, parts, frame, root, say)
    store = box_store.prepared(facts, plan, "pictures", say, home=home, rehash=rehash)
    _tell(annotated, store, frame, root, say)
    train, test, validation = (store.parts.get(part) for part in ("train", "test", "validation"))
    assert train is not None, "_parts sees to it"
    assert test is not None
    name = readable(root.absolute().name or str(root))
    card = DatasetCard(
        name=name,
        title=name,
        source=readable(str(root)),
        licence="the user's own",
        content_sha256=store.content_sha256,
        classes=annotated.classes,
        num_channels=3 if train.images.shape[1] == 3 else 1,
        height=frame[0],
        width=frame[1],
        num_train=len(train),
        num_validation=len(validation) if validation is not None else 0,
        num_test=len(test),
        picture_rule=Found.from_json(store.found).rule if store.found else None,
        task="detection",
    )
    return Dataset(card, train, test, validation)


def _parts(annotated: Annotated, root: Path, say: Callable[[str], None]) -> dict[Part, list[Picture]]:
    """The parts that are there, with a test part cut from train where there is none."""
    parts = {part: pictures for part, pictures in annotated.parts.items() if pictures}
    if "train" not in parts:
        raise DatasetError(f"{root} has annotations of {', '.join(parts)} alone; expected a train part to learn from.")
    _take_out("test", "train", parts, root, say)  # train: images, test: images/test
    if "train" not in parts:
        raise DatasetError(f"{root} has no train picture that is none of the test; expected some to learn from.")
    _take_out("train", "validation", parts, root, say)  # one folder for both (coco128): a cut test would lie in it
    if "test" in parts:
        return parts
    pictures = parts["train"]
    is_test = _are_test(annotated.objects("train"), len(annotated.classes), pictures)
    if is_test is None:
        raise DatasetError(
            f"{root} has {len(pictures)} annotated pictures, so none can be set aside for the test that takes no class "
            f"along. Expected at least two of some class; add pictures."
        )
    parts["train"] = [each for each, chosen in zip(pictures, is_test, strict=True) if not chosen]
    parts["test"] = [each for each, chosen in zip(pictures, is_test, strict=True) if chosen]
    say(f"{root}: no test part, so {len(parts['test']):,} pictures are set aside for the test by a fixed rule")
    return parts


def _are_test(objects: Objects, num_classes: int, pictures: list[Picture]) -> np.ndarray | None:
    """bool (N,), by the rule of cut_test.py; None where train can spare none of the pictures with boxes.

    Those with nothing on them are a class of their own: among another's they would take its places in the test.
    """
    digests = np.stack([np.frombuffer(hashlib.sha256(read_content(each.path)).digest(), np.uint8) for each in pictures])
    labels = np.where(objects.counts > 0, strata_of(objects), num_classes)
    is_test = smallest_digests(labels, num_classes + 1, digests, objects)
    return is_test if objects.counts[is_test].any() else None


def _take_out(
    owner: Part, other: Part, parts: dict[Part, list[Picture]], root: Path, say: Callable[[str], None]
) -> None:
    """Leave what is of the part `owner` as well out of `other`, which is gone where nothing is left of it."""
    owned = {each.path for each in parts.get(owner, [])}
    pictures = parts.get(other, [])
    left = [each for each in pictures if each.path not in owned]
    if len(left) == len(pictures):
        return
    say(f"{root}: {len(pictures) - len(left):,} of {len(pictures):,} {other} pictures are {owner} pictures, too, and "
        f"are left out of {other}")  # fmt: skip
    parts[other] = left
    if not left:
        del parts[other]


def _frame(pictures: list[Picture], img_size: int | None) -> tuple[int, int]:
    """Height and width into which all pictures are fitted."""
    if img_size is not None:
        return img_size, img_size
    sizes = {(each.height, each.width) for each in pictures}
    height, width = max(each[0] for each in sizes), max(each[1] for each in sizes)
    if len(sizes) == 1 and max(height, width) <= LARGEST_FRAME:
        return height, width
    side = min(LARGEST_FRAME, max(8, height, width))
    return side, side


def _facts(annotated: Annotated, parts: dict[Part, list[Picture]], root: Path) -> object:
    """All that the prepared pictures depend on but the frame: their files as they are now, and what is annotated."""
    told = hashlib.sha256()
    for part, pictures in parts.items():
        for each in pictures:
            stat = each.path.stat()
            # The root may be written in many ways; a json may name a picture outside of it.
            path = each.path.relative_to(root) if each.path.is_relative_to(root) else each.path.absolute()
            facts = (part, str(path), stat.st_size, stat.st_mtime_ns, each.boxes, each.labels, each.crowds, each.areas)
            told.update(repr(facts).encode("utf-8", "surrogateescape"))
    return [DECODER_VERSION, list(annotated.classes), told.hexdigest()]


def _plan(
    parts: dict[Part, list[Picture]], frame: tuple[int, int], root: Path, say: Callable[[str], None]
) -> box_store.Plan:
    say("looking whether the pictures are in colour, and whether they need a rule")
    found = find_rule_of_parts({part: [each.path for each in parts[part]] for part in parts}, _pace(parts, root, say))
    rule = found.rule if found else None
    channels = 3 if any(_is_colour(each, frame, rule) for pictures in parts.values() for each in pictures) else 1
    recipes = {
        part: box_store.Recipe((len(pictures), channels, *frame), _Stretches(pictures, channels, frame, rule))
        for part, pictures in parts.items()
    }
    return box_store.Plan(recipes, found.as_json() if found else {})


def _pace(parts: dict[Part, list[Picture]], root: Path, say: Callable[[str], None]) -> Callable[[int], None]:
    """Tells every few seconds how many pictures were measured."""
    number, said = sum(map(len, parts.values())), time.monotonic()

    def tell(num_done: int) -> None:
        nonlocal said
        if time.monotonic() - said > box_store.SAY_SECONDS:
            said = time.monotonic()
            say(f"{root}: {num_done:,} of {number:,} pictures measured")

    return tell


def _is_colour(picture: Picture, frame: tuple[int, int], rule: PictureRule | None) -> bool:
    content = read_content(picture.path)
    return len(decode_picture(picture.path, content, height=frame[0], width=frame[1], rule=rule).pixels) == 3


class _Stretches:
    """Some pictures at a time, in the frame, with what is on them there."""

    def __init__(self, pictures: list[Picture], channels: int, frame: tuple[int, int], rule: PictureRule | None):
        self._pictures, self._channels, self._frame, self._rule = pictures, channels, frame, rule

    def __call__(self) -> Iterator[box_store.Stretch]:
        for start in range(0, len(self._pictures), AT_ONCE):
            some = self._pictures[start : start + AT_ONCE]
            yield (
                np.stack([self._pixels(each) for each in some]),
                objects_of(map(self._fitted, some), self._areas(some)),
            )

    def _pixels(self, picture: Picture) -> np.ndarray:
        height, width = self._frame
        return read_with_size(
            picture.path, channels=self._channels, height=height, width=width, rule=self._rule, is_upright=False
        )[0]

    def _fitted(self, picture: Picture) -> tuple[list[list[float]], list[int], list[bool]]:
        boxes = np.array(picture.boxes, np.float64).reshape(-1, 4)
        own_size = picture.height, picture.width
        return in_frame(boxes, own_size, *self._frame).tolist(), picture.labels, picture.crowds

    def _areas(self, pictures: list[Picture]) -> list[float]:
        """In square pixels of the frame."""
        height, width = self._frame
        scales = [min(width / each.width, height / each.height) ** 2 for each in pictures]
        return [area * scale for each, scale in zip(pictures, scales, strict=True) for area in each.areas]


def _tell(
    annotated: Annotated, store: box_store.BoxStore, frame: tuple[int, int], root: Path, say: Callable[[str], None]
) -> None:
    """How the folder was read, and what became too small to be found."""
    names = ", ".join(annotated.classes[:20]) + (", …" if len(annotated.classes) > 20 else "")
    say(f"{root}: {annotated.kind}, {len(annotated.classes):,} classes: {readable(names)}")
    of_rule = Found.from_json(store.found).remarks if store.found else ()
    for remark in (*annotated.remarks, *of_rule):
        say(f"{root}: {readable(remark)}")
    objects = [each.objects for each in store.parts.values() if each.objects is not None]
    number, tiny = sum(len(each.boxes) for each in objects), sum(map(_num_tiny, objects))
    say(f"{root}: {number:,} boxes on pictures of {frame[1]} x {frame[0]} pixels")
    if tiny:
        say(f"{root}: {tiny:,} boxes are less than a pixel wide or high there; a larger --img-size would show them")


def _num_tiny(objects: Objects) -> int:
    sides = objects.boxes[:, 2:] - objects.boxes[:, :2]
    return int((sides.min(axis=1, initial=np.inf) < LEAST_SIDE).sum()) if len(sides) else 0
