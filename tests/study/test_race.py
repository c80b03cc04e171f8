"""The end of a study: its eye test is held where it trained, and what goes wrong with that leaves the report."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from eyechart.base.errors import UsageError
from eyechart.study import race
from eyechart.study.plan import plan_study
from eyechart.study.study import Study


@pytest.fixture
def study(fake_runs: ModuleType, tmp_path: Path) -> Study:
    fake_runs.fake_study(tmp_path / "s", {"cnn": fake_runs.FIVE["cnn"]}, (0,), num_items=30)
    return Study(tmp_path / "s", plan_study("cnn", device="cpu", num_threads=3))


def test_the_eye_test_is_held_on_the_device_of_the_study(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []
    monkeypatch.setattr("eyechart.runner.exam.examine", lambda *given, **how: asked.append(how))
    race._hold_exam(study, lambda sentence: None)
    assert asked == [{"num_threads": 3, "device": "cpu"}]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "the memory is full. It may be held later: eyechart exam "),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "the memory is full"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "the memory is full"),
        (UsageError("of scenes"), "of scenes"),
    ],
)
def test_an_eye_test_that_fails_leaves_the_report(
    error: Exception, told: str, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object, **how: object) -> None:
        raise error

    monkeypatch.setattr("eyechart.runner.exam.examine", fail)
    said: list[str] = []
    race._hold_exam(study, said.append)
    assert [sentence.startswith(f"no eye test: {told}") for sentence in said] == [True]


def test_a_mistake_of_ours_is_not_hidden(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object, **how: object) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr("eyechart.runner.exam.examine", fail)
    with pytest.raises(RuntimeError, match="shapes"):
        race._hold_exam(study, lambda sentence: None)
