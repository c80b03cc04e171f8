"""Errors in common: what nobody gets right, what one alone gets wrong, whose errors agree, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyechart.report.disagreement import Answers, certainty_text, image_uri, read_all
from eyechart.report.entries import Entry
from eyechart.report.section import Draft, Section
from eyechart.schema.comparison import FEW_ERRORS, SURE, Agreement, Mistakes
from eyechart.words.shared_errors import caution, consistency, fooled, kappa_text, together
from eyechart.words.speech import Speech

MOST_IMAGES = 12  # that nobody gets right
MOST_OF_ONE = 3  # that one contender alone gets wrong


@dataclass(frozen=True)
class Pictured:
    """One image and who was wrong on it."""

    number: int  # its index in the test part
    image: str  # data URI
    truth: str
    said: str  # "5 (cnn 99 %, vit 74 %)"


@dataclass(frozen=True)
class SharedErrorsSection:
    """What the template shows."""

    finding: str
    notes: list[str]
    caution: str
    mistakes: list[tuple[Entry, Mistakes]]
    pairs: list[tuple[Entry, Entry, Agreement, str]]  # and kappa in words
    fooled: list[Pictured]  # nobody is right; the surest first
    alone: list[Pictured]  # one alone is wrong, and sure of it
    caption: str
    missing: tuple[str, ...] = ()
    sure: str = ""
    few: int = FEW_ERRORS


def _section(draft: Draft) -> SharedErrorsSection | None:
    """None where there is nothing in common: one contender, boxes, or no answers."""
    say, comparison = draft.say, draft.pairs.comparison
    found = comparison.shared_errors
    entries = {entry.name: entry for entry in draft.entries}
    if found is None or not set(found.contenders) <= set(entries):
        return None
    sentences = together(comparison, say)
    missing: list[str] = []
    images, answers = read_all([entries[name] for name in found.contenders], missing, say)
    fooled_items, alone_items = chosen_images(answers, images) if images else ([], [])
    labels = images["labels"] if images else np.empty(0)
    return SharedErrorsSection(
        finding=fooled(found, say),
        notes=[*(f"{sentence}." for sentence in (*sentences, consistency(found, say)))],
        caution=caution(found, say),
        mistakes=[(entries[each.contender], each) for each in found.mistakes],
        pairs=[(entries[each.first], entries[each.second], each, kappa_text(each, say)) for each in found.pairs],
        fooled=[_pictured(item, images, answers, int(labels[item]), say) for item in fooled_items],
        alone=[_pictured(item, images, answers, int(labels[item]), say) for item in alone_items],
        caption=_caption(answers, say),
        missing=tuple(missing),
        sure=say.percent(SURE, 0),
    )


def chosen_images(answers: list[Answers], images: dict[str, np.ndarray]) -> tuple[list[int], list[int]]:
    """Items that all are wrong on, and for each contender those that it alone is wrong on and sure; the surest first.

    The certainty of many is that of the least sure among them.
    """
    if len(answers) < 2:
        return [], []
    probabilities = np.stack([each.probabilities for each in answers])  # (contenders, N, K)
    wrong = probabilities.argmax(axis=2) != images["labels"]
    certainty = np.where(wrong, probabilities.max(axis=2), 1.0).min(axis=0)
    order = np.argsort(-certainty, kind="stable")
    everyone = order[wrong.all(axis=0)[order]]
    is_single = (wrong.sum(axis=0) == 1) & (certainty >= SURE)
    single = [order[(is_single & mine)[order]][:MOST_OF_ONE] for mine in wrong]
    return everyone[:MOST_IMAGES].tolist(), np.concatenate(single).tolist()


def _pictured(
    item: int, images: dict[str, np.ndarray] | None, answers: list[Answers], label: int, say: Speech
) -> Pictured:
    assert images is not None
    classes = answers[0].run.record.dataset.classes
    by_answer: dict[int, list[str]] = {}
    for each in answers:
        answer = int(each.probabilities[item].argmax())
        if answer != label:
            certainty = certainty_text(float(each.probabilities[item, answer]), say)
            by_answer.setdefault(answer, []).append(f"{each.entry.name} {certainty}")
    told = say.semicolons(f"{classes[answer]} ({', '.join(names)})" for answer, names in by_answer.items())
    return Pictured(item, image_uri(images["images"][item]), classes[label], told)


def _caption(answers: list[Answers], say: Speech) -> str:
    seeds = say.listed([str(seed) for seed in sorted({each.run.record.seed for each in answers})])
    return say(
        f"One run of each, seed {seeds}; probabilities as they were answered.",
        f"Un entraînement de chacun, graine {seeds} ; probabilités telles que répondues.",
    )


SECTION = Section("common", ("Errors in common", "Erreurs communes"), _section, "shared_errors.html")
