"""The leaderboard: order, intervals, marks, and that no figure is lost on the way to the screen."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from eyechart.schema import Clocks, Cost, DatasetCard, PerClass, Recipe, RunRecord, Scores, WeightsOrigin
from eyechart.terminal.console import open_console
from eyechart.terminal.leaderboard import results_table, spread


def made_up_run(
    contender: str, accuracy: float, *, seed: int = 0, study: str = "quick-mnist", status: str = "finished",
    pretrained_on: str = "", seconds: float = 70.0, support: tuple[int, ...] = (5000, 3000, 2000),
) -> RunRecord:  # fmt: skip
    """A record with the fields that the leaderboard reads, and no others."""
    base = contender.partition(":")[0]
    return RunRecord.model_construct(
        study=study,
        run=f"{base}-s{seed}",
        contender=contender,
        status=status,
        seed=seed,
        recipe=Recipe.model_construct(contender=base),
        dataset=DatasetCard.model_construct(title="MNIST", classes=("cat", "dog", "owl")),
        weights=WeightsOrigin(
            name="imagenet" if pretrained_on else "none", description="", pretrained_on=pretrained_on
        ),
        test=Scores.model_construct(
            num_items=10_000, accuracy=accuracy, macro_precision=accuracy - 0.001, macro_recall=accuracy - 0.002,
            macro_f1=accuracy - 0.003, loss=0.0312, raw_loss=0.1312,
            per_class=PerClass.model_construct(support=support),
        ),
        clocks=Clocks.model_construct(segments=(), training_seconds=seconds),
        cost=Cost.model_construct(num_parameters=134_301_514, inference_images_per_second=12_345.4),
    )  # fmt: skip


def leaderboard(records: list[RunRecord], width: int = 160) -> list[str]:
    console = Console(file=io.StringIO(), width=width, record=True, highlight=False)
    results_table(records, console)
    return console.export_text().splitlines()


def test_one_run_has_its_interval():
    lines = leaderboard([made_up_run("cnn", 0.99)])
    (row,) = [line for line in lines if "cnn" in line]
    # Wilson for 9,900 of 10,000, from the formula: 98.786 to 99.177.
    for part in ("● cnn", "none", "99.00 (98.79–99.18)", "98.90", "98.80", "98.70", "0.0312", "70.0 s", "134 M"):
        assert part in row
    assert row.rstrip().endswith("12,345")
    assert "10,000 test images of MNIST. Precision, recall and F1 are means over the classes." in lines
    assert "(low–high): 95 % Wilson interval of one run." in lines
    assert not any("±" in line or "†" in line for line in lines)


def test_it_says_which_classes_the_means_are_over():
    lines = leaderboard([made_up_run("cnn", 0.99, support=(5000, 5000, 0))])
    line = "Precision, recall and F1 are means over 2 of 3 classes: test has no image of owl."
    assert f"10,000 test images of MNIST. {line}" in lines


def test_best_first_and_seeds_together():
    records = [made_up_run("vit", accuracy, seed=seed) for seed, accuracy in enumerate((0.97, 0.98, 0.99))]
    records += [made_up_run("cnn", 0.985), made_up_run("vgg16:hed", 0.95, pretrained_on="ImageNet-1k")]
    lines = leaderboard(records)
    rows = [line for line in lines if line[:1] in "●■▲" and line]
    assert [row.split()[1] for row in rows] == ["cnn", "vit", "vgg16:hed"]
    assert "98.00 ± 1.00" in rows[1]
    assert "97.70 ± 1.00" in rows[1], "F1 has its spread too"
    assert "imagenet†" in rows[2]
    assert "† did not start from nothing: pretrained on ImageNet-1k." in lines
    assert "±: standard deviation over 3 seeds." in lines


def test_a_diverged_run_counts_in_scores_and_not_in_times():
    finished = [made_up_run("cnn", accuracy, seed=seed) for seed, accuracy in enumerate((0.98, 0.99))]
    lost = made_up_run("cnn", 0.098, seed=2, status="diverged", seconds=9999)
    alone = made_up_run("vit", 0.098, status="diverged")
    lines = leaderboard([alone, *finished, lost])
    rows = [line for line in lines if line[:1] in "●■" and line]
    assert "68.93 ± 51.21 1 of 3 diverged" in rows[0], "the mean of 98, 99 and 9.8"
    assert "70.0 s" in rows[0]
    assert rows[1].split()[1:4] == ["vit", "none", "diverged"]
    assert "9.8" not in rows[1]
    assert "±: standard deviation over 3 seeds." in lines


def test_contenders_of_several_studies_are_told_apart():
    lines = leaderboard([made_up_run("cnn", 0.99, study="a"), made_up_run("cnn", 0.98, study="b")])
    assert [line.split()[1:3] for line in lines if "●" in line] == [["cnn", "(a)"], ["cnn", "(b)"]]


def test_no_runs():
    assert leaderboard([]) == ["There are no finished runs to show."]


def test_eighty_columns_lose_no_figure():
    records = [made_up_run("fasterrcnn", 0.9876, pretrained_on="x")]
    records += [made_up_run("vit", accuracy, seed=seed) for seed, accuracy in enumerate((0.94, 0.96))]
    words = " ".join(leaderboard(records, width=80)).split()
    for word in ("fasterrcnn", "imagenet†", "98.76", "98.66", "98.56", "98.46", "0.0312", "134", "12,345", "1.41"):
        assert word in words
    assert words.count("1.41") == 4, "the spread of accuracy, precision, recall and F1"


def test_spread():
    assert spread([], 2) == "–"
    assert spread([1.234], 2) == "1.23"
    assert spread([1, 2, 3], 1) == "2.0 ± 1.0"


def test_a_pipe_is_wide_and_its_encoding_is_no_obstacle(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    results_table([made_up_run("cnn", 0.99)], open_console(stream))
    stream.flush()
    text = stream.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert "? cnn" in text
    assert max(map(len, text.splitlines())) > 90


def test_results_go_to_standard_output(capsys: pytest.CaptureFixture[str]):
    results_table([made_up_run("cnn", 0.99)])
    out, err = capsys.readouterr()
    assert "cnn" in out
    assert err == ""
