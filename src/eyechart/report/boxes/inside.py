"""The way to an answer: anchors, candidates, what suppression leaves, and what the second stage makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from eyechart.base.errors import StorageError
from eyechart.files.storage import INSIDE_FILE, read_arrays
from eyechart.report.boxes.found import LEAST_SCORE, OnScenes
from eyechart.report.disagreement import DrawnBox, certainty_text, drawn_box, image_uri
from eyechart.report.entries import Entry, Run
from eyechart.report.section import Draft, Section
from eyechart.words.speech import Speech

MOST_DRAWN = 60  # boxes of one kind on a picture


@dataclass(frozen=True)
class Step:
    """One picture of a row."""

    title: str
    told: str  # how many
    boxes: tuple[DrawnBox, ...]


@dataclass(frozen=True)
class Way:
    """One scene from its anchors to its answer."""

    number: int
    image: str  # data URI
    width: int
    height: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Inside:
    finding: str
    caption: str
    ways: tuple[Way, ...]
    runs: tuple[Run, ...]


def inside(draft: Draft) -> Inside | None:
    """Of the first contender that kept it; None where nobody did."""
    scenes, say = draft.on_scenes, draft.say
    for finder in scenes.finders:
        try:
            arrays = read_arrays(finder.run.folder / INSIDE_FILE)
            ways = tuple(_ways(arrays, finder.entry, finder.run.record.dataset.classes, scenes, say))
        except (StorageError, KeyError, IndexError, ValueError):
            continue
        if ways:
            title = say(
                f"How {finder.entry.name} came to its answers",
                f"Comment {finder.entry.name} en est venu à ses réponses",
            )
            return Inside(title, _caption(say), ways, (finder.run,))
    return None


def _ways(
    arrays: dict[str, np.ndarray], entry: Entry, classes: tuple[str, ...], scenes: OnScenes, say: Speech
) -> Iterator[Way]:
    place = 0
    while f"{place}/scene" in arrays:
        of_scene = {name.partition("/")[2]: value for name, value in arrays.items() if name.startswith(f"{place}/")}
        number = int(of_scene["scene"])
        pixels = scenes.images[number]
        yield Way(number, image_uri(pixels), pixels.shape[2], pixels.shape[1], _steps(of_scene, entry, classes, say))
        place += 1


def _steps(arrays: dict[str, np.ndarray], entry: Entry, classes: tuple[str, ...], say: Speech) -> tuple[Step, ...]:
    def drawn(boxes: np.ndarray, titles: list[str]) -> tuple[DrawnBox, ...]:
        return tuple(drawn_box(box, entry.style, title) for box, title in zip(boxes[:MOST_DRAWN], titles, strict=False))

    anchors, candidates, proposals = (arrays[name] for name in ("anchors", "candidates", "proposals"))
    there = [certainty_text(float(score), say) for score in arrays["candidate_scores"]]
    best = arrays["region_scores"].argmax(axis=1)
    named = [
        f"{classes[label]} ({certainty_text(float(scores[label]), say)})"
        for label, scores in zip(best, arrays["region_scores"], strict=True)
    ]
    kept = arrays["found_scores"] >= LEAST_SCORE
    answers = [
        f"{classes[label]} ({certainty_text(float(score), say)})"
        for label, score in zip(arrays["found_labels"][kept], arrays["found_scores"][kept], strict=True)
    ]
    return (
        Step(say("Positive anchors", "Ancres positives"), say.count(len(anchors)), drawn(anchors, [""] * len(anchors))),
        Step(say("Candidates", "Candidates"), say.count(len(candidates)), drawn(candidates, there)),
        Step(say("Proposals", "Propositions"), say.count(len(proposals)), drawn(proposals, named)),
        Step(say("Answer", "Réponse"), say.count(int(kept.sum())), drawn(arrays["found"][kept], answers)),
    )


def _caption(say: Speech) -> str:
    score = say.percent(LEAST_SCORE, 0)
    return say(
        f"From left to right: the anchors that training would call positive for the true boxes; the best anchors once "
        f"the first stage has moved them; what suppression leaves of these; what the second stage says, above {score}. "
        f"At most {MOST_DRAWN} boxes are drawn. Point at one to read its score.",
        f"De gauche à droite : les ancres que l'entraînement dirait positives pour les vraies boîtes ; les meilleures "
        f"ancres une fois déplacées par la première étape ; ce que la suppression en laisse ; ce qu'en dit la seconde "
        f"étape, au-dessus de {score}. Au plus {MOST_DRAWN} boîtes sont dessinées. Pointez-en une pour lire son score.",
    )


SECTION = Section("inside", ("Inside", "À l'intérieur"), inside, "boxes/inside.html")
