"""A contender that stands ready: dataset, splits, starting weights and model, everything up to the first step.

Nothing in this file opens a sealed part.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from eyechart.base import host, seeding
from eyechart.data import augment, batches, boxes, catalog, content, ink_facts, mixing, splits
from eyechart.files.places import seen_from_here
from eyechart.inference.predictor import NetworkPredictor
from eyechart.models import catalog as architectures
from eyechart.runner.fed import look
from eyechart.runner.standing import standing
from eyechart.schema import DatasetCard, FedPixels, Job, Plan, Preprocessing
from eyechart.schema.contracts import Splits, StartingWeights
from eyechart.training import feeds
from eyechart.training.together import ALONE, Alone
from eyechart.weights.resolve import Names, starting_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from eyechart.schema import ExecutionMode
    from eyechart.schema.contracts import ContenderModel
    from eyechart.training.computation import Computation

TOOLS = feeds.Tools(batches.epoch_order, batches.to_floats, augment.augment_with_boxes, boxes.ink_boxes, mixing.mix)


@dataclass
class Contender:
    """A model that stands ready, with everything that was decided on the way there."""

    job: Job
    card: DatasetCard  # of the dataset, which itself is let go: it is not sealed
    splits: Splits
    starting: StartingWeights
    preprocessing: Preprocessing
    model: nn.Module
    device: torch.device
    fed: FedPixels  # to the network, before the first step
    frozen: dict[str, str]  # what training must not change: tensor -> sha256
    group: Alone = ALONE  # the processes that train it together

    @property
    def network(self) -> ContenderModel:
        return cast("ContenderModel", self.model)

    @property
    def predictor(self) -> NetworkPredictor:
        return NetworkPredictor(self.network, self.device)

    def computation(self, model: nn.Module, mode: ExecutionMode = "eager") -> Computation:
        """How this contender, or a copy of it, computes its loss."""
        return self.group.computation(model, self.device, self.job.rules.precision, mode)

    def make_feed(self, model: nn.Module, plan: Plan, computation: Computation | None = None) -> feeds.Feed:
        """The batches of this contender, for itself or for a copy of it."""
        recipe, seed, part = self.job.recipe, self.job.seed, self.splits.train
        computation = computation or self.computation(model)
        if recipe.cache_frozen and (recipe.frozen_stages or recipe.open_last):
            folder = Path(self.job.folder)
            return feeds.CachedFeed(model, part, recipe, plan, seed, self.device, TOOLS, folder, computation)
        return feeds.ImageFeed(model, part, recipe, plan, seed, self.device, TOOLS, computation)


def prepare(job: Job, device: torch.device, say: Callable[[str], None], group: Alone = ALONE) -> Contender:
    """Everything up to a model that stands on the device, seeded, with its starting weights."""
    host.set_threads(job.rules.num_threads)
    host.set_precision(job.rules.precision, device)
    seeding.make_deterministic()
    reference = seen_from_here(job.rules.dataset, job.started_in, catalog.KNOWN)
    dataset = catalog.load_dataset(reference, img_size=job.rules.img_size, offline=job.offline, say=say)
    content.check_content(dataset.card, job.dataset_sha256, job.run)
    parts = splits.split(dataset, job.rules, job.seed)
    weights = seen_from_here(job.recipe.weights, job.started_in, Names())
    starting = starting_weights(job.recipe.contender, weights, offline=job.offline, say=say)
    preprocessing = architectures.plan_preprocessing(
        job.recipe, dataset.card, parts.pixel_mean, parts.pixel_std, starting
    )
    if dataset.card.task == "classification":  # how a stranger's picture is brought to what is learned from
        preprocessing = preprocessing.model_copy(update={"ink": ink_facts.measure_set(parts.train.images)})
    seeding.seed_everything(job.seed, "initialisation")
    model = architectures.build_model(job.recipe, preprocessing, dataset.card.num_classes)
    architectures.load_starting_tensors(model, job.recipe, starting.tensors)
    model.to(memory_format=torch.channels_last).to(device)
    fed = look(model, parts.train, device, TOOLS)
    frozen = standing(model)
    return Contender(job, dataset.card, parts, starting, preprocessing, model, device, fed, frozen, group)
