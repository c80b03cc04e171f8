"""The Vision Transformer against the tutorial's code, timm's and vit-pytorch's, all on the CPU in float32.

timm's and vit-pytorch's networks are trained by eyechart's own loop, on the same batches, with the same optimizer and
the same handling of memory, so what is compared is the network and nothing else.  No augmentation, no clipping.  The
tutorial is trained as it is written, DataLoader and all.  Caveat: ratios at these tiny widths hang on the CPU's caches
and on the cost of starting an operation; expect them to differ by a tenth or two between machines.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from benchmarks import harness, to_accuracy
from benchmarks.harness import Result, Settings
from eyechart.base.errors import MissingError

if TYPE_CHECKING:
    from torch import nn

    from eyechart.runner.contender import Contender

RATE = "images per training second"
OURS = "benchmarks.workload:training_rate"
# Both sides have the recipe's number of heads, which is not to timm's disadvantage: with 4 it is no faster than with 2.
DIFFERENCES = (
    "ours: mean of the tokens, no class token; ReLU; no biases in the blocks; attention as two plain products. "
    "timm: class token, GELU, biases, torch's fused attention. Width, blocks, heads, MLP and patches are equal."
)
# timm's patches lie side by side, and so do ours beside it; the recipe's overlap.
PATCHES_7, PATCHES_4 = {"patch_pixels": 7, "patch_step": 7}, {"patch_pixels": 4, "patch_step": 4}
TIMM_OPTIONS = {"class_token": True, "bias": True, **PATCHES_7}  # with which our network has timm's mathematics
TUTORIAL_SHAPE = {
    **PATCHES_4, "token_width": 8, "num_blocks": 2, "num_heads": 2, "mlp_ratio": 4, "class_token": True,
    "bias": True,
}  # fmt: skip
NUM_IMAGES, TINY_IMAGES = 12_800, 256


# --------------------------------------------------------------------------------------------- benchmarks


def vit_tutorial_size(settings: Settings) -> Result:
    """Training rate of a ViT of the tutorial's size: ours against the tutorial's code with its loops over images.

    Claim: 10x.  n: 5 pairs.  Ours does more for each image: whole tokens for each head, a projection, a last norm.
    Hardware: one thread is enough to see it, since the tutorial's loops cannot use more.
    """
    changes = _bare(128, TUTORIAL_SHAPE)
    num_images = settings.pick(25_600, TINY_IMAGES)
    our_side = harness.ours(OURS, contender="vit", changes=changes, num_images=num_images, is_tiny=settings.is_tiny)
    peer_side = harness.peer("benchmarks.peers.tutorial_vit:training_rate", num_images=settings.pick(1280, 128))
    return Result(RATE, "higher", *harness.compare(settings, our_side, peer_side, num_pairs=5))


def vit_timm_shape(settings: Settings) -> Result:
    """Training rate of the ViT recipe with 7 px patches side by side: ours against timm's of equal shape.

    Claim: 1.4x, with what differs told in the record.  n: 7 pairs.  Hardware: see the head of this file.
    """
    return _against_timm(settings, PATCHES_7, {"differences": DIFFERENCES})


def vit_timm_shape_4px(settings: Settings) -> Result:
    """Training rate of the ViT recipe with 4 px patches (49 tokens): ours against timm's of the same shape.

    Claim: 1.25x, with what differs told in the record.  n: 7 pairs.  Hardware: see the head of this file.
    """
    return _against_timm(settings, PATCHES_4, {"differences": DIFFERENCES}, settings.pick(6400, TINY_IMAGES))


def vit_timm_same_mathematics(settings: Settings) -> Result:
    """Training rate with identical mathematics: our ViT with class token and GELU against timm's, logits equal.

    Claim: 1.0x.  n: 7 pairs.  The same weights are put into both networks first, and their logits and losses must
    agree within 1e-5.  Hardware: see the head of this file.
    """
    _check_installed("timm")
    difference = harness.ask_once(settings, harness.ours("benchmarks.vit:timm_difference"))
    assert difference < 1e-5, f"not the same mathematics: logits differ by {difference}"
    num_images = settings.pick(NUM_IMAGES, TINY_IMAGES)
    arguments = {"options": TIMM_OPTIONS, "num_images": num_images, "is_tiny": settings.is_tiny}
    our_side = harness.ours("benchmarks.vit:twin_rate", **arguments)
    peer_side = harness.ours("benchmarks.vit:timm_rate", **arguments)
    values = harness.compare(settings, our_side, peer_side, num_pairs=7)
    return Result(RATE, "higher", *values, {"largest_difference_of_logits": difference})


def vit_vs_simplevit(settings: Settings) -> Result:
    """Training rate of the ViT recipe with 7 px patches side by side: ours against vit-pytorch's SimpleViT.

    Claim: none beforehand.  n: 7 pairs.  SimpleViT also pools by the mean; it has GELU, fixed positions and two more
    norms.  Hardware: see the head of this file.
    """
    _check_installed("vit_pytorch")
    return _compare(settings, PATCHES_7, "benchmarks.vit:simplevit_rate", {}, settings.pick(NUM_IMAGES, TINY_IMAGES))


def vit_to_99(settings: Settings) -> Result:
    """Training seconds to 99.0 % on MNIST: our ViT from scratch.

    Claim: 150 s on two cores.  n: 3 seeds.  Hardware: see the head of this file.
    """
    return to_accuracy.measure_alone(settings, "vit_to_99", num_seeds=3)


def vit_to_992(settings: Settings) -> Result:
    """Training seconds to 99.2 % on MNIST: our ViT from scratch.

    Claim: 180 s on two cores.  n: 3 seeds.  Hardware: see the head of this file.
    """
    return to_accuracy.measure_alone(settings, "vit_to_992", num_seeds=3)


def _against_timm(
    settings: Settings, options: dict[str, Any], facts: dict[str, Any], num_images: int | None = None
) -> Result:
    _check_installed("timm")
    num_images = num_images or settings.pick(NUM_IMAGES, TINY_IMAGES)
    return _compare(settings, options, "benchmarks.vit:timm_rate", facts, num_images)


def _compare(settings: Settings, options: dict[str, Any], peer: str, facts: dict[str, Any], num_images: int) -> Result:
    arguments = {"options": options, "num_images": num_images, "is_tiny": settings.is_tiny}
    # harness.ours for the peer too: its memory is handled like ours, so that only the networks differ.
    values = harness.compare(
        settings, harness.ours("benchmarks.vit:our_rate", **arguments), harness.ours(peer, **arguments), num_pairs=7
    )
    return Result(RATE, "higher", *values, facts)


def _check_installed(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise MissingError(f"This benchmark needs {package.replace('_', '-')}, which is not installed. "
                           f"Install the extra: pip install -e '.[bench]'")  # fmt: skip


# --------------------------------------------------------------------------------------------- sides


def our_rate(options: dict[str, Any], num_images: int, is_tiny: bool) -> Callable[[], float]:
    from benchmarks.workload import measure_steps

    contender = _contender(options, is_tiny)
    return measure_steps(contender, contender.model, num_images)


def twin_rate(options: dict[str, Any], num_images: int, is_tiny: bool) -> Callable[[], float]:
    """Our network, with timm's activation."""
    from benchmarks.peers.vision_transformers import use_timm_details
    from benchmarks.workload import measure_steps

    contender = _contender(options, is_tiny)
    use_timm_details(contender.model.network)  # type: ignore[arg-type]
    return measure_steps(contender, contender.model, num_images)


