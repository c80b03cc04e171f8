"""Labels that look wrong: planted ones are found, only out of sample; scores with and without disputed labels."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from eyechart.base.errors import DatasetError, MissingError, StorageError
from eyechart.catalog.disputed import DISPUTED, DisputedLabels, disputed_numbers, image_digest
from eyechart.comparison import label_noise
from eyechart.comparison.answers import Shelf
from eyechart.files.storage import VALIDATION_FILE, read_arrays, read_run, write_arrays
from eyechart.schema import RunRecord
from eyechart.schema.contracts import Dataset

NUM_ITEMS, NUM_CLASSES = 300, 10
PLANTED = {7: 3, 100: 8, 250: 1}  # test image -> what its label should be


def images(seed: int, number: int = NUM_ITEMS) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (number, 1, 6, 6), dtype=np.uint8)


def sure_of(truth: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities float32 (N, K) of models that are right and mostly sure."""
    random = np.random.default_rng(seed)
    odds = random.uniform(0, 0.05, (len(truth), NUM_CLASSES))
    odds[np.arange(len(truth)), truth] += random.uniform(1, 3, len(truth))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def truth_of_test() -> np.ndarray:
    return np.arange(NUM_ITEMS) % NUM_CLASSES


@pytest.fixture
def runs(fake_runs: ModuleType, tmp_path: Path) -> list[tuple[Path, RunRecord]]:
    """Two contenders, two seeds; three test labels are wrong, and one train label that only seed 1 holds out."""
    folder = tmp_path / "study"
    folders = fake_runs.fake_study(
        folder, {name: fake_runs.FIVE[name] for name in ("cnn", "vit")}, (0, 1), num_items=300
    )
    truth = truth_of_test()
    labels = truth.copy()
    for number, right in PLANTED.items():
        truth[number] = right
    write_arrays(folder / fake_runs.ITEMS_FILE, {"images": images(0), "labels": labels})
    for index, run in enumerate(folders):
        seed = read_run(run).seed
        name = f"items-v{seed}.npz"
        held_out = truth_of_test()[:50]
        given = held_out.copy()
        if seed == 1:
            given[20] = 6
        write_arrays(folder / name, {"images": images(10 + seed, 50), "labels": given})
        test = sure_of(truth, index)
        test[100] = np.where(np.arange(NUM_CLASSES) == truth[100], 0.991, 0.001)
        write_arrays(run / "predictions.npz", {"probabilities": test})
        write_arrays(run / VALIDATION_FILE, {"probabilities": sure_of(held_out, 20 + index)})
        record = read_run(run).model_copy(update={"validation_items": name})
        (run / "run.json").write_text(record.model_dump_json())
    return [(run, read_run(run)) for run in folders]


def test_planted_label_errors_are_found_and_nothing_else(runs: list[tuple[Path, RunRecord]]) -> None:
    found = label_noise.find_label_errors(runs)
    assert {(each.part, each.number) for each in found.suspects} == {
        ("test", 7), ("test", 100), ("test", 250), ("validation", 20)
    }  # fmt: skip
    seven = next(each for each in found.suspects if each.number == 7)
    assert (seven.label, seven.suggested, seven.num_answers, seven.num_agreeing) == (7, 3, 4, 0)
    assert seven.suggested_probability > 0.7 > 0.1 > seven.label_probability
    (hundred,) = [each for each in found.suspects if each.number == 100]
    assert hundred.confident, "surer than the average right answer: confident learning sees it too"
    assert seven.disputed is None, "nothing is known of this dataset"
    assert found.disputed_ranks is None
    qualities = [each.quality for each in found.suspects]
    assert qualities == sorted(qualities)
    assert found.num_items == {"test": 300, "validation": 100}, "both seeds' validation images"
    assert (found.num_runs, found.contenders) == (4, ("cnn", "vit"))


def test_a_train_label_is_judged_only_by_runs_that_held_it_out(runs: list[tuple[Path, RunRecord]]) -> None:
    found = label_noise.find_label_errors(runs)
    (held_out,) = [each for each in found.suspects if each.part == "validation"]
    assert (held_out.label, held_out.suggested, held_out.num_answers) == (6, 0, 2), "the two runs of seed 1"
    assert held_out.items.name == "items-v1.npz"
    of_seed_0 = [pair for pair in runs if pair[1].seed == 0]
    assert all(each.part == "test" for each in label_noise.find_label_errors(of_seed_0).suspects)


