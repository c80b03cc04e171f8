"""Contenders that are alike by construction: answers to test items without any training, through the real verdicts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eyechart.comparison import bootstrap, pairs, verdicts
from eyechart.comparison.contenders import Contender, ItemValues
from eyechart.comparison.power import FEWEST_SEEDS
from eyechart.schema import Looking, PerClass, Rules, RunRecord, Scores, Verdict
from eyechart.scoring.measures import MEASURES

NUM_ITEMS = 500
SEED_SPREAD = 0.3  # of a run's skill, in logits: accuracies of 97 % spread by some 0.7 points
MEAN_SKILL, ITEM_SPREAD = 6.0, 2.5  # logits: most items are easy, a few are a toss-up or worse


class Flagged(NamedTuple):
    families: int  # comparisons of contenders that are alike; a family of two is a pair
    flagged: int  # of which somebody was called better


def num_flagged(num_families: int, *, num_contenders: int, num_seeds: int, seed_spread: float = SEED_SPREAD) -> Flagged:
    """How many families of contenders that are alike hold a verdict "better" in accuracy."""
    found = 0
    for number in range(num_families):
        random = np.random.default_rng([num_contenders, num_seeds, number])
        right = right_answers(random, num_contenders, num_seeds, seed_spread)
        found += any(verdict.kind == "better" for verdict in verdicts_on(right))
    return Flagged(num_families, found)


def num_flagged_when_looking(num_families: int, *, num_contenders: int, most_seeds: int) -> Flagged:
    """The same of studies that are looked at after every seed: somebody was called better at some look."""
    found = 0
    for number in range(num_families):
        random = np.random.default_rng([num_contenders, most_seeds, number, 1])
        right = right_answers(random, num_contenders, most_seeds)
        looks = (verdicts_on(right[:, :num_seeds], most_seeds) for num_seeds in range(FEWEST_SEEDS, most_seeds + 1))
        found += any(verdict.kind == "better" for verdicts in looks for verdict in verdicts)
    return Flagged(num_families, found)


def right_answers(
    random: np.random.Generator, num_contenders: int, num_seeds: int, seed_spread: float = SEED_SPREAD,
    num_items: int = NUM_ITEMS,
) -> np.ndarray:  # fmt: skip
    """bool (A, S, N): every run draws its skill, and then each answer by skill and the item's own difficulty."""
    easiness = random.normal(MEAN_SKILL, ITEM_SPREAD, num_items)
    skill = random.normal(0, seed_spread, (num_contenders, num_seeds, 1))
    right: np.ndarray = random.random((num_contenders, num_seeds, num_items)) < 1 / (1 + np.exp(-easiness - skill))
    return right


def verdicts_on(right: np.ndarray, most_seeds: int | None = None) -> list[Verdict]:
    """The verdicts on accuracy of contenders with these answers, bool (A, S, N).

    `most_seeds`: of a study that is looked at after every seed.
    """
    num_contenders, num_seeds, num_items = right.shape
    values = right.reshape(-1, num_items).astype(np.float32)
    contenders = [
        Contender(
            f"contender {place}", {seed: run_with(right[place, seed], most_seeds) for seed in range(num_seeds)}, {}
        )
        for place in range(num_contenders)
    ]
    rows = {divmod(row, num_seeds): row for row in range(len(values))}
    items = ItemValues(rows, {"accuracy": values}, ())
    measure = MEASURES["accuracy"]
    facts = pairs.facts_of_pairs(measure, contenders, items, bootstrap.item_deviations(values))
    pairs.add_item_tests(facts, items)
    return verdicts.verdicts_of(measure, contenders, facts, num_items)


def run_with(right: np.ndarray, most_seeds: int | None = None) -> RunRecord:
    """A record in which only the accuracy on the test part is filled in: that of the answers bool (N,)."""
    looking = Looking(most_seeds=most_seeds) if most_seeds else None
    rules = Rules.model_construct(looking=looking)
    nothing = PerClass(precision=(), recall=(), f1=(), support=())
    scores = Scores.model_construct(num_items=len(right), accuracy=float(right.mean()), per_class=nothing)
    return RunRecord.model_construct(status="finished", test=scores, rules=rules)
