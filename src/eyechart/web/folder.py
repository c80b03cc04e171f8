"""`eyechart export --web`: a folder in which all contenders of a study answer, without a server of ours.

index.html page/       the page of serve/, with another back.js, and the preparing of pictures in JavaScript
models/                a network a contender, as ONNX: each was asked beside torch before it was put there
runtime/               ONNX Runtime Web
card.json gallery.json what /api/study and /api/gallery say, and what is needed to read pictures as the runs do
report/                the study's report, if it was written

All addresses in it are relative: it works under any path.  It is made beside its place and moved there when complete.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from eyechart.base.errors import StorageError, UsageError
from eyechart.base.plain_json import json_text
from eyechart.export.exporting import export_run
from eyechart.export.without_paths import contender_without_path
from eyechart.files.storage import REPORT_FILE, disk_error
from eyechart.inference.panel import Panel, open_panel, runs_at
from eyechart.inference.prediction import PicturePredictor
from eyechart.schema import Frozen, InkFacts, Preprocessing
from eyechart.serve.answers import Said, StudyCard
from eyechart.serve.card import study_card
from eyechart.serve.gallery import hardest
from eyechart.serve.limits import Limits
from eyechart.serve.report_files import has_report, report_files
from eyechart.web.runtime import runtime_files
from eyechart.words.remarks import REMARKS, Remark, open_sentence

SERVED = Path(__file__).parents[1] / "serve" / "page"
OWN = Path(__file__).parent / "page"  # a file of the same name takes the served one's place
CHECKED = 1000  # test images on which each network is asked beside torch: a page is made in a minute, not in ten
PARTS = ("page", "runtime", "models", "report")


class AnsweringRun(Frozen):
    """A network in the folder, and how it sees pictures."""

    run: str
    contender: str
    file: str
    bytes: int
    preprocessing: Preprocessing
    ink: InkFacts | None  # what pictures are brought to; None: they are fitted into the frame
    least_sure: float  # below, a picture is unlike the training images


class PageCard(Frozen):
    """card.json."""

    study: StudyCard
    runs: tuple[AnsweringRun, ...]
    remarks: dict[Remark, Said]  # with {count} left open


class Sizes(NamedTuple):
    """Bytes of what lies in an exported folder; a browser loads all but the report, and that once."""

    models: int
    runtime: int
    page: int
    report: int

    @property
    def loaded(self) -> int:
        return self.models + self.runtime + self.page


def export_page(study: Path, target: Path, runtime: Path | None, say: Callable[[str], None]) -> Sizes:
    """Write the folder `target`, which must be new or empty; `say` hears what is being done.

    Raises UsageError for a target that is taken or a package that is missing, StorageError for a study without finished
    runs or a disk that refuses, MissingError where the runtime cannot be had, RunFailed where a network in the folder
    would not answer as its run does.
    """
    _check_free(target)
    program = runtime_files(runtime, say)
    runs = runs_at(study)
    panel = open_panel(runs, device="cpu")
    target = target.resolve()  # of a link, or of ".", where it leads
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=_parent(target)))
    try:
        for part in PARTS:
            (made / part).mkdir()
        _write_page(made, program)
        files = _write_models(made, runs, say)
        report = _write_report(made, study)
        _write_cards(made, study, panel, runs, files, report)
        sizes = _sizes(made)
        made.chmod(0o755)  # temporary folders are their owner's alone, and a server may be somebody else
        if target.is_dir():  # empty, and somebody may stand in it: it is filled, and not put aside for another
            for each in sorted(made.iterdir()):
                each.rename(target / each.name)
        else:
            made.rename(target)
    except OSError as error:
        raise disk_error(target, error) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return sizes


def _check_free(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is there, and not an empty folder; expected a new one. Choose another --web.")


def _parent(target: Path) -> Path:
    parent = target.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{parent} cannot be made ({error.strerror}). Choose another --web.") from None
    return parent


def _write_page(made: Path, program: dict[str, bytes]) -> None:
    for folder in (SERVED, OWN):
        for file in folder.iterdir():
            if file.is_file():
                (made / "page" / file.name).write_bytes(file.read_bytes())
    (made / "page" / "index.html").rename(made / "index.html")
    for name, content in program.items():
        (made / "runtime" / name).write_bytes(content)


def _write_models(made: Path, runs: list[Path], say: Callable[[str], None]) -> list[str]:
    """One file a run, by a name that every server and every address takes as it is."""
    files = []
    for place, run in enumerate(runs):
        say(f"exporting {run.name} ({place + 1} of {len(runs)})")
        files.append(f"models/{place}-{re.sub(r'[^A-Za-z0-9._-]', '_', run.name)}.onnx")
        export_run(run, made / files[-1], with_card=False, most_checked=CHECKED)
    return files


def _write_report(made: Path, study: Path) -> str | None:
    """Its address in the folder; None: there is none."""
    if not has_report(study):
        return None
    for name, file in report_files(study).items():
        if name:
            copy = made / "report" / name
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(file.read_bytes())
    return f"report/{REPORT_FILE}"


def _write_cards(made: Path, study: Path, panel: Panel, runs: list[Path], files: list[str], report: str | None) -> None:
    classes = panel.predictors[0].facts.classes
    panel = Panel(tuple(_for_others(each) for each in panel.predictors))
    card = PageCard(
        study=study_card(panel, study.resolve().name, Limits(), report=report, api=None),
        runs=tuple(_answering(each, made, file) for each, file in zip(panel.predictors, files, strict=True)),
        remarks=sentences(classes),
    )
    for name, record in (("card.json", card), ("gallery.json", hardest(runs))):
        (made / name).write_text(json_text(record.model_dump(mode="json")), encoding="utf-8")


def _for_others(predictor: PicturePredictor) -> PicturePredictor:
    """The same under a name without a path of this machine."""
    facts = predictor.facts
    named = facts.model_copy(update={"contender": contender_without_path(facts.contender)})
    return PicturePredictor(named, predictor.network, predictor.expected)


def sentences(classes: tuple[str, ...]) -> dict[Remark, Said]:
    """What stands in the place of a class, with {count} left open."""
    return {
        remark: Said(en=open_sentence(remark, classes), fr=open_sentence(remark, classes, french=True))
        for remark in REMARKS
    }


def _answering(predictor: PicturePredictor, made: Path, file: str) -> AnsweringRun:
    return AnsweringRun(
        run=predictor.facts.run,
        contender=predictor.facts.contender,
        file=file,
        bytes=(made / file).stat().st_size,
        preprocessing=predictor.facts.preprocessing,
        ink=predictor.expected.ink,
        least_sure=predictor.expected.least_sure,
    )


def _sizes(made: Path) -> Sizes:
    sizes = {part: sum(file.stat().st_size for file in (made / part).rglob("*") if file.is_file()) for part in PARTS}
    beside = sum(file.stat().st_size for file in made.iterdir() if file.is_file())
    return Sizes(sizes["models"], sizes["runtime"], sizes["page"] + beside, sizes["report"])
