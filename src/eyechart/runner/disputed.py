"""What the contenders of a study looked at on the test images that divide them, kept for the report's section."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base import host
from eyechart.base.errors import StorageError, UsageError
from eyechart.evaluation.predict import to_device
from eyechart.files import storage
from eyechart.inference.seeing import Seen
from eyechart.insight.methods import askable, cannot_ask, explain
from eyechart.insight.pixels import captum_attr
from eyechart.report.disagreement import most_divided, read_all
from eyechart.report.entries import MOST_SHOWN, group_runs, read_runs
from eyechart.runner.explain import NUM_CHECKED, OpenedRun, check_number, checks_of, opened
from eyechart.schema.explain import (
    EXPLAIN_FILE,
    EXPLAIN_FOLDER,
    EXPLAIN_VERSION,
    METHODS,
    ChecksRecord,
    ExplainedRun,
    ExplainedStudy,
)
from eyechart.words.speech import ENGLISH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NUM_IMAGES = 6  # the most disputed ones


def look_at_disputed(
    runs: Sequence[Path],
    say: Callable[[str], None],
    *,
    num_checked: int = NUM_CHECKED,
    num_threads: int | None = None,
    device: str = "auto",
) -> ExplainedStudy:
    """Maps of a study's most disputed test images by one run of each contender, checked, and kept beside the runs.

    What was made of the same weights and images is not made again.  Raises UsageError for runs of several studies, of
    scenes, or that dispute nothing; StorageError for missing predictions, images or weights.
    """
    captum_attr()
    check_number(num_checked)
    home = _home(runs)
    entries = [entry for entry in group_runs(read_runs(list(runs))) if not entry.diverged]
    if not entries or entries[0].first.task != "classification":
        raise UsageError(f"{home} has no finished run on images that have a class each; expected one or more.")
    missing: list[str] = []
    items, answers = read_all(entries[:MOST_SHOWN], missing, ENGLISH)
    if items is None or not answers:
        raise StorageError(" ".join(missing))
    for sentence in missing:
        say(sentence)
    chosen = most_divided(np.stack([each.probabilities for each in answers]), items["labels"])[:NUM_IMAGES]
    if not len(chosen):
        raise UsageError(f"The contenders of {home} dispute no test image, so there is none to explain. Name a "
                         f"picture: eyechart explain {home} IMAGE.")  # fmt: skip
    images = np.asarray(items["images"][chosen])
    where = host.select_device(device)
    host.set_threads(num_threads or entries[0].first.rules.num_threads)
    looked = []
    for place, each in enumerate(answers, 1):
        say(f"what {each.run.record.run} looked at ({place} of {len(answers)})")
        run = opened(each.run.folder, where)
        checks = checks_of(run, num_checked, say) if num_checked else None
        looked.append(_look(run, images, checks))
    items_file = answers[0].run.record.items
    record = ExplainedStudy(items=items_file, chosen=tuple(chosen.tolist()), runs=tuple(looked))
    storage.write_record(home / EXPLAIN_FILE, record)
    return record


def _home(runs: Sequence[Path]) -> Path:
    homes = {folder.resolve().parent for folder in runs}
    if len(homes) != 1:
        raise UsageError(
            f"--explain looks at one study at a time, and these runs lie in {len(homes)} folders. Expected the folder "
            f"of one study."
        )
    return runs[0].parent


def _look(run: OpenedRun, images: np.ndarray, checks: ChecksRecord | None) -> ExplainedRun:
    """Answers, and the maps in a file beside the run's checks: "<method>" float16 (N, H, W)."""
    record, asked = run.record, run.asked
    first = to_device(images[:1], asked.device)
    cannot = cannot_ask(asked, first)
    given = [run.answer(to_device(images[number : number + 1], asked.device)) for number in range(len(images))]
    remarks = [run.remark(Seen(image, image.shape[1:])) for image in images]  # as they are: none needs preparing
    path = run.folder.parent / EXPLAIN_FOLDER / f"{run.folder.name}.npz"
    key = {
        "version": np.array(EXPLAIN_VERSION),
        "weights": np.array(record.weights_sha256),
        "images": np.array(storage.digest_arrays({"images": images})),
    }
    if not is_kept(path, key):
        methods = askable(asked, first)
        maps: dict[str, list[np.ndarray]] = {method: [] for method in methods}
        for number, (answer, _) in enumerate(given):
            image = to_device(images[number : number + 1], asked.device)
            for method, found in explain(asked, image, answer, methods).maps.items():
                maps[method].append(found.values)
        arrays = {method: np.stack(each).astype(np.float16) for method, each in maps.items()}
        storage.write_arrays(path, key | arrays)
    return ExplainedRun(
        run=run.folder.name,
        contender=record.contender,
        weights_sha256=record.weights_sha256,
        answers=tuple(answer for answer, _ in given),
        probabilities=tuple(probability for _, probability in given),
        remarks=tuple(remarks),
        cannot=cannot,
        checks=checks,
    )


def is_kept(path: Path, key: dict[str, np.ndarray]) -> bool:
    """Whether the file holds maps of the same version, weights and images."""
    if not path.is_file():
        return False
    kept = storage.read_arrays(path)
    return all(name in kept and str(kept[name]) == str(value) for name, value in key.items()) and bool(
        set(METHODS) & kept.keys()
    )
