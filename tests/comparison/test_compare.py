"""Runs on the disk to verdicts: rule 9 in every case, what is refused, and what is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import StorageError, UsageError
from eyechart.comparison.compare import compare_runs
from eyechart.comparison.uncertainty import mean_interval
from eyechart.files.storage import PREDICTIONS_FILE, RUN_FILE, read_run, write_record
from eyechart.schema import Comparison, Looking
from tests.comparison.fake_verdicts import made_up_run, made_up_study, right_but_for, verdict_of

TEN = tuple(range(10))


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of small files are made up here; on a busy machine each wait for the disk takes long."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def test_better_needs_all_three_of_rule_nine(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path / "s", {"cnn": 0.01, "vit": 0.05}, TEN)
    found = compare_runs(folders)
    verdict = verdict_of(found, "cnn", "vit")
    assert (verdict.kind, verdict.scope, verdict.first) == ("better", "architectures", "cnn")
    assert verdict.p_value == verdict.holm_p == pytest.approx(2 / 2**10), "one pair: nothing to correct"
    assert verdict.superiority == 1.0
    assert verdict.low is not None
    assert verdict.high is not None
    assert verdict.low90 is not None
    assert 0 < verdict.low < verdict.low90 < verdict.difference < verdict.high
    runs = [read_run(folder) for folder in folders]
    means = [np.mean([run.test.accuracy for run in runs if run.contender == name]) for name in ("cnn", "vit")]
    assert verdict.difference == pytest.approx(means[0] - means[1], abs=1e-12)
    assert found.contenders == ("cnn", "vit")
    assert Comparison.model_validate_json(found.model_dump_json()) == found


def test_loss_and_seconds_are_led_by_the_lower_one(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path / "s", {"cnn": 0.01, "vit": 0.05}, TEN, seconds={"cnn": 135.0, "vit": 100.0})
    found = compare_runs(folders)
    assert verdict_of(found, "cnn", "vit", "loss").first == "cnn"
    assert verdict_of(found, "cnn", "vit", "loss").difference > 0
    faster = verdict_of(found, "cnn", "vit", "training_seconds")
    assert (faster.first, faster.kind) == ("vit", "better")
    assert faster.difference == pytest.approx(1.35, rel=0.02)
    assert faster.low is not None
    assert faster.low > 1
    assert faster.mcnemar_p is None


def test_the_same_answers_are_equivalent(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path / "s", {"cnn": 0.02}, TEN)
    for folder in folders:
        copy = folder.with_name(folder.name.replace("cnn", "vit"))
        shutil.copytree(folder, copy)
        record = read_run(copy).model_copy(update={"contender": "vit", "run": copy.name})
        write_record(copy / RUN_FILE, record)
    found = compare_runs([*folders, *(folder.with_name(folder.name.replace("cnn", "vit")) for folder in folders)])
    assert {verdict.kind for verdict in found.verdicts} == {"equivalent"}
    accuracy = verdict_of(found, "cnn", "vit")
    assert (accuracy.difference, accuracy.p_value, accuracy.superiority) == (0.0, 1.0, 0.5)


def test_not_shown_says_what_would_be_needed(tmp_path: Path) -> None:
    found = compare_runs(made_up_study(tmp_path / "s", {"cnn": 0.04, "vit": 0.05}, TEN))
    verdict = verdict_of(found, "cnn", "vit")
    assert verdict.p_value == pytest.approx(0.039, abs=0.001), "and an interval that holds 0"
    assert (verdict.kind, verdict.seeds_needed) == ("not shown", 51)


def test_where_seeds_agree_more_images_would_be_needed(tmp_path: Path) -> None:
    """Every seed answers the same: what is open is what other images would say."""
    wrong = {"cnn": range(12), "vit": range(6, 26)}
    folders = [
        made_up_run(tmp_path / "s", name, seed, right_but_for(own)) for name, own in wrong.items() for seed in TEN
    ]
    verdict = verdict_of(compare_runs(folders), "cnn", "vit")
    assert (verdict.kind, verdict.first, verdict.seeds_needed) == ("not shown", "cnn", None)
    assert verdict.items_needed is not None
    assert 400 < verdict.items_needed < 4_000


def test_few_seeds_are_too_few_unless_the_items_alone_decide(tmp_path: Path) -> None:
    found = compare_runs(made_up_study(tmp_path / "s", {"cnn": 0.010, "alexnet": 0.012, "vit": 0.10}, (0, 1, 2)))
    near, far = verdict_of(found, "cnn", "alexnet"), verdict_of(found, "cnn", "vit")
    assert (near.kind, near.seeds_needed) == ("too few runs", 7), "three pairs: 2 / 2**7 * 3 < .05"
    assert (far.kind, far.scope, far.first) == ("better", "these runs", "cnn")
    assert far.mcnemar_share == 1.0
    assert far.low is not None
    assert far.low > 0
    assert verdict_of(found, "cnn", "vit", "loss").kind == "too few runs", "McNemar speaks of accuracy alone"


def test_items_decide_only_when_every_seed_says_the_same(tmp_path: Path) -> None:
    study = tmp_path / "s"
    folders = [
        made_up_run(study, name, seed, right_but_for(range(wrong)))
        for name, wrongs in {"cnn": (0, 0, 100), "vit": (100, 100, 0)}.items()
        for seed, wrong in enumerate(wrongs)
    ]
    verdict = verdict_of(compare_runs(folders), "cnn", "vit")
    assert (verdict.kind, verdict.first, verdict.mcnemar_share) == ("too few runs", "cnn", 1.0)


def test_holm_takes_the_pairs_of_one_metric_as_a_family(tmp_path: Path) -> None:
    found = compare_runs(made_up_study(tmp_path / "s", {"cnn": 0.01, "vit": 0.05, "vgg16": 0.1}, TEN))
    for metric in ("accuracy", "macro_f1", "loss"):
        assert verdict_of(found, "cnn", "vgg16", metric).holm_p == pytest.approx(3 * 2 / 2**10)
    accuracy = next(family for family in found.families if family.metric == "accuracy")
    assert (accuracy.test, accuracy.is_primary) == ("friedman", True)
    assert [family.metric for family in found.families if family.is_primary] == ["accuracy"]


def test_one_seed_is_asked_with_cochran(tmp_path: Path) -> None:
    found = compare_runs(made_up_study(tmp_path / "s", {"cnn": 0.01, "vit": 0.05, "vgg16": 0.1}, (0,)))
    tests = {family.metric: family.test for family in found.families}
    assert tests["accuracy"] == "cochran"
    assert tests["loss"] == "none"
    assert all(summary.sd is None for summary in found.summaries)
    accuracy = next(summary for summary in found.summaries if summary.metric == "accuracy")
    assert accuracy.low is not None, "Wilson over the items"


def test_contenders_pair_up_on_the_seeds_that_both_have(tmp_path: Path) -> None:
    study = tmp_path / "s"
    folders = made_up_study(study, {"cnn": 0.01}, tuple(range(8))) + made_up_study(
        study, {"vit": 0.05}, tuple(range(2, 12))
    )
    folders += made_up_study(study, {"vgg16": 0.05}, (50,))
    found = compare_runs(folders)
    assert verdict_of(found, "cnn", "vit").num_seeds == 6
    alone = verdict_of(found, "cnn", "vgg16")
    assert (alone.kind, alone.num_seeds, alone.p_value, alone.low) == ("too few runs", 0, None, None)
    assert {family.test for family in found.families} == {"none"}, "no seed that all three have"


def test_a_diverged_run_counts_with_what_it_scored(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path / "s", {"cnn": 0.01, "vit": 0.05}, TEN)
    diverged = next(folder for folder in folders if folder.name == "cnn-s3")
    made_up_run(diverged.parent, "cnn", 3, np.full((400, 10), 0.1), status="diverged")
    verdict = verdict_of(compare_runs(folders), "cnn", "vit")
    assert (verdict.first, verdict.num_seeds) == ("vit", 10), "the mean has fallen behind"
    assert verdict.superiority == pytest.approx(0.1)
    assert verdict.kind == "not shown"


def test_without_predictions_the_seeds_alone_speak_and_a_finding_says_so(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path / "s", {"cnn": 0.01, "vit": 0.05, "vgg16": 0.09}, TEN)
    whole = compare_runs(folders)
    gone = next(folder for folder in folders if folder.name == "cnn-s3")
    (gone / PREDICTIONS_FILE).unlink()
    found = compare_runs(folders)
    assert [(finding.code, finding.runs) for finding in found.findings if finding.code == "no-predictions"] == [
        ("no-predictions", ("s/cnn-s3",))
    ]
    by_seeds, by_both = verdict_of(found, "cnn", "vit"), verdict_of(whole, "cnn", "vit")
    assert (by_seeds.difference, by_seeds.p_value) == (by_both.difference, by_both.p_value)
    assert by_seeds.low is not None
    assert by_both.low is not None
    assert by_seeds.low > by_both.low, "seeds alone know nothing of other images"
    untouched = verdict_of(found, "vit", "vgg16")
    assert (untouched.low, untouched.high) == pytest.approx(
        (verdict_of(whole, "vit", "vgg16").low, verdict_of(whole, "vit", "vgg16").high), abs=1e-6
    )


def test_a_time_that_is_the_budget_is_no_question(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path / "s", {"cnn": 0.01, "vit": 0.05}, (0, 1), preset="quick")
    assert "training_seconds" not in {verdict.metric for verdict in compare_runs(folders).verdicts}


def test_two_studies_with_the_same_contender_keep_their_names(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path / "a", {"cnn": 0.01}, (0, 1)) + made_up_study(
        tmp_path / "b", {"cnn": 0.05}, (0, 1)
    )
    assert compare_runs(folders).contenders == ("cnn (a)", "cnn (b)")


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path / "a", {"cnn": 0.01}, (0,))
    with pytest.raises(UsageError, match=r"different datasets: mnist .* Compare each dataset's runs alone"):
        compare_runs(folders + made_up_study(tmp_path / "b", {"vit": 0.05}, (0,), dataset="kmnist"))
    other = made_up_study(tmp_path / "c", {"vit": 0.05}, (0,))[0]
    record = read_run(other)
    splits = record.splits.model_copy(update={"test_sha256": "f" * 64})
    write_record(other / RUN_FILE, record.model_copy(update={"splits": splits}))
    with pytest.raises(UsageError, match=r"tested on different images: 400 images .* Expected one test part"):
        compare_runs([*folders, other])
    with pytest.raises(UsageError, match="No finished run"):
        compare_runs([])


def test_damaged_predictions_are_as_good_as_gone_and_are_named(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path / "a", {"cnn": 0.01, "vit": 0.02}, (0,))
    (folders[0] / PREDICTIONS_FILE).write_bytes(b"not a zip")
    found = compare_runs(folders)
    assert ("no-predictions", ("a/cnn-s0",)) in [(finding.code, finding.runs) for finding in found.findings]
    assert verdict_of(found, "cnn", "vit").low is None
    (folders[0] / RUN_FILE).write_text("{")
    with pytest.raises(StorageError, match="is damaged"):
        compare_runs(folders)


def test_a_single_contender_has_summaries_and_no_verdicts(tmp_path: Path) -> None:
    found = compare_runs(made_up_study(tmp_path / "a", {"cnn": 0.01}, (0, 1, 2)))
    assert (found.verdicts, found.families) == ((), ())
    assert {summary.metric for summary in found.summaries} == {
        "accuracy", "macro_precision", "macro_recall", "macro_f1", "loss", "raw_loss", "training_seconds",
        "brier", "ece",
    }  # fmt: skip


def test_what_is_not_tested_is_summarised_too(tmp_path: Path) -> None:
    """Rule 6: precision, recall, Brier and ECE over seeds; a run whose answers are gone is missing from the latter."""
    folders = made_up_study(tmp_path / "s", {"cnn": 0.05, "vit": 0.1}, (0, 1, 2))
    (tmp_path / "s" / "vit-s1" / PREDICTIONS_FILE).unlink()
    found = {(summary.contender, summary.metric): summary for summary in compare_runs(folders).summaries}
    records = [read_run(folder).test for folder in folders[:3]]
    precision = found["cnn", "macro_precision"]
    assert precision.values == tuple(scores.macro_precision for scores in records)
    assert (precision.low, precision.high) == pytest.approx(mean_interval(precision.values))
    # An answer of .97 with nine others of 1/300 each: right, it is .03^2 + 9/300^2 from the truth, wrong, much more.
    wrong = 1 - records[0].accuracy
    right_distance = 0.03**2 + 9 * (0.03 / 9) ** 2
    wrong_distance = 0.97**2 + (1 - 0.03 / 9) ** 2 + 8 * (0.03 / 9) ** 2
    expected = (1 - wrong) * right_distance + wrong * wrong_distance
    assert found["cnn", "brier"].values[0] == pytest.approx(expected, rel=1e-5)
    assert found["cnn", "ece"].values[0] == pytest.approx(abs(0.97 - records[0].accuracy), rel=1e-4)
    assert found["vit", "brier"].seeds == (0, 2)
    assert ("cnn", "mar_100") not in found


# --------------------------------------------------------------------------------------------- runs that failed


def diverge(run: Path) -> None:
    write_record(run / RUN_FILE, read_run(run).model_copy(update={"status": "diverged"}))


def test_a_diverged_run_does_not_win_on_time(tmp_path: Path) -> None:
    """It ended early, which is no achievement: its seed is no pair in time, and one in accuracy."""
    folders = made_up_study(tmp_path / "s", {"cnn": 0.05, "vit": 0.05}, tuple(range(7)), seconds={"cnn": 30.0})
    diverge(folders[0])
    found = compare_runs(folders)
    assert verdict_of(found, "cnn", "vit", "training_seconds").num_seeds == 6
    assert verdict_of(found, "cnn", "vit").num_seeds == 7
    for folder in folders[:7]:
        diverge(folder)
    assert {verdict.metric for verdict in compare_runs(folders).verdicts} == {"accuracy", "macro_f1", "loss"}


def test_two_failures_are_not_equivalent(tmp_path: Path) -> None:
    folders = [
        made_up_run(tmp_path / "s", name, seed, right_but_for([])) for name in ("cnn", "vit") for seed in range(7)
    ]
    assert verdict_of(compare_runs(folders), "cnn", "vit").kind == "equivalent"
    for folder in folders:
        diverge(folder)
    assert verdict_of(compare_runs(folders), "cnn", "vit").kind == "not shown"


def test_a_metric_that_the_first_run_lacks_is_compared_on_the_seeds_that_have_it(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path / "s", {"a": 0.05, "b": 0.06, "c": 0.07}, (0, 1, 2))
    diverge(folders[0])  # a, seed 0: no time
    found = compare_runs(folders)
    family = next(family for family in found.families if family.metric == "training_seconds")
    assert family.test == "friedman"
    assert family.p_value is not None


def test_a_seed_twice_in_one_study_is_refused(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path / "s", {"cnn": 0.05, "vit": 0.1}, (0,))
    shutil.copytree(folders[0], folders[0].with_name("cnn-s0-old"))
    with pytest.raises(UsageError, match=r"cnn-s0 and .*cnn-s0-old are both cnn with seed 0.*Move one of them"):
        compare_runs([*folders, folders[0].with_name("cnn-s0-old")])


def test_two_folders_with_a_study_of_one_name_are_two_studies(tmp_path: Path) -> None:
    """The default name is the same for everybody: seeds of one are missing in the other."""
    first = made_up_study(tmp_path / "v1" / "same", {"cnn": 0.05}, (0, 1))
    second = made_up_study(tmp_path / "v2" / "same", {"cnn": 0.05}, (2, 3))
    for folder in second:
        run = read_run(folder)
        changed = run.model_copy(update={"recipe": run.recipe.model_copy(update={"learning_rate": 0.9})})
        write_record(folder / RUN_FILE, changed)
    codes = [finding.code for finding in compare_runs([*first, *second]).findings]
    assert "missing-seeds" in codes
    assert "changed-recipe" not in codes, "each is one recipe with all its seeds"


# --------------------------------------------------------------------------------------------- families and plans


def test_questions_asked_beforehand_are_the_whole_family(tmp_path: Path) -> None:
    """Holm corrects among what was asked: of one pair out of ten contenders nothing, McNemar's test as well."""
    folders = made_up_study(tmp_path / "s", {f"c{number}": 0.02 + 0.03 * number for number in range(6)}, (0,))
    all_pairs = verdict_of(compare_runs(folders), "c0", "c1")
    asked = verdict_of(compare_runs(folders, only={frozenset(("c0", "c1"))}), "c0", "c1")
    assert all_pairs.mcnemar_holm_p > asked.mcnemar_holm_p  # type: ignore[operator]
    assert asked.mcnemar_holm_p == asked.mcnemar_p == all_pairs.mcnemar_p


