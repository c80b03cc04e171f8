"""Who reads which other images best, in one sentence: what is said of several levels is said once."""

from __future__ import annotations

import pytest

from eyechart.comparison.winners import Best
from eyechart.report import judged_text
from eyechart.report.judged_text import PIECES, finding
from eyechart.schema import Comparison
from eyechart.schema.contexts import ContextRecord, LevelResult
from eyechart.words.speech import speech

CNN = Best("best", ("cnn",))


def level(label: str, severity: str = "as they come") -> LevelResult:
    comparison = Comparison(
        dataset=label, contenders=("cnn", "vit"), pretrained={}, num_items=100, summaries=(), families=(), verdicts=()
    )
    return LevelResult(label=label, value=1, study="here", comparison=comparison, severity=severity)


def said(monkeypatch: pytest.MonkeyPatch, best: dict[str, Best | None], severity: str, lang: str = "en") -> str:
    monkeypatch.setattr(judged_text, "best_in", lambda comparison, metric: best[comparison.dataset])
    levels = tuple(level(label, severity) for label in best)
    record = ContextRecord(context="shift", dataset="MNIST", levels=levels)
    return finding(record, severity, speech(lang))


def test_what_holds_for_all_levels_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    best: dict[str, Best | None] = dict.fromkeys(["1", "2", "8"], CNN)
    assert said(monkeypatch, best, PIECES) == "cnn reads images beside 1, 2 and 8 pieces best"
    assert said(monkeypatch, best, PIECES, "fr") == "cnn lit le mieux les images à côté de 1, 2 et 8 morceaux"


def test_levels_of_different_outcomes_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "usps": CNN,
        "digits": None,
        "qmnist": Best("best", ("cnn",), is_of_architectures=False),
        "font-digits": Best("not shown", ("cnn", "vit"), is_of_architectures=False),
        "mine": CNN,
        "yours": Best("equal", ("cnn", "vit")),
    }
    assert said(monkeypatch, found, "as they come").split("; ") == [
        "cnn reads usps and mine best",
        "who reads digits and font-digits best is not shown",
        "in these runs cnn reads qmnist best",
        "cnn and vit read yours equally well",
    ]


def test_one_number_of_pieces_is_named_as_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, {"1": CNN}, PIECES) == "cnn reads images beside 1 piece best"
