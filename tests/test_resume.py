"""A run that is stopped and resumed is the run that was never stopped: weights, answers, history, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import save_file

from eyechart.base.errors import Interrupted, StorageError
from eyechart.evaluation import cost
from eyechart.files import storage
from eyechart.inference import saved
from eyechart.runner.train import Trained, train
from eyechart.runner.trial import run_trial
from eyechart.schema import Budget, HistoryPoint, RunJob, TrialChoice, TrialJob
from eyechart.study.plan import jobs_of, plan_study
from eyechart.training import checkpoint
from eyechart.training.step import Step
from eyechart.weights.trunks import trunk_shapes

NUM_STEPS = 9  # looks after steps 1, 2, 4 and 9 (two evaluations, three early ones)
STOPS = [(1, 4, 8, 9)]  # after the first step, at a look, between looks, and at the end, all in one run
ANYTHING_BUT_TIMES = {"training_seconds"}
CASES = [
    *((contender, optimizer) for contender in ("cnn", "vit", "fasterrcnn", "alexnet:none")
      for optimizer in ("sgd", "adamw")),
    ("vgg16:none", "sgd"), ("vgg16:kept", "adamw"),
]  # fmt: skip


class Ended(NamedTuple):
    """What must not depend on interruptions."""

    weights: str
    predictions: str
    history: list[dict[str, Any]]


class Stops:
    """Asks a training to stop after certain steps, each of them once; knows the steps by looking at their work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.due: set[int] = set()
        self._done = 0
        work = Step.__call__

        def watched(step: Step, number: int, rate: float) -> torch.Tensor:
            loss = work(step, number, rate)
            self._done = number + 1
            return loss

        monkeypatch.setattr(Step, "__call__", watched)

    def __call__(self) -> int | None:
        if self._done not in self.due:
            return None
        self.due.remove(self._done)
        return 2

    def until_done(self, steps: tuple[int, ...], train: Callable[[], Any]) -> Any:
        """What training gives after it was stopped at all of these steps and resumed each time."""
        self._done, self.due = 0, set(steps)
        for step in steps:
            with pytest.raises(Interrupted, match=f"at step {step} of {NUM_STEPS}; all of it is saved"):
                train()
        return train()


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> Stops:
    monkeypatch.setattr(cost, "matmul_flops_per_second", lambda *_: 1.0)  # takes a second and changes no bit
    return Stops(monkeypatch)


@pytest.fixture(scope="module")
def trunk_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Starting weights of VGG16's first three stages."""
    random = torch.Generator().manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "trunk.safetensors"
    shapes = list(trunk_shapes("vgg16").items())[:14]
    save_file({name: 0.05 * torch.randn(shape, generator=random) for name, shape in shapes}, path)
    return path


@pytest.fixture
def job_of(trunk_file: Path, tmp_path: Path) -> Callable[..., RunJob]:
    def make(contender: str, place: str, **changes: Any) -> RunJob:
        name, _, weights = contender.partition(":")
        settings: dict[str, Any] = {"batch_size": 8} | changes
        if name == "vgg16":  # without its two last and largest stages
            settings["options"] = {"last_stage": 3, "batch_norm": True}
        if weights == "kept":  # the outputs of two stages are kept, the third is trained
            settings |= {"weights": str(trunk_file), "cache_frozen": True, "augmentation": {}}
            contender = name
        record = plan_study(
            [contender], "digits", "smoke", num_threads=1, device="cpu", changes=settings, num_evaluations=2,
            budget=Budget(unit="steps", amount=NUM_STEPS), fraction=0.2, max_test_images=40, least_validation_images=20,
        )  # fmt: skip
        return jobs_of(record, tmp_path / place, offline=True)[0]

    return make


def trained(job: RunJob, stops: Stops) -> Trained:
    return train(job, lambda progress: None, stops, 0.0)


def ended(found: Trained) -> Ended:
    predictions = found.predictor.answer(found.contender.splits.test.open().images)
    return Ended(
        saved.weights_digest(found.contender.model),
        storage.digest_arrays(predictions.arrays()),
        [without_times(point) for point in found.fit.history],
    )


def without_times(point: HistoryPoint) -> dict[str, Any]:
    return point.model_dump(exclude=ANYTHING_BUT_TIMES)


@pytest.mark.slow
@pytest.mark.parametrize(("contender", "optimizer"), CASES)
def test_wherever_a_run_is_stopped_it_ends_the_same(
    contender: str, optimizer: str, job_of: Callable[..., RunJob], stops: Stops
) -> None:
    settings = {"optimizer": optimizer, "learning_rate": 0.02 if optimizer == "sgd" else 2e-3}
    whole = trained(job_of(contender, "whole", **settings), stops)
    assert not whole.fit.diverged
    assert [point.step for point in whole.fit.history] == [1, 2, 4, 9]
    for steps in STOPS:
        job = job_of(contender, "-".join(map(str, steps)), **settings)
        resumed = stops.until_done(steps, lambda job=job: trained(job, stops))
        assert ended(resumed) == ended(whole), f"stopped after steps {steps}"
        assert [segment.last_step for segment in resumed.fit.segments] == [*steps, NUM_STEPS]


