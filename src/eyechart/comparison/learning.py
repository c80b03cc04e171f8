"""Did the run learn, and in the way that it should?  Constant answers, a loss that is stuck, labels that fit nothing.

Asked only of runs that were given the chance to learn something (LEAST_STEPS).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eyechart.comparison.stored import Evidence, Facts
    from eyechart.schema import RunRecord, Scalar, Scores

LEAST_STEPS = 50  # fewer, and a healthy network may still be at chance
CONSTANT_SHARE = 0.95  # of the images of all other classes that get the one answer
LEAST_OTHER_IMAGES = 20  # of other classes, to call an answer constant
LOSS_TOLERANCE = 0.03  # relative: how near ln K is "at chance"
CHANCE_ERRORS = 3.0  # standard errors
WIDEST_CHANCE = 0.15  # three standard errors of a smaller test part are wider than this, and show nothing
FALLEN_LOSS = 0.97  # of its first value: the training loss did fall
CAP_REACHED = 0.9  # of the highest probability that a softmax of probabilities can give
CAPPED_LOOKS = 3  # in a row with a training loss at its floor, although validation is good
CAPPED_ACCURACY = 0.9
SMALL_HEAD = 0.05  # of all weights
UNFITTED_LOSS, UNFITTED_SHARE = 0.1, 0.5  # nats of training loss, and its share of the validation loss
FEWEST_FLOOR_CLASSES = 4  # the floor of two classes is 0.313, where augmentation or smoothed labels may keep a loss too


def had_its_chance(run: RunRecord) -> bool:
    """Whether the run finished, after enough steps to have learned something."""
    return run.status == "finished" and run.plan.num_steps >= LEAST_STEPS


def constant_answers(each: Evidence) -> Facts:
    """One class for (nearly) all images, those of other classes as well."""
    run = each.run
    if not had_its_chance(run):
        return None
    answer = constant_answer(run.test_scores)
    if answer is None:
        return None
    # No right answer: also of a class without images.
    f1_of_classes = [f1 or 0.0 for f1 in run.test_scores.per_class.f1]
    weighted = sum(f1 * n for f1, n in zip(f1_of_classes, run.test_scores.per_class.support, strict=True))
    return {
        "class": run.dataset.classes[answer],
        "accuracy": run.test_scores.accuracy,
        "macro_f1": run.test_scores.macro_f1,
        "weighted_f1": weighted / max(1, run.test_scores.num_items),
        "class_f1": f1_of_classes[answer],
        "steps": run.plan.num_steps,
    }


def constant_answer(scores: Scores) -> int | None:
    """The class that (nearly) all images get as their answer, or None."""
    given = [sum(column) for column in zip(*scores.confusion, strict=True)]
    top = max(range(len(given)), key=given.__getitem__)
    right = scores.confusion[top][top]
    num_others = sum(map(sum, scores.confusion)) - sum(scores.confusion[top])
    if num_others < LEAST_OTHER_IMAGES:
        return None
    return top if (given[top] - right) / num_others >= CONSTANT_SHARE else None


def loss_at_chance(each: Evidence) -> Facts:
    """Training and validation loss both ended at ln K, the loss of somebody who knows nothing."""
    run = each.run
    if not had_its_chance(run) or not run.history:
        return None
    last, chance = run.history[-1], math.log(max(2, run.dataset.num_classes))
    is_detector = run.detection is not None  # its training loss is of boxes as well
    is_stuck = is_detector or abs(last.train_loss / chance - 1) <= LOSS_TOLERANCE
    if not is_stuck or last.validation_loss < (1 - LOSS_TOLERANCE) * chance or not is_at_chance(run.test_scores):
        return None
    facts: dict[str, Scalar] = {"classes": run.dataset.num_classes, "chance": chance, "loss": last.validation_loss}
    return facts | {"accuracy": run.test_scores.accuracy, "steps": run.plan.num_steps}


def is_at_chance(scores: Scores) -> bool:
    """Whether always naming the most frequent class would have done as well, and the test part can tell.

    Where classes are of very different size a good network may do no better than that, but it finds the small ones;
    where the part has one class, nobody can do better, and it tells nothing.
    """
    num_judged = sum(number > 0 for number in scores.per_class.support)
    if num_judged < 2 or scores.macro_recall > 1 / num_judged + WIDEST_CHANCE:
        return False
    share = max(scores.per_class.support) / scores.num_items
    margin = CHANCE_ERRORS * math.sqrt(share * (1 - share) / scores.num_items)
    return margin <= WIDEST_CHANCE and scores.accuracy <= share + margin


def memorised(each: Evidence) -> Facts:
    """The training loss fell and the test is at chance: what shuffled or wrongly matched labels look like."""
    run = each.run
    losses = [point.train_loss for point in run.history]
    if not had_its_chance(run) or len(losses) < 2 or not is_at_chance(run.test_scores):
        return None
    if constant_answer(run.test_scores) is not None or not losses[-1] <= FALLEN_LOSS * losses[0]:
        return None
    return {"first": losses[0], "last": losses[-1], "accuracy": run.test_scores.accuracy}


def head_too_little(each: Evidence) -> Facts:
    """Next to nothing is trained, and that does not fit even the images that it learns from."""
    run = each.run
    if not had_its_chance(run) or not run.history or run.recipe.label_smoothing or not run.recipe.augmentation.is_none:
        return None
    share, loss = run.cost.num_trainable / max(1, run.cost.num_parameters), run.history[-1].train_loss
    if share > SMALL_HEAD or loss < UNFITTED_LOSS or loss < UNFITTED_SHARE * run.history[-1].validation_loss:
        return None
    facts: dict[str, Scalar] = {"share": share, "loss": loss, "validation_loss": run.history[-1].validation_loss}
    return facts | {"accuracy": run.validation_scores.accuracy, "steps": run.plan.num_steps}


def softmax_twice(each: Evidence) -> Facts:
    """No probability exceeds e / (e + K - 1), which a softmax of probabilities cannot, and more answers are right."""
    run, probabilities = each.run, each.test_probabilities
    if not had_its_chance(run) or probabilities is None or not len(probabilities):
        return None
    num_classes = run.dataset.num_classes
    cap = math.e / (math.e + num_classes - 1)
    most = float(probabilities.max())
    if not most <= cap * 1.001:  # nearly always: then nothing needs to be sorted
        return None
    certainty = probabilities.max(axis=1)
    error = math.sqrt(cap * (1 - cap) / len(certainty))
    certainty.sort()
    is_capped = certainty[int(0.95 * len(certainty))] >= CAP_REACHED * cap
    if not is_capped or run.test_scores.accuracy <= cap + CHANCE_ERRORS * error:
        return None
    facts: dict[str, Scalar] = {"most": most, "cap": cap, "classes": num_classes}
    return facts | {"accuracy": run.test_scores.accuracy, "floor": loss_floor(num_classes)}


def loss_floor(num_classes: int) -> float:
    """Least cross-entropy, in nats, when probabilities are passed where logits are expected: 1.461 for ten classes."""
    return math.log(1 + (num_classes - 1) / math.e)


def loss_at_floor(each: Evidence) -> Facts:
    """The training loss stays just above the floor of a second softmax while validation is good."""
    run = each.run
    if run.dataset.num_classes < FEWEST_FLOOR_CLASSES:
        return None
    looks = run.history[-CAPPED_LOOKS:]
    if not had_its_chance(run) or len(looks) < CAPPED_LOOKS or run.detection is not None:
        return None
    floor = loss_floor(run.dataset.num_classes)
    for look in looks:
        is_capped = floor * 0.999 <= look.train_loss <= 1.1 * floor
        if not is_capped or look.mark < CAPPED_ACCURACY or look.validation_loss > 0.7 * floor:
            return None
    facts: dict[str, Scalar] = {"floor": floor, "classes": run.dataset.num_classes}
    return facts | {"loss": looks[-1].train_loss, "accuracy": looks[-1].mark}


def loss_zero(each: Evidence) -> Facts:
    """Exactly 0, or below: no cross-entropy of real answers is."""
    run = each.run
    losses = [("train", point.train_loss) for point in run.history]
    losses += [("validation", run.validation_scores.raw_loss), ("test", run.test_scores.raw_loss)]
    zero = [(part, loss) for part, loss in losses if loss <= 0]
    return {"part": zero[0][0], "loss": zero[0][1]} if zero else None
