"""Errors that contenders have in common, and their ensemble, as sentences in English and French."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.schema.comparison import ENSEMBLE, FEW_ERRORS, SURE
from eyechart.words.verdicts import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema import Comparison
    from eyechart.schema.comparison import Agreement, SharedErrors
    from eyechart.schema.exam import ExamAgreement
    from eyechart.words.speech import Speech


def told(comparison: Comparison, say: Speech) -> list[str]:
    """All of it, a sentence each without its full stop; empty where there is nothing."""
    found = comparison.shared_errors
    if found is None:
        return []
    return [
        *filter(None, (fooled(found, say), *together(comparison, say), consistency(found, say), caution(found, say)))
    ]


def fooled(found: SharedErrors, say: Speech) -> str:
    """On how many images nobody is right."""
    names, num_items = len(found.contenders), say.count(found.num_items)
    number, alike, sure = (_images(each, say) for each in (found.all_wrong, found.all_wrong_alike, found.all_sure))
    mean, some = _mean_over(found, say), _images(found.some_wrong, say)
    least = say.percent(SURE, 0)
    return say(
        f"{'Both' if names == 2 else f'All {say.number_word(names)}'} are wrong on {number} of {num_items} test images"
        f"{mean}, with the same answer on {alike} of them, and each sure of its answer ({least} or more) on {sure}; "
        f"at least one is wrong on {some}",
        f"Les {say.number_word(names)} se trompent ensemble sur {number} images de test sur {num_items}{mean}, "
        f"avec la même réponse sur {alike} d'entre elles, et chacun sûr de sa réponse ({least} ou plus) sur {sure} ; "
        f"au moins un se trompe sur {some}",
    )


def together(comparison: Comparison, say: Speech) -> list[str]:
    """What the ensemble scores, and whether that is better than the best contender alone."""
    assert comparison.shared_errors
    ensemble = comparison.shared_errors.ensemble
    mean = f"{say.percent(ensemble.accuracy)} ({say.percent_interval(ensemble.low, ensemble.high)})"
    voted = f"{say.percent(ensemble.voted)} ({say.percent_interval(ensemble.voted_low, ensemble.voted_high)})"
    ours = ensemble.verdict
    article = say("the ensemble", "l'ensemble")
    names = {name: article if name == ENSEMBLE else name for name in (ours.first, ours.second)}
    spoken = ours.model_copy(update={"first": names[ours.first], "second": names[ours.second]})
    return [
        say(
            f"An ensemble of them, the mean of their calibrated probabilities, is right on {mean}; "
            f"the majority of their answers on {voted}",
            f"Un ensemble d'eux tous, la moyenne de leurs probabilités calibrées, a raison sur {mean} ; "
            f"la majorité de leurs réponses sur {voted}",
        ),
        sentence(spoken, comparison, say.lang),
        say(
            f"{ensemble.best} was found to be the best of them on these very images, which is in its favour",
            f"{ensemble.best} a été trouvé le meilleur d'entre eux sur ces images mêmes, ce qui l'avantage",
        ),
    ]


def consistency(found: SharedErrors, say: Speech) -> str:
    """The pairs whose errors agree least and most."""
    parts = _most_and_least(found.pairs, say)
    if not parts:
        return say("Error consistency cannot be told: nobody errs", "La cohérence des erreurs ne se mesure pas ici")
    return say(
        f"Error consistency (Cohen's kappa; 0: as chance has it, 1: the same errors) is {', and '.join(parts)}",
        f"La cohérence des erreurs (kappa de Cohen ; 0 : comme au hasard, 1 : les mêmes) est de "
        f"{', et de '.join(parts)}",
    )


def consistency_in_exam(pairs: Sequence[ExamAgreement], say: Speech) -> str:
    """The same within the rows of the eye test; empty where no row tells."""
    parts = _most_and_least(pairs, say)
    if not parts:
        return ""
    rows = [pair.num_rows for pair in pairs if pair.kappa is not None]
    number = say.between(min(rows), max(rows), "row", "ligne")
    return say(
        f"Within rows of the eye test, where errors are many, error consistency is {', and '.join(parts)} (mean over "
        f"{number} in which both are right and wrong on ten images or more)",
        f"Dans les lignes de l'examen, où les erreurs abondent, la cohérence des erreurs est de "
        f"{', et de '.join(parts)} (moyenne sur {number} où tous deux ont au moins dix réponses justes et dix fausses)",
    )


def _most_and_least(pairs: Sequence[Agreement | ExamAgreement], say: Speech) -> list[str]:
    """The pairs whose errors agree most and least, once where there is one."""
    known = sorted((pair for pair in pairs if pair.kappa is not None), key=lambda pair: pair.kappa or 0.0)
    return [_pair(pair, say) for pair in dict.fromkeys((known[-1], known[0]))] if known else []


def caution(found: SharedErrors, say: Speech) -> str:
    """Where errors are few; empty where they are many."""
    few = [pair for pair in found.pairs if pair.fewest_wrong < FEW_ERRORS]
    if not few:
        return ""
    pairs = say.counted(len(few), "pair", "paire")
    least = _images(min(pair.fewest_wrong for pair in few), say)
    return say(
        f"This says little for {pairs}, in which one contender is wrong on fewer than {FEW_ERRORS} images ({least} at "
        f"the least): so near to 100 % a few odd images decide. Spoiled test images have more errors to compare",
        f"Cela dit peu de {pairs}, où un concurrent se trompe sur moins de {FEW_ERRORS} images ({least} au minimum) : "
        f"si près de 100 %, quelques images singulières décident. Des images de test abîmées ont plus d'erreurs à "
        f"comparer",
    )


def kappa_text(pair: Agreement | ExamAgreement, say: Speech) -> str:
    """ "0.41 (0.33 to 0.48)"."""
    if pair.kappa is None or pair.low is None or pair.high is None:
        return "–"
    return f"{say.number(pair.kappa, 2)} ({say.interval(say.number(pair.low, 2), say.number(pair.high, 2))})"


def _pair(pair: Agreement | ExamAgreement, say: Speech) -> str:
    return say(f"{kappa_text(pair, say)} for {pair.first} and {pair.second}",
               f"{kappa_text(pair, say)} pour {pair.first} et {pair.second}")  # fmt: skip


def _images(number: float, say: Speech) -> str:
    """A number of images; a mean over seeds has a decimal."""
    return say.count(number) if number == int(number) else say.number(number, 1)


def _mean_over(found: SharedErrors, say: Speech) -> str:
    if len(found.seeds) == 1:
        return ""
    return say(f" (mean over {len(found.seeds)} seeds)", f" (moyenne sur {len(found.seeds)} graines)")
