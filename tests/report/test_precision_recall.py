"""Curves of precision and recall as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from eyechart.comparison.detections import ClassBoxes
from eyechart.report.precision_recall import draw_curves


def a_class(name: str, reach: int) -> ClassBoxes:
    curve = np.where(np.arange(101) <= reach, 1.0, 0.0)
    return ClassBoxes(name, 9, ap=0.5, ap50=float(curve.mean()), recall50=reach / 100, curve50=tuple(curve))


def test_the_worst_class_is_named(tmp_path: Path) -> None:
    absent = ClassBoxes("bird", 0, None, None, None, None)
    panel = draw_curves("a<b>.json", [a_class("cat", 90), a_class("dog & co", 49), absent], tmp_path)
    assert panel
    drawn = (tmp_path / panel.svg_file).read_text(encoding="utf-8")
    assert "worst: dog &amp; co, AP50 0.495" in drawn
    assert "mean of 2 classes, AP50 0.698" in drawn
    assert "a&lt;b&gt;.json" in drawn
    assert "bird" not in drawn
    assert Image.open(tmp_path / panel.png_file).width > 500


def test_one_class_is_not_the_worst_and_none_is_no_drawing(tmp_path: Path) -> None:
    panel = draw_curves("x", [a_class("cat", 90)], tmp_path)
    assert panel
    assert "worst:" not in (tmp_path / panel.svg_file).read_text(encoding="utf-8")
    assert draw_curves("x", [ClassBoxes("bird", 0, None, None, None, None)], tmp_path / "none") is None
    assert not (tmp_path / "none").exists()
