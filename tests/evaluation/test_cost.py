"""Operations counted by hand, state left alone, rates that agree with the clock."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eyechart.evaluation.cost import (
    PeakMemory,
    count_flops,
    count_flops_with_kept_stages,
    matmul_flops_per_second,
    measure_cost,
    measure_inference,
    measure_latency,
)
from eyechart.schema.contracts import Answer, Batch, LabelledImages

CPU = torch.device("cpu")


class LooksUp(nn.Module):
    """Five sums of sixteen rows of eight numbers for each image, whose weights are given."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.rand(100, 8))

    def answer(self, images: Tensor) -> Answer:
        which, weights = torch.zeros(5 * len(images), 16, dtype=torch.int64), torch.ones(5 * len(images), 16)
        sums = nn.functional.embedding_bag(which, self.table, per_sample_weights=weights, mode="sum")
        return Answer(sums.view(len(images), -1))

    def loss(self, batch: Batch) -> Tensor:
        return self.answer(batch.images).probabilities.sum()


def test_rows_that_are_looked_up_count() -> None:
    flops = count_flops(LooksUp(), Batch(torch.rand(3, 1, 4, 4), torch.zeros(3, dtype=torch.int64)))
    assert flops.forward == 2 * 5 * 16 * 8
    assert flops.training == 2 * flops.forward


CONV_FLOPS = 2 * 3 * 3 * 3 * 8 * (28 * 20)  # multiply-adds: 3x3 window, 3 -> 8 channels, at every pixel
LINEAR_FLOPS = 2 * 8 * 28 * 20 * 10


class Counted(nn.Module):
    """One convolution, batch norm, dropout and one linear layer, for images of 28 x 20."""

    needs_boxes = False

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.linear = nn.Linear(8 * 28 * 20, 10)
        self.seconds_per_answer = 0.0
        self.take: Callable[[float], None] = lambda seconds: None

    def _logits(self, images: Tensor) -> Tensor:
        return self.linear(nn.functional.dropout(self.norm(self.conv(images)), training=self.training).flatten(1))

    def loss(self, batch: Batch) -> Tensor:
        return nn.functional.cross_entropy(self._logits(batch.images), batch.labels)

    def answer(self, images: Tensor) -> Answer:
        self.take(self.seconds_per_answer)
        return Answer(self._logits(images).softmax(dim=1))

    def class_probabilities(self, images: Tensor) -> Tensor:
        return self.answer(images).probabilities


def some_batch(num_images: int = 6) -> Batch:
    return Batch(torch.rand(num_images, 3, 28, 20), torch.arange(num_images) % 10)


def some_sample(num_images: int = 12) -> LabelledImages:
    return LabelledImages(np.zeros((num_images, 3, 28, 20), np.uint8), np.zeros(num_images, np.int64))


@pytest.mark.parametrize("num_images", [2, 6, 30])
def test_operations_by_hand(num_images: int):
    flops = count_flops(Counted(), some_batch(num_images))
    assert flops.forward == CONV_FLOPS + LINEAR_FLOPS
    # Backward: the convolution needs the gradient of its weights only, the linear layer that of its input too.
    assert flops.training == 2 * CONV_FLOPS + 3 * LINEAR_FLOPS


def test_frozen_parameters_add_no_backward():
    model = Counted()
    model.conv.requires_grad_(False)
    model.norm.requires_grad_(False)
    assert count_flops(model, some_batch()).training == CONV_FLOPS + 2 * LINEAR_FLOPS


def test_counting_leaves_model_and_random_numbers_alone():
    model, batch = Counted().eval(), some_batch()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    count_flops(model, batch)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not model.training


