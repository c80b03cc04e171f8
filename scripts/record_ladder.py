"""Turn what `eyechart study vit-ladder` trained into its record, its figure and the table of docs/vit.md.

Usage: python scripts/record_ladder.py FOLDER -c COMMAND [--best STUDY] [--part] [-o FILE] [-d DOCUMENT] [-i IMAGES]

FOLDER holds the rungs that are trained so far, as many as they are.  COMMAND is what made them.  STUDY is one of our
vit, whose runs are the last rung.  With --part no other rungs are meant to be there.  The record has one entry a rung,
"as_written" first and "best" last; the document has a region for it, which bears the record's name without
"contexts-": <!-- vit-ladder --> to <!-- /vit-ladder -->.
"""

from __future__ import annotations

import argparse
import re
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eyechart.base.plain_json import json_text
from eyechart.catalog import ladder
from eyechart.contexts.ladder import SIZES
from eyechart.contexts.ladder_record import recorded
from eyechart.files.storage import find_runs, read_run, write_text
from eyechart.report.ladder.figure import write_figure
from eyechart.report.ladder.text import how_to_read, sizes_table, table
from eyechart.report.ladder.words import answer
from eyechart.schema import Summary, Verdict
from eyechart.schema.ladder import Climber, LadderRecord, RungResult
from eyechart.words.speech import speech

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "contexts-"
SAY = speech("en")


def main(
    folder: Path, command: str, best: Path | None, target: Path, document: Path, images: Path, is_part: bool = False
) -> None:
    record, name = recorded(folder, best), target.stem.removeprefix(PREFIX)
    if is_part:
        record = record.model_copy(update={"rungs": tuple(filter(is_there, record.rungs))})
    absent = [*missing_runs(record), *([] if is_part else missing_sizes(record))]
    content = {
        "schema_version": 1,
        "command": command,
        "commit": ", ".join(sorted({commit for each in climbers(record) for commit in each.commits})),
        "date": datetime.now(UTC).date().isoformat(),
        "host": host_of(folder),
        "dataset": record.dataset,
        "num_train": record.num_train,
        "num_test": record.num_test,
        "fraction": record.fraction,
        "missing": absent,
        "loops": record.loops.model_dump() if record.loops else None,
        "results": {rung.name: result(rung, record) for rung in record.rungs if is_there(rung)},
        "sizes": [
            {"images": size.images, "vit": of(size.vit), "cnn": of(size.cnn), "verdict": plain(size.verdict)}
            for size in record.sizes
        ],
    }
    write_text(target, json_text(content, indent=1) + "\n")
    write_figure(record, name, images, SAY.lang)
    text = document.read_text(encoding="utf-8")
    region = re.compile(rf"<!-- {name} -->\n.*?<!-- /{name} -->", re.DOTALL)
    assert len(region.findall(text)) == 1, f"{document} has one place for {name}"
    filled = f"<!-- {name} -->\n{told(record, absent, command, target)}\n<!-- /{name} -->"
    write_text(document, region.sub(lambda _: filled, text))


def told(record: LadderRecord, absent: list[str], command: str, target: Path) -> str:
    """The answer, the tables, and where all of it comes from."""
    link = f"[record](../{target.relative_to(ROOT).as_posix()})" if target.is_relative_to(ROOT) else target.name
    left = f" Not trained yet: {', '.join(absent)}." if absent else ""
    parts = [*answer(record, SAY), table(record, SAY), *sizes_table(record, SAY), how_to_read(record, SAY)]
    return "\n\n".join([*parts, f"Measured with `{command}`; {link}.{left}"])


def missing_runs(record: LadderRecord) -> Iterator[str]:
    """What a rung has in the whole ladder and here has not, in words."""
    for rung in record.rungs:
        if rung.name == ladder.VECTORISED:
            continue
        if rung.climber is None:
            yield rung.name
            continue
        if rung.alone is None and rung.name not in (ladder.AS_WRITTEN, ladder.BEST):
            yield f"{rung.name} alone"
        if rung.cnn is None:
            yield f"the CNN beside {rung.name}"


def missing_sizes(record: LadderRecord) -> list[str]:
    sizes = {size.images for size in record.sizes}
    return [f"{size:,} images" for size in SIZES if size not in sizes]


def is_there(rung: RungResult) -> bool:
    return rung.climber is not None or rung.name == ladder.VECTORISED


def result(rung: RungResult, record: LadderRecord) -> dict[str, Any]:
    if rung.climber is None:  # what changes the time alone
        steps = next((each.climber.num_steps for each in record.rungs if each.climber), 0)
        seconds = steps * record.loops.vector_seconds if record.loops else None
        return {"same_answers_as": "logits", "train_seconds": seconds}
    found = of(rung.climber) | {"step": plain(rung.step)}
    if record.loops and rung.name in ladder.NAMES[: ladder.NAMES.index(ladder.VECTORISED)]:
        found["train_seconds_with_loops"] = rung.climber.num_steps * record.loops.loop_seconds
    if rung.alone:
        found["alone"] = of(rung.alone) | {"step": plain(rung.alone_step)}
    if rung.cnn:
        found["cnn"] = of(rung.cnn) | {"verdict": plain(rung.against_cnn)}
    return found


def of(climber: Climber) -> dict[str, Any]:
    return {
        "contender": climber.contender,
        "parameters": climber.parameters,
        "epochs": round(climber.epochs, 2),
        "num_steps": climber.num_steps,
        "seeds": list(climber.accuracy.seeds),
        "accuracy": spread(climber.accuracy),
        "loss": spread(climber.loss),
        "raw_loss": spread(climber.raw_loss),
        "train_seconds": statistics.fmean(climber.seconds),
        "train_cpu_seconds": statistics.fmean(climber.cpu_seconds) if climber.cpu_seconds else None,
        "beside_other_programs": climber.had_company,
        "threads": list(climber.num_threads),
        "study": climber.study,
        "commits": list(climber.commits),
        "weights": dict(zip(climber.runs, climber.weights_sha256, strict=True)),
    }


def spread(summary: Summary | None) -> dict[str, Any] | None:
    return summary.model_dump(mode="json", include={"mean", "sd", "low", "high", "values"}) if summary else None


def plain(verdict: Verdict | None) -> dict[str, Any] | None:
    return verdict.model_dump(mode="json") if verdict else None


def climbers(record: LadderRecord) -> list[Climber]:
    found = [each for rung in record.rungs for each in (rung.climber, rung.alone, rung.cnn)]
    found += [each for size in record.sizes for each in (size.vit, size.cnn)]
    return [each for each in found if each]


def host_of(folder: Path) -> dict[str, Any]:
    """The machine of the first run; all are trained on one."""
    host = read_run(find_runs([folder])[0]).host
    return host.model_dump(mode="json", include={"platform", "cpu", "num_cores", "device", "python", "versions"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-c", "--command", required=True)
    parser.add_argument("--best", type=Path)
    parser.add_argument("--part", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "records" / f"{PREFIX}vit-ladder.json")
    parser.add_argument("-d", "--document", type=Path, default=ROOT / "docs" / "vit.md")
    parser.add_argument("-i", "--images", type=Path, default=ROOT / "docs" / "images")
    given = parser.parse_args()
    main(given.folder, given.command, given.best, given.output.resolve(), given.document, given.images, given.part)
