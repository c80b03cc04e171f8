"""Model FLOP/s utilisation: how much of what the machine can do at most reaches the networks while they train.

FLOP/s of training (counted by torch, a multiply-add is 2) over the rate of the best matrix product, measured before and
after in the same process.  Steps of the recipes as they are: augmentation, boxes and optimizer are in the time and not
in the operations.  Beside it stands the share of a step that its products take by themselves (products.py), and so the
MFU if everything else took no time.  n: 5 repeats in one process.  Caveat: a CPU that clocks down under load makes the
short matrix product look better than any long training can be; and what a noisy neighbour takes away lowers the figure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks import harness
from benchmarks.harness import Result, Settings

if TYPE_CHECKING:
    from eyechart.runner.contender import Contender

UNIT = "share of the best matrix product"


def mfu_cnn(settings: Settings) -> Result:
    """MFU of the CNN's training.

    Claim: 0.5.  n and hardware: see the head of this file.
    """
    return _measure(settings, "cnn", settings.pick(25_600, 256))


def mfu_vit(settings: Settings) -> Result:
    """MFU of the Vision Transformer's training.

    Claim: 0.5.  n and hardware: see the head of this file.
    """
    return _measure(settings, "vit", settings.pick(10_240, 128))


def mfu_alexnet(settings: Settings) -> Result:
    """MFU of AlexNet's training at 64 px.

    Claim: 0.6.  n and hardware: see the head of this file.
    """
    return _measure(settings, "alexnet", settings.pick(1920, 64))


def mfu_vgg16(settings: Settings) -> Result:
    """MFU of VGG16's training at 32 px, whose first two stages are frozen and run in every step.

    Claim: 0.7.  n and hardware: see the head of this file.
    """
    return _measure(settings, "vgg16", settings.pick(640, 64))


def _measure(settings: Settings, contender: str, num_images: int) -> Result:
    spec = harness.ours("benchmarks.mfu:step_mfu", contender=contender, num_images=num_images, is_tiny=settings.is_tiny)
    with harness.side(spec, settings.num_threads) as process:
        answers = [process.measure() for _ in range(settings.repeats(5))]
    facts = {
        name: harness.spread([answer[name] for answer in answers]).median
        for name in ("images_per_second", "training_gflop_per_image", "matmul_gflop_per_second", "products_share",
                     "mfu_of_products")
    }  # fmt: skip
    facts |= {
        "differences": f"Its products by themselves take {facts['products_share']:.0%} of a step, at "
        f"{facts['mfu_of_products']:.2f} of the best product: more is not to be had, whatever the rest takes."
    }
    return Result(UNIT, "higher", [answer["mfu"] for answer in answers], facts=facts)


# --------------------------------------------------------------------------------------------- the side


def step_mfu(contender: str, num_images: int, is_tiny: bool) -> Callable[[], dict[str, float]]:
    """A side: MFU of a recipe's steps, and what it was computed from."""
    from benchmarks.products import products_of, seconds_alone
    from benchmarks.workload import CPU, measure_steps, prepare_contender
    from eyechart.evaluation.cost import matmul_flops_per_second

    changes = {"weights": "none"} if contender in ("vgg16", "alexnet") else {}
    prepared = prepare_contender(contender, changes, is_tiny=is_tiny)
    flops = step_flops(prepared)
    measure_rate = measure_steps(prepared, prepared.model, num_images)
    products, batch_size = products_of(prepared), prepared.job.recipe.batch_size

    def measure() -> dict[str, float]:
        before = matmul_flops_per_second(CPU)
        rate = measure_rate()
        alone = seconds_alone(products)
        matmul = max(before, matmul_flops_per_second(CPU))
        return {
            "mfu": rate * flops / matmul,
            "products_share": alone * rate / batch_size,
            "mfu_of_products": batch_size * flops / alone / matmul,
            "images_per_second": rate,
            "training_gflop_per_image": flops / 1e9,
            "matmul_gflop_per_second": matmul / 1e9,
        }

    return measure


def step_flops(contender: Contender) -> float:
    """Operations of one image in a training step."""
    from eyechart.evaluation.cost import count_flops
    from eyechart.runner.contender import TOOLS
    from eyechart.training.feeds import as_batch

    batch = as_batch(contender.model, contender.splits.train, slice(8), contender.device, TOOLS)
    return count_flops(contender.network, batch).training
