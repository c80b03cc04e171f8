"""Who is best and how sure; what was not shown; which classes are hard; what the boxes add."""

from __future__ import annotations

import statistics

from eyechart.report.answer import answer, described_error
from eyechart.report.calibration import CalibrationSection
from eyechart.report.classes import lowest_class, mean_confusion, mean_f1, most_frequent_mistake
from eyechart.report.entries import Entry
from eyechart.report.label_errors import LabelErrorSection
from eyechart.report.section import Facts
from eyechart.report.synthesis.part import MOST_NAMED, Part, made
from eyechart.schema import DetectionScores, Verdict
from eyechart.words.class_means import absent_classes, lacking
from eyechart.words.speech import Speech


def who_is_best(facts: Facts) -> Part | None:
    """The answer of the top of the page, then the verdicts that say so."""
    say, standing = facts.say, facts.standing
    title = say(
        "Who makes the fewest errors, and how sure that is", "Qui fait le moins d'erreurs, et avec quelle sûreté"
    )
    if len(standing) < 2:
        title = say("How many errors it makes", "Combien d'erreurs il fait") if standing else title
        return made(title, list(answer(facts.entries, facts.pairs, say).sentences))
    told = list(answer(facts.entries, facts.pairs, say).sentences)
    shown = [verdict for verdict in _of_accuracy(facts) if verdict.kind in ("better", "equivalent")]
    of_leader = [verdict for verdict in shown if standing[0].name in (verdict.first, verdict.second)]
    points = [facts.sentence(verdict) for verdict in of_leader[:MOST_NAMED]]
    others = standing[1:]
    if others:
        errors = [f"{entry.name} {described_error(entry, say)}" for entry in others]
        listed = say.listed(errors, MOST_NAMED)
        whose = say("of the others", "des autres") if len(others) > 1 else say("of the other", "de l'autre")
        told.append(say(f"The errors {whose}: {listed}.", f"Les erreurs {whose} : {listed}."))
    return made(title, told, ("leaderboard", "verdicts"), ("differences", "intervals-accuracy"), points)


def what_was_not_shown(facts: Facts) -> Part | None:
    """Every pair that is not decided, with what it would take."""
    say = facts.say
    if len(facts.standing) < 2:
        return None
    title = say("What was not shown", "Ce qui n'a pas été démontré")
    verdicts = _of_accuracy(facts)
    open_pairs = [verdict for verdict in verdicts if verdict.kind in ("not shown", "too few runs")]
    if not verdicts:
        sentence = say("No pair has a verdict.", "Aucune paire n'a de verdict.")
        return made(title, [sentence])
    if not open_pairs:
        told = _what_is_decided(verdicts, facts.say)
        return made(title, told, ("verdicts",))
    points = [facts.sentence(verdict) for verdict in open_pairs[:MOST_NAMED]]
    if len(open_pairs) > MOST_NAMED:
        more = say.counted(len(open_pairs) - MOST_NAMED, "pair", "paire")
        points.append(say(f"And {more} more.", f"Et {more} de plus."))
    why = say(
        "These runs cannot tell the following apart, which does not mean that they are alike.",
        "Ces entraînements ne permettent pas de départager ceux qui suivent, ce qui ne veut pas dire qu'ils se valent.",
    )
    return made(title, [why], ("verdicts",), points=points)


def _what_is_decided(verdicts: list[Verdict], say: Speech) -> list[str]:
    """Where no pair is open: of what it was decided, the architectures or only the models that were trained."""
    num_of_runs = sum(verdict.kind == "better" and verdict.scope == "these runs" for verdict in verdicts)
    another = say("another seed might say otherwise", "une autre graine pourrait en décider autrement")
    if num_of_runs == len(verdicts):
        return [
            say(
                "That any of the architectures is better: every pair was decided for these trained models alone, and "
                f"{another}.",
                "Que l'une des architectures soit meilleure : chaque paire n'a été tranchée que pour ces modèles "
                f"entraînés, et {another}.",
            )
        ]
    told = [say("In accuracy every pair was decided.", "En exactitude, chaque paire a été tranchée.")]
    if num_of_runs:
        number = say.counted(num_of_runs, "pair", "paire")
        told.append(
            say(
                f"For {number} that holds for these trained models alone: {another}.",
                f"Pour {number}, cela ne vaut que pour ces modèles entraînés : {another}.",
            )
        )
    return told


