"""What pretraining buys, by how many images there are to learn from.

Every contender sees the same number of images at a level, drawn again and again from the few; an equal number of epochs
would leave four steps for a hundred images.  The small subset is another one with every seed.  Validation and test are
whole: the question is what little training data does, and not what little testing does.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyechart.base.errors import UsageError
from eyechart.contexts.levels import Asked, Level
from eyechart.schema import Budget
from eyechart.study.plan import plan_study
from eyechart.weights import at_home

SIZES = (100, 300, 1_000, 10_000)
# Seven seeds are the fewest that can answer three questions; above so many images, runs are long and subsets alike.
MANY_SEEDS, FEW_SEEDS, LARGE = 7, 3, 1_000
LEAST_IMAGES, EPOCHS = 20_000, 4  # that each run sees, and of the larger sets
REGIMES = ("head", "last", "full")
HOME = "glyphs"  # what AlexNet starts from, where that was pretrained here


def starts() -> list[str]:
    """What is pretrained: VGG16's convolutions from PyPI, and AlexNet's from here where that was done."""
    return ["vgg16:hed", f"alexnet:{HOME}" if at_home.is_there("alexnet", HOME) else "alexnet:auto"]


def contenders() -> list[str]:
    """VGG16 and AlexNet from nothing and in three regimes, beside networks that always start from nothing."""
    pretrained = [f"{start}:{regime}" for start in starts() for regime in REGIMES]
    return ["cnn", "vit", "vgg16:none", "alexnet:none", *pretrained]


def questions(models: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Does a pretrained network, trained whole, beat itself from nothing; and does it beat a small one?"""
    whole = [f"{start}:full" for start in starts()]
    wanted = [(name, f"{name.partition(':')[0]}:none") for name in whole]
    wanted += [(whole[0], "cnn")]
    return tuple(pair for pair in wanted if set(pair) <= set(models))


def levels(asked: Asked) -> list[Level]:
    """A study for each number of images, the smallest first.  UsageError for one that the train part does not have."""
    models = list(asked.models) or contenders()
    found = []
    for size in sorted({int(value) for value in asked.values or SIZES if asked.values or value <= asked.num_train}):
        if not 0 < size <= asked.num_train:
            raise UsageError(f"{asked.data} has {asked.num_train:,} train images; {size:,} were asked for.")
        seeds = asked.seeds or range(MANY_SEEDS if size <= LARGE else FEW_SEEDS)
        images = asked.images or max(LEAST_IMAGES, EPOCHS * size)
        record = plan_study(
            models, asked.data, "standard", seeds, name=f"images-{size}",
            budget=Budget(unit="images", amount=images), fraction=size / asked.num_train, **asked.rules,
        )  # fmt: skip
        found.append(Level(f"{size:,}", size, record, questions(models)))
    return found
