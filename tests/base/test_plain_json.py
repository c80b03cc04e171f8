"""No NaN and no Infinity in any JSON of ours, which other languages' parsers refuse; and null comes back as NaN."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from eyechart import schema
from eyechart.base.plain_json import json_text, read_json
from eyechart.files.storage import read_run, write_record
from eyechart.launch import process, worker
from eyechart.schema import Comparison, Frozen, Positive, Recipe, RunRecord, Scalar, Setting
from eyechart.schema.contracts import Progress
from eyechart.study.plan import jobs_of, plan_study
from tests.in_process import eyechart

NAN, INFINITY = math.nan, math.inf
PROJECT = Path(__file__).resolve().parents[2]


def strictly(text: str) -> Any:
    """What a parser of another language makes of it."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


# --------------------------------------------------------------------------------------------- documents and lines


def test_what_is_no_number_is_null_however_deep() -> None:
    document = {"a": NAN, "b": [1.5, -INFINITY, (INFINITY, "NaN")], "c": {"d": {"e": NAN}}, "f": None, "g": True}
    told = strictly(json_text(document, indent=1))
    assert told == {"a": None, "b": [1.5, None, [None, "NaN"]], "c": {"d": {"e": None}}, "f": None, "g": True}


def test_a_document_of_numbers_reads_null_as_nan() -> None:
    read = read_json('{"loss": null, "all": [null, 1], "run": "cnn-s0"}')
    assert math.isnan(read["loss"])
    assert math.isnan(read["all"][0])
    assert (read["all"][1], read["run"]) == (1, "cnn-s0")


@pytest.mark.parametrize("loss", [None, 0.25, NAN])
def test_a_sign_of_life_comes_through_the_pipe_as_it_was(loss: float | None, tmp_path: Path) -> None:
    """A loss that is not known leaves the last one standing in the table; one that is no number does not."""
    (job,) = jobs_of(plan_study(["cnn"], "digits", "smoke", num_threads=1), tmp_path)
    said = Progress("cnn-s0", "training", 3, 9, loss, None, 1.5, "a note")
    line = worker.progress_line(said)
    strictly(line)
    heard: list[Progress] = []

    class Ended:
        stdout = (line + "\n", '{"done": true}\n')

        def wait(self) -> None:
            pass

    assert process._follow(Ended(), job, heard.append) == {"done": True}  # type: ignore[arg-type]
    assert repr(heard) == repr([said])


def test_nothing_else_writes_json() -> None:
    """One place can be right; twenty cannot stay so."""
    sources = [path for folder in ("src", "scripts", "audits") for path in (PROJECT / folder).rglob("*.py")]
    writing = re.compile(r"json\.dumps?\(|class \w+\(BaseModel|ser_json_inf_nan")
    found = {path.relative_to(PROJECT).as_posix() for path in sources if writing.search(path.read_text())}
    assert found == {"src/eyechart/base/plain_json.py", "src/eyechart/schema/frozen.py"}


# --------------------------------------------------------------------------------------------- records


class Inner(Frozen):
    loss: float


class Everything(Frozen):
    """A field of every kind that records have."""

    number: float = 0.0
    unknown: float | None = None
    rate: Positive = 1.0
    row: tuple[float, ...] = ()
    rows: tuple[tuple[float, ...], ...] = ()
    gaps: tuple[float | None, ...] = ()
    by_name: dict[str, float] = {}  # noqa: RUF012 (pydantic copies it)
    deep: dict[str, dict[str, float]] = {}  # noqa: RUF012
    facts: dict[str, Scalar] = {}  # noqa: RUF012
    settings: dict[str, Setting] = {}  # noqa: RUF012
    counts: tuple[int, ...] = ()
    word: Literal["a", "b"] = "a"
    inner: Inner | None = None
    inners: tuple[Inner, ...] = ()


def test_records_write_null_and_read_it_as_nan() -> None:
    record = Everything(
        number=NAN, row=(1.0, -INFINITY), rows=((NAN,), (2.0,)), gaps=(None, 1.0), by_name={"x": INFINITY, "y": 3.0},
        deep={"z": {"w": NAN}}, facts={"f": NAN, "word": "NaN", "is": True}, inner=Inner(loss=NAN),
        inners=(Inner(loss=1.0), Inner(loss=INFINITY)),
    )  # fmt: skip
    strictly(record.model_dump_json())
    again = Everything.model_validate_json(record.model_dump_json())
    assert repr(again) == repr(record).replace("-inf", "nan").replace("inf", "nan")
    assert (again.unknown, again.gaps) == (None, (None, 1.0)), "where None means something it stays None"


