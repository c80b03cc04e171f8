"""Runs that are broken on purpose: real, tiny trainings through the real runner, each with one fault, each caught.

The healthy twin of them all raises no alarm and breaks no rule.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from eyechart.base.errors import UnfairComparison
from eyechart.comparison.findings import find, refuse
from eyechart.data.content import parts_sha256
from eyechart.evaluation import cost
from eyechart.launch.driver import in_turn
from eyechart.runner import contender
from eyechart.runner import run as runner
from eyechart.schema import Budget, Finding, Job, RunRecord
from eyechart.schema.contracts import Dataset, LabelledImages, Reporter
from eyechart.study import plan as plans
from eyechart.study import study
from eyechart.words.findings import sentence

STEPS = 60
SMALL = {"batch_size": 32, "options": {"first_maps": 8, "last_maps": 32, "logit_scale": 0.25}}

Change = Callable[[Dataset], Dataset]


@pytest.fixture(autouse=True)
def _brief_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run costs is not the question here."""
    monkeypatch.setattr(cost, "MATMUL_SIZES", (512,))
    monkeypatch.setattr(cost, "MATMUL_SECONDS", 0.02)
    monkeypatch.setattr(cost, "LATENCY_SECONDS", 0.05)


@pytest.fixture
def use_data(small_mnist: Dataset, monkeypatch: pytest.MonkeyPatch) -> Callable[[Change], None]:
    """Let runs load a changed copy of the small MNIST."""

    def use(change: Change) -> None:
        changed = change(small_mnist)
        digest = parts_sha256(changed.train, changed.validation, changed.test)
        card = changed.card.model_copy(update={"content_sha256": digest})
        changed = dataclasses.replace(changed, card=card)
        monkeypatch.setattr(contender.catalog, "load_dataset", lambda *args, **options: changed)

    use(lambda dataset: dataset)
    return use


@pytest.fixture
def use_model(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], None]], None]:
    """Let `spoil` change every model that is built."""

    def use(spoil: Callable[[Any], None]) -> None:
        build = contender.architectures.build_model

        def build_spoiled(*args: Any) -> nn.Module:
            model: nn.Module = build(*args)
            spoil(model)
            return model

        monkeypatch.setattr(contender.architectures, "build_model", build_spoiled)

    return use


def train(folder: Path, *, contender: str = "", seed: int = 0, steps: int = STEPS, data: str = "mnist",
          threads: int = 1, changes: dict[str, Any] | None = None) -> tuple[Path, RunRecord]:  # fmt: skip
    """One run of a contender, else of the small cnn; its folder and its record."""
    changed = (changes or {}) if contender else SMALL | (changes or {})
    record = plans.plan_study(
        [contender or "cnn"], data, "smoke", [seed], changes=changed, num_threads=threads, fraction=1.0,
        budget=Budget(unit="steps", amount=steps), validation_fraction=0.2, num_evaluations=6,
    )  # fmt: skip
    (job,) = plans.jobs_of(record, folder)
    return Path(job.folder), runner.run_contender(job, lambda progress: None, lambda: None)


def grave(*folders: Path) -> dict[str, Finding]:
    """Alarms and broken rules by code; each can be said in both languages."""
    findings = find(list(folders))
    for finding in findings:
        assert sentence(finding, "en") != sentence(finding, "fr")
    return {finding.code: finding for finding in findings if finding.kind != "note"}


def refuse_to_launch(job: Job, report: Reporter) -> None:
    raise AssertionError(f"{job.run} was trained again")


# --------------------------------------------------------------------------------------------- the healthy twin


@pytest.mark.usefixtures("use_data")
def test_healthy_runs_raise_nothing(tmp_path: Path) -> None:
    folders = [train(tmp_path, seed=seed)[0] for seed in (0, 1)]
    assert grave(*folders) == {}
    refuse(find(folders))


@pytest.mark.usefixtures("use_data")
def test_a_smoke_run_that_is_still_at_chance_raises_nothing(tmp_path: Path) -> None:
    folder, record = train(tmp_path, steps=2, changes={"learning_rate": 1e-6})
    assert record.test.accuracy < 0.3, "it has not learned anything"
    assert grave(folder) == {}
    assert "barely-trained" in [finding.code for finding in find([folder])]


# --------------------------------------------------------------------------------------------- models


