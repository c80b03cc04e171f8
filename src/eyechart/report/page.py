"""write_report: runs on disk in, one HTML file out, with its figures as files in a folder beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from eyechart.base.foreign_text import address, shown
from eyechart.files.storage import write_text
from eyechart.report import calibration, timing
from eyechart.report import label_errors as labels
from eyechart.report.answer import answer
from eyechart.report.charts import Chart, dark_colour, drawing, themed
from eyechart.report.classes import confusion_matrices, per_class_f1
from eyechart.report.compared import compared, verdict_sentence
from eyechart.report.disagreement import Disagreement, disagreement
from eyechart.report.entries import MOST_SHOWN, Entry, Run, group_runs, read_runs
from eyechart.report.glyphs import mark, mark_path
from eyechart.report.intervals import differences, intervals
from eyechart.report.leaderboard import cost_columns, leaderboard
from eyechart.report.learning import learning_curves
from eyechart.report.matrix import finding, legend, matrices
from eyechart.report.pairs import Pairs
from eyechart.report.provenance import provenance, run_link
from eyechart.report.synthesis import Facts, Part, as_markdown, calibration_part, labels_part, synthesis
from eyechart.report.tradeoff import accuracy_against_cost
from eyechart.report.tuning import tuning_curves
from eyechart.schema import Comparison
from eyechart.words.findings import sentence as finding_sentence
from eyechart.words.numbers import unbroken
from eyechart.words.speech import Speech, speech

MOST_LINKS = 24  # run files that a figure links to; more are reached through the table of runs


def section_titles(say: Speech) -> dict[str, str]:
    """Anchor -> title in the table of contents, in the order of the page."""
    return {
        "leaderboard": say("Leaderboard", "Classement"),
        "verdicts": "Verdicts",
        "synthesis": say("Synthesis", "Synthèse"),
        "cost": say("Accuracy against cost", "Exactitude et coût"),
        "clocks": say("Clocks", "Chronomètres"),
        "learning": say("Learning curves", "Courbes d'apprentissage"),
        "tuning": say("Tuning", "Réglage"),
        "disagreement": say("Where they disagree", "Là où ils divergent"),
        "classes": say("Per class", "Par classe"),
        "confusion": say("Confusion", "Confusions"),
        "calibration": "Calibration",
        "labels": say("Labels", "Étiquettes"),
        "making": say("How it was made", "Comment cela a été fait"),
    }


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
    entries = group_runs(read_runs(run_folders))
    found, problems = (comparison, []) if comparison else compared(run_folders, entries, say)
    pairs = Pairs(found)
    figures = output.parent / f"{output.stem}-figures"
    with drawing((*(entry.name for entry in entries), *entries[0].first.dataset.classes)):
        charts = _charts(entries, pairs, figures, say)
        calibrated = calibration.section(entries, figures, say)
    contradicted, disagreed = labels.section(entries, say), disagreement(entries, say)
    sections = {"clocks": timing.section(entries, say), "calibration": calibrated, "labels": contradicted}
    told = problems + [finding_sentence(each, say.lang) for each in found.findings]
    facts = Facts(entries, pairs, told, verdict_sentence(found, say), say)
    parts = synthesis(facts, calibration_part(calibrated, say), labels_part(contradicted, say))
    write_text(output.parent / synthesis_name(output), as_markdown(parts, facts, figures))
    write_text(output, _page(facts, parts, charts, sections, disagreed, output))
    for sentence in dict.fromkeys([*problems, *disagreed.missing, *calibrated.missing, *contradicted.missing]):
        say_left_out(sentence)
    return output


def synthesis_name(output: Path) -> str:
    """The Markdown file beside the page."""
    return f"{output.stem}-synthesis.md"


def _charts(entries: list[Entry], pairs: Pairs, figures: Path, say: Speech) -> dict[str, Chart | None]:
    shown = entries[:MOST_SHOWN]
    return {
        "differences": differences(shown, pairs, figures, say),
        "intervals": intervals(shown, pairs, figures, say),
        "cost": accuracy_against_cost(shown, pairs, figures, say),
        "learning": learning_curves(shown, figures, say),
        "tuning": tuning_curves(shown, figures, say),
        "classes": per_class_f1(shown, figures, say),
        "confusion": confusion_matrices(shown, figures, say),
    }


def _page(
    facts: Facts,
    parts: tuple[Part, ...],
    charts: dict[str, Chart | None],
    sections: dict[str, object],
    disagreed: Disagreement,
    output: Path,
) -> str:
    entries, pairs, say = facts.entries, facts.pairs, facts.say
    found = matrices(entries, pairs, facts.sentence, say)
    present: dict[str, object] = {"verdicts": found, **charts}
    titles = {anchor: title for anchor, title in section_titles(say).items() if present.get(anchor, True)}
    return _template().render(
        say=say,
        titles=titles,
        answer=answer(entries, pairs, say),
        notices=facts.findings,
        leaderboard=leaderboard(entries, pairs, say),
        cost=cost_columns(say),
        matrices=found,
        matrices_finding=finding(pairs, say),
        legend=legend(say),
        synthesis=parts,
        synthesis_file=synthesis_name(output),
        charts=charts,
        **sections,
        chart_links=_links([run for entry in entries[:MOST_SHOWN] for run in entry.runs], output),
        disagreement=disagreed,
        disagreement_links=_links(list(disagreed.runs), output),
        making=provenance(entries, output, say),
        most_shown=MOST_SHOWN if len(entries) > MOST_SHOWN else None,
        figures_folder=f"{output.stem}-figures",
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
