"""Run chaos: counts to standard output and into the record, progress to standard error."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from audits import record
from audits.chaos.faults import meet_faults
from audits.chaos.kills import kill_runs
from audits.chaos.mutations import mutate_checkpoints
from audits.chaos.nodes import has_ray, kill_nodes
from audits.chaos.tally import Tally
from audits.settings import ROOT, Answer
from eyechart.base.plain_json import json_text

RECORD = ROOT / "records" / "reliability.json"
PARTS = ("checkpoint_mutations", "faults", "kills", "node_kills")


def main(arguments: list[str] | None = None) -> int:
    """0 when nothing failed, 1 when something did."""
    given = _parser().parse_args(arguments)
    failed = 0
    for part in given.parts or PARTS:
        if part == "node_kills" and not has_ray():
            print(f"{part:22} left out: Ray is not installed (pip install 'eyechart[ray]')", flush=True)
            continue
        host = record.host_of()
        tally, figures = _done(part, given)
        answer = Answer(tally.failed == 0, figures)
        record.merge(given.output, part, answer, host, command=given.command)
        print(f"{part:22} {tally.tried} tried, {tally.failed} failed  {json_text(figures)}", flush=True)
        failed += tally.failed
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audits.chaos", description="What do kills and faults leave?")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--kills", type=int, default=200, help="at least so many")
    parser.add_argument("--node-kills", type=int, default=20, help="machines of a Ray cluster, at least so many")
    parser.add_argument("--mutations", type=int, default=1000, help="of checkpoints")
    parser.add_argument("--output", type=Path, default=RECORD, help="the record that counts are merged into")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "chaos", help="where tries are kept")
    parser.add_argument("-c", "--command", default="make chaos", help="what makes the record again")
    return parser


def _done(part: str, given: argparse.Namespace) -> tuple[Tally, dict[str, object]]:
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if part == "kills":
        tally = kill_runs(folder, given.kills, _say)
        return tally, tally.figures("contender", "where")
    if part == "node_kills":
        tally = kill_nodes(folder, given.node_kills, _say)
        return tally, tally.figures()
    if part == "faults":
        tally = meet_faults(folder, _say)
        return tally, tally.figures("contender", "fault")
    tally = mutate_checkpoints(folder, given.mutations, _say)
    return tally, tally.figures("contender", "kind")


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
