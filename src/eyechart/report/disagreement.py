"""The test images that divide the contenders: the images themselves, every contender's answer, the detector's boxes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from eyechart.base.errors import StorageError
from eyechart.catalog.palette import Style
from eyechart.files.pictures import as_picture, png_url
from eyechart.files.read_once import read_arrays
from eyechart.files.storage import PREDICTIONS_FILE
from eyechart.report.entries import MOST_SHOWN, Entry, Run, chosen_runs
from eyechart.report.section import Section
from eyechart.words.speech import Speech

MOST_IMAGES = 24
MOST_BOXES = 3  # of one detector on one image
LEAST_BOX_SCORE = 0.3
LARGEST_PIXELS = 256  # bigger test images are made smaller for the page
LEAST_PROBABILITY = 1e-12


@dataclass(frozen=True)
class Given:
    """One contender's answer to one image."""

    entry: Entry
    answer: str
    probability: str
    wrong: bool
    boxes: str  # "found 4 (91 %)"; empty for a classifier


@dataclass(frozen=True)
class DrawnBox:
    left: float
    top: float
    width: float
    height: float
    style: Style | None  # None: the true box
    title: str


@dataclass(frozen=True)
class Case:
    """One image with all answers."""

    number: int  # its index in the test part
    image: str  # data URI
    width: int  # pixels of the dataset's image, the unit of the boxes
    height: int
    truth: str
    given: tuple[Given, ...]
    boxes: tuple[DrawnBox, ...]


@dataclass(frozen=True)
class Disagreement:
    finding: str
    caption: str
    cases: tuple[Case, ...]
    missing: tuple[str, ...]  # what could not be read, and so is not shown
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Answers:
    """What one contender's chosen run said of every test image."""

    entry: Entry
    run: Run
    probabilities: np.ndarray  # float (N, K)
    arrays: dict[str, np.ndarray]  # all of predictions.npz, for the boxes


def disagreement(entries: list[Entry], say: Speech) -> Disagreement:
    """The images on which the contenders differ most; with one contender, its gravest mistakes.

    One run a contender is read (the lowest seed that most contenders have), so that a thousand runs take no longer.
    """
    standing = [entry for entry in entries if not entry.diverged]
    missing = [
        _left_out(entry, say("it diverged.", "il a divergé."), say) for entry in entries if entry.diverged and standing
    ]
    entries = standing or entries
    items, all_answers = read_all(entries[:MOST_SHOWN], missing, say)
    if items is None or not all_answers:
        return Disagreement(say("Where they disagree", "Là où ils divergent"), "", (), tuple(missing), ())
    probabilities = np.stack([answers.probabilities for answers in all_answers])  # (contenders, N, K)
    chosen = most_divided(probabilities, items["labels"])[:MOST_IMAGES]
    cases = tuple(_case(int(item), items, all_answers, say) for item in chosen)
    runs = tuple(answers.run for answers in all_answers)
    finding = _finding(probabilities, items["labels"], all_answers, say)
    return Disagreement(finding, _caption(all_answers, say), cases, tuple(missing), runs)


def _left_out(entry: Entry, why: object, say: Speech) -> str:
    return say(f"{entry.name} is left out: {why}", f"{entry.name} est laissé de côté : {why}")


