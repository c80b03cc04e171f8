"""The loop on a toy: same seed same bits, and an interruption changes nothing."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch

from eyechart.base.errors import Interrupted, StorageError
from eyechart.catalog.robust import made_robust
from eyechart.schema import Augmentation
from eyechart.schema.contracts import Batch, Progress
from eyechart.training import checkpoint as checkpoints
from eyechart.training import feeds, loop
from eyechart.training.step import Step

sys.path.append(str(Path(__file__).parent))  # tests are not a package

from toy_training import RECIPE, TOOLS, digest, toy_fit, toy_model


def test_loss_falls_and_the_history_is_complete() -> None:
    fit = toy_fit()
    fit()
    assert [point.step for point in fit.history] == [1, 2, 5, 10, 20, 30]
    assert fit.history[-1].validation_loss < 0.7 * fit.history[0].validation_loss
    assert fit.history[-1].images_seen == 240
    assert fit.history[-1].epoch == pytest.approx(240 / 64)
    assert fit.history[-1].train_loss is not None


def test_the_last_sign_of_life_has_the_loss_of_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "PROGRESS_SECONDS", 3600.0)  # a training too short for more than the first one
    said: list[Progress] = []
    fit = toy_fit(steps=2)  # with looks after both, so that history has the loss of each
    fit.report = said.append
    fit()
    first, last = (point.train_loss for point in fit.history)
    assert first != last
    assert (said[-1].step, said[-1].loss) == (2, last)


def test_who_keeps_a_training_waiting_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped terminal, a full pipe: the budget and the recorded time are of training alone."""
    monkeypatch.setattr(loop, "PROGRESS_SECONDS", 0.0)
    fit = toy_fit(steps=20)
    fit.report = lambda progress: time.sleep(0.05)
    fit()
    assert fit.clock.seconds("progress") >= 20 * 0.05, "of two sections one counts"


def test_a_stop_before_the_first_step_says_what_was_done() -> None:
    for num_cached, what in ((64, "its frozen stages were being cached"), (0, "its images were being moved")):
        fit = toy_fit(stop_after=-1)
        fit.plan = fit.plan.model_copy(update={"num_cached_images": num_cached})
        with pytest.raises(Interrupted, match=f"Stopped toy-s0 while {what}"):
            fit._while_preparing(0.5)
    said: list[Progress] = []
    fit = toy_fit()
    fit.report = said.append
    fit._seconds_before = 0.0
    fit._while_preparing(0.5)
    assert [(progress.stage, progress.num_steps) for progress in said] == [("preparing", 0)]


def test_same_seed_same_bits_and_another_seed_others() -> None:
    fits = [toy_fit(seed=seed) for seed in (1, 1, 2)]
    for fit in fits:
        fit()
    first, same, other = (digest(fit.model) for fit in fits)
    assert first == same
    assert first != other


@pytest.mark.parametrize(("optimizer", "is_robust"), [("sgd", False), ("adamw", False), ("sgd", True)])
def test_an_interrupted_run_continues_to_the_same_bits(tmp_path: Path, optimizer: str, is_robust: bool) -> None:
    recipe = RECIPE.model_copy(update={"optimizer": optimizer, "learning_rate": 0.01})
    recipe = made_robust(recipe) if is_robust else recipe
    whole = toy_fit(recipe=recipe)
    whole()
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted, match="Stopped toy-s0 at step 13 of 30; all of it is saved") as caught:
        # asked once after each step, so the thirteenth question is answered with "stop"
        toy_fit(path, recipe=recipe, stop_after=12)()
    assert caught.value.exit_code == 130
    resumed = toy_fit(path, recipe=recipe)
    resumed()
    assert digest(resumed.model) == digest(whole.model)
    assert [p.step for p in resumed.history] == [p.step for p in whole.history]
    assert [(s.first_step, s.last_step) for s in resumed.segments] == [(0, 13), (13, 30)]
    assert not list(tmp_path.glob(".*partial")), "nothing half-written stays"


def test_a_damaged_checkpoint_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(StorageError, match="is damaged"):
        toy_fit(path)()


def test_kept_features_give_the_same_weights_as_running_the_frozen_stages_each_time() -> None:
    plain = RECIPE.model_copy(update={"augmentation": Augmentation()})
    cached_recipe = plain.model_copy(update={"cache_frozen": True, "frozen_stages": 1})
    cached = toy_fit(recipe=cached_recipe, cached=True, steps=8)  # one epoch: all 64 images are kept
    assert cached.plan.num_cached_images == 64
    every_time = toy_fit(recipe=plain, model=toy_model(frozen=True), steps=8)
    for fit in (cached, every_time):
        fit()
    assert digest(cached.model) == digest(every_time.model)


