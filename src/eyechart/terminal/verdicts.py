"""A comparison on the terminal: what speaks against it first, then scores with intervals, who beats whom, and why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.text import Text

from eyechart.base.foreign_text import shown, shown_lines
from eyechart.terminal.console import named, open_console
from eyechart.terminal.grid import Column, Grid, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from eyechart.schema import Comparison, Family, Finding, Language, Summary, Verdict
    from eyechart.scoring.measures import Measure

MOST_SENTENCES = 45  # all pairs of ten contenders
MOST_IN_MATRIX = 12
SHORT_SENTENCES = 10  # all pairs of five
MARKS = {  # kind -> mark where the row's contender leads, where it trails
    "better": ("▲", "▼"), "equivalent": ("=", "="), "not shown": ("?", "?"), "too few runs": ("…", "…"),
}  # fmt: skip


TITLES = {
    "accuracy": ("verdicts on accuracy", "verdicts sur l'exactitude"),
    "map": ("verdicts on the boxes' mAP", "verdicts sur le mAP des boîtes"),
}


def show_comparison(
    comparison: Comparison, metrics: Sequence[str], lang: Language = "en", console: Console | None = None
) -> None:
    """Print all of it on standard output: findings, summaries, and for each metric the matrix and its sentences."""
    from eyechart.scoring.measures import MEASURES
    from eyechart.words.reach import reach_sentence
    from eyechart.words.verdicts import comparable, diverged_sentence, family_sentence

    console = console or open_console(sys.stdout)
    show_findings(comparison.findings, lang, console)
    for group in _groups(is_all=set(metrics) >= set(MEASURES)):
        if known := [measure for measure in group if _is_known(measure.name, comparison)]:
            console.print(_summary_table(comparison, known, lang))
            console.print()
    console.print(Text(shown_lines(_caption(comparison, lang)), style="dim"))
    if told := diverged_sentence(comparison, lang):
        console.print(Text(shown_lines(f"\n{told}.")))
    families = {family.metric: family for family in comparison.families}
    for metric in metrics:
        verdicts = comparable([each for each in comparison.verdicts if each.metric == metric], comparison)
        if not verdicts:
            continue
        console.print()
        console.print(Text(_title(metric, families.get(metric), lang), style="bold"))
        if 2 < len(comparison.contenders) <= MOST_IN_MATRIX:
            console.print(_matrix(comparison, verdicts, lang))
            console.print(Text(_legend(verdicts, lang), style="dim"))
        found = family_sentence(families[metric], comparison, lang) if metric in families else ""
        if found:
            console.print(Text(shown(found)))
        _print_sentences(comparison, verdicts, MOST_SENTENCES, lang, console)
        if reach := reach_sentence(verdicts, lang):
            console.print(Text(shown(reach), style="dim"))
    if "accuracy" in metrics:
        _print_shared_errors(comparison, lang, console)


def _print_shared_errors(comparison: Comparison, lang: Language, console: Console) -> None:
    """What all get wrong, whose errors agree, and what all of them together score."""
    from eyechart.words.shared_errors import told
    from eyechart.words.speech import Speech

    sentences = told(comparison, Speech(lang))
    if sentences:
        console.print()
        console.print(Text("errors in common" if lang == "en" else "erreurs communes", style="bold"))
    for sentence in sentences:
        console.print(Text(shown(f"- {sentence}")), soft_wrap=not console.is_terminal)


def show_short(comparison: Comparison, lang: Language = "en", console: Console | None = None) -> None:
    """Findings and the primary metric's sentences: what stands under the leaderboard after a run."""
    console = console or open_console(sys.stdout)
    from eyechart.words.verdicts import comparable, diverged_sentence

    verdicts = comparable([each for each in comparison.verdicts if each.metric == comparison.primary], comparison)
    show_findings(comparison.findings, lang, console)
    if verdicts:
        title = TITLES[comparison.primary][lang == "fr"]
        console.print(Text(title, style="bold"))
        _print_sentences(comparison, verdicts, SHORT_SENTENCES, lang, console)
    if told := diverged_sentence(comparison, lang):
        console.print(Text(f"{told}."))


