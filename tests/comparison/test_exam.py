"""Who reads how far, from simulated readers whose thresholds are known."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.comparison.exam import Reader, level_of, read_dimension
from eyechart.data.optotypes import DIMENSIONS, as_record
from eyechart.scoring import psychometrics
from eyechart.scoring.psychometrics import Curve


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psychometrics, "NUM_DRAWS", 300)


SIZE = as_record(DIMENSIONS["size"])
HARDNESS = np.array([-np.inf if row.hardness is None else row.hardness for row in SIZE.rows])


def reader(name: str, threshold: float, seeds: int = 1, seed: int = 0, width: float = 0.06) -> Reader:
    """Items are as hard for everybody: who reads further reads the same ones and more."""
    random = np.random.default_rng(seed)
    luck = random.random((len(HARDNESS), 100))
    right = []
    for number in range(seeds):
        own = threshold + (0.01 * np.random.default_rng([number, seed]).normal() if seeds > 1 else 0.0)
        shares = Curve(np.array([own]), np.array([width]), np.array([0.01]), 0.1).at(HARDNESS)[0]
        right.append(luck < shares[:, None])
    return Reader(name, tuple(range(seeds)), np.array(right))


def test_an_acuity_is_a_level() -> None:
    readings, verdicts = read_dimension(SIZE, [reader("a", 0.4)], 10)
    (only,) = readings
    assert verdicts == []
    assert only.threshold == pytest.approx(0.4, abs=0.03)
    assert only.acuity == pytest.approx(10**-0.4, rel=0.08)
    assert only.acuity_low > only.acuity > only.acuity_high, "the easier end first: smaller signs are harder"
    assert only.low < only.threshold < only.high
    assert only.level_75 is not None
    assert only.level_75 > only.acuity, "three of four needs larger signs than half-way"
    assert only.beyond == ""
    assert only.fit_p > 0.05


def test_seeds_that_read_the_same_images_are_no_more_images() -> None:
    read = (read_dimension(SIZE, [reader("a", 0.4, seeds=10, seed=seed)], 10) for seed in range(8))
    assert sum(readings[0].fit_p < 0.05 for readings, _ in read) <= 1, "they are such curves"


def test_levels_go_on_beyond_the_rows() -> None:
    assert level_of(SIZE, 0.3) == pytest.approx(10**-0.3)
    assert level_of(SIZE, 1.3) == pytest.approx(10**-1.3)
    rotation = as_record(DIMENSIONS["rotation"])
    assert level_of(rotation, 45) == pytest.approx(45)
    crowding = as_record(DIMENSIONS["crowding"])
    assert level_of(crowding, -0.5) == pytest.approx(0.5)


def test_of_few_seeds_verdicts_are_about_these_runs() -> None:
    _, verdicts = read_dimension(SIZE, [reader("short", 0.3), reader("far", 0.5), reader("further", 0.5005)], 10)
    found = {(each.first, each.second): each for each in verdicts}
    assert found["far", "short"].kind == "better"
    assert found["far", "short"].scope == "these runs"
    assert found["far", "short"].low > 0
    assert found["far", "short"].difference == pytest.approx(0.2, abs=0.03)
    assert found["further", "far"].kind == "equivalent"
    assert all(each.holm_p >= each.p_value for each in verdicts)


def test_six_seeds_speak_of_architectures() -> None:
    _, (verdict,) = read_dimension(SIZE, [reader("a", 0.3, seeds=6), reader("b", 0.5, seeds=6)], 10)
    assert (verdict.first, verdict.kind, verdict.scope, verdict.num_seeds) == ("b", "better", "architectures", 6)
    assert verdict.p_value == pytest.approx(2 / 2**6)


def test_equal_readers_are_seldom_told_apart() -> None:
    """Two readers with the same threshold and their own luck: at most one in ten, where one in twenty is expected."""
    told = 0
    for number in range(40):
        readers = [reader("a", 0.4, seed=2 * number), reader("b", 0.4, seed=2 * number + 1)]
        _, (verdict,) = read_dimension(SIZE, readers, 10)
        told += verdict.kind == "better"
    assert told <= 4


def test_who_reads_every_row_or_none_is_beyond_them() -> None:
    all_right = Reader("a", (0,), np.ones((1, len(HARDNESS), 100), bool))
    none = np.random.default_rng(0).random((1, len(HARDNESS), 100)) < 0.1
    none[:, 0] = True
    readings, _ = read_dimension(SIZE, [all_right, Reader("b", (0,), none)], 10)
    assert [each.beyond for each in readings] == ["last row", "first row"]


def test_contenders_without_a_common_seed_are_compared_by_their_means() -> None:
    one, other = reader("a", 0.3, seeds=2), reader("b", 0.5, seeds=2)._replace(seeds=(5, 6))
    _, (verdict,) = read_dimension(SIZE, [one, other], 10)
    assert (verdict.first, verdict.num_seeds) == ("b", 0)


def scattered(name: str, threshold: float, spread: float, seeds: int, seed: int = 0) -> Reader:
    """A reader whose seeds lie as far apart as that, each with the same items."""
    luck = np.random.default_rng(seed).random((len(HARDNESS), 400))
    own = threshold + spread * np.linspace(-1, 1, seeds)
    rows = [Curve(np.array([each]), np.array([0.06]), np.array([0.01]), 0.1).at(HARDNESS)[0] for each in own]
    return Reader(name, tuple(range(seeds)), np.array([luck < shares[:, None] for shares in rows]))


def test_an_interval_over_seeds_knows_how_far_they_lie_apart() -> None:
    """Of seeds whose thresholds differ by more than items do, Student's interval is what is to be told."""
    readings, _ = read_dimension(SIZE, [scattered("a", 0.5, 0.15, seeds=6), scattered("b", 0.5, 0.0, seeds=6)], 10)
    wide, narrow = (each.high - each.low for each in readings)
    student = 2 * 2.571 * np.std(0.15 * np.linspace(-1, 1, 6), ddof=1) / np.sqrt(6)
    assert wide == pytest.approx(student, rel=0.3)
    assert narrow < 0.25 * wide


def test_five_contenders_with_six_seeds_are_told_apart_by_their_items() -> None:
    """No exact test over six seeds can show anything among ten pairs: of these runs it can, as with five seeds."""
    readers = [reader(name, 0.2 + 0.15 * number, seeds=6) for number, name in enumerate("abcde")]
    _, verdicts = read_dimension(SIZE, readers, 10)
    assert {(each.kind, each.scope) for each in verdicts} == {("better", "these runs")}


def test_many_contenders_of_one_seed_can_be_told_apart() -> None:
    """As many as there are pairs, the smallest p that draws can give is no obstacle."""
    readers = [reader(str(number), 0.1 + 0.1 * number) for number in range(9)]
    _, verdicts = read_dimension(SIZE, readers, 10)
    assert sum(each.kind == "better" for each in verdicts) > 30, "of 36 pairs"


def test_who_guesses_between_two_classes_reads_no_row() -> None:
    """At chance, half of all answers are right in every row: that is no acuity in the middle of the chart."""
    random = np.random.default_rng(3)
    guessing = [Reader(str(number), (0,), random.random((1, len(HARDNESS), 100)) < 0.5) for number in range(40)]
    places = [read_dimension(SIZE, [each], 2)[0][0].beyond for each in guessing]
    assert places.count("first row") >= 32, places
    assert "last row" not in places
