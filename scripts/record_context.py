"""Turn what `eyechart study` made into a record, and its tables into a document.

Usage: python scripts/record_context.py FOLDER -c COMMAND [-o FILE] [-d DOCUMENT] [--add]

FOLDER holds a context.json: a context that was trained, or a study that was judged again.  COMMAND is what made it.
Levels as they are there, with what a reader needs to check them: commits, seeds, hashes, accesses to the test part, and
the cards of what was pretrained here.  With --add the record keeps the levels that it has and FOLDER has not: a level
is a study of its own, so that they may come from several days, each with its command and its commit.  The document has
a region for it, <!-- budget --> to <!-- /budget -->.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from eyechart.base.plain_json import json_text
from eyechart.contexts.catalog import axis_of
from eyechart.files.storage import find_runs, read_run, write_text
from eyechart.report.context_plot import headline
from eyechart.report.context_words import severity_words
from eyechart.report.judged_text import finding, rows_of, severities_of, table
from eyechart.report.winner_map import in_markdown_table
from eyechart.report.winner_map import rows_of as winners_of
from eyechart.schema.contexts import ContextRecord, LevelResult
from eyechart.weights import at_home
from eyechart.words.speech import speech
from eyechart.words.verdicts import sentence

ROOT = Path(__file__).resolve().parents[1]
SAY = speech("en")
A_BATCH = 0.05  # of a budget in images: so much of it may be left, which fills no batch
MOST_TOLD = 6  # verdicts one by one; of more, the record has them


def main(folder: Path, command: str, target: Path | None, document: Path, *, add: bool = False) -> None:
    record = ContextRecord.model_validate_json((folder / "context.json").read_bytes())
    target = (target or ROOT / "records" / f"contexts-{record.context}.json").resolve()
    content = {
        "schema_version": 1,
        "command": command,
        "context": record.context,
        "dataset": record.dataset,
        "pretrained_here": [card.model_dump(mode="json", exclude={"preprocessing"}) for card in used_cards(folder)],
        "levels": [level.model_dump(mode="json") | made_by(folder / level.study) for level in record.levels],
        "means": [mean.model_dump(mode="json") for mean in record.means],
    }
    if add and target.is_file():
        content = with_levels_of(json.loads(target.read_text(encoding="utf-8")), content)
        record = record.model_copy(update={"levels": tuple(map(level_of, content["levels"]))})
    write_text(target, json_text(content, indent=1) + "\n")
    images_seen = [level.get("images_seen", []) for level in content["levels"]]
    told = judged(record) if record.means else trained(record, images_seen)
    commands = dict.fromkeys(level.get("command", command) for level in content["levels"])
    put_into(document, record.context, f"{told}\n\n{how_made(record, list(commands), target)}")


def how_made(record: ContextRecord, commands: list[str], target: Path) -> str:
    """Commands, seeds, and where the record is."""
    summaries = [summary for level in record.levels for summary in level.comparison.summaries]
    seeds = [len(summary.seeds) for summary in summaries if summary.metric == "accuracy"]
    link = f"[record](../{target.relative_to(ROOT).as_posix()})" if target.is_relative_to(ROOT) else target.name
    told = ", ".join(f"`{command}`" for command in commands)
    return f"{told}, {SAY.between(min(seeds), max(seeds), 'seed', 'graine')}, 95 % intervals; {link}."


def put_into(document: Path, context: str, told: str) -> None:
    """Into the region that a document has for a context."""
    region = re.compile(rf"<!-- {context} -->\n.*?<!-- /{context} -->", re.DOTALL)
    filled = f"<!-- {context} -->\n{told}\n<!-- /{context} -->"
    text = document.read_text(encoding="utf-8")
    assert region.search(text), f"{document} has no region for {context}"
    write_text(document, region.sub(lambda found: filled, text))


def with_levels_of(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The new record and what else the old one has; each level says by which command it was made."""
    assert (old["context"], old["dataset"]) == (new["context"], new["dataset"]), "another context is no other level"
    levels: dict[float, dict[str, Any]] = {}
    for each in (old, new):
        levels |= (own := {level["value"]: {"command": each["command"]} | level for level in each["levels"]})
        assert len(own) == len(each["levels"]), "levels of one value cannot be told apart"
    cards = {card["tensors_sha256"]: card for card in [*old["pretrained_here"], *new["pretrained_here"]]}
    ordered = [levels[value] for value in sorted(levels)]
    commands = dict.fromkeys(level["command"] for level in ordered)
    told = {"command": "; ".join(commands), "pretrained_here": list(cards.values()), "levels": ordered}
    return new | told


