"""The question that a study on scenes asks, and the answer with how sure it is."""

from __future__ import annotations

from eyechart.report.answer import Answer, conditions, how_sure, what_the_interval_covers
from eyechart.report.boxes.table import interval_of
from eyechart.report.claims import standing
from eyechart.report.entries import Entry
from eyechart.report.section import Draft


def opening(draft: Draft) -> Answer:
    entries, say = draft.entries, draft.say
    title = entries[0].first.dataset.title
    if len(entries) == 1:
        name = entries[0].name
        question = say(
            f"How well does {name} find what is on {title}?", f"Comment {name} trouve-t-il ce que montrent {title} ?"
        )
    else:
        number = say.number_word(len(entries))
        question = say(
            f"Which of {number} contenders finds best what is on {title}?",
            f"Lequel des {number} concurrents trouve le mieux ce que montrent {title} ?",
        )
    finished = standing(entries)
    if not finished:
        sentences = (
            say("No contender finished.", "Aucun concurrent n'est arrivé au bout."),
            say("Every run diverged, so nothing can be said of their quality.",
                "Tous les entraînements ont divergé : rien ne peut être dit de leur qualité."),
        )  # fmt: skip
        return Answer(question, sentences, conditions(entries, say))
    leader = finished[0]
    interval = interval_of(leader, draft.on_scenes, say)
    mean = say.percent(leader.mean(lambda run: run.box_scores.map), 1)
    within = say(f" (95 % interval {interval})", f" (intervalle à 95 % : {interval})") if interval else ""
    n = say.count(leader.first.num_judged)
    reached = say(
        f"{leader.name} reached a mAP of {mean}{within} on {n} test scenes",
        f"{leader.name} a atteint un mAP de {mean}{within} sur {n} scènes de test",
    )
    most = say(", the highest.", ", le plus élevé.") if _leads(finished) else "."
    sure = how_sure(finished, draft.pairs, say) if len(finished) > 1 else what_the_interval_covers(leader, say)
    return Answer(question, (reached + most, sure), conditions(entries, say))


def _leads(finished: list[Entry]) -> bool:
    """Whether the first is alone at the top."""
    if len(finished) < 2:
        return False
    first, second = (entry.mean(lambda run: run.mark) for entry in finished[:2])
    return bool(first > second)
