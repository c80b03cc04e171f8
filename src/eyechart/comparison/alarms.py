"""Results that look wrong (rule 11): what a sharp reviewer would ask about, asked by the program itself.

An alarm is a suspicion with its figures, never a verdict; the scores stay as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from eyechart.comparison import learning, stored
from eyechart.comparison.fairness import is_test_shortened
from eyechart.comparison.learning import LEAST_STEPS, constant_answer, had_its_chance
from eyechart.comparison.naming import named
from eyechart.comparison.stored import Evidence, Facts
from eyechart.schema import Finding
from eyechart.scoring.fed import scaled_to_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyechart.schema import RunRecord, Scalar, Scores, Task

SCORE_TOLERANCE = 1e-6
F1_DISTANCE = 0.1  # of macro F1 from accuracy
PART_DISTANCE, PART_ERRORS = 0.05, 5.0  # of validation accuracy from test accuracy: in itself, and in standard errors
PERMUTED_SHARE = 0.3  # by which another naming of the classes would raise the accuracy
RENAMED_IMAGES, RENAMED_ERRORS = 20, 3.0  # the fewest that it takes, and standard errors: of few, chance does it
FEWEST_RENAMED = 2  # classes: where there is one, its wrong answers are no naming
FEW_SHARED = 1e-3  # of a part's images may also lie in another part, as in some published datasets
MOST_NAMED = 5  # classes
OF_CLASSES = {  # looks at what images are named
    "constant-answers", "loss-at-chance", "memorised", "head-too-little", "softmax-twice", "loss-at-floor", "loss-zero",
    "scores-contradict", "f1-far-from-accuracy", "renamed-classes", "validation-above-test", "test-above-validation",
    "misfit", "not-probabilities", "scores-not-from-answers",
}  # fmt: skip
OF_BOXES = {"same-box", "boxes-not-from-answers"}
OF_TRAINING = {  # ask how the run learned: of one that was judged again, its training was asked already
    "constant-answers", "loss-at-chance", "memorised", "head-too-little", "softmax-twice", "loss-at-floor",
    "f1-far-from-accuracy", "renamed-classes", "validation-above-test", "test-above-validation", "scaled-to-nothing",
    "frozen-part-moved",
}  # fmt: skip
NOTES = {"few-shared-pictures", "cut-classes", "not-checked"}
MOST_MFU = 1.2  # of the machine's own matrix product; more cannot be


@dataclass(frozen=True)
class Suspicions:
    """What is suspicious about one run, by the name of the look that found it, with its figures."""

    run: RunRecord
    facts: dict[str, dict[str, Scalar]]


def suspicions(each: Evidence) -> Suspicions:
    """Every look at one run."""
    looks = {code: look for code, look in LOOKS.items() if each.run.task in look_tasks(code)}
    if each.run.judged_on:
        looks = {code: look for code, look in looks.items() if code not in OF_TRAINING}
    return Suspicions(each.run, {code: facts for code, look in looks.items() if (facts := look(each)) is not None})


def look_tasks(code: str) -> tuple[Task, ...]:
    """The tasks in which a look finds what it looks for."""
    if code in OF_CLASSES:
        return ("classification",)
    return ("detection",) if code in OF_BOXES else ("classification", "detection")


def alarms(suspected: Sequence[Suspicions]) -> list[Finding]:
    """Everything suspicious in these runs, one finding for each kind, with the figures of the first run that has it."""
    runs = [each.run for each in suspected]
    found = [_collected(code, suspected) for code in LOOKS]
    return [finding for finding in (*found, _same_weights(runs), _barely_trained(runs)) if finding is not None]


def _collected(code: str, suspected: Sequence[Suspicions]) -> Finding | None:
    """One finding for all runs that a look finds something suspicious in."""
    hits = [each for each in suspected if code in each.facts]
    if not hits:
        return None
    kind: Literal["alarm", "note"] = "note" if code in NOTES else "alarm"
    names = named([each.run for each in hits], [each.run for each in suspected])
    facts = hits[0].facts[code]
    if any(each.facts[code] != facts for each in hits):
        facts = facts | {"figures_of": hits[0].run.run}
    return Finding(kind=kind, code=code, runs=names, facts=facts)


def _diverged(each: Evidence) -> Facts:
    return {} if each.run.status == "diverged" else None


def _unknown_pixels(each: Evidence) -> Facts:
    """Weights that see pixels of another scale than those they were trained on give features that mean little."""
    if each.run.weights.knows_pixels:
        return None
    frame = each.run.preprocessing
    return {"weights": each.run.weights.description, "mean": frame.mean[0], "std": frame.std[0]}


def _scaled_to_nothing(each: Evidence) -> Facts:
    """Pixels that were divided twice: what enters the first layer is nearly the same everywhere."""
    return scaled_to_nothing(each.run.fed) if each.run.fed else None


def _frozen_part_moved(each: Evidence) -> Facts:
    """What stands still is what was pretrained: a norm that goes on counting makes it something else."""
    if not each.run.moved:
        return None
    return {"tensors": len(each.run.moved), "first_tensor": each.run.moved[0]}


# --------------------------------------------------------------------------------------------- scores


def _scores_contradict(each: Evidence) -> Facts:
    """Accuracy, precision, recall and F1 are functions of the confusion matrix."""
    for part, scores in (("test", each.run.test_scores), ("validation", each.run.validation_scores)):
        for name, value in rescored(scores.confusion).items():
            if not abs(getattr(scores, name) - value) <= SCORE_TOLERANCE:  # also when one is not a number
                return {"part": part, "score": name, "stated": getattr(scores, name), "follows": value}
    return None


def rescored(confusion: Sequence[Sequence[int]]) -> dict[str, float]:
    """Accuracy and the macro means that follow from a confusion matrix (rows: truth)."""
    import numpy as np

    from eyechart.scoring.class_means import class_figures, macro_means

    counts = np.array(confusion, np.int64)
    total = int(counts.sum())
    accuracy = float(np.trace(counts) / total) if total else math.nan
    return {"num_items": total, "accuracy": accuracy, **macro_means(class_figures(counts))}


def _f1_far_from_accuracy(each: Evidence) -> Facts:
    """Accuracy that leaves classes out, or is carried by the frequent ones."""
    run = each.run
    distance = run.test_scores.accuracy - run.test_scores.macro_f1
    if not had_its_chance(run) or abs(distance) <= F1_DISTANCE or constant_answer(run.test_scores) is not None:
        return None
    by_class = zip(run.dataset.classes, run.test_scores.per_class.f1, strict=True)
    judged = [(f1, name) for name, f1 in by_class if f1 is not None]
    class_f1, name = min(judged)
    # Wrong answers that name classes without images cost no precision.
    if class_f1 > run.test_scores.accuracy - F1_DISTANCE:
        return None
    facts: dict[str, Scalar] = {"accuracy": run.test_scores.accuracy, "macro_f1": run.test_scores.macro_f1}
    return facts | {"class": name, "class_f1": class_f1}


def _renamed_classes(each: Evidence) -> Facts:
    """Another naming of the classes would make many more answers right: class ids were mixed up."""
    run = each.run
    rows = [row for row in run.test_scores.confusion if any(row)]  # of the classes that the part has
    if not had_its_chance(run) or len(rows) < FEWEST_RENAMED:
        return None
    favourite = [max(range(len(row)), key=row.__getitem__) for row in rows]
    if len(set(favourite)) < len(favourite):
        return None
    share = sum(row[k] for row, k in zip(rows, favourite, strict=True)) / run.test_scores.num_items
    accuracy, number = run.test_scores.accuracy, run.test_scores.num_items
    error = math.sqrt((share + accuracy) / number)  # of the difference: an image counts for one, or the other, or none
    if number < RENAMED_IMAGES or share - accuracy <= max(PERMUTED_SHARE, RENAMED_ERRORS * error):
        return None
    return {"accuracy": run.test_scores.accuracy, "renamed": share}


def _validation_above_test(each: Evidence) -> Facts:
    run = each.run
    is_leak = _is_far_above(run.validation_scores, run.test_scores) and run.status == "finished"
    return {"validation": run.validation_scores.accuracy, "test": run.test_scores.accuracy} if is_leak else None


def _test_above_validation(each: Evidence) -> Facts:
    run = each.run
    is_leak = _is_far_above(run.test_scores, run.validation_scores) and run.status == "finished"
    return {"validation": run.validation_scores.accuracy, "test": run.test_scores.accuracy} if is_leak else None


def _is_far_above(high: Scores, low: Scores) -> bool:
    """Whether two accuracies are further apart than chance and two samples of the same images allow."""
    total = high.num_items + low.num_items
    if not high.num_items or not low.num_items:
        return False
    pooled = (high.accuracy * high.num_items + low.accuracy * low.num_items) / total
    error = math.sqrt(pooled * (1 - pooled) * (1 / high.num_items + 1 / low.num_items))
    return high.accuracy - low.accuracy > max(PART_DISTANCE, PART_ERRORS * error)


def _impossible_speed(each: Evidence) -> Facts:
    """Faster than this machine's own matrix product: a clock or a count of operations is wrong."""
    mfu = each.run.cost.mfu
    # A diverged run ended early, and its speed is reckoned as if it had not.
    return {"mfu": mfu} if mfu > MOST_MFU and each.run.status == "finished" else None


