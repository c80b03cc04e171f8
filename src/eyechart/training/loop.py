"""The training loop: plain PyTorch, no test part in sight.

Inside the training clock: asking for a batch, augmenting, forward, backward, optimizer step, and filling the cache of
frozen stages.  Outside: validation, checkpoints, progress.  Within a step nothing waits for the device.
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from eyechart.base.clock import Clock, now_text
from eyechart.base.errors import Interrupted
from eyechart.schema import HistoryPoint, Plan, Recipe, Segment
from eyechart.schema.contracts import NamesLosses, Progress
from eyechart.training import checkpoint as checkpoints
from eyechart.training.feeds import Feed
from eyechart.training.optimizers import build_optimizer, open_groups
from eyechart.training.pacing import Pacer
from eyechart.training.schedule import learning_rates, schedule_shares
from eyechart.training.step import Step
from eyechart.training.together import ALONE, Alone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyechart.schema.contracts import Reporter

CHECKPOINT_SECONDS = 60.0  # of training between two checkpoints
PROGRESS_SECONDS = 0.5  # between two signs of life; each one waits for the device


class Validation(NamedTuple):
    """What a look at the validation part gives."""

    loss: float  # negative log-likelihood, or on scenes the objective
    accuracy: float | None = None  # None: scenes
    objective: float | None = None  # a detector's own loss
    losses: dict[str, float] = {}  # noqa: RUF012 (never changed): what the objective is the sum of
    map: float | None = None  # of the boxes, on scenes


@dataclass
class Fit:
    """One training under way: everything that the loop needs, and its history.

    `validate` measures the model on the validation part; `stop_signal` gives the number of a signal that asked to
    stop, or None; `path` is where checkpoints go, None for none.
    """

    model: nn.Module
    feed: Feed
    recipe: Recipe
    plan: Plan
    trunk: Sequence[Sequence[nn.Parameter]]
    device: torch.device
    clock: Clock
    validate: Callable[[], Validation]
    run: str = ""
    fingerprint: str = ""
    path: Path | None = None
    num_at_once: int = 1  # as a segment has it
    report: Reporter = lambda progress: None
    stop_signal: Callable[[], int | None] = lambda: None
    group: Alone = ALONE  # the processes that train together
    history: list[HistoryPoint] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    diverged: bool = False
    cause: str = ""  # of having diverged
    _last_checkpoint: float = 0.0
    _last_progress: float = 0.0
    _loss: torch.Tensor | None = None  # of the last step, on the device
    _num_summed: int = 0  # steps since the last look
    _gave_up_at: int = 0  # the step, of what diverged
    _damage: str = ""  # of the newest checkpoint, where this went on from an earlier one

    def __call__(self) -> None:
        """Train to the last step of the plan, or until the loss is no number.

        Raises Interrupted, after saving, when asked to stop.
        """
        optimizer = build_optimizer(self.model, self.recipe, self.trunk, self.device)
        self._loss_sum = torch.zeros((), device=self.device)  # over these steps
        self._part_sums = torch.zeros(len(self._loss_names), device=self.device)
        step = self._resume(optimizer)
        self._started_at = now_text()
        self._first_step, self._seconds_before = step, self.clock.seconds("training")
        self._last_checkpoint = time.monotonic()
        with self.clock.section("training"):
            # The clock that is restored has paid for it once.
            with self.clock.section("preparation") if step else contextlib.nullcontext():
                self.feed.prepare(self._while_preparing)
            self._steps(step, optimizer)
        self.plan = self.plan.model_copy(update={"pacing_shares": ()})  # what is repeated looks at no clock
        self.segments.append(self._segment(self._last_step))

    @property
    def images_trained_on(self) -> int:
        """Images that training has seen, repetitions included."""
        return self._last_step * self.plan.batch_size

    @property
    def _last_step(self) -> int:
        return self._gave_up_at if self.diverged else self.plan.num_steps

    def _while_preparing(self, share: float) -> None:
        signal_number = self.stop_signal()
        caches = self.plan.num_cached_images > 0  # else images are moved to the device
        if signal_number:  # nothing was trained since the last checkpoint, so there is nothing to save
            what = "its frozen stages were being cached" if caches else "its images were being moved to the device"
            raise Interrupted(f"Stopped {self.run} while {what}.", signal_number)
        now = time.monotonic()
        if now - self._last_progress < PROGRESS_SECONDS:
            return
        self._last_progress = now
        seconds = self.clock.seconds("training")
        left = (seconds - self._seconds_before) * (1 - share) / share
        if caches:
            done = round(share * self.plan.num_cached_images)
            self._tell(Progress(self.run, "caching", done, self.plan.num_cached_images, seconds_left=left))
        else:
            self._tell(Progress(self.run, "preparing", seconds_left=left))

    def _steps(self, first_step: int, optimizer: torch.optim.Optimizer) -> None:
        rates, shares = self._rates()
        pacer = Pacer(self.clock)
        one = Step(self.feed, optimizer, self.recipe.clip_norm)
        self.model.train()
        step = first_step
        while step < self.plan.num_steps:
            rate = rates[step]
            if self.recipe.gradual:
                open_groups(optimizer, shares[step])
            self._loss = self.group.mean(one(step, rate))
            step += 1
            self._loss_sum += self._loss
            if (parts := self.feed.parts) is not None:
                self._part_sums += self.group.mean(parts)
            self._num_summed += 1
            if (laid_out := pacer(self.plan, step)) is not self.plan:
                self.plan = laid_out
                rates, shares = self._rates()
            self._sign_of_life(step)
            if step in self.plan.evaluation_steps:
                self._look(step, rate)
            if not self.diverged:
                self._save_or_stop(step, optimizer)
            if self.diverged:
                return

    def _rates(self) -> tuple[list[float], list[float]]:
        """Of every step: its learning rate, and for gradual recipes how much of the schedule lies before it."""
        given = self.plan.num_steps, self.plan.stretches
        return learning_rates(self.recipe, *given), schedule_shares(*given) if self.recipe.gradual else []

    def _look(self, step: int, rate: float) -> None:
        """Measure validation; the training clock stands still meanwhile."""
        train_loss = float(self._loss_sum) / self._num_summed
        train_losses = self._mean_parts()
        self._loss_sum.zero_()
        self._part_sums.zero_()
        self._num_summed = 0
        with self.clock.section("evaluation"):
            validation = self.group.of_first(self.validate)
        self.model.train()
        if not (math.isfinite(train_loss) and math.isfinite(validation.loss)):
            self._give_up(step, train_loss, train_losses)
        images_seen = step * self.plan.batch_size
        self.history.append(
            HistoryPoint(
                step=step,
                images_seen=images_seen,
                epoch=images_seen / self.plan.num_train_images,
                training_seconds=self.clock.seconds("training"),
                learning_rate=rate,
                train_loss=train_loss,
                validation_loss=validation.loss,
                validation_accuracy=validation.accuracy,
                validation_objective=validation.objective,
                validation_map=validation.map,
                train_losses=train_losses,
                validation_losses=validation.losses,
            )
        )
        self._sign_of_life(step, at_once=True)

    @property
    def _loss_names(self) -> tuple[str, ...]:
        return self.model.loss_names if isinstance(self.model, NamesLosses) else ()

    def _mean_parts(self) -> dict[str, float]:
        """What the training loss since the last look is the sum of; empty where the model does not name it."""
        means = self._part_sums / max(1, self._num_summed)
        return dict(zip(self._loss_names, means.tolist(), strict=True))

    def _give_up(self, step: int, train_loss: float, parts: dict[str, float]) -> None:
        """The loss is no number any more; the last checkpoint, of when it was one, stays."""
        self.diverged, self._gave_up_at = True, step
        broken = [name for name, value in parts.items() if not math.isfinite(value)]
        what = f"the {' and the '.join(broken)} loss" if broken else "the training loss"
        if math.isfinite(train_loss):
            what = "the loss on validation images"
        self.cause = f"{what} was no number by step {step}"

    # ------------------------------------------------------------------------------------- saving and resuming

    def _save_or_stop(self, step: int, optimizer: torch.optim.Optimizer) -> None:
        due = step < self.plan.num_steps and time.monotonic() - self._last_checkpoint > CHECKPOINT_SECONDS
        signal_number, due = self.group.agree(step, self.stop_signal(), due)
        if self.path is None or not (due or signal_number):
            return
        if not math.isfinite(float(self._loss_sum)):
            self._give_up(step, math.nan, self._mean_parts())
            return
        with self.clock.section("checkpoint"):
            segments = (*self.segments, self._segment(step))
            card = checkpoints.CheckpointCard(
                version=checkpoints.VERSION,
                step=step,
                plan=self.plan,
                fingerprint=self.fingerprint,
                history=tuple(self.history),
                loss_sum=float(self._loss_sum),
                part_sums=tuple(self._part_sums.tolist()),
                num_summed=self._num_summed,
                segments=segments,
                clock_seconds=self.clock.all_seconds(),
                clock_cpu_seconds=self.clock.all_cpu_seconds(),
                clock_foreign_cpu_seconds=self.clock.all_foreign_cpu_seconds(),
            )
            if self.group.is_first:
                checkpoints.save_checkpoint(self.path, card, self.model, optimizer)
        self._last_checkpoint = time.monotonic()
        if signal_number:
            raise Interrupted(
                f"Stopped {self.run} at step {step} of {self.plan.num_steps}; all of it is saved.", signal_number
            )

    def _resume(self, optimizer: torch.optim.Optimizer) -> int:
        """Continue from the newest whole checkpoint if there is one; the number of steps already done."""
        checkpoint = checkpoints.newest_checkpoint(self.path) if self.path else None
        if checkpoint is None:
            return 0
        if self.path and checkpoint.damage:
            self._damage = checkpoint.damage
            note = f"{self.run} goes on from step {checkpoint.card.step}, the checkpoint before. {checkpoint.damage}"
            self.report(Progress(self.run, "preparing", note=note))
            if self.group.is_first:  # else it would become the previous one, and push out the one that is whole
                self.path.unlink(missing_ok=True)
        checkpoints.restore(checkpoint, self.model, optimizer)
        card = checkpoint.card
        self.history[:] = card.history
        self.segments[:] = card.segments
        self._loss_sum.fill_(card.loss_sum)
        if card.part_sums:
            self._part_sums.copy_(torch.tensor(card.part_sums))
        self._num_summed = card.num_summed
        self.clock.restore(card.clock_seconds, card.clock_cpu_seconds, card.clock_foreign_cpu_seconds)
        return card.step

    def _segment(self, step: int) -> Segment:
        seconds = self.clock.seconds("training") - self._seconds_before
        return Segment(
            started_at=self._started_at, first_step=self._first_step, last_step=step, training_seconds=seconds,
            num_at_once=self.num_at_once, damaged_checkpoint=self._damage,
        )  # fmt: skip

    # ------------------------------------------------------------------------------------- signs of life

    def _sign_of_life(self, step: int, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once and now - self._last_progress < PROGRESS_SECONDS:
            return
        self._last_progress = now
        seconds = self.clock.seconds("training")
        self._tell(
            Progress(
                run=self.run,
                stage="training",
                step=step,
                num_steps=self.plan.num_steps,
                loss=None if self._loss is None else float(self._loss),
                validation_mark=self.history[-1].mark if self.history else None,
                mark_name=self.history[-1].mark_name if self.history else "accuracy",
                seconds_left=seconds / step * (self.plan.num_steps - step) if step else None,
            )
        )

    def _tell(self, progress: Progress) -> None:
        """Whoever listens may keep us waiting (a stopped terminal, a full pipe), which is no training."""
        with self.clock.section("progress"):
            self.report(progress)
