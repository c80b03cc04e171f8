"""A training run never imports torch's compiler, which takes over a second; what it does stays the same."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from eyechart.base import compiler

# Everything of a run that asks torch for something: a step with each optimizer, and the count of operations.
WHAT_A_RUN_DOES = """
import sys
import torch
from eyechart.base.seeding import make_deterministic
from eyechart.catalog.recipes import RECIPES
from eyechart.evaluation.cost import count_flops
from eyechart.schema.contracts import Batch
from eyechart.training.optimizers import build_optimizer, update_of

class Model(torch.nn.Module):
    needs_boxes = False
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)
    def loss(self, batch):
        return self.layer(batch.images.flatten(1)).square().mean()
    def answer(self, images):
        return self.layer(images.flatten(1))

make_deterministic()
assert torch.are_deterministic_algorithms_enabled()
model, batch = Model(), Batch(torch.ones(2, 1, 2, 2), torch.zeros(2, dtype=torch.int64))
for name in ("sgd", "adamw"):
    optimizer = build_optimizer(model, RECIPES["cnn"].model_copy(update={"optimizer": name}), [], torch.device("cpu"))
    update = update_of(optimizer)
    optimizer.zero_grad()
    model.loss(batch).backward()
    update()
    optimizer.load_state_dict(optimizer.state_dict())
assert count_flops(model, batch).forward == 2 * 4 * 3
sys.exit("torch._dynamo" in sys.modules)
"""


def test_no_run_imports_the_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", WHAT_A_RUN_DOES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or "it was imported"


def test_what_torch_does_otherwise_is_left_alone() -> None:
    def plain() -> None:
        pass

    owner = SimpleNamespace(method=plain)
    compiler.need_not_know(owner, "method", "not_there")
    compiler.need_not_know(None, "method")
    assert not vars(plain)


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_an_update_is_the_optimizers_own_step(name: str) -> None:
    import torch

    from eyechart.training.optimizers import update_of

    def trained(is_ours: bool) -> torch.Tensor:
        weight = torch.nn.Parameter(torch.linspace(-1, 1, 6))
        optimizer = getattr(torch.optim, name)([weight], lr=0.1, weight_decay=0.01)
        step = update_of(optimizer) if is_ours else optimizer.step
        for _ in range(3):
            optimizer.zero_grad()
            (weight**4).sum().backward()
            step()
        return weight.detach()

    assert torch.equal(trained(is_ours=True), trained(is_ours=False))
