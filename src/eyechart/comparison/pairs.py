"""The numbers behind the verdict of every pair in one metric; comparison/verdicts.py makes a word of them (rule 9)."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eyechart.comparison import bootstrap, paired, power, sequential
from eyechart.comparison.families import holm

if TYPE_CHECKING:
    from eyechart.comparison.contenders import Contender, ItemValues
    from eyechart.scoring.measures import Measure

Seeds = tuple[int, ...]


@dataclass(frozen=True)
class ItemTest:
    """One pair on one seed: McNemar's exact test, or one by draws of the items."""

    lead: int  # items that only the first got right minus those that only the second did; or its sign
    p_value: float
    holm_p: float  # among all pairs of this seed


class Looked(NamedTuple):
    """What comparison/sequential.py says of a pair that was looked at after every seed; its p stands beside it."""

    most_seeds: int
    equivalence_p: float
    is_open: bool


@dataclass
class PairFacts:
    """One pair in one metric; differences are scores of the first minus scores of the second."""

    first: int  # places in the list of contenders; the first has the better mean over the shared seeds
    second: int
    seeds: Seeds  # that both have
    differences: np.ndarray  # (S,)
    p_value: float | None = None
    looked: Looked | None = None  # None: the number of seeds was fixed beforehand
    ends: tuple[float, ...] | None = None  # low and high of the 95 % interval, then of the 90 % one
    item_variance: float = 0.0  # see power.Parts
    both_variance: float = 0.0
    knows_items: bool = False  # these two were worked out
    both_failed: bool = False  # on some seed both diverged, and their guesses are alike for no merit of theirs
    item_tests: list[ItemTest] = field(default_factory=list)

    @property
    def lead(self) -> float:
        return paired.mean_difference(self.differences)

    def turned(self) -> PairFacts:
        """The same, seen from the other side."""
        low, high, low90, high90 = self.ends or (0.0,) * 4
        return PairFacts(
            self.second, self.first, self.seeds, 0.0 - self.differences, self.p_value, self.looked,
            (-high, -low, -high90, -low90) if self.ends else None, self.item_variance, self.both_variance,
            self.knows_items, self.both_failed,
            [ItemTest(-test.lead, test.p_value, test.holm_p) for test in self.item_tests],
        )  # fmt: skip


def facts_of_pairs(
    measure: Measure, contenders: list[Contender], items: ItemValues, deviations: np.ndarray | None
) -> list[PairFacts]:
    """All pairs of the contenders that have this metric.

    deviations: float32 (draws, rows of `items`), how the mean of each run moves when test items are drawn anew; None
    for a metric that does not add up over items.
    """
    scores = {
        place: {
            seed: measure.score(value)
            for seed, run in contender.runs.items()
            if (value := measure.value(run)) is not None
        }
        for place, contender in enumerate(contenders)
    }
    groups: dict[tuple[Seeds, int | None], list[tuple[int, int]]] = defaultdict(list)
    for first, second in itertools.combinations((place for place in scores if scores[place]), 2):
        seeds = tuple(seed for seed in scores[first] if seed in scores[second])
        groups[seeds, _most_seeds(contenders[first], contenders[second])].append((first, second))
    facts = []
    for (seeds, most_seeds), pairs in groups.items():
        if not seeds:  # nothing pairs up; the means are still worth a line
            means = {place: float(np.mean(list(scores[place].values()))) for pair in pairs for place in pair}
            facts += [PairFacts(a, b, (), np.array([means[a] - means[b]])) for a, b in pairs]
            continue
        group = _Group(measure, seeds, pairs, scores, items, deviations)
        facts += group.facts(most_seeds)
    for pair in facts:
        runs = [(contenders[pair.first].runs[seed], contenders[pair.second].runs[seed]) for seed in pair.seeds]
        pair.both_failed = any(one.status == other.status == "diverged" for one, other in runs)
    return [pair.turned() if pair.lead < 0 else pair for pair in facts]


