"""The clocks: what training took in seconds, CPU time, operations and matrix products, and whether to trust it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from eyechart.comparison.timing import Milestone, Spread, Timing, timing
from eyechart.report.entries import Entry, runs_of
from eyechart.report.leaderboard import Cell
from eyechart.report.section import Section
from eyechart.scoring.times import foreign_share, is_spoiled
from eyechart.words.speech import Speech


@dataclass(frozen=True)
class TimingRow:
    """One contender: figures, then words."""

    entry: Entry
    cells: tuple[Cell, ...]
    conditions: str  # what a time means nothing without
    marks: str  # spoiled and resumed runs; empty: none


@dataclass(frozen=True)
class TimingSection:
    finding: str
    columns: tuple[tuple[str, str], ...]  # title, explained; one for each cell
    rows: tuple[TimingRow, ...]
    notes: tuple[str, ...]


def section(entries: list[Entry], say: Speech) -> TimingSection:
    """A row a contender, in the order of `entries`; every run counts, diverged ones as never having arrived."""
    timings = [timing(entry.name, [run.record for run in entry.runs]) for entry in entries]
    rows = tuple(_row(entry, each, say) for entry, each in zip(entries, timings, strict=True))
    return TimingSection(_finding(entries, say), _columns(timings[0], say), rows, _notes(entries, say))


def _columns(first: Timing, say: Speech) -> tuple[tuple[str, str], ...]:
    goals = tuple(
        (
            say(f"To {say.short_percent(each.accuracy)}", f"Jusqu'à {say.short_percent(each.accuracy)}"),
            say(
                "training time of the first look at validation that is at or above it",
                "temps d'entraînement du premier contrôle de validation qui l'atteint ou le dépasse",
            ),
        )
        for each in first.milestones
    )
    return (
        (say("Training", "Entraînement"), say("wall time", "temps d'horloge")),
        (say("CPU time", "Temps CPU"), say("all threads, and child processes", "tous les fils et processus enfants")),
        (
            say("Operations", "Opérations"),
            say("FLOP of the whole training, counted", "FLOP de tout l'entraînement, comptées"),
        ),
        (
            say("Products", "Produits"),
            say(
                "matrix products of 2,048 x 2,048 that this machine would have done in the training time",
                "produits de matrices 2 048 x 2 048 que cette machine aurait faits dans le temps d'entraînement",
            ),
        ),
        *goals,
        (
            say("Other load", "Autre charge"),
            say(
                "share of the machine's cores that other programs took, in the worst run",
                "part des cœurs de la machine prise par d'autres programmes, au pire des entraînements",
            ),
        ),
    )


def _row(entry: Entry, found: Timing, say: Speech) -> TimingRow:
    load = found.foreign_load
    cells = (
        _spread_cell(found.training_seconds, say.seconds, say),
        _spread_cell(found.cpu_seconds, say.seconds, say),
        _spread_cell(found.training_flops, say.scaled, say),
        _spread_cell(found.products, say.scaled, say),
        *(milestone_cell(each, say) for each in found.milestones),
        Cell(say("not known", "inconnue"), "", sys.float_info.max)
        if load is None
        else Cell(say.percent(load, 0), "", load),
    )
    threads = say.counted(found.num_threads, "thread", "fil")
    batches = say(f"batches of {found.batch_size}", f"lots de {found.batch_size}")
    conditions = f"{found.input_pixels} px · {batches} · {found.precision} · {threads} · {found.device}"
    marks = []
    for names, word in ((found.spoiled, say("spoiled:", "perturbé :")), (found.resumed, say("resumed:", "repris :"))):
        marks += [f"{word} {say.listed(list(names))}"] if names else []
    return TimingRow(entry, cells, conditions, say.semicolons(marks))


def _spread_cell(spread: Spread, written: Callable[[float], str], say: Speech) -> Cell:
    """The median, and the range below it where there is one."""
    low, high = written(spread.low), written(spread.high)
    return Cell(
        written(spread.median), "" if low == high else say(f"{low} to {high}", f"{low} à {high}"), spread.median
    )


def milestone_cell(found: Milestone, say: Speech) -> Cell:
    """When it was reached; "not reached" is a result, and so is "reached by 1 of 3"."""
    if found.earliest is None or found.latest is None:
        return Cell(say("not reached", "non atteint"), "", sys.float_info.max)
    early, late = say.seconds(found.earliest), say.seconds(found.latest)
    span = early if early == late else say(f"{early} to {late}", f"{early} à {late}")
    share = say(f"{found.num_reached} of {found.num_runs}", f"{found.num_reached} sur {found.num_runs}")
    if found.seconds is None:
        return Cell(say(f"reached by {share}", f"atteint par {share}"), span, sys.float_info.max)
    if found.num_runs == 1:
        return Cell(say.seconds(found.seconds), "", found.seconds)
    return Cell(say.seconds(found.seconds), f"{share}, {span}", found.seconds)


# --------------------------------------------------------------------------------------------- words


def _finding(entries: list[Entry], say: Speech) -> str:
    """Whether the times can be trusted, as far as that is known; else only what the table holds."""
    runs = [run.record for run in runs_of(entries)]
    shares = [foreign_share(run) for run in runs]
    known = [share for share in shares if share is not None]
    num_spoiled, num_runs = sum(map(is_spoiled, runs)), len(runs)
    if num_spoiled:
        spoiled = say.counted(num_spoiled, "run", "entraînement")
        return say(
            f"Times of {num_spoiled} of {num_runs} runs are not to be trusted: other work beside, or a machine that "
            "changed its pace",
            f"Les temps de {spoiled} sur {num_runs} ne sont pas fiables : d'autres travaux à côté, "
            "ou une machine qui a changé d'allure",
        )
    if len(known) == num_runs:
        most = say.percent(max(known), 0)
        return say(
            f"While they trained, other programs took {most} of the machine's cores at most",
            f"Pendant l'entraînement, les autres programmes ont pris au plus {most} des cœurs de la machine",
        )
    return say("What training took", "Ce que l'entraînement a pris")


def _notes(entries: list[Entry], say: Speech) -> tuple[str, ...]:
    notes = [
        say(
            "A goal is reached at the first look at the validation part that is at or above it; nothing is "
            "interpolated, so a time is as fine as the looks are close.",
            "Un but est atteint au premier contrôle de validation qui l'égale ou le dépasse ; rien n'est interpolé, "
            "un temps est donc aussi fin que les contrôles sont rapprochés.",
        ),
        say(
            "A product is one of two matrices of 2,048 x 2,048 (17.2 GFLOP), at the better of the rates measured "
            "before and after the run: a time in units of this machine, to be compared with other machines.",
            "Un produit est celui de deux matrices 2 048 x 2 048 (17,2 GFLOP), à la meilleure des cadences mesurées "
            "avant et après : un temps en unités de cette machine, à comparer avec d'autres machines.",
        ),
        say(
            "Spoiled: eyechart trained other runs beside, other programs took more than 10 % of the machine's cores, "
            "or its matrix product changed by more than 15 % from before to after.",
            "Perturbé : eyechart menait d'autres entraînements à côté, d'autres programmes ont pris plus de 10 % des "
            "cœurs de la machine, ou son produit matriciel a changé de plus de 15 % entre avant et après.",
        ),
    ]
    if any(len(entry.runs) > 1 for entry in entries):
        notes.append(
            say(
                "Several seeds: the median, with the lowest and the highest; a seed that never got there counts as "
                "later than all others.",
                "Plusieurs graines : la médiane, avec la plus basse et la plus haute ; une graine qui n'y arrive "
                "jamais compte comme plus tardive que toutes les autres.",
            )
        )
    return tuple(notes)


SECTION = Section("clocks", ("Clocks", "Chronomètres"), lambda draft: section(draft.entries, draft.say), "timing.html")
