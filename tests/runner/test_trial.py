"""A real trial: it trains like a run, and cannot so much as touch the test part."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyechart.data import catalog
from eyechart.files import storage
from eyechart.runner.trial import run_trial
from eyechart.schema import Budget, RunJob, TrialChoice, TrialJob, TrialRecord
from eyechart.schema.contracts import LabelledImages, SealedTest
from eyechart.study import plan as plans


class SealBrokenError(Exception):
    """Raised by the seal."""


def job_of(folder: Path, **recipe: object) -> TrialJob:
    record = plans.plan_study(["cnn"], preset="smoke", seeds=[1000], num_threads=1, device="cpu",
                              budget=Budget(unit="steps", amount=2))  # fmt: skip
    return TrialJob(
        study="t", run="cnn-t0-s1000", folder=str(folder), contender="cnn", seed=1000, rules=record.rules,
        recipe=record.recipes["cnn"].model_copy(update=recipe),
        trial=TrialChoice(number=3, settings={"learning_rate": 0.1}),
    )  # fmt: skip


@pytest.mark.parametrize(("rate", "status"), [(0.3, "finished"), (1e38, "diverged")])
def test_a_trial_never_opens_the_test_part(
    rate: float, status: str, tmp_path: Path, small_mnist: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(sealed: SealedTest) -> LabelledImages:
        raise SealBrokenError

    monkeypatch.setattr(SealedTest, "open", refuse)
    monkeypatch.setattr(catalog, "load_dataset", lambda *args, **kwargs: small_mnist)
    record = run_trial(job_of(tmp_path / "t", learning_rate=rate), lambda progress: None, lambda: None)
    assert record.test_accesses == 0
    assert (record.status, record.number, record.num_steps) == (status, 3, 2)
    assert storage.read_record(tmp_path / "t" / storage.TRIAL_FILE, TrialRecord).settings == {"learning_rate": 0.1}
    assert [path.name for path in (tmp_path / "t").iterdir()] == [storage.TRIAL_FILE], "no predictions, no weights"


def test_the_seal_is_real(tmp_path: Path, small_mnist: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seal stops a run, which does open the test part."""
    from eyechart.runner.run import run_contender

    def refuse(sealed: SealedTest) -> LabelledImages:
        raise SealBrokenError

    monkeypatch.setattr(SealedTest, "open", refuse)
    monkeypatch.setattr(catalog, "load_dataset", lambda *args, **kwargs: small_mnist)
    job = RunJob(**job_of(tmp_path / "t").model_dump(exclude={"kind", "trial"}))
    with pytest.raises(SealBrokenError):
        run_contender(job, lambda progress: None, lambda: None)
