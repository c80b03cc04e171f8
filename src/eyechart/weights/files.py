"""Weights from a user's file: safetensors, or a torch file of tensors only.  Nothing in a file is ever executed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from eyechart.base.errors import WeightsError, WeightsMissing
from eyechart.files.file_names import readable
from eyechart.schema import Preprocessing, WeightsOrigin
from eyechart.schema.contracts import StartingWeights
from eyechart.weights.fetching import sha256_of_file
from eyechart.weights.trunks import TRUNKS, trunk_shapes

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".safetensors", ".pt", ".pth")
NUM_SHOWN = 3  # mismatches in a message
WRAPPERS = ("module.", "network.")  # what DataParallel and eyechart put in front of a network's own names


class FileContent(NamedTuple):
    """What a weights file holds."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]  # the header of a safetensors file, else empty


def read_weights(path: Path, architecture: str) -> StartingWeights:
    """Starting weights for `architecture` from a file.

    For VGG16 and AlexNet only the trunk is taken, and must hold the leading convolutions without a gap; for other
    architectures every tensor is taken under its own name, and the network checks the shapes.
    Raises WeightsMissing when there is no such file, WeightsError when it is broken or does not fit.
    """
    content = read_tensors(path)
    tensors = _without_wrappers(content.tensors)
    if architecture in TRUNKS:
        tensors = trunk_tensors(tensors, architecture, path)
    preprocessing = _preprocessing(content, path)
    origin = WeightsOrigin(
        name="file",
        description=f"{readable(path.name)}, a file",
        sha256=sha256_of_file(path),
        knows_pixels=preprocessing is not None,
        pretrained_on=f"unknown images ({readable(path.name)})",  # a file does not say; from nothing it is not
    )
    if preprocessing is None:
        return StartingWeights(origin, tensors)
    return StartingWeights(origin, tensors, preprocessing.mean, preprocessing.std)


# --------------------------------------------------------------------------------------------- reading


def read_tensors(path: Path) -> FileContent:
    """All tensors of a file, on the CPU.  Raises WeightsMissing or WeightsError."""
    if path.is_dir():
        raise WeightsError(f"{path} is a folder; expected a file ({', '.join(SUFFIXES)}). {_run_folder_hint(path)}")
    if not path.exists():
        raise WeightsMissing(f"{path} is not there; expected a weights file ({', '.join(SUFFIXES)}). Check the path.")
    if path.suffix not in SUFFIXES:
        raise WeightsError(f"{path} ends in {path.suffix!r}; expected a weights file ({', '.join(SUFFIXES)}).")
    if not path.is_file():
        raise WeightsError(f"{path} is a pipe or a device; expected a regular file. Save it as one first.")
    if path.stat().st_size == 0:
        raise WeightsError(f"{path} is empty; expected tensors. Save or download it again.")
    return _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)


def _read_safetensors(path: Path) -> FileContent:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            return FileContent({name: file.get_tensor(name) for name in names}, dict(file.metadata() or {}))
    except OSError as error:
        raise WeightsError(f"{path} could not be read ({error.strerror}).") from error
    except (SafetensorError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path} is damaged or no safetensors file ({error}). Save or download it again.") from None


def _read_torch(path: Path) -> FileContent:
    import warnings

    import torch

    try:
        with warnings.catch_warnings(action="ignore"):  # torch's remarks on the file's age and format
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{path} could not be read ({error.strerror}).") from error
    except Exception:  # torch lets almost anything through from a broken file; its text advises unsafe loading
        raise WeightsError(
            f"{path} is damaged, or holds more than tensors (such a file could run code, so it was not opened). "
            f"Expected a state dict. Save it as safetensors, or with torch.save(model.state_dict(), path)."
        ) from None
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise WeightsError(
            f"{path} holds {type(loaded).__name__}, expected a state dict: tensors under their names. "
            f"Save it with torch.save(model.state_dict(), path)."
        )
    return FileContent({str(name): tensor for name, tensor in loaded.items()}, {})


def _run_folder_hint(path: Path) -> str:
    weights = path / "weights.safetensors"
    return f"For the weights of that run, give {weights}." if weights.is_file() else "Give the path of the file."


def _preprocessing(content: FileContent, path: Path) -> Preprocessing | None:
    """The preprocessing that eyechart writes into the header of its own files."""
    if "preprocessing" not in content.metadata:
        return None
    try:
        return Preprocessing.model_validate_json(content.metadata["preprocessing"])
    except ValidationError as error:
        raise WeightsError(
            f"{path}: the preprocessing in its header is damaged ({error.errors()[0]['msg']}). "
            f"Expected what eyechart writes beside its weights; take the file of a finished run."
        ) from None


# --------------------------------------------------------------------------------------------- names and shapes


def trunk_tensors(tensors: dict[str, Tensor], architecture: str, path: Path) -> dict[str, Tensor]:
    """The trunk's part of `tensors` as float32, checked; heads and classifiers are left out.

    The leading convolutions must be there without a gap; a trunk that was cut after some stage is fine.
    """
    shapes = trunk_shapes(architecture)
    named = _with_prefix(tensors, shapes)
    last = max((index for index, name in enumerate(shapes) if name in named), default=-1)
    expected = dict(list(shapes.items())[: max(last + 1, 2)])  # the first convolution at least
    wrong = [_mismatch(name, shape, named) for name, shape in expected.items()]
    wrong = [text for text in wrong if text]
    if wrong:
        more = f" (and {len(wrong) - NUM_SHOWN} more)" if len(wrong) > NUM_SHOWN else ""
        raise WeightsError(
            f"{path} does not fit {architecture}: {'; '.join(wrong[:NUM_SHOWN])}{more}. "
            f"Give weights of torchvision's {architecture}, or start from nothing: -m {architecture}:none."
        )
    return {name: named[name].detach().float().contiguous() for name in expected}


def _without_wrappers(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in WRAPPERS:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _with_prefix(tensors: dict[str, Tensor], shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Names of a bare `features` module ("0.weight") become the whole network's ("features.0.weight")."""
    if any(name in tensors for name in shapes):
        return tensors
    return {f"features.{name}": tensor for name, tensor in tensors.items()}


def _mismatch(name: str, shape: tuple[int, ...], tensors: dict[str, Tensor]) -> str:
    if name not in tensors:
        return f"{name} is missing, expected {shape}"
    tensor = tensors[name]
    if tuple(tensor.shape) != shape:
        return f"{name} is {tuple(tensor.shape)}, expected {shape}"
    if not tensor.is_floating_point() or not bool(tensor.isfinite().all()):
        return f"{name} holds values that are no finite floating-point numbers"
    return ""