def test_a_study_that_was_looked_at_leaves_another_as_it_is(tmp_path: Path) -> None:
    """Beside a study that may go on to sixteen seeds, ten fixed ones say what they say alone."""
    fixed = made_up_study(tmp_path / "fixed", {"cnn": 0.01, "vit": 0.05}, TEN)
    looked = made_up_study(tmp_path / "looked", {"vgg16": 0.03}, TEN)
    for folder in looked:
        run = read_run(folder)
        rules = run.rules.model_copy(update={"looking": Looking(most_seeds=16)})
        write_record(folder / RUN_FILE, run.model_copy(update={"rules": rules}))
    together = compare_runs([*fixed, *looked])
    mine, theirs = verdict_of(together, "cnn", "vit"), verdict_of(together, "cnn", "vgg16")
    assert (mine.kind, mine.most_seeds, mine.is_open) == ("better", None, False)
    assert theirs.most_seeds == 16


def test_a_package_that_one_depends_on_alone_makes_it_no_other_machine(tmp_path: Path) -> None:
    folders = made_up_study(tmp_path / "s", {"cnn": 0.01, "vit": 0.05}, tuple(range(6)), seconds={"vit": 100.0})
    for folder in folders[:6]:
        run = read_run(folder)
        host = run.host.model_copy(update={"versions": run.host.versions | {"timm": "1.0.0"}})
        write_record(folder / RUN_FILE, run.model_copy(update={"host": host}))
    assert verdict_of(compare_runs(folders), "cnn", "vit", "training_seconds").kind == "better"
