"""A trained run as one ONNX file; inference/onnx_file.py says what goes in and out, and opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from eyechart.export.answering import as_floats
from eyechart.inference.onnx_file import METADATA

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from eyechart.export.answering import Answering
    from eyechart.schema.exported import ExportedCard


def write_onnx(model: Answering, images: np.ndarray, target: Path, card: ExportedCard) -> None:
    """The file; two of `images` uint8 (N, C, H, W) show the exporter what goes in."""
    import onnx

    example = as_floats(images[:2])
    names = ["probabilities", "boxes", "scores", "labels"][: len(model(example))]
    program = torch.onnx.export(
        model,
        (example,),
        input_names=["images"],
        output_names=names,
        dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    assert program is not None, "the exporter gives a program"
    made: onnx.ModelProto = program.model_proto
    set_card(made, card)
    target.write_bytes(made.SerializeToString())


def set_card(made: object, card: ExportedCard) -> None:
    """Say in an onnx.ModelProto what it is, in the place of what it said before."""
    import onnx

    assert isinstance(made, onnx.ModelProto)
    kept = [entry for entry in made.metadata_props if entry.key != METADATA]
    del made.metadata_props[:]
    made.metadata_props.extend(kept)
    entry = made.metadata_props.add()
    entry.key, entry.value = METADATA, card.model_dump_json()
