"""The mechanics of the benchmarks, with figures made up or of a few images: what is measured is not tested here."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import (
    catalog,
    detector,
    growth,
    harness,
    loop_overhead,
    many_runs,
    mfu,
    products,
    record,
    startup,
    to_accuracy,
    vit,
    workload,
)
from benchmarks.harness import Result, Settings
from eyechart.base.errors import MissingError, RunFailed, StorageError
from eyechart.data.pictures import read_picture
from eyechart.schema.contracts import Dataset

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[1]

NAMES_OF_THE_DESIGN = {
    "cnn_to_99", "vit_tutorial_size", "vit_timm_shape", "vit_to_99", "vgg16_finetune", "alexnet_vs_224",
    "fasterrcnn_same_shape", "fasterrcnn_vs_mobilenet_128", "mfu_cnn", "mfu_vit", "mfu_alexnet", "mfu_vgg16",
    "quick_seconds", "help_seconds", "serve_five_answers",
}  # fmt: skip
HOST = {
    "cpu": "a CPU", "num_cores": 2, "memory_bytes": 8 * 2**30, "platform": "Linux", "python": "3.12", "num_threads": 2,
    "device": "cpu", "versions": {"torch": "2.14", "torchvision": "0.29", "numpy": "2.4"}, "commit": "abc",
    "load_average": 0.1,
}  # fmt: skip
TINY = Settings(num_threads=1, is_tiny=True)


# --------------------------------------------------------------------------------------------- figures


class TestResult:
    def test_a_rate_that_is_higher_is_better(self) -> None:
        content = Result("images", "higher", [100.0, 90.0, 120.0], [10.0, 30.0, 20.0]).as_json()
        assert content["ratio"] == {"median": 6.0, "min": 3.0, "max": 10.0}, "pair by pair: 10, 3, 6"
        assert (content["ours"], content["peer"], content["unit"]) == (100.0, 20.0, "images")

    def test_a_time_that_is_lower_is_better(self) -> None:
        content = Result("seconds", "lower", [2.0], [8.0], {"target": 0.99}).as_json()
        assert content["ratio"]["median"] == 4.0
        assert content["target"] == 0.99

    def test_without_a_peer_there_is_ours_alone(self) -> None:
        content = Result("seconds", "lower", [3.0, 1.0, 2.0]).as_json()
        assert content["ours"] == 2.0
        assert not {"peer", "ratio"} & set(content)
        assert content["values"] == {"ours": [3.0, 1.0, 2.0]}

    def test_a_peer_that_missed_a_pair_is_a_mistake(self) -> None:
        with pytest.raises(ValueError, match="shorter"):
            Result("seconds", "lower", [1.0, 2.0], [1.0]).ratios()


def test_turns_change_who_goes_first() -> None:
    order: list[str] = []

    def measure(name: str) -> Callable[[], float]:
        return lambda: order.append(name) or len(order)  # type: ignore[func-returns-value]

    ours, peer = harness.take_turns(measure("ours"), measure("peer"), 3)
    assert order == ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert (ours, peer) == ([1, 4, 5], [2, 3, 6])


def test_repeats_are_asked_for_or_the_benchmark_s_own() -> None:
    assert Settings(1).repeats(7) == 7
    assert Settings(1, num_repeats=2).repeats(7) == 2
    assert TINY.repeats(7) == 1
    assert (Settings(1).pick(10, 1), TINY.pick(10, 1)) == (10, 1)


# --------------------------------------------------------------------------------------------- processes

TOY = """
import os
import torch

def counting(start):
    print("a library that prints")
    calls = []
    def measure():
        calls.append(1)
        print("and prints again")
        threads = [torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]]
        return {"pid": os.getpid(), "count": start + len(calls), "threads": threads}
    return measure

def failing():
    def measure():
        raise ValueError("the toy broke")
    return measure
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "toy_side.py").write_text(TOY)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    return "toy_side"


class TestSide:
    def test_it_lives_on_between_measurements_in_a_process_of_its_own(self, toy: str) -> None:
        with harness.side(harness.ours(f"{toy}:counting", start=10), num_threads=1) as side:
            first, second = side.measure(), side.measure()
        assert (first["count"], second["count"]) == (11, 12)
        assert first["pid"] == second["pid"] != os.getpid()
        assert first["threads"] == [1, "1"]

    def test_one_that_breaks_says_why(self, toy: str) -> None:
        with pytest.raises(RunFailed, match="the toy broke"):
            harness.ask_once(TINY, harness.peer(f"{toy}:failing"))


