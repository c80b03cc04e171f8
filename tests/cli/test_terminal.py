"""The live table and the leaderboard, on consoles that record what they were given."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from rich.console import Console

from eyechart.cli import terminal
from eyechart.cli.terminal import LiveTable, clock_text, open_console, results_table, spread
from eyechart.contracts import Progress
from eyechart.schema import Clocks, Cost, DatasetCard, Recipe, RunRecord, Scores, WeightsOrigin


def recording_console(*, is_terminal: bool, width: int = 120, height: int = 40) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=is_terminal, width=width, height=height, record=True, highlight=False,
        _environ={"TERM": "xterm-256color"}, legacy_windows=False,
    )  # fmt: skip


def shown(console: Console) -> str:
    """What was printed, without colours."""
    return console.export_text()


class Hands:
    def __init__(self) -> None:
        self.now = 1000.0


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """A time that moves only when told, for `terminal` alone: rich's own thread keeps the real one."""
    hands = Hands()

    class FakeTime:
        monotonic = staticmethod(lambda: hands.now)

    monkeypatch.setattr(terminal, "time", FakeTime)
    return hands


def made_up_run(
    contender: str, accuracy: float, *, seed: int = 0, study: str = "quick-mnist", status: str = "finished",
    pretrained_on: str = "", seconds: float = 70.0,
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
        dataset=DatasetCard.model_construct(title="MNIST"),
        weights=WeightsOrigin(name="imagenet" if pretrained_on else "none", description="", pretrained_on=pretrained_on),
        test=Scores.model_construct(
            num_items=10_000, accuracy=accuracy, macro_precision=accuracy - 0.001, macro_recall=accuracy - 0.002,
            macro_f1=accuracy - 0.003, loss=0.0312,
        ),
        clocks=Clocks.model_construct(training_seconds=seconds),
        cost=Cost.model_construct(num_parameters=134_301_514, inference_images_per_second=12_345.4),
    )  # fmt: skip


def leaderboard(records: list[RunRecord], width: int = 140) -> list[str]:
    console = recording_console(is_terminal=False, width=width)
    results_table(records, console)
    return shown(console).splitlines()


# --------------------------------------------------------------------------------------------- lines


def test_where_there_is_no_terminal_a_line_for_each_change_of_stage(hands: Hands):
    console = recording_console(is_terminal=False)
    with LiveTable(console) as report:
        report(Progress("vit-s0", "preparing"))
        report(Progress("vit-s0", "calibrating"))
        report(Progress("vit-s0", "training", 0, 500))
        hands.now += 40
        report(Progress("vit-s0", "training", 500, 500, 0.0625, 0.9712, 0.0))
        report(Progress("vit-s0", "finished", 500, 500))
    assert [" ".join(line.split()) for line in shown(console).splitlines()] == [
        "vit-s0 preparing",
        "vit-s0 calibrating",
        "vit-s0 training step 0/500",
        "vit-s0 training step 500/500 loss 0.0625 validation 97.12 % 0:00 left",
        "vit-s0 finished step 500/500 loss 0.0625 validation 97.12 % took 0:40",
    ]


def test_lines_of_one_run_are_fifteen_seconds_apart(hands: Hands):
    console = recording_console(is_terminal=False)
    report = LiveTable(console)
    for step in range(1, 61):  # one a second, from two runs
        hands.now += 1
        report(Progress("cnn-s0", "training", step, 60))
        report(Progress("vit-s0", "training", step, 60))
    lines = shown(console).splitlines()
    steps = [line.split("step ")[1] for line in lines if line.startswith("cnn-s0")]
    assert steps == ["1/60", "16/60", "31/60", "46/60"]
    assert len(lines) == 8


def test_a_sentence_names_its_run_once():
    console = recording_console(is_terminal=False, width=60)
    report = LiveTable(console)
    report(Progress("cnn-s0", "preparing", note="trying the first mirror"))
    report(Progress("cnn-s0", "failed", note="cnn-s0 failed: the disk is [full], " + "x" * 80))
    lines = shown(console).splitlines()
    assert lines[0] == "cnn-s0: trying the first mirror"
    assert lines[-1] == "cnn-s0 failed: the disk is [full], " + "x" * 80  # neither markup nor folded
    assert len(lines) == 3


# --------------------------------------------------------------------------------------------- table


def test_a_row_for_each_run_with_what_was_last_heard(hands: Hands):
    console = recording_console(is_terminal=True)
    with LiveTable(console) as report:
        report(Progress("cnn-s0", "training", 100, 400, 0.25, 0.9876, 30.0))
        report(Progress("vit-s0", "preparing"))
        hands.now += 10
        report(Progress("cnn-s0", "judging"))  # says nothing of steps and loss
    rows = shown(console).splitlines()
    (cnn,) = [row for row in rows if "cnn-s0" in row and "judging" in row]
    (vit,) = [row for row in rows if "vit-s0" in row]
    assert cnn.split()[:3] == ["●", "cnn-s0", "judging"]
    assert "0.2500" in cnn
    assert "98.76 %" in cnn
    assert vit.split() == ["■", "vit-s0", "preparing"]


