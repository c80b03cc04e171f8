"""Where a step's loss comes from: images, or the kept outputs of frozen stages.  The loop sees no difference.

Both feeds are functions of the step: `loss(step)` takes the same images and draws the same random numbers whenever it
is asked for that step, which makes runs repeatable, resumable and paired between contenders.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from eyechart.base.seeding import derived_seed
from eyechart.files import storage
from eyechart.schema import Plan, Recipe
from eyechart.schema.contracts import Batch, LabelledImages
from eyechart.schema.objects import Objects
from eyechart.training.computation import Computation

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY_SHARE = 0.25  # of the free memory that kept features may take; more than that is memory-mapped
DEVICE_SHARE = 0.5  # of an accelerator's free memory that the images may take; more of them are moved batch by batch
MOVED_IMAGES = 4096  # at once
LEAST_SIDE = 2.0  # pixels of a side that augmentation may leave of a box; of a thinner box, half of what it was
FILL_BATCH = 64  # images at once through the frozen stages: enough to be fast, small enough for the cache


class Tools:
    """The data stage's batch functions, handed in by the study: stages do not import each other."""

    def __init__(
        self,
        epoch_order: Callable[[int, int, int], Tensor],
        to_floats: Callable[[Tensor], Tensor],
        augment: Callable[..., tuple[Tensor, Tensor | None]],
        ink_boxes: Callable[[Tensor], Tensor],
        mix: Callable[..., Tensor],
    ):
        self.epoch_order = epoch_order
        self.to_floats = to_floats
        self.augment = augment
        self.ink_boxes = ink_boxes
        self.mix = mix


class Feed(Protocol):
    def prepare(self, on_progress: Callable[[float], None]) -> None:
        """Work that has to happen once, on the training clock."""

    def loss(self, step: int) -> Tensor:
        """The scalar loss of that step's batch, ready for backward()."""

    @property
    def parts(self) -> Tensor | None:
        """What the last loss was the sum of, where the model names that."""
        return None


