"""What annotations of every format are read into, and what is checked of each box before anything is built on it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from eyechart.base.errors import DatasetError
from eyechart.data.ignored import is_hidden
from eyechart.data.layout import Part, part_of
from eyechart.data.nearby import may_hold_data
from eyechart.data.pictures import SUFFIXES
from eyechart.data.walking import walk
from eyechart.schema.objects import Objects, objects_of

SLACK = 1.0  # pixels by which a box may stick out: tools round, and some count pixels from 1; it is cut to the picture
MOST_NAMED = 3  # faults in a message
MOST_UNUSED = 10  # classes in a remark


@dataclass
class Picture:
    """One picture and its boxes: (left, top, right, bottom) in its own pixels, class ids 0..K-1."""

    path: Path
    width: int
    height: int
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    crowds: list[bool] = field(default_factory=list)
    areas: list[float] = field(default_factory=list)  # square pixels; of the outline where one is annotated
    id: object = None  # by which a file of detections names it; None: by its name alone

    def add(
        self, box: tuple[float, float, float, float], label: int, *, is_crowd: bool = False, area: float | None = None
    ) -> None:
        """`area` None: that of the box."""
        left, top, right, bottom = box
        self.boxes.append(box)
        self.labels.append(label)
        self.crowds.append(is_crowd)
        self.areas.append((right - left) * (bottom - top) if area is None else area)


@dataclass(frozen=True)
class Annotated:
    """Annotated pictures of a folder, by part; train alone where there are no parts."""

    kind: str  # "COCO", "Pascal VOC", "YOLO", "CSV"
    classes: tuple[str, ...]
    parts: dict[Part, list[Picture]]
    remarks: tuple[str, ...] = ()  # what people should know about the reading
    class_of: dict[object, int] = field(default_factory=dict)  # category ids of COCO

    def objects(self, part: Part) -> Objects:
        """What is to be found, in the order of the part's pictures."""
        pictures = self.parts[part]
        areas = [area for each in pictures for area in each.areas]
        return objects_of(((each.boxes, each.labels, each.crowds) for each in pictures), areas)


def with_boxes_alone(annotated: Annotated) -> Annotated:
    """Without the classes that have no box in any part: nothing is learned of them, and nothing is asked.

    Tools write some of their own accord (a category above all others), and lists of names serve several datasets.  The
    others are numbered anew.  Where there is no box at all, all classes stay.
    """
    used = sorted({label for pictures in annotated.parts.values() for each in pictures for label in each.labels})
    if not used or len(used) == len(annotated.classes):
        return annotated
    new = {label: number for number, label in enumerate(used)}
    unused = [name for label, name in enumerate(annotated.classes) if label not in new]
    more = f" and {len(unused) - MOST_UNUSED} more" if len(unused) > MOST_UNUSED else ""
    remark = f"no box in any part, so left out of the classes: {', '.join(unused[:MOST_UNUSED])}{more}"
    return replace(
        annotated,
        classes=tuple(annotated.classes[label] for label in used),
        parts={
            part: [replace(each, labels=[new[label] for label in each.labels]) for each in pictures]
            for part, pictures in annotated.parts.items()
        },
        remarks=(*annotated.remarks, remark),
        class_of={id_: new[label] for id_, label in annotated.class_of.items() if label in new},
    )


