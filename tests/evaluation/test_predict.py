"""Predicting: right rows in the right order, modes and gradients left alone, broken answers refused."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eyechart.base.errors import RunFailed
from eyechart.evaluation.predict import judging, predict, to_device
from eyechart.files.storage import read_arrays, write_arrays
from eyechart.schema.contracts import Answer, Batch, Detections, Predictions

CPU = torch.device("cpu")


class Small(nn.Module):
    """Three channels in, five classes out, with dropout and batch norm, which show a wrong mode."""

    needs_boxes = False

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.head = nn.Linear(4, 5)

    def loss(self, batch: Batch) -> Tensor:
        return nn.functional.cross_entropy(self.head(self.body(batch.images)), batch.labels)

    def answer(self, images: Tensor) -> Answer:
        return Answer(self.head(self.body(images)).softmax(dim=1))

    def class_probabilities(self, images: Tensor) -> Tensor:
        return self.answer(images).probabilities


class Finder(Small):
    """A stand-in for a detector: an image of brightness n (in 255ths) has n boxes."""

    needs_boxes = True

    def answer(self, images: Tensor) -> Answer:
        counts = (images.amax(dim=(1, 2, 3)) * 255).round().long()  # (B,)
        longest = int(counts.max())
        filled = torch.arange(longest).expand(len(images), longest) < counts[:, None]  # (B, R)
        boxes = torch.arange(longest).float()[:, None].expand(len(images), longest, 4)
        scores = torch.where(filled, 1 / (1 + torch.arange(longest).float()), 0)
        labels = torch.where(filled, torch.arange(longest) % 5, -1)
        uniform = torch.full((len(images), 5), 0.2)
        return Answer(uniform, Detections(boxes, scores, labels))


class Saying(Small):
    """Says what it was told to."""

    def __init__(self, row: list[float]) -> None:
        super().__init__()
        self.row = row

    def answer(self, images: Tensor) -> Answer:
        return Answer(torch.tensor([self.row] * len(images)))


def some_images(num_images: int = 11) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (num_images, 3, 12, 9), dtype=np.uint8)


def test_rows_are_those_of_the_whole_batch():
    torch.manual_seed(0)
    model, images = Small(), some_images()
    predictions = predict(model, images, device=CPU, batch_size=4)
    with torch.no_grad():
        expected = model.eval().answer(torch.from_numpy(images) / 255).probabilities.numpy()
    np.testing.assert_allclose(predictions.probabilities, expected, atol=1e-6)
    assert predictions.probabilities.dtype == np.float32
    assert predictions.boxes is None


def test_modes_buffers_and_gradients_are_left_alone():
    model = Small()
    model.train()
    model.body[1].eval()  # a frozen stage
    before = {name: value.clone() for name, value in model.state_dict().items()}
    predict(model, some_images(), device=CPU, batch_size=4)
    assert model.training
    assert not model.body[1].training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    model.loss(Batch(torch.rand(2, 3, 12, 9), torch.tensor([0, 1]))).backward()  # not an inference tensor


def test_modes_come_back_after_an_error():
    model = Small().train()
    with contextlib.suppress(RuntimeError), judging(model):
        assert not model.training
        raise RuntimeError("stop")
    assert model.training
    assert torch.is_grad_enabled()


def test_bytes_become_fractions_and_the_source_stays(tmp_path: Path):
    images = np.array([0, 51, 255, 102], np.uint8).reshape(2, 1, 2, 1)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    floats = to_device(mapped, CPU)
    assert floats.dtype == torch.float32
    torch.testing.assert_close(floats.flatten(), torch.tensor([0, 0.2, 1, 0.4]))
    assert np.array_equal(mapped, images)


def test_boxes_keep_their_images_and_lose_the_filling():
    counts = np.array([2, 0, 1, 3, 0], np.uint8)
    images = np.broadcast_to(counts[:, None, None, None], (5, 3, 6, 8))
    found = predict(Finder(), images, device=CPU, batch_size=2).found()
    assert found.image.tolist() == [0, 0, 2, 3, 3, 3]
    assert found.labels.tolist() == [0, 1, 0, 0, 1, 2]
    assert found.boxes[:, 0].tolist() == [0, 1, 0, 0, 1, 2]
    assert found.scores.tolist() == pytest.approx([1, 1 / 2, 1, 1, 1 / 2, 1 / 3])
    assert (found.image.dtype, found.boxes.dtype, found.boxes.shape) == (np.int32, np.float32, (6, 4))


def test_a_detector_that_finds_nothing_has_no_boxes():
    found = predict(Finder(), np.zeros((3, 3, 6, 8), np.uint8), device=CPU, batch_size=2).found()
    assert found.boxes.shape == (0, 4)
    assert len(found.image) == len(found.scores) == len(found.labels) == 0


@pytest.mark.parametrize("model", [Small(), Finder()], ids=["classifier", "detector"])
def test_to_a_file_and_back(model: Small, tmp_path: Path):
    predictions = predict(model, some_images(3), device=CPU, batch_size=2)
    write_arrays(tmp_path / "predictions.npz", predictions.arrays())
    back = Predictions.from_arrays(read_arrays(tmp_path / "predictions.npz"))
    assert back.arrays().keys() == predictions.arrays().keys()
    assert len(back.arrays()) == (5 if model.needs_boxes else 1)
    for name, array in predictions.arrays().items():
        assert np.array_equal(array, back.arrays()[name])
        assert array.dtype == back.arrays()[name].dtype


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([float("nan"), 1.0], "some are not numbers"),
        ([float("inf"), 0.0], "some are not numbers"),
        ([0.6, 0.6], "they sum to 1.2"),
        ([1.5, -0.5], "numbers >= 0"),
    ],
)
def test_broken_probabilities_end_the_run(row: list[float], words: str):
    with pytest.raises(RunFailed, match=words) as caught:
        predict(Saying(row), some_images(3), device=CPU, batch_size=2)
    assert "3 of 3 images (first: image 0" in str(caught.value)


def test_rounding_of_probabilities_is_forgiven():
    predictions = predict(Saying([0.5004, 0.5004]), some_images(2), device=CPU, batch_size=2)
    assert predictions.probabilities.shape == (2, 2)


def test_only_detectors_have_boxes():
    with pytest.raises(AssertionError, match="only detectors"):
        predict(Small(), some_images(2), device=CPU, batch_size=2).found()