# --------------------------------------------------------------------------------------------- the record


class TestRecord:
    def test_results_are_merged_one_by_one(self, tmp_path: Path) -> None:
        path = tmp_path / "records" / "bench.json"
        record.merge(path, "first", {"ours": 1.0}, HOST)
        record.merge(path, "second", {"ours": 2.0}, HOST | {"load_average": 9.0})
        record.merge(path, "first", {"ours": 3.0}, HOST)
        content = json.loads(path.read_text())
        assert {"schema_version", "command", "results"} == set(content)
        assert {name: entry["ours"] for name, entry in content["results"].items()} == {"first": 3.0, "second": 2.0}
        assert content["command"] == "make bench"
        assert content["results"]["first"]["commit"] == "abc"

    def test_each_result_names_its_machine(self, tmp_path: Path) -> None:
        path = tmp_path / "bench.json"
        record.merge(path, "first", {"ours": 1.0}, HOST)
        record.merge(path, "second", {"ours": 2.0}, HOST | {"cpu": "another", "capability": "AVX512"})
        hosts = {name: entry["host"] for name, entry in record.read(path)["results"].items()}
        assert {name: host["cpu"] for name, host in hosts.items()} == {"first": "a CPU", "second": "another"}
        assert "commit" not in hosts["first"], "it stands beside the figure"

    def test_a_record_of_one_machine_is_still_read(self, tmp_path: Path) -> None:
        path = tmp_path / "bench.json"
        old = {"schema_version": 1, "command": "x", "commit": "abc", "date": "2026-01-02", "host": HOST}
        path.write_text(json.dumps(old | {"results": {"first": {"ours": 1.0, "commit": "abc"}}}))
        record.merge(path, "second", {"ours": 2.0}, HOST | {"cpu": "another"})
        results = record.read(path)["results"]
        assert [results[name]["host"]["cpu"] for name in ("first", "second")] == ["a CPU", "another"]

    def test_a_later_one_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "bench.json").write_text('{"schema_version": 3, "results": {}}')
        with pytest.raises(StorageError, match="of a later eyechart"):
            record.read(tmp_path / "bench.json")

    def test_only_results_of_clean_code_stay_current(self, tmp_path: Path) -> None:
        path = tmp_path / "bench.json"
        record.merge(path, "clean", {"ours": 1.0}, HOST)
        record.merge(path, "changed", {"ours": 1.0}, HOST | {"commit": "abc-dirty"})
        content = record.read(path)
        assert record.is_current(content, "clean", HOST)
        assert not record.is_current(content, "clean", HOST | {"commit": "def"})
        assert not record.is_current(content, "changed", HOST | {"commit": "abc-dirty"})
        assert not record.is_current(content, "unknown", HOST)

    @pytest.mark.parametrize("text", ["{", "[]", '{"results": []}'])
    def test_a_damaged_one_is_named(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "bench.json").write_text(text)
        with pytest.raises(StorageError, match=r"bench\.json is damaged"):
            record.read(tmp_path / "bench.json")

    def test_the_name_of_the_machine_stays_out(self) -> None:
        assert "hostname" not in record.host_of(TINY)
        assert record.host_of(TINY)["num_threads"] == 1


# --------------------------------------------------------------------------------------------- the command