def most_divided(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Items (int64) on which not all answers (contenders, N, K) are the same, the most divided first.

    Divided is measured by the Jensen-Shannon divergence of the contenders' probabilities [Lin 1991]: 0 when all say
    the same with the same certainty, largest when each is sure of something else.  One contender alone cannot differ:
    then these are its wrong answers, the surest first.
    """
    answers = probabilities.argmax(axis=2)  # (contenders, N)
    if len(probabilities) == 1:
        wrong = np.flatnonzero(answers[0] != labels)
        certainty = probabilities[0, wrong].max(axis=1)
        return wrong[np.argsort(-certainty, kind="stable")]
    divided = np.flatnonzero((answers != answers[0]).any(axis=0))
    some = probabilities[:, divided].astype(np.float64)
    divergence = _entropy(some.mean(axis=0)) - _entropy(some).mean(axis=0)
    return divided[np.argsort(-divergence, kind="stable")]


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    terms: np.ndarray = probabilities * np.log(np.maximum(probabilities, LEAST_PROBABILITY))
    return -np.asarray(terms.sum(axis=-1))


# --------------------------------------------------------------------------------------------- reading


def read_all(
    entries: list[Entry], missing: list[str], say: Speech
) -> tuple[dict[str, np.ndarray] | None, list[Answers]]:
    """Test images with labels, and what one run of each contender said of them; `missing` is told what is not there."""
    items = _read_items(entries, missing, say)
    return items, [] if items is None else _read_answers(entries, len(items["labels"]), missing, say)


def _read_items(entries: list[Entry], missing: list[str], say: Speech) -> dict[str, np.ndarray] | None:
    """The test images and labels, from the first study whose file is there and whole."""
    paths = {run.folder.parent / run.record.items: run.record for _, run in chosen_runs(entries)}
    not_shown = say("The test images are not shown:", "Les images de test ne sont pas montrées :")
    problems = []
    for path in paths:
        try:
            items = read_arrays(path)
        except StorageError as error:
            problems.append(f"{not_shown} {error}")
            continue
        if items.get("images") is not None and len(items["images"]) == len(items.get("labels", ())):
            return items
        unfit = say("holds no matching images and labels.", "ne contient pas d'images et d'étiquettes qui s'accordent.")
        problems.append(f"{not_shown} {path} {unfit}")
    missing += problems
    return None


def _read_answers(entries: list[Entry], num_items: int, missing: list[str], say: Speech) -> list[Answers]:
    """The predictions of the contenders that were judged on these very images."""
    chosen = chosen_runs(entries)
    test_hash = Counter(run.record.splits.test_sha256 for _, run in chosen).most_common(1)[0][0]
    found = []
    for entry, run in chosen:
        if run.record.splits.test_sha256 != test_hash:
            why = say("it was judged on other test images.", "il a été jugé sur d'autres images de test.")
            missing.append(_left_out(entry, why, say))
            continue
        try:
            arrays = read_arrays(run.folder / PREDICTIONS_FILE)
        except StorageError as error:
            missing.append(_left_out(entry, error, say))
            continue
        if arrays.get("probabilities", np.empty(0)).shape != (num_items, run.record.dataset.num_classes):
            n = say.count(num_items)
            unfit = say(
                f"its predictions do not fit the {n} test images.",
                f"ses prédictions ne vont pas avec les {n} images de test.",
            )
            missing.append(_left_out(entry, unfit, say))
            continue
        found.append(Answers(entry, run, np.nan_to_num(arrays["probabilities"]), arrays))
    return found


# --------------------------------------------------------------------------------------------- one image


def _case(item: int, items: dict[str, np.ndarray], all_answers: list[Answers], say: Speech) -> Case:
    pixels, label = items["images"][item], int(items["labels"][item])
    classes = all_answers[0].run.record.dataset.classes
    given, boxes = [], _true_boxes(item, items, say)
    for answers in all_answers:
        probabilities = answers.probabilities[item]
        answer = int(probabilities.argmax())
        found = _found_boxes(item, answers, classes, say)
        words = _boxes_in_words(found, say) if "box_image" in answers.arrays else ""
        certainty = certainty_text(probabilities[answer], say)
        given.append(Given(answers.entry, classes[answer], certainty, answer != label, words))
        boxes += found
    height, width = pixels.shape[1:]
    return Case(item, image_uri(pixels), width, height, classes[label], tuple(given), tuple(boxes))


def image_uri(pixels: np.ndarray) -> str:
    """A uint8 image (C, H, W) as a PNG inside a data URI, at its own size unless that is very large."""
    picture = as_picture(pixels)
    if max(picture.size) > LARGEST_PIXELS:
        picture.thumbnail((LARGEST_PIXELS, LARGEST_PIXELS))
    return png_url(picture, small=True)


def _true_boxes(item: int, items: dict[str, np.ndarray], say: Speech) -> list[DrawnBox]:
    boxes = items["true_boxes"][item] if "true_boxes" in items else []
    return [
        drawn_box(box, None, say("true box", "vraie boîte")) for box in boxes if box[2] > box[0] and box[3] > box[1]
    ]


def _found_boxes(item: int, answers: Answers, classes: tuple[str, ...], say: Speech) -> list[DrawnBox]:
    """The detector's best boxes on one image, the surest first."""
    arrays = answers.arrays
    mine = np.flatnonzero(arrays.get("box_image", np.empty(0)) == item)
    mine = mine[np.argsort(-arrays["box_scores"][mine], kind="stable")] if len(mine) else mine
    drawn = []
    for i in mine[:MOST_BOXES]:
        score, label = float(arrays["box_scores"][i]), int(arrays["box_labels"][i])
        if score >= LEAST_BOX_SCORE and 0 <= label < len(classes):
            drawn.append(
                drawn_box(arrays["boxes"][i], answers.entry.style, f"{classes[label]} ({certainty_text(score, say)})")
            )
    return drawn


def drawn_box(box: np.ndarray, style: Style | None, title: str) -> DrawnBox:
    left, top, right, bottom = (round(float(edge), 2) for edge in box)
    return DrawnBox(left, top, round(right - left, 2), round(bottom - top, 2), style, title)


def certainty_text(probability: float, say: Speech) -> str:
    """Whole per cent, without claiming a certainty of 100 % that is not there."""
    return "> " + say.percent(0.99, 0) if 0.995 <= probability < 1 else say.percent(probability, 0)


def _boxes_in_words(boxes: list[DrawnBox], say: Speech) -> str:
    if not boxes:
        least = say.percent(LEAST_BOX_SCORE, 0)
        return say(f"no box above {least}", f"aucune boîte au-dessus de {least}")
    found = ", ".join(box.title for box in boxes)
    number = say.counted(len(boxes), "box", "boîte")
    return say(f"{number}: {found}", f"{number} : {found}")


# --------------------------------------------------------------------------------------------- words


def _finding(probabilities: np.ndarray, labels: np.ndarray, all_answers: list[Answers], say: Speech) -> str:
    answers = probabilities.argmax(axis=2)  # (contenders, N)
    wrong, n = answers != labels, say.count(len(labels))
    if len(all_answers) == 1:
        name, number = all_answers[0].entry.name, say.count(int(wrong.sum()))
        return say(f"{name} answers {number} of {n} images wrongly", f"{name} se trompe sur {number} images sur {n}")
    divided = say.count(int((answers != answers[0]).any(axis=0).sum()))
    all_wrong = int(wrong.all(axis=0).sum())
    fooled = f"tous se trompent sur {all_wrong}" if all_wrong else "aucune ne les trompe tous"
    return say(
        f"They do not all give the same answer on {divided} of {n} images; on {all_wrong or 'none'} all are wrong",
        f"Ils ne donnent pas tous la même réponse sur {divided} images sur {n} ; {fooled}",
    )


def _caption(all_answers: list[Answers], say: Speech) -> str:
    seeds = say.listed([str(seed) for seed in sorted({answers.run.record.seed for answers in all_answers})])
    frames = ""
    if any("box_image" in answers.arrays for answers in all_answers):
        frames = say(
            " Solid frames are boxes that a detector found, the dotted one is true.",
            " Les cadres pleins sont les boîtes trouvées par un détecteur, le pointillé est la vraie.",
        )
    which = say(f"One run of each, seed {seeds}.", f"Un entraînement de chacun, graine {seeds}.")
    order = say(
        "The most divided come first (Jensen-Shannon divergence of the probabilities). "
        "Each answer stands with its probability.",
        "Les images qui divisent le plus viennent d'abord (divergence de Jensen-Shannon des probabilités). "
        "Chaque réponse est suivie de sa probabilité.",
    )
    if len(all_answers) == 1:
        order = say(
            "The wrong answers of which it was surest come first, each with its probability.",
            "Les erreurs dont il était le plus sûr viennent d'abord, chacune avec sa probabilité.",
        )
    return f"{which} {order}{frames}"


SECTION = Section(
    "disagreement",
    ("Where they disagree", "Là où ils divergent"),
    lambda draft: disagreement(draft.entries, draft.say),
    "disagreement.html",
)