# --------------------------------------------------------------------------------------------- splits


def _test_as_validation(each: Evidence) -> Facts:
    """Two parts that should have nothing in common are the same, or mostly the same, images."""
    splits = each.run.splits
    hashes = {"train": splits.train_sha256, "validation": splits.validation_sha256, "test": splits.test_sha256}
    shared = splits.num_shared or {}
    for pair in ("validation/test", "train/test", "train/validation"):
        first, second = pair.split("/")
        if hashes[first] == hashes[second] or shared.get(pair, 0) > 0.5 * _smaller_part(each.run, pair):
            return {"first": first, "second": second, "shared": shared.get(pair, _smaller_part(each.run, pair))}
    return None


def _shared_pictures(each: Evidence) -> Facts:
    """Duplicates across splits, more than a few."""
    return _shared(each, lambda share: share > FEW_SHARED)


def _few_shared_pictures(each: Evidence) -> Facts:
    """So few duplicates that they may belong to the published dataset."""
    return _shared(each, lambda share: 0 < share <= FEW_SHARED)


def _shared(each: Evidence, is_meant: Callable[[float], bool]) -> Facts:
    if _test_as_validation(each) is not None:
        return None
    for pair, number in (each.run.splits.num_shared or {}).items():
        size = _smaller_part(each.run, pair)
        if is_meant(number / max(1, size)):
            first, second = pair.split("/")
            return {"first": first, "second": second, "shared": number, "size": size, "share": number / max(1, size)}
    return None


