"""The matrix of verdicts: what stands in a cell, from either side."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from eyechart.report.entries import Entry, group_runs, read_runs
from eyechart.report.matrix import Cell, Matrix, finding, legend, matrices
from eyechart.report.page import write_report
from eyechart.report.pairs import Pairs
from eyechart.schema import Comparison, Verdict
from eyechart.words.speech import Speech

MINUS = "\N{MINUS SIGN}"
PAIRS = Pairs(Comparison(dataset="mnist", contenders=(), num_items=0, summaries=(), families=(), verdicts=()))


@pytest.fixture(scope="module")
def entries(fake_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """cnn, the best, and vit."""
    two = {name: fake_runs.FIVE[name] for name in ("cnn", "vit")}
    folder = tmp_path_factory.mktemp("matrix") / "study"
    return group_runs(read_runs(fake_runs.fake_study(folder, two, num_items=100, with_arrays=False)))


def judged(**facts: Any) -> Verdict:
    settled = {"metric": "accuracy", "first": "cnn", "second": "vit", "kind": "better", "num_seeds": 10,
               "difference": 0.0021, "low": 0.0012, "high": 0.0030, "holm_p": 0.004}  # fmt: skip
    return Verdict(**(settled | facts))


def matrix_of(entries: list[Entry], verdict: Verdict, lang: Any = "en") -> Matrix:
    found = Comparison(
        dataset="MNIST", contenders=("cnn", "vit"), num_items=100, summaries=(), families=(), verdicts=(verdict,)
    )
    [matrix] = matrices(entries, Pairs(found), lambda each: f"{each.first} / {each.second}", Speech(lang))
    return matrix


def test_a_cell_says_who_by_how_much_and_how_sure_from_both_sides(entries: list[Entry]) -> None:
    matrix = matrix_of(entries, judged())
    (diagonal, won), (lost, _) = (row.cells for row in matrix.rows)
    assert diagonal == Cell()
    assert won == Cell("wins", ">", "+0.21", "+0.12 to +0.30", "Holm p = .004", "cnn / vit")
    assert lost == Cell("loses", "<", f"{MINUS}0.21", f"{MINUS}0.30 to {MINUS}0.12", "Holm p = .004", "cnn / vit")
    assert matrix.heading == "accuracy: lead of the row, points"
    assert matrix.sentences == ("cnn / vit",)
    assert matrix.is_primary


@pytest.mark.parametrize(
    ("facts", "kind", "mark"),
    [
        ({"kind": "equivalent"}, "equivalent", "="),
        ({"kind": "not shown"}, "not-shown", "?"),
        ({"kind": "too few runs"}, "too-few", "…"),
        ({"scope": "these runs", "mcnemar_holm_p": 0.01}, "wins-runs", ">"),
    ],
)
def test_every_kind_has_its_mark_and_a_legend(entries: list[Entry], facts: Any, kind: str, mark: str) -> None:
    cell = matrix_of(entries, judged(**facts)).rows[0].cells[1]
    assert (cell.kind, cell.mark) == (kind, mark)
    assert (kind, mark) in {(each.kind, each.mark) for each in legend(PAIRS, Speech())}


def test_what_the_items_alone_decide_shows_their_own_test(entries: list[Entry]) -> None:
    cell = matrix_of(entries, judged(scope="these runs", mcnemar_holm_p=0.01)).rows[0].cells[1]
    assert cell.sure == "McNemar, Holm p = .010"


def test_times_are_told_as_ratios_that_turn_over(entries: list[Entry]) -> None:
    matrix = matrix_of(entries, judged(metric="training_seconds", difference=4.0, low=2.0, high=5.0))
    (_, won), (lost, _) = (row.cells for row in matrix.rows)
    assert won.difference == "×4.0" or won.difference == "×4"
    assert lost.difference.startswith("×0.2")
    assert lost.interval.startswith("0.20 to 0.50")
    assert matrix.heading == "training time: column / row"
    assert not matrix.is_primary


def test_french_numbers(entries: list[Entry]) -> None:
    cell = matrix_of(entries, judged(), "fr").rows[0].cells[1]
    assert (cell.difference, cell.interval, cell.sure) == ("+0,21", "+0,12 à +0,30", "Holm p = 0,004")


def test_no_verdict_and_what_rounds_to_nothing(entries: list[Entry]) -> None:
    level = matrix_of(entries, judged(kind="not shown", difference=0.0, low=-0.001, high=0.001))
    assert level.rows[0].cells[1].difference == "0.00"
    other = matrix_of(entries, judged(second="somebody"))
    assert other.rows[0].cells[1].mark == "–"
    assert other.sentences == ()


def test_the_heading_counts_what_is_decided(entries: list[Entry]) -> None:
    few = judged(kind="too few runs", scope="these runs")
    verdicts = (judged(), judged(scope="these runs"), judged(kind="not shown"), few)
    found = Comparison(
        dataset="MNIST", contenders=("cnn", "vit"), num_items=100, summaries=(), families=(), verdicts=verdicts
    )
    told = finding(Pairs(found), Speech())
    of_each = "1 decided, 1 decided for these trained models alone, 1 not shown and 1 with too few runs to say"
    assert told == f"Accuracy, 4 pairs: {of_each}"
    diverged = found.model_copy(update={"diverged": ("vit",)})
    assert "pair" not in finding(Pairs(diverged), Speech()), "the matrix leaves them out as well"


def test_twelve_contenders_have_a_matrix_and_details_stay_closed(
    fake_runs: ModuleType, page_reader: ModuleType, tmp_path: Path
) -> None:
    many = {f"net{i}": fake_runs.Fake(0.01 * (i + 1), 1000 * (i + 1), 0.001) for i in range(12)}
    runs = fake_runs.fake_study(tmp_path / "study", many, num_items=100)
    page = page_reader.Page(write_report(runs, tmp_path / "r.html"))
    tables = page.source.split('<table class="matrix wide">')[1:]
    assert len(tables) >= 2
    assert tables[0].split("</table>")[0].count("<td class=") == 1 + 12 * 12  # the corner, and every pair
    before = page.source.split('<table class="matrix wide">')[0]
    assert before.count("<details") == before.count("</details>"), "accuracy is open"
    assert "And 21 more" in page.text  # of the sentences on 66 pairs
