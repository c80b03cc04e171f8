"""Whose errors fall on the same images, and what all contenders would score together.

Error consistency is Cohen's kappa of "right" and "wrong" of two contenders: two that are right 99 % of the time agree
on nearly all images whatever they do, so that only agreement beyond that says something.  Its interval draws images
anew, all contenders' answers to one with it.  Where errors are few, a handful of images decides; then the figure says
little, and FEW_ERRORS is when this is told.

Sources: J. Cohen 1960, "A coefficient of agreement for nominal scales"; R. Geirhos, K. Meding, F. A. Wichmann 2020,
"Beyond accuracy: quantifying trial-by-trial behaviour of CNNs and humans by measuring error consistency".
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import StorageError
from eyechart.comparison import bootstrap, pairs, verdicts
from eyechart.comparison.answers import Shelf
from eyechart.comparison.contenders import Contender, ItemValues
from eyechart.comparison.uncertainty import mean_interval, wilson_interval
from eyechart.schema import Verdict
from eyechart.schema.comparison import ENSEMBLE, SURE, Agreement, Ensemble, Mistakes, SharedErrors
from eyechart.scoring.measures import MEASURES
from eyechart.scoring.temperature import cooled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema import RunRecord

NUM_DRAWS = 2000
MOST_SEEDS = 10  # of more, the first are looked at
MOST_CONTENDERS = 20  # whose probabilities are in memory together; of more, nothing is said
TAIL = 0.025  # of the draws beyond each end of a 95 % interval


@dataclass(frozen=True)
class SeedAnswers:
    """What C contenders said of N images on one seed."""

    labels: np.ndarray  # int64 (N,)
    answers: np.ndarray  # int64 (C, N)
    certainty: np.ndarray  # float32 (C, N), of these answers after temperature
    together: np.ndarray  # float32 (N, K), the mean of their probabilities after temperature

    @property
    def wrong(self) -> np.ndarray:
        """bool (C, N)."""
        return np.asarray(self.answers != self.labels)

    @property
    def vote(self) -> np.ndarray:
        """int64 (N,): the answer of most; of several, the one that the mean of probabilities holds likeliest."""
        num_classes = self.together.shape[1]
        votes = (self.answers[:, :, None] == np.arange(num_classes)).sum(axis=0)  # (N, K)
        is_most = votes == votes.max(axis=1, keepdims=True)
        return np.asarray(np.where(is_most, self.together, -1).argmax(axis=1))


def shared_errors(contenders: Sequence[Contender]) -> SharedErrors | None:
    """What the contenders, the best first, get wrong together on the seeds that all of them have.

    Of runs that finished and whose answers to the test part are whole; who has none is left out.  None where fewer
    than two contenders or no seed are left, or where the task is to find boxes.
    """
    if len(contenders) > MOST_CONTENDERS or any(each.any_run.task == "detection" for each in contenders):
        return None
    standing = [each for each in contenders if _standing(each)]
    seeds = sorted(set.intersection(*(_standing(each) for each in standing)))[:MOST_SEEDS] if standing else []
    shelf = Shelf()
    readable = [each for each in standing if all(_read(shelf, each, seed) is not None for seed in seeds)]
    if len(readable) < 2 or not seeds:
        return None
    by_seed = [_of_seed(shelf, readable, seed) for seed in seeds]
    wrong = np.stack([each.wrong for each in by_seed])  # (S, C, N)
    if not wrong.shape[2]:
        return None
    is_sure = np.stack([each.certainty >= SURE for each in by_seed])
    fooled = np.asarray(wrong.all(axis=1))  # (S, N)
    alike = np.stack([(each.answers == each.answers[0]).all(axis=0) for each in by_seed])
    return SharedErrors(
        contenders=tuple(each.name for each in readable),
        seeds=tuple(seeds),
        num_items=wrong.shape[2],
        all_wrong=_mean_count(fooled),
        all_wrong_alike=_mean_count(fooled & alike),
        all_sure=_mean_count(fooled & np.asarray(is_sure.all(axis=1))),
        some_wrong=_mean_count(np.asarray(wrong.any(axis=1))),
        mistakes=_mistakes([each.name for each in readable], wrong, is_sure),
        pairs=_pairs([each.name for each in readable], wrong),
        ensemble=_ensemble(readable, seeds, by_seed),
    )


def _standing(contender: Contender) -> set[int]:
    """The seeds of its runs that finished."""
    return {seed for seed, run in contender.runs.items() if run.status == "finished"}


def _read(shelf: Shelf, contender: Contender, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Labels int64 (N,) and calibrated probabilities float32 (N, K) of one run; None where they are gone or damaged."""
    run = contender.runs[seed]
    try:
        found = shelf.answers(contender.folders[seed], run, "test")
    except StorageError:
        return None  # the comparison has a finding on it
    return found.labels, cooled(found.probabilities, run.heat)


