"""The figures of each class, and their means: over the classes that the judged part has, and no others.

A class without an image in the part has nothing to find, so it has no recall and no F1, and is in no mean.  Answers
that name it all the same are wrong answers to images of other classes, and lower the recall and F1 of those.
The classes of a mean are the part's, never those that somebody happened to answer: so they are the same for every
contender.  (scikit-learn: `labels=` the present classes, `average="macro"`, `zero_division=0`.  Without `labels` it
takes in what was answered, too, which is another set for every contender.)
"""

from __future__ import annotations

import numpy as np

from eyechart.schema import PerClass, Scores

TOLERANCE = 1e-6  # of a stated mean
MEANS = {"macro_precision": "precision", "macro_recall": "recall", "macro_f1": "f1"}


def class_figures(confusion: np.ndarray) -> PerClass:
    """Precision, recall and F1 from int (K, K), rows truth, columns answer; None for classes without an image.

    A class that has images and was never answered has a precision of 0.
    """
    right = np.diag(confusion).astype(np.float64)
    answered, support = confusion.sum(axis=0), confusion.sum(axis=1)
    return PerClass(
        precision=_ratios(right, answered, support),
        recall=_ratios(right, support, support),
        f1=_ratios(2 * right, answered + support, support),
        support=tuple(support.tolist()),
    )


def macro_means(figures: PerClass) -> dict[str, float]:
    """The means over the classes that have figures, at least one, each with the same weight; by their names in Scores.

    NaN where no class has any, which is a part without images.
    """
    return {name: _mean(getattr(figures, column)) for name, column in MEANS.items()}


def by_todays_rule(scores: Scores) -> Scores:
    """The scores of a run that was written when classes without images counted as 0 in the means, and as 0 themselves.

    A mean that follows from neither rule stays as it is stated: an alarm tells it (comparison/alarms.py).
    """
    size = len(scores.confusion)
    if all(scores.per_class.support) or any(len(row) != size for row in scores.confusion):
        return scores
    figures = class_figures(np.array(scores.confusion, np.int64))
    share = sum(n > 0 for n in figures.support) / size  # by which the old means were smaller
    means = {name: mean for name, mean in macro_means(figures).items() if _is_near(getattr(scores, name), mean * share)}
    return scores.model_copy(update={"per_class": figures, **means})


def _ratios(part: np.ndarray, whole: np.ndarray, support: np.ndarray) -> tuple[float | None, ...]:
    """part / whole, 0 where the whole is 0, and None without support."""
    ratios = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return tuple(ratio if n else None for ratio, n in zip(ratios.tolist(), support.tolist(), strict=True))


def _mean(values: tuple[float | None, ...]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def _is_near(stated: float, follows: float) -> bool:
    return abs(stated - follows) <= TOLERANCE
