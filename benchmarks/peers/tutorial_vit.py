"""The tutorial "Vision Transformers from Scratch" (Brian Pulfer) as it is trained there: Adam at 0.005, batch 128, a
DataLoader with ToTensor, a softmax fed into a cross-entropy.

The network is models/tutorial_vit.py as it is by default, with the loops over images in Python that it is written in;
its tests hold loops and whole products to be the same.  The positions are computed once, as in the tutorial's later
versions; the first one did it anew for every batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from benchmarks.peers.mnist_files import torchvision_mnist
from eyechart.models.tutorial_vit import TutorialViT

BATCH_SIZE = 128
LEARNING_RATE = 0.005


def training_rate(num_images: int) -> Callable[[], float]:
    """A side: images per second of the tutorial's training."""
    torch.manual_seed(0)
    model = TutorialViT(1, 28, 28, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    stream = _batches()

    def measure(num_steps: int = max(1, num_images // BATCH_SIZE)) -> float:
        started = time.perf_counter()
        for _ in range(num_steps):
            images, labels = next(stream)
            loss = cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return num_steps * BATCH_SIZE / (time.perf_counter() - started)

    measure(num_steps=1)
    return measure


def _batches() -> Iterator[tuple[Tensor, Tensor]]:
    dataset = torchvision_mnist(train=True, transform=ToTensor())
    while True:
        yield from DataLoader(dataset, batch_size=BATCH_SIZE, shuffle=True, drop_last=True)