class TestCommand:
    @pytest.fixture
    def made_up(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Three benchmarks that note when they run; the second cannot."""
        ran: list[str] = []

        def benchmark(name: str) -> Callable[[Settings], Result]:
            def run(settings: Settings) -> Result:
                """What it measures."""
                ran.append(name)
                if name == "second":
                    raise MissingError("needs something that is not here")
                return Result("seconds", "lower", [1.0], [2.0])

            return run

        names = ("first", "second", "third")
        for holder in (command, catalog):
            monkeypatch.setattr(holder, "BENCHMARKS", {name: benchmark(name) for name in names})
        monkeypatch.setattr(record, "host_of", lambda settings: HOST)
        return ran

    def test_what_is_recorded_is_not_measured_again(self, made_up: list[str], tmp_path: Path) -> None:
        path = tmp_path / "bench.json"
        arguments = ["--output", str(path), "--threads", "1"]
        assert command.main(arguments) == 3, "one of them was left out"
        assert made_up == ["first", "second", "third"]
        assert set(record.read(path)["results"]) == {"first", "third"}
        command.main(arguments)
        assert made_up[3:] == ["second"]
        command.main([*arguments, "first"])
        assert made_up[4:] == ["first"], "a name is always measured"
        command.main([*arguments, "--again"])
        assert made_up[5:] == ["first", "second", "third"]

    def test_results_are_printed_with_their_ratio(
        self, made_up: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert command.main(["first", "--output", str(tmp_path / "bench.json")]) == 0
        assert re.search(r"first +2\.00x \(2\.00 to 2\.00\): ours 1, peer 2 seconds", capsys.readouterr().out)

    def test_an_unknown_name_is_bad_usage(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main(["cnn_to_9", "--output", str(tmp_path / "bench.json")]) == 2
        assert "did you mean 'cnn_to_99'" in capsys.readouterr().err

    def test_tiny_figures_stay_out_of_the_record(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main(["help_seconds", "--tiny"]) == 2
        assert "do not go into the record" in capsys.readouterr().err

    def test_a_goal_that_was_missed_is_told(self) -> None:
        result = Result("seconds", "lower", [4.0], facts={"reached": False, "accuracy": {"mean": 0.9876}})
        assert "MISSED: 98.76% on average" in command.describe("cnn_to_99", result)

    def test_help_is_measured_for_real(self, tmp_path: Path) -> None:
        path = tmp_path / "bench.json"
        assert command.main(["help_seconds", "--tiny", "--threads", "1", "--output", str(path)]) == 0
        entry = record.read(path)["results"]["help_seconds"]
        assert 0.02 < entry["ours"] < 60
        assert entry["unit"] == "seconds"


def test_answers_with_many_proposals_are_measured_on_both_sides(mnist: Dataset) -> None:
    content = catalog.BENCHMARKS["fasterrcnn_answers_100"](TINY).as_json()
    assert 0.05 < content["ratio"]["median"] < 50
    assert content["ours"] < 1e6, "images were answered"


def test_a_detector_trained_for_seconds_is_judged(mnist: Dataset) -> None:
    content = catalog.BENCHMARKS["fasterrcnn_map_128"](TINY).as_json()
    assert 0 <= content["ours"] <= 1
    assert len(content["peer_map"]) == 1
    assert 0 <= content["peer_map"][0] <= 1


@pytest.mark.parametrize("name", ["vit_tutorial_size", "cnn_to_99", "mfu_cnn"])
def test_a_benchmark_from_end_to_end(name: str, mnist: Dataset) -> None:
    content = catalog.BENCHMARKS[name](TINY).as_json()
    assert content["ours"] > 0
    assert name == "mfu_cnn" or content["ratio"]["median"] > 0


# --------------------------------------------------------------------------------------------- the loop's own share


def test_a_stopwatch_sums_what_its_functions_take(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0

    def nap(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(loop_overhead.time, "perf_counter", lambda: now)
    watch = loop_overhead.Stopwatch()
    timed = watch.timing("nap", nap)
    timed(1.0)
    timed(2.0)
    assert watch.seconds["nap"] == 3.0
    assert watch.timing("sum", lambda *numbers: sum(numbers))(1, 2) == 3


@pytest.mark.parametrize("contender", ["fasterrcnn", "alexnet"])
def test_the_shares_of_a_step_add_up(contender: str, mnist: Dataset) -> None:
    """In a process of its own, because clocks stay around the functions that are timed."""
    spec = harness.ours("benchmarks.loop_overhead:shares", contender=contender, num_images=320, is_tiny=True)
    parts = harness.ask_once(TINY, spec)
    inside = parts["forward"] + parts["backward"] + parts["optimizer"]
    assert inside + parts["with_augmentation"] == pytest.approx(1)
    asked_for = parts["augmentation"] + parts.get("boxes", 0.0)
    assert parts["without_augmentation"] + asked_for == pytest.approx(parts["with_augmentation"])
    assert ("boxes" in parts) == (contender == "fasterrcnn")
    assert 0 < parts["without_augmentation"] < 0.5 < inside < 1


# --------------------------------------------------------------------------------------------- large folders


@pytest.mark.skipif(not growth.STATUS.exists(), reason="memory of a process's own is only known on Linux")
@pytest.mark.parametrize("name", ["growth_prepare", "growth_train"])
def test_a_large_folder_is_measured_at_every_size(name: str, mnist: Dataset) -> None:
    content = catalog.BENCHMARKS[name](TINY).as_json()
    assert set(content["by_size"]) == {str(size) for size in growth.TINY_SIZES}
    assert content["ours"] == content["by_size"]["400"] > 0
    assert all(count > 10 * 2**20 for count in content["anonymous_bytes_by_size"].values())


PEAK = """
import time
from benchmarks import growth
before, stop_at = growth.anonymous_bytes(), time.monotonic() + 120
with growth.AnonymousPeak() as peak:
    ballast = bytearray(b"x" * (64 << 20))
    while peak.num_bytes <= before + (60 << 20) and time.monotonic() < stop_at:  # it looks when it gets a core
        time.sleep(growth.POLL_SECONDS)
    del ballast
print(peak.num_bytes - before)
"""


@pytest.mark.skipif(not growth.STATUS.exists(), reason="memory of a process's own is only known on Linux")
def test_a_peak_is_remembered() -> None:
    """In a process of its own: one that has memory left over takes that again, or gives it back meanwhile."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True, timeout=300
    )  # fmt: skip
    assert int(done.stdout) > 60 << 20


