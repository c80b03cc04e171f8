"""What a study's runs are worth on other pictures, in words: the finding, a row a level, who is better where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from eyechart.base.foreign_text import in_markdown
from eyechart.comparison.winners import Best, best_in
from eyechart.files.storage import write_text
from eyechart.report import markdown
from eyechart.report.context_words import PIECES, context_name, level_words, severity_words
from eyechart.report.markdown import capital, mean_text
from eyechart.report.winner_map import in_markdown_table, legend
from eyechart.report.winner_map import rows_of as winners_of
from eyechart.scoring.measures import METRICS
from eyechart.words.metric_names import unit_name
from eyechart.words.speech import Speech, speech
from eyechart.words.verdicts import marked
from eyechart.words.verdicts import sentence as verdict_sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema import Comparison, Verdict
    from eyechart.schema.contexts import ContextRecord, LevelResult, MeanResult

NOBODY = Best("not shown", ())


class Row(NamedTuple):
    """A line of table and figure."""

    words: str
    comparison: Comparison
    mean: str = ""  # which mean it is; empty: of one level


# --------------------------------------------------------------------------------------------- sentences


def finding(record: ContextRecord, severity: str, say: Speech) -> str:
    """What is shown of one severity: in the mean that is asked about, pair by pair, or who is best at each level."""
    means = [each for each in record.means if (each.name, each.severity) == ("not geometric", severity)]
    if means:
        return f"{mean_words(means[0], say)}{say.colon} {told(asked(means[0].comparison), say)}"
    alike: dict[Best, list[LevelResult]] = {}  # levels of which the same is said
    for level in record.levels:
        if level.severity == severity and len(level.comparison.contenders) > 1:
            best = best_in(level.comparison, level.comparison.primary)
            alike.setdefault(NOBODY if best is None or best.kind == "not shown" else best, []).append(level)
    name = context_name(record, say)
    nothing = say(f"{name}, level by level", f"{name}, niveau par niveau")
    return say.semicolons([_best(best, levels, say) for best, levels in alike.items()]) or nothing


def headline(record: ContextRecord, severity: str, say: Speech) -> str:
    """The finding at the beginning of a line; a contender's name stays as it is written."""
    names = {name for level in record.levels for name in level.comparison.contenders}
    return capital(finding(record, severity, say), but=names)


def _best(best: Best, levels: Sequence[LevelResult], say: Speech) -> str:
    """Who reads the images of these levels best, as far as that is shown."""
    name, who = levels_words(levels, say), say.listed(list(best.contenders))
    if best == NOBODY:
        return say(f"who reads {name} best is not shown", f"qui lit le mieux {name} n'est pas démontré")
    if best.kind == "equal":
        told = say(f"{who} read {name} equally well", f"{who} lisent {name} aussi bien l'un que l'autre")
    else:
        told = say(f"{who} reads {name} best", f"{who} lit le mieux {name}")
    return told if best.is_of_architectures else say(f"in these runs {told}", f"dans ces entraînements, {told}")


def levels_words(levels: Sequence[LevelResult], say: Speech) -> str:
    """Names of levels in one sentence; what all of clutter's have in common stands once."""
    if len(levels) < 2 or any(level.severity != PIECES for level in levels):
        return say.listed([level_words(level, say) for level in levels])
    numbers = say.listed([level.label for level in levels])
    return say(f"images beside {numbers} pieces", f"les images à côté de {numbers} morceaux")


def figure_name(record: ContextRecord, severity: str) -> str:
    """Of the files of a drawing, without their ending."""
    return f"{record.context}-{severity.replace(' ', '-')}"


def asked(comparison: Comparison) -> list[Verdict]:
    """The verdicts on the metric that was asked about."""
    return [verdict for verdict in comparison.verdicts if verdict.metric == comparison.primary]


