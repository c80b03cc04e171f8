"""The ladder: one repair a rung, a CNN of the same size beside it, and a record of what each step was worth."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from eyechart.base.errors import UsageError
from eyechart.catalog import ladder
from eyechart.catalog.recipes import recipe_of
from eyechart.contexts.catalog import CONTEXTS
from eyechart.contexts.ladder import CNN_TOLERANCE, Asked, LadderContext, levels_of, num_parameters, rung_contender
from eyechart.contexts.ladder_record import LADDER_FILE, recorded
from eyechart.contexts.ladder_run import check_alike, check_best, write
from eyechart.files.storage import RUN_FILE, STUDY_FILE, read_record, read_run, write_record
from eyechart.report.ladder.words import gain_of
from eyechart.schema import DatasetCard, Language
from eyechart.schema.ladder import LadderRecord, LoopPace
from tests.in_process import eyechart

CARD = DatasetCard(
    name="toy", title="", source="", licence="", content_sha256="", classes=tuple("0123456789"), num_channels=1,
    height=28, width=28, num_train=60_000, num_test=10_000,
)  # fmt: skip
ASKED = Asked("mnist", CARD, 57_000, "vit-ladder-mnist", "standard", rules={"num_threads": 1})
CONTEXT = CONTEXTS["vit-ladder"]


# --------------------------------------------------------------------------------------------- plans


def test_each_rung_is_the_one_before_it_and_one_repair() -> None:
    """As written, the tutorial's own numbers; then nothing changes but what the rung is about."""
    before = recipe_of("tutorial_vit")
    assert (before.epochs, before.batch_size, before.learning_rate, before.schedule) == (5, 128, 0.005, "constant")
    assert (before.weight_decay, before.normalise, before.augmentation.is_none) == (0, False, True)
    for rung in ladder.RUNGS[1:]:
        recipe = recipe_of(f"tutorial_vit:{rung.name}")
        changed = {key for key in type(recipe).model_fields if getattr(recipe, key) != getattr(before, key)}
        assert changed - {"title", "options"} == set(rung.changes)
        assert dict(recipe.options.items() - before.options.items()) == rung.options
        alone = recipe_of(f"tutorial_vit:{rung.name}:alone")
        assert alone.options == ladder.RECIPE.options | rung.options
        before = recipe


def test_beside_each_rung_is_a_cnn_of_its_size_trained_as_it_is() -> None:
    levels = {level.name: level.record for level in levels_of(ASKED)}
    assert list(levels) == [*(name for name in ladder.NAMES if name != "vectorised"), *(
        f"images-{size}" for size in (300, 1_000, 10_000))]  # fmt: skip
    for name, record in levels.items():
        assert record.seeds == (0, 1, 2)
        if name == "logits":  # of the size and the schedule of the rung before, whose CNN is beside it too
            assert "cnn" not in record.recipes
            continue
        contender = rung_contender(name if name in ladder.NAMES else "augmentation")
        own, cnn = record.recipes[contender], record.recipes["cnn"]
        wanted = num_parameters(own, CARD)
        assert abs(num_parameters(cnn, CARD) / wanted - 1) <= CNN_TOLERANCE
        for field in ("epochs", "batch_size", "learning_rate", "schedule", "augmentation", "normalise"):
            assert getattr(cnn, field) == getattr(own, field)
        assert not own.options.get("loops"), "the loops change the time alone, which is measured apart"


def test_what_is_asked_for_is_chosen_and_a_smaller_one_is_quick() -> None:
    quick = levels_of(replace(ASKED, preset="quick", places=[3, 12], models=["tutorial_vit"]))
    assert [level.record.name for level in quick] == [
        "vit-ladder-mnist-03-whole_tokens", "vit-ladder-mnist-12-images-300",
    ]  # fmt: skip
    assert list(quick[0].record.recipes) == ["tutorial_vit:whole_tokens"], "repairs alone take more than half an hour"
    (standard,) = levels_of(replace(ASKED, places=[3]))
    assert "tutorial_vit:whole_tokens:alone" in standard.record.recipes
    assert quick[0].record.rules.fraction == 0.1
    assert quick[1].record.rules.fraction == pytest.approx(300 / 57_000)
    (best,) = levels_of(replace(ASKED, places=[11], has_best=True))
    assert list(best.record.recipes) == ["cnn"], "the runs of vit are there already"


