"""Labels that look wrong, as pictures; and what the disputed labels of a known dataset do to the scores."""

from __future__ import annotations

from dataclasses import dataclass

from eyechart.base.errors import DatasetError, MissingError, StorageError
from eyechart.comparison.answers import Shelf
from eyechart.comparison.label_noise import INSTALL, LabelErrors, Rescored, Suspect, find_label_errors, rescore
from eyechart.report.disagreement import image_uri
from eyechart.report.entries import MOST_SHOWN, Entry
from eyechart.report.leaderboard import Cell
from eyechart.report.section import Section
from eyechart.words.speech import Speech

MOST_PICTURES = 24


@dataclass(frozen=True)
class SuspectCase:
    """One image whose label looks wrong."""

    place: str  # "test, no. 2462"
    image: str  # data URI
    width: int
    height: int
    label: str
    suggested: str
    certainty: str  # what the models give to the suggestion, mean
    label_certainty: str
    agreement: str  # "1 of 6 runs answers as labelled"
    disputed: str  # "on the list of disputed labels", or empty
    confident: bool


@dataclass(frozen=True)
class RescoredRow:
    entry: Entry
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class LabelErrorSection:
    finding: str
    caption: str
    cases: tuple[SuspectCase, ...]
    columns: tuple[str, ...]  # of the table of disputed labels
    rows: tuple[RescoredRow, ...]  # empty: no such list is known for this dataset
    disputed_note: str
    missing: tuple[str, ...]  # what could not be read or computed, and why


def section(entries: list[Entry], say: Speech) -> LabelErrorSection:
    """Suspects by all finished runs of all contenders; scores without disputed labels for each contender."""
    shelf, missing = Shelf(), []
    standing = [entry for entry in entries if not entry.diverged][:MOST_SHOWN]
    runs = [(run.folder, run.record) for entry in standing for run in entry.judged]
    found: LabelErrors | None = None
    try:
        found = find_label_errors(runs, shelf)
    except MissingError:
        missing.append(
            say(
                f"Likely label errors are not shown: that needs cleanlab. Install it with: {INSTALL}",
                f"Les erreurs d'étiquette probables ne sont pas montrées : il faut cleanlab. Installez-le : {INSTALL}",
            )
        )
    except (StorageError, DatasetError) as error:
        missing.append(
            say(
                f"Likely label errors are not shown: {error}",
                f"Les erreurs d'étiquette probables ne sont pas montrées : {error}",
            )
        )
    rescored = _rescored(standing, shelf)
    return LabelErrorSection(
        finding=_finding(found, say),
        caption=_caption(found, say) if found else "",
        cases=_cases(found, entries[0], shelf, say) if found else (),
        columns=_columns(say),
        rows=tuple(RescoredRow(entry, _cells(each, say)) for entry, each in rescored),
        disputed_note=_disputed_note(rescored, found, say),
        missing=tuple(missing),
    )


def _rescored(entries: list[Entry], shelf: Shelf) -> list[tuple[Entry, Rescored]]:
    """The contenders whose answers can be read; those that cannot are named by the other sections."""
    rescored = []
    for entry in entries:
        try:
            found = rescore(entry.name, [(run.folder, run.record) for run in entry.judged], shelf)
        except StorageError:
            continue
        rescored += [(entry, found)] if found else []
    return rescored


# --------------------------------------------------------------------------------------------- pictures


def _cases(found: LabelErrors, entry: Entry, shelf: Shelf, say: Speech) -> tuple[SuspectCase, ...]:
    classes = entry.first.dataset.classes
    return tuple(_case(suspect, classes, shelf, say) for suspect in found.suspects[:MOST_PICTURES])


def _case(suspect: Suspect, classes: tuple[str, ...], shelf: Shelf, say: Speech) -> SuspectCase:
    pixels = shelf.items(suspect.items.parent, suspect.items.name)["images"][suspect.number]
    runs = say.counted(suspect.num_answers, "run", "entraînement")
    part = "test" if suspect.part == "test" else say("held out of train", "mise de côté")
    return SuspectCase(
        place=say(f"{part}, no. {suspect.number}", f"{part}, nº {suspect.number}"),
        image=image_uri(pixels),
        width=pixels.shape[2],
        height=pixels.shape[1],
        label=classes[suspect.label],
        suggested=classes[suspect.suggested],
        certainty=say.percent(suspect.suggested_probability, 0),
        label_certainty=say.percent(suspect.label_probability, 0),
        agreement=say(
            f"{suspect.num_agreeing} of {runs} as labelled",
            f"{suspect.num_agreeing} sur {runs} selon l'étiquette",
        ),
        disputed=say("disputed by people", "contestée par des humains") if suspect.disputed else "",
        confident=suspect.confident,
    )