class Constant(nn.Module):
    """Answers the same for every image, whatever its network says."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.logits = nn.Parameter(torch.zeros(10))

    def forward(self, images: Tensor) -> Tensor:
        return 0 * self.network(images) + self.logits


@pytest.mark.usefixtures("use_data")
def test_a_constant_model(tmp_path: Path, use_model: Any) -> None:
    use_model(lambda model: setattr(model, "network", Constant(model.network)))
    folder, record = train(tmp_path)
    found = grave(folder)
    assert set(found) == {"constant-answers", "loss-at-chance"}
    facts = found["constant-answers"].facts
    answer = record.dataset.classes.index(str(facts["class"]))
    share = record.test.per_class.support[answer] / record.test.num_items
    assert facts["accuracy"] == pytest.approx(share)
    assert facts["class_f1"] == pytest.approx(2 * share / (1 + share)), "its precision is its share, its recall 1"
    assert facts["weighted_f1"] == pytest.approx(share * 2 * share / (1 + share))


@pytest.mark.usefixtures("use_data")
def test_a_softmax_before_the_cross_entropy(tmp_path: Path, use_model: Any) -> None:
    use_model(lambda model: setattr(model, "network", nn.Sequential(model.network, nn.Softmax(dim=1))))
    folder, record = train(tmp_path, steps=4 * STEPS)
    assert record.test.raw_loss > 1.461
    found = grave(folder)
    assert set(found) == {"softmax-twice"}
    assert found["softmax-twice"].facts["cap"] == pytest.approx(0.2320, abs=1e-4)
    assert found["softmax-twice"].facts["floor"] == pytest.approx(1.461, abs=1e-3)


@pytest.mark.usefixtures("use_data")
def test_a_softmax_in_the_loss_alone(tmp_path: Path, use_model: Any) -> None:
    def spoil(model: Any) -> None:
        model._loss_of = lambda logits, labels: cross_entropy(logits.softmax(dim=1), labels)

    use_model(spoil)
    folder, record = train(tmp_path, steps=4 * STEPS)
    assert record.validation.accuracy > 0.9, "what it answers is fine"
    assert set(grave(folder)) == {"loss-at-floor"}


@pytest.mark.usefixtures("use_data")
def test_a_loss_of_exactly_nothing(tmp_path: Path, use_model: Any) -> None:
    def spoil(model: Any) -> None:
        model._loss_of = lambda logits, labels: 0 * logits.sum()

    use_model(spoil)
    folder, _ = train(tmp_path, steps=4)
    assert grave(folder)["loss-zero"].facts == {"part": "train", "loss": 0.0}


@pytest.mark.usefixtures("use_data")
def test_a_run_that_diverges_is_kept_and_counted(tmp_path: Path) -> None:
    folder, record = train(tmp_path, changes={"learning_rate": 1e12})
    assert record.status == "diverged"
    assert set(grave(folder)) == {"diverged"}
    again = plans.plan_study(["cnn"], preset="smoke")
    study.run_study(again, tmp_path, lambda progress: None, launch=in_turn(refuse_to_launch))  # nothing is left to do


@pytest.mark.usefixtures("use_data")
def test_a_head_on_features_that_mean_nothing(tmp_path: Path) -> None:
    """Weights of a file that says nothing of its pixels, of which a head alone is trained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk = torchvision.models.alexnet().features.state_dict()
    save_file({f"features.{name}": tensor for name, tensor in trunk.items()}, tmp_path / "w.safetensors")
    folder, record = train(
        tmp_path, contender=f"alexnet:{tmp_path}/w.safetensors:head", changes={"learning_rate": 1e-3}
    )
    found = grave(folder)
    assert set(found) == {"head-too-little", "unknown-pixels"}
    facts = found["head-too-little"].facts
    assert facts["loss"] == record.history[-1].train_loss
    assert facts["share"] == record.cost.num_trainable / record.cost.num_parameters
    assert found["unknown-pixels"].facts["mean"] == record.preprocessing.mean[0]
    assert "w.safetensors, a file does not say" in sentence(found["unknown-pixels"], "en")


# --------------------------------------------------------------------------------------------- data


def test_shuffled_labels(tmp_path: Path, use_data: Any) -> None:
    def shuffle(dataset: Dataset) -> Dataset:
        labels = np.random.default_rng(0).permutation(dataset.train.labels)
        return dataclasses.replace(dataset, train=LabelledImages(dataset.train.images, labels))

    use_data(shuffle)
    folder, _ = train(tmp_path)
    found = set(grave(folder))
    assert found
    assert found <= {"loss-at-chance", "memorised", "constant-answers"}


def test_class_ids_that_were_mixed_up(tmp_path: Path, use_data: Any) -> None:
    use_data(
        lambda dataset: dataclasses.replace(
            dataset, test=LabelledImages(dataset.test.images, (dataset.test.labels + 1) % 10)
        )
    )
    folder, _ = train(tmp_path)
    assert {"renamed-classes", "validation-above-test"} <= set(grave(folder))


