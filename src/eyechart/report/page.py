"""write_report: runs on disk in, one HTML file out, with its figures as files in a folder beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from eyechart.base.errors import UsageError
from eyechart.base.foreign_text import address, shown
from eyechart.files.read_once import reading_once
from eyechart.files.storage import REPORT_FILE, write_text
from eyechart.report import (
    calibration,
    classes,
    contexts,
    disagreement,
    label_errors,
    leaderboard,
    learning,
    matrix,
    provenance,
    shared_errors,
    synthesis,
    timing,
    tradeoff,
    tuning,
)
from eyechart.report.answer import answer
from eyechart.report.boxes import classes as boxes_classes
from eyechart.report.boxes import curves, hardest, inside, losses, mistakes
from eyechart.report.boxes import table as boxes_table
from eyechart.report.boxes.opening import opening
from eyechart.report.charts import dark_colour, drawing, themed
from eyechart.report.compared import compared, verdict_sentence
from eyechart.report.entries import MOST_SHOWN, Entry, Run, group_runs, read_runs
from eyechart.report.exam import section as exam
from eyechart.report.glyphs import mark, mark_path
from eyechart.report.looked import section as looked
from eyechart.report.pairs import Pairs
from eyechart.report.provenance import run_link
from eyechart.report.section import Draft, Facts, Section
from eyechart.schema import Comparison, Task
from eyechart.words.findings import sentence as finding_sentence
from eyechart.words.numbers import unbroken
from eyechart.words.speech import speech

GENERATOR = "eyechart"  # what a page says of who wrote it
HEAD_BYTES = 2_000  # of a page, in which it does
MOST_LINKS = 24  # run files that a figure links to; more are reached through the table of runs


SECTIONS: tuple[Section, ...] = (  # in the order of the page
    leaderboard.SECTION,
    matrix.SECTION,
    synthesis.SECTION,
    tradeoff.SECTION,
    timing.SECTION,
    learning.SECTION,
    tuning.SECTION,
    exam.SECTION,
    contexts.SECTION,
    disagreement.SECTION,
    looked.SECTION,
    shared_errors.SECTION,
    classes.SECTION,
    classes.CONFUSION,
    calibration.SECTION,
    label_errors.SECTION,
    provenance.SECTION,
)


SCENE_SECTIONS: tuple[Section, ...] = (
    boxes_table.SECTION,
    matrix.SECTION,
    mistakes.SECTION,
    curves.SECTION,
    boxes_classes.SECTION,
    hardest.SECTION,
    inside.SECTION,
    losses.SECTION,
    provenance.SECTION,
)
SECTIONS_OF: dict[Task, tuple[Section, ...]] = {"classification": SECTIONS, "detection": SCENE_SECTIONS}


@dataclass(frozen=True)
class Link:
    name: str
    address: str


def write_report(
    run_folders: list[Path],
    output: Path,
    *,
    lang: str = "en",
    comparison: Comparison | None = None,
    say_left_out: Callable[[str], None] = lambda sentence: None,
) -> Path:
    """Write the report on `run_folders` to `output` (HTML), its figures to `<stem>-figures/`, the synthesis to
    `<stem>-synthesis.md`; gives `output`.

    Reads run files, predictions and test images only: no torch, no network.  `comparison` is made from the runs when it
    is not at hand.
    Raises UsageError for no runs, runs of different datasets or an unknown language, StorageError for a damaged run
    file or a disk that refuses.  Missing predictions or images only leave their section out, which then says so;
    `say_left_out` hears the same sentences.
    """
    say = speech(lang)
    with contextlib.ExitStack() as stack:
        stack.enter_context(reading_once())
        entries = group_runs(read_runs(run_folders))
        sections = SECTIONS_OF[entries[0].first.task]
        stack.enter_context(drawing((*(entry.name for entry in entries), *entries[0].first.dataset.classes)))
        found, problems = (comparison, []) if comparison else compared(run_folders, entries, say)
        told = problems + [finding_sentence(each, say.lang) for each in found.findings]
        draft = Draft(Facts(entries, Pairs(found), told, verdict_sentence(found, say), say), output, sections)
        built = {section: content for section in sections if (content := draft.content(section.anchor))}
    if parts := built.get(synthesis.SECTION):
        write_text(output.parent / synthesis_name(output), synthesis.as_markdown(parts, draft.facts, draft.figures))
    write_text(output, _page(draft, built))
    missing = [sentence for content in built.values() for sentence in getattr(content, "missing", ())]
    for sentence in dict.fromkeys([*problems, *missing]):
        say_left_out(sentence)
    return output


def check_own(path: Path) -> None:
    """UsageError for a file that is there and is no report: what somebody names is not lost by it."""
    if not path.exists():
        return
    if path.is_dir():
        raise UsageError(f"{path} is a folder; expected the name of an HTML file, such as {path / REPORT_FILE}.")
    with path.open("rb") as file:
        if f'content="{GENERATOR}"'.encode() not in file.read(HEAD_BYTES):
            raise UsageError(
                f"{path} is there already, and not a report that eyechart wrote. Name another file with -o, or move it "
                f"away first."
            )


def synthesis_name(output: Path) -> str:
    """The Markdown file beside the page."""
    return f"{output.stem}-synthesis.md"


def _page(draft: Draft, built: dict[Section, Any]) -> str:
    entries, say, output = draft.entries, draft.say, draft.output
    return _template().render(
        say=say,
        generator=GENERATOR,
        sections=[(section, content, say(*section.title)) for section, content in built.items()],
        titles={section.anchor: say(*section.title) for section in built},
        answer=answer(entries, draft.pairs, say) if entries[0].first.task == "classification" else opening(draft),
        notices=draft.facts.findings,
        synthesis_file=synthesis_name(output),
        links=lambda runs: _links(list(runs), output),
        drawn_runs=[run for entry in draft.drawn for run in entry.runs],
        most_shown=MOST_SHOWN if len(entries) > MOST_SHOWN else None,
        figures_folder=draft.figures.name,
        contender_colours=_contender_colours(entries),
        written_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        dataset=entries[0].first.dataset,
        num_entries=len(entries),
    )


def _template() -> Template:
    """The page with everything escaped that comes from runs: names of classes, paths, recipes, commands."""
    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(here),
        autoescape=True,
        finalize=_seen,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"unbroken": unbroken, "address": address}
    environment.globals.update(mark=mark, mark_path=mark_path, themed=themed, safe_svg=Markup)
    environment.globals["style_sheet"] = Markup((here / "report.css").read_text(encoding="utf-8"))
    environment.globals["script"] = Markup((here / "report.js").read_text(encoding="utf-8"))
    return environment.get_template("template.html")


def _seen(value: object) -> object:
    """What the page writes: text without characters that steer, hide or break; our own markup as it is."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _links(runs: list[Run], output: Path) -> list[Link]:
    """The run files behind a figure; none when they are too many to list under it."""
    if len(runs) > MOST_LINKS:
        return []
    return [Link(run.record.run, run_link(run, output)) for run in runs]


def _contender_colours(entries: list[Entry]) -> list[tuple[str, str, str]]:
    """(CSS variable, its value on light paper, its value on dark paper) of every colour that a contender has."""
    colours = sorted({entry.style.colour.lower() for entry in entries})
    return [(f"--k-{colour[1:]}", colour, dark_colour(colour)) for colour in colours]