class Order:
    """Which images a step takes: a new permutation for every epoch, a function of (seed, step)."""

    def __init__(self, tools: Tools, num_images: int, batch_size: int, seed: int):
        self._tools, self._num_images, self._batch_size, self._seed = tools, num_images, batch_size, seed
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def indices(self, step: int) -> Tensor:
        """int64 (B,); what does not fill a batch at the end of an epoch is left out of that epoch."""
        epoch, position = divmod(step, self._num_images // self._batch_size)
        if epoch != self._epoch:
            self._order = self._tools.epoch_order(self._num_images, self._seed, epoch)
            self._epoch = epoch
        return self._order[position * self._batch_size :][: self._batch_size]


class ImageFeed(Feed):
    """Batches of augmented images."""

    def __init__(
        self, model: nn.Module, part: LabelledImages, recipe: Recipe, plan: Plan, seed: int, device: torch.device,
        tools: Tools, computation: Computation | None = None,
    ):  # fmt: skip
        self._model, self._recipe, self._seed, self._device, self._tools = model, recipe, seed, device, tools
        self._images, self._objects = part.images, part.objects
        self._resident: Tensor | None = None  # all images, uint8 (N, C, H, W), where they are moved to the device
        self._labels = torch.from_numpy(part.labels)
        self._order = Order(tools, len(part), plan.batch_size, seed)
        self._generator = torch.Generator(device)
        self._seed_draws = _seeder(device)
        self._computation = computation or Computation(model)

    def prepare(self, on_progress: Callable[[float], None]) -> None:
        # The images stay as bytes: on an accelerator with room for them they are moved there once.
        self._labels = self._labels.to(self._device)
        if has_room(self._images.shape, self._device):
            self._move_images(on_progress)

    def _move_images(self, on_progress: Callable[[float], None]) -> None:
        num_images = len(self._images)
        self._resident = torch.empty(self._images.shape, dtype=torch.uint8, device=self._device)
        for start in range(0, num_images, MOVED_IMAGES):
            some = slice(start, min(start + MOVED_IMAGES, num_images))
            self._resident[some] = torch.from_numpy(np.array(self._images[some])).to(self._device)
            on_progress(some.stop / num_images)

    def loss(self, step: int) -> Tensor:
        batch = self.batch(step)
        self._seed_draws(derived_seed(self._seed, "step", step))
        return self._computation.loss(batch)

    @property
    def parts(self) -> Tensor | None:
        return self._computation.parts

    def batch(self, step: int) -> Batch:
        indices = self._order.indices(step)
        places = _moved(indices, self._device)  # the same, where labels and resident images are
        images = self._tools.to_floats(self._pixels(indices, places))  # (B, C, H, W)
        boxes, labels = self._boxes_on(indices, images.device)
        before = boxes
        if not self._recipe.augmentation.is_none:
            self._generator.manual_seed(derived_seed(self._seed, "augment", step))
            images, boxes = self._tools.augment(images, boxes, self._recipe.augmentation, self._generator)
        if boxes is None or before is None or labels is None:
            batch = _with_boxes(self._model, images, self._labels[places], self._tools, None)
        else:
            batch = Batch(images, self._labels[places], boxes, labels.where(_is_left(boxes, before), -1))
        return self._mixed(batch, step)

    def _mixed(self, batch: Batch, step: int) -> Batch:
        """After boxes were measured: a picture that was spoiled shows its ink no more, which is where it was."""
        mixing = self._recipe.augmentation.mixing
        if mixing is None:
            return batch
        self._generator.manual_seed(derived_seed(self._seed, "mix", step))
        return batch._replace(images=self._tools.mix(batch.images, mixing, self._generator))

    def _boxes_on(self, indices: Tensor, device: torch.device) -> tuple[Tensor | None, Tensor | None]:
        """(boxes (B, R, 4), labels (B, R)) of the dataset's own, for a model that wants them."""
        if self._objects is None or not self._model.needs_boxes:
            return None, None
        boxes, labels = self._objects.padded(indices.numpy())
        return torch.from_numpy(boxes).to(device), torch.from_numpy(labels).to(device)

    def _pixels(self, indices: Tensor, places: Tensor) -> Tensor:
        """uint8 (B, C, H, W) on the device.  On the CPU, numpy takes rows four times as fast as torch's indexing."""
        if self._resident is not None:
            return self._resident[places]
        return _moved(torch.from_numpy(self._images[indices.numpy()]), self._device)


class CachedFeed(Feed):
    """Batches of what the frozen stages gave: exact, because these see an image the same way each time."""

    def __init__(
        self, model: nn.Module, part: LabelledImages, recipe: Recipe, plan: Plan, seed: int, device: torch.device,
        tools: Tools, spill_folder: Path | None = None, computation: Computation | None = None,
    ):  # fmt: skip
        assert recipe.augmentation.is_none, "kept features and augmentation exclude each other; recipes check this"
        self._seed, self._device, self._tools = seed, device, tools
        self._seed_draws = _seeder(device)
        self._computation = computation or Computation(model)
        self._spill_folder = spill_folder
        self._chosen = tools.epoch_order(len(part), seed, -1)[: plan.num_cached_images].sort().values
        self._part = part
        self._labels = torch.from_numpy(part.labels)[self._chosen].to(device)
        self._order = Order(tools, plan.num_cached_images, plan.batch_size, seed)
        self._features = torch.empty(0)

    def prepare(self, on_progress: Callable[[float], None]) -> None:
        with torch.no_grad():
            for start in range(0, len(self._chosen), FILL_BATCH):
                chosen = self._chosen[start : start + FILL_BATCH]
                images = torch.from_numpy(self._part.images[chosen.numpy()])
                batch = self._tools.to_floats(images.to(self._device))
                features = _pixels_last(self._computation.features(batch))
                if not start:
                    self._features = self._room_for(features, len(self._chosen))
                self._features[start : start + len(chosen)] = features
                on_progress((start + len(chosen)) / len(self._chosen))

    def loss(self, step: int) -> Tensor:
        indices = _moved(self._order.indices(step), self._device)
        self._seed_draws(derived_seed(self._seed, "step", step))
        features = self._features[indices]
        if features.ndim == 4:
            features = features.permute(0, 3, 1, 2)  # (B, C, h, w), in channels_last memory without a copy
        return self._computation.loss_from_features(features, self._labels[indices])

    def _room_for(self, features: Tensor, num_images: int) -> Tensor:
        """An empty (num_images, ...) tensor: in memory, or in a mapped file when it would crowd the memory."""
        import psutil

        shape = (num_images, *features.shape[1:])
        num_bytes = num_images * features[0].numel() * features.element_size()
        if self._device.type != "cpu" or num_bytes < MEMORY_SHARE * psutil.virtual_memory().available:
            return torch.empty(shape, dtype=features.dtype, device=self._device)
        assert self._spill_folder is not None, "features that do not fit need a folder"
        self._spill_folder.mkdir(parents=True, exist_ok=True)
        path = self._spill_folder / storage.SPILL_FILE
        size = num_images * features[0].numel()
        return torch.from_file(str(path), shared=True, size=size, dtype=features.dtype).view(shape)


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device; CUDA is not waited for, which takes memory that the system must not move."""
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def has_room(shape: tuple[int, ...], device: torch.device) -> bool:
    """Whether images uint8 (N, C, H, W) should live on `device`; never on the CPU, where they can be had anyway."""
    return device.type != "cpu" and math.prod(shape) <= DEVICE_SHARE * _free_bytes(device)


def _free_bytes(device: torch.device) -> int:
    """Memory that a device has left; of the machine where the two share it."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return int(psutil.virtual_memory().available)


def as_batch(model: nn.Module, part: LabelledImages, chunk: slice, device: torch.device, tools: Tools) -> Batch:
    """Some images of a part as they are, without augmentation, as the model takes them."""
    floats = tools.to_floats(torch.from_numpy(np.array(part.images[chunk])).to(device))
    labels = torch.from_numpy(np.array(part.labels[chunk])).to(device)
    objects = None if part.objects is None else part.objects.subset(np.arange(len(part))[chunk])
    return _with_boxes(model, floats, labels, tools, objects)


def _with_boxes(model: nn.Module, images: Tensor, labels: Tensor, tools: Tools, objects: Objects | None) -> Batch:
    """Detectors learn from their dataset's boxes, or from the ink of each image as it is now, after augmentation."""
    if not model.needs_boxes:
        return Batch(images, labels)
    if objects is None:
        return Batch(images, labels, tools.ink_boxes(images)[:, None], labels[:, None])
    boxes, box_labels = objects.padded(np.arange(len(objects)))
    moved = (torch.from_numpy(array).to(images.device) for array in (boxes, box_labels))
    return Batch(images, labels, *moved)


def _is_left(boxes: Tensor, before: Tensor) -> Tensor:
    """bool (B, R), of boxes (B, R, 4) after augmentation and `before`: what was moved out of the frame is no object.

    A box that was thin all along is one, because the test asks for such boxes as well; without an area none is.
    """
    sides, own = (each[..., 2:] - each[..., :2] for each in (boxes, before))
    least = torch.where(own < LEAST_SIDE, own / 2, LEAST_SIDE)
    return ((sides >= least) & (sides > 0)).all(dim=-1)


def _pixels_last(features: Tensor) -> Tensor:
    """Maps (B, C, h, w) as (B, h, w, C): rows of it are channels_last images, which convolutions like best."""
    return features.permute(0, 2, 3, 1) if features.ndim == 4 else features


def _seeder(device: torch.device) -> Callable[[int], object]:
    """What seeds the generator that dropout and a detector's sampling draw from.

    torch.manual_seed would ask every back-end, which takes 0.1 ms a step.
    """
    if device.type == "cpu":
        return torch.default_generator.manual_seed
    if device.type == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]  # before it, there are no generators
        index = torch.cuda.current_device() if device.index is None else device.index
        return torch.cuda.default_generators[index].manual_seed
    return torch.manual_seed
