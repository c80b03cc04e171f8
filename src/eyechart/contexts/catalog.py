"""The contexts by name: along which axis a study is repeated, and what is asked at each level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError
from eyechart.base.near_miss import did_you_mean
from eyechart.catalog.recipes import RECIPES
from eyechart.contexts import clutter, corruption, pretraining, shift
from eyechart.contexts.ladder import LadderContext
from eyechart.contexts.levels import QUICK, Asked, Axis, Context, against_the_first, images_for
from eyechart.schema import Budget

if TYPE_CHECKING:
    from eyechart.contexts.source import JudgedLevel, Source

IMAGES = Axis(("training images", "images d'entraînement"), True, "images")
TRAIN_PART = "{asked.num_train:,} train images"
LEAST_SIDE = 8  # pixels; the smallest that a detector looks for anything in


@dataclass(frozen=True)
class JudgedContext:
    """One that trains nothing: the runs of a study that is there are judged again."""

    name: str
    question: tuple[str, str]  # English, French
    level_of: Callable[[str, Source], JudgedLevel | None]  # that a folder's name means
    is_level: Callable[[str], bool]  # whether it can mean one, at a glance


def _sizes(asked: Asked) -> Sequence[int]:
    """From ten images a class to all of them."""
    wanted = (100, 1_000) if asked.preset == QUICK else (100, 300, 1_000, 10_000)
    return [*(size for size in asked.sizes(wanted) if size < asked.num_train), asked.num_train]


def _seconds(asked: Asked) -> Sequence[int]:
    return (5, 15, 45) if asked.preset == QUICK else (5, 15, 45, 135, 405)


def _sides(asked: Asked) -> Sequence[int]:
    """Parts of the dataset's own side; 8, 14, 20 and 28 of 28."""
    return sorted({max(LEAST_SIDE, round(asked.side * part / 14)) for part in (4, 7, 10, 14)})


def _noise(asked: Asked) -> Sequence[int]:
    return (0, 20, 40, 60) if asked.preset == QUICK else (0, 10, 20, 40, 60, 80)


def _all_contenders(asked: Asked) -> Sequence[str]:
    return list(RECIPES)


def _and_plain(asked: Asked) -> Sequence[str]:
    return [*RECIPES, "cnn:plain", "vit:plain"]


CONTEXTS: dict[str, Context | JudgedContext | LadderContext] = {
    each.name: each
    for each in (
        Context(
            name="data-size",
            question=(
                "who learns most from few images, and who needs many?",
                "qui apprend le plus de peu d'images, et qui en a besoin de beaucoup ?",
            ),
            axis=IMAGES,
            values=_sizes,
            bounds=lambda asked: (1, asked.num_train),
            rules=images_for,
            contenders=_and_plain,
            questions=against_the_first,
            in_words=TRAIN_PART,
        ),
        Context(
            name="budget",
            question=(
                "who is ahead after a few seconds of training, and who after many?",
                "qui est en tête après quelques secondes d'entraînement, et qui après beaucoup ?",
            ),
            axis=Axis(("seconds of training", "secondes d'entraînement"), True, "seconds"),
            values=_seconds,
            bounds=lambda asked: (1, 24 * 3600),
            rules=lambda asked, seconds: {"budget": Budget(unit="seconds", amount=seconds)},
            contenders=_all_contenders,
            questions=against_the_first,
            in_words="training of a second to a day",
        ),
        Context(
            name="resolution",
            question=(
                "who still reads images of few pixels?",
                "qui lit encore des images de peu de pixels ?",
            ),
            axis=Axis(("pixels a side", "pixels de côté"), True, "pixels"),
            values=_sides,
            bounds=lambda asked: (LEAST_SIDE, max(LEAST_SIDE, asked.side)),
            rules=lambda asked, side: {"img_size": side},
            contenders=_all_contenders,
            questions=against_the_first,
            in_words="images of {asked.side} pixels a side",
        ),
        Context(
            name="label-noise",
            question=(
                "who bears wrong labels in training?",
                "qui supporte des étiquettes fausses à l'entraînement ?",
            ),
            axis=Axis(("% of wrong labels", "% d'étiquettes fausses"), False, "wrong"),
            values=_noise,
            bounds=lambda asked: (0, 95),
            rules=lambda asked, share: {"label_noise": share / 100},
            contenders=_all_contenders,
            questions=against_the_first,
            in_words="labels of which 0 to 95 % can be made wrong",
        ),
        Context(
            name="pretraining",
            question=(
                "what does pretraining buy, and where is a small network simply better?",
                "que rapporte le préentraînement, et où un petit réseau est-il simplement meilleur ?",
            ),
            axis=IMAGES,
            values=pretraining.sizes,
            bounds=lambda asked: (1, asked.num_train),
            rules=images_for,
            contenders=pretraining.contenders,
            questions=pretraining.questions,
            in_words=TRAIN_PART,
        ),
        JudgedContext(
            "corruption",
            (
                "what is left of the accuracy on spoiled pictures, and whose is it?",
                "que reste-t-il de l'exactitude sur des images abîmées, et à qui ?",
            ),
            lambda folder, source: corruption.level_of(folder),
            lambda folder: corruption.level_of(folder) is not None,
        ),
        JudgedContext(
            "shift",
            (
                "what is left of the accuracy on images of the same classes from elsewhere, and whose is it?",
                "que reste-t-il de l'exactitude sur des images des mêmes classes venues d'ailleurs, et à qui ?",
            ),
            shift.level_of,
            lambda folder: folder.startswith(shift.PREFIX),
        ),
        JudgedContext(
            "clutter",
            (
                "what is left of the accuracy when pieces of other images stand around, and whose is it?",
                "que reste-t-il de l'exactitude quand des morceaux d'autres images sont autour, et à qui ?",
            ),
            clutter.level_of,
            clutter.is_level,
        ),
        LadderContext(
            "vit-ladder",
            (
                "is a Vision Transformer no good on small data, or is it how one is built and trained?",
                "un Vision Transformer ne vaut-il rien sur peu de données, ou est-ce la façon de le construire et de "
                "l'entraîner ?",
            ),
        ),
    )
}


def context_of(name: str) -> Context | JudgedContext | LadderContext:
    """UsageError for a name that is not known."""
    if name not in CONTEXTS:
        raise UsageError(
            f"There is no context {name!r}.{did_you_mean(name, CONTEXTS)} Expected one of {', '.join(CONTEXTS)}."
        )
    return CONTEXTS[name]


def axis_of(name: str) -> tuple[str, str]:
    """What the levels of a context are numbers of; empty where they are none, or the context is of a later eyechart."""
    found = CONTEXTS.get(name)
    return found.axis.words if isinstance(found, Context) else ("", "")
