"""Levels and verdicts of the eye test as text."""

from __future__ import annotations

from eyechart.data.optotypes import DIMENSIONS
from eyechart.schema.exam import ExamDimension, ExamRecord, ExamVerdict, Reading
from eyechart.words.speech import Speech

MISFIT = 0.05  # of fit_p


def dimension_name(name: str, say: Speech) -> str:
    return say(*DIMENSIONS[name].words)


def level_text(dimension: ExamDimension, level: float, height: int, say: Speech) -> str:
    """A level as a chart tells it: "12 px", "35 %", "45°", "0.57 ×" (the width)."""
    if dimension.unit == "side":
        return f"{say.significant(level * height, 2)} px"
    if dimension.unit == "share":
        is_whole = level >= 0.095 or round(1000 * level) % 10 == 0
        return say.percent(level, 0 if is_whole else 1)
    if dimension.unit == "degrees":
        return f"{say.number(level)}°"
    return f"{say.number(level, 2)} ×"


def acuity_text(dimension: ExamDimension, reading: Reading, height: int, say: Speech) -> tuple[str, str]:
    """The acuity and its interval; beyond the rows only which end of the chart it is."""
    last, first = dimension.rows[-1].level, dimension.rows[1].level
    if reading.beyond == "last row":
        return say("beyond the last row", "au-delà de la dernière ligne"), level_text(dimension, last, height, say)
    if reading.beyond == "first row":
        return say("above the first row", "avant la première ligne"), level_text(dimension, first, height, say)
    ends = [level_text(dimension, level, height, say) for level in (reading.acuity_low, reading.acuity_high)]
    return level_text(dimension, reading.acuity, height, say), say.interval(*ends)


def finding(record: ExamRecord, dimension: str, say: Speech) -> str:
    """Who is shown to read further than whom in a dimension: the one who is furthest, and those whom it beats."""
    own = [each for each in record.verdicts if each.dimension == dimension]
    name = dimension_name(dimension, say)
    if not own:
        (only,) = record.contenders
        return say(f"How far {only} reads: {name}", f"Jusqu'où lit {only} : {name}")
    shown = [each for each in own if each.kind == "better"]
    best = max(
        record.contenders,
        key=lambda name: (sum(each.first == name for each in shown), record.reading(name, dimension).threshold),
    )
    beaten = [each for each in shown if each.first == best]
    if not beaten:
        return say(
            f"In {name} nobody is shown to read further than the others",
            f"En {name}, personne ne lit plus loin que les autres de façon démontrée",
        )
    who = say.listed([each.second for each in beaten])
    if len(beaten) == len(record.contenders) - 1 and len(beaten) > 1:
        told = say(f"In {name} {best} reads furthest", f"En {name}, {best} lit le plus loin")
    else:
        told = say(f"In {name} {best} reads further than {who}", f"En {name}, {best} lit plus loin {say.than(who)}")
    return told + _scope(beaten, say)


def _scope(verdicts: list[ExamVerdict], say: Speech) -> str:
    if all(each.scope == "architectures" for each in verdicts):
        return ""
    return say(", in these runs", ", dans ces entraînements")


def misfits(record: ExamRecord, say: Speech) -> str:
    """Of which curves the acuity is to be taken with care; empty: of none."""
    found: dict[str, list[str]] = {}
    for each in record.readings:
        if each.fit_p < MISFIT:
            found.setdefault(each.dimension, []).append(each.contender)
    if not found:
        return ""
    told = say.listed([f"{dimension_name(name, say)} ({say.listed(who)})" for name, who in found.items()])
    return say(
        f"The curve does not fit the rows well (p < .05) in {told}: there the acuity is a rough one.",
        f"La courbe s'ajuste mal aux lignes (p < 0,05) en {told} : l'acuité y est approximative.",
    )
