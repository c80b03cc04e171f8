"""What a comparison of runs finds: a number for each contender, a verdict for each pair, what speaks against them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from eyechart.schema.frozen import Count, Fraction, Frozen, NotNegative, Positive, Scalar

Language = Literal["en", "fr"]
ENSEMBLE = "ensemble"  # what verdicts call all contenders together
SURE = 0.9  # a probability from which an answer counts as sure
FEW_ERRORS = 100  # images; with fewer wrong ones, agreement in errors rests on little, and this is told
VerdictKind = Literal["better", "equivalent", "not shown", "too few runs"]


class Finding(Frozen):
    """Something that a reader must know before believing a number; its sentence is made by comparison/words."""

    kind: Literal["unfair", "alarm", "note"]  # rules broken | suspicious result | worth knowing
    code: str  # "other-splits", "constant-answers", ...: which sentence
    runs: tuple[str, ...] = ()  # the runs or contenders that it is about; empty: all of them
    facts: dict[str, Scalar] = {}  # the figures in the sentence


class Summary(Frozen):
    """One contender, one metric, over its seeds (rule 6)."""

    contender: str
    metric: str  # a name in scoring/measures.py
    seeds: tuple[int, ...]
    values: tuple[float, ...]  # in the order of the seeds
    mean: float
    sd: float | None = None  # over seeds; None: one seed
    low: float | None = None  # 95 %: Student's t over seeds; for one run Wilson over items, None where there is neither
    high: float | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Of the interval; the mean twice where there is none."""
        return (self.mean if self.low is None else self.low), (self.mean if self.high is None else self.high)


class Family(Frozen):
    """The question that comes before the pairs: are the contenders different at all, in one metric? (rule 8)"""

    metric: str
    test: Literal["friedman", "cochran", "none"]  # over seeds | over the items of one seed | not applicable
    statistic: float | None = None
    p_value: Fraction | None = None
    is_primary: bool = False  # stated beforehand; all others are exploratory


class Uncertainty(Frozen):
    """Variance of a pair's mean difference (on the scale of scores, squared), by what would have to be drawn anew.

    More seeds lessen `seeds` and `both`, more test images `items` and `both`.
    """

    seeds: NotNegative  # other seeds: luck that all images share
    items: NotNegative | None = None  # other test images, whatever the seed; None: not known, and within `seeds`
    both: NotNegative | None = None  # which image a seed happens to get wrong


class Verdict(Frozen):
    """One pair in one metric: which is better, by how much, how sure (rules 7 to 9).

    `first` has the better mean over the seeds that both have.  `difference`, `low` ... say by how much the first leads,
    so that above 0 it is the better one: first - second for accuracy, macro F1 and mAP (ratios in 0..1, as in Scores),
    second - first for the loss (nats).  A metric that is compared by its ratio (seconds) has second / first, of
    geometric means, and is led above 1.
    With fewer than 6 seeds the intervals are of the items alone: about these runs on other images of the same kind.
    """

    metric: str
    first: str
    second: str
    kind: VerdictKind
    scope: Literal["architectures", "these runs"] = "architectures"  # "these runs": decided by the items of few seeds
    num_seeds: Count  # that both have
    difference: float
    low: float | None = None  # 95 %: two-level paired bootstrap, seeds x items (seeds alone where items do not add up)
    high: float | None = None
    low90: float | None = None  # 90 %, for equivalence
    high90: float | None = None
    p_value: Fraction | None = None  # sign-flip permutation over seeds, two-sided
    holm_p: Fraction | None = None  # the same after Holm, inside the family of one metric
    superiority: Fraction | None = None  # P(first better than second) over paired seeds, ties half
    superiority_low: Fraction | None = None
    superiority_high: Fraction | None = None
    mcnemar_p: Fraction | None = None  # exact, median over seeds
    mcnemar_share: Fraction | None = None  # of seeds with p < .05
    mcnemar_holm_p: Fraction | None = None  # median over seeds, after Holm among the pairs of each seed: what decides
    # About how many would show this difference; with too few runs, the fewest that can show any; None: shown, or never
    seeds_needed: Annotated[int, Field(ge=1)] | None = None
    items_needed: Positive | None = None  # test images that would be needed where more seeds cannot help
    smallest_effect: Positive | None = None  # that this many seeds and images show with power .8, as `difference`
    uncertainty: Uncertainty | None = None  # where the difference's variance comes from; None: fewer than 6 seeds
    # Of a study that was looked at after every seed: p is valid whenever it stopped, up to so many seeds; None: no
    most_seeds: Count | None = None
    equivalence_p: Fraction | None = None  # of two one-sided sign-flip tests, valid in the same way
    is_open: bool = False  # some future of the seeds that are left could still decide it


# --------------------------------------------------------------------------------------------- errors in common


class Mistakes(Frozen):
    """One contender's wrong answers, as a number of test images: a mean over seeds."""

    contender: str
    wrong: float
    sure: float  # of these with a probability of at least SURE, after temperature
    alone: float  # of these that no other contender got wrong
    alone_sure: float


class Agreement(Frozen):
    """How far the errors of two contenders fall on the same images (Geirhos et al. 2020).

    `kappa` is Cohen's, of right and wrong: 1 where both are wrong on the same images, 0 where they share as many errors
    as chance would have it, below 0 fewer.
    """

    first: str
    second: str
    kappa: float | None  # mean over seeds; None: neither makes an error, or both make nothing else
    low: float | None  # 95 %, of images drawn anew: about these runs
    high: float | None
    both_wrong: float  # test images, mean over seeds
    by_chance: float  # so many if errors fell independently
    fewest_wrong: float  # of the one that makes fewer errors: what the figure rests on


class Ensemble(Frozen):
    """All contenders together on each seed, and the best of them alone."""

    accuracy: Fraction  # of the mean of their calibrated probabilities, mean over seeds
    low: Fraction  # 95 %: Student's t over seeds; of one seed Wilson's over images
    high: Fraction
    voted: Fraction  # of the majority of their answers; a tie goes to what the mean of probabilities holds likelier
    voted_low: Fraction
    voted_high: Fraction
    best: str  # the contender with the best accuracy on these very images, which flatters it
    best_accuracy: Fraction
    verdict: Verdict  # on accuracy, of ENSEMBLE and that contender


class SharedErrors(Frozen):
    """Of the seeds that all contenders have."""

    contenders: tuple[str, ...]  # those that did not diverge and whose answers are there, the best first
    seeds: tuple[int, ...]
    num_items: Count
    all_wrong: float  # test images that every contender gets wrong, mean over seeds
    all_wrong_alike: float  # of these with the same wrong answer from all
    all_sure: float  # of these with a probability of at least SURE from all
    some_wrong: float  # that at least one gets wrong
    mistakes: tuple[Mistakes, ...]
    pairs: tuple[Agreement, ...]
    ensemble: Ensemble


class Comparison(Frozen):
    """Everything that can be said of the runs together; what terminal, JSON and report show."""

    dataset: str
    primary: str = "accuracy"  # the metric that was asked about beforehand, of the dataset's task
    contenders: tuple[str, ...]  # the best in it first
    pretrained: dict[str, str] = {}  # contender -> what it was pretrained on
    diverged: tuple[str, ...] = ()  # contenders of which every run diverged: guesses, and no pair among them says more
    num_items: Count  # test images
    num_classes: Count = 0
    absent_classes: tuple[str, ...] = ()  # without a test image: macro means are over the others
    summaries: tuple[Summary, ...]
    families: tuple[Family, ...]
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...] = ()
    shared_errors: SharedErrors | None = None  # None: fewer than two contenders with answers, or boxes
