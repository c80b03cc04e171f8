"""Turn the study of `make pretraining` into records/pretraining.json.

Usage: python scripts/record_pretraining.py STUDY [-o FILE]      the folder that `eyechart study pretraining` made

Levels as the study has them, with what a reader needs to check them: commits, seeds, hashes, accesses to the test part,
and the card of what was pretrained here.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from eyechart.base.plain_json import json_text
from eyechart.files.storage import find_runs, read_run, write_text
from eyechart.schema.contexts import ContextRecord
from eyechart.weights import at_home

ROOT = Path(__file__).resolve().parents[1]


def main(study: Path, target: Path) -> None:
    record = ContextRecord.model_validate_json((study / "context.json").read_bytes())
    levels = [level.model_dump(mode="json") | made_by(study / level.study) for level in record.levels]
    content = {
        "schema_version": 1,
        "command": "make pretraining",
        "context": record.context,
        "dataset": record.dataset,
        "pretrained_here": [card.model_dump(mode="json", exclude={"preprocessing"}) for card in used_cards(study)],
        "levels": levels,
    }
    write_text(target, json_text(content, indent=1) + "\n")


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
    given = parser.parse_args()
    main(given.study, given.output)
