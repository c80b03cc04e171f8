"""`-d scenes:mnist,level=hard`: scenes as a dataset.

    scenes:REFERENCE[,knob=value ...]        any dataset that eyechart knows, by name or path

Scenes follow from the images that are placed, every knob, the numbers, the seed and the version of the rule.
Validation scenes are made of the source's validation images, or of a twentieth of its train images that no train scene
shows.  They are kept as box_store.py keeps them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from eyechart.base.errors import UsageError
from eyechart.base.near_miss import did_you_mean
from eyechart.catalog.presets import rules_of
from eyechart.data import box_store
from eyechart.data.scenes import Knobs, SceneMaker, between, knobs_of
from eyechart.data.splits import train_and_validation
from eyechart.files.file_names import readable
from eyechart.files.places import SCENES
from eyechart.schema import DatasetCard
from eyechart.schema.contracts import Dataset, LabelledImages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eyechart.data.layout import Part

SCENES_VERSION = 1  # of the rule by which a seed becomes scenes
AT_ONCE = 64  # scenes between two looks at whether to stop
NUMBERS = {"train": 12000, "validation": 500, "test": 1000}


@dataclass(frozen=True)
class SceneWish:
    """What a reference asks for."""

    source: str  # "mnist", or a path: whose images are placed
    level: str
    knobs: Knobs
    numbers: tuple[int, int, int]  # train, validation, test
    seed: int


def wish_of(reference: str) -> SceneWish:
    """Read "scenes:mnist,level=hard,side=15-100".  Raises UsageError for a knob or a value that cannot be."""
    source, settings = _taken_apart(reference.removeprefix(SCENES))
    if not source:
        raise UsageError(f"{reference!r} names no images; expected scenes:mnist, or scenes: and a folder of pictures.")
    if source.startswith(SCENES):
        raise UsageError(f"{source} has boxes of its own; scenes are made of images that show one object each.")
    known: dict[str, Callable[[str], Any]] = {
        "level": str,
        "train": int,
        "validation": int,
        "test": int,
        "seed": int,
        **KNOBS,
    }
    values: dict[str, Any] = {}
    for name, text in settings:
        if name not in known:
            raise UsageError(
                f"Scenes have no {name!r}.{did_you_mean(name, known)} Expected some of {', '.join(known)}, such as "
                f"scenes:mnist,level=hard,side=15-100."
            )
        try:
            values[name] = known[name](text)
        except ValueError:
            raise UsageError(f"{name}={text!r} of {reference!r} cannot be read; expected {_expected(name)}.") from None
    level = values.pop("level", "medium")
    train, validation, test = (values.pop(part, default) for part, default in NUMBERS.items())
    seed = values.pop("seed", 0)
    if min(train, validation, test) < 1:
        raise UsageError(f"{reference!r} asks for no scenes of a part; expected at least 1 of each.")
    return SceneWish(source, level, knobs_of(level, **values), (train, validation, test), seed)


def _grounds(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split("+"))


KNOBS: dict[str, Callable[[str], Any]] = {
    "canvas": int,
    "count": between,
    "side": between,
    "overlap": float,
    "rotation": float,
    "clutter": int,
    "noise": float,
    "grounds": _grounds,
    "contrast": float,
}


def _expected(name: str) -> str:
    return "a whole number, or two with a dash, such as 2-8" if KNOBS.get(name) is between else "a number"


def _taken_apart(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The source and its settings; a comma in a path is none between settings, because no "name=" follows it."""
    pieces = text.split(",")
    first = next((n for n, piece in enumerate(pieces) if n and piece.partition("=")[0].strip().isidentifier()
                  and "=" in piece), len(pieces))  # fmt: skip
    settings = [piece.partition("=") for piece in pieces[first:]]
    return ",".join(pieces[:first]).strip(), [(name.strip(), value.strip()) for name, _, value in settings]


# --------------------------------------------------------------------------------------------- the dataset


def load(reference: str, source: Dataset, say: Callable[[str], None], *, rehash: bool = False) -> Dataset:
    """The scenes that `reference` asks for, of the images of `source`.

    `say` hears of the progress every few seconds and may raise to stop.  Raises UsageError for a source that has boxes
    of its own, StorageError for a cache that cannot be written to.
    """
    wish = wish_of(reference)
    check_source(source)
    facts = [SCENES_VERSION, source.card.content_sha256, asdict(wish.knobs), wish.numbers, wish.seed]
    store = box_store.prepared(facts, lambda: box_store.Plan(_recipes(wish, source)), "scenes", say, rehash=rehash)
    settings = _taken_apart(reference.removeprefix(SCENES))[1]
    card = DatasetCard(
        # By the images' name: a path is written in another way in every folder that one stands in.
        name=",".join((f"{SCENES}{source.card.name}", *(f"{name}={value}" for name, value in settings))),
        title=f"Scenes of {source.card.title}, {_told_knobs(wish)}",
        source=f"made by eyechart from {source.card.title} ({source.card.source})",
        licence=source.card.licence,
        content_sha256=store.content_sha256,
        classes=source.card.classes,
        num_channels=3 if wish.knobs.num_channels == 3 else 1,
        height=wish.knobs.canvas,
        width=wish.knobs.canvas,
        num_train=wish.numbers[0],
        num_validation=wish.numbers[1],
        num_test=wish.numbers[2],
        task="detection",
    )
    return Dataset(card, store.parts["train"], store.parts["test"], store.parts["validation"])


def check_source(source: Dataset) -> None:
    """UsageError for one that has boxes of its own."""
    if source.card.task == "detection":
        name = readable(source.card.name)
        raise UsageError(f"{name} has boxes of its own; scenes are made of images that show one object each.")


def scene_makers(source: Dataset, knobs: Knobs, seed: int) -> dict[Part, SceneMaker]:
    """One for each part; a part's scenes show its own images alone.  Raises UsageError as `check_source`."""
    check_source(source)
    train, validation = train_and_validation(source, rules_of("standard", source.card.name), seed)
    parts: dict[Part, LabelledImages] = {"train": train, "validation": validation, "test": source.test}
    return {part: SceneMaker(each.images, each.labels, knobs, seed, part) for part, each in parts.items()}


def _recipes(wish: SceneWish, source: Dataset) -> dict[Part, box_store.Recipe]:
    makers = scene_makers(source, wish.knobs, wish.seed)
    frame = (wish.knobs.num_channels, wish.knobs.canvas, wish.knobs.canvas)
    return {
        part: box_store.Recipe((number, *frame), partial(_stretches, makers[part], number))
        for part, number in zip(box_store.PARTS, wish.numbers, strict=True)
    }


def _stretches(maker: SceneMaker, number: int) -> Iterator[box_store.Stretch]:
    for start in range(0, number, AT_ONCE):
        yield maker.scenes(range(start, min(start + AT_ONCE, number)))


def _told_knobs(wish: SceneWish) -> str:
    changed = wish.knobs != knobs_of(wish.level)
    return f"{wish.level}{' with changes' if changed else ''}, {wish.knobs.canvas} px"
