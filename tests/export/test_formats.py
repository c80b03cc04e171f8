"""Names of formats and files, and what is missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from eyechart.base.errors import UsageError
from eyechart.export.formats import (
    FORMATS,
    NAMES,
    FormatName,
    card_beside,
    check_ending,
    check_packages,
    chosen_format,
    default_target,
    metadata_beside,
)
from tests.in_process import eyechart


def test_every_format_has_its_ending() -> None:
    assert set(FORMATS) == set(NAMES)
    endings = [default_target("cnn-s0", name, False) for name in NAMES]
    assert len(set(endings)) == len(NAMES)
    assert default_target("cnn-s0", "onnx", True) == "cnn-s0-int8.onnx"


def test_an_unknown_format_is_told_with_those_that_there_are() -> None:
    assert chosen_format("state-dict") == "state-dict"
    with pytest.raises(
        UsageError, match="--format got 'pickle'; expected one of onnx, torchscript, safetensors, state"
    ):
        chosen_format("pickle")


def test_two_files_of_a_folder_have_two_cards() -> None:
    assert {card_beside(Path(f"a/cnn{FORMATS[name].suffix}")) for name in NAMES} == {
        Path(f"a/cnn{FORMATS[name].suffix}.md") for name in NAMES
    }
    assert metadata_beside(Path("a/cnn.state-dict.pt")) == Path("a/cnn.state-dict.pt.json")


def test_a_missing_package_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else found(name))
    check_packages("torchscript")
    with pytest.raises(
        UsageError, match=r"needs onnxscript, which is not installed. Install: pip install 'eyechart\[onnx\]'"
    ):
        check_packages("onnx")


@pytest.mark.parametrize(
    ("file", "name", "told"),
    [
        ("net.bin", "onnx", "ends in .onnx"),
        ("net", "safetensors", "ends in .safetensors"),
        ("net.onnx", "torchscript", "such as .torchscript.pt"),
        ("net.safetensors", "state-dict", "such as .state-dict.pt"),
    ],
)
def test_an_ending_by_which_it_would_not_be_opened_is_refused(file: str, name: FormatName, told: str) -> None:
    done = eyechart("export", "no-run", "--format", name, "-o", file)
    assert (done.returncode, told in " ".join(done.stderr.split())) == (2, True), done.stderr
    for each in NAMES:
        check_ending(Path(default_target("cnn-s0", each, False)), each)
    check_ending(Path("NET.ONNX"), "onnx")
