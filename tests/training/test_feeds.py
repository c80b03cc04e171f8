"""Images come to a batch from wherever they lie: an array, some rows of a mapped file, a device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from eyechart.catalog.presets import rules_of
from eyechart.catalog.recipes import RECIPES
from eyechart.catalog.robust import made_robust
from eyechart.data import augment, batches, boxes, mixing
from eyechart.schema import Augmentation, Budget, Recipe
from eyechart.schema.contracts import Batch, LabelledImages
from eyechart.schema.objects import objects_of
from eyechart.training import feeds
from eyechart.training.budget import make_plan

TOOLS = feeds.Tools(batches.epoch_order, batches.to_floats, augment.augment_with_boxes, boxes.ink_boxes, mixing.mix)
CPU = torch.device("cpu")


class Labels(torch.nn.Module):
    """A model as far as a feed looks at it."""

    needs_boxes = False

    def loss(self, batch: Batch) -> torch.Tensor:
        return batch.images.sum()


@pytest.fixture
def mapped(tmp_path: Path) -> LabelledImages:
    """64 images in a file that cannot be written to."""
    images = np.random.default_rng(0).integers(0, 256, (64, 1, 6, 5), dtype=np.uint8)
    images.tofile(tmp_path / "images.bin")
    return LabelledImages(np.memmap(tmp_path / "images.bin", np.uint8, "r", shape=images.shape), np.arange(64) % 10)


def image_feed(part: LabelledImages) -> feeds.ImageFeed:
    recipe = RECIPES["cnn"].model_copy(update={"batch_size": 8})
    rules = rules_of("smoke", "toy", budget=Budget(unit="steps", amount=6))
    plan = make_plan(recipe, rules, len(part), None)
    return feeds.ImageFeed(Labels(), part, recipe, plan, seed=3, device=CPU, tools=TOOLS)


def test_boxes_of_a_dataset_reach_the_model(mapped: LabelledImages) -> None:
    """As many as each image has, filled up in the batch, in the order of the step."""
    boxes = [[(k % 3, 1, 4, 5)] * (k % 3) for k in range(64)]
    objects = objects_of((of_one, [k] * len(of_one), [False] * len(of_one)) for k, of_one in enumerate(boxes))
    part = LabelledImages(mapped.images, np.arange(64), objects)  # a class each, which says which image it is
    recipe = RECIPES["fasterrcnn"].model_copy(update={"batch_size": 8, "augmentation": Augmentation()})
    plan = make_plan(recipe, rules_of("smoke", "toy", budget=Budget(unit="steps", amount=6)), len(part), None)
    model = Labels()
    model.needs_boxes = True
    batch = feeds.ImageFeed(model, part, recipe, plan, seed=3, device=CPU, tools=TOOLS).batch(2)
    assert batch.boxes is not None
    assert batch.box_labels is not None
    assert batch.boxes.shape == (8, 2, 4)
    for image, row, labels in zip(batch.labels.tolist(), batch.boxes.tolist(), batch.box_labels.tolist(), strict=True):
        assert row[: image % 3] == [list(box) for box in boxes[image]]
        assert labels == [image] * (image % 3) + [-1] * (2 - image % 3)
    moving = recipe.model_copy(update={"augmentation": Augmentation(shift_pixels=5)})
    moved = feeds.ImageFeed(model, part, moving, plan, seed=3, device=CPU, tools=TOOLS).batch(2)
    assert moved.boxes is not None
    assert moved.box_labels is not None
    sides = (moved.boxes[..., 2:] - moved.boxes[..., :2]).amin(dim=-1)
    assert ((moved.box_labels >= 0) == ((batch.box_labels >= 0) & (sides >= 2))).all(), "what left the frame is none"
    assert not torch.equal(moved.boxes, batch.boxes)


def detector_batch(boxes: list[tuple[float, ...]], augmentation: Augmentation) -> Batch:
    """A batch of 8 images of 12 x 10 pixels that have these boxes each."""
    objects = objects_of((boxes, [1] * len(boxes), [False] * len(boxes)) for _ in range(64))
    part = LabelledImages(np.zeros((64, 1, 12, 10), np.uint8), np.zeros(64, np.int64), objects)
    recipe = RECIPES["fasterrcnn"].model_copy(update={"batch_size": 8, "augmentation": augmentation})
    plan = make_plan(recipe, rules_of("smoke", "toy", budget=Budget(unit="steps", amount=6)), len(part), None)
    model = Labels()
    model.needs_boxes = True
    return feeds.ImageFeed(model, part, recipe, plan, seed=3, device=CPU, tools=TOOLS).batch(2)


def test_thin_boxes_are_trained_on_as_they_are_tested() -> None:
    boxes = [(3.0, 3.0, 4.5, 9.0), (3.0, 3.0, 3.75, 3.5), (2.0, 4.0, 2.0, 7.0), (1.0, 1.0, 8.0, 9.0)]
    batch = detector_batch(boxes, Augmentation())
    assert batch.box_labels is not None
    assert batch.box_labels.tolist() == [[1, 1, -1, 1]] * 8, "all but what has no area"


def test_a_thin_box_stays_while_half_of_it_is_in_the_frame() -> None:
    boxes = [(0.0, 3.0, 1.5, 9.0), (0.0, 3.0, 4.0, 9.0)]
    batch = detector_batch(boxes, Augmentation(shift_pixels=3))
    assert batch.boxes is not None
    assert batch.box_labels is not None
    sides = batch.boxes[..., 2:] - batch.boxes[..., :2]
    thin, thick = sides[:, 0, 0], sides[:, 1, 0]
    assert set(thin.tolist()) == {0.5, 1.5}, "some are cut, some are whole"
    is_high = sides[..., 1] >= 2
    assert torch.equal(batch.box_labels[:, 0] == 1, (thin >= 0.75) & is_high[:, 0])
    assert torch.equal(batch.box_labels[:, 1] == 1, (thick >= 2) & is_high[:, 1])
    tilted = detector_batch(boxes, Augmentation(scale_fraction=0.1))
    assert tilted.boxes is not None
    assert tilted.box_labels is not None
    assert (tilted.boxes[:, 0, 2] < 1.5).any(), "smaller, and still whole"
    assert (tilted.box_labels == 1).all()


def test_rows_of_a_file_give_the_batches_of_a_copy(mapped: LabelledImages) -> None:
    chosen = np.random.default_rng(1).permutation(64)[:40]
    view = mapped.subset(chosen)
    copy = LabelledImages(np.array(mapped.images)[chosen], mapped.labels[chosen])
    ours, theirs = image_feed(view), image_feed(copy)
    for step in (0, 1, 4, 5):
        found, expected = ours.batch(step), theirs.batch(step)
        assert torch.equal(found.images, expected.images)
        assert torch.equal(found.labels, expected.labels)


@pytest.mark.filterwarnings("error")
def test_a_whole_mapped_file_is_never_written_to(mapped: LabelledImages) -> None:
    feed = image_feed(mapped)
    feed.prepare(lambda share: None)
    feed.batch(0).images.zero_()


def test_images_that_live_on_the_device_give_the_same_batches(
    mapped: LabelledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device of its own is played by the CPU: what counts is the way by a tensor of all images."""
    expected = image_feed(mapped).batch(2)
    feed = image_feed(mapped)
    monkeypatch.setattr(feeds, "MOVED_IMAGES", 10)
    shares: list[float] = []
    feed._move_images(shares.append)
    assert torch.equal(feed.batch(2).images, expected.images)
    assert shares[-1] == 1.0
    assert len(shares) == 7


