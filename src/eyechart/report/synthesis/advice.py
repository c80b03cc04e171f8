"""Speed against accuracy, what to beware of, and what to take from it all, by what one needs."""

from __future__ import annotations

from collections.abc import Callable

from eyechart.comparison.power import fewest_seeds
from eyechart.comparison.spoiled import is_spoiled
from eyechart.report.answer import runs_of
from eyechart.report.entries import Entry
from eyechart.report.notices import same_machine
from eyechart.report.pairs import not_shown_to_differ
from eyechart.report.synthesis.part import MOST_NAMED, Facts, Part, made
from eyechart.schema import RunRecord
from eyechart.words.numbers import percent_decimals
from eyechart.words.speech import Speech

ALPHA = 0.05  # of rule 9


def training_seconds(run: RunRecord) -> float:
    return run.clocks.training_seconds


def num_parameters(run: RunRecord) -> float:
    return run.cost.num_parameters


def speed_against_accuracy(facts: Facts) -> Part | None:
    say, standing = facts.say, facts.standing
    if len(standing) < 2:
        return None
    title = say("Speed against accuracy", "Vitesse et exactitude")
    if not same_machine(runs_of(facts.entries)):
        sentence = say(
            "The runs were made on different machines, threads or versions: their times are not compared here.",
            "Les entraînements viennent de machines, de fils d'exécution ou de versions différentes : leurs durées ne "
            "sont pas comparées ici.",
        )
        return made(title, [sentence], ("cost",))
    if _same_seconds(facts):
        sentence = say(
            "The budget was a time and the same for all: the errors say what each made of it.",
            "Le budget était une durée, la même pour tous : les erreurs disent ce que chacun en a tiré.",
        )
        return made(title, [sentence, _took(facts), _spoiled(facts)], ("cost", "clocks"), ("cost-parameters",))
    sentences = [_took(facts), _spoiled(facts) or _on_the_front(facts)]
    return made(title, sentences, ("cost", "clocks", "learning"), ("cost-training", "learning-error-seconds"))


def _took(facts: Facts) -> str:
    say, told = facts.say, []
    for entry in facts.standing[:MOST_NAMED]:
        time, size = say.seconds(entry.mean(training_seconds)), say.scaled(entry.mean(num_parameters))
        told.append(say(f"{entry.name} {time} ({size} parameters)", f"{entry.name} {time} ({size} paramètres)"))
    return say(f"Training took {say.listed(told)}.", f"L'entraînement a pris : {say.listed(told)}.")


def _spoiled(facts: Facts) -> str:
    """Which clocks are not to be trusted."""
    runs = runs_of(facts.entries)
    number = sum(is_spoiled(run.record) for run in runs)
    if not number:
        return ""
    return facts.say(
        f"In {number} of {len(runs)} runs the machine was not theirs alone: those times are not to be trusted.",
        f"Dans {number} entraînements sur {len(runs)}, la machine n'était pas à eux seuls : ces durées ne sont pas "
        "fiables.",
    )


def _same_seconds(facts: Facts) -> bool:
    """Whether everyone had the same training time by the rules, so that who took less is no question."""
    budgets = {run.record.rules.budget for run in runs_of(facts.entries)}
    return all(budget is not None and budget.unit == "seconds" for budget in budgets)


def _on_the_front(facts: Facts) -> str:
    """Whom nobody surpassed in both at once, by the means: measured, and no claim about a pair."""
    front = [entry.name for entry in facts.standing if _is_on_the_front(entry, facts.standing)]
    names = facts.say.listed(front)
    return facts.say(
        f"By the means, nobody had both fewer errors and a shorter training than {names}.",
        "Selon les moyennes, nul n'a eu à la fois moins d'erreurs et un entraînement plus court "
        f"{facts.say.than(names)}.",
    )


def _is_on_the_front(entry: Entry, standing: list[Entry]) -> bool:
    own = entry.error.mean, entry.mean(training_seconds)
    return not any(
        other.error.mean < own[0] and other.mean(training_seconds) < own[1] for other in standing if other is not entry
    )


