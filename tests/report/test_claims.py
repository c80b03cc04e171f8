"""What may not be said: studies of every kind, and all headings, sentences and advice that are made of them.

A study is made up so that it is known by construction what it can show; a claim is a pattern of words, in both
languages, with the condition under which it may stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from eyechart.comparison.compare import compare_runs
from eyechart.files.storage import RUN_FILE, read_run, write_record
from eyechart.report import intervals, learning, matrix, timing
from eyechart.report.answer import answer
from eyechart.report.claims import leaders
from eyechart.report.entries import Entry, group_runs, mean_lack, read_runs
from eyechart.report.pairs import Pairs
from eyechart.report.section import Facts
from eyechart.report.synthesis import synthesis
from eyechart.report.tradeoff import cost_finding
from eyechart.schema import Budget, Comparison, RunRecord
from eyechart.words.speech import Speech
from eyechart.words.verdicts import sentence

SECONDS = Budget(unit="seconds", amount=60)
STEPS = Budget(unit="steps", amount=400)
IMAGES = Budget(unit="images", amount=51_200)
QUESTIONS = ("Which of", "Who makes", "How well", "Lequel des", "Qui fait", "Comment")
Change = Callable[[RunRecord], RunRecord]


@dataclass(frozen=True)
class Kind:
    """A study: how it is made, and what follows from that."""

    names: tuple[str, ...] = ("cnn", "vit", "fasterrcnn")  # fewest errors first
    seeds: int = 7
    budget: Budget | None = None
    diverged: tuple[str, ...] = ()  # runs
    change: Change | None = None
    level: bool = False  # all answer alike
    close: bool = False  # errors that nothing can tell apart
    spoiled: bool = False
    other_machine: bool = False

    @property
    def standing(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if any(f"{name}-s{k}" not in self.diverged for k in range(self.seeds)))

    @property
    def shows_architectures(self) -> bool:
        return self.seeds >= 6 and len(self.standing) > 1 and not self.level and not self.close

    @property
    def may_rank_speed(self) -> bool:
        return not self.spoiled and not self.other_machine

    @property
    def time_is_a_question(self) -> bool:
        return not self.other_machine and not (self.budget and self.budget.unit == "seconds")

    @property
    def may_rank_training(self) -> bool:
        return self.may_rank_speed and self.time_is_a_question


def with_load(run: RunRecord) -> RunRecord:
    share = 0.5 if run.run == "cnn-s0" else 0.0
    seconds = run.clocks.training_seconds * run.host.num_cores * share
    return run.model_copy(update={"clocks": run.clocks.model_copy(update={"training_foreign_cpu_seconds": seconds})})


def elsewhere(run: RunRecord) -> RunRecord:
    name = "another" if run.contender == "vit" else run.host.hostname
    return run.model_copy(update={"host": run.host.model_copy(update={"hostname": name})})


def runs_of(names: tuple[str, ...], seeds: int) -> tuple[str, ...]:
    return tuple(f"{name}-s{seed}" for name in names for seed in range(seeds))


KINDS = {
    "full schedules": Kind(),
    "equal seconds": Kind(budget=SECONDS),
    "equal steps": Kind(budget=STEPS),
    "equal images": Kind(budget=IMAGES),
    "one seed": Kind(seeds=1),
    "one seed, equal seconds": Kind(seeds=1, budget=SECONDS),
    "two seeds": Kind(seeds=2, budget=STEPS),
    "two contenders": Kind(names=("cnn", "vit")),
    "two contenders, one seed": Kind(names=("cnn", "vit"), seeds=1),
    "one contender": Kind(names=("cnn",)),
    "one contender, one seed": Kind(names=("cnn",), seeds=1, budget=SECONDS),
    "all level": Kind(level=True),
    "all level, one seed": Kind(level=True, seeds=1),
    "close": Kind(close=True, seeds=2),
    "one run diverged": Kind(diverged=("fasterrcnn-s1",)),
    "one contender diverged": Kind(diverged=runs_of(("vit",), 7)),
    "all but one diverged": Kind(diverged=runs_of(("vit", "fasterrcnn"), 7)),
    "all diverged": Kind(diverged=runs_of(("cnn", "vit", "fasterrcnn"), 7)),
    "spoiled clocks": Kind(spoiled=True, change=with_load),
    "spoiled clocks, one seed": Kind(spoiled=True, change=with_load, seeds=1, budget=STEPS),
    "two machines": Kind(other_machine=True, change=elsewhere),
    "two machines, equal seconds": Kind(other_machine=True, change=elsewhere, budget=SECONDS),
}


class Claim(NamedTuple):
    """Words that say something, in English and French, and where they may stand."""

    english: str
    french: str
    may_stand: Callable[[Kind], bool]


CLAIMS = {
    "who trains quickest": Claim(
        r"quickest to train|took the least|times the training time",
        r"plus rapide à entraîner|pris le moins|fois le temps d'entraînement",
        lambda kind: kind.may_rank_training,
    ),
    "who trains as fast": Claim(  # of the seeds that had the machine for themselves
        r"trains? [\d.]+ times as fast|trained [\d.]+ times as fast", r"entraîné? [\d,]+ fois plus vite",
        lambda kind: kind.time_is_a_question,
    ),
    "who is quickest in anything": Claim(
        r"quickest|first, after|times the latency", r"plus rapide|en premier,|fois la latence",
        lambda kind: kind.may_rank_speed,
    ),
    "time and errors together": Claim(
        r"shorter training", r"entraînement plus court", lambda kind: kind.may_rank_training
    ),
    "a lead of architectures": Claim(
        r"(?<!made )\bmakes (the fewest|fewer) errors|^It is better",
        r"(?<!a )fait (le )?moins d'erreurs et|^Il est meilleur",
        lambda kind: kind.shows_architectures,
    ),
    "the fewest of two": Claim(
        r"the fewest errors", r"le moins d'erreurs", lambda kind: len(kind.standing) != 2 or len(kind.names) > 2
    ),
    "a leader among equals": Claim(
        r"made (the fewest|fewer) errors|How far behind|that it is better|That it is better",
        r"fait (le )?moins d'erreurs|Le retard", lambda kind: not kind.level,
    ),
    "a rank of one": Claim(
        r"the others|the fewest|fewer errors|better than|first, after|Only \w+ reached|Where accuracy counts",
        r"les autres|moins d'erreurs|meilleur que|en premier,|Seul \w+ a|Si l'exactitude",
        lambda kind: len(kind.standing) > 1,
    ),
    "spread over seeds of one": Claim(
        r"training varies|with every seed", r"variation de l'entraînement|avec chaque graine",
        lambda kind: kind.seeds > 1,
    ),
    "quality of what diverged": Claim(
        r"makes? .*errors|Where accuracy counts|lowest F1|most frequent mistake",
        r"fait .*erreurs|Si l'exactitude|F1 le plus bas|erreur la plus fréquente",
        lambda kind: bool(kind.standing),
    ),
    "a machine for itself": Claim(
        r"machine to itself", r"machine pour lui", lambda kind: not kind.spoiled
    ),
}  # fmt: skip


@dataclass
class Made:
    """A study of a kind, with its comparison."""

    kind: Kind
    entries: list[Entry]
    comparison: Comparison
    figures: Path
    said: dict[str, list[str]] = field(default_factory=dict)  # language -> everything

    def everything(self, lang: str) -> list[str]:
        """Headings and sentences, one each."""
        if lang not in self.said:
            say, pairs = Speech("fr" if lang == "fr" else "en"), Pairs(self.comparison)
            facts = Facts(
                self.entries, pairs, [], lambda verdict: sentence(verdict, self.comparison, say.lang), say
            )  # fmt: skip
            told = answer(self.entries, pairs, say)
            headings = [
                cost_finding(self.entries, pairs, say),
                learning.finding(self.entries, say),
                timing.section(self.entries, say).finding,
                matrix.finding(pairs, say),
                intervals.differences_title(self.entries, pairs, say),
            ]
            timed = [verdict for verdict in self.comparison.verdicts if verdict.metric == "training_seconds"]
            text = [*map(facts.sentence, timed), told.question, *told.sentences, told.budget, *headings]
            for part in synthesis(facts):
                text += [part.title, *part.sentences, *part.points]
            plain = [line.replace("\N{NARROW NO-BREAK SPACE}", " ") for line in text]
            self.said[lang] = [line for line in plain if not line.startswith(QUESTIONS)]
        return self.said[lang]


@pytest.fixture(scope="module")
def made(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Studies by the name of their kind, each made once."""
    shelf: dict[str, Made] = {}

    def make(name: str) -> Made:
        if name not in shelf:
            shelf[name] = made_of(KINDS[name], fake_runs, tmp_path_factory.mktemp("kind"))
        return shelf[name]

    return make


