"""Nothing is chosen on the test part: not by the code as it is written, not in the runs that are recorded."""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

import numpy as np

from audits.settings import ROOT, Answer, Settings
from audits.small_mnist import write_small_mnist
from audits.trainings import SMALL_CNN, plan_small, train_missing
from eyechart.data.catalog import load_dataset
from eyechart.files.storage import read_arrays
from eyechart.schema import RunRecord

PACKAGE = ROOT / "src" / "eyechart"
WITHOUT_TEST = ("training", "runner/contender.py", "runner/train.py")  # what trains; whoever tunes opens nothing either
OPENERS = ("runner/run.py",)  # who may open the sealed part: to judge a run


def nothing_chosen_on_test(settings: Settings) -> Answer:
    """Training knows no test part, one place opens it once a run, and validation is cut from train."""
    data = write_small_mnist(settings.folder / "test-part-data", 100, 100)
    study = plan_small(data, range(settings.pick(5, 1)), 20, SMALL_CNN, "test-part")
    folder = settings.folder / "test-part"
    runs = train_missing(study, folder, settings.say)
    recorded = recorded_accesses(ROOT / "records")
    figures = {
        "mentions_of_test_in_training_code": [
            mention for name in WITHOUT_TEST for mention in mentions_of_test(PACKAGE / name)
        ],
        "openings_in_the_code": openings(PACKAGE),
        "runs": len(runs),
        "runs_with_one_test_access": sum(run.test_accesses == 1 for run in runs),
        "runs_with_validation_from_train": sum(validation_is_from_train(folder, run, data) for run in runs),
        "recorded_runs": len(recorded),
        "recorded_runs_with_one_test_access": recorded.count(1),
    }
    passed = (
        not figures["mentions_of_test_in_training_code"]
        and figures["openings_in_the_code"] == list(OPENERS)
        and figures["runs_with_one_test_access"] == figures["runs_with_validation_from_train"] == len(runs)
        and figures["recorded_runs_with_one_test_access"] == len(recorded)
    )
    return Answer(passed, figures)


def mentions_of_test(place: Path) -> list[str]:
    """Every name in the code of a folder or file that has "test" as a word: "file: name"."""
    found = []
    for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
        for name in names_in(ast.parse(path.read_text(encoding="utf-8"))):
            words = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).split("_")
            found += [f"{path.name}: {name}"] if "test" in words else []
    return found


def names_in(tree: ast.AST) -> set[str]:
    """All names that code reads, writes, imports, takes as arguments or looks up."""
    names: set[str] = set()
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            value = getattr(node, field, None)
            names |= set(value.split(".")) if isinstance(value, str) else set()
    return names


def openings(package: Path) -> list[str]:
    """The file of every line that opens a sealed test part, `....test.open()`."""
    return [
        path.relative_to(package).as_posix()
        for path in sorted(package.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("test.open")
    ]


def validation_is_from_train(folder: Path, run: RunRecord, data: Path) -> bool:
    """Whether every validation image is one of the dataset's train images, and none is trained on or tested."""
    images = read_arrays(folder / run.validation_items)["images"]
    train = load_dataset(str(data)).train.images[:]
    return _digests(images) <= _digests(train) and not any(run.splits.num_shared.values())


def recorded_accesses(records: Path) -> list[int]:
    """How often each run of the records of accuracy opened its test part."""
    results = [json.loads(path.read_text(encoding="utf-8"))["results"] for path in sorted(records.glob("mnist*.json"))]
    return [
        number for result in results for contender in result.values() for number in contender.get("test_accesses", [])
    ]


def _digests(images: np.ndarray) -> set[bytes]:
    return {hashlib.sha256(image.tobytes()).digest() for image in images}
