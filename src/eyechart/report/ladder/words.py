"""What the ladder says, in words: what a step was worth, who is better at equal size, and what that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from eyechart.catalog.ladder import BEST, words_of
from eyechart.words.numbers import interval_decimals

if TYPE_CHECKING:
    from eyechart.schema import Verdict
    from eyechart.schema.ladder import Climber, LadderRecord, RungResult, SizeResult
    from eyechart.words.speech import Speech


class Gain(NamedTuple):
    """By how much one of a pair is ahead in accuracy, 0..1; below 0 it is behind."""

    points: float
    low: float | None
    high: float | None


def gain_of(verdict: Verdict, contender: str) -> Gain:
    """A verdict seen from one side; verdicts begin with the better one."""
    if verdict.first == contender:
        return Gain(verdict.difference, verdict.low, verdict.high)
    low, high = (None if end is None else 0.0 - end for end in (verdict.high, verdict.low))
    return Gain(0.0 - verdict.difference, low, high)


def gain_text(verdict: Verdict | None, climber: Climber | None, say: Speech) -> str:
    """In points: "+2.13 (1.8 to 2.4)"; empty where nothing was compared."""
    if verdict is None or climber is None:
        return ""
    gain = gain_of(verdict, climber.contender)
    if gain.low is None or gain.high is None:
        return signed(gain.points, 2, say)
    decimals = interval_decimals(100 * gain.low, 100 * gain.high)
    ends = say.interval(signed(gain.low, decimals, say), signed(gain.high, decimals, say))
    return f"{signed(gain.points, decimals, say)} ({ends})"


def signed(share: float, decimals: int, say: Speech) -> str:
    """0.0213 -> "+2.1", in points."""
    text = say.number(100 * share, decimals)
    return f"+{text}" if share > 0 and text.strip("0.,") else text


def verdict_word(verdict: Verdict | None, climber: Climber | None, say: Speech) -> str:
    """What may be said of a step: the word of the verdict, seen from the one that climbs."""
    if verdict is None or climber is None:
        return ""
    if verdict.kind == "better":
        word = say("better", "meilleur") if verdict.first == climber.contender else say("worse", "moins bon")
        in_these_runs = say(" in these runs", " dans ces entraînements")
        return word + (in_these_runs if verdict.scope == "these runs" else "")
    return {
        "equivalent": say("equivalent", "équivalent"),
        "not shown": say("not shown", "non démontré"),
        "too few runs": say("too few runs to say", "trop peu d'entraînements"),
    }[verdict.kind]


# --------------------------------------------------------------------------------------------- the answer


def answer(record: LadderRecord, say: Speech) -> list[str]:
    """Sentences that answer "is a ViT no good on small data?", each derived from what was measured."""
    told = [_of_repairs(record, say), _of_equal_size(record, say), _of_sizes(record, say)]
    return [sentence for sentence in told if sentence]


def finding(record: LadderRecord, say: Speech) -> str:
    """The title of the figure: from where to where, and the step that was worth most."""
    climbed = _climbed(record)
    if not climbed:
        return say("No rung is finished", "Aucun barreau n'est achevé")
    first, last = climbed[0], climbed[-1]
    if len(climbed) == 1:
        return say(f"The first rung: {_accuracy(first, say)}", f"Le premier barreau : {_accuracy(first, say)}")
    told = say(
        f"From {_accuracy(first, say)} to {_accuracy(last, say)} on the same images",
        f"De {_accuracy(first, say)} à {_accuracy(last, say)} sur les mêmes images",
    )
    best = _largest_step(climbed)
    if best is None or best.climber is None:
        return told
    words, worth = rung_words(best.name, say), gain_text(best.step, best.climber, say).partition(" ")[0]
    here = say(" in these runs", " dans ces entraînements") if best.step and best.step.scope == "these runs" else ""
    return told + say(
        f"; the largest share of errors goes with “{words}” ({worth} points){here}",
        f" ; la plus grande part d'erreurs disparaît avec « {words} » ({worth} points){here}",
    )


def rung_words(name: str, say: Speech) -> str:
    """What is done on a rung."""
    return say(*words_of(name))


def _climbed(record: LadderRecord) -> list[RungResult]:
    return [rung for rung in record.rungs if rung.climber is not None]


def _accuracy(rung: RungResult, say: Speech) -> str:
    assert rung.climber, "of rungs that were climbed"
    return say.percent(rung.climber.accuracy.mean)


def _largest_step(climbed: list[RungResult]) -> RungResult | None:
    """Of the steps that a verdict calls better, the one that takes the largest share of the errors before it."""
    shares: list[tuple[float, RungResult]] = []
    for rung in climbed:
        if rung.step and rung.climber and rung.step.kind == "better" and rung.step.first == rung.climber.contender:
            errors = 1 - rung.climber.accuracy.mean
            shares.append((rung.step.difference / max(1e-9, errors + rung.step.difference), rung))
    return max(shares, key=lambda each: each[0])[1] if shares else None


def _of_repairs(record: LadderRecord, say: Speech) -> str:
    """How much of the errors the code and the recipe made, and not the number of images."""
    climbed = _climbed(record)
    if len(climbed) < 2:
        return ""
    first, last = climbed[0], climbed[-1]
    assert first.climber, "of rungs that were climbed"
    assert last.climber
    errors, left = (1 - rung.climber.accuracy.mean for rung in (first, last) if rung.climber)
    images = say.count(record.num_train)
    is_whole = last.name == BEST
    highest = (
        say("the last rung", "le dernier barreau") if is_whole else say("the highest so far", "le plus haut atteint")
    )
    told = say(
        f"On {images} train images the tutorial's network as it is written reads {_accuracy(first, say)} of the test "
        f"images, and {highest} ({rung_words(last.name, say)}) {_accuracy(last, say)}",
        f"Avec {images} images d'entraînement, le réseau du tutoriel tel quel lit {_accuracy(first, say)} des images "
        f"de test, et {highest} ({rung_words(last.name, say)}) {_accuracy(last, say)}",
    )
    if left >= errors:
        return told + say(
            ": the repairs took away no errors.", " : les réparations n'ont ôté aucune erreur."
        )  # fmt: skip
    share = say.percent(1 - left / errors, 0)
    return told + say(
        f". The images are the same, so {share} of its errors came from how it is built and trained.",
        f". Les images sont les mêmes : {share} de ses erreurs venaient de sa construction et de son entraînement.",
    )


def _of_equal_size(record: LadderRecord, say: Speech) -> str:
    """The rungs at which a CNN of the same size is beside, by what their verdicts say."""
    places = [
        Place(say.count(number), _side(rung.against_cnn, rung.climber.contender))
        for number, rung in enumerate(record.rungs)
        if rung.against_cnn and rung.climber
    ]
    if not places:
        return ""
    told = say(
        "A CNN of as many parameters, trained alike, is ", "Un CNN d'autant de paramètres, entraîné de même, est "
    )
    return told + _told_sides(places, ("on rung", "on rungs"), ("au barreau", "aux barreaux"), say)


def _of_sizes(record: LadderRecord, say: Speech) -> str:
    """With few images, which is what the question is about."""
    sizes = sorted(record.sizes, key=lambda each: each.images)
    if not sizes:
        return ""
    places = [Place(say.count(size.images), _side(size.verdict, size.vit.contender)) for size in sizes]
    few, many = sizes[0], say.count(sizes[0].images)
    told = say(
        f"With few images: on {many} the last rung that is ours to vary reads {_share(few, 'vit', say)}, that CNN "
        f"{_share(few, 'cnn', say)}; the CNN is ",
        f"Avec peu d'images : sur {many}, le dernier barreau du réseau du tutoriel lit {_share(few, 'vit', say)}, ce "
        f"CNN {_share(few, 'cnn', say)} ; le CNN est ",
    )
    return f"{told}{_told_sides(places, ('on', 'on'), ('sur', 'sur'), say)} {_conclusion(places, say)}"


def _share(size: SizeResult, who: str, say: Speech) -> str:
    climber = size.vit if who == "vit" else size.cnn
    return say.percent(climber.accuracy.mean)


class Side(NamedTuple):
    """Who is better, by the verdict alone."""

    who: Literal["cnn", "vit", "equivalent", "open"]
    of_runs: bool = False  # decided for these trained models alone


class Place(NamedTuple):
    """A rung or a number of images, written, and who is better there."""

    label: str
    side: Side


def _side(verdict: Verdict | None, climber: str) -> Side:
    if verdict is not None and verdict.kind == "better":
        return Side("vit" if verdict.first == climber else "cnn", verdict.scope == "these runs")
    return Side("equivalent" if verdict is not None and verdict.kind == "equivalent" else "open")


def _told_sides(places: list[Place], at: tuple[str, str], french: tuple[str, str], say: Speech) -> str:
    """ "better on rungs 0, 1 and 3; worse in these runs on rung 8." of the CNN."""
    here = say(" in these runs", " dans ces entraînements")
    words = {
        Side("cnn"): say("better", "meilleur"),
        Side("cnn", of_runs=True): say("better", "meilleur") + here,
        Side("vit"): say("worse", "moins bon"),
        Side("vit", of_runs=True): say("worse", "moins bon") + here,
        Side("equivalent"): say("equivalent", "équivalent"),
        Side("open"): say("neither shown to be better nor worse", "ni meilleur ni moins bon que l'on ait démontré"),
    }
    parts = []
    for side, word in words.items():
        labels = [place.label for place in places if place.side == side]
        if labels:
            many = len(labels) > 1
            parts.append(f"{word} {say(at[many], french[many])} {say.listed(labels)}")
    return say.semicolons(parts) + "."


def _conclusion(places: list[Place], say: Speech) -> str:
    """What that answers; of several sizes, all or some, and of the architecture only where that was decided."""
    worse, better = ([place.label for place in places if place.side.who == who] for who in ("cnn", "vit"))
    of_runs = any(place.side.of_runs for place in places)
    so, donc = ("So in these runs", "Dans ces entraînements, ") if of_runs else ("So", "")
    if len(worse) == len(places):
        return say(
            f"{so} this ViT is the worse choice of the two at every size that was tried, though by far not for the "
            "reason that the tutorial's accuracy suggests.",
            f"{donc or 'Sur peu de données, '}ce ViT est donc le moins bon choix des deux à chaque taille essayée, "
            "mais de loin pas pour la raison que l'exactitude du tutoriel suggère.",
        )
    if worse and better:
        return say(
            f"{so} it is the worse choice of the two on {say.listed(worse)} images and the better one on "
            f"{say.listed(better)}.",
            f"{donc}{'c' if donc else 'C'}'est donc le moins bon choix des deux avec {say.listed(worse)} images, et le "
            f"meilleur avec {say.listed(better)}.",
        )
    if worse:
        return say(
            f"{so} it is the worse choice of the two on {say.listed(worse)} images, and elsewhere that is not shown.",
            f"{donc}{'c' if donc else 'C'}'est donc le moins bon choix des deux avec {say.listed(worse)} images ; "
            "ailleurs, cela n'est pas démontré.",
        )
    if better:
        here = say(", in these runs", ", dans ces entraînements") if of_runs else ""
        return say(
            f"So a ViT can be the better choice on small data: here on {say.listed(better)} images{here}.",
            f"Un ViT peut donc être le meilleur choix sur peu de données : ici avec {say.listed(better)} images{here}.",
        )
    return say(
        "So that a ViT is no good on small data is not shown here.",
        "Qu'un ViT ne vaille rien sur peu de données n'est donc pas démontré ici.",
    )
