"""What one run of each contender found on the test scenes, read and judged once for all sections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyechart.base.errors import StorageError
from eyechart.comparison.detections import Judged, judge_detections
from eyechart.files.storage import PREDICTIONS_FILE, read_arrays
from eyechart.report.entries import MOST_SHOWN, Entry, Run, chosen_runs
from eyechart.schema.contracts import FoundBoxes, Predictions
from eyechart.schema.objects import Objects, objects_from
from eyechart.words.speech import Speech

LEAST_SCORE = 0.5  # of a box that counts as an answer, where it matters


@dataclass(frozen=True)
class Finder:
    """One contender's chosen run."""

    entry: Entry
    run: Run
    found: FoundBoxes
    judged: Judged

    def named(self, say: Speech) -> str:
        """The contender, and of which seed it is spoken where it has several."""
        if len(self.entry.judged) < 2:
            return self.entry.name
        seed = self.run.record.seed
        return say(f"{self.entry.name} (seed {seed})", f"{self.entry.name} (graine {seed})")


@dataclass(frozen=True)
class OnScenes:
    """All that sections draw from."""

    finders: tuple[Finder, ...]  # the best first; those that could not be read are missing
    images: np.ndarray  # uint8 (N, C, H, W)
    objects: Objects
    missing: tuple[str, ...]  # what could not be read, in sentences

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(finder.run for finder in self.finders)

    def one_run_each(self, say: Speech) -> str:
        """A sentence for notes, where some have more runs than are shown; else nothing."""
        if all(len(finder.entry.judged) < 2 for finder in self.finders):
            return ""
        return say(" One run of each contender.", " Un entraînement de chaque concurrent.")


def on_scenes(entries: list[Entry], say: Speech) -> OnScenes:
    """Read scenes and boxes; what is gone or does not fit is named instead of shown."""
    missing: list[str] = []
    chosen = chosen_runs(entries[:MOST_SHOWN])
    items = _items([run for _, run in chosen], missing, say)
    if items is None:
        return OnScenes((), np.empty((0, 1, 1, 1), np.uint8), _nothing(), tuple(missing))
    images, objects = items
    finders = [_finder(entry, run, objects, missing, say) for entry, run in chosen]
    return OnScenes(tuple(each for each in finders if each), images, objects, tuple(missing))


def _nothing() -> Objects:
    no_labels = np.empty(0, np.int64)
    return Objects(np.zeros(1, np.int64), np.empty((0, 4), np.float32), no_labels, no_labels > 0, np.empty(0))


def _items(runs: list[Run], missing: list[str], say: Speech) -> tuple[np.ndarray, Objects] | None:
    """The scenes of the first run whose file is there and whole."""
    problems = []
    for path in dict.fromkeys(run.folder.parent / run.record.items for run in runs):
        try:
            items = read_arrays(path)
        except StorageError as error:
            problems.append(str(error))
            continue
        objects = objects_from(items)
        if objects is not None and len(items.get("images", ())) == len(objects):
            return items["images"], objects
        problems.append(
            say(
                f"{path} holds no matching scenes and boxes.",
                f"{path} ne contient pas de scènes et de boîtes qui s'accordent.",
            )
        )
    missing += [
        say(f"The scenes are not shown: {each}", f"Les scènes ne sont pas montrées : {each}") for each in problems
    ]
    return None


def _finder(entry: Entry, run: Run, objects: Objects, missing: list[str], say: Speech) -> Finder | None:
    try:
        arrays = read_arrays(run.folder / PREDICTIONS_FILE)
        found = Predictions.from_arrays(arrays).found()
        fits = len(found.image) == len(found.boxes) == len(found.scores) == len(found.labels)
        fits = fits and (not len(found.image) or int(found.image.max()) < len(objects))
        problem = "" if fits else say("its boxes do not fit these scenes.", "ses boîtes ne vont pas avec ces scènes.")
    except (StorageError, AssertionError, TypeError, KeyError) as error:
        problem = str(error)
    if problem:
        missing.append(say(f"{entry.name} is left out: {problem}", f"{entry.name} est laissé de côté : {problem}"))
        return None
    return Finder(entry, run, found, judge_detections(found, objects, run.record.dataset.classes, LEAST_SCORE))