def test_time_left_runs_down_between_signs_of_life(hands: Hands):
    report = LiveTable(recording_console(is_terminal=True))
    report(Progress("cnn-s0", "training", 100, 400, seconds_left=90.0))
    row = report._rows["cnn-s0"]
    assert row.time_text(hands.now) == "1:30 left"
    assert row.time_text(hands.now + 25) == "1:05 left"
    assert row.time_text(hands.now + 500) == "0:00 left"


def test_sentences_stand_above_the_table():
    console = recording_console(is_terminal=True)
    with LiveTable(console) as report:
        report(Progress("cnn-s0", "preparing", note="trying the first mirror"))
    text = shown(console)
    assert text.index("trying the first mirror") < text.rindex("preparing")


def test_more_runs_than_lines_shows_the_latest_and_in_the_end_all():
    console = recording_console(is_terminal=True, height=10)
    with LiveTable(console) as report:
        for seed in range(20):
            report(Progress(f"cnn-s{seed}", "training", 1, 2))
        during = Console(file=io.StringIO(), width=120)
        during.print(report._draw())
        text = during.file.getvalue()  # type: ignore[attr-defined]
        assert "cnn-s19" in text
        assert "cnn-s14 " not in text
        assert "15 earlier runs are not shown" in text
        assert len(text.splitlines()) < 10
    assert "cnn-s0 " in shown(console)


def test_an_error_inside_leaves_the_terminal_usable():
    console = recording_console(is_terminal=True)
    with pytest.raises(KeyboardInterrupt), LiveTable(console):
        raise KeyboardInterrupt
    assert "\x1b[?25h" in console.file.getvalue(), "the cursor is shown again"  # type: ignore[attr-defined]


def test_standard_output_stays_free_for_results():
    code = """
from eyechart.cli.terminal import LiveTable
from eyechart.contracts import Progress
with LiveTable() as report:
    report(Progress("cnn-s0", "preparing"))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == ""
    assert result.stderr == "cnn-s0  preparing\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")]
)
def test_clock_text(seconds: float, text: str):
    assert clock_text(seconds) == text


# --------------------------------------------------------------------------------------------- leaderboard


def test_one_run_has_its_interval():
    lines = leaderboard([made_up_run("cnn", 0.99)])
    (row,) = [line for line in lines if "cnn" in line]
    # Wilson for 9,900 of 10,000, from the formula: 98.786 to 99.177.
    for part in ("● cnn", "none", "99.00 (98.79–99.18)", "98.90", "98.80", "98.70", "0.0312", "1 min 10 s", "134 M"):
        assert part in row
    assert row.endswith("12,345")
    assert "10,000 test images of MNIST. Precision, recall and F1 are means over the classes." in lines
    assert "(low–high): 95 % Wilson interval of one run." in lines
    assert not any("±" in line or "†" in line for line in lines)


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


def test_a_diverged_run_is_counted_and_not_averaged():
    finished = [made_up_run("cnn", accuracy, seed=seed) for seed, accuracy in enumerate((0.98, 0.99))]
    lost = made_up_run("cnn", 0.098, seed=2, status="diverged", seconds=9999)
    alone = made_up_run("vit", 0.098, status="diverged")
    lines = leaderboard([alone, *finished, lost])
    rows = [line for line in lines if line[:1] in "●■" and line]
    assert "98.50 ± 0.71 1 of 3 diverged" in rows[0]
    assert "1 min 10 s" in rows[0]
    assert rows[1].split()[1:4] == ["vit", "none", "diverged"]
    assert "9.8" not in rows[1]
    assert "±: standard deviation over 2 seeds." in lines


def test_contenders_of_several_studies_are_told_apart():
    lines = leaderboard([made_up_run("cnn", 0.99, study="a"), made_up_run("cnn", 0.98, study="b")])
    assert [line.split()[1:3] for line in lines if "●" in line] == [["cnn", "(a)"], ["cnn", "(b)"]]


def test_no_runs():
    assert leaderboard([]) == ["There are no finished runs to show."]


def test_eighty_columns_lose_no_figure():
    text = "".join(leaderboard([made_up_run("fasterrcnn", 0.9876, pretrained_on="x")], width=80))
    for part in ("fasterrcnn", "imagenet†", "98.76", "98.66", "98.56", "98.46", "0.0312", "134 M", "12,345"):
        assert part in text
    assert "…" not in text


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


def test_nothing_heavy_is_loaded_by_the_table():
    code = "import sys, eyechart.cli.terminal; print(*{'torch', 'numpy', 'scipy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
