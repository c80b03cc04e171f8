"""The one place where grey images, small images and ImageNet's normalisation are handled.

Every network starts with this module, so a trained model takes the dataset's plain images (0..1, own size, own
channels) and carries with it what they must become:

1. fit      bilinear resize to the input size (VGG16 and AlexNet shrink 32-fold and need more than 28 px), or a crop
            of the centre (MNIST's digits lie in the middle 20 px)
2. colour   grey is repeated to three channels where the network expects colour; colour is averaged by luminance
            (ITU-R 601-2, as Pillow does) where it expects grey
3. scale    (pixel - mean) / std, with the mean and std that the starting weights were trained with, or those of the
            train part for networks that start from nothing
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from eyechart.schema import Preprocessing


class Preprocess(nn.Module):
    """float32 (B, C, H, W) in 0..1 -> float32 (B, input_channels, input_height, input_width), normalised."""

    mean: Tensor
    std: Tensor
    luminance: Tensor

    def __init__(self, preprocessing: Preprocessing):
        super().__init__()
        self.card = preprocessing
        # Not persistent: run.json and the header of the weights file are the one source of these figures.
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preprocessing.std).view(1, -1, 1, 1), persistent=False)
        luminance = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
        self.register_buffer("luminance", luminance, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        images = self._fit(images)  # (B, C, h, w)
        if images.shape[1] == 3 and self.card.input_channels == 1:
            images = (images * self.luminance).sum(dim=1, keepdim=True)  # (B, 1, h, w)
        # Broadcasting the mean repeats grey to three channels at no cost.
        return (images - self.mean) / self.std  # (B, input_channels, h, w)

    def _fit(self, images: Tensor) -> Tensor:
        size = (self.card.input_height, self.card.input_width)
        if images.shape[-2:] == size:
            return images
        if self.card.fit == "resize":
            return interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)
        top = (images.shape[-2] - size[0]) // 2
        left = (images.shape[-1] - size[1]) // 2
        assert min(top, left) >= 0, "a crop cannot be larger than the image; plan_preprocessing checks this"
        return images[..., top : top + size[0], left : left + size[1]]
