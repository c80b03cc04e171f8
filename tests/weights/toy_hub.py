"""What is on the Hugging Face hub of these tests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors.torch import save


def published(network: str = "test_resnet") -> bytes:
    """A file as timm publishes it, every number .25."""
    import timm

    tensors = timm.create_model(network, pretrained=False).state_dict()
    return save({name: torch.full_like(tensor, 0.25) for name, tensor in tensors.items()})


def put_into_hub(folder: Path, content: bytes, name: str = "model.safetensors") -> Path:
    """As the hub's own downloader leaves it; where the content is."""
    home = folder / "models--timm--test_resnet.r160_in1k"
    blob = home / "blobs" / hashlib.sha256(content).hexdigest()
    snapshot = home / "snapshots" / "abc"
    for each in (blob.parent, snapshot, home / "refs"):
        each.mkdir(parents=True)
    blob.write_bytes(content)
    (home / "refs" / "main").write_text("abc", encoding="utf-8")
    (snapshot / name).symlink_to(blob)
    return blob
