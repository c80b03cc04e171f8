"""Speed against accuracy, what to beware of, and what to take from it all, by what one needs."""

from __future__ import annotations

from eyechart.comparison.power import fewest_seeds
from eyechart.report import claims
from eyechart.report.entries import Entry, error_text, runs_of
from eyechart.report.pairs import not_shown_to_differ
from eyechart.report.section import Facts
from eyechart.report.synthesis.part import MOST_NAMED, Part, made
from eyechart.schema import RunRecord
from eyechart.scoring import times
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
    if not times.same_machine(_records(facts)):
        sentence = say(
            "The runs were made on different machines, threads or versions: their times are not compared here.",
            "Les entraînements viennent de machines, de fils d'exécution ou de versions différentes : leurs durées ne "
            "sont pas comparées ici.",
        )
        return made(title, [sentence], ("cost",))
    budgets = {run.rules.budget for run in _records(facts)}
    if len(budgets) == 1 and all(each and each.unit == "seconds" for each in budgets):
        sentence = say(
            "The budget was a time and the same for all: the errors say what each made of it.",
            "Le budget était une durée, la même pour tous : les erreurs disent ce que chacun en a tiré.",
        )
        return made(title, [sentence, _took(facts), _spoiled(facts)], ("cost", "clocks"), ("cost-parameters",))
    front = _on_the_front(facts) if claims.may_compare_training(facts.entries) else ""
    sentences = [_took(facts), _spoiled(facts), front]
    return made(title, sentences, ("cost", "clocks", "learning"), ("cost-training", "learning-error-seconds"))


def _records(facts: Facts) -> list[RunRecord]:
    return [run.record for run in runs_of(facts.entries)]


def _took(facts: Facts) -> str:
    say, each = facts.say, []
    for entry in facts.standing:
        time, size = say.seconds(entry.mean(training_seconds)), say.scaled(entry.mean(num_parameters))
        each.append(say(f"{entry.name} {time} ({size} parameters)", f"{entry.name} {time} ({size} paramètres)"))
    told = say.listed(each, MOST_NAMED)
    return say(f"Training took {told}.", f"L'entraînement a pris : {told}.")


def _spoiled(facts: Facts) -> str:
    """Which clocks are not to be trusted."""
    say, runs = facts.say, _records(facts)
    shared = sum(map(times.was_shared, runs))
    loaded = sum(map(times.is_spoiled, runs)) - shared
    told = []
    if shared:
        told.append(say(
            f"Beside {shared} of {len(runs)} runs others of the study were trained: those times are shared, and not to "
            "be compared.",
            f"D'autres de l'étude s'entraînaient à côté de {say.counted(shared, 'run', 'entraînement')} sur "
            f"{len(runs)} : ces durées sont partagées et ne se comparent pas.",
        ))  # fmt: skip
    if loaded:
        told.append(say(
            f"In {loaded} of {len(runs)} runs other programs worked beside, or the machine changed its pace: those "
            "times are not to be trusted.",
            f"Dans {say.counted(loaded, 'run', 'entraînement')} sur {len(runs)}, d'autres programmes travaillaient à "
            "côté, ou la machine a changé d'allure : ces durées ne sont pas fiables.",
        ))  # fmt: skip
    return " ".join(told)


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
    """What no exact paired test can show with as many seeds as the contender with the fewest has.

    Holm's family is every pair that has a verdict, those with a contender that diverged among them.
    """
    say, verdicts = facts.say, facts.pairs.comparison.verdicts
    num_pairs = sum(verdict.metric == facts.pairs.primary for verdict in verdicts)
    if num_pairs < 1 or len(facts.standing) < 2:
        return []
    fewest = min(len(entry.runs) for entry in facts.standing)
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
    if claims.may_compare_training(facts.entries):
        told.append(_for_time(claims.least(standing, training_seconds), say))
    told.append(_for_size(claims.least(standing, num_parameters, factor=1.0), say))
    detectors = [entry.name for entry in standing if entry.first.detection is not None]
    if detectors:
        names = say.listed(detectors)
        told.append(say(f"Where boxes are needed: {names}.", f"S'il faut des boîtes : {names}."))
    title = say("What to take from it", "Ce qu'on peut en retenir")
    return made(title, [], ("verdicts", "cost"), points=told)


def _for_accuracy(facts: Facts) -> str:
    say, standing = facts.say, facts.standing
    leader, open_others = standing[0], not_shown_to_differ(standing, facts.pairs)
    level = claims.leaders(standing)
    names = say.listed([entry.name for entry in level])
    best = say(
        f"Where accuracy counts most: {names} (error {error_text(leader, say)})",
        f"Si l'exactitude compte le plus : {names} (erreur {error_text(leader, say)})",
    )
    if len(level) > 1:
        return best + say(", which are level.", ", à égalité.")
    if not open_others:
        if claims.lead_of_first(standing, facts.pairs) == "architectures":
            return best + "."
        return best + say(", shown for these trained models alone.", ", démontré pour ces seuls modèles entraînés.")
    names = say.listed([entry.name for entry in open_others[:MOST_NAMED]])
    return best + say(
        f", of which it is not shown that it does better {say.than(names)}.",
        f", dont il n'est pas démontré qu'il fasse mieux {say.than(names)}.",
    )


def _for_time(quickest: list[Entry], say: Speech) -> str:
    """Those that took the least, with time and error of each: several where they are not told apart."""
    told = [
        say(
            f"{entry.name} ({say.seconds(entry.mean(training_seconds))}, error {error_text(entry, say)})",
            f"{entry.name} ({say.seconds(entry.mean(training_seconds))}, erreur {error_text(entry, say)})",
        )
        for entry in quickest
    ]
    return say(
        f"Where training time is short: {say.listed(told)} took the least.",
        f"Si le temps d'entraînement manque : {say.listed(told)} en {'ont' if len(told) > 1 else 'a'} pris le moins.",
    )


def _for_size(smallest: list[Entry], say: Speech) -> str:
    size = say.scaled(smallest[0].mean(num_parameters))
    told = [
        say(f"{entry.name} (error {error_text(entry, say)})", f"{entry.name} (erreur {error_text(entry, say)})")
        for entry in smallest
    ]
    return say(
        f"Where the model must be small: {say.listed(told)}, with {size} parameters.",
        f"Si le modèle doit être petit : {say.listed(told)}, avec {size} paramètres.",
    )
