"""Every kind of verdict as a sentence, word for word, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from eyechart.schema import Comparison, Family, Summary, Uncertainty, Verdict
from eyechart.words.reach import reach_sentence
from eyechart.words.verdicts import family_sentence, sentence


def comparison_of(*contenders: str, pretrained: dict[str, str] | None = None) -> Comparison:
    summaries = tuple(
        Summary(contender=name, metric="accuracy", seeds=(0,), values=(0.9,), mean=0.9) for name in contenders
    )
    return Comparison(
        dataset="MNIST", contenders=contenders, pretrained=pretrained or {}, num_items=10_000, summaries=summaries,
        families=(), verdicts=(),
    )  # fmt: skip


def told(lang: Any = "en", pretrained: dict[str, str] | None = None, **fields: Any) -> str:
    verdict: dict[str, Any] = {
        "metric": "accuracy", "first": "vit", "second": "vgg16", "kind": "better", "num_seeds": 10,
        "difference": 0.0021, "low": 0.0012, "high": 0.0030, "low90": 0.0013, "high90": 0.0029, "p_value": 0.002,
        "holm_p": 0.004, "superiority": 0.9,
    }  # fmt: skip
    text = sentence(Verdict(**(verdict | fields)), comparison_of("vit", "vgg16", pretrained=pretrained), lang)
    return text.replace("\N{NARROW NO-BREAK SPACE}", "_")


def test_better_with_the_mark_of_what_was_pretrained() -> None:
    assert told() == "vit is better than vgg16 by 0.21 points (95 % interval 0.12 to 0.30, Holm p = .004, 10 seeds)"
    assert told("fr", {"vgg16": "ImageNet-1k"}) == (
        "vit est meilleur que vgg16 (pré-entraîné sur ImageNet-1k) de 0,21 point "
        "(intervalle à 95_% de 0,12 à 0,30, p = 0,004 après Holm, 10 graines)"
    )


def test_a_study_that_was_looked_at_says_so() -> None:
    assert told(most_seeds=12) == (
        "vit is better than vgg16 by 0.21 points (95 % interval 0.12 to 0.30, Holm p = .004, valid at every look up to "
        "12 seeds, 10 seeds)"
    )
    assert told(**NOT_SHOWN, most_seeds=12, is_open=True).endswith("; still open: up to 12 seeds are planned")
    assert told(**NOT_SHOWN, most_seeds=12).endswith("; cannot be decided with 12 seeds, whatever the next ones say")
    assert told("fr", **NOT_SHOWN, most_seeds=10).endswith("_; toutes les graines prévues sont faites")


def test_what_could_have_been_shown() -> None:
    parts = Uncertainty(seeds=6e-8, items=3e-8, both=1e-8)
    fields = {"metric": "accuracy", "first": "vit", "second": "cnn", "kind": "not shown", "num_seeds": 10}
    verdicts = [
        Verdict(**fields, difference=0.0001, smallest_effect=size, uncertainty=parts)  # type: ignore[arg-type]
        for size in (0.00112, 0.0024)
    ]
    assert reach_sentence(verdicts) == (
        "Smallest difference in accuracy that a study like this shows four times in five, for these 2 pairs: 0.11 to "
        "0.24 points. Of the variance of a difference, 60 % are the luck of seeds (more seeds help), 30 % that of test "
        "images (more images help), 10 % that of a seed with single images (either helps)."
    )
    assert "pour cette paire\u202f: 0,11 point." in reach_sentence(verdicts[:1], "fr")
    assert reach_sentence([Verdict(**fields, difference=0.0001)]) == ""  # type: ignore[arg-type]


NOT_SHOWN = {"kind": "not shown", "difference": 0.0005, "low": -0.0002, "high": 0.0012, "holm_p": 0.21}


def test_not_shown_says_how_many_seeds_would_show_it() -> None:
    assert told(**NOT_SHOWN, seeds_needed=28) == (
        "not shown: vit is ahead of vgg16 by 0.05 points (95 % interval -0.02 to 0.12, Holm p = .21, 10 seeds); "
        "about 28 seeds would be needed to show a difference of this size"
    )
    assert told("fr", **NOT_SHOWN, seeds_needed=28) == (
        "non démontré_: vit devance vgg16 de 0,05 point (intervalle à 95_% de -0,02 à 0,12, p = 0,21 après Holm, "
        "10 graines)_; il faudrait environ 28 graines pour démontrer une différence de cette taille"
    )


def test_where_seeds_cannot_help_images_are_named_or_nothing_is_promised() -> None:
    assert told(**NOT_SHOWN, items_needed=41_234.0).endswith(
        "; more seeds cannot show a difference of this size, about 41,000 test images would be needed"
    )
    assert told(**NOT_SHOWN).endswith("; neither more seeds nor more such images promise to show it")
    assert told("fr", **NOT_SHOWN, items_needed=41_234.0).endswith("il faudrait environ 41_000 images de test")


def test_a_p_that_is_small_with_seeds_that_disagree_is_explained() -> None:
    torn = told(kind="not shown", holm_p=0.03, superiority=0.7, seeds_needed=60)
    assert "Holm p = .030, ahead in only 70 % of seeds, 10 seeds" in torn


def test_equivalent_names_its_margin() -> None:
    same = {"kind": "equivalent", "difference": 0.0001, "low90": -0.0005, "high90": 0.0007}
    assert told(**same) == (
        "vit and vgg16 are equivalent in accuracy, within ±0.1 points: vit is ahead of vgg16 by 0.01 points "
        "(90 % interval -0.05 to 0.07, 10 seeds)"
    )
    assert told("fr", **same).startswith("vit et vgg16 sont équivalents en exactitude, à ±0,1 point près_: ")


FEW = {"kind": "too few runs", "scope": "these runs", "num_seeds": 3, "seeds_needed": 6, "mcnemar_holm_p": 0.32}


def test_too_few_runs_says_what_was_seen_and_how_many_are_needed() -> None:
    assert told(**FEW, low=-0.0002, high=0.0044) == (
        "too few runs to say (3 seeds; at least 6 are needed): in these runs vit is ahead of vgg16 by 0.21 points "
        "(95 % interval over test images -0.02 to 0.44, McNemar median p = .32 after Holm)"
    )
    assert told("fr", **FEW, low=-0.0002, high=0.0044) == (
        "trop peu d'entraînements pour conclure (3 graines_; il en faut au moins 6)_: dans ces entraînements, "
        "vit devance vgg16 de 0,21 point (intervalle à 95_% sur les images de test de -0,02 à 0,44, "
        "McNemar p médian = 0,32 après Holm)"
    )
    nothing = {"num_seeds": 0, "low": None, "high": None, "mcnemar_holm_p": None, "p_value": None, "holm_p": None}
    assert told(**(FEW | nothing)) == (
        "too few runs to say (no seed in common; at least 6 are needed): in these runs vit is ahead of vgg16 by "
        "0.21 points"
    )


def test_what_items_decide_is_said_of_these_runs_only() -> None:
    found = told(kind="better", scope="these runs", num_seeds=1, mcnemar_holm_p=0.0004)
    assert found == (
        "in these runs vit is better than vgg16 by 0.21 points (95 % interval over test images 0.12 to 0.30, "
        "McNemar p < .001 after Holm, 1 seed); 1 seed is too few to say so of the architectures"
    )


def test_ratios_and_losses_have_words_of_their_own_and_are_exploratory() -> None:
    time = {"metric": "training_seconds", "difference": 1.35, "low": 1.30, "high": 1.40}
    assert told(**time) == (
        "exploratory: vit trains 1.35 times as fast as vgg16 (95 % interval 1.30 to 1.40, Holm p = .004, 10 seeds)"
    )
    assert "vit s'entraîne 1,35 fois plus vite que vgg16" in told("fr", **time)
    loss = {"metric": "loss", "difference": 0.0031, "low": 0.0012, "high": 0.0050}
    assert told(**loss).startswith("exploratory: vit has a lower loss than vgg16 by 0.0031 nats (")
    assert told("fr", **loss).startswith("exploratoire_: vit a une perte inférieure de 0,0031 nat à celle de vgg16")
    assert told(metric="macro_f1").startswith("exploratory: vit is better than vgg16 in macro F1 by 0.21 points")


def test_a_lead_is_never_rounded_to_nothing() -> None:
    wide = {"kind": "not shown", "difference": 0.0003, "low": -0.012, "high": 0.013, "seeds_needed": 900}
    assert "by 0.03 points (95 % interval -1.20 to 1.30" in told(**wide)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_no_verdict_says_that_there_is_no_difference(lang: str) -> None:
    level = {"difference": 0.0, "low": -0.001, "high": 0.001, "holm_p": 1.0, "superiority": 0.5}
    for kind in ("equivalent", "not shown", "too few runs"):
        text = told(lang, kind=kind, **level)
        assert "no difference" not in text
        assert "aucune différence" not in text
        assert ("are level in accuracy" if lang == "en" else "sont à égalité en exactitude") in text


def test_the_test_of_all_contenders_comes_with_its_name() -> None:
    comparison = comparison_of("cnn", "vit", "vgg16")
    friedman = Family(metric="accuracy", test="friedman", statistic=9.0, p_value=0.011, is_primary=True)
    assert family_sentence(friedman, comparison) == (
        "accuracy of all 3 contenders: not all are alike (Friedman p = .011)"
    )
    cochran = Family(metric="accuracy", test="cochran", statistic=1.0, p_value=0.6, is_primary=True)
    assert family_sentence(cochran, comparison) == (
        "accuracy of all 3 contenders in these runs: that they are not all alike is not shown (Cochran's Q p = .60)"
    )
    assert family_sentence(Family(metric="accuracy", test="none"), comparison) == ""
