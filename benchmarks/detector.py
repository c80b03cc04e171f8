"""Faster R-CNN against torchvision's class, on the CPU: all images of a batch at once against loops over them.

Both sides get the same batches, optimizer, loop and handling of memory; only the detector differs.  Caveat: the ratio
grows with the batch and shrinks with the size of the images, since what is saved is work per image that is not
arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from benchmarks import harness, to_accuracy
from benchmarks.harness import Result, Settings
from eyechart.training.feeds import Feed

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from eyechart.models.faster_rcnn import FasterRCNN
    from eyechart.runner.contender import Contender
    from eyechart.schema.contracts import Batch

RATE = "images per training second"
EVERYTHING = 100_000  # samples an image: more than there are, so that both sides learn from the same ones
CHANGES: dict[str, Any] = {"augmentation": {}}
# torchvision's grid of 7 x 7 cells a proposal, and its share of positives; batches as cnn and vit have them.
COMMON_SHAPE: dict[str, Any] = {
    "num_candidates": 64, "num_proposals": 24, "pool_cells": 7, "region_samples": 16, "region_positives": 0.25,
}  # fmt: skip
COMMON_BATCH = 128
ANSWER_BATCH = 64
MANY_PROPOSALS: dict[str, Any] = {"num_candidates": 200, "num_proposals": 100, "num_detections": 100}
SCENE_PIXELS, SCENE_BATCH, MOST_DIGITS = 128, 8, 5
LARGEST_DIFFERENCE = 1e-4  # of two float32 losses, relative


# --------------------------------------------------------------------------------------------- benchmarks


def fasterrcnn_same_shape(settings: Settings) -> Result:
    """Training rate of Faster R-CNN on MNIST at 28 px: ours against torchvision's class, 7 x 7 cells, 128 images.

    Claim: 6x.  n: 5 pairs.  Same backbone, anchors, head, weights and batches.  First the two losses are compared, from
    the same weights and with every sample drawn: they must agree within 1e-4.  Hardware: see the head of this file.
    """
    return _against_twin(settings, COMMON_BATCH, COMMON_SHAPE)


def fasterrcnn_recipe_shape(settings: Settings) -> Result:
    """Training rate of Faster R-CNN as the recipe has it, 5 x 5 cells, 32 images: ours against torchvision's class.

    Claim: none beforehand; a smaller batch and a smaller grid leave less to save.  n: 5 pairs.
    Hardware: see the head of this file.
    """
    return _against_twin(settings, None, {})


def _against_twin(settings: Settings, batch_size: int | None, options: dict[str, Any]) -> Result:
    difference = harness.ask_once(settings, harness.ours("benchmarks.detector:loss_difference", options=options))
    assert difference < LARGEST_DIFFERENCE, f"not the same mathematics: the losses differ by {difference:.1e}"
    same = {"is_tiny": settings.is_tiny, "batch_size": settings.pick(batch_size, 16), "options": options}
    our_side = harness.ours("benchmarks.detector:our_rate", num_images=settings.pick(3840, 64), **same)
    peer_side = harness.ours("benchmarks.detector:twin_rate", num_images=settings.pick(640, 32), **same)
    values = harness.compare(settings, our_side, peer_side, num_pairs=5)
    return Result(RATE, "higher", *values, {"relative_difference_of_losses": difference})


def fasterrcnn_answers_100(settings: Settings) -> Result:
    """Answering rate of Faster R-CNN on MNIST at 28 px with 100 proposals an image: ours against torchvision's class.

    Claim: no slower.  n: 3 pairs, batches of 64.  Same untrained weights, so suppression has its fullest work.
    Hardware: see the head of this file.
    """
    number = settings.pick(2 * ANSWER_BATCH, ANSWER_BATCH)
    our_side = harness.ours("benchmarks.detector:our_answers", num_images=number, is_tiny=settings.is_tiny)
    peer_side = harness.ours("benchmarks.detector:twin_answers", num_images=number, is_tiny=settings.is_tiny)
    return Result("images answered a second", "higher", *harness.compare(settings, our_side, peer_side, num_pairs=3))


def fasterrcnn_vs_mobilenet_128(settings: Settings) -> Result:
    """Training rate on 128 px scenes of digits: ours at their own size against torchvision's ready-made small detector.

    Claim: none beforehand.  n: 3 pairs, batches of 8.  The peer, fasterrcnn_mobilenet_v3_large_320_fpn, resizes the
    scenes to 320 px by itself and has 19 million parameters.  Hardware: see the head of this file.
    """
    our_side = harness.ours("benchmarks.detector:our_scene_rate", num_steps=settings.pick(40, 2))
    peer_side = harness.ours("benchmarks.detector:mobilenet_scene_rate", num_steps=settings.pick(2, 1))
    return Result(RATE, "higher", *harness.compare(settings, our_side, peer_side, num_pairs=3))


def fasterrcnn_scene_answers_128(settings: Settings) -> Result:
    """Answering rate on 128 px scenes of digits: ours at their own size against torchvision's ready-made small one.

    Claim: none beforehand.  n: 3 pairs, batches of 8.  Untrained weights on both sides, so suppression has its fullest
    work.  Hardware: see the head of this file.
    """
    our_side = harness.ours("benchmarks.detector:our_scene_answers", num_images=settings.pick(160, 8))
    peer_side = harness.ours("benchmarks.detector:mobilenet_scene_answers", num_images=settings.pick(40, 8))
    return Result("images answered a second", "higher", *harness.compare(settings, our_side, peer_side, num_pairs=3))


def fasterrcnn_to_986(settings: Settings) -> Result:
    """Training seconds to 98.6 % on MNIST: our Faster R-CNN scored as a classifier.

    Claim: 75 s on two cores.  n: 3 seeds.  Hardware: see the head of this file.
    """
    return to_accuracy.measure_alone(settings, "fasterrcnn_to_986", num_seeds=3)


# --------------------------------------------------------------------------------------------- sides: MNIST


def our_rate(num_images: int, is_tiny: bool, batch_size: int | None, options: dict[str, Any]) -> Callable[[], float]:
    from benchmarks.workload import measure_steps

    contender = _contender(is_tiny, batch_size, options)
    return measure_steps(contender, contender.model, num_images)


def twin_rate(num_images: int, is_tiny: bool, batch_size: int | None, options: dict[str, Any]) -> Callable[[], float]:
    from benchmarks.peers.torchvision_detectors import twin_of
    from benchmarks.workload import measure_steps

    contender = _contender(is_tiny, batch_size, options)
    twin = twin_of(_detector(contender), contender.card.num_classes)
    return measure_steps(contender, twin, num_images, num_warmup_steps=2)


def our_answers(num_images: int, is_tiny: bool) -> Callable[[], float]:
    contender = _contender(is_tiny, options=MANY_PROPOSALS)
    return _answer_rate(contender.model, _first_images(contender), num_images)


def twin_answers(num_images: int, is_tiny: bool) -> Callable[[], float]:
    from benchmarks.peers.torchvision_detectors import twin_of

    contender = _contender(is_tiny, options=MANY_PROPOSALS)
    return _answer_rate(twin_of(_detector(contender), 10), _first_images(contender), num_images)


def _first_images(contender: Contender) -> Tensor:
    import numpy as np
    import torch

    from eyechart.data.batches import to_floats

    return to_floats(torch.from_numpy(np.array(contender.splits.train.images[:ANSWER_BATCH])))


def loss_difference(options: dict[str, Any]) -> Callable[[], float]:
    """A side: our loss against torchvision's, relative: same weights, same 16 images, every sample drawn."""
    import torch

    from benchmarks.peers.torchvision_detectors import twin_of
    from benchmarks.workload import make_plan
    from eyechart.training.feeds import ImageFeed

    def measure() -> float:
        everything = options | {"proposal_samples": EVERYTHING, "region_samples": EVERYTHING}
        contender = _contender(is_tiny=True, batch_size=16, options=everything)
        feed = contender.make_feed(contender.model, make_plan(16, 1, len(contender.splits.train)))
        assert isinstance(feed, ImageFeed)
        batch = feed.batch(0)
        twin = twin_of(_detector(contender), contender.card.num_classes).train()
        with torch.no_grad():
            expected = float(twin.loss(batch))
            found = float(_detector(contender).train().loss(batch))
        return abs(found - expected) / expected

    return measure