def _most_seeds(first: Contender, second: Contender) -> int | None:
    """Of the study of two, where one was looked at after every seed; where both were, the longer one."""
    rules = [run.rules for contender in (first, second) for run in contender.runs.values()]
    return max((each.looking.most_seeds for each in rules if each.looking), default=None)


class _Group:
    """Pairs of one metric that share the same seeds, and are therefore worked out together."""

    def __init__(
        self, measure: Measure, seeds: Seeds, pairs: list[tuple[int, int]],
        scores: dict[int, dict[int, float]], items: ItemValues, deviations: np.ndarray | None,
    ):  # fmt: skip
        self.measure, self.seeds, self.pairs = measure, seeds, pairs
        self.items, self.deviations = items, deviations
        self.places = sorted({place for pair in pairs for place in pair})
        self.scores = np.array([[scores[place][seed] for seed in seeds] for place in self.places])  # (A, S)
        index = {place: number for number, place in enumerate(self.places)}
        self.first = np.array([index[a] for a, _ in pairs])
        self.second = np.array([index[b] for _, b in pairs])
        self.answered = np.array([deviations is not None and items.has_all(place, seeds) for place in self.places])

    @property
    def are_few(self) -> bool:
        return len(self.seeds) < power.FEWEST_SEEDS

    def facts(self, most_seeds: int | None) -> list[PairFacts]:
        differences = self.scores[self.first] - self.scores[self.second]  # (P, S)
        p_values, looked = self._tests(differences, most_seeds)
        facts = [
            PairFacts(a, b, self.seeds, difference, float(p), each)
            for (a, b), difference, p, each in zip(self.pairs, differences, p_values, looked, strict=True)
        ]
        with_items = self.answered[self.first] & self.answered[self.second]  # (P,)
        for numbers, by_items in ((np.flatnonzero(with_items), True), (np.flatnonzero(~with_items), False)):
            if len(numbers) and (by_items or not self.are_few):
                for number, ends in zip(numbers, self._ends(numbers, by_items).T, strict=True):
                    facts[number].ends = tuple(ends.tolist())
        if with_items.any() and not self.are_few and self.measure.item_values:
            self._add_variances(facts, np.flatnonzero(with_items))
        return facts

    def _tests(self, differences: np.ndarray, most_seeds: int | None) -> tuple[np.ndarray, list[Looked | None]]:
        """p (P,) over seeds, and what else there is to know of pairs that were looked at on the way."""
        if most_seeds is None:
            return paired.sign_flip_p(differences), [None] * len(differences)
        margin = self.measure.margin
        equal = sequential.equivalence_p(differences, margin, most_seeds).tolist()
        is_open = sequential.is_open(differences, margin, most_seeds).tolist()
        looked: list[Looked | None] = [Looked(most_seeds, *each) for each in zip(equal, is_open, strict=True)]
        return sequential.anytime_p(differences, most_seeds), looked

    def _ends(self, numbers: np.ndarray, by_items: bool) -> np.ndarray:
        """float64 (4, pairs): the ends of the 95 % and of the 90 % interval.

        Few seeds are taken as they are: their interval is about these very runs on other items of the same kind.
        """
        num_seeds = 1 if self.are_few else len(self.seeds)
        means = self._drawn_means(by_items)  # (A, draws)
        shares = [bootstrap.tail(0.95, num_seeds), bootstrap.tail(0.90, num_seeds)]
        differences: np.ndarray = means[self.first[numbers]] - means[self.second[numbers]]
        return bootstrap.percentile_ends(differences, shares)

    def _drawn_means(self, by_items: bool) -> np.ndarray:
        """float32 (A, draws): each contender's mean score under seeds and, if so, items drawn anew; 0 where unknown."""
        num_seeds = len(self.seeds)
        num_draws = bootstrap.NUM_DRAWS if self.deviations is None else len(self.deviations)
        shares = np.full((1, num_seeds), 1 / num_seeds) if self.are_few else bootstrap.seed_shares(num_seeds, num_draws)
        centre = self.scores.mean()  # float32 keeps the digits of small numbers only
        means: np.ndarray = ((self.scores - centre) @ shares.T).astype(np.float32)  # (A, draws)
        if not by_items:
            return means
        assert self.deviations is not None
        sign = 1 if self.measure.higher_is_better else -1
        moved = np.zeros((len(self.places), len(self.deviations)), np.float32)
        for number in np.flatnonzero(self.answered):
            rows = [self.items.rows[self.places[number], seed] for seed in self.seeds]
            moved[number] = sign * (self.deviations[:, rows] * shares.astype(np.float32)).sum(axis=1)
        moved += means
        return moved

    def _add_variances(self, facts: list[PairFacts], numbers: np.ndarray) -> None:
        """What power.py needs to know of the items."""
        answered = np.flatnonzero(self.answered)
        rows = [[self.items.rows[self.places[number], seed] for seed in self.seeds] for number in answered]
        parts = power.variance_parts(self.items.values[self.measure.name][np.array(rows)])
        index = {number: row for row, number in enumerate(answered)}
        for number in numbers:
            at = index[self.first[number]], index[self.second[number]]
            facts[number].item_variance, facts[number].both_variance = float(parts.item[at]), float(parts.both[at])
            facts[number].knows_items = True