class Faults:
    """What is wrong with annotations: all of it is looked at before the first is told."""

    def __init__(self) -> None:
        self._told: list[str] = []

    def add(self, where: str, what: str) -> None:
        self._told.append(f"{where}: {what}")

    def raise_any(self, kind: str) -> None:
        """DatasetError that names the first faults, and how many there are."""
        if not self._told:
            return
        more = len(self._told) - MOST_NAMED
        named = "; ".join(self._told[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
        raise DatasetError(
            f"The {kind} annotations cannot be used. {named}. Mend or remove these, then read them again."
        )

    def box(self, where: str, corners: Iterable[float], picture: Picture) -> tuple[float, float, float, float] | None:
        """The box inside its picture; None, and a fault, for one that is no box."""
        left, top, right, bottom = corners
        text = f"({left:g}, {top:g}, {right:g}, {bottom:g})"
        if not all(map(math.isfinite, (left, top, right, bottom))):
            self.add(where, f"the box {text} has something that is no number")
        elif left > right or top > bottom:
            self.add(where, f"the box {text} is inverted; expected left, top, right, bottom")
        elif left < -SLACK or top < -SLACK or right > picture.width + SLACK or bottom > picture.height + SLACK:
            self.add(where, f"the box {text} lies outside of its picture of {picture.width} x {picture.height} pixels")
        else:
            left, top = max(0.0, left), max(0.0, top)
            right, bottom = min(float(picture.width), right), min(float(picture.height), bottom)
            if left < right and top < bottom:
                return left, top, right, bottom
            self.add(where, f"the box {text} is empty, or has nothing in its picture")
        return None


def number_in(text: object) -> float:
    """What a file says where a number should be; NaN for anything else."""
    if isinstance(text, bool) or not isinstance(text, int | float | str):
        return math.nan
    try:
        return float(text)
    except (ValueError, OverflowError):
        return math.nan


def text_of(path: Path) -> str:
    """What a text file says.  Raises DatasetError for one that cannot be read, or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DatasetError(f"{path} is no text in UTF-8; expected annotations in it. Save it as UTF-8.") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from None


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a picture, as it stands in the file.  Raises DatasetError for what is none."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            return opened.size
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise DatasetError(f"{path} is no picture that can be read ({error}). Replace it, or remove it.") from None


def opened(path: Path, width: float, height: float, where: str, faults: Faults) -> Picture:
    """A picture in the size of its file; a fault where the annotation says another one (0 or less: it says none)."""
    picture = Picture(path, *size_of(path))
    if width > 0 and height > 0 and (width, height) != (picture.width, picture.height):
        faults.add(where, f"says {width:g} x {height:g} pixels, and {path.name} has {picture.width} x {picture.height}")
    return picture


def pictures_in(folder: Path) -> list[Path]:
    """Every picture in a folder and below, sorted; none that is hidden, or lies in a folder that a program made.

    Thumbnails of a NAS, and figures among eyechart's own results, would be pictures with nothing on them.
    """
    found: list[Path] = []
    for inside in walk(folder, may_hold_data):
        names = [entry.name for entry in inside.files if not is_hidden(entry.name)]
        pictures = [name for name in names if name.lower().endswith(SUFFIXES)]
        found += [path for name in pictures if (path := Path(folder, inside.path, name)).is_file()]
    return sorted(found)


def pictures_below(root: Path) -> dict[str, list[Path]]:
    """Every picture below a folder, by its name without ending."""
    found: dict[str, list[Path]] = {}
    for path in pictures_in(root):
        found.setdefault(path.stem, []).append(path)
    return found


def named_alike(name: str, known: dict[str, list[Path]]) -> list[Path]:
    """The pictures that a file name, of this system or another, may mean, whatever their ending and their folders.

    `known` is what `pictures_below` gives.  A name may lack its ending and have a dot all the same: img.1.
    """
    said = file_in(name)
    return list(dict.fromkeys(known.get(said.stem, []) + known.get(said.name, [])))


def best_named(candidates: list[Path], name: str) -> list[Path]:
    """Of such pictures those of exactly this name; else those that have it before their ending; else all of them."""
    said = file_in(name).name
    exact = [path for path in candidates if path.name == said]
    return exact or [path for path in candidates if path.stem == said] or candidates


def file_in(name: str) -> PurePosixPath:
    """The path that annotations name, whether they were written on Windows or elsewhere."""
    return PurePosixPath(name.replace("\\", "/"))


def nearest_ones(candidates: list[Path], annotation: Path) -> list[Path]:
    """Of pictures in several folders, all of those that share the most folders with their annotation."""
    own = annotation.parts

    def shared(path: Path) -> int:
        return next((n for n, (one, other) in enumerate(zip(path.parts, own, strict=False)) if one != other), len(own))

    words = {word.lower() for word in own}
    near = [(shared(path), sum(part.lower() in words for part in path.parts)) for path in candidates]
    nearest_of_all = max(near)
    return [path for path, each in zip(candidates, near, strict=True) if each == nearest_of_all]


def part_in_path(path: Path, root: Path) -> Part | None:
    """The part that a file belongs to by the folders that it lies in, the nearest first.

    Its own name counts only where no folder tells: test/train_001.jpg is of the test part.
    """
    words = (*reversed(path.relative_to(root).parts[:-1]), path.stem)
    return next(filter(None, map(part_in_word, words)), None)


def part_in_word(word: str) -> Part | None:
    """The part in a name such as instances_train2017; None where there is none, and for train_val, which names two."""
    pieces = (word, *word.replace("-", "_").split("_"))
    found = [part for piece in pieces if (part := part_of(piece) or part_of(piece.rstrip("0123456789")))]
    if not found or (found[0] == "train" and set(found) != {"train"}):  # but COCO's test-dev is a test
        return None
    return found[0]
