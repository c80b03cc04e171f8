"""A study repeated along an axis: planned, trained, resumed, answered and drawn."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from eyechart.base.errors import UsageError
from eyechart.comparison.questions import answered
from eyechart.contexts import pretraining
from eyechart.contexts.catalog import CONTEXTS, context_of
from eyechart.contexts.levels import Asked, Context, Level
from eyechart.files.storage import find_runs
from eyechart.report.context_plot import _title, finding, write_figures
from eyechart.report.context_text import in_words
from eyechart.schema import Verdict, VerdictKind
from eyechart.schema.contexts import ContextRecord, LevelResult
from eyechart.words.speech import speech
from tests.in_process import eyechart

pytestmark = pytest.mark.slow

WORDS = ["study", "pretraining", "-d", "digits", "-m", "cnn,vit", "--levels", "60,120", "--seeds", "0",
         "--images", 640, "--threads", 1, "--offline"]  # fmt: skip


@pytest.fixture(scope="module")
def trained(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    def train(home: Path) -> None:
        done = eyechart(*WORDS, "--output", home)
        assert done.returncode == 0, done.stderr
        assert "pretraining-accuracy.png" in done.stdout

    return made_once("pretraining-study", train) / "pretraining-digits"


# --------------------------------------------------------------------------------------------- plans


def levels(asked: Asked) -> list[Level]:
    context = CONTEXTS["pretraining"]
    assert isinstance(context, Context)
    return context.levels(asked)


def test_every_level_has_its_images_seeds_and_budget() -> None:
    planned = levels(Asked("mnist", 57_000, preset="standard"))
    assert [level.label for level in planned] == ["100", "300", "1,000", "10,000"]
    assert [len(level.record.seeds) for level in planned] == [7, 7, 7, 3]
    assert [level.record.rules.budget.amount for level in planned if level.record.rules.budget] == [20_000] * 3 + [
        40_000
    ]
    assert [round(57_000 * level.record.rules.fraction) for level in planned] == [100, 300, 1_000, 10_000]
    assert {"cnn", "vit", "vgg16:none", "vgg16:hed:head", "vgg16:hed:last", "vgg16:hed:full"} <= set(
        planned[0].record.contenders
    )


def test_questions_are_those_whose_contenders_are_there() -> None:
    assert pretraining.questions(["cnn", "vgg16:none", "vgg16:hed:full"]) == (
        ("vgg16:hed:full", "vgg16:none"),
        ("vgg16:hed:full", "cnn"),
    )
    assert pretraining.questions(["cnn", "vit"]) == ()
    both = ["cnn", "vgg16:none", "alexnet:none", "vgg16:hed:full", "alexnet:glyphs:full", "alexnet:glyphs:head"]
    assert len(pretraining.questions(both)) == 3
    assert pretraining.questions(
        ["alexnet:none", "alexnet:fractals:full", "vit", "vit:fractals", "vit:glyphs", "cnn"]
    ) == (
        ("alexnet:fractals:full", "alexnet:none"),
        ("vit:fractals", "vit"),
        ("vit:glyphs", "vit"),
    )


def test_alexnet_starts_from_what_was_pretrained_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(pretraining.at_home, "is_there", lambda *given: False)
    said: list[str] = []
    (level,) = levels(Asked("mnist", 57_000, preset="standard", values=[100], say=said.append))
    assert [name for name in level.record.contenders if name.startswith("alexnet")] == ["alexnet:none"]
    assert said == ["alexnet has nothing to start from here, so it starts from nothing: eyechart pretrain alexnet "
                    "--data glyphs"]  # fmt: skip
    assert level.questions == (("vgg16:hed:full", "vgg16:none"), ("vgg16:hed:full", "cnn"))
    monkeypatch.setattr(pretraining.at_home, "is_there", lambda *given: given == ("alexnet", "glyphs"))
    contenders = pretraining.contenders(Asked("mnist", 57_000, preset="standard"))
    assert "alexnet:glyphs:head" in contenders
    assert not any("fractals" in name for name in contenders)


def test_a_second_source_task_asks_a_question_more_and_has_the_seeds_to_answer_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pretraining.at_home, "is_there", lambda *given: given[0] == "alexnet")
    few, large = levels(Asked("mnist", 57_000, preset="standard", values=[100, 10_000]))
    assert few.questions == (
        ("vgg16:hed:full", "vgg16:none"),
        ("alexnet:glyphs:full", "alexnet:none"),
        ("alexnet:fractals:full", "alexnet:none"),
        ("vgg16:hed:full", "cnn"),
    )
    assert len(few.record.seeds) == 8, "of seven, the smallest p of an exact test is 1/64, and 4/64 is above .05"
    assert len(large.record.seeds) == 3


def test_levels_beyond_the_train_part_are_left_out_or_refused() -> None:
    assert [level.value for level in levels(Asked("digits", 1_154, preset="standard"))] == [100, 300, 1_000]
    for values, told in (([2_000], "2,000"), ([0], "0"), ([-3, 100], "-3, 100")):
        with pytest.raises(UsageError, match=f"has 1,154 train images, and levels of {told} were asked for"):
            levels(Asked("digits", 1_154, values=values))
    assert [level.value for level in levels(Asked("digits", 60))] == [60], "all that there are"


def test_unknown_contexts_say_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'pretraining'"):
        context_of("pretrainig")
    done = eyechart("study", "pretrainig", "--output", tmp_path)
    assert done.returncode == 2
    for option, value, told in (
        ("--levels", "few", "expected whole numbers separated by commas"),
        ("--levels", "nan", "expected whole numbers"),
        ("--images", "-5", "expected a number above 0"),
        ("--images", "0", "expected a number above 0"),
    ):
        wrong = eyechart("study", "pretraining", "-d", "digits", option, value, "--output", tmp_path, "--offline")
        assert (wrong.returncode, told in wrong.stderr) == (2, True), wrong.stderr
    assert not list(tmp_path.iterdir())


# --------------------------------------------------------------------------------------------- a real one


def test_what_is_found_is_kept_and_drawn(trained: Path) -> None:
    record = ContextRecord.model_validate_json((trained / "context.json").read_bytes())
    assert [(level.label, level.study) for level in record.levels] == [
        ("60", "pretraining-digits-images-60"),
        ("120", "pretraining-digits-images-120"),
    ]
    for level in record.levels:
        assert set(level.comparison.contenders) == {"cnn", "vit"}
        assert len(find_runs([trained / level.study])) == 2
    for name in ("accuracy", "loss"):
        assert Image.open(trained / f"pretraining-{name}.png").size[0] > 800
        assert (trained / f"pretraining-{name}.svg").is_file()


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_synthesis_says_the_same_as_the_record(lang: str, trained: Path) -> None:
    kept = ContextRecord.model_validate_json((trained / "context.json").read_bytes())
    context, say = CONTEXTS["pretraining"], speech(lang)
    text = in_words(kept, context.question, context.axis.words, trained, say)
    if lang == "en":
        assert (trained / "pretraining-synthesis.md").read_text() == text
    assert say(*context.question) in text
    table = [line for line in text.splitlines() if line.startswith("| cnn |")]
    assert len(table) >= 3, "accuracy, F1 and loss; times where nothing else ran"
    for level in kept.levels:
        (mean,) = [
            each.mean for each in level.comparison.summaries if (each.contender, each.metric) == ("cnn", "accuracy")
        ]
        assert say.percent(mean) in table[0]
        assert f"({level.study}/report.html)" in text
    assert "(pretraining-accuracy.svg)" in text
    assert ("Intervalles" in text) == (lang == "fr")


def test_the_synthesis_tells_the_answers_with_their_figures(trained: Path) -> None:
    record = record_of(trained, (verdict("vgg16:hed:full", "vgg16:none"),))
    context = CONTEXTS["pretraining"]
    text = in_words(record, context.question, context.axis.words, trained, speech("en"))
    assert "- 1 training images: vgg16:hed:full is better than vgg16:none by 2.00 points" in text


def test_it_goes_on_where_it_was(trained: Path) -> None:
    again = eyechart(*WORDS, "--output", trained.parent, "--json")
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("is finished already") == 4
    kept = json.loads((trained / "context.json").read_bytes())
    assert json.loads(again.stdout) == kept


def test_its_runs_are_listed(trained: Path) -> None:
    listed = json.loads(eyechart("ls", trained.parent, "--json").stdout)
    assert len(listed) == 4


def test_a_narrower_command_takes_nothing_away(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / trained.name)
    before = json.loads((trained / "context.json").read_bytes())
    words = [word if word != "60,120" else "60" for word in WORDS]
    assert eyechart(*words, "--output", tmp_path).returncode == 0
    assert json.loads((tmp_path / trained.name / "context.json").read_bytes()) == before


def test_a_dry_run_says_what_it_would_take(tmp_path: Path) -> None:
    done = eyechart(*WORDS, "--output", tmp_path, "--dry-run", "--json")
    planned = json.loads(done.stdout)
    assert [(each["level"], each["runs"], each["images"]) for each in planned] == [("60", 2, 640), ("120", 2, 640)]
    assert all(each["training_seconds"] > 0 for each in planned)
    assert "Nothing was trained" in eyechart(*WORDS, "--output", tmp_path, "--dry-run").stdout
    assert not list(tmp_path.iterdir())


def test_a_dry_run_of_a_shard_is_of_its_runs(tmp_path: Path) -> None:
    words = [*WORDS, "--output", tmp_path, "--dry-run", "--shard"]
    for place in (1, 2):
        planned = json.loads(eyechart(*words, f"{place}/2", "--json").stdout)
        assert [each["runs"] for each in planned] == [1, 1]
    assert "nothing is left of shard 4/4" in eyechart(*words, "4/4").stdout, "its one run is of the second level"
    planned = json.loads(eyechart(*words, "4/4", "--json").stdout)
    assert [each["runs"] for each in planned] == [0, 1]


def test_resume_may_be_given_and_changes_nothing(trained: Path) -> None:
    """It is what somebody who stops a run is told to add."""
    again = eyechart(*WORDS, "--output", trained.parent, "--resume", "--json")
    assert (again.returncode, again.stderr.count("is finished already")) == (0, 4), again.stderr


@pytest.mark.parametrize("context", ["corruption", "shift", "clutter"])
def test_what_trains_nothing_takes_no_dataset_and_no_folder(context: str, trained: Path, tmp_path: Path) -> None:
    for option, value in (("-d", "kmnist"), ("--data", "mnist"), ("-o", "elsewhere"), ("--output", "runs")):
        done = eyechart("study", context, trained / "pretraining-digits-images-60", option, value, cwd=tmp_path)
        long = "--data" if "d" in option else "--output"
        assert done.returncode == 2
        assert f"`eyechart study {context}` takes runs of a study as they are, and {long} was given" in done.stderr
    surroundings = {"EYECHART_OUTPUT": str(tmp_path / "mine")}
    done = eyechart("study", context, "nowhere", cwd=tmp_path, **surroundings)
    assert "--output" not in done.stderr, "a folder for studies in general is not meant for this one"


def test_named_pairs_are_compared_by_themselves(trained: Path) -> None:
    runs = find_runs([trained / "pretraining-digits-images-120"])
    (verdict,) = answered(runs, [("vit", "cnn"), ("vit", "vgg16:none")], "accuracy")
    assert {verdict.first, verdict.second} == {"cnn", "vit"}
    assert verdict.holm_p == verdict.p_value, "one question, nothing to adjust for"
    assert verdict.scope == "these runs", "one seed shows nothing of architectures"
    assert answered(runs, [], "accuracy") == ()


# --------------------------------------------------------------------------------------------- what is said


def verdict(first: str, second: str, kind: VerdictKind = "better", scope: Any = "architectures") -> Verdict:
    return Verdict(metric="accuracy", first=first, second=second, kind=kind, scope=scope, num_seeds=7, difference=0.02)


def record_of(trained: Path, *answers: tuple[Verdict, ...]) -> ContextRecord:
    kept = ContextRecord.model_validate_json((trained / "context.json").read_bytes())
    levels = [
        LevelResult(label=str(place), value=place, study="s", comparison=kept.levels[0].comparison, answers=each)
        for place, each in enumerate(answers, 1)
    ]
    return kept.model_copy(update={"levels": tuple(levels)})


def test_the_title_says_what_is_shown_and_no_more(trained: Path) -> None:
    whole, nothing, small = "vgg16:hed:full", "vgg16:none", "cnn"
    record = record_of(
        trained,
        (verdict(whole, nothing), verdict(whole, small)),
        (verdict(whole, nothing), verdict(small, whole, "not shown")),
        (verdict(whole, nothing, "equivalent"), verdict(small, whole)),
        (verdict(whole, nothing, "better", "these runs"), verdict(small, whole, "too few runs", "these runs")),
    )
    assert finding(record, speech("en")).split("; ") == [
        "vgg16:hed:full is better than vgg16:none at 1 and 2, than cnn at 1",
        "cnn is better than vgg16:hed:full at 3",
        "in these runs vgg16:hed:full is better than vgg16:none at 4",
        "vgg16:hed:full and vgg16:none are equivalent at 3",
        "no difference between cnn and vgg16:hed:full is shown at 2",
        "too few seeds to tell cnn and vgg16:hed:full apart at 4",
    ]
    french = finding(record, speech("fr"))
    assert "vgg16:hed:full est meilleur que vgg16:none à 1 et 2" in french
    assert not {"better", "shown", "seeds"} & set(french.split())


def test_only_the_metric_that_was_asked_about_has_a_finding(trained: Path) -> None:
    record = record_of(trained, (verdict("cnn", "vit"),))
    assert _title(record, "accuracy", speech("en")) == "cnn is better than vit at 1"
    assert _title(record, "loss", speech("en")) == "pretraining: loss, level by level"


def test_a_loss_that_is_no_number_is_not_drawn(trained: Path, tmp_path: Path) -> None:
    record = record_of(trained, ())
    (level,) = record.levels
    summaries = tuple(
        each.model_copy(update={"mean": float("nan")}) if (each.contender, each.metric) == ("cnn", "loss") else each
        for each in level.comparison.summaries
    )
    spoiled = level.model_copy(update={"comparison": level.comparison.model_copy(update={"summaries": summaries})})
    write_figures(record.model_copy(update={"levels": (spoiled,)}), ("images", "images"), True, tmp_path, "en")
    assert "cnn" in (tmp_path / "pretraining-accuracy.svg").read_text()
    assert "cnn" not in (tmp_path / "pretraining-loss.svg").read_text()


def test_without_answers_the_title_claims_nothing(trained: Path) -> None:
    assert finding(record_of(trained, (), ()), speech("en")) == "pretraining, level by level"


def test_every_context_is_told_in_help() -> None:
    assert all(name in eyechart("study", "--help").stdout for name in CONTEXTS)