def test_images_move_when_a_device_has_room_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "_free_bytes", lambda device: 1000)
    assert feeds.has_room((50, 1, 2, 5), torch.device("cuda"))
    assert not feeds.has_room((51, 1, 2, 5), torch.device("cuda"))
    assert not feeds.has_room((1, 1, 2, 5), CPU), "they are there already"


def test_boxes_are_measured_before_a_picture_is_spoiled(mapped: LabelledImages) -> None:
    """Of the ink of single objects too: spoiled, the whole frame would be ink."""
    images = np.zeros((64, 1, 12, 10), np.uint8)
    images[:, :, 3:7, 2:6] = 255
    part = LabelledImages(images, mapped.labels)
    model = Labels()
    model.needs_boxes = True
    plain = RECIPES["fasterrcnn"].model_copy(update={"batch_size": 8})
    plan = make_plan(plain, rules_of("smoke", "toy", budget=Budget(unit="steps", amount=6)), len(part), None)

    def batch(recipe: Recipe) -> Batch:
        return feeds.ImageFeed(model, part, recipe, plan, seed=3, device=CPU, tools=TOOLS).batch(2)

    ours, theirs = batch(made_robust(plain)), batch(plain)
    assert ours.boxes is not None
    assert theirs.boxes is not None
    assert torch.equal(ours.boxes, theirs.boxes), "shifted alike: mixing has draws of its own"
    assert not torch.equal(ours.images, theirs.images)
    assert torch.equal(batch(made_robust(plain)).images, ours.images)
