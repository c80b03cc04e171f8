"""How a detector came to its answers on a few test scenes, kept beside its run for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from eyechart.data.boxes import objects_on
from eyechart.evaluation.predict import judging, to_device
from eyechart.schema.contracts import LooksInside

if TYPE_CHECKING:
    from eyechart.schema.contracts import ContenderModel, LabelledImages

MOST_SCENES = 3
FEWEST_OBJECTS = 3  # on a scene that shows what suppression is for, where there is such a one


def looks_inside(model: ContenderModel, part: LabelledImages, device: torch.device) -> dict[str, np.ndarray]:
    """Arrays "0/candidates" and so on of the first scenes with some objects, "0/scene" their numbers.

    Empty for a model that cannot be looked into.
    """
    if not isinstance(model, LooksInside):
        return {}
    objects = objects_on(part)
    busy = np.flatnonzero(objects.counts >= min(FEWEST_OBJECTS, int(objects.counts.max(initial=0))))
    arrays: dict[str, np.ndarray] = {}
    with judging(model):
        for place, scene in enumerate(busy[:MOST_SCENES].tolist()):
            image = to_device(part.images[scene : scene + 1], device)[0]
            boxes = torch.from_numpy(objects.of(scene)[0].astype(np.float32)).to(device)
            inside = model.look_inside(image, boxes)
            arrays[f"{place}/scene"] = np.array(scene)
            arrays |= {f"{place}/{name}": value.cpu().numpy() for name, value in inside._asdict().items()}
    return arrays
