"""Shuffled labels: what nobody could learn must not be learnt.

If a model that was trained on labels without meaning did better than chance on the true labels of the test part, the
test part would have leaked into the training somewhere.

The answers of such a model hang together (it may well call every 3 a 7), so its accuracy scatters around chance far
more than coin tosses would; the standard error therefore comes from several shufflings, not from the test images.
"""

from __future__ import annotations

import math
import statistics

from audits.settings import Answer, Settings
from audits.small_mnist import NUM_CLASSES, write_small_mnist
from audits.trainings import SMALL_CNN, plan_small, train_missing

CHANCE = 1 / NUM_CLASSES
LARGEST_STANDARD_ERRORS = 3.0
LEAST_ACCURACY_WITH_TRUE_LABELS = 0.8  # the same training must be able to learn
TINY_SD = 0.03  # over shufflings, about what the full audit finds: two runs cannot say it themselves


def shuffled_labels(settings: Settings) -> Answer:
    """Trained on shuffled labels, models are right on true test labels as often as chance, within 3 standard errors."""
    num_runs, num_steps = settings.pick(40, 2), settings.pick(300, 60)
    train_per_class, test_per_class = settings.pick(500, 100), settings.pick(890, 100)
    folder = settings.folder / f"shuffled-labels-{train_per_class}x{test_per_class}x{num_steps}"

    def accuracies(kind: str, shuffle_seeds: list[int | None]) -> list[float]:
        found = []
        for number, seed in enumerate(shuffle_seeds):
            data = folder / f"{kind}-{number}"
            write_small_mnist(data, train_per_class, test_per_class, shuffle_seed=seed)
            study = plan_small(data, [number], num_steps, SMALL_CNN, kind)
            found += [run.test.accuracy for run in train_missing(study, folder / kind, settings.say)]
        return found

    shuffled = accuracies("shuffled", list(range(num_runs)))
    (honest,) = accuracies("honest", [None])
    sd = settings.pick(statistics.stdev(shuffled), TINY_SD)
    standard_error = sd / math.sqrt(num_runs)
    distance = (statistics.fmean(shuffled) - CHANCE) / standard_error
    figures = {
        "runs": num_runs,
        "accuracy": {"mean": statistics.fmean(shuffled), "sd": sd, "values": shuffled},
        "accuracy_with_true_labels": honest,
        "chance": CHANCE,
        "standard_error": standard_error,
        "distance_in_standard_errors": distance,
        "test_images": NUM_CLASSES * test_per_class,
    }
    passed = abs(distance) <= LARGEST_STANDARD_ERRORS and honest >= LEAST_ACCURACY_WITH_TRUE_LABELS
    return Answer(passed, figures)
