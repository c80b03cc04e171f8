"""Every finding can be said, in English and French, and nothing is there to be said that is never found."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import eyechart.comparison
from eyechart.comparison.alarms import LOOKS
from eyechart.schema import Finding
from eyechart.words.finding_sentences import SENTENCES
from eyechart.words.findings import sentence

FOLDER = Path(eyechart.comparison.__file__).parent
MAKERS = {"_differing", "_about", "_spent", "_note", "_missed_seconds"}


def emitted() -> set[str]:
    """The codes in calls that make a finding, anywhere in comparison/."""
    codes = set(LOOKS)
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            values += node.args[:2] if name in MAKERS else []
            texts = [value.value for value in values if isinstance(value, ast.Constant)]
            codes |= {text for text in texts if text not in ("unfair", "note")}
    return codes | {"changed-recipe", "changed-weights"}  # made in a loop


def test_every_code_has_its_sentences_and_every_sentence_its_code() -> None:
    assert emitted() == set(SENTENCES)


@pytest.mark.parametrize("code", SENTENCES)
def test_both_languages_tell_the_same_facts(code: str) -> None:
    english, french = ({*re.findall(r"{(\w+)}", text)} for text in SENTENCES[code])
    assert english == french
    assert not re.search(r"[^\s][;:?!»]", SENTENCES[code][1]), "a space stands before these in French"


def test_numbers_and_lists_follow_the_language() -> None:
    finding = Finding(
        kind="alarm", code="memorised", runs=tuple(f"vit-s{seed}" for seed in range(9)),
        facts={"first": 2.3026, "last": 0.01, "accuracy": 0.1135},
    )  # fmt: skip
    assert sentence(finding).startswith(
        "vit-s0, vit-s1, vit-s2, vit-s3, vit-s4, vit-s5 and 3 more: the training loss fell from 2.303 to 0.010 "
        "while the test stays at chance (11.35 %)"
    )
    assert "2,303" in sentence(finding, "fr")
    assert "11,35\N{NARROW NO-BREAK SPACE}%" in sentence(finding, "fr")
    assert "vit-s5 et 3 autres\N{NARROW NO-BREAK SPACE}:" in sentence(finding, "fr")


def test_names_with_braces_are_harmless() -> None:
    finding = Finding(kind="alarm", code="missing-classes", facts={"part": "test", "classes": "{x}", "number": 1})
    assert "({x})" in sentence(finding)
    assert "All runs: the test part" in sentence(finding)