def show_findings(findings: Sequence[Finding], lang: Language, console: Console) -> None:
    """What a reader must know before believing a number, each on a line of its own, the gravest first."""
    from eyechart.words.findings import KINDS, sentence

    for finding in findings:
        style = "" if finding.kind == "note" else "bold"
        console.print(Text(shown(f"{KINDS[lang][finding.kind]}: {sentence(finding, lang)}"), style=style))
    if findings:
        console.print()


# ------------------------------------------------------------------------------------------ summaries


def _groups(is_all: bool) -> list[list[Measure]]:
    """What is tested; where somebody asks for all, what else is known of answers, and of boxes."""
    from eyechart.scoring.measures import MEASURES, METRICS

    others = [measure for measure in METRICS.values() if not measure.is_tested]
    more = [[each for each in others if each.is_of_boxes == of_boxes] for of_boxes in (False, True)]
    return [list(MEASURES.values()), *(more if is_all else [])]


def _is_known(metric: str, comparison: Comparison) -> bool:
    return any(each.metric == metric for each in comparison.summaries)


def _summary_table(comparison: Comparison, measures: Sequence[Measure], lang: Language) -> Grid:
    """A row for each contender of which one of these metrics is known."""
    names = ("contender", "seeds>") if lang == "en" else ("concurrent", "graines>")
    headings = (
        each.heading[lang == "fr"] + (" %" if each.is_share and not each.is_of_boxes else "") for each in measures
    )
    table = Grid(columns(*names, *(f"{heading}>" for heading in headings)))
    by_name = {(summary.contender, summary.metric): summary for summary in comparison.summaries}
    for name in comparison.contenders:
        known = [by_name.get((name, measure.name)) for measure in measures]
        if any(known):
            mark = "†" if name in comparison.pretrained else ""
            cells = [_cell(summary, lang) for summary in known]
            table.add(
                _named(name, comparison.contenders, mark), _num_seeds(by_name.get((name, comparison.primary))), *cells
            )
    return table


def _num_seeds(summary: Summary | None) -> str:
    return str(len(summary.seeds)) if summary else "–"


def _cell(summary: Summary | None, lang: Language) -> str:
    """The mean with its interval, or the only value."""
    from eyechart.scoring.measures import METRICS
    from eyechart.words import numbers
    from eyechart.words.metric_names import FALLBACK_DECIMALS, shown_factor

    if summary is None:
        return "–"
    if METRICS[summary.metric].unit == "seconds":
        return numbers.seconds(summary.mean, lang)
    factor = shown_factor(summary.metric)
    if summary.low is None or summary.high is None:
        return numbers.number(factor * summary.mean, FALLBACK_DECIMALS[METRICS[summary.metric].unit], lang)
    low, high = factor * summary.low, factor * summary.high
    decimals = numbers.interval_decimals(low, high, 2)
    return f"{numbers.number(factor * summary.mean, decimals, lang)} ({numbers.interval(low, high, decimals, lang)})"


def _caption(comparison: Comparison, lang: Language) -> str:
    """What the summaries were made from: test images, intervals, classes, pretraining."""
    from eyechart.words.class_means import means_over
    from eyechart.words.numbers import number
    from eyechart.words.speech import spaced

    items, is_scenes = number(comparison.num_items, 0, lang), comparison.primary == "map"
    scored = [each for each in comparison.summaries if each.metric == comparison.primary]
    several, single = any(each.sd is not None for each in scored), any(each.sd is None for each in scored)
    origins = ", ".join(f"{name}: {origin}" for name, origin in comparison.pretrained.items())
    means = means_over(comparison.num_classes, comparison.absent_classes, lang)
    if lang == "en":
        alone = "a bootstrap over images" if is_scenes else "Wilson"
        how = " and ".join(
            ["Student's t over seeds"] * several + [f"{alone} for one seed" if several else alone] * single
        )
        text = f"{items} test images of {comparison.dataset}. In brackets: 95 % interval, {how}. "
        text += "" if is_scenes else f"Precision, recall and F1 are {means}."
        return text + (f"\n† pretrained on: {origins}." if origins else "")
    alone = "bootstrap sur les images" if is_scenes else "Wilson"
    of_one = f"{alone} pour une seule graine" if several else alone
    how = " et ".join(["Student sur les graines"] * several + [of_one] * single)
    text = f"{items} images de test de {comparison.dataset}. Entre parenthèses : intervalle à 95 %, {how}. "
    text += "" if is_scenes else f"Précision, rappel et F1 : {means}."
    text += f"\n† pré-entraîné sur : {origins}." if origins else ""
    return spaced(text)


