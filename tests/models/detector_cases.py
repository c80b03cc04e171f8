"""A small detector and small scenes for the tests of Faster R-CNN."""

from __future__ import annotations

from typing import Any

import torch

from eyechart.models.faster_rcnn import FasterRCNN, build
from eyechart.schema import Preprocessing, Recipe
from eyechart.schema.contracts import Batch

EVERYTHING = 100_000  # samples an image: more than there are, so that both sides learn from the same ones
MEAN, STD = 0.2, 0.4
BAR_ANCHORS = {"anchor_pixels": "6,10", "anchor_ratios": "0.5,1,2"}  # that fit the bars of `scenes`


def recipe(**options: Any) -> Recipe:
    return Recipe(
        contender="fasterrcnn", title="", epochs=1, batch_size=8, optimizer="adamw", learning_rate=1e-3,
        options={"width": 4, "head_units": 24} | options, source="test", expect="test",
    )  # fmt: skip


def card(channels: int = 1, height: int = 28, width: int = 20, **changes: Any) -> Preprocessing:
    values = {
        "image_channels": channels, "image_height": height, "image_width": width,
        "input_channels": channels, "input_height": height, "input_width": width,
        "mean": (MEAN,) * channels, "std": (STD,) * channels,
    }  # fmt: skip
    return Preprocessing.model_validate(values | changes)


def detector(num_classes: int = 3, preprocessing: Preprocessing | None = None, **options: Any) -> FasterRCNN:
    torch.manual_seed(0)
    model = build(recipe(**options), preprocessing or card(), num_classes)
    assert isinstance(model, FasterRCNN)
    return model


def scenes(num_boxes: tuple[int, ...], channels: int = 1, height: int = 28, width: int = 20, seed: int = 0) -> Batch:
    """Dim noise with that many bright bars an image: class 0 lies, 1 stands, 2 is a square.  They may overlap."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(len(num_boxes), channels, height, width, generator=generator) * 0.2
    boxes = torch.zeros(len(num_boxes), max(num_boxes), 4)
    labels = torch.full((len(num_boxes), max(num_boxes)), -1)
    for image, count in enumerate(num_boxes):
        for slot in range(count):
            label = (image + slot) % 3
            wide, high = ((12, 5), (5, 12), (9, 9))[label]
            left = int(torch.randint(0, width - wide + 1, (), generator=generator))
            top = int(torch.randint(0, height - high + 1, (), generator=generator))
            images[image, :, top : top + high, left : left + wide] = 0.6 + 0.2 * label
            boxes[image, slot] = torch.tensor([left, top, left + wide, top + high])
            labels[image, slot] = label
    return Batch(images, labels[:, 0].clamp(min=0), boxes, labels)


def train(model: FasterRCNN, data: Batch, num_steps: int, learning_rate: float = 3e-3) -> list[float]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    torch.manual_seed(1)
    for _ in range(num_steps):
        loss = model.loss(data)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
