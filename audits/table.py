"""What the audits found, as the table in docs/verdicts.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audits.catalog import title_of
from audits.settings import ROOT
from eyechart.files.storage import write_text

DOCUMENT = ROOT / "docs" / "verdicts.md"
REGION = re.compile(r"<!-- audits -->\n.*?<!-- /audits -->", re.DOTALL)

Figures = dict[str, Any]


def update(record: dict[str, Any], document: Path = DOCUMENT) -> None:
    """Write the table of a record into the document, between its markers."""
    write_text(document, with_table(document.read_text(encoding="utf-8"), record))


def with_table(text: str, record: dict[str, Any]) -> str:
    assert len(REGION.findall(text)) == 1, "the document has one place for the table"
    return REGION.sub(lambda _: f"<!-- audits -->\n{table(record)}\n<!-- /audits -->", text)


def table(record: dict[str, Any]) -> str:
    """Markdown: what is asked, what was found, whether that passes, by which code and when."""
    lines = ["| audit | found | passed | measured |", "| --- | --- | --- | --- |"]
    for name, words in FOUND.items():
        if name in record["results"]:
            figures = record["results"][name]
            passed = "yes" if figures["passed"] else "**no**"
            origin = f"{figures['date']}, commit {figures['commit'] or '?'}"
            lines.append(f"| `{name}`: {title_of(name).rstrip('.')} | {words(figures)} | {passed} | {origin} |")
    return "\n".join(lines)


def _oracle(figures: Figures) -> str:
    return (
        f"{figures['cases']:,} cases, {figures['figures']:,} figures, "
        f"largest difference {figures['largest_difference']:.1e}"
    )


def _made_up(figures: Figures) -> str:
    names = {
        "six_seeds": "pairs of 6 seeds",
        "ten_seeds": "pairs of 10 seeds",
        "five_contenders": "families of five contenders, 10 seeds",
        "looked_at": "pairs looked at after every seed up to 10",
        "one_seed_alike": "pairs of 1 seed that differ by chance of the items alone",
    }
    return "; ".join(f"{_of(figures[name], 'families')} {label}" for name, label in names.items() if name in figures)


def _trained(figures: Figures) -> str:
    others = ", ".join(
        f"{name} {number}" for name, number in figures["flagged_by_metric"].items() if name != "accuracy"
    )
    different, single = figures["different"], figures["one_seed_these_runs"]
    return (
        f"accuracy: {_of(figures, 'pairs')} pairs of {figures['seeds']} seeds from {figures['runs']} runs"
        f"{f' (other metrics: {others})' if others else ''}; "
        f"of pairs that do differ, {different['shown']} of {different['pairs']} are shown; "
        f"of single runs, {_of(single, 'pairs')} are called better in these runs"
    )


def _same_time(figures: Figures) -> str:
    wall, cpu = figures["ratio"], figures["cpu_ratio"]
    return (
        f"{figures['pairs']} pairs of {figures['train_seconds']:.1f} s: median ratio {wall['median']:.3f} "
        f"({wall['min']:.3f} to {wall['max']:.3f}), of CPU time {cpu['median']:.3f}; "
        f"other programs took up to {100 * figures['foreign_share']:.1f} % of the machine, "
        f"{figures['spoiled_runs']} of {2 * figures['pairs']} runs are marked as spoiled for timing"
    )


def _shuffled(figures: Figures) -> str:
    return (
        f"{figures['runs']} shufflings: {100 * figures['accuracy']['mean']:.2f} %, standard error "
        f"{100 * figures['standard_error']:.2f} points, {figures['distance_in_standard_errors']:+.1f} of them from "
        f"chance; with true labels the same training reaches {100 * figures['accuracy_with_true_labels']:.1f} %"
    )


def _test_part(figures: Figures) -> str:
    return (
        f"{len(figures['mentions_of_test_in_training_code'])} mentions of test in the code that trains; "
        f"{figures['runs_with_one_test_access']} of {figures['runs']} runs opened it once, "
        f"{figures['runs_with_validation_from_train']} with validation from train; "
        f"{figures['recorded_runs_with_one_test_access']} of {figures['recorded_runs']} recorded runs opened it once"
    )


def _intervals(figures: Figures) -> str:
    return (
        f"{figures['flagged']} of {figures['sets']} pairs are told apart; {figures['covered']} of {figures['sets']} "
        f"intervals hold the mean, {figures['map']:.3f}; they are {figures['interval_width']:.3f} wide on average, "
        f"with {figures['images']} images"
    )


def _of(figures: Figures, total: str) -> str:
    return f"{figures['flagged']} of {figures[total]}"


FOUND: dict[str, Callable[[Figures], str]] = {
    "a_against_a": _trained,
    "a_against_a_made_up": _made_up,
    "shuffled_labels": _shuffled,
    "same_model_two_names": _same_time,
    "nothing_chosen_on_test": _test_part,
    "metrics_scikit_learn": _oracle,
    "boxes_pycocotools": _oracle,
    "tests_statsmodels": _oracle,
    "detection_intervals": _intervals,
}
