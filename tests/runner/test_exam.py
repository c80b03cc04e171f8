"""The eye test on real runs: asked once, kept, drawn, told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import UsageError
from eyechart.export.results import results_of
from eyechart.files import storage
from eyechart.inference.predictor import NetworkPredictor
from eyechart.report.exam.words import finding, level_text
from eyechart.report.page import write_report
from eyechart.runner import exam
from eyechart.runner.exam import examine
from eyechart.schema.exam import EXAM_FILE, ExamRecord, ExamVerdict
from eyechart.scoring import psychometrics
from eyechart.words.speech import speech
from tests.in_process import eyechart

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _fewer_draws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psychometrics, "NUM_DRAWS", 60)
        yield


@pytest.fixture(scope="module")
def examined(study: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ExamRecord]:
    """A study after its exam, to be looked at alone."""
    folder = tmp_path_factory.mktemp("examined") / "s"
    shutil.copytree(study, folder)
    return folder, examine(folder, silent, device="cpu")


@pytest.fixture
def copy(examined: tuple[Path, ExamRecord], tmp_path: Path) -> Path:
    shutil.copytree(examined[0], tmp_path / "s")
    return tmp_path / "s"


def silent(sentence: str) -> None:
    pass


def test_it_is_held_once_and_gives_the_same_bits(
    examined: tuple[Path, ExamRecord], copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = examined[1]
    kept = {path.name: path.read_bytes() for path in (copy / "exam").iterdir()}
    again = copy.parent / "again"
    shutil.copytree(copy, again, ignore=shutil.ignore_patterns("exam*"))
    assert examine(again, silent, device="cpu") == first
    assert {path.name: path.read_bytes() for path in (again / "exam").iterdir()} == kept

    def refuse(self: NetworkPredictor, images: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(NetworkPredictor, "answer", refuse)
    assert examine(copy, silent, device="cpu") == first
    assert storage.read_record(copy / EXAM_FILE, ExamRecord) == first


def test_everybody_reads_the_same_and_the_first_row_is_the_test_images(examined: tuple[Path, ExamRecord]) -> None:
    copy, record = examined
    assert set(record.contenders) == {"cnn", "vit", "alexnet:none:head"}
    assert len(record.readings) == 3 * len(record.dimensions)
    run = storage.read_run(copy / "cnn-s0")
    answers = storage.read_arrays(copy / "cnn-s0" / storage.PREDICTIONS_FILE)["probabilities"].argmax(axis=1)
    labels = storage.read_arrays(copy / run.items)["labels"]
    chosen = np.array(record.chosen)
    share = float((answers[chosen] == labels[chosen]).mean())
    for dimension in record.dimensions:
        assert record.reading("cnn", dimension.name).shares[0] == pytest.approx(share)


def test_other_weights_are_asked_again(copy: Path) -> None:
    kept = storage.read_arrays(copy / "exam" / "cnn-s0.npz")
    spoiled = {name: np.zeros_like(value) if name == "size" else value for name, value in kept.items()}
    storage.write_arrays(copy / "exam" / "cnn-s0.npz", spoiled | {"weights": np.array("of another run")})
    examine(copy, silent, device="cpu")
    assert (storage.read_arrays(copy / "exam" / "cnn-s0.npz")["size"] == kept["size"]).all()


@pytest.mark.parametrize(("lang", "word"), [("en", "The eye test"), ("fr", "L'examen de la vue")])
def test_the_command_draws_and_the_report_shows_it(lang: str, word: str, copy: Path) -> None:
    done = eyechart("exam", copy, "--device", "cpu", "--lang", lang)
    assert done.returncode == 0, done.stderr
    assert "cnn" in done.stdout
    for dimension in ("size", "contrast", "blur", "noise", "rotation", "occlusion", "crowding"):
        assert Image.open(copy / "exam" / f"eye-chart-{dimension}.png").size[0] > 800
    page = (copy / "report.html").read_text()
    assert word in page.replace("&#39;", "'")
    assert page.count("eye-chart-") >= 3
    assert len(json.loads((copy / "exam.json").read_text())["verdicts"]) == 3 * 7


def test_a_report_without_an_exam_has_no_such_section(copy: Path) -> None:
    (copy / "exam.json").unlink()
    page = write_report(storage.find_runs([copy]), copy / "report.html").read_text()
    assert 'id="eye-test"' not in page


def test_an_exam_of_other_weights_is_nobodys(copy: Path, examined: tuple[Path, ExamRecord]) -> None:
    record = examined[1]
    run = storage.read_run(copy / "cnn-s0")
    assert record.is_of(run)
    assert results_of(copy / "cnn-s0", run).exam
    storage.write_record(copy / EXAM_FILE, record.model_copy(update={"weights": {"cnn-s0": "of a run of before"}}))
    assert not results_of(copy / "cnn-s0", run).exam
    assert 'id="eye-test"' not in write_report(storage.find_runs([copy]), copy / "report.html").read_text()


def test_a_run_that_was_not_there_was_not_examined(examined: tuple[Path, ExamRecord]) -> None:
    record = examined[1]
    (some, *_) = record.weights
    others = {name: digest for name, digest in record.weights.items() if name != some}
    run = storage.read_run(examined[0] / some)
    assert (record.is_of(run), record.model_copy(update={"weights": others}).is_of(run)) == (True, False)
    assert record.model_copy(update={"weights": {}}).is_of(run), "older records do not know"


def test_answers_that_are_gone_leave_the_rest_of_the_report(copy: Path) -> None:
    next((copy / "exam").glob("*.npz")).unlink()
    page = write_report(storage.find_runs([copy]), copy / "report.html").read_text()
    assert ('id="eye-test"' in page, 'id="leaderboard"' in page) == (False, True)


def test_what_cannot_be_examined_is_refused(tmp_path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = eyechart("exam", tmp_path / "nowhere")
    assert (done.returncode, "does not exist" in done.stderr) == (1, True)
    diverged = {
        folder: storage.read_run(folder).model_copy(update={"status": "diverged"})
        for folder in storage.find_runs([copy])
    }
    monkeypatch.setattr(exam.storage, "read_run", diverged.__getitem__)
    with pytest.raises(UsageError, match="has no finished run"):
        examine(copy, silent)


# --------------------------------------------------------------------------------------------- what is said


def verdict(first: str, second: str, kind: str = "better", scope: str = "architectures") -> ExamVerdict:
    return ExamVerdict(
        dimension="size", first=first, second=second, kind=kind, scope=scope, num_seeds=6, difference=0.1, low=0.05,
        high=0.15, p_value=0.01, holm_p=0.03,
    )  # type: ignore[arg-type]  # fmt: skip


def test_nothing_is_claimed_that_no_verdict_says(examined: tuple[Path, ExamRecord]) -> None:
    record = examined[1]
    best, second, last = sorted(record.contenders, key=lambda name: -record.reading(name, "size").threshold)

    def told(*verdicts: ExamVerdict, lang: str = "en") -> str:
        return finding(record.model_copy(update={"verdicts": verdicts}), "size", speech(lang))

    both = verdict(best, second), verdict(best, last)
    assert told(*both) == f"In size {best} reads furthest"
    assert told(verdict(best, second, "not shown"), both[1]) == f"In size {best} reads further than {last}"
    assert "nobody is shown" in told(verdict(best, second, "not shown"), verdict(best, last, "equivalent"))
    assert told(verdict(best, last, scope="these runs")).endswith(", in these runs")
    assert "dans ces entraînements" in told(verdict(best, last, scope="these runs"), lang="fr")


def test_levels_are_told_in_their_unit(examined: tuple[Path, ExamRecord]) -> None:
    record = examined[1]
    by_name = {each.name: each for each in record.dimensions}
    say = speech("en")
    assert level_text(by_name["size"], 0.5, 28, say) == "14 px"
    assert level_text(by_name["contrast"], 0.0316, 28, say).replace("\N{NO-BREAK SPACE}", " ") == "3.2 %"
    assert level_text(by_name["occlusion"], 0.08, 28, say).replace("\N{NO-BREAK SPACE}", " ") == "8 %"
    assert level_text(by_name["rotation"], 45.0, 28, say) == "45°"
    assert level_text(by_name["crowding"], 0.57, 28, say) == "0.57 ×"
