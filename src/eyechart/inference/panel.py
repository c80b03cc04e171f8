"""Several runs, or files that were exported from some, opened once, answer the same pictures side by side."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from eyechart.base.errors import DatasetError, MissingError, StorageError, UsageError
from eyechart.files.file_names import readable
from eyechart.files.places import own_folder
from eyechart.files.storage import STUDY_FILE, find_runs, is_run, no_runs, read_run, read_study
from eyechart.inference.onnx_file import is_exported, open_exported
from eyechart.inference.prediction import PictureAnswer, PicturePredictor, open_run
from eyechart.inference.seeing import Seen, Source, see

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from eyechart.schema import InkFacts, Preprocessing, RunRecord

PICTURES_AT_ONCE = 32  # read and prepared before the networks are asked


class Asked(NamedTuple):
    """One picture and what everybody says of it."""

    source: Source
    seen: Seen | None  # by the first run; None: it cannot be read
    answers: tuple[PictureAnswer, ...]  # one a run, in the panel's order

    def without_steps(self) -> Asked:
        """The same with the first step alone, the picture as it came: the others are large."""
        return self if self.seen is None else self._replace(seen=self.seen._replace(steps=self.seen.steps[:1]))


@dataclass(frozen=True)
class Panel:
    """Runs that answer together."""

    predictors: tuple[PicturePredictor, ...]

    def ask(self, sources: Iterable[Source], *, raw: bool = False) -> Iterator[Asked]:
        """Every picture in its order; one that cannot be read has answers that say why.

        `raw`: pictures are taken as each run's dataset would have read them, and a class is named in any case.
        """
        waiting = iter(sources)
        while some := list(islice(waiting, PICTURES_AT_ONCE)):
            seen_by = self.see(some, raw=raw)
            answered = [
                answer_all(predictor, some, seen, raw=raw)
                for predictor, seen in zip(self.predictors, seen_by, strict=True)
            ]
            for place, source in enumerate(some):
                first = seen_by[0][place]
                yield Asked(source, None if isinstance(first, str) else first, tuple(each[place] for each in answered))

    def see(self, sources: Sequence[Source], *, raw: bool = False) -> list[list[Seen | str]]:
        """For each run, in the panel's order, what it gets of each picture, or why that cannot be read."""
        read = [_read(source) for source in sources]
        views = {view: _see_all(sources, read, view) for view in {_view(each, raw) for each in self.predictors}}
        return [views[_view(predictor, raw)] for predictor in self.predictors]  # most runs share one


def open_panel(paths: Sequence[Path], *, device: str = "auto") -> Panel:
    """The runs of these folders and exported files, each opened once, in this order.

    StorageError for what is none, or holds no finished run; UsageError for nothing at all.
    """
    if not paths:
        raise UsageError(
            "No run was named to ask. Expected folders of runs or of studies, or files of eyechart export."
        )
    asked = dict.fromkeys(each for path in paths for each in ([path] if is_exported(path) else runs_at(path)))
    return Panel(tuple(open_exported(each) if is_exported(each) else open_run(each, device=device) for each in asked))


def chosen_runs(paths: Sequence[Path]) -> list[Path]:
    """Who is asked, each once: runs themselves, and of each study one of each contender.  Errors as `runs_at` has."""
    return list(dict.fromkeys(run for path in paths for run in runs_at(path)))


def is_asked(path: Path) -> bool:
    """Whether a path names who is asked (a run, a study, or an exported file), and not a picture."""
    return is_run(path) or (path / STUDY_FILE).is_file() or is_exported(path)


def runs_at(path: Path) -> list[Path]:
    """A run itself; of a study one finished run of each contender, the first in the stored order of its seeds."""
    if is_run(path) or not (path / STUDY_FILE).is_file():
        read_run(path)  # says what is there instead
        return [own_folder(path)]
    study = read_study(path)
    finished: dict[str, list[tuple[RunRecord, Path]]] = {}
    for folder in find_runs([path]):
        record = read_run(folder)
        if record.status == "finished" and not record.judged_on:
            finished.setdefault(record.contender, []).append((record, folder))
    if not finished:
        raise StorageError(_nobody_in(path))
    seeds, contenders = list(study.seeds), list(study.contenders)
    order = sorted(finished, key=lambda name: contenders.index(name) if name in contenders else len(contenders))
    return [min(finished[name], key=lambda one: _place(seeds, one[0].seed))[1] for name in order]


def _nobody_in(study: Path) -> str:
    """Why a study has nobody to ask."""
    states = {read_run(folder).status for folder in find_runs([study])}
    if states == {"diverged"}:
        return (
            f"Every run in {study} diverged, and a network whose loss was no number has no answers to give. "
            f"Train again with a lower learning rate (--lr), or name another study."
        )
    return no_runs([study])


def _place(seeds: list[int], seed: int) -> tuple[int, int]:
    return (seeds.index(seed) if seed in seeds else len(seeds), seed)


def _read(source: Source) -> bytes | str:
    """Its bytes, or why it cannot be read."""
    try:
        return source.read()
    except (DatasetError, MissingError, OSError) as error:
        return _why(error)


View = tuple["Preprocessing", "InkFacts | None"]  # by what pictures are read


def _view(predictor: PicturePredictor, raw: bool) -> View:
    """What of a run decides how it sees pictures, and nothing else, so that runs with the same one share it."""
    frame = predictor.facts.preprocessing
    same = {
        "input_channels": 1,
        "input_height": 1,
        "input_width": 1,
        "fit": "resize",
        "mean": (),
        "std": (),
        "ink": None,
    }
    return frame.model_copy(update=same), None if raw else predictor.expected.ink


def _see_all(sources: Sequence[Source], read: Sequence[bytes | str], view: View) -> list[Seen | str]:
    """What is seen of each, or why it cannot be read."""
    frame, ink = view
    seen: list[Seen | str] = []
    for source, content in zip(sources, read, strict=True):
        if isinstance(content, str):
            seen.append(content)
            continue
        try:
            seen.append(see(source, frame, ink, content=content))
        except (DatasetError, MissingError) as error:
            seen.append(_why(error))
    return seen


def _why(error: Exception) -> str:
    return error.told() if isinstance(error, DatasetError | MissingError) else str(error)


def answer_all(
    predictor: PicturePredictor, sources: Sequence[Source], seen: Sequence[Seen | str], *, raw: bool = False
) -> list[PictureAnswer]:
    """What one run says of pictures that it has seen; of one that cannot be read, why."""
    names = [readable(source.name) for source in sources]
    good = [(name, one) for name, one in zip(names, seen, strict=True) if not isinstance(one, str)]
    answers = iter(predictor.answer_seen([name for name, _ in good], [one for _, one in good], knows_unlike=not raw))
    run, contender = predictor.facts.run, predictor.facts.contender
    return [
        PictureAnswer(name, None, None, {}, [], run, contender, error=one) if isinstance(one, str) else next(answers)
        for name, one in zip(names, seen, strict=True)
    ]