# --------------------------------------------------------------------------------------------- disputed labels


def _columns(say: Speech) -> tuple[str, ...]:
    return (
        say("Accuracy, all labels", "Exactitude, toutes étiquettes"),
        say("Without the disputed", "Sans les contestées"),
        say("Disputed answered as labelled", "Contestées : réponses selon l'étiquette"),
    )


def _cells(found: Rescored, say: Speech) -> tuple[Cell, ...]:
    def share(value: float, sd: float | None) -> Cell:
        return Cell(say.percent(value, 2), f"± {say.percent(sd, 2)}" if sd else "", value)

    answered = say.significant(found.as_labelled, 2) if found.as_labelled % 1 else say.count(found.as_labelled)
    of = say(f"{answered} of {found.num_disputed}", f"{answered} sur {found.num_disputed}")
    return (
        share(found.accuracy, found.accuracy_sd),
        share(found.undisputed, found.undisputed_sd),
        Cell(of, "", found.as_labelled),
    )


def _disputed_note(rescored: list[tuple[Entry, Rescored]], found: LabelErrors | None, say: Speech) -> str:
    if not rescored:
        return ""
    first = rescored[0][1]
    number, n, source = first.num_disputed, say.count(first.num_items), first.source
    note = say(
        f"The labels of {number} of the {n} test images are disputed ({source}). Means over seeds, ± standard "
        "deviation.",
        f"Les étiquettes de {number} des {n} images de test sont contestées ({source}). Moyennes sur les graines, "
        "± écart type.",
    )
    if found is None or not found.disputed_ranks:
        return note
    ranks = sorted(found.disputed_ranks.values())
    within = {most: sum(rank <= most for rank in ranks) for most in (number, 50, 100)}
    told = ", ".join(say(f"{count} among the {most}", f"{count} parmi les {most}") for most, count in within.items())
    return note + say(
        f" Of these {number}, the models alone put {told} most suspicious test labels.",
        f" De ces {number}, les modèles seuls placent {told} étiquettes de test les plus suspectes.",
    )


# --------------------------------------------------------------------------------------------- words


def _finding(found: LabelErrors | None, say: Speech) -> str:
    if found is None:
        return say("Labels that look wrong", "Étiquettes douteuses")
    number, everything = len(found.suspects), say.count(sum(found.num_items.values()))
    if not number:
        return say(
            f"On none of {everything} images do the models together contradict the label",
            f"Sur aucune des {everything} images les modèles ensemble ne contredisent l'étiquette",
        )
    labels = say.counted(number, "label", "étiquette")
    return say(
        f"The models together contradict {labels} of {everything}: some may be wrong",
        f"Les modèles ensemble contredisent {labels} sur {everything} : certaines sont peut-être fausses",
    )


def _caption(found: LabelErrors, say: Speech) -> str:
    n_test, n_validation = say.count(found.num_items["test"]), say.count(found.num_items["validation"])
    runs, shown = say.counted(found.num_runs, "run", "entraînement"), min(len(found.suspects), MOST_PICTURES)
    num_confident = sum(suspect.confident for suspect in found.suspects)
    numbered = say(
        " Numbers are places among the test images that were judged, a part of the dataset's.",
        " Les numéros sont des places parmi les images de test jugées, une partie de celles du jeu.",
    )
    return say(
        f"{n_test} test images and {n_validation} that a seed held out of train, judged by {runs} only where they did "
        f"not train on them; mean probabilities, ranked by cleanlab's normalised margin; the first {shown} are shown. "
        f"cleanlab's confident learning by itself finds {num_confident} of them wrong. A model may be wrong where the "
        "label is right: look.",
        f"{n_test} images de test et {n_validation} qu'une graine avait mises de côté, chacune jugée seulement par "
        f"ceux des {runs} qui ne s'y sont pas entraînés ; probabilités moyennes, rangées selon la marge normalisée de "
        f"cleanlab ; les {shown} premières sont montrées. L'apprentissage confiant de cleanlab, seul, en trouve "
        f"{num_confident} de fausses. Un modèle peut se tromper là où l'étiquette est juste : regardez.",
    ) + (numbered if found.is_of_some else "")


SECTION = Section(
    "labels", ("Labels", "Étiquettes"), lambda draft: section(draft.entries, draft.say), "label_errors.html"
)
