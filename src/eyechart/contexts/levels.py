"""A context that trains: an axis, its levels, and the study that each of them is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from eyechart.base.errors import UsageError
from eyechart.base.near_miss import did_you_mean
from eyechart.comparison import power
from eyechart.data.stratify import amounts
from eyechart.schema import Budget
from eyechart.study.plan import plan_study

if TYPE_CHECKING:
    from eyechart.schema import StudyRecord

Pairs = tuple[tuple[str, str], ...]
QUICK, STANDARD = "quick", "standard"
PRESETS = (QUICK, STANDARD)
QUICK_SECONDS, QUICK_SEEDS, QUICK_TEST_IMAGES = 15, 3, 2_000  # of each run; half an hour in all, on two cores
IMAGES, SECONDS = "images", "seconds"  # keys of axes
OF_EACH_CLASS = 10  # images on the first level, where the user names none
LEAST_IMAGES, EPOCHS = 20_000, 4  # that each run of `standard` sees, and of larger sets
# Seven seeds are the fewest that can answer three questions, and more questions take more seeds; above so many images,
# runs are long and subsets alike.
MANY_SEEDS, FEW_SEEDS, LARGE = 7, 3, 1_000


@dataclass(frozen=True)
class Asked:
    """What the user wants; None and empty: as the context has it."""

    data: str
    num_train: int  # images of the train part, validation set aside
    side: int = 28  # pixels, of its images
    name: str = "context"  # of the folder of all levels; theirs begin with it
    preset: str = QUICK
    models: Sequence[str] = ()
    values: Sequence[int] = ()  # of the levels
    seeds: Sequence[int] | None = None
    images: float | None = None  # that each run sees
    rules: dict[str, Any] = field(default_factory=dict)  # device, threads: the same everywhere
    say: Callable[[str], None] = lambda sentence: None
    class_counts: tuple[int, ...] = ()  # of the train part; empty: of as many images as there are asked for

    def share_of(self, num_images: int) -> float:
        """The share of the train part that is so many images, though every class keeps one at least, rare ones too.

        Raises UsageError where there is none, as of fewer images than classes.
        """
        counts, total = np.array(self.class_counts), num_images
        while self.class_counts and (drawn := int(amounts(counts, total, at_least=1).sum())) != num_images:
            if drawn < num_images or total < 1:
                raise UsageError(
                    f"{self.data} has {len(counts):,} classes, each of which keeps an image at least, and a level of "
                    f"{num_images:,} was asked for. Expected --levels of {OF_EACH_CLASS * len(counts):,} or more."
                )
            total -= drawn - num_images
        return total / self.num_train

    def sizes(self, wanted: Sequence[int]) -> list[int]:
        """Levels of so many images, ten of each class at least, that the train part has; else all of it."""
        found = {max(size, OF_EACH_CLASS * len(self.class_counts)) for size in wanted}
        return sorted(size for size in found if size <= self.num_train) or [self.num_train]


class Level(NamedTuple):
    """One study of a context."""

    label: str
    value: float
    record: StudyRecord
    questions: Pairs = ()  # pairs of contenders that the context is about


class Axis(NamedTuple):
    """What changes from level to level."""

    words: tuple[str, str]  # English, French
    is_log: bool
    key: str  # in the name of a level's folder: "images-300"


@dataclass(frozen=True)
class Context:
    """One of the contexts that `eyechart study` knows, which trains a study at every level."""

    name: str
    question: tuple[str, str]  # English, French
    axis: Axis
    values: Callable[[Asked], Sequence[int]]  # of the levels, where nothing else is asked for
    bounds: Callable[[Asked], tuple[int, int]]  # the smallest and the largest value that can be
    rules: Callable[[Asked, int], dict[str, Any]]  # what a value changes
    contenders: Callable[[Asked], Sequence[str]]
    questions: Callable[[Sequence[str]], Pairs]
    in_words: str = ""  # what `bounds` are about, for an error

    def levels(self, asked: Asked) -> list[Level]:
        """A study for each value, the smallest first.  UsageError for a value, preset or name that cannot be."""
        if asked.preset not in PRESETS:
            raise UsageError(
                f"There is no preset {asked.preset!r} of a context.{did_you_mean(asked.preset, PRESETS)} "
                f"Expected one of {', '.join(PRESETS)}."
            )
        if asked.images and self.axis.key == SECONDS:
            raise UsageError(
                f"Each level of `{self.name}` is so many seconds of training, and a number of images was asked for as "
                f"well. Leave --images out here."
            )
        values = sorted(set(asked.values or self.values(asked)))
        low, high = self.bounds(asked)
        if not values or not low <= values[0] <= values[-1] <= high:
            told = ", ".join(f"{value:,}" for value in values) or "none"
            raise UsageError(
                f"{asked.data} has {self.in_words.format(asked=asked)}, and levels of {told} were asked for. "
                f"Expected --levels of {low:,} to {high:,}."
            )
        models = list(asked.models or self.contenders(asked))
        return [self.level_at(value, asked, models) for value in values]

    def level_at(self, value: int, asked: Asked, models: Sequence[str]) -> Level:
        """The study at one value."""
        asks = self.questions(models)
        changes = {"budget": _budget(asked), **_looks(asked), **self.rules(asked, value)}
        record = plan_study(
            models, asked.data, asked.preset, asked.seeds or range(self._num_seeds(asked, value, len(asks))),
            name=f"{asked.name}-{self.axis.key}-{value}", **changes, **asked.rules,
        )  # fmt: skip
        return Level(f"{value:,}", value, record, asks)

    def _num_seeds(self, asked: Asked, value: int, num_questions: int) -> int:
        if asked.preset == QUICK:
            return QUICK_SEEDS
        if self.axis.key == IMAGES and value > LARGE:
            return FEW_SEEDS
        return max(MANY_SEEDS, power.fewest_seeds(power.ALPHA / max(1, num_questions)))

    def level_of(self, record: StudyRecord) -> Level | None:
        """The level that a study in the folder of this context is; None where it is none."""
        value = record.name.rpartition(f"-{self.axis.key}-")[2]
        if not value.isdecimal():
            return None
        return Level(f"{int(value):,}", int(value), record, self.questions(record.contenders))


def _budget(asked: Asked) -> Budget:
    """Equal seconds for all, as in a quick study; or enough images, and the same for all."""
    if asked.images:
        return Budget(unit="images", amount=asked.images)
    if asked.preset == QUICK:
        return Budget(unit="seconds", amount=QUICK_SECONDS)
    return Budget(unit="images", amount=max(LEAST_IMAGES, EPOCHS * asked.num_train))


def _looks(asked: Asked) -> dict[str, int]:
    """A quick run looks at validation once, for its temperature: curves of fifteen seconds took longer to draw."""
    return {"max_test_images": QUICK_TEST_IMAGES, "num_evaluations": 1} if asked.preset == QUICK else {}


def images_for(asked: Asked, num_images: int) -> dict[str, Any]:
    """Rules that train on so many of the images, drawn anew with every seed."""
    found: dict[str, Any] = {"fraction": asked.share_of(num_images)}
    if asked.preset == STANDARD and not asked.images:
        found["budget"] = Budget(unit="images", amount=max(LEAST_IMAGES, EPOCHS * num_images))
    return found


def against_the_first(models: Sequence[str]) -> Pairs:
    """Who is better than the small network that all are measured against, and who is worse?

    That is `cnn`, or whoever is named first; and each contender against itself without augmentation, where that is
    there.
    """
    named = list(dict.fromkeys(models))
    reference = "cnn" if "cnn" in named else named[0]
    plain = [(name, f"{name}:plain") for name in named if f"{name}:plain" in named]
    against_themselves = {second for _, second in plain}
    others = [(name, reference) for name in named if name != reference and name not in against_themselves]
    return (*others, *plain)
