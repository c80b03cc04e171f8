"""The well-known example of PyTorch's own collection (pytorch/examples, mnist/main.py): its network, data and schedule.

Two 3x3 convolutions (32 and 64 maps), max-pooling, dropout, 128 hidden units: 1,199,882 parameters.  Every image is
made from bytes by PIL, ToTensor and Normalize each time it is asked for, through a DataLoader without workers, as the
example has it on a CPU.  Adadelta at rate 1.0, times 0.7 after each epoch, batch 64; the test after each epoch.  One
thing is to the peer's advantage: its images are shuffled, which the example does on accelerators only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss
from torch.utils.data import DataLoader, Subset
from torchvision import transforms

from benchmarks.peers.mnist_files import torchvision_mnist

BATCH_SIZE, TEST_BATCH_SIZE = 64, 1000
LEARNING_RATE, GAMMA = 1.0, 0.7
NUM_TRAIN = 60_000
MOST_EPOCHS = 14  # the example's own number
MEAN, STD = 0.1307, 0.3081


def network() -> nn.Sequential:
    """Images (B, 1, 28, 28) -> log-probabilities (B, 10)."""
    return nn.Sequential(
        *[nn.Conv2d(1, 32, 3), nn.ReLU()],
        *[nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten()],
        *[nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5)],
        *[nn.Linear(128, 10), nn.LogSoftmax(dim=1)],
    )


def loader(train: bool, num_images: int | None) -> DataLoader[tuple[Tensor, Tensor]]:
    """Batches as the example makes them; `num_images` None: all."""
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])
    dataset = torchvision_mnist(train, transform)
    part = dataset if num_images is None else Subset(dataset, range(num_images))
    return DataLoader(part, batch_size=BATCH_SIZE if train else TEST_BATCH_SIZE, shuffle=train)


class Training:
    """The example's training under way."""

    def __init__(self, seed: int = 1):
        torch.manual_seed(seed)
        self.model = network()
        self.optimizer = torch.optim.Adadelta(self.model.parameters(), lr=LEARNING_RATE)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=1, gamma=GAMMA)

    def step(self, images: Tensor, labels: Tensor) -> None:
        self.optimizer.zero_grad()
        loss = nll_loss(self.model(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    def epoch_seconds(self, batches: DataLoader[tuple[Tensor, Tensor]]) -> float:
        """Train for one epoch; its wall time."""
        self.model.train()
        started = time.perf_counter()
        for images, labels in batches:
            self.step(images, labels)
        self.scheduler.step()
        return time.perf_counter() - started

    def accuracy(self, batches: DataLoader[tuple[Tensor, Tensor]]) -> float:
        self.model.eval()
        num_right, num_all = 0, 0
        with torch.no_grad():
            for images, labels in batches:
                num_right += int((self.model(images).argmax(dim=1) == labels).sum())
                num_all += len(labels)
        return num_right / num_all


def _endless(batches: DataLoader[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from batches


# --------------------------------------------------------------------------------------------- sides


def epoch_seconds(num_batches: int, num_warmup_batches: int = 10) -> Callable[[], float]:
    """A side: seconds of one epoch, from the time of `num_batches`."""
    training = Training()
    training.model.train()
    stream = _endless(loader(train=True, num_images=None))
    for _ in range(num_warmup_batches):
        training.step(*next(stream))

    def measure() -> float:
        started = time.perf_counter()
        for _ in range(num_batches):
            training.step(*next(stream))
        return (time.perf_counter() - started) / num_batches * (NUM_TRAIN / BATCH_SIZE)

    return measure


def epochs_until(target: float, num_images: int | None = None) -> Callable[[], dict[str, list[float]]]:
    """A side: train until the test accuracy is `target` or MOST_EPOCHS are over, as the example goes about it.

    The accuracy after each epoch and the seconds of each; the test is not in them.  Takes minutes.
    """

    def measure() -> dict[str, list[float]]:
        training = Training()
        train, test = loader(train=True, num_images=num_images), loader(train=False, num_images=num_images)
        accuracies: list[float] = []
        seconds: list[float] = []
        while not accuracies or (accuracies[-1] < target and len(accuracies) < MOST_EPOCHS):
            seconds.append(training.epoch_seconds(train))
            accuracies.append(training.accuracy(test))
        return {"accuracies": accuracies, "seconds": seconds}

    return measure
