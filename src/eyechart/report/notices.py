"""What must be known before trusting the numbers: it stands at the top of the report, when there is any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.words.findings import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.report.entries import Run
    from eyechart.schema import Finding, Language


def notices(findings: Sequence[Finding], lang: Language = "en") -> list[str]:
    """One text for each finding, in their order: the gravest first."""
    return [sentence(finding, lang) for finding in findings]


def same_machine(runs: list[Run]) -> bool:
    """Whether times may be compared: one computer, one device, the same threads and versions."""
    return len({_machine(run) for run in runs}) == 1


def _machine(run: Run) -> tuple[object, ...]:
    host = run.record.host
    return host.hostname, host.cpu, host.device, host.num_threads, tuple(sorted(host.versions.items()))