def level_of(content: dict[str, Any]) -> LevelResult:
    """A level of a record, without what only records tell of it."""
    known = {name: content[name] for name in LevelResult.model_fields if name in content}
    return LevelResult.model_validate_json(json_text(known))


def trained(record: ContextRecord, images_seen: list[list[int]]) -> str:
    """What is shown, a table of accuracies, the verdicts on what was asked where they are few, and who wins where.

    `images_seen`: by the runs of each level, told where levels of several budgets stand side by side.
    """
    names = dict.fromkeys(name for level in reversed(record.levels) for name in level.comparison.contenders)
    words = axis_of(record.context)[0]
    lines = [f"{headline(record, SAY)}.", ""]
    lines.append(f"| accuracy, {record.dataset} | {' | '.join(f'{level.label} {words}' for level in record.levels)} |")
    lines.append(f"| --- |{' ---: |' * len(record.levels)}")
    for name in names:
        cells = [accuracy(level, name) for level in record.levels]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    if has_several_budgets(images_seen):
        lines.append(f"| images seen by a run | {' | '.join(f'{max(seen):,}' for seen in images_seen)} |")
    answers = [
        f"- {level.label} {words}: {sentence(verdict, level.comparison)}."
        for level in record.levels
        for verdict in level.answers
    ]
    winners = in_markdown_table(winners_of(record, SAY, axis_of(record.context)), SAY)
    told = [*answers, ""] if len(answers) <= MOST_TOLD else []
    return "\n".join([*lines, "", *told, winners])


def has_several_budgets(images_seen: list[list[int]]) -> bool:
    """Whether runs of all levels saw about as many images as each other, but not of every level the same."""
    if not all(images_seen) or any(min(seen) < (1 - A_BATCH) * max(seen) for seen in images_seen):
        return False  # seconds, or schedules of their own: each saw what it saw
    most = [max(seen) for seen in images_seen]
    return min(most) < (1 - A_BATCH) * max(most)


def judged(record: ContextRecord) -> str:
    """Of each severity what it shows, and the accuracies."""
    told = []
    for severity in severities_of(record):
        told += [
            f"**{severity_words(severity, SAY)}**: {finding(record, severity, SAY)}.",
            table(rows_of(record, severity, SAY), "accuracy", SAY),
        ]
    return "\n\n".join([*told, in_markdown_table(winners_of(record, SAY), SAY)])


def accuracy(level: LevelResult, contender: str) -> str:
    """ "97.61 % (96.9 to 98.3)"; empty where it was not trained."""
    for summary in level.comparison.summaries:
        if (summary.contender, summary.metric) == (contender, "accuracy"):
            if summary.low is None or summary.high is None:
                return f"{summary.mean:.2%}"
            return f"{100 * summary.mean:.2f} % ({100 * summary.low:.2f} to {100 * summary.high:.2f})"
    return ""


def made_by(folder: Path) -> dict[str, Any]:
    """Facts of all runs of a level."""
    runs = [read_run(each) for each in find_runs([folder])]
    return {
        "commits": sorted({run.host.commit for run in runs}),
        "threads": sorted({run.host.num_threads for run in runs}),
        "test_accesses": sorted({run.test_accesses for run in runs}),
        "status": sorted({run.status for run in runs}),
        "images_seen": sorted({run.history[-1].images_seen for run in runs if run.history}),
        "weights": {run.run: run.weights_sha256[:16] for run in runs},
        "started_from": {run.contender: run.weights.description for run in runs},
    }


def used_cards(folder: Path) -> list[at_home.HomeCard]:
    """Of weights made on this machine that some run started from."""
    homes = [path.parent for path in folder.glob("*/*/run.json")]
    used = {read_run(each).weights.sha256 for each in homes}
    cards = [at_home.card_of(architecture, name) for architecture, name in at_home.names()]
    return [card for card in cards if card.tensors_sha256 in used]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-c", "--command", required=True)
    parser.add_argument("-o", "--output", type=Path, help="Default: records/contexts-NAME.json")
    parser.add_argument("-d", "--document", type=Path, default=ROOT / "docs" / "contexts.md")
    parser.add_argument("--add", action="store_true", help="Keep levels of the record that FOLDER has not.")
    given = parser.parse_args()
    main(given.folder, given.command, given.output, given.document, add=given.add)
