"""Methods, reasons and checks as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.base.foreign_text import shown
from eyechart.scoring.saliency import ALIKE, depends_on_learning, marks_more_than_ink, marks_what_matters
from eyechart.words.remarks import in_words

if TYPE_CHECKING:
    from eyechart.report.looked.seen import Explanation, Seen
    from eyechart.schema.explain import ChecksRecord, Estimated, MethodCheck, MethodName, Why
    from eyechart.words.remarks import Remark
    from eyechart.words.speech import Speech

NAMES: dict[MethodName, tuple[str, str]] = {
    "occlusion": ("occlusion", "occultation"),
    "integrated gradients": ("integrated gradients", "gradients intégrés"),
    "grad-cam": ("Grad-CAM", "Grad-CAM"),
    "attention rollout": ("attention rollout", "attention cumulée"),
    "regions": ("regions proposed", "régions proposées"),
}
REASONS: dict[Why, tuple[str, str]] = {
    "no map": ("no map of 3 × 3 cells\nor more to look at", "pas de carte d'au moins\n3 × 3 cases à regarder"),
    "no attention": ("has no attention\nof our own", "n'a pas notre\nattention"),
    "no regions": ("proposes no regions", "ne propose pas\nde régions"),
}


def remark_told(remark: Remark, classes: tuple[str, ...], say: Speech) -> str:
    """What stands in the place of a class."""
    return in_words(remark, classes=classes, french=say.lang == "fr")


def answer_told(found: Explanation, seen: Seen, say: Speech) -> str:
    """The class; or the remark, with the class that the maps are of."""
    name = shown(found.classes[seen.answer])
    if seen.remark is None:
        return name
    said = remark_told(seen.remark, found.classes, say)
    return say(f"{said} ({name} is explained)", f"{said} ({name} est expliqué)")


def method_name(method: MethodName, say: Speech) -> str:
    return say(*NAMES[method])


def reason(why: Why, say: Speech) -> str:
    return say(*REASONS[why])


def check_lines(check: MethodCheck, record: ChecksRecord, say: Speech) -> list[str]:
    """The two numbers of a method, short enough for a tile."""
    area, by_chance, ink = (say.number(each, 2) for each in (check.area.mean, record.random_area, record.ink_area))
    alike = say.number(check.alike.mean, 2)
    return [
        say(f"random weights: ρ {alike}", f"poids au hasard : ρ {alike}"),
        say(f"deleted {area}, random {by_chance}, ink {ink}", f"effacé {area}, hasard {by_chance}, encre {ink}"),
    ]


def check_verdict(check: MethodCheck, say: Speech) -> list[str]:
    """What the two checks say of a method, in words: what it marks, and a second line where training hardly matters."""
    if not marks_what_matters(check):
        told = [say("does not mark what matters", "ne marque pas ce qui compte")]
    elif marks_more_than_ink(check):
        told = [say("marks what matters", "marque ce qui compte")]
    elif check.before_ink.high < 0:
        told = [say("worse than any ink", "moins bien que l'encre")]
    else:
        told = [say("no better than any ink", "pas mieux que l'encre")]
    if check.alike.low >= ALIKE:
        told.append(say("much the same untrained", "presque la même sans apprentissage"))
    elif not depends_on_learning(check):
        told.append(say("perhaps the same untrained", "peut-être la même sans apprentissage"))
    return told


def is_trusted(check: MethodCheck) -> bool:
    """It passes every check."""
    return marks_what_matters(check) and marks_more_than_ink(check) and depends_on_learning(check)


def explained_checks(record: ChecksRecord | None, say: Speech) -> str:
    """What the numbers beside the maps are."""
    if record is None:
        return say(
            "Nobody has checked these maps: they may be as much of the image as of the network.",
            "Personne n'a vérifié ces cartes : elles peuvent tenir de l'image autant que du réseau.",
        )
    number, limit = say.count(record.num_images), say.number(ALIKE, 1)
    return say(
        f"Checked on {number} validation images. ρ: rank correlation (Spearman, absolute) with the map of the same "
        f"architecture with random weights; {limit} or more looks much the same. Deleted: area under the answer's "
        "probability while the marked pixels take the colour of the image's edge, the strongest first; beside it "
        "random orders, and random orders that begin with the ink. Less is better.",
        f"Vérifié sur {number} images de validation. ρ : corrélation de rangs (Spearman, absolue) avec la carte de la "
        f"même architecture aux poids tirés au hasard ; à partir de {limit}, les deux se ressemblent. Effacé : aire "
        "sous la probabilité de la réponse pendant que les pixels marqués prennent la couleur du bord de l'image, les "
        "plus forts d'abord ; à côté, des ordres au hasard, et des ordres au hasard qui commencent par l'encre. Moins "
        "vaut mieux.",
    )


def with_interval(estimate: Estimated, say: Speech) -> str:
    """ ".21 (.14 to .29)" as the language writes it."""
    mean, low, high = (say.number(each, 2) for each in (estimate.mean, estimate.low, estimate.high))
    return f"{mean} ({say.interval(low, high)})"
