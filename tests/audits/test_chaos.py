"""Chaos in its small form, and that it would notice what it looks for."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path

import pytest

from audits.chaos import __main__ as command
from audits.chaos import faults, kills, mutations, nodes
from audits.chaos.attempts import Ended, attempt
from audits.chaos.fault import Fault
from audits.chaos.tally import Tally
from audits.chaos.tiny import CONTENDERS, tiny_job
from eyechart.catalog.recipes import RECIPES
from eyechart.files import storage
from eyechart.schema.contracts import Dataset
from eyechart.training import checkpoint


def quiet(sentence: str) -> None:
    pass


def test_every_contender_of_ours_is_among_the_victims() -> None:
    missing = set(RECIPES) - {name.partition(":")[0] for name in CONTENDERS}
    assert not missing, f"give {', '.join(missing)} a small form in CHANGES of audits/chaos/tiny.py"


def test_a_tally_goes_on_where_it_stopped(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "tally.json")
    tally.add("a", 4, [], contender="cnn", where=["step", "any time", "step"])
    tally.add("b", 2, ["another weights"], contender="vit", where=["step"])
    again = Tally(tmp_path / "tally.json")
    assert (again.tried, again.failed, again.has("a"), again.has("c")) == (6, 1, True, False)
    assert again.figures("contender", "where") == {
        "tried": 6, "failed": 1, "by_contender": {"cnn": 4, "vit": 2}, "by_where": {"any time": 1, "step": 3},
        "problems": ["another weights"],
    }  # fmt: skip


def test_mutations_change_something_in_every_kind() -> None:
    content = b"\x10\x00\x00\x00\x00\x00\x00\x00" + random.Random(0).randbytes(20_000)
    made = [mutations.mutation(content, random.Random(number)) for number in range(200)]
    assert len({each.kind for each in made}) == 8
    changed = [each for each in made if each.content != content]
    assert len(changed) > 180  # two pages may be one and the same


def test_what_is_not_said_is_noticed() -> None:
    case = faults.CASES[0]
    said = {"kind": "DiskRefused", "message": "The disk is full: so it is."}
    assert list(faults._said(case, Ended(0, said, False, (), ()))) == []
    assert list(faults._said(case, Ended(0, said | {"message": "no"}, False, (), ())))
    assert list(faults._said(case, Ended(0, {}, True, (), ())))


@pytest.mark.slow
def test_a_few_of_each(mnist: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kills, faults and mutations of one contender; and what each of them looks for is there to be seen."""
    assert mnist.card.name == "mnist"
    tally = kills.kill_runs(tmp_path, 4, quiet, ("cnn",))
    assert (tally.tried >= 4, tally.failed) == (True, 0)
    tally = mutations.mutate_checkpoints(tmp_path, 60, quiet, ("cnn",))
    assert (tally.tried, tally.failed) == (60, 0)
    tally = faults.meet_faults(tmp_path, quiet, ("cnn",))
    assert (tally.tried, tally.failed) == (len(faults.CASES), 0), tally.figures()
    given = ["--mutations", "60", "--folder", str(tmp_path), "--output", str(tmp_path / "r.json")]
    monkeypatch.setattr(command, "mutate_checkpoints", lambda *rest: Tally(tmp_path / "mutations.json"))
    assert command.main(["checkpoint_mutations", *given]) == 0
    record = json.loads((tmp_path / "r.json").read_text())
    assert (record["results"]["checkpoint_mutations"]["tried"], record["command"]) == (60, "make chaos")


@pytest.mark.slow
def test_a_kill_is_a_kill_and_another_bit_is_noticed(mnist: Dataset, tmp_path: Path) -> None:
    assert mnist.card.name == "mnist"
    expected = kills.reference("cnn", tmp_path)
    job = tiny_job("cnn", tmp_path, "killed")
    assert attempt(job, Fault("kill", event=8, only_checkpoints=True)).code == -signal.SIGKILL
    newest = checkpoint.newest_checkpoint(Path(job.folder) / storage.CHECKPOINT_FILE)
    assert newest is not None
    assert newest.card.step == 1
    assert list(Path(job.folder).glob(".*.partial")), "what a kill leaves half-written"
    assert attempt(job).done
    assert kills.differences(job, expected) == []
    (Path(job.folder) / storage.CHECKPOINT_FILE).touch()
    assert kills.differences(job, expected | {"weights": "other"}) == [
        "another weights", f"{storage.CHECKPOINT_FILE} is left"
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not nodes.has_ray(), reason="needs Ray: pip install 'eyechart[ray]'")
def test_a_machine_that_dies_costs_no_run(tmp_path: Path) -> None:
    tally = nodes.kill_nodes(tmp_path, 1, quiet)
    assert (tally.tried >= 1, tally.failed) == (True, 0), tally.figures()


def test_without_ray_its_part_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "has_ray", lambda: False)
    assert command.main(["node_kills", "--folder", str(tmp_path), "--output", str(tmp_path / "r.json")]) == 0
    assert "left out: Ray is not installed" in capsys.readouterr().out
    assert not (tmp_path / "r.json").exists()
