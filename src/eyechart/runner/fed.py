"""What a network is fed, looked at before it learns from it: images that were scaled twice are nearly one colour.

A picture divided by 255 twice still trains, badly, and nothing says so.  So the first images are prepared exactly as
the training does it, up to what enters the first layer, and their mean and standard deviation are kept with the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from eyechart.models.preprocess import Preprocess
from eyechart.schema import FedPixels, Finding
from eyechart.scoring.fed import scaled_to_nothing
from eyechart.training import feeds
from eyechart.words.findings import KINDS, sentence

if TYPE_CHECKING:
    from torch import nn

    from eyechart.schema.contracts import LabelledImages

NUM_IMAGES = 64  # enough for a standard deviation within some per cent; large inputs take a moment each
DIGITS = 6  # kept: a sum of floats may differ in the last ones from machine to machine


def look(model: nn.Module, part: LabelledImages, device: torch.device, tools: feeds.Tools) -> FedPixels:
    """Mean and standard deviation of what the network gets, on images spread evenly over a part."""
    number = min(NUM_IMAGES, len(part))
    spread = part.subset(torch.linspace(0, len(part) - 1, number).round().long().numpy())
    preprocess = next(module for module in model.modules() if isinstance(module, Preprocess))
    with torch.no_grad():
        images = feeds.as_batch(model, spread, slice(number), device, tools).images
        pixels = preprocess(images).cpu().double()  # (B, C, H, W); on the CPU: MPS has no float64
    # Within each channel: normalised as photographs are, three channels of nothing still differ from each other.
    spread_within = pixels.var(dim=(0, 2, 3), correction=0).mean().sqrt()
    mean, std = (float(f"{value.item():.{DIGITS}g}") for value in (pixels.mean(), spread_within))
    return FedPixels(num_images=number, mean=mean, std=std)


def warning(contender: str, fed: FedPixels) -> str:
    """What is to be said before the first step; empty where nothing is suspicious."""
    facts = scaled_to_nothing(fed)
    if facts is None:
        return ""
    finding = Finding(kind="alarm", code="scaled-to-nothing", runs=(contender,), facts=facts)
    return f"{KINDS['en']['alarm']}: {sentence(finding)}"
