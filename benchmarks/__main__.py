"""Run benchmarks: results to standard output and into the record, progress to standard error."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from benchmarks import record
from benchmarks.catalog import BENCHMARKS, title_of
from benchmarks.harness import ROOT, Result, Settings
from eyechart.base import host
from eyechart.base.errors import EyechartError, MissingError, UsageError

RECORD = ROOT / "records" / "bench.json"
BUSY_LOAD = 0.5  # of the last minute, before the first benchmark


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    if given.list:
        print("\n".join(f"{name:28} {title_of(name)}" for name in BENCHMARKS))
        return 0
    settings = Settings(given.threads, given.repeats, given.tiny, given.study, _say)
    try:
        if given.tiny and given.output.resolve() == RECORD:
            raise UsageError("--tiny figures mean nothing and do not go into the record. Name a file with --output.")
        return _run(given.names, given.output, settings, again=given.again)
    except EyechartError as error:
        _say(f"benchmarks: {error}")
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="eyechart against its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks; none: all that are not recorded yet")
    parser.add_argument("--list", action="store_true", help="list the benchmarks")
    parser.add_argument("--again", action="store_true", help="measure what is recorded for this commit once more")
    parser.add_argument("--threads", type=int, default=host.num_cores(), help="of each side (default: all cores)")
    parser.add_argument("--repeats", type=int, help="pairs or seeds, instead of each benchmark's own number")
    parser.add_argument("--tiny", action="store_true", help="a few images: only to see that the code works")
    parser.add_argument("--output", type=Path, default=RECORD, help="the record that results are merged into")
    parser.add_argument("--study", type=Path, default=Settings.study, help="the quick study for quick_seconds")
    return parser


def _run(names: list[str], output: Path, settings: Settings, *, again: bool) -> int:
    _check_names(names)
    facts = record.host_of(settings)
    content = record.read(output)
    wanted = names or [name for name in BENCHMARKS if again or not record.is_current(content, name, facts)]
    if (facts["load_average"] or 0) > BUSY_LOAD:
        _say(f"The machine is busy (load {facts['load_average']}): ratios spread more, and single figures are too low.")
    num_missed = 0
    for name in wanted:
        _say(f"{name} ...")
        facts = record.host_of(settings)  # before our own load shows in it
        try:
            result = BENCHMARKS[name](settings)
        except MissingError as error:  # the others can still be measured
            _say(f"{name} is left out: {error}")
            num_missed += 1
            continue
        record.merge(output, name, {"title": title_of(name)} | result.as_json(), facts)
        print(describe(name, result), flush=True)
    return 3 if num_missed else 0


def describe(name: str, result: Result) -> str:
    """One line: the ratio with its spread where there is a peer, else the value with its own."""
    content = result.as_json()
    missed = "" if content.get("reached", True) else f"  MISSED: {content['accuracy']['mean']:.2%} on average"
    if not result.peer:
        low, high = min(result.ours), max(result.ours)
        return f"{name:28} {content['ours']:.4g} {result.unit} ({low:.4g} to {high:.4g}){missed}"
    ratio = content["ratio"]
    return (
        f"{name:28} {ratio['median']:.2f}x ({ratio['min']:.2f} to {ratio['max']:.2f}): "
        f"ours {content['ours']:.4g}, peer {content['peer']:.4g} {result.unit}{missed}"
    )


def _check_names(names: list[str]) -> None:
    for name in names:
        if name not in BENCHMARKS:
            near = difflib.get_close_matches(name, BENCHMARKS, n=1)
            raise UsageError(
                f"There is no benchmark {name!r}{f'; did you mean {near[0]!r}?' if near else ''}. "
                f"Expected one of {', '.join(BENCHMARKS)}."
            )


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
