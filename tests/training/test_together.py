"""Two processes train what one does: same batches, same weights but for rounding, and nobody is left waiting."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from eyechart.base.errors import UsageError
from eyechart.base.seeding import derived_seed
from eyechart.training.global_norm import GlobalBatchNorm, norms_alone, norms_together
from eyechart.training.together import ALONE, SharedComputation
from tests.training import two_processes

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("two")
    done = subprocess.run([*TORCHRUN, two_processes.__file__, str(folder)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in (0, 1)]


@pytest.mark.parametrize("case", two_processes.CASES, ids="-".join)
def test_two_processes_end_with_the_weights_of_one(case: tuple[str, str], two: list[dict[str, Any]]) -> None:
    weights, losses = two_processes.trained(*case, ALONE)
    # AdamW takes whole steps where a gradient is 0 but for rounding, so that only the whole of its weights is close.
    allowed = 1e-6 if case[1] == "sgd" else 1e-3
    for rank in (0, 1):
        theirs, their_losses = two[rank]["-".join(case)]
        assert set(theirs) == set(weights)
        assert not any(tensor.requires_grad for tensor in theirs.values()), "no graph is kept"
        assert their_losses == pytest.approx(losses, rel=1e-4)
        for name, tensor in weights.items():
            distance, size = (theirs[name].float() - tensor.float()).norm(), tensor.float().norm()
            assert distance <= allowed * (size + 1), f"{name} is {distance / size:.1e} away"
    first, second = (each["-".join(case)][0] for each in two)
    assert all(torch.equal(first[name], second[name]) for name in first), "and with the same ones, to the last bit"


def test_all_processes_do_the_same_thing(two: list[dict[str, Any]]) -> None:
    assert [each["first says"] for each in two] == ["rank 0", "rank 0"]
    assert [each["in order"] for each in two] == [0, 1]
    assert [each["agreed"] for each in two] == [(15, False)] * 2, "who was asked to stop takes the other along"
    assert [each["not asked"] for each in two] == [(None, False)] * 2


def test_norms_sum_bfloat16_in_float32(two: list[dict[str, Any]]) -> None:
    for dtype, mean in (each["bfloat16"] for each in two):
        assert dtype == torch.bfloat16
        assert mean.tolist() == pytest.approx([0.1 * 1.2] * 4, rel=5e-3), "of .7 and 1.7, a tenth at the first step"


def test_norms_are_as_they_were_afterwards() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    norm, weight = model[1], model[1].weight
    norms_together(model)
    assert isinstance(model[1], GlobalBatchNorm)
    assert (model[1], model[1].weight) == (norm, weight), "whoever holds the norm holds the same one"
    model.eval()
    images = torch.rand(2, 1, 8, 8)
    seen = model(images)
    norms_alone(model)
    assert type(model[1]) is nn.BatchNorm2d
    assert torch.equal(model(images), seen)


def test_norms_that_do_more_are_refused_and_nothing_is_changed() -> None:
    class WithActivation(nn.BatchNorm2d):
        pass

    model = nn.Sequential(nn.BatchNorm2d(4), WithActivation(4))
    with pytest.raises(UsageError, match="of the kind WithActivation"):
        norms_together(model)
    assert [type(norm) for norm in model] == [nn.BatchNorm2d, WithActivation]


@pytest.mark.parametrize(("device", "seed"), [("cpu", 3), ("cuda", 5)])
def test_what_a_process_draws_follows_from_the_step_alone(
    device: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed seeds the generator of its device; the CPU's would be a chain from the start, broken by --resume."""
    shared = object.__new__(SharedComputation)
    shared._rank, shared._size, shared._device_type = 1, 2, device
    seeded: list[int] = []
    monkeypatch.setattr("torch.initial_seed", lambda: 3)
    monkeypatch.setattr("torch.cuda.initial_seed", lambda: 5)
    monkeypatch.setattr("torch.manual_seed", seeded.append)
    assert shared._rows(9) == (slice(4, 9), pytest.approx(10 / 9))
    assert seeded == [derived_seed(seed, "process", 1)]


def test_one_process_alone_asks_nobody() -> None:
    assert ALONE.is_first
    assert ALONE.of_first(lambda: 3) == ALONE.in_order(lambda: 3) == 3
    assert ALONE.agree(7, 2, is_due=True) == (2, True)
