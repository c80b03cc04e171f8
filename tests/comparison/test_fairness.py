"""Every rule that a race can break, broken in made-up runs; and what a plan is told before it starts."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from eyechart.base.host import host_facts
from eyechart.comparison.beforehand import busy_share, plan_unfairness
from eyechart.comparison.fairness import unfairness
from eyechart.files.storage import read_run
from eyechart.schema import Budget, Finding, RunRecord, Tuning
from eyechart.study import plan as plans
from eyechart.words.findings import sentence


@pytest.fixture(scope="module")
def runs(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[RunRecord]:
    """cnn, vit and fasterrcnn from scratch, seeds 0 and 1: one fair race."""
    three = {name: fake_runs.FIVE[name] for name in ("cnn", "vit", "fasterrcnn")}
    folder = tmp_path_factory.mktemp("fairness") / "study"
    folders = fake_runs.fake_study(folder, three, (0, 1), num_items=200, with_arrays=False)
    return [read_run(folder) for folder in folders]


def told(findings: list[Finding]) -> dict[str, Finding]:
    """By code; each is said in both languages."""
    for finding in findings:
        english, french = sentence(finding, "en"), sentence(finding, "fr")
        assert english != french
        assert finding.runs or not english[0].islower(), "a sentence about all runs starts one"
    assert len({finding.code for finding in findings}) == len(findings), "each is told once"
    return {finding.code: finding for finding in findings}


def changed(runs: list[RunRecord], name: str, **parts: Any) -> list[RunRecord]:
    """The runs with another value in the run called `name`: part=value, or part={"field": value}."""

    def replaced(run: RunRecord) -> RunRecord:
        update = {
            part: getattr(run, part).model_copy(update=value) if isinstance(value, dict) else value
            for part, value in parts.items()
        }
        return run.model_copy(update=update)

    return [replaced(run) if run.run == name or run.contender == name else run for run in runs]


def test_a_fair_race_has_no_findings(runs: list[RunRecord]) -> None:
    assert unfairness(runs) == []


TUNED = Tuning(
    unit="trials", amount=40, accuracies=(0.9,) * 40, num_failed=0, best_trial=3, validation_accuracy=0.9,
    validation_loss=0.3, training_seconds=100.0, search_seeds=(100, 101), budget=None, dataset="mnist",
    dataset_sha256="0" * 64, searched=("learning_rate",), sampler="made up", date="2025-01-01", commit="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("code", "name", "parts", "words"),
    [
        ("other-test-images", "vit-s0", {"splits": {"test_sha256": "x"}}, "vit-s0: judged on other test images"),
        ("other-images", "vit-s1", {"splits": {"train_sha256": "x"}}, "vit-s1: other train images than the rest"),
        ("other-images", "vit", {"splits": {"validation_sha256": "x"}}, "vit: other validation images"),
        (
            "other-budgets",
            "vit",
            {"rules": {"budget": Budget(unit="seconds", amount=70)}, "clocks": {"training_seconds": 70.0}},
            "70 seconds against 60 sec",
        ),
        ("missed-budget", "vit-s1", {"clocks": {"training_seconds": 62.0}}, "vit-s1: 62 s of 60 s"),
        ("other-budgets", "vit", {"rules": {"budget": None}}, "full schedule against 60 seconds"),
        ("missed-budget", "vit-s1", {"clocks": {"training_seconds": 90.0}}, "vit-s1: 90 s of 60 s"),
        ("other-rules", "vit", {"rules": {"fraction": 0.5}}, "fraction 0.5; the rest: fraction 1.0"),
        ("other-precisions", "vit", {"rules": {"precision": "bfloat16"}}, "bfloat16 against float32"),
        ("other-tuning", "vit", {"recipe": {"tuning": TUNED}}, "cnn untuned, vit 40 trials x 2 x full schedule"),
        ("changed-recipe", "vit-s1", {"recipe": {"learning_rate": 0.7}}, "vit: not the same recipe with every seed"),
        ("changed-weights", "vit-s1", {"weights": {"sha256": "x"}}, "vit: not the same starting weights"),
        ("test-accesses", "vit-s0", {"test_accesses": 3}, "vit-s0: the test images were not opened exactly once"),
        ("test-accesses", "vit-s0", {"test_accesses": 0}, "vit-s0: the test images were not opened exactly once"),
        ("other-threads", "vit", {"host": {"num_threads": 7}}, "vit: other threads than the rest (7 against 2)"),
        ("other-threads", "vit", {"num_processes": 8}, "vit: other threads than the rest (8 x 2 against 2)"),
        ("other-machines", "vit-s0", {"host": {"hostname": "another"}}, "another: 2 x a CPU"),
        ("other-machines", "vit-s0", {"host": {"cpu": "a better CPU"}}, "made-up: 2 x a better CPU"),
        ("other-devices", "vit", {"host": {"device": "cuda:0"}}, "cuda:0 against cpu"),
        ("other-versions", "vit", {"host": {"versions": {"torch": "3.0", "eyechart": "0.1.0"}}}, "torch 3.0 against"),
    ],
)
def test_each_broken_rule_is_told_and_nothing_else(
    runs: list[RunRecord], code: str, name: str, parts: dict[str, Any], words: str
) -> None:
    found = told(unfairness(changed(runs, name, **parts)))
    assert list(found) == [code]
    assert found[code].kind == "unfair"
    assert words in sentence(found[code])


@pytest.mark.parametrize(
    ("code", "name", "parts", "words"),
    [
        ("pretrained", "vit", {"weights": {"pretrained_on": "ImageNet-1k"}}, "vit (ImageNet-1k): started from weights"),
        ("other-commits", "vit", {"host": {"commit": "fff"}}, "another commit of eyechart"),
        ("dirty-code", "", {"host": {"commit": "0123abc-dirty"}}, "All runs: the code has changes"),
        ("shortened-test", "", {"dataset": {"num_test": 10_000}}, "shortened to 200 images"),
        ("small-validation", "", {"splits": {"num_validation": 100}}, "accuracy of 99 % is 0.99 %"),
    ],
)
def test_what_is_worth_knowing_breaks_no_rule(
    runs: list[RunRecord], code: str, name: str, parts: dict[str, Any], words: str
) -> None:
    names = [name] if name else [run.run for run in runs]
    for each in names:
        runs = changed(runs, each, **parts)
    found = told(unfairness(runs))
    assert list(found) == [code]
    assert found[code].kind == "note"
    assert words in sentence(found[code])


def test_a_test_part_smaller_than_the_limit_was_not_shortened(runs: list[RunRecord]) -> None:
    for run in runs:
        runs = changed(runs, run.run, rules={"max_test_images": 200})
    assert unfairness(runs) == []


def test_a_search_on_the_final_seeds_is_told(runs: list[RunRecord]) -> None:
    again = TUNED.model_copy(update={"search_seeds": (1, 2)})
    for name in ("cnn", "vit", "fasterrcnn"):
        runs = changed(runs, name, recipe={"tuning": again})
    found = told(unfairness(runs))
    assert list(found) == ["search-seeds-again"]
    assert found["search-seeds-again"].facts == {"seeds": "1"}


def test_a_search_on_seeds_of_others_is_no_fault(runs: list[RunRecord]) -> None:
    """Only seeds that a contender itself was judged on flatter it."""
    searched = TUNED.model_copy(update={"search_seeds": (0,)})
    mine = [run for run in changed(runs, "cnn", recipe={"tuning": searched}) if run.run != "cnn-s0"]
    assert "search-seeds-again" not in told(unfairness(mine))


def test_a_contender_without_a_seed_of_the_others_is_told(runs: list[RunRecord]) -> None:
    found = told(unfairness([run for run in runs if run.run != "vit-s1"]))
    assert list(found) == ["missing-seeds"]
    assert (found["missing-seeds"].runs, found["missing-seeds"].facts) == (("vit",), {"seeds": "1"})


def test_a_diverged_run_is_not_a_missing_seed(runs: list[RunRecord]) -> None:
    assert unfairness(changed(runs, "vit-s1", status="diverged")) == []


def test_resumed_runs_are_marked(runs: list[RunRecord]) -> None:
    twice = runs[0].clocks.segments * 2
    found = told(unfairness(changed(runs, "vit-s0", clocks={"segments": twice})))
    assert (list(found), found["resumed"].kind, found["resumed"].runs) == (["resumed"], "note", ("vit-s0",))


def test_runs_at_once_are_shared_and_not_loaded(runs: list[RunRecord]) -> None:
    """The load of its neighbours is no foreign one, and cores of its own make no other machine."""
    (segment,) = runs[0].clocks.segments
    clocks = {"segments": (segment.model_copy(update={"num_at_once": 4}),), "training_foreign_cpu_seconds": 60.0}
    host = {"num_cores": 1, "num_machine_cores": runs[0].host.num_cores}
    found = told(unfairness(changed(runs, "vit-s0", clocks=clocks, host=host)))
    assert (list(found), found["shared-machine"].kind) == (["shared-machine"], "note")
    assert (found["shared-machine"].runs, found["shared-machine"].facts) == (("vit-s0",), {"at_once": 4})


def test_a_checkpoint_that_was_damaged_is_told(runs: list[RunRecord]) -> None:
    (segment,) = runs[0].clocks.segments
    twice = (segment, segment.model_copy(update={"damaged_checkpoint": "The checkpoint x is damaged."}))
    found = told(unfairness(changed(runs, "vit-s0", clocks={"segments": twice})))
    assert list(found) == ["resumed", "damaged-checkpoint"]


def test_foreign_load_breaks_a_budget_in_seconds_and_marks_any_other(runs: list[RunRecord]) -> None:
    loaded = changed(runs, "vit-s0", clocks={"training_foreign_cpu_seconds": 60.0})
    found = told(unfairness(loaded))
    assert (list(found), found["foreign-load"].kind) == (["foreign-load"], "unfair")
    assert found["foreign-load"].facts["load"] == pytest.approx(60 / (2 * 59.7), abs=1e-3)
    for run in runs:
        loaded = changed(loaded, run.run, rules={"budget": Budget(unit="images", amount=1000)})
    assert told(unfairness(loaded))["foreign-load"].kind == "note"
    quiet = changed(runs, "vit-s0", clocks={"training_foreign_cpu_seconds": 2.0})
    assert unfairness(quiet) == []


def test_a_machine_that_slows_down_is_told(runs: list[RunRecord]) -> None:
    speeds = {"matmul_before_flops_per_second": 1.9e11, "matmul_after_flops_per_second": 1.0e11}
    found = told(unfairness(changed(runs, "vit-s0", cost=speeds)))
    assert (list(found), found["uneven-machine"].facts) == (["uneven-machine"], {"ratio": 1.9})


def test_own_schedules_say_what_each_got(runs: list[RunRecord]) -> None:
    for run in runs:
        runs = changed(runs, run.run, rules={"budget": None})
    found = told(unfairness(runs))
    assert (list(found), found["own-schedules"].kind) == (["own-schedules"], "note")
    assert "cnn 51,200 images in 60 s" in sentence(found["own-schedules"])


def test_steps_of_other_batch_sizes_are_no_equal_budget(runs: list[RunRecord]) -> None:
    for run in runs:
        runs = changed(runs, run.run, rules={"budget": Budget(unit="steps", amount=400)})
    assert unfairness(runs) == []
    found = told(unfairness(changed(runs, "vit", plan={"batch_size": 32})))
    assert list(found) == ["steps-of-other-sizes"]
    assert "vit 12,800 images" in sentence(found["steps-of-other-sizes"])


def test_contenders_of_two_studies_keep_apart(runs: list[RunRecord]) -> None:
    other = [run.model_copy(update={"study": "other", "seed": run.seed}) for run in runs if run.contender == "cnn"]
    found = told(unfairness([*runs, *changed(other, "cnn-s1", test_accesses=2)]))
    assert found["test-accesses"].runs == ("other/cnn-s1",)
    assert "changed-recipe" not in found


# --------------------------------------------------------------------------------------------- before the start


def planned(models: tuple[str, ...] = ("cnn", "vit"), **arguments: Any) -> list[str]:
    return list(told(plan_unfairness(plans.plan_study(models, seeds=range(6), **arguments))))


def test_a_fair_plan_has_no_findings() -> None:
    assert planned() == []


def test_what_a_plan_is_told() -> None:
    few = plans.plan_study(["cnn", "vit"], seeds=[0, 1, 2])
    [finding] = plan_unfairness(few)
    assert (finding.code, finding.kind) == ("few-seeds", "note")
    assert "no exact paired test over seeds can reach p < .05" in sentence(finding)
    five = plans.plan_study(["cnn", "vit", "vgg16:none", "alexnet:none", "fasterrcnn"], seeds=range(8))
    [finding] = plan_unfairness(five)
    assert "Below 9, no exact paired test" in sentence(finding), "ten pairs: 10 x 2 / 2**8 is above .05"
    assert "Give --seeds 0,1,2,3,4,5,6,7,8 or more" in sentence(finding)
    assert planned(preset="standard") == ["own-schedules"]
    assert planned(preset="smoke") == ["shortened-test"]
    smoke = plans.plan_study(["cnn", "vit"], "digits", "smoke", seeds=range(6))
    assert [finding.code for finding in plan_unfairness(smoke, num_test=201)] == ["shortened-test"]
    assert plan_unfairness(smoke, num_test=200) == [], "all of it is judged"
    assert planned(preset="smoke", models=("cnn", "fasterrcnn")) == ["steps-of-other-sizes", "shortened-test"]
    assert planned(models=("cnn", "vgg16:imagenet")) == ["pretrained"]
    alone = plans.plan_study(["cnn"], preset="standard")
    assert plan_unfairness(alone) == [], "one contender is no comparison"


def test_a_plan_with_other_tuning_is_unfair() -> None:
    record = plans.plan_study(["cnn", "vit"], seeds=range(6))
    tuned = record.recipes | {"vit": record.recipes["vit"].model_copy(update={"tuning": TUNED})}
    [finding] = plan_unfairness(record.model_copy(update={"recipes": tuned}))
    assert (finding.code, finding.kind) == ("other-tuning", "unfair")


def test_the_machine_is_looked_at_before_the_start() -> None:
    in_seconds = plans.plan_study(["cnn", "vit"], seeds=range(6), num_threads=2)
    host = host_facts(None, 2).model_copy(update={"num_cores": 1, "commit": "0123abc-dirty"})
    found = told(plan_unfairness(in_seconds, host, busy_share=0.4))
    assert {code: each.kind for code, each in found.items()} == {
        "busy-now": "unfair", "too-many-threads": "note", "dirty-code": "note"
    }  # fmt: skip
    in_images = plans.plan_study(["cnn", "vit"], seeds=range(6), budget=Budget(unit="images", amount=1000))
    assert told(plan_unfairness(in_images, busy_share=0.4))["busy-now"].kind == "note"
    at_once = told(plan_unfairness(in_images, host.model_copy(update={"num_cores": 99}), num_at_once=3))
    assert at_once["shared-machine"].facts == {"at_once": 3}
    assert "too-many-threads" not in at_once


def test_how_busy_the_machine_is_lies_between_nothing_and_all() -> None:
    assert 0 <= busy_share(0.05) <= 1