# ------------------------------------------------------------------------------------------ verdicts


def _title(metric: str, family: Family | None, lang: Language) -> str:
    from eyechart.words.metric_names import metric_name

    name = metric_name(metric, lang)
    if family is None or family.is_primary:
        return name
    return f"{name} (exploratory)" if lang == "en" else f"{name} (exploratoire)"


def _matrix(comparison: Comparison, verdicts: Sequence[Verdict], lang: Language) -> Grid:
    """Row against column: a mark for the verdict, and the lead of the row's contender."""
    names = [name for name in comparison.contenders if any(name in (v.first, v.second) for v in verdicts)]
    by_pair = {(verdict.first, verdict.second): verdict for verdict in verdicts}
    table = Grid([Column(""), *(Column(shown(name), "figure") for name in names)])
    for row in names:
        table.add(_named(row, names), *(_verdict_cell(by_pair, row, column, lang) for column in names))
    return table


def _verdict_cell(by_pair: dict[tuple[str, str], Verdict], row: str, column: str, lang: Language) -> Text:
    from eyechart.scoring.measures import MEASURES
    from eyechart.words.metric_names import lead_decimals, shown_factor
    from eyechart.words.numbers import number

    if row == column:
        return Text("·", style="dim")
    verdict, is_first = by_pair.get((row, column)), True
    if verdict is None:
        verdict, is_first = by_pair.get((column, row)), False
    if verdict is None:
        return Text("")
    mark = MARKS[verdict.kind][0 if is_first else 1]
    if verdict.kind == "better" and verdict.scope == "these runs":
        mark = {"▲": "△", "▼": "▽"}[mark]
    decimals = lead_decimals(verdict, verdict.low, verdict.high)
    if MEASURES[verdict.metric].scale == "ratio":
        ratio = verdict.difference if is_first else 1 / verdict.difference
        text = f"×{number(ratio, decimals, lang)}"
    else:
        lead = shown_factor(verdict.metric) * (verdict.difference if is_first else -verdict.difference)
        text = f"{'+' if lead > 0 else ''}{number(lead, decimals, lang)}"
    return Text(f"{mark} {text}", style="bold" if verdict.kind == "better" else "")


def _legend(verdicts: Sequence[Verdict], lang: Language) -> str:
    """Only the marks that occur."""
    from eyechart.words.speech import Speech

    meanings = {
        "▲ ▼": ("better, worse", "meilleur, moins bon"),
        "△ ▽": (
            "the same in these runs, by their test images alone",
            "de même dans ces entraînements, par leurs seules images",
        ),
        "=": ("equivalent", "équivalents"),
        "?": ("not shown", "non démontré"),
        "…": ("too few runs to say", "trop peu d'entraînements"),
    }
    present = set()
    for verdict in verdicts:
        is_of_runs = verdict.kind == "better" and verdict.scope == "these runs"
        present.add("△ ▽" if is_of_runs else "▲ ▼" if verdict.kind == "better" else MARKS[verdict.kind][0])
    told = [f"{mark} {meaning[lang == 'fr']}" for mark, meaning in meanings.items() if mark in present]
    row = "lead of the row over the column" if lang == "en" else "avance de la ligne sur la colonne"
    return f"{row}{Speech(lang).colon} {', '.join(told)}"


def _print_sentences(
    comparison: Comparison, verdicts: Sequence[Verdict], most: int, lang: Language, console: Console
) -> None:
    from eyechart.words.speech import Speech
    from eyechart.words.verdicts import sentence

    for verdict in verdicts[:most]:
        console.print(Text(shown(f"- {sentence(verdict, comparison, lang)}")), soft_wrap=not console.is_terminal)
    if len(verdicts) > most:
        rest = len(verdicts) - most
        console.print(Text(Speech(lang)(f"- and {rest} more pairs: --json has all", f"- et {rest} autres : --json")))


def _named(name: str, beside: Sequence[str], mark: str = "") -> Text:
    return named(name + mark, _contender(name), map(_contender, beside))


def _contender(name: str) -> str:
    """Without the study, which stands behind it in brackets where there are several."""
    return name.partition(" ")[0]
