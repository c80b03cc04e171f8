"""Text from outside: what can be printed stays, the rest is seen; commands give their words back exactly."""

from __future__ import annotations

import os
import subprocess

import pytest

from eyechart.base.foreign_text import as_markdown_code, in_markdown, path_word, shell_command, shown, shown_lines
from tests.nasty_names import NASTY_NAMES, raw_controls

SHOWN = {
    "a\nb": "a\\nb",
    "\x1b[31mred": "\\x1b[31mred",
    "null\u2029x": "null\\u2029x",
    "\ufffe": "\\ufffe",
    "gpj\u202e.exe": "gpj\\u202e.exe",
    "\udcff": "\\xff",  # a byte of a name that is not UTF-8
    "\udcc3\udca9": "é",  # bytes that are, where the locale could not tell
    "\ud800": "\\ud800",  # noqa: F601 (ruff takes all lone surrogates for one)
    "\U000e0001": "\\U000e0001",
    "ünï çödé 漢字": "ünï çödé 漢字",
    "👨\u200d👩\u200d👧": "👨\u200d👩\u200d👧",
    "a\u200db": "a\\u200db",  # joins nothing in Latin, and would make two names look equal
    "99 %\u00a0\u202fx": "99 %\u00a0\u202fx",
    "C:\\new [red] $x$": "C:\\new [red] $x$",
}


@pytest.mark.parametrize(("text", "expected"), SHOWN.items(), ids=ascii)
def test_what_can_be_printed_stays_and_the_rest_is_seen(text: str, expected: str):
    assert shown(text) == expected


@pytest.mark.parametrize("name", NASTY_NAMES, ids=ascii)
def test_no_name_steers_or_hides(name: str):
    assert not raw_controls(shown(name))
    assert shown(shown(name)) == shown(name)
    assert "\n" not in shown(name)
    shown(name).encode()  # no lone surrogates


def test_long_text_loses_its_middle():
    assert shown("vgg16-hed-frozen-s0", 9) == "vgg1…n-s0"
    assert shown("vgg16-hed-frozen-s0", 19) == "vgg16-hed-frozen-s0"
    assert shown("\x1b" * 5, 8) == "\\x1b…x1b"


def test_lines_of_a_message_stay_lines():
    assert shown_lines("one\ntwo\x1b[2J") == "one\ntwo\\x1b[2J"


def test_markdown_takes_no_name_for_its_own():
    assert in_markdown("a|b*c*") == r"a\|b\*c\*"
    assert as_markdown_code("a|b`c`\n") == r"`a\|b'c'\n`"
    assert in_markdown("<script>1 < 2") == r"\<script>1 < 2"
    assert in_markdown("# title") == r"\# title"
    assert in_markdown("a\n\n# title") == r"a\\n\\n# title"


@pytest.mark.parametrize("name", NASTY_NAMES, ids=ascii)
def test_a_shell_gives_the_words_back(name: str):
    words = ["printf", "%s", f"pics/{name}"]
    line = shell_command(words)
    assert not raw_controls(line)
    assert "\n" not in line
    told = subprocess.run(["bash", "-c", os.fsencode(line)], capture_output=True, check=True)
    assert told.stdout == os.fsencode(words[-1])


def test_a_path_is_no_option():
    assert path_word("-out/cnn-s0") == "./-out/cnn-s0"
    assert path_word("runs/cnn-s0") == "runs/cnn-s0"
