"""What must be known before trusting the numbers: it stands at the top of the report, when there is any.

Only facts that stand in the run files.  Suspicious results (constant answers, a stuck loss) belong to comparison/.
"""

from __future__ import annotations

from collections.abc import Callable

from eyechart.report.answer import described_budget, is_pretrained, runs_of
from eyechart.report.entries import Entry, Run
from eyechart.report.numbers import plural, spoken_list
from eyechart.report.speech import Speech

MOST_NAMED = 6


def notices(entries: list[Entry]) -> list[str]:
    """One sentence each, the gravest first."""
    runs = runs_of(entries)
    found = [
        _diverged(entries),
        _test_opened_again(runs),
        _other_test_images(runs),
        _other_training_images(runs),
        _other_rules(runs),
        _other_machines(runs),
        _resumed(runs),
        _pretrained(entries),
    ]
    return [notice for notice in found if notice]


def same_machine(runs: list[Run]) -> bool:
    """Whether times may be compared: one computer, one device, the same threads and versions."""
    return len({_machine(run) for run in runs}) == 1


def _machine(run: Run) -> tuple[object, ...]:
    host = run.record.host
    return host.hostname, host.cpu, host.device, host.num_threads, tuple(sorted(host.versions.items()))


def _named(runs: list[Run]) -> str:
    names = [run.record.run for run in runs[:MOST_NAMED]]
    return spoken_list([*names, f"{len(runs) - MOST_NAMED} more"] if len(runs) > MOST_NAMED else names)


def _diverged(entries: list[Entry]) -> str:
    failed = [run for run in runs_of(entries) if run.diverged]
    if not failed:
        return ""
    return (
        f"{plural(len(failed), 'run')} diverged: {_named(failed)}. "
        "A run that diverges counts as a failure of its contender; the means are of its finished runs, and flatter it."
    )


def _test_opened_again(runs: list[Run]) -> str:
    suspicious = [run for run in runs if run.record.test_accesses != 1]
    if not suspicious:
        return ""
    return f"The test images were not opened exactly once in {_named(suspicious)}: those scores are not to be trusted."


def _other_test_images(runs: list[Run]) -> str:
    if _number_of(runs, lambda run: run.record.splits.test_sha256) == 1:
        return ""
    return "The runs were judged on different test images; their errors cannot be compared image by image."


def _other_training_images(runs: list[Run]) -> str:
    """Different seeds may cut validation differently; within one seed all must have the same training images."""
    differing = [
        seed
        for seed in sorted({run.record.seed for run in runs})
        if _number_of([run for run in runs if run.record.seed == seed], lambda run: run.record.splits.train_sha256) > 1
    ]
    return f"The contenders did not train on the same images (seed {differing[0]})." if differing else ""


def _other_rules(runs: list[Run]) -> str:
    rules = {run.record.rules for run in runs}
    if len(rules) == 1:
        return ""
    budgets = sorted({described_budget(each, Speech()) for each in rules})
    different = f": {spoken_list(budgets[:MOST_NAMED])}" if len(budgets) > 1 else ""
    return f"The runs follow {len(rules)} different sets of rules{different}. It was not one fair race."


def _other_machines(runs: list[Run]) -> str:
    if same_machine(runs):
        return ""
    return "The runs were made with different machines, threads or versions: their times cannot be compared."


def _resumed(runs: list[Run]) -> str:
    resumed = [run for run in runs if len(run.record.clocks.segments) > 1]
    if not resumed:
        return ""
    number = plural(len(resumed), "run")
    return f"{number} stopped and resumed ({_named(resumed)}); their times are sums of the active stretches."


def _pretrained(entries: list[Entry]) -> str:
    started = [f"{entry.name} ({entry.first.weights.pretrained_on})" for entry in entries if is_pretrained(entry)]
    if not started or len(started) == len(entries):
        return ""
    verb = "starts" if len(started) == 1 else "start"
    named = spoken_list(started[:MOST_NAMED])
    return f"{named} {verb} from weights trained on other images; the others start from random ones."


def _number_of(runs: list[Run], fact: Callable[[Run], object]) -> int:
    return len({fact(run) for run in runs})
