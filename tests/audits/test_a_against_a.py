"""Contenders that are alike, and those that are not: the audit of verdicts can tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audits import a_against_a, made_up
from eyechart.files.storage import read_run
from tests.report.fake_runs import Fake, fake_study


def test_made_up_answers_are_as_different_as_their_skills() -> None:
    random = np.random.default_rng(0)
    right = made_up.right_answers(random, 2, 8, seed_spread=0.0, num_items=4000)
    assert right.shape == (2, 8, 4000)
    assert 0.95 < right.mean() < 0.99
    assert right.mean(axis=2).std() < 0.004, "without a spread over seeds only the items vary"
    wide = made_up.right_answers(random, 2, 8, seed_spread=1.0, num_items=4000)
    assert wide.mean(axis=2).std() > 0.008


def test_a_contender_that_is_worse_is_found_out() -> None:
    right = made_up.right_answers(np.random.default_rng(1), 2, 10)
    right[1, :, :30] = False
    (verdict,) = made_up.verdicts_on(right)
    assert (verdict.kind, verdict.first) == ("better", "contender 0")
    assert verdict.difference == pytest.approx(right[0].mean() - right[1].mean())


def test_looking_after_every_seed_flags_what_differs_and_little_else() -> None:
    assert made_up.num_flagged_when_looking(4, num_contenders=2, most_seeds=7).flagged == 0
    right = made_up.right_answers(np.random.default_rng(1), 2, 10)
    right[1, :, :30] = False
    (verdict,) = made_up.verdicts_on(right[:, :9], most_seeds=10)
    assert (verdict.kind, verdict.most_seeds) == ("better", 10)
    assert verdict.p_value == pytest.approx(22 / 1024), "as if the tenth seed had turned against it"
    (early,) = made_up.verdicts_on(right[:, :6], most_seeds=10)
    assert (early.kind, early.is_open) == ("not shown", True)


def test_groups_of_runs_stand_as_two_contenders(tmp_path: Path) -> None:
    folders = fake_study(tmp_path / "pool", {"cnn": Fake(0.05, 10, 0.1)}, tuple(range(6)), num_items=300)
    pool = [(folder, read_run(folder)) for folder in folders]
    comparison = a_against_a.compared(pool[:3], pool[3:], tmp_path / "pair")
    assert set(comparison.contenders) == set(a_against_a.NAMES)
    first = next(one for one in comparison.summaries if one.contender == "first" and one.metric == "accuracy")
    assert first.values == tuple(run.test.accuracy for _, run in pool[:3])
    (verdict,) = a_against_a.of_accuracy(comparison)
    assert verdict.num_seeds == 3
    assert verdict.mcnemar_p is not None, "the answers to every item were read"
    again = a_against_a.compared(pool[3:], pool[:3], tmp_path / "pair")
    assert a_against_a.of_accuracy(again)[0].difference == verdict.difference


def test_what_is_called_better_is_counted_by_metric(tmp_path: Path) -> None:
    fakes = {"cnn": Fake(0.02, 10, 0.1), "vit": Fake(0.3, 10, 0.1)}
    folders = fake_study(tmp_path / "pool", fakes, tuple(range(6)), num_items=300)
    pool = [(folder, read_run(folder)) for folder in folders]
    different = a_against_a.compared(pool[:6], pool[6:], tmp_path / "pair")
    counted = a_against_a.better_by_metric([different, different])
    assert counted["accuracy"] == 2
    assert a_against_a.better_by_metric([]) == {"accuracy": 0}