def _contender(is_tiny: bool, batch_size: int | None = None, options: dict[str, Any] | None = None) -> Contender:
    from benchmarks.workload import prepare_contender
    from eyechart.catalog.recipes import RECIPES

    recipe = RECIPES["fasterrcnn"]
    changes = CHANGES | {"batch_size": batch_size or recipe.batch_size, "options": recipe.options | (options or {})}
    # torchvision's class knows no label smoothing.
    return prepare_contender("fasterrcnn", changes | {"label_smoothing": 0.0}, is_tiny=is_tiny)


def _detector(contender: Contender) -> FasterRCNN:
    from eyechart.models.faster_rcnn import FasterRCNN

    assert isinstance(contender.model, FasterRCNN)
    return contender.model


# --------------------------------------------------------------------------------------------- sides: scenes


class SceneFeed(Feed):
    """The same few scenes in turn, made before the clock runs."""

    def __init__(self, model: nn.Module, batches: list[Batch]):
        self._model, self._batches = model, batches

    def prepare(self, on_progress: Callable[[float], None]) -> None:
        """The scenes are there already."""

    def loss(self, step: int) -> Tensor:
        loss: Tensor = self._model.loss(self._batches[step % len(self._batches)])  # type: ignore[operator]
        return loss


def our_scene_rate(num_steps: int) -> Callable[[], float]:
    """Our recipe's detector at the scenes' own size."""
    contender = _contender(is_tiny=True)
    return _scene_rate(contender, scene_detector(contender), num_steps)