def test_outputs_that_are_kept_anew_after_a_stop_are_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock that is restored has paid for them: a budget in seconds would pay twice."""
    prepare = feeds.CachedFeed.prepare

    def slowly(feed: feeds.CachedFeed, told: Callable[[float], None]) -> None:
        time.sleep(0.5)
        prepare(feed, told)

    monkeypatch.setattr(feeds.CachedFeed, "prepare", slowly)
    recipe = RECIPE.model_copy(update={"augmentation": Augmentation(), "cache_frozen": True, "frozen_stages": 1})
    first = toy_fit(tmp_path / "c.safetensors", recipe=recipe, cached=True, stop_after=4)
    with pytest.raises(Interrupted, match="at step"):
        first()
    assert first.clock.seconds("training") >= 0.5
    again = toy_fit(tmp_path / "c.safetensors", recipe=recipe, cached=True)
    again()
    assert again.clock.seconds("preparation") >= 0.5
    assert again.clock.seconds("training") < first.clock.seconds("training") + 0.5


def test_a_gradual_run_opens_its_trunk_in_the_middle_and_resumes_to_the_same_bits(tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"gradual": True, "trunk_rate": 0.5})
    moved: list[bool] = []
    whole = toy_fit(recipe=recipe, with_trunk=True)
    first = next(whole.model.network.first.parameters())
    work, before = Step.__call__, first.detach().clone()

    def watched(step: Step, number: int, rate: float) -> torch.Tensor:
        loss = work(step, number, rate)
        moved.append(not torch.equal(first, before))
        return loss

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Step, "__call__", watched)
        whole()
    assert moved.index(True) == 15, "half of 30 steps"
    for stop_after in (5, 20):  # while it was closed, and after
        path = tmp_path / f"{stop_after}.safetensors"
        with pytest.raises(Interrupted):
            toy_fit(path, recipe=recipe, with_trunk=True, stop_after=stop_after)()
        resumed = toy_fit(path, recipe=recipe, with_trunk=True)
        resumed()
        assert digest(resumed.model) == digest(whole.model)
    at_once = toy_fit(recipe=recipe.model_copy(update={"gradual": False}), with_trunk=True)
    at_once()
    assert digest(at_once.model) != digest(whole.model)


def test_a_loss_that_is_no_number_ends_the_run_as_diverged() -> None:
    fit = toy_fit(recipe=RECIPE.model_copy(update={"learning_rate": 1e30}))
    fit()
    assert fit.diverged
    assert not math.isfinite(fit.history[-1].validation_loss)
    assert len(fit.history) < 3, "it does not go on to the end"


def test_batches_are_a_function_of_the_step() -> None:
    fit = toy_fit()
    assert isinstance(fit.feed, feeds.ImageFeed)
    later, again = fit.feed.batch(5), fit.feed.batch(5)
    other = fit.feed.batch(6)
    assert isinstance(later, Batch)
    assert torch.equal(later.images, again.images)
    assert not torch.equal(later.labels, other.labels) or not torch.equal(later.images, other.images)


def test_an_epoch_takes_every_image_once() -> None:
    order = feeds.Order(TOOLS, 64, 8, seed=3)
    seen = torch.cat([order.indices(step) for step in range(8)])
    assert seen.sort().values.tolist() == list(range(64))
    second = torch.cat([order.indices(step) for step in range(8, 16)])
    assert second.tolist() != seen.tolist()


def test_a_busy_stranger_beside_a_training_is_its_foreign_load(stranger: psutil.Process):
    fit = toy_fit(steps=400)
    before = sum(stranger.cpu_times()[:2])
    fit()
    burnt = sum(stranger.cpu_times()[:2]) - before
    assert burnt > 0.1, "the stranger did not run at all"
    foreign, seconds = fit.clock.known_foreign_seconds("training"), fit.clock.seconds("training")
    assert foreign is not None
    # The looks at validation, meanwhile which it burns on, are not training; ticks are a hundredth of a second.
    assert 0.7 * burnt - 0.1 <= foreign <= seconds * psutil.cpu_count() + 0.5


class TestDiverged:
    """The loss is no number any more: the run ends, says why, and the last checkpoint of before stays."""

    def test_the_cause_is_told(self) -> None:
        fit = toy_fit(recipe=RECIPE.model_copy(update={"learning_rate": 1e30}))
        fit()
        assert re.fullmatch("the (training loss|loss on validation images) was no number by step [12]", fit.cause)

    def test_a_validation_loss_alone_is_named_as_such(self) -> None:
        fit = toy_fit()
        fit.validate = lambda: loop.Validation(math.nan)
        fit()
        assert fit.cause == f"the loss on validation images was no number by step {fit.plan.evaluation_steps[0]}"

    def test_no_checkpoint_is_written_of_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
        fit = toy_fit(tmp_path / "checkpoint.safetensors", steps=30)
        model = fit.model

        class Poisoned(feeds.ImageFeed):
            def loss(self, step: int) -> torch.Tensor:
                found = super().loss(step)
                return found * math.nan if step >= 5 else found

        fit.feed.__class__ = Poisoned
        fit()
        assert fit.diverged
        assert fit.cause == "the training loss was no number by step 6"
        kept = checkpoints.read_checkpoint(tmp_path / "checkpoint.safetensors")
        assert kept.card.step == 5
        assert all(tensor.isfinite().all() for name, tensor in kept.tensors.items() if name.startswith("model."))
        assert not all(parameter.isfinite().all() for parameter in model.parameters())

    def test_it_trained_as_far_as_it_came(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also where a checkpoint finds it, before the first look of all: a plan is no work."""
        monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
        fit = toy_fit(tmp_path / "checkpoint.safetensors", steps=400)
        fit.plan = fit.plan.model_copy(update={"evaluation_steps": (400,)})

        class Poisoned(feeds.ImageFeed):
            def loss(self, step: int) -> torch.Tensor:
                return super().loss(step) * (math.nan if step >= 5 else 1)

        fit.feed.__class__ = Poisoned
        fit()
        assert fit.diverged
        assert not fit.history
        assert fit.segments[-1].last_step == 6
        assert fit.images_trained_on == 6 * 8

    def test_the_broken_parts_are_named(self) -> None:
        fit = toy_fit()
        fit._give_up(7, math.nan, {"objectness": 0.1, "classes": math.nan, "boxes": math.inf})
        assert fit.cause == "the classes and the boxes loss was no number by step 7"