def test_an_image_in_two_validation_parts_is_one(runs: list[tuple[Path, RunRecord]]) -> None:
    folder = runs[0][0].parent
    shared = read_arrays(folder / "items-v1.npz")
    write_arrays(folder / "items-v0.npz", shared)
    found = label_noise.find_label_errors(runs)
    assert found.num_items["validation"] == 50
    assert [each.num_answers for each in found.suspects if each.part == "validation"] == [4]


def test_old_and_diverged_runs_do_not_stop_it(runs: list[tuple[Path, RunRecord]]) -> None:
    old = [(folder, run.model_copy(update={"validation_items": ""})) for folder, run in runs[:2]]
    diverged = [(folder, run.model_copy(update={"status": "diverged"})) for folder, run in runs[2:]]
    found = label_noise.find_label_errors([*old, *diverged])
    assert found.num_runs == 2
    assert found.num_items == {"test": 300, "validation": 0}
    assert len(found.left_out) == 2
    assert "no validation answers" in found.left_out[0]
    with pytest.raises(StorageError, match="No run's answers"):
        label_noise.find_label_errors(diverged)


def test_runs_on_other_test_images_are_left_out(runs: list[tuple[Path, RunRecord]]) -> None:
    folder, run = runs[3]
    found = label_noise.find_label_errors([*runs[:3], (folder, run.model_copy(update={"items": "items-other.npz"}))])
    assert found.num_runs == 3
    assert "other test images" in found.left_out[0]


def test_models_that_learned_little_doubt_no_label(runs: list[tuple[Path, RunRecord]]) -> None:
    """Their own mistakes would be shown as wrong labels."""
    for index, (run, _) in enumerate(runs):
        guesses = np.random.default_rng(index).permutation(truth_of_test())
        write_arrays(run / "predictions.npz", {"probabilities": sure_of(guesses, index)})
    with pytest.raises(DatasetError, match=r"right on [1-4]?\d% of [\d,]+ judged images, too few to doubt labels by"):
        label_noise.find_label_errors(runs)


def test_without_cleanlab_the_error_says_what_to_install(
    runs: list[tuple[Path, RunRecord]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cleanlab", "cleanlab.filter", "cleanlab.rank"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingError, match=r'pip install "eyechart\[audit\]"') as error:
        label_noise.find_label_errors(runs)
    assert error.value.exit_code == 3


# --------------------------------------------------------------------------------------------- disputed labels


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch, runs: list[tuple[Path, RunRecord]]) -> dict[int, int]:
    """A list for the made-up dataset: image 7 (labelled wrong, by all) and 8 (labelled right)."""
    numbers = {image_digest(images(0)[index]): index for index in (7, 8)}
    monkeypatch.setitem(DISPUTED, runs[0][1].dataset.content_sha256, DisputedLabels("somebody", numbers))
    return {7: 7, 8: 8}


def test_accuracy_with_and_without_disputed_labels(runs: list[tuple[Path, RunRecord]], listed: dict[int, int]) -> None:
    found = label_noise.rescore("cnn", runs[:2], Shelf())
    assert found is not None
    assert found.accuracy == pytest.approx(297 / 300), "the three planted ones count as wrong"
    assert found.undisputed == pytest.approx(296 / 298)
    assert (found.num_disputed, found.as_labelled, found.accuracy_sd) == (len(listed), 1, 0)
    assert label_noise.rescore("cnn", runs[:1], Shelf()).accuracy_sd is None


def test_ranks_of_disputed_labels(runs: list[tuple[Path, RunRecord]], listed: dict[int, int]) -> None:
    found = label_noise.find_label_errors(runs)
    assert found.disputed_ranks is not None
    assert found.disputed_ranks[7] <= 3 < found.disputed_ranks[8]
    assert [each.number for each in found.suspects if each.disputed] == [7]


def test_nothing_is_known_of_other_datasets(runs: list[tuple[Path, RunRecord]]) -> None:
    assert label_noise.rescore("cnn", runs, Shelf()) is None
    assert disputed_numbers("0" * 64, images(0)) is None


def test_mnists_disputed_labels_are_those_of_the_paper(mnist: Dataset) -> None:
    ids = [947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729]
    everything = np.asarray(mnist.test.images[:])
    assert disputed_numbers(mnist.card.content_sha256, everything) == {number: number for number in ids}
    assert disputed_numbers(mnist.card.content_sha256, everything[2000:2600][::-1]) == {469: 2130, 137: 2462, 2: 2597}
