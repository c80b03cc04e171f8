"""The question, and the answer with how sure it is.

How sure comes from the verdicts (rule 9) alone: what they do not show is "not shown"; it is never called absent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from eyechart.report import claims
from eyechart.report.entries import Entry, error_text, runs_of
from eyechart.report.pairs import Pairs
from eyechart.schema import Rules, Verdict
from eyechart.scoring.measures import MEASURES
from eyechart.words.numbers import elided
from eyechart.words.speech import Speech

MOST_NAMED = 4  # contenders in a sentence


@dataclass(frozen=True)
class Answer:
    """The top of the report."""

    question: str
    sentences: tuple[str, str]  # who made the fewest errors | how sure that is
    budget: str  # the conditions, in one line


def answer(entries: list[Entry], pairs: Pairs, say: Speech) -> Answer:
    standing = claims.standing(entries)
    sentences = (_who_leads(standing, say), how_sure(standing, pairs, say)) if standing else nobody_finished(say)
    return Answer(_question(entries, say), sentences, conditions(entries, say))


def nobody_finished(say: Speech) -> tuple[str, str]:
    return (
        say("No contender finished.", "Aucun concurrent n'est arrivé au bout."),
        say("Every run diverged, so nothing can be said of their quality.",
            "Tous les entraînements ont divergé : rien ne peut être dit de leur qualité."),
    )  # fmt: skip


def _question(entries: list[Entry], say: Speech) -> str:
    title = entries[0].first.dataset.title
    if len(entries) == 1:
        name = entries[0].name
        return say(f"How well does {name} read {title}?", f"Comment {name} lit-il {title} ?")
    number = say.number_word(len(entries))
    fewest, moins = ("fewer", "moins") if len(entries) == 2 else ("the fewest", "le moins")
    return say(
        f"Which of {number} contenders makes {fewest} errors on {title}?",
        f"Lequel des {number} concurrents fait {moins} d'erreurs sur {title} ?",
    )


def described_error(entry: Entry, say: Speech) -> str:
    """ "0.63 % (95 % interval 0.50 to 0.81 %)"."""
    mean = error_text(entry, say)
    return say(
        f"{mean} (95 % interval {interval_text(entry, say)})",
        f"{mean} (intervalle à 95 % : {interval_text(entry, say)})",
    )


def interval_text(entry: Entry, say: Speech) -> str:
    return say.percent_interval(entry.error.low, entry.error.high)


def _who_leads(standing: list[Entry], say: Speech) -> str:
    leader = standing[0]
    error = described_error(leader, say)
    n = say.count(leader.first.num_judged)
    of_what = say(f"of {n} test images", f"des {n} images de test")
    start = ""
    if is_pretrained(leader):
        origin = leader.first.weights.pretrained_on
        start = say(f", having started from weights trained on {origin},", f", parti de poids entraînés sur {origin},")
    if len(standing) == 1:
        return say(
            f"{leader.name}{start} got {error} {of_what} wrong.",
            f"{leader.name}{start} se trompe sur {error} {of_what}.",
        )
    if not claims.same_test(standing):
        return say(
            f"{leader.name} has the smallest error, {error} {of_what}, but not all were judged on the same images: who "
            "makes fewer errors is not known.",
            f"{leader.name} a la plus petite erreur, {error} {of_what}, mais tous n'ont pas été jugés sur les mêmes "
            "images : qui fait le moins d'erreurs n'est pas connu.",
        )
    level = [entry.name for entry in claims.leaders(standing)]
    if len(level) > 1:
        uns = "les uns que les autres" if len(level) > 2 else "l'un que l'autre"
        return say(
            f"{say.listed(level)} made equally few errors: {error} {of_what}.",
            f"{say.listed(level)} font aussi peu d'erreurs {uns} : {error} {of_what}.",
        )
    fewest, moins = ("fewer", "moins") if len(standing) == 2 else ("the fewest", "le moins")
    return say(
        f"{leader.name}{start} made {fewest} errors: {error} {of_what}.",
        f"{leader.name}{start} fait {moins} d'erreurs : {error} {of_what}.",
    )


# --------------------------------------------------------------------------------------------- how sure


def how_sure(standing: list[Entry], pairs: Pairs, say: Speech) -> str:
    leader = standing[0]
    if len(standing) == 1:
        return what_the_interval_covers(leader, say)
    found = [(entry, pairs.verdict(leader, entry)) for entry in standing[1:]]
    told = []
    for place, tell in TELLERS.items():
        group = [entry for entry, verdict in found if _place(leader, verdict) == place]
        if group:
            told.append(tell(_subject(standing, pairs.primary, say), _names(group, len(standing) - 1, say), say))
    return " ".join(told)


def _place(leader: Entry, verdict: Verdict | None) -> str:
    """Which sentence a verdict on the leader and another belongs to."""
    if verdict is None or (verdict.kind == "better" and verdict.first != leader.name):
        return "not shown"
    return "these runs" if verdict.kind == "better" and verdict.scope == "these runs" else verdict.kind


def _names(group: list[Entry], num_others: int, say: Speech) -> str:
    if len(group) == num_others > 1:
        number = say.number_word(num_others)
        return (
            say(f"all {number} others", f"les {number} autres")
            if num_others > 2
            else say("both others", "les deux autres")
        )
    if len(group) > MOST_NAMED:
        number = say.number_word(len(group))
        return say(f"{number} others", f"{number} autres")
    return say.listed([entry.name for entry in group])


class Subject(NamedTuple):
    """How sentences speak of the first: as "it", or by its name where several are level."""

    at_start: str
    that: str  # "that it", "qu'il"
    whether: str  # "Whether it is", "Est-il"
    models: str
    metric: str  # in which they are compared

    @staticmethod
    def of(name: str, metric: str, say: Speech) -> Subject:
        return Subject(
            name,
            say(f"that {name}", elided("que", name)),
            say(f"Whether {name} is", f"{name} est-il"),
            say(f"The trained models of {name}", f"Les modèles entraînés {say.of(name)}"),
            metric,
        )


def _subject(standing: list[Entry], metric: str, say: Speech) -> Subject:
    if len(claims.leaders(standing)) > 1:
        return Subject.of(standing[0].name, metric, say)
    models = say("Its trained models", "Ses modèles entraînés")
    return Subject(say("It", "Il"), say("that it", "qu'il"), say("Whether it is", "Est-il"), models, metric)


def _better(who: Subject, names: str, say: Speech) -> str:
    return who.at_start + say(" is better ", " est meilleur ") + say.than(names) + "."


def _better_runs(who: Subject, names: str, say: Speech) -> str:
    return say(
        f"{who.models} are better than those of {names}; whether the architectures differ, too few runs to say.",
        f"{who.models} sont meilleurs que ceux {say.of(names)} ; quant aux architectures, "
        "trop peu d'entraînements pour conclure.",
    )


def _equivalent(who: Subject, names: str, say: Speech) -> str:
    margin = say.number(100 * MEASURES[who.metric].margin, 1)
    return say(
        f"{who.at_start} is equivalent to {names}: within {margin} point.",
        f"{who.at_start} est équivalent {elided('à', names)} : à {margin} point près.",
    )


def _not_shown(who: Subject, names: str, say: Speech) -> str:
    return say(
        f"T{who.that[1:]} is better {say.than(names)} is not shown.",
        f"Q{who.that[1:]} soit meilleur {say.than(names)} n'est pas démontré.",
    )


def _too_few(who: Subject, names: str, say: Speech) -> str:
    return say(
        f"{who.whether} better {say.than(names)}: too few runs to say.",
        f"{who.whether} meilleur {say.than(names)} ? Trop peu d'entraînements pour conclure.",
    )


TELLERS: dict[str, Callable[[Subject, str, Speech], str]] = {
    "better": _better,
    "these runs": _better_runs,
    "equivalent": _equivalent,
    "not shown": _not_shown,
    "too few runs": _too_few,
}


def what_the_interval_covers(entry: Entry, say: Speech) -> str:
    if len(entry.runs) == 1:
        return say(
            "The interval covers other test images of the same kind, not what another seed would change.",
            "L'intervalle couvre d'autres images de test du même genre, non ce qu'une autre graine changerait.",
        )
    seeds = say.counted(len(entry.runs), "seed", "graine")
    return say(
        f"The interval covers how much training varies over {seeds}, on the same test images.",
        f"L'intervalle couvre la variation de l'entraînement sur {seeds}, avec les mêmes images de test.",
    )


# --------------------------------------------------------------------------------------------- conditions


def seeds_text(entries: list[Entry], say: Speech) -> str:
    """How many each contender has."""
    numbers = [len(entry.runs) for entry in entries]
    return say.between(min(numbers), max(numbers), "seed", "graine")


def train_text(entries: list[Entry], say: Speech) -> str:
    """On how many images they were trained."""
    numbers = [run.record.splits.num_train for run in runs_of(entries)]
    return say.between(min(numbers), max(numbers), "training image", "image d'entraînement")


def finished_seeds_text(entries: list[Entry], say: Speech) -> str:
    """How many stand behind curves and classes."""
    numbers = [len(entry.judged) for entry in entries]
    return say.between(min(numbers), max(numbers), "seed", "graine")


def is_pretrained(entry: Entry) -> bool:
    return bool(entry.first.weights.pretrained_on)


def conditions(entries: list[Entry], say: Speech) -> str:
    rules = {run.record.rules for run in runs_of(entries)}
    num_runs = sum(len(entry.runs) for entry in entries)
    seeds = seeds_text(entries, say)
    parts = [
        say.counted(num_runs, "run", "entraînement"),
        say(f"{seeds} a contender", f"{seeds} par concurrent"),
        train_text(entries, say),
    ]
    if len(rules) == 1:
        only = next(iter(rules))
        parts.append(described_budget(only, say))
        parts.append(say(f"preset {only.preset}", f"préréglage {only.preset}"))
    return " · ".join(parts)


def described_budget(rules: Rules, say: Speech) -> str:
    """The budget that was the same for all, in words."""
    if rules.budget is None:
        return say("each recipe's own full schedule", "le programme complet de chaque recette")
    if rules.budget.unit == "seconds":
        time = re.sub(r"[.,]0 s$", " s", say.seconds(rules.budget.amount))
        return say(f"{time} of training each", f"{time} d'entraînement chacun")
    english, french = {"epochs": ("epoch", "époque"), "images": ("image", "image"), "steps": ("step", "pas")}[
        rules.budget.unit
    ]
    amount = say.counted(rules.budget.amount, english, french)
    return say(f"{amount} of training each", f"{amount} d'entraînement chacun")