def test_python_s_own_words_of_earlier_files_are_read() -> None:
    record = Everything.model_validate_json('{"number": NaN, "row": [Infinity, -Infinity], "facts": {"f": NaN}}')
    assert math.isnan(record.number)
    assert record.row == (INFINITY, -INFINITY)


@pytest.mark.parametrize(
    "text", ['{"rate": null}', '{"counts": [null]}', '{"settings": {"s": null}}', '{"word": null}']
)
def test_a_null_is_refused_where_a_number_has_to_be_one(text: str) -> None:
    with pytest.raises(ValidationError):
        Everything.model_validate_json(text)
    with pytest.raises(ValidationError):
        Everything.model_validate_json(text.replace("null", "Infinity"))


def test_a_none_in_the_program_is_no_number_by_mistake() -> None:
    with pytest.raises(ValidationError):
        Inner(loss=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["learning_rate", "weight_decay", "clip_norm", "epochs", "trunk_rate"])
@pytest.mark.parametrize("value", [NAN, INFINITY])
def test_what_a_recipe_chooses_is_finite(field: str, value: float) -> None:
    from eyechart.catalog.recipes import RECIPES

    with pytest.raises(ValidationError):
        Recipe.model_validate(RECIPES["cnn"].model_dump() | {field: value})


def test_every_record_of_ours_keeps_the_rule() -> None:
    from eyechart.training.checkpoint import CheckpointCard

    kinds = [getattr(schema, name) for name in schema.__all__]
    records = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Frozen)] + [CheckpointCard]
    assert len(records) > 20
    assert {kind.model_config.get("ser_json_inf_nan") for kind in records} == {"null"}


# --------------------------------------------------------------------------------------------- a run that diverged


def eyechart_says(*arguments: object) -> str:
    done = eyechart(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def diverged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a study of two contenders that diverged for real, and what `run --json` printed of it."""
    folder = tmp_path_factory.mktemp("diverged")
    options = ["-m", "cnn,fasterrcnn", "--steps", 8, "--lr", 1e9, "--threads", 1, "--device", "cpu", "--offline"]
    printed = eyechart_says("run", "-d", "digits", "-p", "smoke", *options, "--name", "s", "-o", folder, "--json")
    return folder / "s", printed


@pytest.mark.slow
def test_every_json_of_a_diverged_study_is_strict(diverged: tuple[Path, str]) -> None:
    study, printed = diverged
    assert {run["status"] for run in strictly(printed)} == {"diverged"}
    files = sorted(study.rglob("*.json"))
    assert [path.name for path in files] == ["run.json", "run.json", "study.json"]
    for path in files:
        strictly(path.read_text())
    looks = strictly((study / "cnn-s0" / "run.json").read_text())["history"]
    assert looks[-1]["validation_loss"] is None, "it did diverge"
    for verb in (["ls", study.parent], ["show", study], ["show", study / "cnn-s0"], ["compare", study]):
        strictly(eyechart_says(*verb, "--json"))


@pytest.mark.slow
def test_a_diverged_run_is_read_again_as_it_was_written(diverged: tuple[Path, str], tmp_path: Path) -> None:
    study, _ = diverged
    run = read_run(study / "fasterrcnn-s0")
    assert math.isnan(run.history[-1].validation_loss)
    write_record(tmp_path / "again.json", run)
    assert (tmp_path / "again.json").read_bytes() == (study / "fasterrcnn-s0" / "run.json").read_bytes()
    before = (tmp_path / "again.json").read_text().replace('"validation_loss": null', '"validation_loss": NaN')
    assert "NaN" in before
    assert repr(RunRecord.model_validate_json(before)) == repr(run), "as earlier versions wrote it"
    comparison = eyechart_says("compare", study, "--json")
    assert Comparison.model_validate_json(comparison).model_dump_json(indent=1) == comparison.strip()
