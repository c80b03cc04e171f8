"""What answers pictures: a network on its device, or a guess where there is none that could."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eyechart.evaluation.predict import predict
from eyechart.schema.contracts import Predictions

if TYPE_CHECKING:
    import torch

    from eyechart.schema.contracts import ContenderModel, Images

BATCH_SIZE = 256  # images judged at once
GUESS_EDGE = 1e-6  # of probability, by which a guess prefers one class
GUESS_SEED = 20_031  # of the order in which classes are guessed


@dataclass(frozen=True)
class NetworkPredictor:
    """A network that stands on its device; its probabilities come as they are, before any temperature."""

    model: ContenderModel
    device: torch.device
    batch_size: int = BATCH_SIZE

    @property
    def gives_boxes(self) -> bool:
        return self.model.needs_boxes

    def answer(self, images: Images) -> Predictions:
        found = predict(self.model, images, device=self.device, batch_size=self.batch_size)
        return replace(found, probabilities=guessing_where_tied(found.probabilities))


@dataclass(frozen=True)
class Guess:
    """What a diverged network counts as: a guess for every image, and no box."""

    num_classes: int
    gives_boxes: bool = False

    def answer(self, images: Images) -> Predictions:
        guess = uniform_guess(len(images), self.num_classes)
        if not self.gives_boxes:
            return Predictions(guess)
        no_ids, no_boxes, no_scores = np.empty(0, np.int32), np.empty((0, 4), np.float32), np.empty(0, np.float32)
        return Predictions(guess, box_image=no_ids, boxes=no_boxes, box_scores=no_scores, box_labels=no_ids)


def guessing_where_tied(probabilities: np.ndarray) -> np.ndarray:
    """(N, K), where no class is more probable than another (a detector found nothing), as `uniform_guess` has it."""
    is_tied = probabilities.max(axis=1, initial=0) == probabilities.min(axis=1, initial=1)
    if not is_tied.any():
        return probabilities
    return np.where(is_tied[:, None], uniform_guess(*probabilities.shape), probabilities)


def uniform_guess(num_items: int, num_classes: int) -> np.ndarray:
    """float32 (N, K): 1/K for each class, by a hair more for one of them, each as often, in an order drawn once.

    Equal ones would all be answers of class 0, which is right as often as class 0 is frequent; and each class in turn
    would be right altogether where the labels of a dataset come in turn.
    """
    guessed = np.random.default_rng(GUESS_SEED).permutation(num_items) % num_classes
    probabilities = np.full((num_items, num_classes), (1 - GUESS_EDGE) / num_classes, dtype=np.float32)
    probabilities[np.arange(num_items), guessed] += GUESS_EDGE
    return probabilities