def _of_seed(shelf: Shelf, contenders: Sequence[Contender], seed: int) -> SeedAnswers:
    answers, certainty, together = [], [], np.zeros(())
    labels = np.empty(0, np.int64)
    for contender in contenders:
        found = _read(shelf, contender, seed)
        assert found is not None, "read once already"
        labels, probabilities = found
        answers.append(probabilities.argmax(axis=1))
        certainty.append(probabilities.max(axis=1))
        together = together + probabilities / len(contenders)
    return SeedAnswers(labels, np.stack(answers), np.stack(certainty).astype(np.float32), together.astype(np.float32))


# --------------------------------------------------------------------------------------------- errors


def _mean_count(chosen: np.ndarray) -> float:
    """How many of the images bool (S, N), on average over seeds."""
    return float(chosen.sum(axis=1).mean())


def _mistakes(names: Sequence[str], wrong: np.ndarray, is_sure: np.ndarray) -> tuple[Mistakes, ...]:
    """From bool (S, C, N): who was wrong, and who was sure of the answer."""
    is_alone = wrong & (wrong.sum(axis=1, keepdims=True) == 1)
    return tuple(
        Mistakes(
            contender=name,
            wrong=_mean_count(wrong[:, place]),
            sure=_mean_count(wrong[:, place] & is_sure[:, place]),
            alone=_mean_count(is_alone[:, place]),
            alone_sure=_mean_count(is_alone[:, place] & is_sure[:, place]),
        )
        for place, name in enumerate(names)
    )