def test_the_test_part_as_validation(tmp_path: Path, use_data: Any) -> None:
    use_data(lambda dataset: dataclasses.replace(dataset, validation=dataset.test))
    folder, record = train(tmp_path)
    assert record.splits.validation_sha256 == record.splits.test_sha256
    found = grave(folder)
    assert set(found) == {"test-as-validation"}
    assert (found["test-as-validation"].facts["first"], found["test-as-validation"].facts["second"]) == (
        "validation",
        "test",
    )


def test_a_test_part_inside_the_train_part(tmp_path: Path, use_data: Any) -> None:
    use_data(
        lambda dataset: dataclasses.replace(dataset, test=dataset.train.subset(np.arange(150)), validation=dataset.test)
    )
    folder, _ = train(tmp_path)
    assert "test-as-validation" in grave(folder)


def picture_folder(root: Path, classes: dict[str, tuple[int, int]]) -> Path:
    """An image folder of noise: for each class so many train and test pictures, all different."""
    random = np.random.default_rng(0)
    for name, amounts in classes.items():
        for part, amount in zip(("train", "test"), amounts, strict=True):
            (root / part / name).mkdir(parents=True)
            for number in range(amount):
                pixels = random.integers(0, 256, (12, 12), dtype=np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{number}.png")
    return root


def test_a_duplicate_across_splits(tmp_path: Path) -> None:
    root = picture_folder(tmp_path / "pictures", {"cat": (20, 5), "dog": (20, 5)})
    copy = root / "test" / "cat" / "copy.png"
    copy.write_bytes((root / "train" / "dog" / "3.png").read_bytes())
    folder, record = train(tmp_path / "runs", data=str(root), steps=2)
    assert record.splits.num_shared is not None
    assert sum(record.splits.num_shared.values()) == 1
    found = grave(folder)
    assert set(found) == {"shared-pictures"}
    assert found["shared-pictures"].facts["shared"] == 1
    copy.unlink()
    healthy, _ = train(tmp_path / "healthy", data=str(root), steps=2)
    assert grave(healthy) == {}


def test_a_split_that_lacks_a_class(tmp_path: Path) -> None:
    root = picture_folder(tmp_path / "pictures", {"cat": (20, 5), "dog": (20, 5), "emu": (20, 0)})
    folder, _ = train(tmp_path / "runs", data=str(root), steps=2)
    found = grave(folder)
    assert set(found) == {"missing-classes"}
    assert found["missing-classes"].facts == {"part": "test", "classes": "emu", "number": 1}


def test_a_class_on_whose_pictures_nothing_is_to_be_seen(tmp_path: Path) -> None:
    root = picture_folder(tmp_path / "pictures", {"cat": (20, 5), "dog": (20, 5)})
    for part in ("train", "test"):
        for picture in (root / part / "dog").iterdir():
            Image.new("L", (16, 16), 255).save(picture)
    folder, record = train(tmp_path / "runs", data=str(root), steps=2)
    assert record.splits.plain_classes == {"train": ("dog",), "validation": ("dog",), "test": ("dog",)}
    assert grave(folder)["plain-classes"].facts == {"part": "train", "classes": "dog", "number": 1}


# --------------------------------------------------------------------------------------------- rules


@pytest.mark.usefixtures("use_data")
def test_other_threads(tmp_path: Path) -> None:
    folders = [train(tmp_path, seed=seed, steps=2, threads=threads)[0] for seed, threads in ((0, 1), (1, 1), (2, 2))]
    found = grave(*folders)
    assert set(found) == {"other-threads"}
    assert found["other-threads"].runs == ("cnn-s2",)
    assert found["other-threads"].facts == {"usual": "1", "other": "2"}


@pytest.mark.usefixtures("use_data")
def test_a_second_look_at_the_test_part_is_counted_and_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train_only = runner.train

    def peek_afterwards(*inputs: Any) -> Any:
        trained = train_only(*inputs)
        trained.contender.splits.test.open()
        return trained

    monkeypatch.setattr(runner, "train", peek_afterwards)
    folder, record = train(tmp_path, steps=2)
    assert record.test_accesses == 2
    assert set(grave(folder)) == {"test-accesses"}
    with pytest.raises(UnfairComparison, match=r"What speaks against this comparison \(1\)") as caught:
        refuse(find([folder]))
    assert "cnn: the test images were not opened exactly once (up to 2 times)" in str(caught.value)
    assert caught.value.exit_code == 1
