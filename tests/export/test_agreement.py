"""How alike a file and torch answer, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from eyechart.base.errors import RunFailed
from eyechart.export.agreement import agreement, are_alike, check_alike, plain_images
from eyechart.export.answering import Answering, TorchPredictor
from eyechart.schema import Preprocessing
from eyechart.schema.contracts import Answer, Predictions
from eyechart.scoring.temperature import cooled

FRAME = Preprocessing(
    image_channels=3,
    image_height=12,
    image_width=8,
    input_channels=3,
    input_height=12,
    input_width=8,
    mean=(0.5,) * 3,
    std=(0.5,) * 3,
)


class Says:
    """The same for every image."""

    gives_boxes = False

    def __init__(self, *probabilities: float):
        self.row = np.array(probabilities, np.float32)

    def answer(self, images: Any) -> Predictions:
        return Predictions(np.tile(self.row, (len(images), 1)))


def images(number: int = 70) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (number, 3, 12, 8)).astype(np.uint8)


def test_equal_answers_are_told_in_words() -> None:
    found = check_alike(Says(0.7, 0.2, 0.1), Says(0.7, 0.2, 0.1), images(), FRAME)
    assert (found.num_items, found.num_same, found.largest) == (70, 70, 0)
    assert found.in_words("test images") == "the same answer on 70 of 70 test images, the very same probabilities"
    close = agreement(Says(0.7, 0.2, 0.1).answer(images()), Says(0.7001, 0.1999, 0.1).answer(images()))
    assert close.in_words("test images").endswith("70 of 70 test images, probabilities at most 0.0001 apart")


def test_another_answer_is_refused() -> None:
    with pytest.raises(RunFailed, match=r"answers something else than the run: a probability is 0\.5000 away"):
        check_alike(Says(0.2, 0.7, 0.1), Says(0.7, 0.2, 0.1), images(), FRAME)
    with pytest.raises(RunFailed, match="probabilities of shape"):
        check_alike(Says(0.8, 0.2), Says(0.7, 0.2, 0.1), images(), FRAME)
    with pytest.raises(RunFailed, match="nan away"):
        check_alike(Says(np.nan, 0.2, 0.1), Says(0.7, 0.2, 0.1), images(), FRAME)


class OnlyManyRight(Says):
    """A network that was traced for several images, and fails for one."""

    def answer(self, images: Any) -> Predictions:
        return Says(0.7, 0.3).answer(images) if len(images) > 1 else Says(0.3, 0.7).answer(images)


def test_one_picture_alone_is_asked_about_too() -> None:
    with pytest.raises(RunFailed):
        check_alike(OnlyManyRight(0.7, 0.3), Says(0.7, 0.3), images(), FRAME)


def found_at(*boxes: tuple[int, float, float]) -> Predictions:
    """Boxes (image, left, score), 10 pixels wide and high, of class 1."""
    rows = np.array(boxes, np.float64).reshape(-1, 3)
    corners = np.stack([rows[:, 1], rows[:, 1], rows[:, 1] + 10, rows[:, 1] + 10], axis=1).astype(np.float32)
    return Predictions(
        np.full((3, 2), 0.5, np.float32),
        box_image=rows[:, 0].astype(np.int32),
        boxes=corners,
        box_scores=rows[:, 2].astype(np.float32),
        box_labels=np.ones(len(rows), np.int32),
    )


def test_boxes_need_twins_on_their_own_image() -> None:
    torchs = found_at((0, 1, 0.9), (2, 3, 0.8), (2, 20, 0.1))
    alike = agreement(found_at((0, 1, 0.9), (2, 3.01, 0.8)), torchs)
    assert (alike.num_boxes, alike.num_unmatched) == (2, 0), "of .1 nobody is sure"
    assert agreement(found_at((0, 1, 0.9), (1, 3, 0.8)), torchs).num_unmatched == 1
    assert agreement(found_at(), torchs).num_unmatched == 2
    assert "2 of 2 boxes alike" in alike.in_words("test images")


def test_what_is_the_same_box() -> None:
    box = np.array([[10.0, 10, 30, 40]])
    assert are_alike(box, box + 0.02).all()
    assert are_alike(box, box + np.array([[0, 0, 1, 0]])).all(), "rounded the other way"
    assert not are_alike(box, box + np.array([[0, 0, 2, 0]])).any()
    assert not are_alike(box + 0.5, box + np.array([[0.5, 0.5, 1.4, 0.5]])).any(), "not whole, and IoU .957"


def test_torch_answers_in_parts_with_its_temperature() -> None:
    class Sure(torch.nn.Module):
        def answer(self, images: torch.Tensor) -> Answer:
            return Answer(torch.tensor([[0.8, 0.2]]).expand(len(images), 2))

    asked = TorchPredictor(Answering(Sure(), 2.0), gives_boxes=False)
    assert asked.answer(images(130)).probabilities.shape == (130, 2)
    np.testing.assert_allclose(asked.answer(images(1)).probabilities, [[2 / 3, 1 / 3]], atol=1e-6)


@pytest.mark.parametrize("heat", [1.3, 2.0, 3.0])
def test_sure_answers_are_cooled_as_the_runs_are(heat: float) -> None:
    """Of many classes, whose probabilities are all but 0: what a file's floor would be another's answer."""
    answers = np.full((2, 1000), 1e-12, np.float32)
    answers[:, 3] = 1

    class Sure(torch.nn.Module):
        def answer(self, images: torch.Tensor) -> Answer:
            return Answer(torch.from_numpy(answers))

    asked = TorchPredictor(Answering(Sure(), heat), gives_boxes=False).answer(images(2)).probabilities
    np.testing.assert_allclose(asked, cooled(answers, heat), atol=1e-5)


def test_plain_images_fit_the_frame() -> None:
    made = plain_images(FRAME)
    assert made.shape == (3, 3, 12, 8)
    assert [len(np.unique(image)) for image in made] == [1, 1, 2]