def _smaller_part(run: RunRecord, pair: str) -> int:
    return min(int(getattr(run.splits, f"num_{part}")) for part in pair.split("/"))


def _missing_classes(each: Evidence) -> Facts:
    """Classes that a part lacks because the dataset does; the part that scores come from first."""
    missing = each.run.splits.missing_classes or {}
    for part in ("test", "validation", "train"):
        if missing.get(part) and not (part == "test" and is_test_shortened(each.run)):
            return {"part": part, **_some_classes(missing[part])}
    return None


def _plain_classes(each: Evidence) -> Facts:
    """Classes on whose images nothing is to be seen: decoded to nothing, or never filled."""
    for part, classes in (each.run.splits.plain_classes or {}).items():
        if classes:
            return {"part": part, **_some_classes(classes)}
    return None


def _cut_classes(each: Evidence) -> Facts:
    """Classes that the test part lacks and that may be in what the rules left out of it."""
    missing = (each.run.splits.missing_classes or {}).get("test", ())
    if not missing or not is_test_shortened(each.run):
        return None
    return {"images": each.run.splits.num_test, **_some_classes(missing)}


def _some_classes(names: Sequence[str]) -> dict[str, Scalar]:
    return {"classes": ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else ""), "number": len(names)}


# --------------------------------------------------------------------------------------------- several runs


def _same_weights(runs: Sequence[RunRecord]) -> Finding | None:
    """Runs with different seeds that ended in identical weights: the seed did nothing, or a run was copied."""
    seeds: dict[str, set[int]] = {}
    for run in runs:
        if run.status == "finished":
            seeds.setdefault(run.weights_sha256, set()).add(run.seed)
    same = [run for run in runs if len(seeds.get(run.weights_sha256, ())) > 1]
    return Finding(kind="alarm", code="same-weights", runs=named(same, runs)) if same else None


def _barely_trained(runs: Sequence[RunRecord]) -> Finding | None:
    brief = [run for run in runs if run.plan.num_steps < LEAST_STEPS]
    if not brief:
        return None
    facts: dict[str, Scalar] = {"steps": max(run.plan.num_steps for run in brief), "least": LEAST_STEPS}
    return Finding(kind="note", code="barely-trained", runs=named(brief, runs), facts=facts)


LOOKS: dict[str, Callable[[Evidence], Facts]] = {
    "test-as-validation": _test_as_validation,
    "shared-pictures": _shared_pictures,
    "few-shared-pictures": _few_shared_pictures,
    "missing-classes": _missing_classes,
    "cut-classes": _cut_classes,
    "plain-classes": _plain_classes,
    "diverged": _diverged,
    "constant-answers": learning.constant_answers,
    "loss-at-chance": learning.loss_at_chance,
    "memorised": learning.memorised,
    "head-too-little": learning.head_too_little,
    "unknown-pixels": _unknown_pixels,
    "scaled-to-nothing": _scaled_to_nothing,
    "frozen-part-moved": _frozen_part_moved,
    "softmax-twice": learning.softmax_twice,
    "loss-at-floor": learning.loss_at_floor,
    "loss-zero": learning.loss_zero,
    "scores-contradict": _scores_contradict,
    "f1-far-from-accuracy": _f1_far_from_accuracy,
    "renamed-classes": _renamed_classes,
    "validation-above-test": _validation_above_test,
    "test-above-validation": _test_above_validation,
    "impossible-speed": _impossible_speed,
    "predictions-changed": stored.predictions_changed,
    "items-changed": stored.items_changed,
    "misfit": stored.misfit,
    "not-probabilities": stored.not_probabilities,
    "scores-not-from-answers": stored.scores_not_from_answers,
    "same-box": stored.same_box,
    "boxes-not-from-answers": stored.boxes_not_from_answers,
    "not-checked": stored.not_checked,
}
