"""The learning-rate range test: how a curve is read, and that real trainings give one."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import RunFailed
from eyechart.runner import lr_range
from eyechart.runner.lr_range import _walked
from eyechart.scoring.lr_range import LrRange
from tests.in_process import eyechart

pytestmark = pytest.mark.slow

RATES = [10 ** (-5 + 0.06 * step) for step in range(100)]  # to 0.87


def read(losses: list[float]) -> LrRange:
    return LrRange("cnn", RATES[: len(losses)], losses, losses, True, 0.1)


def test_a_curve_is_read_where_it_falls() -> None:
    """A fall around step 50 (a rate of 0.01), the lowest loss at step 70 (0.16), then up."""
    losses = [2.3 - 2 / (1 + math.exp((50 - step) / 4)) + (0.3 * (step - 70) if step > 70 else 0) for step in range(90)]
    found = read(losses)
    assert found.steepest == pytest.approx(RATES[50], rel=0.6)
    assert found.lowest == pytest.approx(RATES[70], rel=0.2)
    assert found.tenth == found.lowest / 10


def test_noise_at_the_start_is_not_read() -> None:
    losses = [9.0, 2.0, *(3.0 - 0.01 * step for step in range(2, 60))]
    assert read(losses).steepest >= RATES[6]


@pytest.mark.parametrize("steps", [24, 100, 400])
def test_what_is_read_does_not_depend_on_the_number_of_steps(steps: int) -> None:
    """A loss that falls fastest at 1e-3 and is lowest at 0.03, with the noise of batches."""
    random = np.random.default_rng(0)
    rates = [10 ** (-6 + 7 * step / (steps - 1)) for step in range(steps)]

    def loss_at(step: int, rate: float) -> float:
        place = math.log10(rate)
        return 2.3 - 2 / (1 + math.exp(-4 * (place + 3))) + 2 * max(0.0, place + 1.5) + float(random.normal(0, 0.02))

    losses, smoothed, blew_up = _walked(rates, loss_at)
    found = LrRange("cnn", rates[: len(losses)], losses, smoothed, blew_up, 0.1)
    assert 4e-4 < found.steepest < 2.5e-3
    assert 0.008 < found.lowest < 0.08
    assert found.tenth == found.lowest / 10


def test_a_curve_that_never_falls_still_has_an_answer() -> None:
    assert read([2.0] * 40).steepest == RATES[4]
    assert read([2.0 + 0.1 * step for step in range(40)]).steepest == RATES[4]


def test_it_stops_where_the_loss_has_blown_up() -> None:
    losses, smoothed, blew_up = _walked(RATES, lambda step, rate: 2.0 if step < 60 else 2.0 * 3 ** (step - 59))
    assert blew_up
    assert 60 < len(losses) < 70
    assert len(smoothed) == len(losses)
    losses, _, blew_up = _walked(RATES, lambda step, rate: 2.0 if step < 60 else math.nan)
    assert (len(losses), blew_up) == (60, True)
    with pytest.raises(RunFailed, match=r"no number after 0 steps.*\n?.*starting weights"):
        _walked(RATES, lambda step, rate: math.nan)
    assert not _walked(RATES, lambda step, rate: 2.0)[2]


def test_smoothing_has_no_bias_at_the_ends() -> None:
    _, smoothed, _ = _walked(RATES, lambda step, rate: 2.0)
    assert smoothed == pytest.approx([2.0] * 100)


def test_the_command_draws_and_tells(tmp_path: Path) -> None:
    picture = tmp_path / "lr.png"
    words = ["lr-find", "-m", "cnn,vgg16:none:head", "-d", "digits", "--steps", 24, "--threads", 1, "--offline"]
    done = eyechart(*words, "-o", picture, "--json")
    assert done.returncode == 0, done.stderr
    found = {each["contender"]: each for each in json.loads(done.stdout)}
    assert set(found) == {"cnn", "vgg16:none:head"}
    for each in found.values():
        assert each["rates"][0] == lr_range.LOWEST
        assert len(each["rates"]) == len(each["losses"]) <= 24
        assert each["lowest"] == each["rates"][each["smoothed"].index(min(each["smoothed"][2:]))]
    assert Image.open(picture).size[0] > 600
    again = eyechart(*words, "-o", picture)
    assert (again.returncode, "--exist-ok" in again.stderr) == (2, True)
    french = eyechart(*words, "-o", picture, "--exist-ok", "--lang", "fr")
    assert "cnn\u202f: baisse le plus vite à 0," in french.stdout
    assert "la recette a 0,3. À " in french.stdout


def test_too_few_steps_are_refused(tmp_path: Path) -> None:
    done = eyechart("lr-find", "-m", "cnn", "-d", "digits", "--steps", 3, "-o", tmp_path / "x.png", "--offline")
    assert done.returncode == 2
    assert "expected 10 or more" in done.stderr