def made_of(kind: Kind, fake_runs: Any, folder: Path) -> Made:
    fakes = {name: fake_runs.FIVE[name] for name in kind.names}
    if kind.level or kind.close:
        fakes = {name: fake_runs.Fake(0.02, fake.parameters, fake.latency) for name, fake in fakes.items()}
    seeds = tuple(range(kind.seeds))
    folders = fake_runs.fake_study(folder / "study", fakes, seeds, num_items=900, diverged=kind.diverged)
    for run in folders:
        record = read_run(run)
        record = record.model_copy(update={"rules": record.rules.model_copy(update={"budget": kind.budget})})
        if kind.level:  # the same answers for all
            twin = read_run(folder / "study" / f"cnn-s{record.seed}")
            record = record.model_copy(update={"test": twin.test, "predictions_sha256": twin.predictions_sha256})
            (run / "predictions.npz").write_bytes((folder / "study" / twin.run / "predictions.npz").read_bytes())
        write_record(run / RUN_FILE, kind.change(record) if kind.change else record)
    return Made(kind, group_runs(read_runs(folders)), compare_runs(folders), folder)


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("name", KINDS)
def test_nothing_is_claimed_that_the_study_cannot_show(name: str, lang: str, made: Callable[[str], Made]) -> None:
    study = made(name)
    for claim, words in CLAIMS.items():
        pattern = words.french if lang == "fr" else words.english
        found = [line for line in study.everything(lang) if re.search(pattern, line)]
        assert words.may_stand(study.kind) or not found, f"{claim}: {found}"


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("claim", [name for name in CLAIMS if name != "a machine for itself"])
def test_every_claim_is_made_where_it_may_be(claim: str, lang: str, made: Callable[[str], Made]) -> None:
    """Else the words changed, and the test above would look for something that nobody says."""
    words = CLAIMS[claim]
    pattern = words.french if lang == "fr" else words.english
    lines = [line for name in KINDS for line in made(name).everything(lang)]
    assert any(re.search(pattern, line) for line in lines), pattern