def what_to_beware_of(facts: Facts) -> Part | None:
    say = facts.say
    told = [sentence if sentence.endswith((".", "!", "?")) else sentence + "." for sentence in facts.findings]
    told += _too_few_seeds(facts)
    title = facts.entries[0].first.dataset.title
    last = say(
        f"All of this holds for {title} under these rules; on other images the order may be another one.",
        f"Tout cela vaut pour {title} sous ces règles ; sur d'autres images, l'ordre peut être un autre.",
    )
    return made(say("What to beware of", "Ce à quoi il faut prendre garde"), [last], ("answer", "making"), points=told)


def _too_few_seeds(facts: Facts) -> list[str]:
    """What no exact paired test can show with as many seeds as the contender with the fewest has."""
    say, number = facts.say, len(facts.standing)
    if number < 2:
        return []
    fewest, num_pairs = min(len(entry.runs) for entry in facts.standing), number * (number - 1) // 2
    needed = fewest_seeds(ALPHA / num_pairs)
    if fewest >= needed:
        return []
    seeds, pairs = say.counted(fewest, "seed", "graine"), say.counted(num_pairs, "pair", "paire")
    return [
        say(
            f"With {seeds} an exact paired test of {pairs} can never reach Holm p < .05: it takes {needed} seeds.",
            f"Avec {seeds}, un test apparié exact de {pairs} ne peut jamais atteindre "
            f"p < 0,05 après Holm : il faut {needed} graines.",
        )
    ]


# --------------------------------------------------------------------------------------------- by what one needs


def what_to_take_from_it(facts: Facts) -> Part | None:
    standing, say = facts.standing, facts.say
    if len(standing) < 2:
        return None
    told = [_for_accuracy(facts)]
    if same_machine(runs_of(facts.entries)) and not _same_seconds(facts) and not _spoiled(facts):
        told.append(_cheapest(facts, training_seconds, _for_time))
    told.append(_cheapest(facts, num_parameters, _for_size))
    detectors = [entry.name for entry in standing if entry.first.detection is not None]
    if detectors:
        names = say.listed(detectors)
        told.append(say(f"Where boxes are needed: {names}.", f"S'il faut des boîtes : {names}."))
    title = say("What to take from it", "Ce qu'on peut en retenir")
    return made(title, [], ("verdicts", "cost"), points=told)


def _for_accuracy(facts: Facts) -> str:
    say, standing = facts.say, facts.standing
    leader, open_others = standing[0], not_shown_to_differ(standing, facts.pairs)
    best = say(
        f"Where accuracy counts most: {leader.name} (error {_error(leader, say)})",
        f"Si l'exactitude compte le plus : {leader.name} (erreur {_error(leader, say)})",
    )
    if not open_others:
        return best + "."
    names = say.listed([entry.name for entry in open_others[:MOST_NAMED]])
    return best + say(
        f", of which it is not shown that it does better {say.than(names)}.",
        f", dont il n'est pas démontré qu'il fasse mieux {say.than(names)}.",
    )


def _cheapest(facts: Facts, quantity: Callable[[RunRecord], float], told: Callable[[Entry, Speech], str]) -> str:
    return told(min(facts.standing, key=lambda entry: entry.mean(quantity)), facts.say)


def _error(entry: Entry, say: Speech) -> str:
    return say.percent(entry.error.mean, percent_decimals(entry.error.low, entry.error.high))


def _for_time(entry: Entry, say: Speech) -> str:
    time = say.seconds(entry.mean(training_seconds))
    return say(
        f"Where training time is short: {entry.name} took the least, {time}, with an error of {_error(entry, say)}.",
        f"Si le temps d'entraînement manque : {entry.name} en a pris le moins, {time}, pour une erreur de "
        f"{_error(entry, say)}.",
    )


def _for_size(entry: Entry, say: Speech) -> str:
    size = say.scaled(entry.mean(num_parameters))
    return say(
        f"Where the model must be small: {entry.name} has {size} parameters and an error of {_error(entry, say)}.",
        f"Si le modèle doit être petit : {entry.name} a {size} paramètres et une erreur de {_error(entry, say)}.",
    )