def told(verdicts: Sequence[Verdict], say: Speech) -> str:
    """All pairs in as few words as tell each of them; what few seeds say is said of these runs alone."""
    parts = _better(verdicts, "architectures", say)
    if of_runs := _better(verdicts, "these runs", say):
        parts += [say("in these runs ", "dans ces entraînements, ") + say.semicolons(of_runs)]
    equal = [say.listed([each.first, each.second]) for each in verdicts if each.kind == "equivalent"]
    parts += [say(f"{pair} are equivalent", f"{pair} sont équivalents") for pair in equal]
    for kind, english, french in (
        ("not shown", "no difference is shown between", "aucune différence démontrée entre"),
        ("too few runs", "too few seeds to tell apart", "trop peu de graines pour départager"),
    ):
        pairs = [say.listed([each.first, each.second]) for each in verdicts if each.kind == kind]
        if pairs:
            parts += [f"{say(english, french)} {', '.join(pairs)}"]
    return say.semicolons(parts) or say("one contender alone is compared with nobody", "un seul concurrent")


def _better(verdicts: Sequence[Verdict], scope: str, say: Speech) -> list[str]:
    """ "cnn is better than vit and vgg16", a sentence for each contender that beats some."""
    beaten: dict[str, list[str]] = {}
    for verdict in verdicts:
        if (verdict.kind, verdict.scope) == ("better", scope):
            beaten.setdefault(verdict.first, []).append(verdict.second)
    return [
        say(f"{first} is better than {say.listed(others)}", f"{first} est meilleur {say.than(say.listed(others))}")
        for first, others in sorted(beaten.items(), key=lambda item: -len(item[1]))
    ]


def mean_words(mean: MeanResult, say: Speech) -> str:
    """Which mean it is."""
    number = len(mean.labels)
    if mean.name == "untouched":
        return say("untouched images", "images intactes")
    if mean.name == "geometric":
        return say(f"mean over {number} geometric corruptions", f"moyenne sur {number} altérations géométriques")
    return say(
        f"mean over {number} corruptions that are not geometric",
        f"moyenne sur {number} altérations non géométriques",
    )


def _short_words(mean: MeanResult, say: Speech) -> str:
    """The same in a row of its own."""
    number = len(mean.labels)
    if mean.name == "geometric":
        return say(f"mean of {number}, geometric", f"moyenne de {number}, géométriques")
    if mean.name == "not geometric":
        return say(f"mean of {number}, not geometric", f"moyenne de {number}, non géométriques")
    return mean_words(mean, say)


def severities_of(record: ContextRecord) -> list[str]:
    return list(dict.fromkeys(level.severity for level in record.levels))


def rows_of(record: ContextRecord, severity: str, say: Speech) -> list[Row]:
    """What stands in table and figure: the means first, each group's corruptions behind its mean."""
    rows: list[Row] = []
    for mean in record.means:
        if mean.severity == severity:
            rows.append(Row(_short_words(mean, say), mean.comparison, mean.name))
            rows += [Row(level_words(each, say), each.comparison) for each in _of(record, severity, mean.labels)]
    in_means = {label for mean in record.means for label in mean.labels}
    alone = [each.label for each in record.levels if each.label not in in_means]
    return rows + [Row(level_words(each, say), each.comparison) for each in _of(record, severity, alone)]


def _of(record: ContextRecord, severity: str, labels: Sequence[str]) -> list[LevelResult]:
    return [each for each in record.levels if each.severity == severity and each.label in labels]


# --------------------------------------------------------------------------------------------- the page


def write_synthesis(record: ContextRecord, question: tuple[str, str], folder: Path, lang: str) -> None:
    """Write `<context>-synthesis.md` into `folder`, beside its figures; nothing where no level has runs."""
    if record.levels:
        write_text(folder / f"{record.context}-synthesis.md", in_words(record, question, folder, speech(lang)))


def in_words(record: ContextRecord, question: tuple[str, str], folder: Path, say: Speech) -> str:
    """The whole text; figures are linked where they are there."""
    text = [f"# {in_markdown(record.dataset)}{say.colon} {say(*question)}"]
    for severity in severities_of(record):
        text += [f"## {capital(severity_words(severity, say))}", f"{headline(record, severity, say)}."]
        picture = folder / f"{figure_name(record, severity)}.svg"
        text += [f"![{severity_words(severity, say)}]({picture.name})"] if picture.is_file() else []
        rows = rows_of(record, severity, say)
        text += [table(rows, "accuracy", say), table(rows, "loss", say)]
        if any(len(row.comparison.contenders) > 1 for row in rows):
            text += [f"### {say('Who is better where', 'Qui est meilleur, et où')}", _who(rows, say)]
            text += _figures_behind(record, severity, say)
    winners = winners_of(record, say)
    if any(best for row in winners for best in row.cells.values()):
        text += [f"## {say('Who wins where', 'Qui gagne où')}", in_markdown_table(winners, say), legend(say)]
    return "\n\n".join([*text, _how(record, say)]) + "\n"


