"""What of a pretrained network is trained, as a word in a contender's name: "vgg16:hed:head", "alexnet:glyphs:full"."""

from __future__ import annotations

from typing import Any

from eyechart.base.errors import UsageError, WeightsMissing
from eyechart.catalog.zoo import architecture_of, is_of_zoo, parts_of

ALL_FROZEN = 99  # stages: more than there are
NUM_STAGES = {"vgg16": 5, "alexnet": 3}  # of convolutions, where the input is large enough for all of them
# Contenders that may start from weights that were trained elsewhere: two of our own, and all of a zoo.
WITH_WEIGHTS = ("vgg16", "alexnet")

# What is trained, the third part of a contender's name, as changes of its recipe.
_WHOLE: dict[str, Any] = {"frozen_stages": 0, "cache_frozen": False}
REGIMES: dict[str, dict[str, Any]] = {
    "head": {
        "frozen_stages": ALL_FROZEN,
        "cache_frozen": True,
        "augmentation": {},
        "options": {"head_width": 0},
        "learning_rate": 0.01,  # docs/lab-log.md, a head alone: ten times that of networks that are trained whole
    },
    "last": {"open_last": 1},
    **{f"from{stage}": {"frozen_stages": stage - 1} for stage in range(2, 6)},
    "full": _WHOLE | {"layer_decay": 0.8},
    "gradual": _WHOLE | {"layer_decay": 0.8, "gradual": True},
}
EARLIER_WORDS = {"frozen": "head", "whole": "full"}  # what two of them were called
PLAIN = "plain"  # the last word of a contender's name: the same recipe, whose training images are left as they are
FROM_NOTHING = {"frozen_stages": 0, "open_last": 0, "cache_frozen": False, "gradual": False}  # noise teaches nothing


def regime_of(contender: str) -> str:
    """The word for what is trained, at the end of a contender's name; empty where there is none."""
    word = without_plain(parts_of(contender)[1]).rpartition(":")[2]
    return word if word in (*REGIMES, *EARLIER_WORDS) else ""


def named_weights(contender: str) -> str:
    """The weights that a contender's name says it starts from; empty where it leaves them open."""
    weights = without_plain(parts_of(contender)[1])
    if word := regime_of(contender):
        weights = weights.removesuffix(word).removesuffix(":")
    return "" if weights == "auto" else weights


def check_has_start(contender: str) -> None:
    """WeightsMissing for a regime that is no recipe for a network from nothing, where none could be had."""
    word, architecture = regime_of(contender), architecture_of(contender)
    if EARLIER_WORDS.get(word, word) in ("head", "gradual"):
        raise WeightsMissing(
            f"{contender!r} names what is done with pretrained weights, and none could be had. `eyechart weights list` "
            f"says what there is; or take {architecture}:none, which is trained whole from nothing."
        )


def check_regime(contender: str, weights: str) -> None:
    """UsageError for a regime that makes no sense with these weights, or names a stage that is not there."""
    word, architecture = regime_of(contender), architecture_of(contender)
    if word == "gradual" and weights == "none":
        raise UsageError(
            f"{contender!r} opens its stages one by one, so that a new head does not spoil what they know; from "
            f"nothing they know nothing. Expected {architecture}:none, or weights to start from."
        )
    most = NUM_STAGES.get(architecture, ALL_FROZEN)  # how many one of a zoo has is known when it is built
    if word.startswith("from") and int(word.removeprefix("from")) > most:
        raise UsageError(f"{contender!r}: {architecture} has {most} stages. Expected from2 to from{most}, or head.")


def takes_weights(contender: str) -> bool:
    """Whether a contender may start from weights that were trained elsewhere."""
    architecture = architecture_of(contender)
    return architecture in WITH_WEIGHTS or is_of_zoo(architecture)


def is_plain(contender: str) -> bool:
    """Whether a contender's training images are not augmented, by its name."""
    return f":{contender}".endswith(f":{PLAIN}")


def without_plain(name: str) -> str:
    """A contender's name, or what of it stands behind the architecture, without that word."""
    return f":{name}".removesuffix(f":{PLAIN}").removeprefix(":")
