"""Turn the study of `make pretraining` into records/pretraining.json, and its table into docs/fine-tuning.md.

Usage: python scripts/record_pretraining.py STUDY [-o FILE] [-c COMMAND]

STUDY is the folder that `eyechart study pretraining` made, COMMAND what made it where that was not all of it.
Levels as the study has them, with what a reader needs to check them: commits, seeds, hashes, accesses to the test
part, and the card of what was pretrained here.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from eyechart.base.plain_json import json_text
from eyechart.files.storage import find_runs, read_run, write_text
from eyechart.schema.contexts import ContextRecord, LevelResult
from eyechart.weights import at_home
from eyechart.words.verdicts import sentence

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "fine-tuning.md"
REGION = re.compile(r"<!-- pretraining -->\n.*?<!-- /pretraining -->", re.DOTALL)


def main(study: Path, target: Path, command: str) -> None:
    record = ContextRecord.model_validate_json((study / "context.json").read_bytes())
    levels = [level.model_dump(mode="json") | made_by(study / level.study) for level in record.levels]
    content = {
        "schema_version": 1,
        "command": command,
        "context": record.context,
        "dataset": record.dataset,
        "pretrained_here": [card.model_dump(mode="json", exclude={"preprocessing"}) for card in used_cards(study)],
        "levels": levels,
    }
    write_text(target, json_text(content, indent=1) + "\n")
    filled = f"<!-- pretraining -->\n{told(record, command)}\n<!-- /pretraining -->"
    write_text(DOCUMENT, REGION.sub(lambda region: filled, DOCUMENT.read_text(encoding="utf-8")))


def told(record: ContextRecord, command: str) -> str:
    """A table of accuracies, and the verdicts on what was asked beforehand."""
    names = dict.fromkeys(name for level in reversed(record.levels) for name in level.comparison.contenders)
    lines = [
        f"| accuracy on {record.dataset} with | {' | '.join(f'{level.label} images' for level in record.levels)} |"
    ]
    lines.append(f"| --- |{' ---: |' * len(record.levels)}")
    for name in names:
        cells = [accuracy(level, name) for level in record.levels]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    answers = [
        f"- {level.label} images: {sentence(verdict, level.comparison)}."
        for level in record.levels
        for verdict in level.answers
    ]
    seeds = sorted({len(summary.seeds) for level in record.levels for summary in level.comparison.summaries})
    how = f"`{command}`, {' to '.join(map(str, seeds))} seeds, 95 % intervals; [record](../records/pretraining.json)."
    return "\n".join([*lines, "", *answers, "", how])


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
        "images_seen": sorted({run.history[-1].images_seen for run in runs}),
        "weights": {run.run: run.weights_sha256[:16] for run in runs},
        "started_from": {run.contender: run.weights.description for run in runs},
    }


def used_cards(study: Path) -> list[at_home.HomeCard]:
    """Of weights made on this machine that some run started from."""
    used = {read_run(each).weights.sha256 for each in find_runs(sorted(study.glob("*-images-*")))}
    cards = [at_home.card_of(architecture, name) for architecture, name in at_home.names()]
    return [card for card in cards if card.tensors_sha256 in used]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "records" / "pretraining.json")
    parser.add_argument("-c", "--command", default="make pretraining")
    given = parser.parse_args()
    main(given.study, given.output, given.command)
