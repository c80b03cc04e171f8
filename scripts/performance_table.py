"""Write docs/performance.md from records/bench.json.

python scripts/performance_table.py records/bench.json docs/performance.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from eyechart.files.storage import write_text

sys.path.append(str(Path(__file__).resolve().parents[1]))  # the benchmarks are no part of the package

from benchmarks.catalog import BENCHMARKS

HEAD = """# Performance

This page is made by `python scripts/performance_table.py records/bench.json docs/performance.md` from the record that
`make bench` writes; do not edit it.  What each benchmark does, how often, and what it cannot say stands in its
docstring in [benchmarks/](../benchmarks).

How to read it: both sides of a row were measured in turns, in processes of their own, with the same number of threads,
on the CPU.  The ratio was taken pair by pair and says how many times better ours is; beside its median stand the
smallest and the largest pair.  Seconds and rates belong to the machine of their row; only ratios travel, and only
roughly.  A row is about the code and the recipes of its commit, which stands below with its day: recipes that have
changed since then have other times.
"""
NOTHING = "\nNothing has been measured yet: run `make bench`.\n"


def page(record: dict[str, Any]) -> str:
    """The whole page; `record` is {} where there is none yet."""
    results = record.get("results", {})
    if not results:
        return HEAD + NOTHING
    machines = {name: _machine(entry.get("host") or record["host"]) for name, entry in results.items()}
    letters = {machine: str(number) for number, machine in enumerate(dict.fromkeys(machines.values()), 1)}
    told = ["Machines:", "", *(f"- {letter}: {machine}." for machine, letter in letters.items()), ""]
    places = {name: letters[machine] for name, machine in machines.items()}
    compared = {name: entry for name, entry in results.items() if "ratio" in entry}
    alone = {name: entry for name, entry in results.items() if "ratio" not in entry}
    tables = [*_table_of_ratios(compared, places), *_table_of_values(alone, places)]
    missing = ", ".join(f"`{name}`" for name in BENCHMARKS if name not in results)
    told += [f"Not recorded yet: {missing}.", ""] if missing else []
    return "\n".join([HEAD, *told, *tables, *_notes(results)])


def _machine(host: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in host["versions"].items() if name != "eyechart")
    units = f" ({host['capability']})" if host.get("capability") else ""
    return (
        f"{host['cpu']}{units}, {host['num_threads']} threads of {host['num_cores']} cores, "
        f"{host['memory_bytes'] / 2**30:.0f} GB; Python {host['python']}, {versions}"
    )


def _table_of_ratios(results: dict[str, Any], places: dict[str, str]) -> list[str]:
    if not results:
        return []
    rows = [
        f"| `{name}` | {entry['title']} | {_ratio(entry['ratio'])} | {number(entry['ours'])} | "
        f"{number(entry['peer'])} | {entry['unit']} | {len(entry['values']['ours'])} | {places[name]} |"
        for name, entry in results.items()
    ]
    head = ["## Against peers", "", "| name | what | ratio (smallest to largest) | ours | peer | unit | pairs | on |"]
    return [*head, "|---|---|---|---|---|---|---|---|", *rows, ""]


def _table_of_values(results: dict[str, Any], places: dict[str, str]) -> list[str]:
    if not results:
        return []
    rows = [
        f"| `{name}` | {entry['title']} | {number(entry['ours'])} ({_range(entry['values']['ours'])}) | "
        f"{entry['unit']} | {len(entry['values']['ours'])} | {places[name]} |"
        for name, entry in results.items()
    ]
    head = ["## Alone", "", "| name | what | median (smallest to largest) | unit | repeats | on |"]
    return [*head, "|---|---|---|---|---|---|", *rows, ""]


def _notes(results: dict[str, Any]) -> list[str]:
    """What a row must not be read without: the accuracy of timed goals, what differs, which code."""
    lines = ["## Beside the figures", ""]
    for name, entry in results.items():
        facts = [*_accuracy(entry), *_peer_run(entry), *_growth(entry)]
        facts += [f"{entry['differences']}"] if "differences" in entry else []
        for key in ("relative_difference_of_losses", "largest_difference_of_logits"):
            facts += [f"{key.replace('_', ' ')}: {entry[key]:.1e}."] if key in entry else []
        lines.append(" ".join([f"- `{name}`: {entry['date']}, commit {entry['commit'] or 'unknown'}.", *facts]))
    return [*lines, ""]


def _accuracy(entry: dict[str, Any]) -> list[str]:
    """Of goals: the mean over seeds against the target, and the time that includes starting up."""
    if "target" not in entry:
        return []
    accuracy = entry["accuracy"]
    missed = "" if entry["reached"] else " **The goal was missed.**"
    return [
        f"Test accuracy {accuracy['mean']:.2%} on average, {accuracy['min']:.2%} at worst ({len(accuracy['values'])} "
        f"seeds; goal {entry['target']:.1%}).{missed} From process start: "
        f"{number(entry['seconds_from_process_start'])} s."
    ]


def _peer_run(entry: dict[str, Any]) -> list[str]:
    if "peer_run" not in entry:
        return []
    reached = ", ".join(f"{accuracy:.2%}" for accuracy in entry["peer_run"]["accuracies"])
    return [f"The peer's test accuracy after each epoch: {reached}."]


def _growth(entry: dict[str, Any]) -> list[str]:
    """Of what is measured at several sizes: the figure and the process's own memory at each."""
    if "by_size" not in entry:
        return []
    memory = entry["anonymous_bytes_by_size"]
    sizes = [
        f"{number(value)} at {int(size):,} images ({memory[size] / 2**20:,.0f} MB of its own memory)"
        for size, value in entry["by_size"].items()
    ]
    return [f"{', '.join(sizes)}: the largest costs {entry['growth']:.2f} times the smallest an image."]


def _ratio(ratio: dict[str, float]) -> str:
    return f"**{number(ratio['median'])}x** ({number(ratio['min'])} to {number(ratio['max'])})"


def _range(values: list[float]) -> str:
    return f"{number(min(values))} to {number(max(values))}"


def number(value: float) -> str:
    """Three digits that count, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    write_text(target, page(json.loads(source.read_text(encoding="utf-8")) if source.exists() else {}))


if __name__ == "__main__":
    main()
