"""What the comparison says of two contenders, looked up in either order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from eyechart.report.entries import Entry
from eyechart.schema import Comparison, Family, Summary, Verdict
from eyechart.scoring.measures import MEASURES


@dataclass(frozen=True)
class Pairs:
    """A comparison with its verdicts and summaries by name."""

    comparison: Comparison

    @property
    def primary(self) -> str:
        """The question that was asked beforehand; other metrics are exploratory."""
        return self.comparison.primary

    @cached_property
    def _verdicts(self) -> dict[tuple[str, frozenset[str]], Verdict]:
        return {(each.metric, frozenset((each.first, each.second))): each for each in self.comparison.verdicts}

    @cached_property
    def _summaries(self) -> dict[tuple[str, str], Summary]:
        return {(each.metric, each.contender): each for each in self.comparison.summaries}

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Metrics with a verdict, the primary one first."""
        found = dict.fromkeys(verdict.metric for verdict in self.comparison.verdicts)
        return tuple(sorted(found, key=lambda metric: metric != self.primary))

    @cached_property
    def measured(self) -> tuple[str, ...]:
        """Metrics that are compared and have a summary, in the order of the comparison."""
        found = dict.fromkeys(summary.metric for summary in self.comparison.summaries)
        return tuple(metric for metric in found if metric in MEASURES)

    def verdict(self, one: Entry, other: Entry, metric: str | None = None) -> Verdict | None:
        """In the primary metric, if none is named; None where there is nothing, as of one that diverged."""
        return self._verdicts.get((metric or self.primary, frozenset((one.name, other.name))))

    def is_better(self, one: Entry, other: Entry, metric: str | None = None) -> bool:
        """Whether it was shown, of the architectures or at least of these runs."""
        found = self.verdict(one, other, metric)
        return found is not None and found.kind == "better" and found.first == one.name

    def summary(self, entry: Entry, metric: str) -> Summary | None:
        return self._summaries.get((metric, entry.name))

    def family(self, metric: str) -> Family | None:
        return next((family for family in self.comparison.families if family.metric == metric), None)


def not_shown_to_differ(entries: list[Entry], pairs: Pairs) -> list[Entry]:
    """The contenders after the first that it was not shown to be better than; diverged ones are left out."""
    standing = [entry for entry in entries if not entry.diverged]
    return [entry for entry in standing[1:] if not pairs.is_better(standing[0], entry)]
