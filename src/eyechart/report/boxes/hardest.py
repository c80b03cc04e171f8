"""The scenes with the most mistakes, with every contender's boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyechart.report.boxes.found import LEAST_SCORE, Finder, OnScenes
from eyechart.report.disagreement import DrawnBox, certainty_text, drawn_box, image_uri
from eyechart.report.entries import Entry, Run
from eyechart.report.section import Draft, Section
from eyechart.scoring.detection_matrix import answers_only, outcomes
from eyechart.words.speech import Speech

MOST_SCENES = 12


@dataclass(frozen=True)
class Given:
    """One contender's boxes on one scene."""

    entry: Entry
    counts: str  # "4 right, 1 wrong, 2 missed"
    boxes: tuple[DrawnBox, ...]  # those that are wrong are dashed
    wrong: tuple[DrawnBox, ...]
    missed: tuple[DrawnBox, ...]


@dataclass(frozen=True)
class HardScene:
    number: int  # in the test part
    image: str  # data URI
    width: int
    height: int
    given: tuple[Given, ...]


@dataclass(frozen=True)
class Hardest:
    finding: str
    caption: str
    scenes: tuple[HardScene, ...]
    missing: tuple[str, ...]
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class _Marks:
    """What one contender's answers are, box by box."""

    finder: Finder
    image: np.ndarray  # (M,) of each answer that is judged
    boxes: np.ndarray  # (M, 4)
    titles: list[str]
    is_right: np.ndarray  # bool (M,)
    missed: np.ndarray  # bool, of the true boxes

    def mistakes(self, num_images: int, true_image: np.ndarray) -> np.ndarray:
        """int64 (N,): wrong boxes and missed objects of each scene."""
        wrong = np.bincount(self.image[~self.is_right], minlength=num_images)
        return np.asarray(wrong + np.bincount(true_image[self.missed], minlength=num_images))


def hardest(draft: Draft) -> Hardest | None:
    scenes, say = draft.on_scenes, draft.say
    if not scenes.finders:
        return Hardest(say("The hardest scenes", "Les scènes les plus difficiles"), "", (), scenes.missing, ())
    marks = [_marks(finder, scenes, say) for finder in scenes.finders]
    true_image = np.repeat(np.arange(len(scenes.images)), scenes.objects.counts)
    totals = np.sum([each.mistakes(len(scenes.images), true_image) for each in marks], axis=0)
    chosen = [int(image) for image in np.argsort(-totals, kind="stable")[:MOST_SCENES] if totals[image]]
    shown = tuple(_scene(image, scenes, marks, true_image, say) for image in chosen)
    return Hardest(_finding(totals, say), _caption(scenes, say), shown, scenes.missing, scenes.runs)


def _marks(finder: Finder, scenes: OnScenes, say: Speech) -> _Marks:
    answers = answers_only(finder.found, LEAST_SCORE)
    owner, judged, missed = outcomes(answers, scenes.objects)
    classes = finder.run.record.dataset.classes
    truth = (
        np.where(owner >= 0, scenes.objects.labels[np.maximum(owner, 0)], -1) if len(scenes.objects.labels) else owner
    )
    is_right = truth == answers.labels
    titles = []
    for row in np.flatnonzero(judged).tolist():
        text = f"{classes[answers.labels[row]]} ({certainty_text(float(answers.scores[row]), say)})"
        if not is_right[row]:
            is_nothing = truth[row] < 0
            text += (
                say(": fits nothing", " : ne correspond à rien")
                if is_nothing
                else say(f": is {classes[truth[row]]}", f" : est {classes[truth[row]]}")
            )
        titles.append(text)
    return _Marks(finder, answers.image[judged], answers.boxes[judged], titles, is_right[judged], missed)


def _scene(image: int, scenes: OnScenes, marks: list[_Marks], true_image: np.ndarray, say: Speech) -> HardScene:
    given = []
    for each in marks:
        style = each.finder.entry.style
        rows = np.flatnonzero(each.image == image).tolist()
        right = [drawn_box(each.boxes[row], style, each.titles[row]) for row in rows if each.is_right[row]]
        wrong = [drawn_box(each.boxes[row], style, each.titles[row]) for row in rows if not each.is_right[row]]
        classes = each.finder.run.record.dataset.classes
        missed = [
            drawn_box(
                scenes.objects.boxes[row],
                None,
                say(
                    f"missed: {classes[scenes.objects.labels[row]]}", f"manqué : {classes[scenes.objects.labels[row]]}"
                ),
            )
            for row in np.flatnonzero(each.missed & (true_image == image)).tolist()
        ]
        counts = say(
            f"{len(right)} right, {len(wrong)} wrong, {len(missed)} missed",
            ", ".join(
                [
                    say.counted(len(right), "right", "juste"),
                    say.counted(len(wrong), "wrong", "fausse"),
                    say.counted(len(missed), "missed", "manquée"),
                ]
            ),
        )
        given.append(Given(each.finder.entry, counts, tuple(right), tuple(wrong), tuple(missed)))
    pixels = scenes.images[image]
    return HardScene(image, image_uri(pixels), pixels.shape[2], pixels.shape[1], tuple(given))


def _finding(totals: np.ndarray, say: Speech) -> str:
    """How many scenes are without mistakes, and that the others follow where there are any."""
    num_clean, n = int((totals == 0).sum()), say.count(len(totals))
    if num_clean == len(totals):
        return say(
            f"Nobody made a mistake on any of the {n} scenes" if num_clean > 1 else "Nobody made a mistake",
            f"Personne ne s'est trompé sur aucune des {n} scènes" if num_clean > 1 else "Personne ne s'est trompé",
        )
    if not num_clean:
        return say(
            "No scene is without a mistake; these are the hardest",
            "Aucune scène n'est sans erreur ; voici les plus difficiles",
        )
    clean = say.counted(num_clean, "scene", "scène")
    return say(
        f"On {say.count(num_clean)} of {n} scenes nobody made a mistake; these are the hardest",
        f"Sur {clean} sur {n}, personne ne s'est trompé ; voici les plus difficiles",
    )


def _caption(scenes: OnScenes, say: Speech) -> str:
    seeds = say.listed([str(seed) for seed in sorted({run.record.seed for run in scenes.runs})])
    score = say.percent(LEAST_SCORE, 0)
    return say(
        f"One run of each, seed {seeds}; boxes above {score}. Solid: right. Dashed: wrong. Dotted: missed. Point at a "
        f"box to read what it says.",
        f"Un entraînement de chacun, graine {seeds} ; boîtes au-dessus de {score}. Plein : juste. Tirets : faux. "
        f"Pointillé : manqué. Pointez une boîte pour lire ce qu'elle dit.",
    )


SECTION = Section("hardest", ("The hardest scenes", "Les scènes les plus difficiles"), hardest, "boxes/hardest.html")