def our_scene_answers(num_images: int) -> Callable[[], float]:
    contender = _contender(is_tiny=True)
    return _answer_rate(scene_detector(contender), _scenes_of(contender), num_images)


def mobilenet_scene_answers(num_images: int) -> Callable[[], float]:
    from benchmarks.peers.torchvision_detectors import ready_made_mobilenet

    return _answer_rate(ready_made_mobilenet(num_classes=10), _scenes_of(_contender(is_tiny=True)), num_images)


def scene_detector(contender: Contender) -> nn.Module:
    """As the recipe for scenes has it, with what fits scenes of these."""
    import numpy as np

    from eyechart.catalog.recipes import DETECTION_RECIPES
    from eyechart.data.fitting import fitting_options
    from eyechart.models.faster_rcnn import build
    from eyechart.schema.contracts import LabelledImages
    from eyechart.schema.objects import from_padded
    from eyechart.study.plan import OWN_WIDTH

    part = contender.splits.train
    scenes = make_scenes(part.images, part.labels, 64, seed=99)
    assert scenes.boxes is not None
    assert scenes.box_labels is not None
    objects = from_padded(scenes.boxes.numpy(), scenes.box_labels.numpy())
    fitting = fitting_options(LabelledImages(np.empty((64, 1, 1, 1), np.uint8), np.zeros(64, np.int64), objects))
    recipe = DETECTION_RECIPES["fasterrcnn"]
    recipe = recipe.model_copy(update={"options": recipe.options | fitting | {"width": OWN_WIDTH}})
    size = {f"{kind}_{side}": SCENE_PIXELS for kind in ("image", "input") for side in ("height", "width")}
    model: nn.Module = build(recipe, contender.preprocessing.model_copy(update=size), num_classes=10)  # type: ignore[assignment]
    return model


def _scenes_of(contender: Contender) -> Tensor:
    part = contender.splits.train
    return make_scenes(part.images, part.labels, SCENE_BATCH, seed=0).images


def _answer_rate(model: nn.Module, images: Tensor, num_images: int) -> Callable[[], float]:
    """Images answered a second, in batches as `images`, in eval mode; `num_images` is a multiple of theirs."""
    import time

    import torch

    assert num_images % len(images) == 0, "whole batches"
    ask = model.detect if hasattr(model, "detect") else model.detect_alike
    model.eval()

    def measure() -> float:
        started = time.perf_counter()
        with torch.inference_mode():
            for _ in range(num_images // len(images)):
                ask(images)  # type: ignore[operator]
        return num_images / (time.perf_counter() - started)

    measure()  # warm up
    return measure


def mobilenet_scene_rate(num_steps: int) -> Callable[[], float]:
    from benchmarks.peers.torchvision_detectors import ready_made_mobilenet

    return _scene_rate(_contender(is_tiny=True), ready_made_mobilenet(num_classes=10), num_steps)


def _scene_rate(contender: Contender, model: nn.Module, num_steps: int) -> Callable[[], float]:
    from benchmarks.workload import steady_rate

    part = contender.splits.train
    feed = SceneFeed(model, [make_scenes(part.images, part.labels, SCENE_BATCH, seed) for seed in range(4)])
    recipe = contender.job.recipe.model_copy(update={"batch_size": SCENE_BATCH})
    steady_rate(model, feed, recipe, SCENE_BATCH, len(part))  # warm up
    return lambda: steady_rate(model, feed, recipe, num_steps * SCENE_BATCH, len(part))


def make_scenes(images: np.ndarray, labels: np.ndarray, num_scenes: int, seed: int) -> Batch:
    """Scenes of 1 to MOST_DIGITS digits from uint8 images (N, 1, 28, 28), each with the box around its ink."""
    import numpy as np
    import torch

    from eyechart.data.batches import to_floats
    from eyechart.data.boxes import ink_boxes
    from eyechart.schema.contracts import Batch

    random = np.random.default_rng(seed)
    canvas = np.zeros((num_scenes, 1, SCENE_PIXELS, SCENE_PIXELS), np.uint8)
    boxes = torch.zeros(num_scenes, MOST_DIGITS, 4)
    box_labels = torch.full((num_scenes, MOST_DIGITS), -1)
    for scene in range(num_scenes):
        for slot in range(int(random.integers(1, MOST_DIGITS + 1))):
            chosen = int(random.integers(len(labels)))
            top, left = (int(place) for place in random.integers(0, SCENE_PIXELS - 28, 2))
            window = canvas[scene, :, top : top + 28, left : left + 28]
            np.maximum(window, images[chosen], out=window)
            ink = ink_boxes(to_floats(torch.from_numpy(images[chosen : chosen + 1].copy())))[0]
            boxes[scene, slot] = ink + torch.tensor([left, top, left, top])
            box_labels[scene, slot] = int(labels[chosen])
    return Batch(to_floats(torch.from_numpy(canvas)), box_labels[:, 0], boxes, box_labels)