def table(rows: Sequence[Row], metric: str, say: Speech) -> str:
    """A row a corruption, a column a contender, in the order of the mean that is asked about."""
    order = next((row for row in rows if row.mean == "not geometric"), rows[0]).comparison
    measure = METRICS[metric]
    head = [say(*measure.words) + ("" if measure.is_share else f" ({unit_name(measure.unit, say.lang)})")]
    head += [in_markdown(marked(name, order, say.lang)) for name in order.contenders]
    lines = []
    for row in rows:
        summaries = {each.contender: each for each in row.comparison.summaries if each.metric == metric}
        cells = [mean_text(summaries[name], say) if name in summaries else "" for name in order.contenders]
        lines.append([f"**{row.words}**" if row.mean else row.words, *cells])
    return markdown.table(head, lines)


def told_of(row: Row, say: Speech) -> str:
    """What the verdicts say at a level, or of a mean."""
    return told(asked(row.comparison), say)


def _who(rows: Sequence[Row], say: Speech) -> str:
    return "\n".join(f"- {row.words}{say.colon} {in_markdown(told_of(row, say))}." for row in rows)


def _figures_behind(record: ContextRecord, severity: str, say: Speech) -> list[str]:
    """The verdicts of the mean that was asked about, or of each level, with their numbers."""
    found = [
        (mean_words(each, say), each.comparison)
        for each in record.means
        if (each.name, each.severity) == ("not geometric", severity)
    ] or [(level_words(each, say), each.comparison) for each in record.levels if each.severity == severity]
    text: list[str] = []
    for words, compared in found:
        lines = [f"- {in_markdown(verdict_sentence(verdict, compared, say.lang))}." for verdict in asked(compared)]
        text += [f"### {capital(words)}", "\n".join(lines)] if lines else []
    return text


def _how(record: ContextRecord, say: Speech) -> str:
    """What the intervals are, and what was done to the pictures."""
    if record.context == "clutter":
        return say(
            "Intervals: 95 %, Student's t over seeds; of one seed Wilson's over images. Every contender saw the same "
            "pictures: test images of the study, and around what each shows pieces of others, a fifth as wide as they. "
            "The pieces of fewer are among those of more.",
            "Intervalles : 95 %, t de Student sur les graines ; avec une seule graine, Wilson sur les images. Tous les "
            "concurrents ont vu les mêmes images : des images de test de l'étude et, autour de ce que chacune montre, "
            "des morceaux d'autres, larges d'un cinquième. Les morceaux d'un petit nombre sont parmi ceux d'un grand.",
        )
    if not any(mean.labels for mean in record.means):
        return say(
            "Intervals: 95 %, Student's t over seeds; of one seed Wilson's over images. Every contender saw the same "
            "pictures: the other dataset's test part, brought to the size and channels of the images that were learned "
            "from and nothing else done to it, or framed as those are, the ink as large and in the same place.",
            "Intervalles : 95 %, t de Student sur les graines ; avec une seule graine, Wilson sur les images. Tous les "
            "concurrents ont vu les mêmes images : la partie de test de l'autre jeu, mise à la taille et aux canaux "
            "des images apprises et rien d'autre, ou cadrée comme celles-ci, l'encre aussi grande et à la même place.",
        )
    return say(
        "Intervals: 95 %, Student's t over seeds; of one seed Wilson's over images, and for means over corruptions a "
        "bootstrap that draws each image with all its copies. Every contender saw the same pictures. The geometric "
        "corruptions (shear, scale, rotation, translation) are what the recipes augment with.",
        "Intervalles : 95 %, t de Student sur les graines ; avec une seule graine, Wilson sur les images et, pour les "
        "moyennes sur les altérations, un bootstrap qui tire chaque image avec toutes ses copies. Tous les concurrents "
        "ont vu les mêmes images. Les altérations géométriques (cisaillement, échelle, rotation, translation) sont "
        "celles dont les recettes augmentent leurs images.",
    )
