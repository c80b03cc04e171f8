"""What the study's runs are worth elsewhere: a section from the contexts that judged them again, beside the study.

Corruptions and images from other datasets are judged into folders of the study; the section stands where there are some
of all contenders that the report is on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eyechart.files import storage
from eyechart.files.read_once import read_run
from eyechart.report.charts import Chart, file_name
from eyechart.report.context_words import severity_words
from eyechart.report.judged_plot import drawn
from eyechart.report.judged_text import finding, rows_of, severities_of, told_of
from eyechart.report.section import Draft, Section
from eyechart.schema.contexts import ContextRecord

NAMES = {"corruption": ("On spoiled pictures", "Sur des images abîmées"),
         "shift": ("On images from elsewhere", "Sur des images venues d'ailleurs"),
         "clutter": ("Among pieces of other images", "Parmi des morceaux d'autres images")}  # fmt: skip


@dataclass(frozen=True)
class Elsewhere:
    """One context at one severity."""

    name: str  # for people
    severity: str
    chart: Chart
    points: tuple[str, ...]  # who is better at each level, and in each mean


def _section(draft: Draft) -> list[Elsewhere] | None:
    homes = {run.folder.parent for entry in draft.entries for run in entry.runs}
    if len(homes) != 1:
        return None
    (home,) = homes
    contenders = {entry.first.contender for entry in draft.entries if not entry.diverged}
    found = [
        _elsewhere(record, severity, draft)
        for name in NAMES
        if (record := record_beside(home, name))
        for severity in severities_of(record)
        if contenders <= _judged(record, severity)
    ]
    return found or None


def _judged(record: ContextRecord, severity: str) -> set[str]:
    """The contenders that were judged at some level of a severity."""
    levels = [level for level in record.levels if level.severity == severity]
    return {name for level in levels for name in level.comparison.contenders}


def record_beside(study: Path, context: str) -> ContextRecord | None:
    """Of the study's runs judged again on all of its test images, and where there is none of that, on some of them.

    None also where a run was trained anew since.  Raises StorageError for a record that is damaged.
    """
    places = [study / context, *sorted(study.glob(f"{context}-*-images"))]
    files = [place / storage.CONTEXT_FILE for place in places if (place / storage.CONTEXT_FILE).is_file()]
    records = ((file.parent, storage.read_record(file, ContextRecord)) for file in files)
    return next((record for place, record in records if _is_of_todays_networks(record, place, study)), None)


def _is_of_todays_networks(record: ContextRecord, place: Path, study: Path) -> bool:
    """Whether nothing was trained anew since; asked of one level of each severity, which were judged together.

    Of levels whose folders are gone nobody knows, and the record stands.
    """
    firsts = {level.severity: place / level.study for level in reversed(record.levels)}
    judged = [folder for home in firsts.values() if home.is_dir() for folder in storage.find_runs([home])]
    return all(
        read_run(study / each.name).weights_sha256 == read_run(each).weights_sha256
        for each in judged
        if storage.is_run(study / each.name)
    )


def _elsewhere(record: ContextRecord, severity: str, draft: Draft) -> Elsewhere:
    say = draft.say
    panel = drawn(record, severity, draft.figures, say, with_title=False)
    caption = say(
        "A row a kind of picture, to the left is better; lines are 95 % intervals. Nothing was trained for this, and "
        "all contenders saw the same pictures.",
        "Une ligne par sorte d'images, à gauche c'est mieux ; les traits sont des intervalles à 95 %. Rien n'a été "
        "entraîné pour cela, et tous les concurrents ont vu les mêmes images.",
    )
    told = finding(record, severity, say)  # behind the context's name
    chart = Chart(file_name(f"{record.context}-{severity}"), told, caption, (panel,))
    points = tuple(f"{row.words}{say.colon} {told_of(row, say)}." for row in rows_of(record, severity, say))
    return Elsewhere(say(*NAMES[record.context]), severity_words(severity, say), chart, points)


SECTION = Section("contexts", ("Other pictures", "D'autres images"), _section, "contexts.html")
