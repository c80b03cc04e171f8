"""Every audit by the name that the record and documents use, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from audits import a_against_a, detection_intervals, oracles, sabotage, same_time, test_part
from audits.settings import Answer, Settings

AUDITS: dict[str, Callable[[Settings], Answer]] = {
    "metrics_scikit_learn": oracles.metrics_scikit_learn,
    "boxes_pycocotools": oracles.boxes_pycocotools,
    "tests_statsmodels": oracles.tests_statsmodels,
    "detection_intervals": detection_intervals.detection_intervals,
    "nothing_chosen_on_test": test_part.nothing_chosen_on_test,
    "shuffled_labels": sabotage.shuffled_labels,
    "a_against_a_made_up": a_against_a.a_against_a_made_up,
    "a_against_a": a_against_a.a_against_a,
    "same_model_two_names": same_time.same_model_two_names,
}


def title_of(name: str) -> str:
    """What an audit asks, in one sentence: the first line of its docstring."""
    return (AUDITS[name].__doc__ or "").strip().splitlines()[0]
