"""A trained run for programs with torch: TorchScript, safetensors, and a plain state dict.

TorchScript is the whole run, from plain pictures to probabilities (and boxes), and needs no eyechart.  The other two
hold the tensors under the names of eyechart's own network, which `open_tensors` builds again from what the file says.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import torch

from eyechart.base.errors import StorageError
from eyechart.base.plain_json import json_text
from eyechart.export.answering import Answering, as_floats
from eyechart.export.formats import metadata_beside
from eyechart.export.without_paths import without_paths
from eyechart.files.storage import write_bytes, write_text
from eyechart.inference.onnx_file import METADATA
from eyechart.inference.saved import weights_content
from eyechart.models.catalog import build_model
from eyechart.schema import Recipe, RunRecord
from eyechart.schema.exported import ExportedCard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from torch import Tensor

SCRIPT_METADATA = f"{METADATA}.json"  # the name of the file inside of the TorchScript archive


def write_script(model: Answering, images: np.ndarray, target: Path, card: ExportedCard) -> None:
    """TorchScript with the card inside; some of `images` uint8 (N, C, H, W) are traced."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # on what tracing fixes, which check_alike looks for; and that it has successors
        traced = torch.jit.trace(model, (as_floats(images[:2]),), check_trace=False)  # type: ignore[no-untyped-call]
        content = io.BytesIO()
        torch.jit.save(traced, content, _extra_files={SCRIPT_METADATA: card.model_dump_json()})
    write_bytes(target, content.getvalue())


def open_script(path: Path) -> tuple[Callable[[Tensor], tuple[Tensor, ...]], ExportedCard]:
    """What the file computes, and what it says of itself."""
    extra = {SCRIPT_METADATA: ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.jit.load(str(path), map_location="cpu", _extra_files=extra)  # type: ignore[no-untyped-call]
    return module, ExportedCard.model_validate_json(extra[SCRIPT_METADATA])


def write_safetensors(model: Answering, record: RunRecord, target: Path, card: ExportedCard) -> None:
    """The tensors, with the card in the header, beside all that the weights of a run say of themselves."""
    more = {METADATA: card.model_dump_json(), "format": "pt"}
    write_bytes(target, weights_content(model.model, without_paths(record), more))


def write_state_dict(model: Answering, target: Path, card: ExportedCard) -> None:
    """The tensors as `torch.save` writes them, and the card as JSON in a file beside."""
    content = io.BytesIO()
    torch.save({name: tensor.detach().cpu().contiguous() for name, tensor in model.model.state_dict().items()}, content)
    write_bytes(target, content.getvalue())
    write_text(metadata_beside(target), json_text(card.model_dump(mode="json"), indent=1) + "\n")


def open_tensors(path: Path) -> tuple[Answering, ExportedCard]:
    """The network of a safetensors file, or of a state dict with its JSON beside, built again and ready to answer.

    StorageError for a file that is none of ours, or holds other tensors than it says.
    """
    is_safe = path.suffix.lower() == ".safetensors"
    try:
        kept = _safe(path) if is_safe else _plain(path)
        card = ExportedCard.model_validate_json(kept[0])
        recipe = Recipe.model_validate(card.recipe)
    except Exception as error:  # readers meet broken files with exceptions of all kinds
        why = " ".join(str(error).split())[:200]
        raise StorageError(f"{path} cannot be opened ({why}). Expected a file of eyechart export.") from None
    model = build_model(recipe, card.preprocessing, len(card.classes))
    try:
        model.load_state_dict(kept[1])
    except RuntimeError as error:
        raise StorageError(f"{path} holds other tensors than it says ({' '.join(str(error).split())}).") from None
    return Answering(model.eval(), card.temperature or 1.0), card


def _safe(path: Path) -> tuple[str, dict[str, Tensor]]:
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        return (file.metadata() or {})[METADATA], {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _plain(path: Path) -> tuple[str, dict[str, Tensor]]:
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    return metadata_beside(path).read_text(encoding="utf-8"), tensors
