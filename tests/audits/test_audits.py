"""Every audit in its small form, each shown to fail where it should, and the mechanics of the record."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audits import __main__ as command
from audits import catalog, oracles, record, table, test_part
from audits.settings import Answer, Settings
from audits.small_mnist import first_of_each_class, idx_bytes, shuffled_labels, write_small_mnist
from eyechart.base.errors import StorageError, UsageError
from eyechart.data.catalog import load_dataset
from eyechart.evaluation import cost
from eyechart.schema.contracts import Dataset, LabelledImages
from eyechart.words.finding_sentences import SENTENCES

HOST = {"commit": "abc", "load_average": 0.1, "cpu": "a CPU"}


@pytest.fixture(scope="session")
def settings(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Small audits, with a folder for what they train; MNIST is there."""
    return Settings(tmp_path_factory.mktemp("audits"), is_tiny=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", catalog.AUDITS)
def test_every_audit_is_passed(name: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "matmul_flops_per_second", lambda *given: 1e11)  # half of such a short run, and unasked
    answer = catalog.AUDITS[name](settings)
    assert answer.passed, answer.figures
    json.dumps(answer.figures, allow_nan=False)


# --------------------------------------------------------------------------------------------- audits that can fail


def test_a_metric_that_is_off_by_little_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = oracles.our_scores
    monkeypatch.setattr(oracles, "our_scores", lambda *given: [honest(*given)[0] + 1e-8, *honest(*given)[1:]])
    answer = oracles.metrics_scikit_learn(Settings(is_tiny=True))
    assert not answer.passed
    assert answer.figures["largest_difference"] == pytest.approx(1e-8)


def test_a_figure_that_is_no_number_is_no_agreement() -> None:
    assert not oracles.compared([0.0, float("nan")], 1, 1e-9).passed


def test_cases_of_the_oracle_are_nasty() -> None:
    cases = list(oracles.answer_cases(60))
    assert any(set(range(p.shape[1])) - set(labels.tolist()) for labels, p in cases), "a class without images"
    assert any((p.argmax(axis=1) != 0).all() for _, p in cases), "a class that nobody answers"
    assert any(((p == p.max(axis=1, keepdims=True)).sum(axis=1) > 1).any() for _, p in cases), "ties"
    assert all(np.allclose(p.sum(axis=1), 1, atol=1e-6) for _, p in cases)


def test_code_that_mentions_the_test_part_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text("def fit(train, test_part): ...\nlatest = 1\nattested = 2\n")
    (tmp_path / "feed.py").write_text("from contracts import SealedTest\n")
    assert test_part.mentions_of_test(tmp_path) == ["feed.py: SealedTest", "loop.py: test_part"]
    assert test_part.names_in(ast.parse("a.b(c=d)")) == {"a", "b", "c", "d"}


def test_whoever_opens_the_test_part_is_named(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "peek.py").write_text("images = splits.test.open()\nother.open()\n")
    assert test_part.openings(tmp_path) == ["training/peek.py"]


def test_accesses_are_read_from_the_records(tmp_path: Path) -> None:
    results = {"cnn": {"test_accesses": [1, 2]}, "vit": {}}
    (tmp_path / "mnist.json").write_text(json.dumps({"results": results}))
    assert test_part.recorded_accesses(tmp_path) == [1, 2]


# --------------------------------------------------------------------------------------------- small MNIST


def test_shuffled_labels_know_nothing_of_the_old_ones() -> None:
    old = np.repeat(np.arange(10), 30)
    new = shuffled_labels(old, 0)
    together = np.zeros((10, 10), int)
    np.add.at(together, (old, new), 1)
    assert (together == 3).all()
    assert (new != shuffled_labels(old, 1)).any()


def test_small_mnist_is_read_as_it_was_written(mnist: Dataset, tmp_path: Path) -> None:
    folder = write_small_mnist(tmp_path / "small", 20, 10, shuffle_seed=3)
    dataset = load_dataset(str(folder))
    train = first_of_each_class(mnist.train, 20)
    assert np.array_equal(dataset.train.images[:], train.images[:])
    assert np.array_equal(dataset.train.labels, shuffled_labels(train.labels, 3))
    assert np.array_equal(np.bincount(dataset.test.labels), np.full(10, 10))
    assert np.array_equal(dataset.test.labels, first_of_each_class(mnist.test, 10).labels), "the test labels stay true"
    before = [path.stat().st_mtime_ns for path in sorted(folder.iterdir())]
    write_small_mnist(folder, 20, 10, shuffle_seed=3)
    assert before == [path.stat().st_mtime_ns for path in sorted(folder.iterdir())]


def test_a_class_with_too_few_images_is_a_mistake() -> None:
    part = LabelledImages(np.zeros((10, 1, 2, 2), np.uint8), np.arange(10))
    assert len(first_of_each_class(part, 1)) == 10
    with pytest.raises(AssertionError, match="no 2 images"):
        first_of_each_class(part, 2)


def test_idx_bytes_by_hand() -> None:
    assert idx_bytes(np.array([3, 4])) == b"\x00\x00\x08\x01\x00\x00\x00\x02\x03\x04"
    images = np.arange(6, dtype=np.uint8).reshape(1, 1, 2, 3)
    sizes = b"\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03"
    assert idx_bytes(images) == b"\x00\x00\x08\x03" + sizes + bytes(range(6))


# --------------------------------------------------------------------------------------------- the record


def test_answers_are_merged_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    record.merge(path, "one", Answer(True, {"pairs": 200, "flagged": 3}), HOST)
    record.merge(path, "two", Answer(False, {"cases": 4}), HOST | {"commit": "def"})
    content = record.read(path)
    assert content["results"]["one"].items() >= {"pairs": 200, "flagged": 3, "passed": True, "commit": "abc"}.items()
    assert content["command"] == "make audit"
    assert record.is_current(content, "one", "abc")
    assert not record.is_current(content, "one", "def"), "other code"
    assert not record.is_current(content, "two", "def"), "not passed"
    assert not record.is_current(content, "three", "abc")
    record.merge(path, "one", Answer(True, {}), HOST | {"commit": "abc-dirty"})
    assert not record.is_current(record.read(path), "one", "abc-dirty")


@pytest.mark.parametrize("content", ["{", "[]", '{"results": 3}'])
def test_a_damaged_record_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text(content)
    with pytest.raises(StorageError, match="damaged"):
        record.read(tmp_path / "audit.json")


# --------------------------------------------------------------------------------------------- the document


def test_every_audit_has_words_for_what_it_found() -> None:
    assert set(table.FOUND) == set(catalog.AUDITS)


def test_the_document_has_the_figures_of_the_record() -> None:
    text = table.DOCUMENT.read_text(encoding="utf-8")
    assert text == table.with_table(text, record.read(command.RECORD)), "python -m audits"


def test_the_document_lists_every_finding() -> None:
    text = table.DOCUMENT.read_text(encoding="utf-8")
    section = text[text.index("## Fair or not") : text.index("## Times")]
    codes = [word for word in re.findall(r"`([a-z][\w-]+)`", section) if "-" in word or word in SENTENCES]
    assert sorted(codes) == sorted(SENTENCES), "each once"


def test_a_row_of_the_table_by_hand(tmp_path: Path) -> None:
    figures = {"cases": 500, "figures": 12345, "largest_difference": 2.5e-13, "passed": True, "commit": "abc"}
    content = {"results": {"metrics_scikit_learn": figures | {"date": "2026-01-02"}}}
    row = table.table(content).splitlines()[-1]
    assert row.endswith("| 500 cases, 12,345 figures, largest difference 2.5e-13 | yes | 2026-01-02, commit abc |")
    document = tmp_path / "verdicts.md"
    document.write_text("before\n<!-- audits -->\nold\n<!-- /audits -->\nafter\n")
    table.update({"results": {"metrics_scikit_learn": figures | {"date": "2026-01-02", "passed": False}}}, document)
    assert "| **no** |" in document.read_text()
    assert "old" not in document.read_text()


# --------------------------------------------------------------------------------------------- the command


@pytest.fixture
def two_audits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A catalog of one that passes and one that does not; the names of those that were done."""
    done: list[str] = []

    def audit(name: str, passed: bool) -> Any:
        def one(settings: Settings) -> Answer:
            """Whether it is."""
            done.append(name)
            return Answer(passed, {"cases": 1})

        return one

    audits = {"good": audit("good", True), "bad": audit("bad", False)}
    monkeypatch.setattr(command, "AUDITS", audits)
    monkeypatch.setattr(catalog, "AUDITS", audits)
    monkeypatch.setattr(record, "host_of", lambda: HOST)
    return done


def test_a_failed_audit_is_done_again_and_a_passed_one_is_not(
    two_audits: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--output", str(tmp_path / "audit.json")]
    assert command.main(arguments) == 1
    assert capsys.readouterr().out.splitlines()[1].startswith("bad                      NOT PASSED")
    assert command.main(arguments) == 1
    assert two_audits == ["good", "bad", "bad"]
    assert command.main([*arguments, "good"]) == 0
    assert command.main([*arguments, "--again", "good"]) == 0
    assert two_audits[3:] == ["good", "good"]


def test_wrong_names_and_tiny_records_are_bad_usage(
    two_audits: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["goood", "--output", str(tmp_path / "audit.json")]) == UsageError.exit_code
    assert "Did you mean 'good'?" in capsys.readouterr().err
    assert command.main(["--tiny"]) == UsageError.exit_code
    assert "stay out of the record" in capsys.readouterr().err
    assert command.main(["--list"]) == 0
    assert "Whether it is." in capsys.readouterr().out
    assert two_audits == []
