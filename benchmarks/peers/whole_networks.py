"""torchvision's VGG16 and AlexNet fine-tuned the usual way: 224 px, all layers trained, a new last layer.

As in PyTorch's tutorial on fine-tuning torchvision's models: PIL images resized to 224 px, three channels, ImageNet's
normalisation, the last linear layer replaced, SGD at 0.001 with momentum 0.9.  The weights are random here: pretrained
ones take the same time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
import torchvision
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from torchvision import transforms

from benchmarks.peers.mnist_files import torchvision_mnist

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def whole_network(architecture: str) -> nn.Module:
    """Images (B, 3, 224, 224) -> logits (B, 10)."""
    model: nn.Module = {"vgg16": torchvision.models.vgg16, "alexnet": torchvision.models.alexnet}[architecture]()
    assert isinstance(model.classifier, nn.Sequential)
    model.classifier[6] = nn.Linear(4096, 10)
    return model


def _batches(batch_size: int, pixels: int) -> Iterator[tuple[Tensor, Tensor]]:
    steps = [transforms.Grayscale(3), transforms.Resize(pixels), transforms.ToTensor()]
    transform = transforms.Compose([*steps, transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD)])
    dataset = torchvision_mnist(train=True, transform=transform)
    while True:
        yield from DataLoader(dataset, batch_size=batch_size, shuffle=True, drop_last=True)


# --------------------------------------------------------------------------------------------- sides


def training_rate(architecture: str, batch_size: int, num_steps: int, pixels: int = 224) -> Callable[[], float]:
    """A side: images per second of training the whole network."""
    torch.manual_seed(0)
    model = whole_network(architecture).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    stream = _batches(batch_size, pixels)

    def measure(num_steps: int = num_steps) -> float:
        started = time.perf_counter()
        for _ in range(num_steps):
            images, labels = next(stream)
            optimizer.zero_grad()
            loss = cross_entropy(model(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return num_steps * batch_size / (time.perf_counter() - started)

    measure(num_steps=1)
    return measure
