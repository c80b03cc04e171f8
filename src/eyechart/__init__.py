"""eyechart: an eye test for vision models.

    import eyechart as ec
    study = ec.run(models=["cnn", "vit"], data="mnist", preset="quick")
    study.table()
    study.compare().verdicts
    study.report()

The same as `eyechart run` on the command line.  Importing this package does not import torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.base.errors import EyechartError, UsageError
from eyechart.files.places import user_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eyechart.inference.prediction import PictureAnswer
    from eyechart.report.looked.seen import Explanation
    from eyechart.schema import Budget, Comparison, Recipe, Rules, RunRecord
    from eyechart.study.study import Study

__all__ = [
    "Budget", "Comparison", "EyechartError", "Recipe", "Rules", "RunRecord", "Study", "compare", "explain",
    "open_study", "predict", "run",
]  # fmt: skip


def run(
    models: str | Sequence[str] = (), data: str | Path = "mnist", preset: str = "quick",
    seeds: int | Iterable[int] = (0,), *, most_seeds: int | None = None,
    budget: Budget | None = None,
    recipe: dict[str, Any] | None = None, recipes: str | Path | Sequence[str | Path] = (), robust: bool = False,
    device: str | None = None, precision: str | None = None, threads: int | None = None,
    img_size: int | None = None, fraction: float | None = None,
    output: str | Path = "runs", name: str | None = None, resume: bool = False, exist_ok: bool = False,
    offline: bool = False, quiet: bool = False, strict: bool = False, exam: bool = False, jobs: int = 1,
) -> Study:  # fmt: skip
    """Train contenders on the same images under the same rules; the study that results.

    Args:
        models, seeds: one or several; names such as "cnn" or "vgg16:hed:head", none: all five.
        most_seeds: add seeds until every pair is decided, so many at most; `seeds` is not asked then.
        data, preset: a known dataset, or a folder or zip; "quick", "standard" or "smoke".
        budget: replaces the preset's, such as ec.Budget(unit="epochs", amount=2).
        recipe, recipes: fields of every recipe to replace, {"learning_rate": 0.1}; files that `eyechart tune` wrote.
        robust, name: whether training images are spoiled, as `--robust` does; of the folder in `output`, None: made.
        quiet, exam: no table, no lines; the eye test afterwards, kept as exam.json in the study's folder.
        jobs: runs at once, each on cores of its own; their times are shared, and never claimed.
        strict: UnfairComparison where something speaks against the plan or, afterwards, against the results.

    Raises UsageError, MissingError (data or weights), RunFailed (its `reasons` say why), Interrupted (after saving).
    """
    from eyechart.study.plan import folder_of, plan_study
    from eyechart.study.race import race
    from eyechart.study.together import threads_each

    record = plan_study(
        models, str(data), preset, seeds, name=name, changes=(recipe or {}) | {"robust": robust}, recipe_files=recipes,
        most_seeds=most_seeds, budget=budget, img_size=img_size, fraction=fraction, device=device,
        precision=precision, num_threads=threads_each(jobs, threads),
    )  # fmt: skip
    folder = folder_of(record, _here(output, is_fetched=False))
    done = race(record, folder, resume=resume, exist_ok=exist_ok, offline=offline, quiet=quiet, strict=strict,
                exam=exam, jobs=jobs)  # fmt: skip
    done.raise_failures()
    if strict:
        done.check_fairness()
    return done


def open_study(folder: str | Path) -> Study:
    """A study that is on the disk; StorageError when there is none."""
    from eyechart.files.storage import read_study
    from eyechart.study.study import Study

    place = _here(folder)
    return Study(place, read_study(place))


def compare(*runs: str | Path | Sequence[str | Path]) -> Comparison:
    """Which contender is better, by how much and how sure: verdicts for every pair, with the numbers behind them.

    `runs` are folders of runs, of studies, or of several studies, also as a list.  UsageError unless all were tested on
    the same images.
    """
    from eyechart.comparison.compare import compare_runs
    from eyechart.files.storage import find_runs

    return compare_runs(find_runs([folder for each in runs for folder in _paths(each)]))


def predict(
    runs: str | Path | Sequence[str | Path],
    pictures: str | Path | Sequence[str | Path],
    *,
    raw: bool = False,
    device: str = "auto",
) -> list[PictureAnswer]:
    """What trained contenders see in pictures: the answers to each picture, run after run.

    Args:
        runs: folders of runs or of studies; of a study, one finished run of each contender, its first seed.  Or files
            that `eyechart export` wrote as ONNX.
        pictures: files, or folders of such (one level).
        raw: pictures as they come, not prepared as the runs' training images are, and a class named in any case.

    An answer without a label says why: `remark` and `said` (blank, several digits, unlike the training images, nothing
    found), or `error` for a picture that cannot be read.  StorageError for what is no run, UsageError for no picture.
    """
    from eyechart.inference.panel import open_panel
    from eyechart.inference.seeing import find_sources

    sources = find_sources(_paths(pictures))
    panel = open_panel(_paths(runs), device=device)
    return [answer for asked in panel.ask(sources, raw=raw) for answer in asked.answers]


def _here(path: str | Path, is_fetched: bool = True) -> Path:
    """A path of this machine: an address (s3://...) stands for its copy here, which is brought up to date."""
    from eyechart.files.addresses import everything, here

    return here(path, everything if is_fetched else None)


def _paths(given: str | Path | Sequence[str | Path]) -> list[Path]:
    return [_here(path) for path in ([given] if isinstance(given, str | Path) else given)]


def explain(
    runs: str | Path | Sequence[str | Path],
    image: str | Path,
    *,
    output: str | Path | None = None,
    checks: int = 30,
    raw: bool = False,
    device: str = "auto",
    threads: int | None = None,
    lang: str = "en",
    exist_ok: bool = False,
) -> Explanation:
    """What trained contenders looked at on a picture: maps as arrays, answers, and whether the maps are to be trusted.

    Args:
        runs: folders of runs, or of studies, of which one run of each contender is asked.
        output: a folder for figures, numbers and arrays; None: nothing is written.
        checks: validation images that the maps are checked on; 0: no checks.
        raw: the picture as it comes, not prepared as `predict` prepares it.
        exist_ok: whether `output` may be there already, and is overwritten then.

    What `predict` says in the place of a class stands in `remark`.  Raises an EyechartError: UsageError, MissingError
    (captum), StorageError (weights), DatasetError (the picture).
    """
    from eyechart.inference.panel import chosen_runs
    from eyechart.report.looked.files import write_explanation
    from eyechart.runner.explain import explain_picture
    from eyechart.terminal.lines import silent
    from eyechart.words.speech import speech

    language, folder = speech(lang).lang, None if output is None else user_path(output)
    if folder is not None and folder.exists() and not exist_ok:
        raise UsageError(f"{folder} is there already. Name another output, or overwrite it with exist_ok=True.")
    found = explain_picture(
        chosen_runs(_paths(runs)), user_path(image), silent, num_checked=checks, num_threads=threads, device=device,
        raw=raw,
    )  # fmt: skip
    if folder is not None:
        write_explanation(found, folder, language)
    return found


def __getattr__(name: str) -> Any:
    """Records are imported when they are asked for, so that `eyechart --help` does not wait for them."""
    if name in ("Budget", "Comparison", "Recipe", "Rules", "RunRecord"):
        from eyechart import schema

        return getattr(schema, name)
    if name == "Study":
        from eyechart.study.study import Study

        return Study
    raise AttributeError(f"module 'eyechart' has no attribute {name!r}")
