"""Run audits: results to standard output and into the record, progress to standard error."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from audits import record, table
from audits.catalog import AUDITS, title_of
from audits.settings import ROOT, Settings
from eyechart.base.errors import EyechartError, UsageError
from eyechart.base.plain_json import json_text

RECORD = ROOT / "records" / "audit.json"


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    if given.list:
        print("\n".join(f"{name:24} {title_of(name)}" for name in AUDITS))
        return 0
    settings = Settings(given.folder, given.tiny, _say)
    try:
        if given.tiny and given.output.resolve() == RECORD:
            raise UsageError("--tiny figures are too few to cite, and stay out of the record. Name a file: --output.")
        return _run(given.names, given.output, settings, again=given.again)
    except EyechartError as error:
        _say(f"audits: {error}")
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audits", description="Does eyechart deserve trust itself?")
    parser.add_argument("names", nargs="*", metavar="NAME", help="audits; none: all not passed yet by this commit")
    parser.add_argument("--list", action="store_true", help="list the audits")
    parser.add_argument("--again", action="store_true", help="also those that this commit has passed")
    parser.add_argument("--tiny", action="store_true", help="small sizes, as the tests run them")
    parser.add_argument("--output", type=Path, default=RECORD, help="the record that answers are merged into")
    parser.add_argument("--folder", type=Path, default=Settings.folder, help="where trained runs are kept")
    return parser


def _run(names: list[str], output: Path, settings: Settings, *, again: bool) -> int:
    """0 when all were passed, 1 when one was not."""
    _check_names(names)
    content, commit = record.read(output), record.host_of()["commit"]
    failed = []
    for name in names or [name for name in AUDITS if again or not record.is_current(content, name, commit)]:
        _say(f"{name} ...")
        host = record.host_of()  # before our own load shows in it
        answer = AUDITS[name](settings)
        record.merge(output, name, answer, host)
        print(f"{name:24} {'passed' if answer.passed else 'NOT PASSED'}  {json_text(answer.figures)}", flush=True)
        failed += [] if answer.passed else [name]
        if output.resolve() == RECORD:
            table.update(record.read(output))
    return 1 if failed else 0


def _check_names(names: list[str]) -> None:
    for name in names:
        if name not in AUDITS:
            near = difflib.get_close_matches(name, AUDITS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"There is no audit {name!r}.{hint} Expected one of {', '.join(AUDITS)}.")


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
