"""What torchrun starts in test_together.py: a few steps on noise; each process leaves its weights in a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from eyechart.catalog.recipes import recipe_of
from eyechart.models import catalog as architectures
from eyechart.runner.contender import TOOLS
from eyechart.schema import Budget, DatasetCard, Plan, WeightsOrigin
from eyechart.schema.contracts import LabelledImages, StartingWeights
from eyechart.training import feeds
from eyechart.training.global_norm import GlobalBatchNorm
from eyechart.training.optimizers import build_optimizer
from eyechart.training.step import Step
from eyechart.training.together import AGREE_STEPS, Alone, Together

NUM_STEPS, BATCH = 25, 13  # 13 rows: six for the one, seven for the other
RATES = {"sgd": 0.05, "adamw": 0.001}
CASES = (("cnn", "sgd"), ("vit", "sgd"), ("vit", "adamw"))
CARD = DatasetCard(
    name="made", title="made", source="", licence="", content_sha256="", classes=tuple("0123456789"), num_channels=1,
    height=28, width=28, num_train=64, num_test=10,
)  # fmt: skip
FROM_NOTHING = StartingWeights(WeightsOrigin(name="none", description=""), {})
PLAN = Plan(
    num_steps=NUM_STEPS, batch_size=BATCH, num_train_images=64, budget=Budget(unit="steps", amount=NUM_STEPS),
    evaluation_steps=(NUM_STEPS,),
)  # fmt: skip


def trained(contender: str, optimizer: str, group: Alone) -> tuple[dict[str, torch.Tensor], list[float]]:
    """Weights and losses after a few steps on noise with labels."""
    torch.manual_seed(0)
    recipe = recipe_of(contender, {"batch_size": BATCH, "optimizer": optimizer})
    random = np.random.default_rng(1)
    part = LabelledImages(random.integers(0, 255, (64, 1, 28, 28)).astype(np.uint8), random.integers(0, 10, 64))
    frame = architectures.plan_preprocessing(recipe, CARD, (0.5,), (0.5,), FROM_NOTHING)
    model = architectures.build_model(recipe, frame, 10).to(memory_format=torch.channels_last)
    # In float64 rounding stays small: in float32 a few steps at such a rate make another training of it.
    model.double().preprocess.register_forward_hook(lambda layer, given, pixels: pixels.double())
    device = torch.device("cpu")
    feed = feeds.ImageFeed(model, part, recipe, PLAN, 0, device, TOOLS, group.computation(model, device))
    one = Step(feed, build_optimizer(model, recipe, [], device), recipe.clip_norm)
    model.train()
    losses = [float(group.mean(one(step, RATES[optimizer]))) for step in range(NUM_STEPS)]
    group.part(model)
    return model.state_dict(), losses


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    group = Together()
    found: dict[str, Any] = {"-".join(case): trained(*case, group) for case in CASES}
    found["first says"] = group.of_first(lambda: f"rank {group.rank}")
    found["in order"] = group.in_order(lambda: group.rank)
    wish = 15 if group.rank else None
    found["agreed"] = group.agree(AGREE_STEPS, wish, is_due=False)
    found["not asked"] = group.agree(AGREE_STEPS + 1, wish, is_due=False)
    norm = GlobalBatchNorm(4)
    with torch.autocast("cpu", torch.bfloat16):
        rows = norm(torch.full((6, 4, 12, 12), 0.7 + group.rank, dtype=torch.bfloat16))
    found["bfloat16"] = rows.dtype, norm.running_mean
    torch.save(found, folder / f"{group.rank}.pt")
    group.leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
