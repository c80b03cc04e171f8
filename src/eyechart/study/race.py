"""A study from its plan to its report: settled, forewarned, run under a live table, and put in its place."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from eyechart.terminal.lines import aloud, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from eyechart.launch.driver import Launcher
    from eyechart.schema import DatasetCard, Language, StudyRecord
    from eyechart.study.folder import Opened
    from eyechart.study.shards import Shard
    from eyechart.study.study import Study

Value = TypeVar("Value")


def race(
    record: StudyRecord,
    folder: Path,
    *,
    resume: bool,
    exist_ok: bool,
    offline: bool,
    quiet: bool = False, strict: bool = False, lang: Language = "en", exam: bool = False,
    jobs: int = 1, shard: Shard | None = None, launch: Launcher | None = None,
) -> Study:  # fmt: skip
    """Fetch what is needed, say what speaks against the plan, do the runs under a live table, write the report.

    With an `exam` the finished runs read the eye chart before the report is written.  Up to `jobs` runs are done at
    once, or as `launch` does them.  Nobody else may work in the folder meanwhile, and nothing is changed in it before
    all of that is there; with a `shard`, others may do the rest of the plan there, and whoever ends last writes the
    report.

    Raises UnfairComparison before the first run where `strict` and the plan breaks a rule.
    """
    from eyechart.study import folder as study_folder
    from eyechart.study.study import run_study
    from eyechart.study.together import check_memory, check_together, launcher_of
    from eyechart.study.until import run_until_decided
    from eyechart.terminal.live import LiveTable

    check_together(record.rules.budget, jobs)
    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)
        (silent if quiet else aloud)(sentence)

    with _holding(folder, shard, exist_ok, tell) as alone:
        with alone():
            opened = look_at(record, folder, shard, resume, exist_ok)
            settled_record, card = settled(opened.record, study_folder.content_of(opened.folder), offline, tell)
            opened = replace(opened, record=settled_record)
            forewarn(opened.record, card.num_test, tell, strict, lang, jobs)
            check_memory(opened.record, folder, jobs, tell)
            (study_folder.take_shared if shard else study_folder.take)(opened)
        with contextlib.nullcontext(lambda progress: None) if quiet else LiveTable(told=told) as table:
            do = partial(run_until_decided, say=tell) if record.rules.looking else partial(run_study, shard=shard)
            study = do(opened.record, opened.folder, table, offline=offline, home=folder,
                       launch=launch or launcher_of(jobs))  # fmt: skip
        with alone():
            _conclude(study, opened, exam, tell, lang)
    return study


def _holding(
    folder: Path, shard: Shard | None, exist_ok: bool, tell: Callable[[str], None]
) -> AbstractContextManager[Callable[[], AbstractContextManager[None]]]:
    """The folder for us alone, or shared with other shards; what that yields keeps these out for a moment."""
    from eyechart.base.errors import UsageError
    from eyechart.files.locks import hold, share

    if shard is None:
        return _yielding(hold(folder, tell), contextlib.nullcontext)
    if exist_ok:
        raise UsageError(
            "--exist-ok replaces a study, and --shard does a part of one: whoever came second would replace what the "
            "first has done. Choose another --name, or replace the study without --shard."
        )
    # Thirds beside halves would do some runs twice, at the same time in one folder.
    return share(folder, f"{shard.place}-of-{shard.number}", tell, beside=f"*-of-{shard.number}")


@contextlib.contextmanager
def _yielding(held: AbstractContextManager[None], value: Value) -> Iterator[Value]:
    with held:
        yield value


def look_at(record: StudyRecord, folder: Path, shard: Shard | None, resume: bool, exist_ok: bool) -> Opened:
    """The plan, joined to what is there, and where it is carried out; nothing is written.  UsageError: it cannot be."""
    from eyechart.study.folder import open_shared, open_study

    return open_shared(record, folder) if shard else open_study(record, folder, resume=resume, exist_ok=exist_ok)


def _conclude(study: Study, opened: Opened, exam: bool, tell: Callable[[str], None], lang: Language) -> None:
    """After the last run: the exam and the report, which a shard leaves to others while runs are missing."""
    from eyechart.files import addresses
    from eyechart.study import folder as study_folder

    study_folder.conclude(study, opened)
    if study.shard:
        addresses.fetch(study.folder, addresses.but_weights)  # others may have worked at a copy of their own
    if study.shard and (missing := study.missing):
        tell(
            f"shard {study.shard} is done; {len(missing)} runs of the study are not: {', '.join(missing)}. "
            f"The shard that ends last writes the report, and so does: eyechart report {study.folder}"
        )
        return
    if exam:
        if study.shard:
            addresses.fetch(study.folder)  # the networks that are examined
        _hold_exam(study, tell)
    if study.runs:
        tell(f"report: {study.report(lang=lang)}")


def _hold_exam(study: Study, tell: Callable[[str], None]) -> None:
    """Where images have a class each and some run is finished; what goes wrong is told, and the study stays."""
    from eyechart.base.errors import EyechartError, is_of_memory

    if not any(run.task == "classification" and run.status == "finished" for run in study.runs):
        return
    from eyechart.runner.exam import examine

    try:
        examine(study.folder, tell, num_threads=study.record.rules.num_threads, device=study.record.rules.device)
    except EyechartError as error:
        tell(f"no eye test: {error}")
    except Exception as error:
        if not is_of_memory(error):
            raise
        tell(f"no eye test: the memory is full. It may be held later: eyechart exam {study.folder} --device cpu")


def settled(
    record: StudyRecord, content_sha256: str, offline: bool, say: Callable[[str], None]
) -> tuple[StudyRecord, DatasetCard]:
    """Fetch data and weights, and settle what the record leaves open; the data as it is now.

    `content_sha256` is what runs that are there were trained on, for records that do not say; empty: there are none.
    Raises DatasetError when the data has changed since.
    """
    from eyechart.data.catalog import KNOWN, load_dataset
    from eyechart.data.content import check_content
    from eyechart.data.splits import parts_in_words
    from eyechart.files.places import seen_from_here
    from eyechart.study.machine import open_machines, settle_machine
    from eyechart.study.plan import check_starts, settle_options, settle_weights

    open_machines(record.rules)  # a device that is not here is told before anything is fetched
    reference = seen_from_here(record.rules.dataset, record.started_in, KNOWN)
    dataset = load_dataset(reference, img_size=record.rules.img_size, offline=offline, say=say)
    card = dataset.card
    check_content(card, record.dataset_sha256 or content_sha256, record.name)
    say(parts_in_words(dataset, record.rules))
    record = record.model_copy(update={"dataset_sha256": card.content_sha256})
    record = settle_options(settle_weights(record, offline, say), dataset)
    check_starts(record, dataset, offline)
    return settle_machine(record, offline, say), card


def forewarn(
    record: StudyRecord, num_test: int, tell: Callable[[str], None], strict: bool, lang: Language, jobs: int = 1
) -> None:
    """Say what speaks against a plan, while nothing is trained yet; UnfairComparison where that is an error.

    `num_test` images are in the dataset's test part, and `jobs` runs are done at once.
    """
    from eyechart.base.host import host_facts
    from eyechart.comparison.beforehand import busy_share, plan_unfairness
    from eyechart.comparison.findings import refuse
    from eyechart.words.findings import KINDS, sentence

    findings = plan_unfairness(record, host_facts(None, record.rules.num_threads), busy_share(), num_test, jobs)
    for finding in findings:
        tell(f"{KINDS[lang][finding.kind]}: {sentence(finding, lang)}")
    if strict:
        refuse(findings, lang)
