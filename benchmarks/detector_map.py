"""What detectors know after the same seconds of training, on scenes of 128 px: ours and torchvision's ready-made one.

Both get the same scenes, loop, batches, optimizer and clock.  A rate says how fast one learns, this says what.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import harness
from benchmarks.harness import Result, Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from eyechart.schema.contracts import Batch, FoundBoxes

BATCH = 4  # as the recipe for scenes has it
WARMUP_SHARE = 0.05
PEER_RATE = 1e-3  # the usual one of AdamW; ours is the recipe's


class Sizes(NamedTuple):
    train: int
    held_out: int


def fasterrcnn_map_128(settings: Settings) -> Result:
    """mAP on held-out 128 px scenes after 60 s of training each: ours against torchvision's ready-made small detector.

    Claim: at least the peer's.  n: 3 pairs, seeds 0, 1, 2; AdamW, cosine over the seconds, batches of 4; judged on 100
    scenes of other digits.
    The peer, fasterrcnn_mobilenet_v3_large_320_fpn, starts from nothing as ours does, and resizes the scenes to 320 px.
    Hardware: more seconds or cores bring both further; on 60 s of two cores the peer sees a hundred scenes or so.
    """
    arguments = {"seconds": settings.pick(60.0, 1.0), "sizes": settings.pick(Sizes(2000, 100), Sizes(8, 4))}
    our_side = harness.ours("benchmarks.detector_map:our_map", **arguments)
    peer_side = harness.ours("benchmarks.detector_map:mobilenet_map", **arguments)
    values, peers = harness.compare(settings, our_side, peer_side, num_pairs=3)
    # No ratio: after so few images the peer may know nothing at all.
    return Result("mAP", "higher", values, facts={"peer_map": peers, "seconds": arguments["seconds"]})


def our_map(seconds: float, sizes: list[int]) -> Callable[[], float]:
    from benchmarks.detector import scene_detector
    from eyechart.catalog.recipes import DETECTION_RECIPES

    return _map_after(seconds, Sizes(*sizes), scene_detector, DETECTION_RECIPES["fasterrcnn"].learning_rate)


def mobilenet_map(seconds: float, sizes: list[int]) -> Callable[[], float]:
    from benchmarks.peers.torchvision_detectors import ready_made_mobilenet

    return _map_after(seconds, Sizes(*sizes), lambda contender: ready_made_mobilenet(num_classes=10), PEER_RATE)


def _map_after(
    seconds: float, sizes: Sizes, make: Callable[..., nn.Module], learning_rate: float
) -> Callable[[], float]:
    """A measurement: a new network, trained for so long, and what it finds on scenes of digits that it never saw."""
    import torch

    from benchmarks.detector import make_scenes
    from benchmarks.workload import prepare_contender
    from eyechart.schema.objects import from_padded
    from eyechart.scoring.detection import score_found

    contender = prepare_contender("fasterrcnn", {"augmentation": {}}, is_tiny=True)
    parts = contender.splits
    train = make_scenes(parts.train.images, parts.train.labels, sizes.train, seed=1)
    held_out = make_scenes(parts.validation.images, parts.validation.labels, sizes.held_out, seed=2)
    assert held_out.boxes is not None
    assert held_out.box_labels is not None
    objects = from_padded(held_out.boxes.numpy(), held_out.box_labels.numpy())

    seeds = itertools.count()

    def measure() -> float:
        torch.manual_seed(next(seeds))
        model = make(contender)
        _train(model, train, learning_rate, seconds)
        return score_found(_found(model, held_out.images), objects, 10).map

    return measure


def _train(model: nn.Module, scenes: Batch, learning_rate: float, seconds: float) -> None:
    import time

    import torch

    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.02, betas=(0.9, 0.99))
    model.train()
    started, order = time.perf_counter(), torch.empty(0, dtype=torch.int64)
    while (share := (time.perf_counter() - started) / seconds) < 1:
        if len(order) < BATCH:
            order = torch.randperm(len(scenes.images))
        chosen, order = order[:BATCH], order[BATCH:]
        ramp = min(1.0, share / WARMUP_SHARE)
        optimizer.param_groups[0]["lr"] = learning_rate * ramp * (1 + math.cos(math.pi * share)) / 2
        optimizer.zero_grad()
        batch = type(scenes)(*(None if each is None else each[chosen] for each in scenes))
        model.loss(batch).backward()  # type: ignore[operator]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()


def _found(model: nn.Module, images: Tensor) -> FoundBoxes:
    """Its boxes, whichever form it answers in; classes from 0."""
    import numpy as np
    import torch

    from eyechart.schema.contracts import FoundBoxes

    model.eval()
    answers: list[tuple[Tensor, Tensor, Tensor]] = []
    with torch.inference_mode():
        for some in images.split(BATCH):
            if hasattr(model, "detect"):
                found = model.detect(some)  # type: ignore[operator]
                answers += [(b[k >= 0], s[k >= 0], k[k >= 0]) for b, s, k in zip(*found, strict=True)]
            else:
                answers += [(a["boxes"], a["scores"], a["labels"] - 1) for a in model.detect_alike(some)]  # type: ignore[operator]
    counts = [len(boxes) for boxes, _, _ in answers]
    boxes, scores, labels = (torch.cat(parts).numpy() for parts in zip(*answers, strict=True))
    return FoundBoxes(
        np.repeat(np.arange(len(counts)), counts).astype(np.int32), boxes, scores, labels.astype(np.int32)
    )
