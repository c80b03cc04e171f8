"""What pretraining buys, by how many images there are to learn from.

Every contender sees the same number of images at a level, drawn again and again from the few; an equal number of epochs
would leave four steps for a hundred images.  (A quick study gives all the same seconds instead.)  The small subset is
another one with every seed.  Validation and test are whole: the question is what little training data does, and not
what little testing does.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyechart.catalog.zoo import architecture_of
from eyechart.contexts.levels import STANDARD, Asked, Pairs
from eyechart.weights import at_home, imagenet

SIZES, QUICK_SIZES = (100, 300, 1_000, 10_000), (100, 1_000)
NUM_STARTS = 2  # where AlexNet has one as well
REGIMES = ("head", "last", "full")
HOMES = at_home.SOURCE_TASKS  # what AlexNet starts from, as far as it was pretrained here


def starts() -> list[str]:
    """What is pretrained: VGG16's convolutions from PyPI, and AlexNet's where there is something to start from."""
    if made_here := [f"alexnet:{name}" for name in HOMES if at_home.is_there("alexnet", name)]:
        return ["vgg16:hed", *made_here]
    return ["vgg16:hed", "alexnet:imagenet"] if imagenet.cached_path("alexnet").is_file() else ["vgg16:hed"]


def contenders(asked: Asked) -> list[str]:
    """VGG16 and AlexNet from nothing and in three regimes, beside networks that always start from nothing.

    A quick study trains them whole alone.
    """
    found = starts()
    if len(found) < NUM_STARTS:
        asked.say(f"alexnet has nothing to start from here, so it starts from nothing: {at_home.remedy('alexnet')}")
    if asked.preset != STANDARD:
        return ["cnn", "vgg16:none", "alexnet:none", *(f"{start}:full" for start in found)]
    pretrained = [f"{start}:{regime}" for start in found for regime in REGIMES]
    return ["cnn", "vit", "vgg16:none", "alexnet:none", *pretrained]


def questions(models: Sequence[str]) -> Pairs:
    """Does a pretrained network, trained whole, beat itself from nothing; and does VGG16 beat a small one?"""
    whole = [name for name in models if name.endswith(":full") and ":none:" not in name]
    wanted = [(name, f"{architecture_of(name)}:none") for name in whole]
    wanted += [(name, "cnn") for name in whole if name.startswith("vgg16:")]
    # These two are always trained whole, and start from nothing where no weights are named.
    wanted += [(name, small) for name in models for small in ("cnn", "vit") if name.startswith(f"{small}:")]
    return tuple(pair for pair in wanted if set(pair) <= set(models))


def sizes(asked: Asked) -> list[int]:
    """As far as the train part has them, from ten images a class."""
    return asked.sizes(SIZES if asked.preset == STANDARD else QUICK_SIZES)