class Hands:
    """A time that moves only while a model answers."""

    def __init__(self) -> None:
        self.now = 100.0

    def move(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr("eyechart.evaluation.cost.time.perf_counter", lambda: hands.now)
    return hands


def timed_model(hands: Hands, seconds_per_answer: float) -> Counted:
    model = Counted()
    model.seconds_per_answer, model.take = seconds_per_answer, hands.move
    return model


def test_rates_agree_with_a_known_duration(hands: Hands):
    model = timed_model(hands, 0.02)
    images = some_sample().images
    assert measure_inference(model, images, CPU, batch_size=10, seconds=0.2) == pytest.approx(10 / 0.02)
    assert measure_latency(model, images[:1], CPU) == pytest.approx(0.02)
    assert model.training, "measuring gives the mode back"


def test_a_slow_model_is_not_measured_for_long(hands: Hands):
    start = hands.now
    assert measure_latency(timed_model(hands, 0.4), some_sample(1).images, CPU) == pytest.approx(0.4)
    assert hands.now - start < 8


def test_matrix_product_is_as_fast_as_one_timed_here():
    side = 1024
    left = torch.ones(side, side)
    durations = []
    for _ in range(8):
        start = time.perf_counter()
        left @ left
        durations.append(time.perf_counter() - start)
    here = 2 * side**3 / min(durations)
    assert 0.02 * here < matmul_flops_per_second(CPU) < 50 * here, "of the same order, even where others take the cores"


def test_a_slower_type_of_number_is_measured_as_such():
    def is_slower() -> bool:
        return matmul_flops_per_second(CPU, torch.float64) < matmul_flops_per_second(CPU, torch.float32)

    assert any(is_slower() for _ in range(20)), "half the rate, but another program may be in the way now and then"


@pytest.fixture
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the matrix product on a small size, for tests that only pass the figure on."""
    monkeypatch.setattr("eyechart.evaluation.cost.MATMUL_SIZES", (64,))
    monkeypatch.setattr("eyechart.evaluation.cost.MATMUL_SECONDS", 0.01)
    monkeypatch.setattr("eyechart.evaluation.cost.LATENCY_SECONDS", 0.1)


@pytest.mark.usefixtures("briefly")
def test_cost_of_a_run():
    model = Counted()
    model.conv.requires_grad_(False)
    cost = measure_cost(
        model, some_sample(), device=CPU, batch_size=8, training_images_per_second=1000.0, example_batch=some_batch()
    )
    head = 8 * 28 * 20 * 10 + 10
    assert cost.num_parameters == 3 * 8 * 9 + 8 + 16 + head
    assert cost.num_trainable == 16 + head
    # The norm behind the frozen convolution trains, so the linear layer's input needs its gradient.
    assert cost.training_flops == CONV_FLOPS + 3 * LINEAR_FLOPS
    assert cost.mfu == pytest.approx(1000 * cost.training_flops / cost.matmul_flops_per_second)
    assert cost.peak_memory_bytes > 50 * 2**20


@pytest.mark.usefixtures("briefly")
def test_operations_of_kept_stages_are_told_by_the_caller():
    cost = measure_cost(
        Counted(), some_sample(2), device=CPU, batch_size=8, training_images_per_second=10.0,
        example_batch=some_batch(), training_flops_override=5e6, peak_memory_bytes=123,
    )  # fmt: skip
    assert cost.training_flops == 5e6
    assert cost.mfu == pytest.approx(10 * 5e6 / cost.matmul_flops_per_second)
    assert cost.peak_memory_bytes == 123


@pytest.mark.usefixtures("briefly")
def test_the_better_of_two_matrix_products_counts():
    arguments = {"device": CPU, "batch_size": 8, "training_images_per_second": 10.0, "example_batch": some_batch()}
    assert measure_cost(Counted(), some_sample(2), **arguments, earlier_matmul=1e18).matmul_flops_per_second == 1e18
    assert measure_cost(Counted(), some_sample(2), **arguments, earlier_matmul=1.0).matmul_flops_per_second > 1e6


def test_kept_stages_count_as_often_as_they_ran():
    class Kept(Counted):
        def features(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1)[:, :4] @ torch.ones(4, 5)  # 2 x 4 x 5 operations an image

        def loss_from_features(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return features.sum()

    batch = some_batch()
    whole = count_flops(Kept(), batch).training
    assert count_flops_with_kept_stages(Kept(), batch, 1.0) == whole
    assert count_flops_with_kept_stages(Kept(), batch, 0.25) == pytest.approx(whole - 0.75 * 40)


def test_peak_memory_sees_what_is_gone_again():
    with PeakMemory(CPU) as before:
        pass
    with PeakMemory(CPU) as after:
        block = torch.ones(before.num_bytes // 4 + 25 * 2**20)
        del block
    assert after.num_bytes > before.num_bytes + 90 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="on Linux a child's getrusage begins with its parent's size")
def test_peak_memory_is_not_inherited_from_the_launcher():
    code = "from eyechart.evaluation.cost import _peak_process_bytes; print(_peak_process_bytes())"
    ballast = np.ones(1500 * 2**20 // 8)  # importing torch alone takes about 630 MB
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(child.stdout) < ballast.nbytes