def cohens_kappa(first: np.ndarray, second: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Kappa from shares of wrong answers: the first's, the second's, and of both; NaN where chance explains all."""
    agreement = 1 - first - second + 2 * both
    by_chance = first * second + (1 - first) * (1 - second)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(by_chance < 1, (agreement - by_chance) / (1 - by_chance), np.nan)


def _mean_of_known(kappas: np.ndarray) -> np.ndarray:
    """(draws, S) -> (draws,): over the seeds that have one; NaN where none has."""
    known = np.isfinite(kappas)
    means: np.ndarray = np.where(known, kappas, 0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
    return means


def _pairs(names: Sequence[str], wrong: np.ndarray) -> tuple[Agreement, ...]:
    """Every two contenders, from bool (S, C, N); draws of images are the same for all."""
    num_seeds, num_contenders, num_items = wrong.shape
    chosen = list(itertools.combinations(range(num_contenders), 2))
    alone = wrong.reshape(-1, num_items)
    both = np.concatenate([wrong[:, first] & wrong[:, second] for first, second in chosen])  # pairs x seeds
    counted = np.concatenate([alone, both]).astype(np.float32).T  # (N, ...)
    observed = counted.mean(axis=0, dtype=np.float64)[None]
    drawn = np.concatenate([counts @ counted for counts in bootstrap.image_counts(num_items, NUM_DRAWS)]) / num_items

    def kappas(shares: np.ndarray) -> np.ndarray:
        """(draws, pairs), means over the seeds that have one."""
        single = shares[:, : len(alone)].reshape(-1, num_seeds, num_contenders)
        double = shares[:, len(alone) :].reshape(-1, len(chosen), num_seeds)
        columns = [
            cohens_kappa(single[:, :, a], single[:, :, b], double[:, place]) for place, (a, b) in enumerate(chosen)
        ]
        return np.stack([_mean_of_known(column) for column in columns], axis=1)

    found, draws = kappas(observed)[0], kappas(drawn.astype(np.float64))
    agreements = []
    for place, (a, b) in enumerate(chosen):
        shares = wrong[:, [a, b]].mean(axis=2)  # (S, 2)
        has_kappa = bool(np.isfinite(found[place]))
        ends = np.nanquantile(draws[:, place], [TAIL, 1 - TAIL]).tolist() if has_kappa else (None, None)
        agreements.append(
            Agreement(
                first=names[a], second=names[b], kappa=float(found[place]) if has_kappa else None,
                low=ends[0], high=ends[1], both_wrong=_mean_count(wrong[:, a] & wrong[:, b]),
                by_chance=float((shares[:, 0] * shares[:, 1]).mean() * num_items),
                fewest_wrong=float(shares.mean(axis=0).min() * num_items),
            )
        )  # fmt: skip
    return tuple(agreements)


# --------------------------------------------------------------------------------------------- together


def _ensemble(contenders: Sequence[Contender], seeds: Sequence[int], by_seed: Sequence[SeedAnswers]) -> Ensemble:
    """All of them on each seed against the best of them, by the verdict that any two contenders would get."""
    rights = {
        "mean": np.stack([each.together.argmax(axis=1) == each.labels for each in by_seed]),
        "vote": np.stack([each.vote == each.labels for each in by_seed]),
    }
    singles = 1 - np.stack([each.wrong.mean(axis=1) for each in by_seed])  # (S, C)
    place = int(singles.mean(axis=0).argmax())
    best = contenders[place]
    accuracies = rights["mean"].mean(axis=1)
    of_best = {seed: _planned_here(best.runs[seed]) for seed in seeds}
    together = Contender(
        ENSEMBLE,
        {
            seed: of_best[seed].model_copy(
                update={"test": of_best[seed].test_scores.model_copy(update={"accuracy": float(accuracy)})}
            )
            for seed, accuracy in zip(seeds, accuracies, strict=True)
        },
        {},
    )
    alone = Contender(best.name, of_best, {})
    right = np.concatenate([rights["mean"], ~np.stack([each.wrong[place] for each in by_seed])])
    low, high = _ends(rights["mean"])
    voted_low, voted_high = _ends(rights["vote"])
    return Ensemble(
        accuracy=float(accuracies.mean()), low=low, high=high,
        voted=float(rights["vote"].mean()), voted_low=voted_low, voted_high=voted_high,
        best=best.name, best_accuracy=float(singles[:, place].mean()),
        verdict=_verdict(together, alone, right, seeds),
    )  # fmt: skip


def _planned_here(run: RunRecord) -> RunRecord:
    """Of a study that was looked at after every seed: no more seeds than are looked at here will ever count."""
    looking = run.rules.looking
    if looking is None or looking.most_seeds <= MOST_SEEDS:
        return run
    fewer = looking.model_copy(update={"most_seeds": MOST_SEEDS})
    return run.model_copy(update={"rules": run.rules.model_copy(update={"looking": fewer})})


def _verdict(together: Contender, alone: Contender, right: np.ndarray, seeds: Sequence[int]) -> Verdict:
    """On accuracy, from bool (2 S, N): the ensemble's right answers on each seed, then the other's."""
    values = right.astype(np.float32)
    rows = {(place, seed): place * len(seeds) + row for place in (0, 1) for row, seed in enumerate(seeds)}
    items = ItemValues(rows, {"accuracy": values}, ())
    measure = MEASURES["accuracy"]
    facts = pairs.facts_of_pairs(measure, [together, alone], items, bootstrap.item_deviations(values))
    pairs.add_item_tests(facts, items)
    (verdict,) = verdicts.verdicts_of(measure, [together, alone], facts, values.shape[1])
    return verdict


def _ends(right: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of accuracy from bool (S, N): Student's over seeds; of one seed Wilson's over images."""
    if len(right) > 1:
        low, high = mean_interval(right.mean(axis=1).tolist())
        return max(0.0, low), min(1.0, high)
    return wilson_interval(int(right.sum()), right.shape[1])