def test_verdicts_on_time_are_given_where_time_is_a_question(made: Callable[[str], Made]) -> None:
    for name, kind in KINDS.items():
        timed = [each for each in made(name).comparison.verdicts if each.metric == "training_seconds"]
        assert bool(timed) == (kind.time_is_a_question and len(kind.standing) > 1), name
        if kind.spoiled:  # the seed beside which others worked is left out
            assert {each.num_seeds for each in timed if "cnn" in (each.first, each.second)} <= {kind.seeds - 1}


def test_who_diverged_is_named_in_no_ranking(made: Callable[[str], Made]) -> None:
    lines = made("one contender diverged").everything("en")
    ranking = [line for line in lines if re.search(r"errors|Where|fewest|quickest|reached", line)]
    assert ranking
    assert not [line for line in ranking if "vit" in line]


def test_equal_sums_of_errors_share_the_first_place(fake_runs: Any, tmp_path: Path) -> None:
    """Means over seeds of the same sum may be a rounding apart."""
    fakes = {"cnn": fake_runs.FIVE["cnn"], "vit": fake_runs.FIVE["vit"]}
    wrong = {"cnn": (4, 6, 5), "vit": (5, 5, 5)}
    folders = fake_runs.fake_study(tmp_path / "study", fakes, (0, 1, 2), num_items=100)
    for run in folders:
        record = read_run(run)
        number = wrong[record.contender][record.seed]
        confusion = ((100 - number, number, *[0] * 8), *[(0,) * 10] * 9)
        test = record.test_scores.model_copy(update={"confusion": confusion})
        write_record(run / RUN_FILE, record.model_copy(update={"test": test}))
    entries = group_runs(read_runs(folders))
    assert len({mean_lack(entry) for entry in entries}) == 2, "else this shows nothing"
    assert leaders(entries) == entries