def timm_rate(options: dict[str, Any], num_images: int, is_tiny: bool) -> Callable[[], float]:
    from benchmarks.peers.vision_transformers import timm_network

    contender = _contender(options, is_tiny)
    return _rate_with(contender, timm_network(contender), num_images)


def simplevit_rate(options: dict[str, Any], num_images: int, is_tiny: bool) -> Callable[[], float]:
    from benchmarks.peers.vision_transformers import simplevit_network

    contender = _contender(options, is_tiny)
    return _rate_with(contender, simplevit_network(contender), num_images)


def timm_difference() -> Callable[[], float]:
    """A side: how far our logits are from timm's with the same weights, in units of the largest logit."""
    import torch

    from benchmarks.peers.vision_transformers import as_our_weights, timm_network, use_timm_details

    def measure() -> float:
        contender = _contender(TIMM_OPTIONS, is_tiny=True)
        twin, ours = timm_network(contender), contender.model.network
        use_timm_details(ours)  # type: ignore[arg-type]
        ours.load_state_dict(as_our_weights(twin.state_dict()))  # type: ignore[union-attr]
        images = torch.rand(8, 1, 28, 28)
        with torch.no_grad():
            expected = twin(images)
            return float((ours(images) - expected).abs().max() / expected.abs().max())  # type: ignore[operator]

    return measure


def _contender(options: dict[str, Any], is_tiny: bool) -> Contender:
    from benchmarks.workload import prepare_contender
    from eyechart.catalog.recipes import RECIPES

    recipe = RECIPES["vit"]
    return prepare_contender("vit", _bare(recipe.batch_size, recipe.options | options), is_tiny=is_tiny)


def _bare(batch_size: int, options: dict[str, Any]) -> dict[str, Any]:
    """A recipe's changes that leave the plain training step."""
    return {
        "batch_size": batch_size, "options": options, "augmentation": {}, "clip_norm": 0.0, "label_smoothing": 0.0,
    }  # fmt: skip


def _rate_with(contender: Contender, network: nn.Module, num_images: int) -> Callable[[], float]:
    """The contender's training with another network in the place of its own."""
    from benchmarks.workload import measure_steps
    from eyechart.models.classifier import Classifier

    preprocess = contender.model.preprocess
    return measure_steps(contender, Classifier(preprocess, network), num_images)  # type: ignore[arg-type]
