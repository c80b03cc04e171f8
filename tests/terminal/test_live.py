"""The live table, on consoles that record what they were given."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from rich.console import Console

from eyechart.schema.contracts import Progress
from eyechart.terminal import live as terminal
from eyechart.terminal.live import LiveTable, clock_text


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


def test_a_run_repeats_nothing_that_the_study_or_another_run_said():
    console = recording_console(is_terminal=False)
    report = LiveTable(console, told=["pets: 2 classes in this order: cat (9), dog (9)"])
    for run in ("cnn-s0", "vit-s0"):
        report(Progress(run, "preparing", note="pets: 2 classes in this order: cat (9), dog (9)"))
        report(Progress(run, "preparing", note="weights are fetched"))
        report(Progress(run, "failed", note="the disk is full"))
    lines = [line for line in shown(console).splitlines() if line.split() != [line.split("-")[0] + "-s0", "preparing"]]
    assert lines == [
        "cnn-s0: weights are fetched", "cnn-s0: the disk is full", "vit-s0: the disk is full",
    ]  # fmt: skip


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
        assert "cnn-s13 " not in text
        assert "14 earlier runs are not shown" in text
        assert len(text.splitlines()) <= 10
    assert "cnn-s0 " in shown(console)


def test_an_error_inside_leaves_the_terminal_usable():
    console = recording_console(is_terminal=True)
    with pytest.raises(KeyboardInterrupt), LiveTable(console):
        raise KeyboardInterrupt
    assert "\x1b[?25h" in console.file.getvalue(), "the cursor is shown again"  # type: ignore[attr-defined]


def test_standard_output_stays_free_for_results():
    code = """
from eyechart.terminal.live import LiveTable
from eyechart.schema.contracts import Progress
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


def test_nothing_heavy_is_loaded_by_the_table():
    code = "import sys, eyechart.terminal.live; print(*{'torch', 'numpy', 'scipy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_names_and_notes_are_text():
    console = recording_console(is_terminal=False, width=200)
    report = LiveTable(console)
    report(Progress("cnn-s0", "failed", note="cnn-s0 failed: [red]\x1b[31m of a\u2029b\nsecond line"))
    assert shown(console).splitlines() == ["cnn-s0 failed: [red]\\x1b[31m of a\\u2029b", "second line"]


def test_a_narrow_terminal_cuts_the_name_and_not_the_figures(hands: Hands):
    console = recording_console(is_terminal=True, width=60)
    report = LiveTable(console)
    report(Progress("vgg16-a_very_long_name_of_weights-frozen-s0", "training", 5, 10, 0.1234, 0.9876, 70.0))
    plain = Console(file=io.StringIO(), width=60)
    plain.print(report._draw())
    text = plain.file.getvalue()  # type: ignore[attr-defined]
    for whole in ("training", "0.1234", "98.76 %", "1:10 left", "…"):
        assert whole in text
