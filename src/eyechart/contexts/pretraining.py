"""What pretraining buys, by how many images there are to learn from.

Every contender sees the same number of images at a level, drawn again and again from the few; an equal number of epochs
would leave four steps for a hundred images.  The small subset is another one with every seed.  Validation and test are
whole: the question is what little training data does, and not what little testing does.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyechart.base.errors import UsageError
from eyechart.catalog.zoo import architecture_of
from eyechart.comparison import power
from eyechart.contexts.levels import Asked, Level
from eyechart.schema import Budget, StudyRecord
from eyechart.study.plan import plan_study
from eyechart.weights import at_home, imagenet

SIZES = (100, 300, 1_000, 10_000)
# Seven seeds are the fewest that can answer three questions, and more questions take more seeds; above so many images,
# runs are long and subsets alike.
MANY_SEEDS, FEW_SEEDS, LARGE = 7, 3, 1_000
LEAST_IMAGES, EPOCHS = 20_000, 4  # that each run sees, and of the larger sets
NUM_STARTS = 2  # where AlexNet has one as well
REGIMES = ("head", "last", "full")
HOMES = at_home.SOURCE_TASKS  # what AlexNet starts from, as far as it was pretrained here


def starts() -> list[str]:
    """What is pretrained: VGG16's convolutions from PyPI, and AlexNet's where there is something to start from."""
    if made_here := [f"alexnet:{name}" for name in HOMES if at_home.is_there("alexnet", name)]:
        return ["vgg16:hed", *made_here]
    return ["vgg16:hed", "alexnet:imagenet"] if imagenet.cached_path("alexnet").is_file() else ["vgg16:hed"]


def contenders() -> list[str]:
    """VGG16 and AlexNet from nothing and in three regimes, beside networks that always start from nothing."""
    pretrained = [f"{start}:{regime}" for start in starts() for regime in REGIMES]
    return ["cnn", "vit", "vgg16:none", "alexnet:none", *pretrained]


def questions(models: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Does a pretrained network, trained whole, beat itself from nothing; and does VGG16 beat a small one?"""
    whole = [name for name in models if name.endswith(":full") and ":none:" not in name]
    wanted = [(name, f"{architecture_of(name)}:none") for name in whole]
    wanted += [(name, "cnn") for name in whole if name.startswith("vgg16:")]
    # These two are always trained whole, and start from nothing where no weights are named.
    wanted += [(name, small) for name in models for small in ("cnn", "vit") if name.startswith(f"{small}:")]
    return tuple(pair for pair in wanted if set(pair) <= set(models))


def levels(asked: Asked) -> list[Level]:
    """A study for each number of images, the smallest first.  UsageError for one that the train part does not have."""
    models = list(asked.models) or contenders()
    if not asked.models and len(starts()) < NUM_STARTS:
        asked.say(f"alexnet has nothing to start from here, so it starts from nothing: {at_home.remedy('alexnet')}")
    sizes = sorted(set(asked.values or (size for size in SIZES if size <= asked.num_train)))
    if not sizes or not 0 < sizes[0] <= sizes[-1] <= asked.num_train:
        raise UsageError(
            f"{asked.data} has {asked.num_train:,} train images, and levels of "
            f"{', '.join(f'{size:,}' for size in sizes or SIZES)} were asked for. Expected --levels of 1 to that many."
        )
    asks = questions(models)
    many = max(MANY_SEEDS, power.fewest_seeds(power.ALPHA / max(1, len(asks))))
    found = []
    for size in sizes:
        seeds = asked.seeds or range(many if size <= LARGE else FEW_SEEDS)
        images = asked.images or max(LEAST_IMAGES, EPOCHS * size)
        record = plan_study(
            models, asked.data, "standard", seeds, name=f"{asked.name}-images-{size}",
            budget=Budget(unit="images", amount=images), fraction=size / asked.num_train, **asked.rules,
        )  # fmt: skip
        found.append(Level(f"{size:,}", size, record, asks))
    return found


def level_of(record: StudyRecord) -> Level | None:
    """The level that a study in the folder of this context is; None where it is none."""
    size = record.name.rpartition("-images-")[2]
    if not size.isdecimal():
        return None
    return Level(f"{int(size):,}", int(size), record, questions(record.contenders))
