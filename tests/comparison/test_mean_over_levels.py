"""The mean over levels of a context: known exactly, paired over the same images, and no surer than these are many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import UsageError
from eyechart.comparison.mean_over_levels import compare_means
from eyechart.comparison.uncertainty import mean_interval
from eyechart.files.storage import PREDICTIONS_FILE
from tests.comparison.fake_verdicts import NUM_ITEMS, made_up_run, made_up_study, right_but_for, verdict_of


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def levels(home: Path, wrong: list[dict[str, range]], seeds: tuple[int, ...] = (0,)) -> list[list[Path]]:
    """A level for each dict: contender -> the items that it gets wrong."""
    return [
        [
            made_up_run(home / f"level-{place}", name, seed, right_but_for(items))
            for name, items in each.items()
            for seed in seeds
        ]
        for place, each in enumerate(wrong)
    ]


def accuracy_of(comparison, name: str):
    (found,) = [each for each in comparison.summaries if (each.contender, each.metric) == (name, "accuracy")]
    return found


def test_the_mean_is_that_of_the_levels(tmp_path: Path) -> None:
    found = compare_means(
        levels(tmp_path, [{"cnn": range(40), "vit": range(80)}, {"cnn": range(20), "vit": range(300, 400)}])
    )
    assert found.contenders == ("cnn", "vit")
    assert accuracy_of(found, "cnn").mean == pytest.approx(1 - 30 / NUM_ITEMS)
    assert accuracy_of(found, "vit").mean == pytest.approx(1 - 90 / NUM_ITEMS)
    verdict = verdict_of(found, "cnn", "vit")
    assert (verdict.first, verdict.kind, verdict.scope) == ("cnn", "better", "these runs")
    assert verdict.difference == pytest.approx(60 / NUM_ITEMS)
    assert verdict.mcnemar_p is verdict.mcnemar_holm_p is None, "an image is no longer right or wrong"
    assert {each.metric for each in found.verdicts} == {"accuracy", "loss"}


def test_copies_of_an_image_are_no_new_images(tmp_path: Path) -> None:
    """Eleven levels with the same wrong answers say as little as one; answered independently they would say more."""
    same = {"cnn": range(20), "vit": range(20, 46)}
    one, eleven = compare_means(levels(tmp_path / "one", [same])), compare_means(levels(tmp_path / "11", [same] * 11))
    for name in ("cnn", "vit"):
        width = [accuracy_of(each, name).high - accuracy_of(each, name).low for each in (one, eleven)]
        assert width[0] == pytest.approx(width[1], rel=0.01)
    assert verdict_of(one, "cnn", "vit").kind == verdict_of(eleven, "cnn", "vit").kind == "too few runs"
    spread = [{"cnn": range(k * 20, k * 20 + 20), "vit": range(k * 26, k * 26 + 26)} for k in range(11)]
    independent = compare_means(levels(tmp_path / "spread", spread))
    assert accuracy_of(independent, "cnn").high - accuracy_of(independent, "cnn").low < 0.6 * width[0]


def test_the_interval_of_one_seed_is_that_of_the_images(tmp_path: Path) -> None:
    cnn = accuracy_of(compare_means(levels(tmp_path, [{"cnn": range(40), "vit": range(80)}])), "cnn")
    error = 1.96 * np.sqrt(0.9 * 0.1 / NUM_ITEMS)
    assert (cnn.low, cnn.high) == pytest.approx((0.9 - error, 0.9 + error), abs=0.004)


def test_nine_seeds_show_what_is_true_of_architectures(tmp_path: Path) -> None:
    seeds = tuple(range(9))
    studies = [made_up_study(tmp_path / f"{k}", {"cnn": 0.05, "vit": 0.10, "alexnet": 0.10}, seeds) for k in range(2)]
    # The second level repeats the first one's answers; that pairs it and adds nothing.
    found = compare_means(studies)
    assert verdict_of(found, "cnn", "vit").kind == "better"
    assert verdict_of(found, "cnn", "vit").scope == "architectures"
    assert verdict_of(found, "vit", "alexnet").kind == "not shown"
    assert accuracy_of(found, "cnn").low == pytest.approx(mean_interval(accuracy_of(found, "cnn").values)[0])
    assert [family.test for family in found.families] == ["friedman", "friedman"]


def test_some_of_the_images(tmp_path: Path) -> None:
    chosen = np.arange(100)
    found = compare_means(levels(tmp_path, [{"cnn": range(40), "vit": range(80)}]), chosen)
    assert found.num_items == 100
    assert accuracy_of(found, "cnn").mean == pytest.approx(0.6)
    assert accuracy_of(found, "vit").mean == pytest.approx(0.2)


def test_runs_that_a_level_lacks_are_left_out(tmp_path: Path) -> None:
    both = levels(tmp_path, [{"cnn": range(40), "vit": range(80)}, {"cnn": range(20)}])
    assert compare_means(both).contenders == ("cnn",)
    with pytest.raises(UsageError, match="No run has answers at all of 2 levels"):
        compare_means([both[0][1:], both[1]])


def test_without_answers_the_scores_are_left(tmp_path: Path) -> None:
    both = levels(tmp_path, [{"cnn": range(40), "vit": range(80)}, {"cnn": range(20), "vit": range(60)}])
    (both[1][0] / PREDICTIONS_FILE).unlink()
    found = compare_means(both)
    assert accuracy_of(found, "cnn").mean == pytest.approx(1 - 30 / NUM_ITEMS)
    assert accuracy_of(found, "cnn").low is None
    assert verdict_of(found, "cnn", "vit").kind == "too few runs"