def test_a_trial_of_a_search_resumes_to_the_same_scores(job_of: Callable[..., RunJob], stops: Stops) -> None:
    choice = TrialChoice(number=1, settings={"learning_rate": 0.1})
    planned = [job_of("cnn", place).model_dump(exclude={"kind", "plan", "command"}) for place in ("whole", "stopped")]
    jobs = [TrialJob(**job, trial=choice) for job in planned]
    whole = run_trial(jobs[0], lambda progress: None, stops)
    resumed = stops.until_done((3, 5), lambda: run_trial(jobs[1], lambda progress: None, stops))
    kept = {"accuracy", "loss", "num_steps", "status"}
    assert resumed.model_dump(include=kept) == whole.model_dump(include=kept)


# --------------------------------------------------------------------------------------------- damage


def stopped_twice(job: RunJob, stops: Stops) -> tuple[Path, Path]:
    """The newest checkpoint, of step 5, and the one before, of step 3, of a run that was stopped."""
    stops.due = {3, 5}
    for _ in range(2):
        with pytest.raises(Interrupted):
            trained(job, stops)
    newest = Path(job.folder) / storage.CHECKPOINT_FILE
    return newest, newest.with_name(storage.PREVIOUS_CHECKPOINT_FILE)


def flipped(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_a_damaged_checkpoint_is_told_and_the_one_before_goes_on_to_the_same_bits(
    job_of: Callable[..., RunJob], stops: Stops
) -> None:
    whole = ended(trained(job_of("cnn", "whole"), stops))
    job = job_of("cnn", "stopped")
    newest, _ = stopped_twice(job, stops)
    flipped(newest, -1)  # one bit of a weight or a moment, which every reader would take for a number
    told: list[str] = []
    stops.due = {8}  # and it is stopped once more: what is told of the damage stays
    with pytest.raises(Interrupted):
        train(job, lambda progress: told.append(progress.note), stops, 0.0)
    resumed = trained(job, stops)
    assert ended(resumed) == whole
    (words,) = [note for note in told if "damaged" in note]
    assert words.startswith("cnn-s0 goes on from step 3, the checkpoint before. The checkpoint ")
    assert "its content does not match its sha256" in words
    segments = resumed.fit.segments
    assert [(each.first_step, each.last_step) for each in segments] == [(0, 3), (3, 8), (8, NUM_STEPS)]
    assert ["damaged" in each.damaged_checkpoint for each in segments] == [False, True, False]


def test_a_kill_between_the_two_renames_leaves_the_one_before(job_of: Callable[..., RunJob], stops: Stops) -> None:
    newest, before = stopped_twice(job_of("cnn", "stopped"), stops)
    newest.unlink()
    found = checkpoint.newest_checkpoint(newest)
    assert found is not None
    assert (found.path, found.card.step, found.damage) == (before, 3, "")
    before.unlink()
    assert checkpoint.newest_checkpoint(newest) is None


def test_two_damaged_checkpoints_are_an_error(job_of: Callable[..., RunJob], stops: Stops) -> None:
    job = job_of("cnn", "stopped")
    for path in stopped_twice(job, stops):
        path.write_bytes(b"")
    with pytest.raises(StorageError, match=r"checkpoint\.safetensors is damaged.*Delete it to start this run anew"):
        trained(job, stops)


def test_one_bit_anywhere_is_found(job_of: Callable[..., RunJob], stops: Stops) -> None:
    newest, _ = stopped_twice(job_of("cnn", "stopped"), stops)
    for place in (0, 9, 40, 300, -1, -5000):
        checkpoint.read_checkpoint(newest)
        flipped(newest, place)
        with pytest.raises(StorageError, match="is damaged"):
            checkpoint.read_checkpoint(newest)
        flipped(newest, place)


# --------------------------------------------------------------------------------------------- of before


@pytest.fixture
def earlier_version(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Checkpoints are written as they were before they had a version."""
    save = checkpoint.save_checkpoint
    new = {"version", "loss_sum", "num_summed"}

    def save_as_before(path: Path, card: checkpoint.CheckpointCard, *rest: Any) -> None:
        save(path, checkpoint.CheckpointCard(**card.model_dump(exclude=new)), *rest)

    monkeypatch.setattr(checkpoint, "save_checkpoint", save_as_before)


@pytest.mark.usefixtures("earlier_version")
def test_a_checkpoint_of_an_earlier_version_goes_on_to_the_same_bits(
    job_of: Callable[..., RunJob], stops: Stops
) -> None:
    whole = ended(trained(job_of("cnn", "whole"), stops))
    resumed = ended(stops.until_done((5,), lambda: trained(job_of("cnn", "stopped"), stops)))
    assert (resumed.weights, resumed.predictions) == (whole.weights, whole.predictions)
    assert resumed.history[:-1] == whole.history[:-1]
    losses = [each.history[-1].pop("train_loss") for each in (whole, resumed)]
    assert resumed.history[-1] == whole.history[-1]
    assert losses[0] != losses[1], "such a checkpoint does not know the losses since the last look"


@pytest.mark.usefixtures("earlier_version")
def test_a_run_that_an_earlier_version_resumed_is_refused(job_of: Callable[..., RunJob], stops: Stops) -> None:
    job = job_of("cnn", "stopped")
    with pytest.raises(StorageError, match="stopped and resumed \\(at step 2\\) by an earlier version") as caught:
        stops.until_done((2, 5), lambda: trained(job, stops))
    assert str(Path(job.folder)) in str(caught.value), "it says what to delete"


@pytest.mark.usefixtures("earlier_version")
def test_the_vit_was_right_before(job_of: Callable[..., RunJob], stops: Stops) -> None:
    whole = ended(trained(job_of("vit", "whole"), stops))
    assert ended(stops.until_done((2, 5), lambda: trained(job_of("vit", "stopped"), stops))).weights == whole.weights