def test_a_large_folder_is_mnist_and_links_to_it(mnist: Dataset, tmp_path: Path) -> None:
    make_folder = growth._script().make_folder
    make_folder(tmp_path / "some", 30)
    files = sorted(tmp_path.glob("some/*/*.png"), key=lambda path: path.stem)
    assert [int(path.parent.name) for path in files] == mnist.train.labels[:30].tolist()
    pixels = read_picture(files[7], channels=1, height=28, width=28)
    assert (pixels == mnist.train.images[7]).all()
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "some", 30)


def test_more_pictures_than_mnist_has_are_links(
    mnist: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = growth._script()
    few = Dataset(mnist.card, mnist.train.subset(np.arange(10)), mnist.test)
    monkeypatch.setattr(script, "load_dataset", lambda name: few)
    script.make_folder(tmp_path / "many", 25)
    files = sorted(tmp_path.glob("many/*/*.png"), key=lambda path: path.stem)
    assert len(files) == 25
    assert all(files[number].samefile(files[number % 10]) for number in range(25))


# --------------------------------------------------------------------------------------------- the catalog


def test_the_names_are_those_of_the_design() -> None:
    assert set(catalog.BENCHMARKS) >= NAMES_OF_THE_DESIGN
    assert set(to_accuracy.GOALS) <= set(catalog.BENCHMARKS)


@pytest.mark.parametrize("name", catalog.BENCHMARKS)
def test_every_benchmark_says_what_it_claims(name: str) -> None:
    text = (catalog.BENCHMARKS[name].__doc__ or "").lower()
    assert all(word in text for word in ("claim: ", "n", "hardware")), f"{name} lacks its claim, n or caveat"
    assert catalog.title_of(name).endswith(".")


@pytest.mark.parametrize("name", to_accuracy.GOALS)
def test_schedules_can_be_planned(name: str, tmp_path: Path) -> None:
    jobs = to_accuracy.jobs_for(to_accuracy.GOALS[name], [0, 1], TINY, tmp_path)
    assert [job.seed for job in jobs] == [0, 1]
    assert jobs[0].rules.num_evaluations == 1, "one look, at the end: no run stops early"
    assert jobs[0].rules.num_threads == 1


# --------------------------------------------------------------------------------------------- the table


def table_script() -> ModuleType:
    path = PROJECT / "scripts" / "performance_table.py"
    spec = importlib.util.spec_from_file_location("performance_table", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestTable:
    def test_rows_and_what_stands_beside_them(self, tmp_path: Path) -> None:
        path = tmp_path / "bench.json"
        goal = {
            "target": 0.99, "reached": False, "accuracy": {"mean": 0.9888, "min": 0.985, "values": [0.9888] * 3},
            "seconds_from_process_start": 12.0, "peer_run": {"accuracies": [0.985, 0.991]},
        }  # fmt: skip
        compared = Result("training seconds", "lower", [4.0, 5.0, 4.5], [400.0, 400.0, 405.0], goal)
        alone = Result("seconds", "lower", [0.25, 0.35, 0.3])
        record.merge(path, "cnn_to_99", {"title": "Time."} | compared.as_json(), HOST)
        record.merge(path, "help_seconds", {"title": "Help."} | alone.as_json(), HOST)
        text = table_script().page(record.read(path))
        assert "| `cnn_to_99` | Time. | **90x** (80 to 100) | 4.5 | 400 | training seconds | 3 | 1 |" in text
        assert "| `help_seconds` | Help. | 0.3 (0.25 to 0.35) | seconds | 3 | 1 |" in text
        assert "98.88% on average, 98.50% at worst (3 seeds; goal 99.0%). **The goal was missed.**" in text
        assert "after each epoch: 98.50%, 99.10%" in text
        assert "- 1: a CPU, 2 threads of 2 cores, 8 GB" in text

    def test_every_row_says_on_which_machine(self, tmp_path: Path) -> None:
        path = tmp_path / "bench.json"
        for name, cpu in (("first", "a CPU"), ("second", "another"), ("third", "a CPU")):
            record.merge(path, name, {"title": name} | Result("s", "lower", [1.0]).as_json(), HOST | {"cpu": cpu})
        lines = table_script().page(record.read(path)).splitlines()
        assert [line[-5:] for line in lines if line.startswith("| `")] == ["| 1 |", "| 2 |", "| 1 |"]
        assert [line[:9] for line in lines if line.startswith(("- 1", "- 2"))] == ["- 1: a CP", "- 2: anot"]

    def test_sizes_stand_beside_the_figure(self, tmp_path: Path) -> None:
        result = growth._result({10: [4.0, 5.0, 4.5], 1000: [9.0, 8.0, 10.0]}, {10: 2**20, 1000: 3 * 2**20})
        record.merge(tmp_path / "bench.json", "growth_train", {"title": "Cost."} | result.as_json(), HOST)
        text = table_script().page(record.read(tmp_path / "bench.json"))
        assert "| `growth_train` | Cost. | 9 (8 to 10) | microseconds an image | 3 | 1 |" in text
        assert "4.5 at 10 images (1 MB of its own memory), 9 at 1,000 images (3 MB of its own memory)" in text
        assert "the largest costs 2.00 times the smallest an image." in text

    def test_the_page_is_that_of_the_record(self) -> None:
        path = PROJECT / "records" / "bench.json"
        expected = table_script().page(json.loads(path.read_text()) if path.exists() else {})
        assert (PROJECT / "docs" / "performance.md").read_text() == expected, "run scripts/performance_table.py"


# --------------------------------------------------------------------------------------------- peers


class TestPeers:
    def test_the_example_s_network_has_its_size(self) -> None:
        from benchmarks.peers.mnist_example import network

        model = network().eval()
        assert sum(parameter.numel() for parameter in model.parameters()) == 1_199_882
        torch.testing.assert_close(model(torch.rand(2, 1, 28, 28)).exp().sum(dim=1), torch.ones(2))

    def test_the_example_learns(self, mnist: Dataset) -> None:
        from benchmarks.peers.mnist_example import epochs_until

        reached = epochs_until(target=0.0, num_images=640)()
        assert len(reached["accuracies"]) == len(reached["seconds"]) == 1
        assert reached["accuracies"][0] > 0.3

    def test_the_tutorial_is_as_it_is_written(self) -> None:
        """1,642 parameters, loops, and a softmax before the loss; tests/models/test_tutorial_vit.py holds the rest."""
        from benchmarks.peers import tutorial_vit

        model = tutorial_vit.TutorialViT(1, 28, 28, 10)
        assert sum(parameter.numel() for parameter in model.parameters()) == 1642
        assert model.loops
        torch.testing.assert_close(model(torch.rand(3, 1, 28, 28)).sum(dim=1), torch.ones(3))

    def test_positions_by_hand(self) -> None:
        from eyechart.models.tutorial_vit import sinusoids

        table = sinusoids(3, 4)
        assert table[0].tolist() == [0, 1, 0, 1]
        torch.testing.assert_close(table[2], torch.tensor([0.9092974, -0.4161468, 0.0199987, 0.9998000]))

    def test_timm_s_mathematics_can_be_ours(self, mnist: Dataset) -> None:
        assert vit.timm_difference()() < 1e-5

    def test_torchvision_s_detector_has_our_loss(self, mnist: Dataset) -> None:
        assert detector.loss_difference(detector.COMMON_SHAPE)() < detector.LARGEST_DIFFERENCE


def test_scenes_hold_their_digits() -> None:
    images = np.zeros((10, 1, 28, 28), np.uint8)
    images[:, 0, 6:20, 10:15] = 255
    scenes = detector.make_scenes(images, np.arange(10), num_scenes=6, seed=0)
    assert scenes.boxes is not None
    assert scenes.box_labels is not None
    assert scenes.images.shape == (6, 1, 128, 128)
    filled = scenes.box_labels >= 0
    assert filled[:, 0].all(), "at least one in every scene"
    sizes = scenes.boxes[filled][:, 2:] - scenes.boxes[filled][:, :2]
    assert sizes.tolist() == [[5, 14]] * int(filled.sum())
    for scene, slot in filled.nonzero().tolist():
        left, top, right, bottom = scenes.boxes[scene, slot].int().tolist()
        assert (scenes.images[scene, 0, top:bottom, left:right] == 1).all()


def test_a_study_s_time_is_wall_time_unless_it_paused() -> None:
    class Run:
        class clocks:  # noqa: N801
            total_seconds = 90.0

        finished_at = "2025-01-01T00:02:00+00:00"

    assert startup.study_seconds("2025-01-01T00:00:00+00:00", [Run()]) == 120  # type: ignore[list-item]
    assert startup.study_seconds("2024-12-31T00:00:00+00:00", [Run()]) == 90  # type: ignore[list-item]


def test_without_a_study_its_time_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="make run"):
        startup.quick_seconds(Settings(num_threads=1, study=tmp_path))


def test_the_products_of_a_step_are_its_operations(mnist: Dataset) -> None:
    """Counted by torch, forward and backward: the same as of the step, but for what is no product."""
    from torch.utils.flop_counter import FlopCounterMode

    prepared = workload.prepare_contender("vit", {"batch_size": 16}, is_tiny=True)
    calls = products.products_of(prepared)
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        products._do(calls)
    assert counted.get_total_flops() == pytest.approx(16 * mfu.step_flops(prepared), rel=1e-6)
    assert all(parameter.grad is None for parameter in prepared.model.parameters()), "it leaves nothing behind"
    assert products.seconds_alone(calls[:2]) > 0


def test_many_runs_are_timed_beside_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[str] = []
    seconds = iter([8.0, 4.0, 12.0, 4.0])

    def take(*words: str) -> float:
        commands.append(" ".join(words))
        return next(seconds)

    monkeypatch.setattr(many_runs, "command_seconds", take)
    monkeypatch.setattr(many_runs.importlib.util, "find_spec", lambda name: "there")
    content = catalog.BENCHMARKS["study_of_50_runs"](TINY).as_json()
    assert (content["ours"], content["peer"], content["ratio"]["median"]) == (8.0, 4.0, 0.5)
    content = catalog.BENCHMARKS["ray_overhead"](TINY).as_json()
    assert (content["ours"], content["peer"]) == (6.0, 2.0), "two runs in each study"
    assert content["overhead_seconds_a_run"]["median"] == 4.0
    assert ["--jobs" in each for each in commands] == [True, False, False, True]
    monkeypatch.setattr(many_runs.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"eyechart\[ray\]"):
        catalog.BENCHMARKS["ray_overhead"](TINY)


def test_fifty_runs_are_a_study_that_the_command_line_does() -> None:
    content = catalog.BENCHMARKS["study_of_50_runs"](TINY).as_json()
    assert content["ours"] > 0
    assert content["num_runs"] == 2


def test_answers_of_a_server_are_timed(reading_study: Path) -> None:
    content = catalog.BENCHMARKS["serve_five_answers"](Settings(1, is_tiny=True, study=reading_study)).as_json()
    assert content["unit"] == "milliseconds"
    assert 0 < content["ours"] <= content["milliseconds"]["p99"]
    assert (content["load"]["requests"], content["load"]["errors"]) == (20, 0)
    assert len(content["load"]["memory_bytes"]) == 2
    with pytest.raises(MissingError, match="no study"):
        catalog.BENCHMARKS["serve_five_answers"](Settings(1, is_tiny=True, study=reading_study / "nowhere"))
