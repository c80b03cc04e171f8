"""write_report: runs on disk in, one HTML file out, with its figures as files in a folder beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from eyechart.errors import UsageError
from eyechart.report.answer import answer
from eyechart.report.charts import Chart, dark_colour, drawing, themed
from eyechart.report.classes import confusion_matrices, per_class_f1
from eyechart.report.disagreement import disagreement
from eyechart.report.entries import MOST_SHOWN, Entry, Run, group_runs, read_runs
from eyechart.report.glyphs import mark, mark_path
from eyechart.report.leaderboard import COST, QUALITY, leaderboard
from eyechart.report.learning import learning_curves
from eyechart.report.notices import notices
from eyechart.report.numbers import unbroken
from eyechart.report.provenance import provenance, run_link
from eyechart.report.tradeoff import accuracy_against_cost
from eyechart.storage import write_text

LANGUAGES = ("en",)
MOST_LINKS = 24  # run files that a figure links to; more are reached through the table of runs

# Sections in the order of the page: anchor, title in the table of contents.
SECTIONS = (
    ("leaderboard", "Leaderboard"),
    ("cost", "Accuracy against cost"),
    ("learning", "Learning curves"),
    ("disagreement", "Where they disagree"),
    ("classes", "Per class"),
    ("confusion", "Confusion"),
    ("making", "How it was made"),
)


@dataclass(frozen=True)
class Link:
    name: str
    address: str


def write_report(run_folders: list[Path], output: Path, *, lang: str = "en") -> Path:
    """Write the report on `run_folders` to `output` (HTML) and its figures to `<stem>-figures/`; gives `output`.

    Reads run files, predictions and test images only: no torch, no network.
    Raises UsageError for no runs, runs of different datasets or an unknown language, StorageError for a damaged run
    file or a disk that refuses.  Missing predictions or images only leave their section out, which then says so.
    """
    if lang not in LANGUAGES:
        raise UsageError(f"--lang {lang!r} is not known; expected one of: {', '.join(LANGUAGES)}.")
    entries = group_runs(read_runs(run_folders))
    figures = output.parent / f"{output.stem}-figures"
    shown = entries[:MOST_SHOWN]
    with drawing():
        charts = {
            "cost": accuracy_against_cost(shown, figures),
            "learning": learning_curves(shown, figures),
            "classes": per_class_f1(shown, figures),
            "confusion": confusion_matrices(shown, figures),
        }
    write_text(output, _page(entries, charts, output))
    return output


def _page(entries: list[Entry], charts: dict[str, Chart | None], output: Path) -> str:
    disagreed = disagreement(entries)
    left_out = [anchor for anchor, chart in charts.items() if chart is None]
    return _template().render(
        answer=answer(entries),
        notices=notices(entries),
        leaderboard=leaderboard(entries),
        quality=QUALITY,
        cost=COST,
        charts=charts,
        chart_links=_links([run for entry in entries[:MOST_SHOWN] for run in entry.runs], output),
        disagreement=disagreed,
        disagreement_links=_links(list(disagreed.runs), output),
        making=provenance(entries, output),
        sections=[section for section in SECTIONS if section[0] not in left_out],
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
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = unbroken
    environment.globals.update(mark=mark, mark_path=mark_path, themed=themed, safe_svg=Markup)
    environment.globals["style_sheet"] = Markup((here / "report.css").read_text(encoding="utf-8"))
    environment.globals["script"] = Markup((here / "report.js").read_text(encoding="utf-8"))
    return environment.get_template("template.html")


def _links(runs: list[Run], output: Path) -> list[Link]:
    """The run files behind a figure; none when they are too many to list under it."""
    if len(runs) > MOST_LINKS:
        return []
    return [Link(run.record.run, run_link(run, output)) for run in runs]


def _contender_colours(entries: list[Entry]) -> list[tuple[str, str, str]]:
    """(CSS variable, its value on light paper, its value on dark paper) of every colour that a contender has."""
    colours = sorted({entry.style.colour.lower() for entry in entries})
    return [(f"--k-{colour[1:]}", colour, dark_colour(colour)) for colour in colours]