def test_a_rung_that_is_asked_for_alone_has_its_cnn() -> None:
    """The CNN beside `logits` is that of the rung before, where that is trained or was."""
    (alone,) = levels_of(replace(ASKED, places=[1]))
    assert "cnn" in alone.record.recipes
    (beside,) = levels_of(replace(ASKED, places=[1], there=["as_written"]))
    assert "cnn" not in beside.record.recipes


def test_steps_are_between_rungs_on_the_same_images(climbed: Path, tmp_path: Path, fake_runs: ModuleType) -> None:
    """A last rung that saw ten times the images says nothing of repairs."""
    whole = tmp_path / "accuracy"
    folders = fake_runs.fake_study(whole, {"vit": fake_runs.Fake(0.01, 202_634, 0.001)}, (0, 1), num_items=400)
    quick = levels_of(replace(ASKED, preset="quick", places=[3]))
    with pytest.raises(UsageError, match=r"other images than the rungs would be: fraction was 1.0 and is 0.1 now"):
        check_best(whole, quick)
    run = read_run(folders[0])
    splits = run.splits.model_copy(update={"train_sha256": "0" * 64})
    write_record(folders[0] / RUN_FILE, run.model_copy(update={"splits": splits}))
    with pytest.raises(UsageError, match="were not trained and judged on the same images"):
        recorded(climbed, whole)
    (rung,) = levels_of(replace(ASKED, places=[3]))
    write_record(tmp_path / "ladder" / rung.record.name / STUDY_FILE, rung.record)
    check_alike(levels_of(replace(ASKED, places=[4])), tmp_path / "ladder")
    with pytest.raises(UsageError, match="trained by other rules than projection would be"):
        check_alike(levels_of(replace(ASKED, places=[4], preset="quick")), tmp_path / "ladder")


def test_a_rung_can_be_trained_by_itself_and_one_that_is_not_there_is_told() -> None:
    assert recipe_of("tutorial_vit:final_norm").options["final_norm"] is True
    with pytest.raises(UsageError, match=r"no rung 'final_nrom'\. Did you mean 'final_norm'"):
        recipe_of("tutorial_vit:final_nrom")
    with pytest.raises(UsageError, match="ends with 'head'; expected tutorial_vit:logits"):
        recipe_of("tutorial_vit:logits:head")
    with pytest.raises(UsageError, match="has no rung 40"):
        levels_of(replace(ASKED, places=[40]))
    with pytest.raises(UsageError, match="no preset 'smoke' of a context"):
        levels_of(replace(ASKED, preset="smoke"))


def test_the_command_says_what_it_does_not_take(tmp_path: Path) -> None:
    result = eyechart("study", "vit-ladder", "--images", "100", "-o", str(tmp_path))
    assert result.returncode == 2
    assert "--images was given" in result.stderr
    with pytest.raises(UsageError, match="no finished run of vit, which is the last rung"):
        check_best(tmp_path)


# --------------------------------------------------------------------------------------------- records


PACE = LoopPace(num_steps=100, loop_seconds=0.4, vector_seconds=0.02)


@pytest.fixture(scope="module")
def climbed(tmp_path_factory: pytest.TempPathFactory, fake_runs: ModuleType) -> Path:
    """Two seeds of three rungs, and of a size: made-up runs with chosen errors, and a pace that was timed before."""
    made: dict[str, dict[str, float]] = {
        "00-as_written": {"tutorial_vit": 0.3, "cnn": 0.04},
        "01-logits": {"tutorial_vit:logits": 0.15},
        "03-whole_tokens": {"tutorial_vit:whole_tokens": 0.06, "tutorial_vit:whole_tokens:alone": 0.25, "cnn": 0.02},
        "12-images-300": {"tutorial_vit:augmentation": 0.3, "cnn": 0.1},
    }
    folder = tmp_path_factory.mktemp("climbed")
    for name, errors in made.items():
        home = folder / f"ladder-{name}"
        fakes = {contender: fake_runs.Fake(error, 1_642, 0.001) for contender, error in errors.items()}
        fake_runs.fake_study(home, fakes, (0, 1), num_items=400)
        (home / STUDY_FILE).write_text("{}")
    before = LadderRecord(dataset="", num_train=1, num_test=1, fraction=1, rungs=(), loops=PACE)
    write_record(folder / LADDER_FILE, before)
    return folder


@pytest.fixture(scope="module")
def found(climbed: Path) -> LadderRecord:
    return recorded(climbed)


