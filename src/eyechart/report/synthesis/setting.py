"""What was compared, under which rules, from which starting weights."""

from __future__ import annotations

from eyechart.report import claims
from eyechart.report.answer import described_budget, is_pretrained, seeds_text, train_text
from eyechart.report.entries import runs_of
from eyechart.report.section import Facts
from eyechart.report.synthesis.part import MOST_NAMED, Part, made


def what_was_compared(facts: Facts) -> Part | None:
    say, entries = facts.say, facts.entries
    card = entries[0].first.dataset
    names = say.listed([entry.name for entry in entries], MOST_NAMED)
    number = say.counted(len(entries), "contender", "concurrent")
    ont = "ont" if len(entries) > 1 else "a"
    seeds, train = seeds_text(entries, say), train_text(entries, say)
    test = say.count(entries[0].first.num_judged)
    judged = say(f"the same {test} test images", f"les mêmes {test} images de test")
    if not claims.same_test(entries):
        judged = say(
            "test images that are not the same for all", "des images de test qui ne sont pas les mêmes pour tous"
        )
    sentences = [
        say(
            f"{number} ({names}) learned to tell the {card.num_classes} classes of {card.title} apart.",
            f"{number} ({names}) {ont} appris à distinguer les {card.num_classes} classes de {card.title}.",
        ),
        say(
            f"Each was trained with {seeds} on {train} and judged on {judged}.",
            f"Chacun a été entraîné avec {seeds} sur {train} et jugé sur {judged}.",
        ),
        _rules(facts),
        _test_accesses(facts),
    ]
    return made(say("What was compared", "Ce qui a été comparé"), sentences, ("making",))


def _rules(facts: Facts) -> str:
    rules = {run.record.rules for run in runs_of(facts.entries)}
    if len(rules) > 1:
        return facts.say(
            "They did not all follow the same rules; see the findings.",
            "Tous n'ont pas suivi les mêmes règles ; voir les constats.",
        )
    budget = described_budget(next(iter(rules)), facts.say)
    return facts.say(
        f"The rules were the same for all; the budget was {budget}.",
        f"Les règles étaient les mêmes pour tous ; le budget : {budget}.",
    )


def _test_accesses(facts: Facts) -> str:
    runs = [run.record for run in runs_of(facts.entries)]
    if any(run.test_accesses != 1 for run in runs):
        return ""
    if any(run.rules.looking for run in runs):
        return facts.say(
            "The test images were opened once a run, after training; by them only the number of seeds was chosen, with "
            "p-values that allow it.",
            "Les images de test ont été ouvertes une seule fois par entraînement, après lui ; d'après elles, seul le "
            "nombre de graines a été choisi, avec des valeurs p qui le permettent.",
        )
    return facts.say(
        "The test images were opened once, after training; nothing was chosen by them.",
        "Les images de test ont été ouvertes une seule fois, après l'entraînement ; rien n'a été choisi d'après elles.",
    )


def starting_weights(facts: Facts) -> Part | None:
    """Who started from weights trained elsewhere: a lead over the others is then not the architecture's alone."""
    say = facts.say
    pretrained = [entry for entry in facts.entries if is_pretrained(entry)]
    if not pretrained:
        sentence = say(
            "Every contender started from random weights.", "Chaque concurrent est parti de poids aléatoires."
        )
        return made(say("Starting weights", "Poids de départ"), [sentence], ("leaderboard",))
    started = say.listed([f"{entry.name} ({entry.first.weights.pretrained_on})" for entry in pretrained])
    scratch = [entry.name for entry in facts.entries if not is_pretrained(entry)]
    sentences = [
        say(
            f"From weights that were trained before started: {started}.",
            f"Sont partis de poids déjà entraînés : {started}.",
        )
    ]
    if scratch:
        sentences.append(
            say(
                f"From random weights started: {say.listed(scratch)}. A difference between the two groups is one of "
                "architecture and starting weights together.",
                f"Sont partis de poids aléatoires : {say.listed(scratch)}. Une différence entre les deux groupes est "
                "celle de l'architecture et des poids de départ à la fois.",
            )
        )
    return made(say("Starting weights", "Poids de départ"), sentences, ("leaderboard",))
