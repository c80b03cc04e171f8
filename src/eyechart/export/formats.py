"""The formats that a run is exported to."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from eyechart.base.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

FormatName = Literal["onnx", "torchscript", "safetensors", "state-dict"]
NAMES: tuple[FormatName, ...] = get_args(FormatName)


class Format(NamedTuple):
    """How its files are called, and what writing one takes."""

    suffix: str
    title: str
    packages: tuple[str, ...] = ()  # beside those that eyechart always has
    has_own_metadata: bool = True  # False: they stand in a file beside it


FORMATS: dict[FormatName, Format] = {
    "onnx": Format(".onnx", "ONNX", ("onnx", "onnxscript", "onnxruntime")),
    "torchscript": Format(".torchscript.pt", "TorchScript"),
    "safetensors": Format(".safetensors", "safetensors"),
    "state-dict": Format(".state-dict.pt", "state dict of PyTorch", has_own_metadata=False),
}


def chosen_format(name: str) -> FormatName:
    """UsageError for one that there is not."""
    for known in NAMES:
        if name == known:
            return known
    raise UsageError(f"--format got {name!r}; expected one of {', '.join(NAMES)}.")


def check_ending(target: Path, name: FormatName) -> None:
    """UsageError for a file that nothing would read: ONNX and safetensors are known by their endings."""
    known = {FORMATS[each].suffix for each in ("onnx", "safetensors")}
    found, expected = target.suffix.lower(), FORMATS[name].suffix
    if expected in known and found != expected:
        raise UsageError(f"--output got {target}; expected a file that ends in {expected}, by which it is opened.")
    if expected not in known and found in known:
        raise UsageError(
            f"--output got {target}, which would be opened as another format than --format {name}; expected an ending "
            f"such as {expected}."
        )


def default_target(run: str, name: FormatName, int8: bool) -> str:
    """A file's name in the folder where the command is given."""
    return f"{run}{'-int8' if int8 else ''}{FORMATS[name].suffix}"


def metadata_beside(target: Path) -> Path:
    """Where the metadata of a format stand that has no room for them."""
    return target.with_name(f"{target.name}.json")


def card_beside(target: Path) -> Path:
    """The model card of a file: under its whole name, because a folder may hold several."""
    return target.with_name(f"{target.name}.md")


def check_packages(name: FormatName) -> None:
    """UsageError that names what is missing."""
    missing = [each for each in FORMATS[name].packages if importlib.util.find_spec(each) is None]
    if missing:
        raise UsageError(
            f"Writing {FORMATS[name].title} needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} "
            f"not installed. Install: pip install 'eyechart[onnx]'."
        )
