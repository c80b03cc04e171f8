from __future__ import annotations

import time
from pathlib import Path

import pytest

from eyechart.files.cache import is_offline
from eyechart.weights.fetching import reach, run_python, weights_folder


def test_a_process_that_hangs_ends_at_its_deadline() -> None:
    start = time.monotonic()
    assert run_python(["-c", "import time; time.sleep(600)"], 0.3) == "no answer within 0 s"
    assert time.monotonic() - start < 300


def test_success_is_empty_and_failure_is_one_line() -> None:
    assert run_python(["-c", "print('fine')"], 300) == ""
    assert run_python(["-c", "raise SystemExit('first\\nlast words')"], 300) == "last words"
    assert run_python(["-c", "raise SystemExit(7)"], 300) == "exit code 7"


def test_a_stray_module_where_the_user_works_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stray_module.py").write_text("")
    monkeypatch.chdir(tmp_path)
    assert "stray_module" in run_python(["-c", "import stray_module"], 300)


def test_reach_tells_why_not(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("x")
    assert reach(there.as_uri()) == ""
    assert "No such file" in reach((tmp_path / "not-there").as_uri())


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_offline_by_environment(value: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYECHART_OFFLINE", value)
    assert is_offline(False) is expected
    assert is_offline(True)


def test_weights_live_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path))
    assert weights_folder() == tmp_path / "weights"
    monkeypatch.delenv("EYECHART_CACHE")
    assert weights_folder().parent.name == "eyechart"
