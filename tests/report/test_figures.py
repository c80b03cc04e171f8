"""What the figures are drawn from, by hand; and that their labels do not cover each other."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from eyechart.catalog.palette import CONTENDER_STYLE, FALLBACK_STYLES, style_of
from eyechart.report import axes as scales
from eyechart.report.charts import dark_colour, drawing, file_name, inlined, new_panel, saved_panel
from eyechart.report.classes import mistakes
from eyechart.report.disagreement import image_uri, most_divided
from eyechart.report.entries import group_runs, read_runs
from eyechart.report.glyphs import PATHS
from eyechart.report.learning import Crossings, mean_curves, told
from eyechart.words.numbers import time_label
from eyechart.words.speech import Speech


def test_most_divided_by_hand() -> None:
    agreed, unsure, opposed = (0.9, 0.1), (0.4, 0.6), (0.01, 0.99)
    first = [agreed, agreed, agreed]
    second = [agreed, unsure, opposed]
    probabilities = np.array([first, second])  # (2 contenders, 3 items, 2 classes)
    assert most_divided(probabilities, np.array([0, 0, 0])).tolist() == [2, 1]


def test_one_contender_shows_its_surest_mistakes() -> None:
    probabilities = np.array([[(0.9, 0.1), (0.3, 0.7), (0.2, 0.8), (0.05, 0.95)]])
    assert most_divided(probabilities, np.array([0, 0, 0, 1])).tolist() == [2, 1]


def test_mistakes_are_sorted_and_leave_the_diagonal_out() -> None:
    assert mistakes([[5, 0, 1], [3, 9, 0], [0, 2, 7]]) == [(1, 0, 3), (2, 1, 2), (0, 2, 1)]


def test_mean_curves_pair_the_seeds(fake_runs: ModuleType, tmp_path: Path) -> None:
    folders = fake_runs.fake_study(
        tmp_path / "study", {"cnn": fake_runs.FIVE["cnn"]}, (0, 1), num_items=50, with_arrays=False
    )
    [entry] = group_runs(read_runs(folders))
    [curve] = mean_curves(entry, lambda point: point.epoch, lambda point: point.validation_loss)
    losses = [run.record.history[3].validation_loss for run in entry.runs]
    assert len(curve.y) == 8
    assert curve.y[3] == pytest.approx(sum(losses) / 2)
    # Two values: t(0.975, 1) = 12.7062, standard error |a - b| / 2
    assert curve.high[3] - curve.y[3] == pytest.approx(12.7062 * abs(losses[0] - losses[1]) / 2, rel=1e-4)


def test_first_is_said_only_where_the_measurements_show_it() -> None:
    say = Speech()
    cnn: Crossings = {0: (9, 12), 1: (7, 10)}
    vit: Crossings = {0: (13, 15), 1: (9, 11)}  # clearly later with seed 0 alone
    late: Crossings = {0: (20, 30), 1: (20, 30)}
    once: Crossings = {0: (20, 30), 1: None}
    never: Crossings = {0: None, 1: None}
    goal = "98 % validation accuracy"
    assert told(0.98, {"cnn": cnn, "vit": vit}, say) == (
        f"cnn and vit reached {goal}; which of them first is not shown"
    )
    assert told(0.98, {"vit": late, "cnn": cnn}, say) == f"cnn reached {goal} first, after 11.0 s; vit after 30.0 s"
    assert told(0.98, {"cnn": cnn, "vit": never}, say) == f"Only cnn reached {goal}, after 11.0 s"
    assert told(0.98, {"cnn": cnn, "vit": once}, say) == f"Only cnn reached {goal} with every seed, after 11.0 s"
    early: Crossings = {0: (3, 4), 1: None}  # before everybody with one seed, and never with the other
    assert told(0.98, {"cnn": cnn, "vit": early, "late": late}, say) == (
        f"cnn and vit (not with every seed) reached {goal}; which of them first is not shown"
    )
    assert told(0.98, {"cnn": cnn, "late": late, "vit": once}, say).startswith(f"cnn reached {goal} first")
    assert told(0.98, {"cnn": cnn}, say) == f"cnn reached {goal} after 11.0 s"


# --------------------------------------------------------------------------------------------- axes and labels


def test_labels_are_spread_apart_and_stay_inside() -> None:
    moved = scales.spread_apart([0.5, 0.5, 0.49, 0.02, 0.01], 0.1)
    assert all(above - below >= 0.1 - 1e-9 for above, below in itertools.pairwise(moved))
    assert min(moved) >= 0
    assert max(moved) <= 1
    assert scales.spread_apart([0.9, 0.2], 0.1) == [0.9, 0.2]


@pytest.mark.parametrize(("low", "high"), [(0.003, 0.004), (66_000, 66_001), (0.01, 0.1), (1e-6, 1.0), (0.5, 3e9)])
def test_log_axes_have_a_few_ticks_inside(low: float, high: float) -> None:
    limits = scales.log_limits([low, high])
    ticks = scales.log_ticks(*limits)
    assert len(ticks) <= scales.MOST_TICKS
    assert all(limits[0] <= tick <= limits[1] for tick in ticks)
    assert len(ticks) >= 2


def test_log_limits_survive_odd_values() -> None:
    for values in ([], [0.0], [float("nan"), -1.0], [2.0]):
        low, high = scales.log_limits(values)
        assert 0 < low < high
        assert high / low >= 1.99


@pytest.mark.parametrize(("seconds", "label"), [(0.002, "2 ms"), (5, "5 s"), (120, "2 min"), (7200, "2 h")])
def test_time_labels(seconds: float, label: str) -> None:
    assert time_label(seconds) == label


# --------------------------------------------------------------------------------------------- drawings


def test_the_same_drawing_twice_has_its_own_ids(tmp_path: Path) -> None:
    with drawing():
        figure, axes = new_panel(3, 2, (0.5, 0.5, 0.1, 0.1))
        axes.plot([1, 2], [1, 2], "o", color="#0072B2")
        first = saved_panel(figure, "first", "a line", tmp_path)
        second = saved_panel(figure, "second", "a line", tmp_path)
    assert 'id="first-' in first.svg
    assert 'href="#first-' in first.svg
    assert "first-" not in second.svg
    assert "var(--k-0072b2, #0072b2)" in first.svg
    assert (tmp_path / "first.png").read_bytes().startswith(b"\x89PNG")
    assert "var(" not in (tmp_path / "first.svg").read_text()


def test_text_of_a_drawing_is_never_rewritten() -> None:
    svg = '<svg viewBox="0 0 1 1" x="y"><text style="fill: #1b1a17">id="a" &lt;url(#b) : #1b1a17</text></svg>'
    assert inlined(svg, "n") == (
        '<svg viewBox="0 0 1 1" aria-hidden="true">'
        '<text style="fill: var(--ink, #1b1a17)">id="a" &lt;url(#b) : #1b1a17</text></svg>'
    )


def test_a_contender_named_by_a_path_draws_into_the_folder() -> None:
    assert file_name("vgg16:run:../first\\x.y/vgg16-s0") == "vgg16-run----first-x-y-vgg16-s0"


def test_a_name_is_no_template() -> None:
    drawn = inlined('<svg viewBox="0 0 1 1"><g id="a"><use href="#a" clip="url(#a)"/></g></svg>', r"n\x\1")
    assert drawn.count(r"n\x\1-a") == 3


def test_every_marker_has_a_glyph() -> None:
    styles = [*CONTENDER_STYLE.values(), *FALLBACK_STYLES]
    assert {style.marker for style in styles} <= set(PATHS)


def test_dark_colours_stand_out_and_bright_ones_stay() -> None:
    assert dark_colour("#E69F00") == "#e69f00"
    assert dark_colour("#000000") != "#000000"
    assert dark_colour(style_of("cnn").colour) != "#000000"


@pytest.mark.parametrize("shape", [(1, 28, 20), (3, 28, 20), (3, 600, 400)])
def test_images_become_data(shape: tuple[int, ...]) -> None:
    import base64
    import io

    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    uri = image_uri(pixels)
    picture = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    if max(shape) <= 256:
        assert picture.size == (20, 28)
        found = np.asarray(picture).reshape(28, 20, -1)
        assert (np.moveaxis(found, -1, 0) == pixels).all()
    else:
        assert max(picture.size) == 256