def test_the_record_says_what_each_step_was_worth(found: LadderRecord) -> None:
    rungs = {rung.name: rung for rung in found.rungs}
    assert tuple(rungs) == ladder.NAMES
    assert [name for name, rung in rungs.items() if rung.climber] == ["as_written", "logits", "whole_tokens"]
    step = rungs["whole_tokens"].step
    assert step
    assert {step.first, step.second} == {"tutorial_vit:whole_tokens", "tutorial_vit:logits"}
    assert gain_of(step, "tutorial_vit:whole_tokens").points > 0.02
    assert gain_of(step, "tutorial_vit:logits").points == pytest.approx(-step.difference)
    alone = rungs["whole_tokens"].alone_step
    assert alone
    assert {alone.first, alone.second} == {"tutorial_vit:whole_tokens:alone", "tutorial_vit"}
    assert rungs["logits"].alone == rungs["logits"].climber, "the first repair is alone on its rung"
    assert rungs["logits"].alone_step
    assert rungs["logits"].cnn == rungs["as_written"].cnn, "of the same size and schedule"
    assert rungs["whole_tokens"].cnn != rungs["as_written"].cnn
    assert rungs["as_written"].against_cnn
    assert rungs["as_written"].against_cnn.first == "cnn"
    assert [size.verdict.first for size in found.sizes if size.verdict] == ["cnn"]
    assert found.loops == PACE, "what was timed is kept"


def test_the_last_rung_may_come_from_another_study(climbed: Path, tmp_path: Path, fake_runs: ModuleType) -> None:
    other = tmp_path / "accuracy"
    fake_runs.fake_study(other, {"vit": fake_runs.Fake(0.01, 202_634, 0.001)}, (0, 1), num_items=400)
    check_best(other)
    best = recorded(climbed, other).rungs[-1]
    assert best.climber
    assert (best.name, best.climber.study, best.climber.contender) == ("best", "accuracy", "vit")
    assert best.step
    assert {best.step.first, best.step.second} == {"vit", "tutorial_vit:whole_tokens"}, "the last one that is there"


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_it_is_written_with_its_figure_and_its_text(found: LadderRecord, tmp_path: Path, lang: Language) -> None:
    assert isinstance(CONTEXT, LadderContext)
    write(found, CONTEXT, tmp_path, lang)
    assert read_record(tmp_path / LADDER_FILE, LadderRecord) == found
    assert "<svg" in (tmp_path / "vit-ladder.svg").read_text()
    text = (tmp_path / "vit-ladder-synthesis.md").read_text()
    assert ("the order matters" if lang == "en" else "l'ordre compte") in text
    assert text.count("\n| ") > len(ladder.NAMES)


def test_the_script_writes_the_record_and_fills_the_document(climbed: Path, tmp_path: Path) -> None:
    record_ladder = importlib.import_module("scripts.record_ladder")
    document, target = tmp_path / "vit.md", tmp_path / "contexts-vit-ladder.json"
    document.write_text("before\n<!-- vit-ladder -->\nold\n<!-- /vit-ladder -->\nbehind\n")
    record_ladder.main(climbed, "make vit-ladder", None, target, document, tmp_path)
    record = json.loads(target.read_text())
    assert list(record["results"]) == ["as_written", "logits", "vectorised", "whole_tokens"]
    first = record["results"]["as_written"]
    assert first["accuracy"]["mean"] < record["results"]["whole_tokens"]["accuracy"]["mean"]
    assert first["train_seconds_with_loops"] == 400 * PACE.loop_seconds
    assert "best" in record["missing"]
    assert record["missing"][-1] == "10,000 images"
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("behind\n")
    assert "old" not in text
    assert "Not trained yet: projection" in text
    assert (tmp_path / "vit-ladder.png").is_file()


def test_a_part_of_the_ladder_has_its_own_place_and_misses_no_other_rung(climbed: Path, tmp_path: Path) -> None:
    record_ladder = importlib.import_module("scripts.record_ladder")
    document, target = tmp_path / "vit.md", tmp_path / "contexts-vit-ladder-seeds.json"
    whole, place = ("<!-- vit-ladder -->\nold\n<!-- /vit-ladder -->", "<!-- {0}vit-ladder-seeds -->")
    document.write_text(f"{whole}\n{place.format('')}\n{place.format('/')}\n")
    record_ladder.main(climbed, "make vit-ladder", None, target, document, tmp_path, is_part=True)
    assert not [each for each in json.loads(target.read_text())["missing"] if "best" in each or "images" in each]
    text = document.read_text()
    assert text.startswith(whole)
    assert "not trained yet" not in text
    assert (tmp_path / "vit-ladder-seeds.png").is_file()


def test_where_nothing_is_finished_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"No rung in .* is finished"):
        recorded(tmp_path)
