"""Clocks of rule 10 on made-up run records: milestones, units, foreign load, marks."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from eyechart.comparison import timing
from eyechart.files.storage import read_run
from eyechart.schema import HistoryPoint, RunRecord, Segment
from eyechart.scoring import times


@pytest.fixture(scope="module")
def run(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    folder = tmp_path_factory.mktemp("runs") / "study"
    return read_run(fake_runs.fake_study(folder, {"cnn": fake_runs.FIVE["cnn"]}, num_items=50)[0])


def looked(run: RunRecord, /, *looks: tuple[float, float], **changes: object) -> RunRecord:
    """The run with these looks: (training seconds, validation accuracy)."""
    points = [
        HistoryPoint(
            step=10 * i, images_seen=1280 * i, epoch=float(i), training_seconds=seconds, learning_rate=0.1,
            train_loss=1.0, validation_loss=1.0, validation_accuracy=accuracy,
        )
        for i, (seconds, accuracy) in enumerate(looks, 1)
    ]  # fmt: skip
    return run.model_copy(update={"history": tuple(points), **changes})


def with_clocks(run: RunRecord, **clocks: object) -> RunRecord:
    return run.model_copy(update={"clocks": run.clocks.model_copy(update=clocks)})


def with_products(run: RunRecord, before: float | None, after: float | None) -> RunRecord:
    rates = {"matmul_before_flops_per_second": before, "matmul_after_flops_per_second": after}
    return run.model_copy(update={"cost": run.cost.model_copy(update=rates)})


def test_a_milestone_is_the_first_look_at_or_above_it(run: RunRecord) -> None:
    history = looked(run, (5, 0.9), (10, 0.97), (20, 0.96), (40, 0.985)).history
    assert timing.time_to(history, 0.97) == timing.Crossing(10, 5, 2560), "at is enough, and a later fall does not undo"
    assert timing.time_to(history, 0.98) == timing.Crossing(40, 20, 5120), "not interpolated between the looks"
    assert timing.time_to(history, 0.9) == timing.Crossing(5, 0, 1280)
    assert timing.time_to(history, 0.99) is None
    assert timing.time_to((), 0.5) is None


def test_runs_that_never_got_there_count_as_last(run: RunRecord) -> None:
    never, early, late = looked(run, (30, 0.9)), looked(run, (10, 0.98)), looked(run, (20, 0.9), (50, 0.98))
    all_three = timing.milestone([never, early, late], 0.98)
    assert (all_three.num_reached, all_three.num_runs) == (2, 3)
    assert (all_three.seconds, all_three.earliest, all_three.latest) == (50, 10, 50), "the median run is the late one"
    assert all_three.looks_apart == 30
    one = timing.milestone([never, never, early], 0.98)
    assert (one.num_reached, one.seconds, one.earliest) == (1, None, 10)
    assert timing.milestone([never, early], 0.98).seconds is None, "half is not enough for a median"
    none = timing.milestone([never], 0.98)
    assert (none.num_reached, none.seconds, none.earliest, none.latest, none.looks_apart) == (0, None, None, None, None)


def test_operations_and_machine_units_by_hand(run: RunRecord) -> None:
    assert run.images_trained_on == 400 * 128
    assert timing.training_flops(run) == 400 * 128 * 70_000 * 360
    # 1.4e11 FLOP/s for 59.7 s, a product of 2 x 2048^3 = 17,179,869,184
    assert timing.training_products(run) == pytest.approx(59.7 * 1.4e11 / 17_179_869_184)


def test_a_diverged_run_trained_on_what_it_saw(run: RunRecord) -> None:
    (segment,) = run.clocks.segments
    stopped = with_clocks(run, segments=(segment.model_copy(update={"last_step": 17}),))
    assert looked(stopped, (5, 0.1), status="diverged").images_trained_on == 17 * 128, "steps after its last look too"


def test_foreign_load_is_a_share_of_all_cores(run: RunRecord) -> None:
    assert times.foreign_share(run) is None, "old run files do not say"
    busy = with_clocks(run, training_seconds=100.0, training_foreign_cpu_seconds=50.0)
    assert times.foreign_share(busy) == 0.25  # of 2 cores x 100 s
    large = busy.model_copy(update={"host": busy.host.model_copy(update={"num_machine_cores": 50})})
    assert times.foreign_share(large) == 0.01, "of the machine's cores, not of those that the container may use"
    moment = with_clocks(run, training_seconds=4.0, training_foreign_cpu_seconds=8.0)
    assert times.foreign_share(moment) is None


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, False), (20.0, False), (20.4, True)])
def test_foreign_load_spoils_a_run_above_a_tenth(run: RunRecord, seconds: float, expected: bool) -> None:
    busy = with_clocks(run, training_seconds=100.0, training_foreign_cpu_seconds=seconds)
    assert times.is_spoiled(busy) == times.had_foreign_load(busy) == expected


def test_an_uneven_machine_spoils_a_run(run: RunRecord) -> None:
    assert not times.is_spoiled(with_products(run, 1e11, 1.1e11))
    assert not times.is_spoiled(with_products(run, None, 1.2e11)), "old run files do not say"
    assert times.is_spoiled(with_products(run, 1.88e11, 1.02e11))
    assert times.matmul_change(with_products(run, 1e11, 2e11)) == 2, "slower before or after is the same"


def test_the_whole_row(run: RunRecord) -> None:
    first = looked(run, (10, 0.975), (60, 0.981))
    second = with_clocks(
        looked(run, (12, 0.971), run="cnn-s1"),
        training_foreign_cpu_seconds=59.7,
        segments=(
            Segment(started_at="", first_step=0, last_step=9, training_seconds=1.0),
            Segment(started_at="", first_step=9, last_step=400, training_seconds=58.7),
        ),
    )
    row = timing.timing("cnn", [first, second])
    assert row.training_seconds == timing.Spread(59.7, 59.7, 59.7)
    assert [each.num_reached for each in row.milestones] == [2, 1, 0]
    assert row.milestones[0].seconds == 11
    assert (row.input_pixels, row.batch_size, row.precision, row.num_threads) == ("28 x 28", 128, "float32", 2)
    assert row.foreign_load == 0.5, "the worst of the runs that know"
    beside = second.clocks.segments[0].model_copy(update={"num_at_once": 2})
    shared = with_clocks(second, segments=(beside,))
    assert timing.timing("cnn", [shared]).foreign_load is None, "what its neighbours took is in it"
    assert (row.spoiled, row.resumed) == (("cnn-s1",), ("cnn-s1",))


def test_old_run_files_have_a_row(fake_runs: ModuleType, tmp_path: Path) -> None:
    records = [read_run(folder) for folder in fake_runs.fake_study(tmp_path / "old", num_items=50)]
    rows = [timing.timing(record.contender, [record]) for record in records]
    assert all(row.foreign_load is None and not row.spoiled for row in rows)