def _of_accuracy(facts: Facts) -> list[Verdict]:
    names = {entry.name for entry in facts.standing}
    verdicts = facts.pairs.comparison.verdicts
    return [each for each in verdicts if each.metric == "accuracy" and {each.first, each.second} <= names]


# --------------------------------------------------------------------------------------------- boxes and classes


def what_the_boxes_add(facts: Facts) -> Part | None:
    """Where a detector is among the contenders: how good its boxes are, which classifiers do not give."""
    say = facts.say
    detectors = [entry for entry in facts.standing if entry.first.detection is not None]
    if not detectors:
        return None
    told = [_boxes_of(entry, facts) for entry in detectors]
    if len(detectors) < len(facts.standing):
        told.append(
            say(
                "The others say what is in a picture, not where it is.",
                "Les autres disent ce que montre une image, non où cela se trouve.",
            )
        )
    return made(say("What the detector adds", "Ce qu'ajoute le détecteur"), told, ("disagreement",))


def _boxes_of(entry: Entry, facts: Facts) -> str:
    say = facts.say
    found = [run.record.detection for run in entry.judged if run.record.detection is not None]

    def mean(name: str) -> str:
        values = [getattr(each, name) for each in found if isinstance(each, DetectionScores)]
        return say.percent(statistics.fmean(values), 1)

    return say(
        f"{entry.name} draws boxes: mean IoU with the true one {mean('mean_iou')}, mAP {mean('map')}, "
        f"mAP at IoU .50 {mean('map50')}; it finds a box on {mean('found_fraction')} of the test images.",
        f"{entry.name} dessine des boîtes : IoU moyenne avec la vraie {mean('mean_iou')}, mAP {mean('map')}, "
        f"mAP à IoU 0,50 {mean('map50')} ; il trouve une boîte sur {mean('found_fraction')} des images de test.",
    )


def which_classes_are_hard(facts: Facts) -> Part | None:
    say, standing = facts.say, facts.standing
    if not standing:
        return None
    first = standing[0].first
    classes, told = first.dataset.classes, []
    lowest_of = [(entry, worst) for entry in standing if (worst := lowest_class(entry)) is not None]
    for entry, worst in lowest_of:
        f1 = say.percent(mean_f1(entry)[worst])
        told.append(say(f"{classes[worst]} for {entry.name} ({f1})", f"{classes[worst]} pour {entry.name} ({f1})"))
    lowest = say("The class with the lowest F1 is ", "La classe au F1 le plus bas est ")
    sentences = [f"{lowest}{say.listed(told, MOST_NAMED)}."] if told else []
    if not told:
        sentences = [
            say("No class has a lower F1 than all others.", "Aucune classe n'a un F1 inférieur à toutes les autres.")
        ]
    if absent := absent_classes(first):
        lacks = lacking(absent, say.lang)
        sentences.append(say(f"Nothing is known of some: {lacks}.", f"De certaines, rien n'est connu : {lacks}."))
    found = most_frequent_mistake([mean_confusion(entry) for entry in standing])
    if found is not None:
        truth, given = classes[found[0]], classes[found[1]]
        sentences.append(
            say(
                f"Over all contenders the most frequent mistake is {truth} taken for {given}.",
                f"Tous concurrents confondus, l'erreur la plus fréquente est {truth} pris pour {given}.",
            )
        )
    title = say("Which classes are hard", "Quelles classes sont difficiles")
    return made(title, sentences, ("classes", "confusion"), ("classes-f1",))


def calibration_part(found: CalibrationSection, say: Speech) -> Part | None:
    """How far probabilities can be believed, where the answers could be read."""
    if not found.rows:
        return None
    told = say.listed([f"{row.entry.name} {row.cells[0].text}" for row in found.rows], MOST_NAMED)
    sentences = [
        say(
            f"The mean distance between how sure a contender is and how often it is right (ECE) is: {told}.",
            f"L'écart moyen entre la certitude d'un concurrent et sa justesse (ECE) est : {told}.",
        ),
        say(
            "Even a perfect contender has an ECE above 0, by chance.",
            "Même un concurrent parfait a, par hasard, une ECE supérieure à 0.",
        ),
    ]
    return made("Calibration", sentences, ("calibration",))


def labels_part(found: LabelErrorSection, say: Speech) -> Part | None:
    """Labels that look wrong, where that could be looked at."""
    if not found.caption:
        return None
    return made(say("Labels", "Étiquettes"), [f"{found.finding}."], ("labels",))