def add_draw_tests(facts: list[PairFacts], contenders: list[Contender], items: ItemValues, measure: Measure) -> None:
    """Of a metric that does not add up over items: a bootstrap test of every pair on every seed that both answered.

    Its p-value is `bootstrap.gone_p` of draws of images, with Holm among the pairs of a seed.
    """
    deviations, orientation = items.deviations[measure.name], 1 if measure.higher_is_better else -1
    for seed in sorted({seed for _, seed in items.rows}):
        tested = _answered(facts, seed, items)
        leads, p_values = [], []
        for pair in tested:
            first, second = (measure.value(contenders[place].runs[seed]) for place in (pair.first, pair.second))
            assert first is not None, "pairs share seeds in which both have a value"
            assert second is not None
            lead = measure.score(first) - measure.score(second)
            moves = deviations[:, items.rows[pair.first, seed]] - deviations[:, items.rows[pair.second, seed]]
            drawn = (lead + orientation * moves) * np.sign(lead)
            leads.append(int(np.sign(lead)))
            p_values.append(bootstrap.gone_p(drawn, contenders[pair.first].runs[seed].num_judged) if lead else 1.0)
        for pair, lead, p, adjusted in zip(tested, leads, p_values, holm(np.array(p_values)), strict=True):
            pair.item_tests.append(ItemTest(lead, p, float(adjusted)))


def add_item_tests(facts: list[PairFacts], items: ItemValues) -> None:
    """McNemar's exact test of every pair on every seed that both answered, with Holm among these pairs of a seed."""
    for seed in sorted({seed for _, seed in items.rows}):
        tested = _answered(facts, seed, items)
        if not tested:
            continue
        places = sorted({place for pair in tested for place in (pair.first, pair.second)})
        row = {place: number for number, place in enumerate(places)}
        right = items.values["accuracy"][[items.rows[place, seed] for place in places]]
        only_first = paired.only_first_right(right)  # (A, A)
        first, second = (np.array([row[place] for place in ends]) for ends in
                         zip(*((pair.first, pair.second) for pair in tested), strict=True))  # fmt: skip
        leads = only_first[first, second] - only_first[second, first]
        p_values = paired.mcnemar_p(only_first[first, second], only_first[second, first])
        for pair, lead, p, adjusted in zip(tested, leads, p_values, holm(p_values), strict=True):
            pair.item_tests.append(ItemTest(int(lead), float(p), float(adjusted)))


def _answered(facts: list[PairFacts], seed: int, items: ItemValues) -> list[PairFacts]:
    """The pairs that share a seed, and whose answers with it are known."""
    return [
        pair
        for pair in facts
        if seed in pair.seeds and all((place, seed) in items.rows for place in (pair.first, pair.second))
    ]
