"""Processes of our own: UTF-8 whatever surrounds them, and an end."""

from __future__ import annotations

import os
import subprocess

import pytest

from eyechart.base import children

ECHO = "import sys; print(sys.stdin.read() + '|' + sys.flags.utf8_mode * 'utf-8' + sys.flags.safe_path * ' safe')"


@pytest.mark.parametrize("surroundings", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "ascii"}])
def test_text_goes_in_and_out_as_utf8(surroundings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    command = [*children.python("eyechart")[:1], "-c", ECHO]
    done = children.run(command, seconds=60, told="été 猫")
    assert (done.returncode, done.stdout.strip()) == (0, "été 猫|utf-8 safe"), done.stderr


def test_one_that_takes_too_long_is_ended() -> None:
    command = [*children.python("eyechart")[:1], "-c", "import time; time.sleep(60)"]
    with pytest.raises(subprocess.TimeoutExpired):
        children.run(command, seconds=0.2)


def test_settings_come_on_top_and_the_rest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_USER", "yes")
    found = children.environment(OMP_NUM_THREADS="3", PYTHONUTF8="0")
    assert (found["OF_THE_USER"], found["OMP_NUM_THREADS"], found["PYTHONUTF8"]) == ("yes", "3", "0")
    assert os.pathsep not in found["PYTHONSAFEPATH"]
