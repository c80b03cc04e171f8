"""What several commands understand the same way."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyechart.base.errors import UsageError
from eyechart.cli import options
from eyechart.schema import Budget
from tests.in_process import eyechart


def test_names_come_again_and_again_or_with_commas() -> None:
    assert options.names(["cnn, vit", "vgg16:hed"]) == ["cnn", "vit", "vgg16:hed"]
    assert options.names([]) == []


def test_numbers_are_whole_and_say_for_which_option() -> None:
    assert options.numbers("0,1, 12") == [0, 1, 12]
    with pytest.raises(UsageError, match=r"--levels got '1,two'; expected whole numbers"):
        options.numbers("1,two", "--levels")


def test_a_budget_is_one_and_positive() -> None:
    assert options.budget_of(epochs=None, steps=8) == Budget(unit="steps", amount=8)
    assert options.budget_of(**{"trial-seconds": 2.5}) == Budget(unit="seconds", amount=2.5)
    assert options.budget_of(epochs=None) is None
    with pytest.raises(UsageError, match=r"one budget and got --epochs, --steps"):
        options.budget_of(epochs=1, steps=8)
    for amount in (0, -1, float("inf"), float("nan")):
        with pytest.raises(UsageError, match=r"--images got .* expected a number above 0"):
            options.budget_of(images=amount)


def test_a_language_that_is_not_spoken_is_told() -> None:
    assert options.language_of("fr") == "fr"
    with pytest.raises(UsageError, match="'de' is not known; expected one of: en, fr"):
        options.language_of("de")


# --------------------------------------------------------------------------------------------- launchers


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--launcher", "slurm"), "--launcher got 'slurm'; expected local or ray."),
        (("--address", "auto"), "--address is that of a Ray cluster; expected --launcher ray with it."),
        (("--launcher", "ray", "--jobs", 2), "--jobs 2 is for this machine"),
    ],
)
def test_launchers_that_cannot_be(words: tuple[object, ...], told: str, tmp_path: Path) -> None:
    done = eyechart("run", "-p", "smoke", "-d", "digits", "-m", "cnn", "-o", tmp_path, *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_ray_cluster_is_who_trains_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing trains on this machine instead."""
    asked: list[str | None] = []

    def on_ray(address: str | None) -> object:
        asked.append(address)

        def launch(jobs: object, report: object) -> object:
            raise UsageError("The cluster was asked.")

        return launch

    monkeypatch.setattr("eyechart.launch.ray_cluster.on_ray", on_ray)
    done = eyechart("run", "-p", "smoke", "-d", "digits", "-m", "cnn", "-o", tmp_path, "--offline", "--threads", 1,
                    "--launcher", "ray", "--address", "ray://there:10001")  # fmt: skip
    assert asked == ["ray://there:10001"]
    assert "The cluster was asked." in done.stderr
    assert not list(tmp_path.glob("*/*/run.json"))
