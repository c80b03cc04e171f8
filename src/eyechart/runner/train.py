"""From a job to a trained contender: what a run and a tuning trial have in common.

dataset -> splits -> model -> fit -> answers on validation.  Nothing in this file opens the test part.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from eyechart.base import host, seeding
from eyechart.base.clock import Clock, device_synchronise
from eyechart.base.errors import Interrupted, RunFailed
from eyechart.base.foreign_text import shown
from eyechart.catalog.zoo import packages_of
from eyechart.data.boxes import objects_on
from eyechart.evaluation import cost
from eyechart.files import generations, storage
from eyechart.inference.predictor import BATCH_SIZE, Guess
from eyechart.models import catalog as architectures
from eyechart.runner import planning
from eyechart.runner.contender import TOOLS, Contender, prepare
from eyechart.runner.fed import warning
from eyechart.schema import Host, Job, Plan
from eyechart.schema.contracts import LabelledImages, NamesLosses, Predictions, Predictor, Progress
from eyechart.scoring import detection, metrics
from eyechart.training import feeds, loop
from eyechart.training.together import ALONE, Alone

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.schema.contracts import Reporter


class Trained(NamedTuple):
    """A contender after its last step, of a run or of a trial, before anything is judged."""

    contender: Contender
    plan: Plan
    fit: loop.Fit
    clock: Clock
    host: Host
    matmul_flops_per_second: float  # before the training
    looks: Looks

    @property
    def predictor(self) -> Predictor:
        """What is judged: the network, or a guess where it diverged."""
        network = self.contender.predictor
        return Guess(self.contender.card.num_classes, network.gives_boxes) if self.fit.diverged else network

    def answers_on_validation(self) -> Predictions:
        """The last look came after the last step; a diverged run's looks are worth nothing."""
        latest = None if self.fit.diverged else self.looks.latest
        return latest or self.predictor.answer(self.contender.splits.validation.images)


def train(
    job: Job, report: Reporter, stop_signal: Callable[[], int | None], seconds_before: float, group: Alone = ALONE
) -> Trained:
    """All that a run and a trial have in common: from a job to a trained contender, the test part still sealed.

    With a `group`, in each of its processes at once; only the first one's looks at validation are kept.
    """
    device = host.select_device(job.rules.device)
    clock = Clock(device_synchronise(device))
    clock.restore({"preparation": seconds_before})
    with clock.section("preparation"):
        report(Progress(job.run, "preparing"))
        generations.sweep(Path(job.folder))
        facts = host.host_facts(device, job.rules.num_threads, packages_of(job.recipe.contender))
        say = _sayer(job.run, report, stop_signal)
        contender = group.in_order(lambda: prepare(job, device, say, group))
        if said := warning(job.contender, contender.fed):
            report(Progress(job.run, "preparing", note=said))
        plan = group.of_first(lambda: planning.plan_run(contender, report))
        feed = contender.make_feed(contender.model, plan, planning.ready_computation(contender, plan))
        matmul = cost.matmul_flops_per_second(device, dtype_of(job))
    looks = Looks(contender)
    fit = _fit(contender, plan, feed, clock, report, stop_signal, looks)
    fit()
    group.part(contender.model)
    return Trained(contender, fit.plan, fit, clock, facts, matmul, looks)


# --------------------------------------------------------------------------------------------- before the start


def _sayer(run: str, report: Reporter, stop_signal: Callable[[], int | None]) -> Callable[[str], None]:
    """Passes on what is said while a run is prepared, and stops it there when that is wished."""

    def say(sentence: str) -> None:
        report(Progress(run, "preparing", note=shown(sentence)))
        number = stop_signal()
        if number is not None:
            raise Interrupted(f"Stopped while {run} was prepared; pictures that are prepared already stay.", number)

    return say


# --------------------------------------------------------------------------------------------- training


def _fit(
    contender: Contender,
    plan: Plan,
    feed: feeds.Feed,
    clock: Clock,
    report: Reporter,
    stop_signal: Callable[[], int | None],
    looks: Looks,
) -> loop.Fit:
    job = contender.job
    return loop.Fit(
        model=contender.model,
        feed=feed,
        recipe=job.recipe,
        plan=plan,
        trunk=architectures.trunk_stages(contender.model, job.recipe) if contender.starting.tensors else [],
        device=contender.device,
        clock=clock,
        validate=looks,
        run=job.run,
        fingerprint=planning.fingerprint(contender),
        path=Path(job.folder) / storage.CHECKPOINT_FILE,
        num_at_once=job.num_at_once,
        report=report,
        stop_signal=stop_signal,
        group=contender.group,
    )


class Looks:
    """Looks at the validation part while a contender trains, and keeps what it said at the last one."""

    def __init__(self, contender: Contender):
        self._contender = contender
        self.latest: Predictions | None = None

    def __call__(self) -> loop.Validation:
        part = self._contender.splits.validation
        try:
            self.latest = self._contender.predictor.answer(part.images)
        except RunFailed:  # no numbers any more: the loop calls the run diverged
            return loop.Validation(float("nan"), None if self._contender.card.task == "detection" else 0.0)
        objective, losses = self._objective(part)
        if self._contender.card.task == "detection":
            found = detection.score_boxes(self.latest, objects_on(part))
            assert objective is not None, "only detectors train on scenes"
            return loop.Validation(objective, None, objective, losses, found.map)
        scores = metrics.score(part.labels, self.latest.probabilities)
        return loop.Validation(scores.raw_loss, scores.accuracy, objective, losses)

    def _objective(self, part: LabelledImages) -> tuple[float | None, dict[str, float]]:
        """A detector's own loss on the validation part, without augmentation, and what it is the sum of."""
        model, network = self._contender.model, self._contender.network
        if not network.needs_boxes:
            return None, {}
        model.eval()
        names = network.loss_names if isinstance(network, NamesLosses) else ()
        total, parts = 0.0, np.zeros(len(names))
        seeding.seed_everything(self._contender.job.seed, "objective")  # which regions are sampled
        with torch.no_grad():
            for start in range(0, len(part), BATCH_SIZE):
                chunk = slice(start, start + BATCH_SIZE)
                batch = feeds.as_batch(model, part, chunk, self._contender.device, TOOLS)
                if isinstance(network, NamesLosses):
                    loss, of_batch = network.losses(batch)
                    parts += of_batch.cpu().numpy() * len(batch.labels)
                else:
                    loss = network.loss(batch)
                total += float(loss) * len(batch.labels)
        return total / len(part), dict(zip(names, (parts / len(part)).tolist(), strict=True))


def dtype_of(job: Job) -> torch.dtype:
    """What matrix products are computed in."""
    return torch.bfloat16 if job.rules.precision == "bfloat16" else torch.float32
