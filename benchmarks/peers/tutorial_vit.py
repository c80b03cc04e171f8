"""The tutorial "Vision Transformers from Scratch" (Brian Pulfer), with the loops that it is written in.

28 px, 7 x 7 patches of 4 px, class token, fixed sinusoidal positions, width 8, two blocks, two heads, MLP ratio 4,
1,642 parameters; Adam at 0.005, batch 128, a DataLoader with ToTensor.  As in the tutorial, each head sees only its
own slice of a token, there is no projection after attention and no last norm, and a softmax is fed into a
cross-entropy.  Patches are cut, the class token is put in front and attention is computed image by image, in Python.
The positions are computed once, as in its later versions; the first one did it anew for every batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from benchmarks.peers.mnist_files import torchvision_mnist
from eyechart.models.tutorial_vit import sinusoids

BATCH_SIZE = 128
LEARNING_RATE = 0.005
PATCHES_A_SIDE, WIDTH, NUM_BLOCKS, NUM_HEADS, MLP_RATIO = 7, 8, 2, 2, 4


def cut_patches(images: Tensor) -> Tensor:
    """(B, 1, 28, 28) -> (B, 49, 16): one image, one patch at a time."""
    side = images.shape[-1] // PATCHES_A_SIDE
    patches = torch.zeros(len(images), PATCHES_A_SIDE**2, side * side)
    for number, image in enumerate(images):
        for row in range(PATCHES_A_SIDE):
            for column in range(PATCHES_A_SIDE):
                square = image[:, row * side : (row + 1) * side, column * side : (column + 1) * side]
                patches[number, row * PATCHES_A_SIDE + column] = square.flatten()
    return patches


class SlicedAttention(nn.Module):
    """(B, N, D) -> (B, N, D), image by image and head by head."""

    def __init__(self) -> None:
        super().__init__()
        self.width = WIDTH // NUM_HEADS
        self.queries, self.keys, self.values = (
            nn.ModuleList(nn.Linear(self.width, self.width) for _ in range(NUM_HEADS)) for _ in range(3)
        )

    def forward(self, sequences: Tensor) -> Tensor:
        return torch.stack([self._of_one_image(sequence) for sequence in sequences])

    def _of_one_image(self, sequence: Tensor) -> Tensor:
        mixed = []
        for head in range(NUM_HEADS):
            own = sequence[:, head * self.width : (head + 1) * self.width]  # (N, D/heads)
            query, key, value = self.queries[head](own), self.keys[head](own), self.values[head](own)
            mixed.append((query @ key.T / self.width**0.5).softmax(dim=-1) @ value)
        return torch.hstack(mixed)  # (N, D)


class TutorialBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first_norm, self.second_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = SlicedAttention()
        self.mlp = nn.Sequential(nn.Linear(WIDTH, MLP_RATIO * WIDTH), nn.GELU(), nn.Linear(MLP_RATIO * WIDTH, WIDTH))

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(self.first_norm(tokens))
        mixed: Tensor = tokens + self.mlp(self.second_norm(tokens))
        return mixed


class TutorialViT(nn.Module):
    """Images (B, 1, 28, 28) -> probabilities (B, 10)."""

    positions: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear((28 // PATCHES_A_SIDE) ** 2, WIDTH)
        self.class_token = nn.Parameter(torch.rand(1, WIDTH))
        self.register_buffer("positions", sinusoids(PATCHES_A_SIDE**2 + 1, WIDTH), persistent=False)
        self.blocks = nn.ModuleList(TutorialBlock() for _ in range(NUM_BLOCKS))
        self.head = nn.Sequential(nn.Linear(WIDTH, 10), nn.Softmax(dim=-1))

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.embed(cut_patches(images))  # (B, 49, D)
        tokens = torch.stack([torch.vstack((self.class_token, tokens[i])) for i in range(len(tokens))])  # (B, 50, D)
        tokens = tokens + self.positions
        for block in self.blocks:
            tokens = block(tokens)
        probabilities: Tensor = self.head(tokens[:, 0])
        return probabilities


# --------------------------------------------------------------------------------------------- sides


def training_rate(num_images: int) -> Callable[[], float]:
    """A side: images per second of the tutorial's training."""
    torch.manual_seed(0)
    model = TutorialViT()
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
