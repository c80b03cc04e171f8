"""Everything that speaks against a comparison, in one list; and the refusal of it where somebody is strict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.base.errors import UnfairComparison
from eyechart.base.foreign_text import shown
from eyechart.comparison.alarms import Suspicions, alarms, suspicions
from eyechart.comparison.fairness import unfairness
from eyechart.comparison.naming import told_apart
from eyechart.comparison.stored import read_each
from eyechart.files.storage import read_run
from eyechart.words.findings import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from eyechart.schema import Finding, Language, RunRecord

GRAVITY = ("alarm", "unfair", "note")
REFUSALS: dict[Language, str] = {
    "en": "What speaks against this comparison ({number}), where --strict expects nothing:\n{listed}\n"
    "Mend that and run again, or leave --strict out: then this is listed and the numbers are shown.",
    "fr": "Ce qui parle contre cette comparaison ({number}), alors que --strict n'admet rien\u202f:\n{listed}\n"
    "Corrigez et relancez, ou retirez --strict\u202f: alors ceci est énuméré et les chiffres sont montrés.",
}


def find(run_folders: list[Path]) -> list[Finding]:
    """Alarms, broken rules and notes of these runs, the gravest first."""
    runs = {folder: read_run(folder) for folder in run_folders}
    return findings(runs, read_each(runs, suspicions))


def findings(runs: dict[Path, RunRecord], suspected: Sequence[Suspicions]) -> list[Finding]:
    """The same of runs that were looked at already."""
    apart = told_apart(runs)
    found = unfairness(apart) + alarms(
        [Suspicions(run, each.facts) for run, each in zip(apart, suspected, strict=True)]
    )
    return sorted(found, key=lambda finding: GRAVITY.index(finding.kind))


def refuse(findings: Sequence[Finding], lang: Language = "en") -> None:
    """UnfairComparison when there is an alarm or a broken rule among the findings; notes break nothing."""
    grave = [shown(sentence(finding, lang)) for finding in findings if finding.kind != "note"]
    if grave:
        listed = "\n".join(f"  {number}. {each}" for number, each in enumerate(grave, 1))
        raise UnfairComparison(REFUSALS[lang].format(number=len(grave), listed=listed))
