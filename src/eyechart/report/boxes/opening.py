"""The question that a study on scenes asks, and the answer with how sure it is."""

from __future__ import annotations

import statistics

from eyechart.report.answer import Answer, conditions, how_sure, nobody_finished
from eyechart.report.boxes.table import interval_of
from eyechart.report.claims import leaders, standing
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
        return Answer(question, nobody_finished(say), conditions(entries, say))
    leader = finished[0]
    interval = interval_of(leader, draft.on_scenes, say)
    mean = say.percent(statistics.fmean(leader.scores(lambda run: run.box_scores.map)), 1)  # the interval's middle
    within = say(f" (95 % interval {interval})", f" (intervalle à 95 % : {interval})") if interval else ""
    n = say.count(leader.first.num_judged)
    reached = say(
        f"{leader.name} reached a mAP of {mean}{within} on {n} test scenes",
        f"{leader.name} a atteint un mAP de {mean}{within} sur {n} scènes de test",
    )
    is_alone_at_the_top = len(finished) > 1 and len(leaders(finished)) == 1
    most = say(", the highest.", ", le plus élevé.") if is_alone_at_the_top else "."
    return Answer(question, (reached + most, how_sure(finished, draft.pairs, say)), conditions(entries, say))
