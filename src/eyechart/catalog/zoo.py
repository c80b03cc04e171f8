"""Names of contenders taken apart, those of other people's networks among them.

    ARCHITECTURE[:WEIGHTS[:REGIME]]    cnn    vgg16:hed:head    torchvision:resnet18    timm:resnet18:imagenet:head

An architecture is one word, or for networks of a zoo two: the zoo and what it calls the network.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

from eyechart.base.errors import MissingError, UsageError
from eyechart.base.near_miss import did_you_mean

if TYPE_CHECKING:
    from types import ModuleType

ZOOS = ("torchvision", "timm")  # packages with networks of many kinds, all of them classifiers of photographs
INSTALL = 'pip install "eyechart[zoo]"'
LISTED = {"torchvision": "torchvision.models.list_models(module=torchvision.models)", "timm": "timm.list_models()"}
NETWORK_NAME = re.compile(r"[\w.]+")


def parts_of(contender: str) -> tuple[str, str]:
    """(architecture, what stands behind it): "timm:resnet18:imagenet:head" -> ("timm:resnet18", "imagenet:head")."""
    words = contender.split(":")
    num_words = 2 if words[0] in ZOOS else 1
    return ":".join(words[:num_words]), ":".join(words[num_words:])


def architecture_of(contender: str) -> str:
    """The catalog's name of what is trained: "vgg16:hed:head" -> "vgg16"."""
    return parts_of(contender)[0]


def architecture_of_run(run: str) -> str:
    """The same for a run's folder, which has dashes in the place of colons: "timm-resnet18-s0" -> "timm:resnet18"."""
    return architecture_of(run.replace("-", ":"))


def is_of_zoo(architecture: str) -> bool:
    return architecture.partition(":")[0] in ZOOS


def packages_of(architecture: str) -> tuple[str, ...]:
    """Whose networks it is; nobody's but ours: none."""
    return (architecture.partition(":")[0],) if is_of_zoo(architecture) else ()


def zoo_and_network(architecture: str) -> tuple[str, str]:
    """ "timm:resnet18" -> ("timm", "resnet18"); UsageError for what no network can be called."""
    zoo, _, network = architecture.partition(":")
    assert zoo in ZOOS, architecture
    if not NETWORK_NAME.fullmatch(network):
        raise UsageError(
            f"{architecture!r} names no network of {zoo}. Expected {zoo}: and a name such as resnet18: "
            f"-m {zoo}:resnet18."
        )
    return zoo, network


def known_network(architecture: str) -> tuple[str, str]:
    """The same, of a network that the zoo has; imports the zoo.

    Raises MissingError where that is not installed, UsageError where it has no such classifier.
    """
    zoo, network = zoo_and_network(architecture)
    package = zoo_module(zoo)
    if zoo == "timm":
        if not package.is_model(network.partition(".")[0]):
            raise UsageError(_unknown(zoo, network, package.list_models()))
        _check_tag(network)
        return zoo, network
    known = package.models.list_models(module=package.models)
    if network not in known:
        if network in package.models.list_models():
            raise UsageError(
                f"torchvision:{network} is no network that names what an image shows: it finds boxes, masks or motion, "
                f"or is made of whole numbers. Expected a classifier, such as torchvision:resnet18."
            )
        raise UsageError(_unknown(zoo, network, known))
    return zoo, network


def _unknown(zoo: str, network: str, known: list[str]) -> str:
    return (
        f"{zoo} has no network {network!r}.{did_you_mean(network, known)} Expected one of its {len(known)} "
        f"classifiers, such as {zoo}:resnet18; python -c 'import {zoo}; print({LISTED[zoo]})' lists them."
    )


def _check_tag(network: str) -> None:
    """What timm writes behind a dot: which of several weights of a network are meant."""
    try:
        timm_card(network)
    except RuntimeError:
        base, _, tag = network.partition(".")
        tags = [each.partition(".")[2] for each in zoo_module("timm").list_pretrained(f"{base}.*")]
        raise UsageError(
            f"timm knows no weights {tag!r} of {base}. Expected timm:{base} alone, or one of these behind a dot: "
            f"{', '.join(tags) or 'none are published'}."
        ) from None


def zoo_module(zoo: str) -> ModuleType:
    """The package itself, imported now; MissingError where it is not installed."""
    try:
        return importlib.import_module(zoo)
    except ImportError:
        raise MissingError(
            f"Contenders that begin with {zoo}: need {zoo}, which is not installed here. Install it with: {INSTALL}"
        ) from None


def timm_card(network: str) -> Any:
    """timm's PretrainedCfg of a network: where its weights are, what pixels they expect, and the side of its images."""
    zoo_module("timm")
    return importlib.import_module("timm.models").get_pretrained_cfg(network, allow_unregistered=True)
