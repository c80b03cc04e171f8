"""VGG16 and AlexNet fine-tuned: small inputs and kept activations against 224 px, trained whole.

Ours are the recipes, VGG16's with kept outputs instead of augmentation; filling that cache counts.  The peers are
torchvision's networks the way most labs use them (peers/whole_networks.py).  Random weights on both sides: the time
does not depend on them.
Caveat: the work differs by design (fewer pixels, fewer open layers, no 4,096-unit layers); what the accuracy is worth
beside it is what `vgg16_same_time` and the reports of whole studies say.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks import harness, to_accuracy
from benchmarks.harness import Result, Settings
from benchmarks.to_accuracy import Goal
from eyechart.schema import Budget, Job

RATE = "images per training second"
PEER = "benchmarks.peers.whole_networks:training_rate"
# What the recipe gives up for augmentation, kept outputs each used 1.5 times, as in a short budget.
KEPT: dict[str, Any] = {"cache_frozen": True, "cache_passes": 1.5, "augmentation": {}}
VGG16_PEER_BATCH = 16  # 64 images would take 8 GB; the rate of an image does not depend on it


def vgg16_finetune(settings: Settings) -> Result:
    """Training rate of VGG16: our recipe at 32 px, its first two stages frozen, against 224 px trained whole.

    Claim: 50x.  n: 3 pairs.  Ours in batches of 64, the peer in batches of 16: at 224 px 64 do not fit into a laptop's
    memory.  Hardware: the peer is bound by arithmetic alone; both use all threads.
    """
    our_side = harness.ours(
        "benchmarks.workload:training_rate",
        contender="vgg16",
        changes={"weights": "none"},  # by field, not by name: the frozen stages stay frozen
        num_images=settings.pick(1280, 128),
        is_tiny=settings.is_tiny,
    )
    batch_size, pixels = settings.pick((VGG16_PEER_BATCH, 224), (2, 224))
    peer_side = harness.peer(PEER, architecture="vgg16", batch_size=batch_size, num_steps=1, pixels=pixels)
    return Result(RATE, "higher", *harness.compare(settings, our_side, peer_side, num_pairs=3))


def alexnet_vs_224(settings: Settings) -> Result:
    """Training rate of AlexNet: our recipe at 64 px against 224 px, both trained whole in batches of 64.

    Claim: 20x.  n: 5 pairs.  Hardware: the peer is bound by its 4,096-unit layers and by arithmetic.
    """
    our_side = harness.ours(
        "benchmarks.workload:training_rate",
        contender="alexnet",
        changes={"weights": "none"},
        num_images=settings.pick(2560, 128),
        is_tiny=settings.is_tiny,
    )
    batch_size, num_steps = settings.pick((64, 2), (4, 1))
    peer_side = harness.peer(PEER, architecture="alexnet", batch_size=batch_size, num_steps=num_steps)
    return Result(RATE, "higher", *harness.compare(settings, our_side, peer_side, num_pairs=5))


def vgg16_same_time(settings: Settings) -> Result:
    """Validation error of VGG16 at 32 px after the same training time: frozen stages kept against trained whole.

    Claim: at least the accuracy of whole training.  n: 3 seeds of each, the budget of the quick preset.  Pretrained
    weights on both sides where they can be had.  Hardware: a faster machine shrinks the gap.
    """
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        ours = map(_validation_error, _jobs("vgg16", KEPT, settings, Path(first)))
        peer = map(_validation_error, _jobs("vgg16:auto:whole", {"augmentation": {}}, settings, Path(second)))
        values = harness.take_turns(lambda: next(ours), lambda: next(peer), settings.repeats(3))
    return Result("validation error", "lower", *values)


def _jobs(contender: str, changes: dict[str, Any], settings: Settings, folder: Path) -> list[Job]:
    goal = Goal(contender, 0.0, Budget(unit="seconds", amount=75), changes)
    return to_accuracy.jobs_for(goal, list(range(settings.repeats(3))), settings, folder)


def _validation_error(job: Job) -> float:
    """Of a fresh run; at least half an image, because no error at all would make the ratio infinite."""
    validation = to_accuracy.run_fresh(job).record.validation
    return max(1 - validation.accuracy, 0.5 / validation.num_items)
