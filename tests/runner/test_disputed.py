"""The report's section "What they looked at": made on demand, kept, and small."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import UsageError
from eyechart.files import storage
from eyechart.report.looked.section import MOST_TILES, map_uri
from eyechart.report.page import write_report
from eyechart.runner import disputed
from eyechart.runner.disputed import look_at_disputed
from eyechart.schema.explain import EXPLAIN_FILE, ExplainedStudy
from tests.in_process import eyechart

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_checked")]

MEGABYTE = 1_000_000


def silent(sentence: str) -> None:
    pass


@pytest.fixture(scope="module")
def looked(few_checked: None, study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose report was asked for with --explain, to be looked at alone."""
    folder = tmp_path_factory.mktemp("looked") / "s"
    shutil.copytree(study, folder)
    done = eyechart("report", folder, "--explain")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def copy(looked: Path, tmp_path: Path) -> Path:
    shutil.copytree(looked, tmp_path / "s")
    return tmp_path / "s"


def section(page: str) -> str:
    found = re.search(r'<section id="looked">.*?</section>', page, re.DOTALL)
    return found.group() if found else ""


def test_what_predict_says_in_the_place_of_a_class_is_shown(copy: Path) -> None:
    record = storage.read_record(copy / EXPLAIN_FILE, ExplainedStudy)
    (cnn,) = (run for run in record.runs if run.run == "cnn-s0")
    assert len(cnn.remarks) == len(cnn.answers)
    unlike = cnn.model_copy(update={"remarks": ("unlike",) * len(cnn.answers)})
    likes = tuple(each.model_copy(update={"remarks": ()}) for each in record.runs if each is not cnn)
    storage.write_record(copy / EXPLAIN_FILE, record.model_copy(update={"runs": (unlike, *likes)}))
    write_report([copy / "cnn-s0"], copy / "report.html")
    told = section((copy / "report.html").read_text())
    assert told.count("<small>unlike the training images</small>") == len(cnn.answers)


def test_it_shows_the_disputed_images_with_every_map(looked: Path) -> None:
    told = section((looked / "report.html").read_text())
    record = storage.read_record(looked / EXPLAIN_FILE, ExplainedStudy)
    assert "What they looked at" in told
    assert len(told) < MEGABYTE
    assert [int(number) for number in re.findall(r'alt="test image (\d+)"', told)] == list(record.chosen)
    maps = 3 * 3 + 1  # three methods for three contenders, and rollout for one
    assert len(re.findall(r'<img src="data:image/png;base64,[^"]+" alt="(?!test image)', told)) == maps * 6
    assert "ρ" in told
    answers = storage.read_arrays(looked / "cnn-s0" / storage.PREDICTIONS_FILE)["probabilities"].argmax(axis=1)
    (cnn,) = (run for run in record.runs if run.contender == "cnn")
    assert list(cnn.answers) == answers[list(record.chosen)].tolist()


def test_it_is_made_on_demand_alone(study: Path, tmp_path: Path) -> None:
    page = write_report(storage.find_runs([study]), tmp_path / "report.html").read_text()
    assert 'id="looked"' not in page


def test_what_was_made_is_not_made_again(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = storage.read_record(copy / EXPLAIN_FILE, ExplainedStudy)
    monkeypatch.setattr(disputed, "explain", lambda *arguments: pytest.fail("asked again"))
    assert look_at_disputed(storage.find_runs([copy]), silent, device="cpu") == before
    kept = storage.read_arrays(copy / "explain" / "cnn-s0.npz")
    storage.write_arrays(copy / "explain" / "cnn-s0.npz", kept | {"weights": np.array("others")})
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        look_at_disputed(storage.find_runs([copy]), silent, device="cpu")


def test_a_run_that_was_trained_again_is_not_shown_with_old_maps(copy: Path) -> None:
    record = storage.read_record(copy / EXPLAIN_FILE, ExplainedStudy)
    stale = {"weights_sha256": "0"}
    runs = tuple(run.model_copy(update=stale) if run.run == "vit-s0" else run for run in record.runs)
    storage.write_record(copy / EXPLAIN_FILE, record.model_copy(update={"runs": runs}))
    heard: list[str] = []
    page = write_report(storage.find_runs([copy]), copy / "report.html", say_left_out=heard.append).read_text()
    assert "attention rollout, " not in section(page)
    assert any("vit was not asked" in sentence for sentence in heard)


def test_french(copy: Path) -> None:
    page = write_report(storage.find_runs([copy]), copy / "report.html", lang="fr").read_text()
    told = section(page).replace("&#39;", "'")
    assert "Ce qu'ils ont regardé" in told
    assert "poids au hasard" in told
    assert "random" not in told


def test_the_section_stays_below_a_megabyte_whatever_the_images_are() -> None:
    """Noise of any size, which compresses least."""
    random = np.random.default_rng(0)
    for side in (28, 64, 84, 85, 224):
        pixels = random.integers(0, 255, (3, side, side)).astype(np.uint8)
        assert len(map_uri(pixels, random.normal(size=(side, side)))) * MOST_TILES < 0.92 * MEGABYTE


def test_what_cannot_be_explained_is_refused(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(copy, tmp_path / "t")
    done = eyechart("report", copy, tmp_path / "t", "--explain", "-o", tmp_path / "r.html")
    assert (done.returncode, "one study at a time" in done.stderr) == (2, True)
    monkeypatch.setattr(disputed, "most_divided", lambda probabilities, labels: np.empty(0, np.int64))
    with pytest.raises(UsageError, match="dispute no test image"):
        look_at_disputed(storage.find_runs([copy]), silent)
