"""The synthesis claims what was shown and no more, with the figures of the records, the same in both languages."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from eyechart.report.compared import verdict_sentence
from eyechart.report.entries import Entry, group_runs, read_runs
from eyechart.report.page import write_report
from eyechart.report.pairs import Pairs
from eyechart.report.section import Facts
from eyechart.report.synthesis import Part, as_markdown, synthesis
from eyechart.schema import Comparison, Language, Looking, RunRecord, Verdict
from eyechart.words.speech import Speech

KINDS = ("better", "equivalent", "not shown", "too few runs")
NAMES = ("cnn", "alexnet", "vit", "vgg16", "fasterrcnn")


@pytest.fixture(scope="module")
def entries(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """The five contenders with three seeds each."""
    folder = tmp_path_factory.mktemp("synthesis") / "study"
    return group_runs(read_runs(fake_runs.fake_study(folder, seeds=(0, 1, 2), num_items=600, with_arrays=False)))


def made_up(entries: list[Entry], fake_comparison: ModuleType, seed: int) -> Comparison:
    """A comparison whose verdicts are drawn at random: any mixture must be told rightly."""
    rng = random.Random(seed)
    comparison: Comparison = fake_comparison.fake_comparison(entries)
    kinds = KINDS if seed else ("not shown",)
    verdicts = [
        each.model_copy(
            update={
                "kind": (kind := rng.choice(kinds)),
                "scope": "these runs" if kind == "better" and rng.random() < 0.4 else "architectures",
                "seeds_needed": rng.choice((None, 17)) if kind in ("not shown", "too few runs") else None,
            }
        )
        for each in comparison.verdicts
    ]
    return comparison.model_copy(update={"verdicts": tuple(verdicts)})


def with_records(entries: list[Entry], change: Callable[[RunRecord], RunRecord]) -> list[Entry]:
    return [replace(each, runs=tuple(replace(run, record=change(run.record)) for run in each.runs)) for each in entries]


def parts_of(entries: list[Entry], comparison: Comparison, lang: Language) -> tuple[Part, ...]:
    say = Speech(lang)
    return synthesis(Facts(entries, Pairs(comparison), [], verdict_sentence(comparison, say), say))


def text_of(parts: tuple[Part, ...]) -> str:
    return "\n".join("\n".join((*part.sentences, *part.points)) for part in parts)


def accuracy_verdict(comparison: Comparison, one: str, other: str) -> Verdict | None:
    for each in comparison.verdicts:
        if each.metric == "accuracy" and {each.first, each.second} == {one, other}:
            return each
    return None


CLAIMS = {
    "en": r"(\w+)(?: \([^)]*\))? is better than (\w+)",
    "fr": r"(\w+)(?: \([^)]*\))? est meilleur (?:que |qu')(\w+)",
}


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("seed", range(12))
def test_better_is_said_of_a_pair_only_where_its_verdict_says_so(
    entries: list[Entry], fake_comparison: ModuleType, seed: int, lang: Language
) -> None:
    comparison = made_up(entries, fake_comparison, seed)
    text = text_of(parts_of(entries, comparison, lang))
    claimed = [pair for pair in re.findall(CLAIMS[lang], text) if set(pair) <= set(NAMES)]
    for first, second in claimed:
        verdict = accuracy_verdict(comparison, first, second)
        assert verdict is not None
        assert (verdict.kind, verdict.first) == ("better", first)
    shown_of_leader = [v for v in comparison.verdicts if v.metric == "accuracy" and v.kind == "better"
                       and v.first == entries[0].name]  # fmt: skip
    assert len(claimed) >= len(shown_of_leader)
    if not any(v.kind == "better" for v in comparison.verdicts if v.metric == "accuracy"):
        denied = (
            r"(?:That|Whether) it is better than [^.:]*|it is not shown that it does better"
            r"|Qu'il soit meilleur[^.]*|Est-il meilleur[^?]*"
        )
        rest = re.sub(denied, "", text)
        assert not re.search(r"\bbetter\b|\bmeilleure?s?\b", rest)


@pytest.mark.parametrize("seed", range(6))
def test_every_pair_that_is_open_is_named_as_such(entries: list[Entry], fake_comparison: ModuleType, seed: int) -> None:
    comparison = made_up(entries, fake_comparison, seed)
    part = next(part for part in parts_of(entries, comparison, "en") if part.title == "What was not shown")
    pairs = [v for v in comparison.verdicts if v.metric == "accuracy" and v.kind in ("not shown", "too few runs")]
    told = "\n".join(part.points)
    named = sum(bool(re.search(rf"{v.first}.* {v.second}\b", line)) for v in pairs for line in told.split("\n"))
    assert named >= min(len(pairs), 6)
    if len(pairs) > 6:
        assert f"And {len(pairs) - 6} pair" in told
    if not pairs:
        assert part.sentences[0] == "In accuracy every pair was decided."


# --------------------------------------------------------------------------------------------- numbers


def numbers_in(text: str) -> list[str]:
    """All numbers, written one way: "2 000", "2,000" -> "2000"; "0,83" -> "0.83"; ".004" -> "0.004"."""
    for name in (*NAMES, "ImageNet-1k", "F1"):
        text = text.replace(name, "")
    text = re.sub("(?<=\\d)\N{NARROW NO-BREAK SPACE}(?=\\d)", "", text)
    french = "\N{NARROW NO-BREAK SPACE}" in text
    text = re.sub(r"(?<=\d),(?=\d)", "." if french else "", text)
    return [("0" + found) if found[0] == "." else found for found in re.findall(r"\d*\.?\d+", text)]


@pytest.mark.parametrize("seed", range(6))
def test_both_languages_carry_the_same_numbers(entries: list[Entry], fake_comparison: ModuleType, seed: int) -> None:
    comparison = made_up(entries, fake_comparison, seed)
    english, french = (parts_of(entries, comparison, lang) for lang in ("en", "fr"))
    assert len(english) == len(french)
    for one, other in zip(english, french, strict=True):
        told, said = numbers_in(text_of((one,))), numbers_in(text_of((other,)))
        assert sorted(told) == sorted(said), one.title
    assert len(numbers_in(text_of(english))) > 40


def figures_of(value: Any) -> list[float]:
    """All numbers of a record, however deep."""
    if isinstance(value, bool | str) or value is None:
        return []
    if isinstance(value, int | float):
        return [float(value)]
    parts = value.values() if isinstance(value, dict) else value
    return [number for part in parts for number in figures_of(part)]


def measured(entries: list[Entry], comparison: Comparison) -> list[float]:
    """Everything that the synthesis may speak of: the comparison, the means of the runs, and counts."""
    pool = [*figures_of(comparison.model_dump()), float(len(entries)), 10.0]
    for entry in entries:
        pool += [entry.error.mean, entry.error.low, entry.error.high, float(len(entry.runs))]
        pool += [entry.mean(lambda run: run.clocks.training_seconds), entry.mean(lambda run: run.cost.num_parameters)]
        pool += [sum(f1) / len(f1) for f1 in entry.f1_by_class()]
        pool += [*figures_of(entry.first.splits.model_dump()), float(entry.first.dataset.num_classes)]
        pool += [*figures_of(entry.first.rules.model_dump()), float(entry.first.test.num_items)]
        pool += figures_of(entry.first.detection.model_dump()) if entry.first.detection else []
    # levels and margins of the rules; class names are digits; seeds that ten pairs need
    return pool + [0.95, 0.90, 0.05, 0.5, 0.1, 0.3, 9.0] + [float(digit) for digit in range(10)]


@pytest.mark.parametrize("seed", range(4))
def test_every_number_is_a_figure_of_the_records(entries: list[Entry], fake_comparison: ModuleType, seed: int) -> None:
    comparison = made_up(entries, fake_comparison, seed)
    pool = measured(entries, comparison)
    for found in numbers_in(text_of(parts_of(entries, comparison, "en"))):
        decimals = len(found.partition(".")[2])
        scales = (1, 100, 1e-3, 1e-6)
        assert any(abs(value * scale - float(found)) <= 0.5001 * 10**-decimals
                   for value, scale in itertools.product(pool, scales)), found  # fmt: skip


def test_a_number_that_was_not_measured_is_found_out(entries: list[Entry], fake_comparison: ModuleType) -> None:
    """The check above can fail: it refuses a figure that nobody measured."""
    pool = measured(entries, made_up(entries, fake_comparison, 1))
    assert not any(abs(value * scale - 73.19) <= 0.005 for value in pool for scale in (1, 100, 1e-3, 1e-6))


# --------------------------------------------------------------------------------------------- the paragraphs


def test_starting_weights_are_told_apart(entries: list[Entry], fake_comparison: ModuleType) -> None:
    parts = parts_of(entries, made_up(entries, fake_comparison, 1), "en")
    text = next(part.text for part in parts if part.title == "Starting weights")
    assert "alexnet (ImageNet-1k) and vgg16 (ImageNet-1k)" in text
    assert "architecture and starting weights together" in text


def test_times_of_a_race_against_the_clock_are_no_advice(entries: list[Entry], fake_comparison: ModuleType) -> None:
    """Every fake run has 60 s by the rules: who was a tenth of a second quicker says nothing."""
    text = text_of(parts_of(entries, made_up(entries, fake_comparison, 1), "en"))
    assert "The budget was a time and the same for all" in text
    assert "Where training time is short" not in text


def test_the_file_stands_beside_the_page_with_its_figures(five_runs: list[Path], report: Path) -> None:
    text = (report.parent / "report-synthesis.md").read_text()
    assert text.startswith("# Which of five contenders makes the fewest errors on MNIST?\n")
    linked = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text)
    assert len(linked) >= 3
    assert all((report.parent / link).is_file() for link in linked)
    page = report.read_text()
    for title in re.findall(r"^## (.*)$", text, re.MULTILINE):
        assert f"<h3>{title}</h3>" in page


def test_names_are_no_markdown(entries: list[Entry], fake_comparison: ModuleType, tmp_path: Path) -> None:
    comparison = made_up(entries, fake_comparison, 1)
    say = Speech()
    facts = Facts(entries, Pairs(comparison), [], verdict_sentence(comparison, say), say)
    text = as_markdown((Part("t", ("a_b *c* <img src=x> [d](e) p < .05",)),), facts, tmp_path)
    assert "a\\_b \\*c\\* \\<img src=x> \\[d](e) p < .05" in text


def test_one_contender_is_described_and_not_ranked(five_runs: list[Path], tmp_path: Path) -> None:
    write_report(five_runs[:1], tmp_path / "r.html")
    text = (tmp_path / "r-synthesis.md").read_text()
    assert "cnn got " in text
    assert "fewest" not in text
    assert "What was not shown" not in text


def test_runs_beside_each_other_are_no_work_of_other_programs(
    entries: list[Entry], fake_comparison: ModuleType
) -> None:
    def beside(record: RunRecord) -> RunRecord:
        segments = [each.model_copy(update={"num_at_once": 2}) for each in record.clocks.segments]
        return record.model_copy(update={"clocks": record.clocks.model_copy(update={"segments": tuple(segments)})})

    shared = with_records(entries, beside)
    comparison = fake_comparison.fake_comparison(shared)
    for lang, sentence, other in (
        ("en", "Beside 15 of 15 runs others of the study were trained", "other programs"),
        ("fr", "D'autres de l'étude s'entraînaient à côté de 15 entraînements sur 15", "d'autres programmes"),
    ):
        text = text_of(parts_of(shared, comparison, lang))  # type: ignore[arg-type]
        assert (sentence in text, other in text) == (True, False)


def test_looking_after_every_seed_did_choose_by_the_test_images(
    entries: list[Entry], fake_comparison: ModuleType
) -> None:
    def looked(record: RunRecord) -> RunRecord:
        return record.model_copy(update={"rules": record.rules.model_copy(update={"looking": Looking(most_seeds=12)})})

    for runs, is_chosen in ((entries, False), (with_records(entries, looked), True)):
        text = text_of(parts_of(runs, fake_comparison.fake_comparison(runs), "en"))
        assert ("nothing was chosen by them" in text, "only the number of seeds was chosen" in text) == (
            not is_chosen, is_chosen,
        )  # fmt: skip
