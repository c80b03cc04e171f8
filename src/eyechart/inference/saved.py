"""A trained contender as a file: its tensors, and in the header all that is needed to use them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from eyechart.base.errors import StorageError
from eyechart.base.plain_json import json_text
from eyechart.files.storage import WEIGHTS_FILE, digest_arrays, read_run, write_bytes
from eyechart.models.catalog import build_model
from eyechart.schema import RunRecord


def weights_digest(model: nn.Module) -> str:
    """sha256 of all tensors of the model, by name: equal for models that are equal to the last bit."""
    return digest_arrays({name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()})


def save_weights(path: Path, model: nn.Module, record: RunRecord) -> None:
    """Write the tensors; the header holds contender, recipe, classes, preprocessing and temperature as JSON."""
    write_bytes(path, weights_content(model, record))


def weights_content(model: nn.Module, record: RunRecord, more: Mapping[str, str] | None = None) -> bytes:
    """What `save_weights` writes; `more` stands in the header, too."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    header = {
        "contender": record.contender,
        "recipe": record.recipe.model_dump_json(),
        "classes": json_text(record.dataset.classes),
        "preprocessing": record.preprocessing.model_dump_json(),
        "temperature": record.temperature.model_dump_json() if record.temperature else "",
        **(more or {}),
    }
    content: bytes = save(tensors, metadata=header)
    return content


def load_run_model(folder: Path, device: torch.device) -> tuple[RunRecord, nn.Module]:
    """The trained model of a run folder, in eval mode on `device`, and its record.

    Raises StorageError when a file is missing, damaged, or not the one that the record speaks of.
    """
    record = read_run(folder)
    path = folder / WEIGHTS_FILE
    model = build_model(record.recipe, record.preprocessing, record.dataset.num_classes)
    try:
        model.load_state_dict(load(path.read_bytes()))  # its own opening takes UTF-8 names alone
    except FileNotFoundError:
        raise StorageError(f"{path} is not there; expected the trained weights of {record.run}.") from None
    except (SafetensorError, OSError, RuntimeError) as error:
        raise StorageError(
            f"{path} is damaged or of another network ({' '.join(str(error).split())}). Train {record.run} again."
        ) from None
    if weights_digest(model) != record.weights_sha256:
        raise StorageError(
            f"{path} holds other weights than run.json speaks of; expected sha256 {record.weights_sha256[:12]}. "
            f"Restore the file, or train {record.run} again."
        )
    model.to(memory_format=torch.channels_last).to(device)
    return record, model.eval()
