"""Rule 3: what the seed fixes is the same for every contender, runs go one at a time, and none is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from eyechart.files import storage
from eyechart.launch.driver import in_turn
from eyechart.runner import contender
from eyechart.runner.contender import TOOLS, prepare
from eyechart.schema import Job
from eyechart.schema.contracts import Dataset, Progress, Reporter
from eyechart.study import plan as plans
from eyechart.study import study
from eyechart.training.budget import make_plan
from eyechart.training.feeds import ImageFeed, Order

CPU = torch.device("cpu")


@pytest.fixture
def jobs(small_mnist: Dataset, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, int], Job]:
    """cnn and vit with seeds 0 and 1, on the small MNIST."""
    monkeypatch.setattr(contender.catalog, "load_dataset", lambda *args, **options: small_mnist)
    record = plans.plan_study(["cnn", "vit"], preset="smoke", seeds=[0, 1], num_threads=1, fraction=0.5)
    return {(job.contender, job.seed): job for job in plans.jobs_of(record, Path("runs/x"))}


def test_contenders_share_the_images_of_a_seed_and_no_other(jobs: dict[tuple[str, int], Job]) -> None:
    cards = {key: prepare(job, CPU, lambda sentence: None).splits.card for key, job in jobs.items()}
    for seed in (0, 1):
        assert cards["cnn", seed] == cards["vit", seed]
    assert cards["cnn", 0].train_sha256 != cards["cnn", 1].train_sha256
    assert cards["cnn", 0].validation_sha256 != cards["cnn", 1].validation_sha256
    assert cards["cnn", 0].test_sha256 == cards["cnn", 1].test_sha256


def test_images_come_in_the_same_order_whatever_the_batch_size() -> None:
    small, large = Order(TOOLS, 96, 8, seed=3), Order(TOOLS, 96, 32, seed=3)
    in_small = torch.cat([small.indices(step) for step in range(24)])  # two epochs
    in_large = torch.cat([large.indices(step) for step in range(6)])
    assert torch.equal(in_small, in_large)
    assert not torch.equal(in_small[:96], in_small[96:]), "each epoch has an order of its own"
    assert not torch.equal(Order(TOOLS, 96, 8, seed=4).indices(0), small.indices(0)), "and each seed"


def test_the_same_initial_weights_for_the_same_seed(jobs: dict[tuple[str, int], Job]) -> None:
    def first(seed: int) -> torch.Tensor:
        model = prepare(jobs["cnn", seed], CPU, lambda sentence: None).model
        return torch.cat([parameter.flatten() for parameter in model.parameters()])

    assert torch.equal(first(0), first(0))
    assert not torch.equal(first(0), first(1))


def test_augmentation_is_a_function_of_seed_and_step(jobs: dict[tuple[str, int], Job]) -> None:
    def feed_of(seed: int) -> ImageFeed:
        job = jobs["cnn", seed]
        assert not job.recipe.augmentation.is_none
        contender = prepare(job, CPU, lambda sentence: None)
        feed = contender.make_feed(contender.model, make_plan(job.recipe, job.rules, len(contender.splits.train), None))
        assert isinstance(feed, ImageFeed)
        return feed

    first, again, other = feed_of(0), feed_of(0), feed_of(1)
    again.batch(7)  # what was asked for before does not matter
    assert torch.equal(first.batch(5).images, again.batch(5).images)
    assert not torch.equal(first.batch(5).images, first.batch(6).images)
    assert not torch.equal(first.batch(5).images, other.batch(5).images)


def test_the_order_of_contenders_changes_from_block_to_block() -> None:
    record = plans.plan_study(["cnn", "vit", "alexnet"], seeds=range(20), preset="smoke")
    jobs = plans.jobs_of(record, Path("runs/x"))
    assert [job.seed for job in jobs] == [seed for seed in range(20) for _ in range(3)], "blocks of one seed each"
    blocks = [tuple(job.contender for job in jobs[start : start + 3]) for start in range(0, 60, 3)]
    assert all(sorted(block) == ["alexnet", "cnn", "vit"] for block in blocks)
    assert {block[0] for block in blocks} == {"alexnet", "cnn", "vit"}, "nobody always goes first"
    assert len(set(blocks)) > 3


def test_runs_go_one_at_a_time(tmp_path: Path) -> None:
    under_way: list[str] = []

    def launch(job: Job, report: Reporter) -> None:
        assert not under_way, f"{job.run} started beside {under_way}"
        under_way.append(job.run)
        report(Progress(job.run, "training"))
        storage.write_text(Path(job.folder) / storage.RUN_FILE, "{}")
        under_way.remove(job.run)

    record = plans.plan_study(["cnn", "vit"], preset="smoke", seeds=[0, 1])
    study.run_study(record, tmp_path, lambda progress: None, launch=in_turn(launch))
    assert len(storage.find_runs([tmp_path])) == 4
