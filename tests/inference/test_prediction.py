"""What a saved run says of raw pictures is what the study said of the same images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import StorageError
from eyechart.files import storage
from eyechart.inference.prediction import RunPredictor, open_run
from eyechart.inference.predictor import Guess
from eyechart.inference.seeing import Seen
from eyechart.runner.run import run_contender
from eyechart.schema.contracts import Dataset, Images, Predictions
from eyechart.scoring.temperature import cooled
from eyechart.study.plan import jobs_of, plan_study


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> Path:
    record = plan_study(["cnn"], preset="smoke", num_threads=1)
    (job,) = jobs_of(record, tmp_path_factory.mktemp("study"))
    run_contender(job, lambda progress: None, lambda: None)
    return Path(job.folder)


def test_preprocessing_travels_with_the_weights(run: Path, tmp_path: Path) -> None:
    record = storage.read_run(run)
    items = storage.read_arrays(run.parent / record.items)
    stored = storage.read_arrays(run / storage.PREDICTIONS_FILE)["probabilities"]
    pictures = [tmp_path / f"{index}.png" for index in range(5)]
    for index, path in enumerate(pictures):
        Image.fromarray(items["images"][index, 0]).save(path)
    answers = open_run(run, device="cpu").answer_pictures(pictures)
    assert record.temperature is not None
    expected = cooled(stored[:5], record.temperature.value)
    assert np.abs(expected - stored[:5]).max() > 0.01, "the temperature is told with the answers"
    for index, answer in enumerate(answers):
        assert answer.picture == str(pictures[index])
        row = [answer.probabilities[name] for name in record.dataset.classes]
        np.testing.assert_allclose(row, expected[index], atol=1e-5)
        assert answer.label == record.dataset.classes[int(np.argmax(stored[index]))]


def test_a_detector_that_finds_no_box_names_no_class(run: Path) -> None:
    """Its probabilities are 1/K then, and the first class would be a lie."""

    class FindsNothing:
        gives_boxes = True

        def answer(self, images: Images) -> Predictions:
            return Guess(10, gives_boxes=True).answer(images)

    predictor = RunPredictor(storage.read_run(run), FindsNothing())  # type: ignore[arg-type]
    seen = Seen(np.zeros((1, 28, 28), np.uint8), (28, 28))
    for knows_unlike in (True, False):
        (answer,) = predictor.answer_seen(["a.png"], [seen], knows_unlike=knows_unlike)
        assert (answer.label, answer.probability, answer.probabilities) == (None, None, {})
        assert (answer.remark, answer.said, answer.run) == ("nothing", "nothing found", "cnn-s0")


def test_weights_that_are_not_the_runs_are_refused(run: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = run / storage.WEIGHTS_FILE
    before = path.read_bytes()
    tensors = load_file(path)
    tensors["network.head.weight"] += 1e-3
    save_file(tensors, path)
    try:
        with pytest.raises(StorageError, match="other weights than"):
            open_run(run, device="cpu")
    finally:
        path.write_bytes(before)


def test_every_run_file_says_how_it_was_made(run: Path) -> None:
    record = storage.read_run(run)
    assert record.test_accesses == 1
    assert record.plan.num_steps == 4
    assert record.clocks.total_seconds >= record.clocks.training_seconds > 0
    assert record.cost.num_parameters == record.cost.num_trainable > 0
    assert record.host.versions["torch"]
    assert record.splits.num_test == record.test.num_items == 200
    assert not (run / storage.CHECKPOINT_FILE).exists()
