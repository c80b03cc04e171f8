"""`--strict`: what speaks against a comparison becomes an error, after everything was written and shown."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from eyechart.base.errors import UnfairComparison, UsageError
from eyechart.cli import app
from eyechart.files.storage import RUN_FILE, read_run, write_record
from eyechart.schema import StudyRecord
from eyechart.study import plan as plans
from eyechart.study import race


@pytest.fixture(scope="module")
def fake_runs() -> ModuleType:
    path = Path(__file__).parents[1] / "report" / "fake_runs.py"
    specification = importlib.util.spec_from_file_location("fake_runs", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def runs(fake_runs: ModuleType, tmp_path: Path) -> list[Path]:
    two = {name: fake_runs.FIVE[name] for name in ("cnn", "vit")}
    found: list[Path] = fake_runs.fake_study(tmp_path / "study", two, (0, 1), num_items=300)
    return found


@pytest.fixture
def unfair_runs(runs: list[Path]) -> list[Path]:
    """The test part of vit-s1 was opened twice."""
    record = read_run(runs[-1])
    write_record(runs[-1] / RUN_FILE, record.model_copy(update={"test_accesses": 2}))
    return runs


def test_a_fair_comparison_passes(runs: list[Path]) -> None:
    study_folder = str(runs[0].parent)
    for command in (["compare", study_folder], ["compare", study_folder, "--json"], ["report", study_folder]):
        result = CliRunner().invoke(app, [*command, "--strict"])
        assert result.exit_code == 0, result.output


def test_compare_shows_findings_first_and_then_refuses(unfair_runs: list[Path]) -> None:
    study_folder = str(unfair_runs[0].parent)
    listed = CliRunner().invoke(app, ["compare", study_folder])
    assert listed.exit_code == 0
    assert listed.stdout.startswith("unfair: vit-s1: the test images were not opened exactly once")
    strict = CliRunner().invoke(app, ["compare", study_folder, "--strict"])
    assert isinstance(strict.exception, UnfairComparison)
    assert strict.exception.exit_code == 1
    assert strict.stdout == listed.stdout, "the comparison is shown all the same"


def test_compare_gives_findings_as_json(unfair_runs: list[Path]) -> None:
    told = json.loads(CliRunner().invoke(app, ["compare", str(unfair_runs[0].parent), "--json"]).stdout)
    assert told["findings"] == [
        {"kind": "unfair", "code": "test-accesses", "runs": ["vit-s1"], "facts": {"accesses": 2}}
    ]


def test_the_report_is_written_before_it_is_refused(unfair_runs: list[Path], tmp_path: Path) -> None:
    output = tmp_path / "r.html"
    strict = CliRunner().invoke(app, ["report", str(unfair_runs[0].parent), "-o", str(output), "--strict"])
    assert isinstance(strict.exception, UnfairComparison)
    assert "vit-s1: the test images were not opened exactly once" in output.read_text()


def test_a_report_takes_no_other_file_s_place(unfair_runs: list[Path], tmp_path: Path) -> None:
    study, output = str(unfair_runs[0].parent), tmp_path / "thesis.html"
    output.write_text("<html>two months of work</html>")
    refused = CliRunner().invoke(app, ["report", study, "-o", str(output)])
    assert isinstance(refused.exception, UsageError)
    assert "thesis.html is there already, and not a report that eyechart wrote" in str(refused.exception)
    assert output.read_text() == "<html>two months of work</html>"
    into = CliRunner().invoke(app, ["report", study, "-o", str(tmp_path)])
    assert "is a folder; expected the name of an HTML file" in str(into.exception)
    output.unlink()
    for _ in range(2):  # one of its own is written anew
        assert CliRunner().invoke(app, ["report", study, "-o", str(output)]).exit_code == 0


# --------------------------------------------------------------------------------------------- before the start


@pytest.fixture
def unfair_plan(monkeypatch: pytest.MonkeyPatch) -> StudyRecord:
    """A budget in seconds on a machine of which half is taken."""
    monkeypatch.setattr("eyechart.comparison.beforehand.busy_share", lambda: 0.5)
    return plans.plan_study(["cnn", "vit"], seeds=[0])


def test_an_unfair_plan_is_told_and_goes_on(unfair_plan: StudyRecord) -> None:
    said: list[str] = []
    race.forewarn(unfair_plan, 10_000, said.append, strict=False, lang="en")
    assert said[0].startswith("unfair: Other programs take 50 % of this machine right now.")
    assert said[1].startswith("note: Paired seeds planned: 1.")


def test_an_unfair_plan_is_refused_where_one_is_strict(unfair_plan: StudyRecord) -> None:
    with pytest.raises(UnfairComparison, match=r"What speaks against this comparison \(1\)") as caught:
        race.forewarn(unfair_plan, 10_000, lambda sentence: None, strict=True, lang="en")
    assert "Paired seeds" not in str(caught.value), "notes break no rule"


def test_an_unfair_plan_trains_nothing(
    unfair_plan: StudyRecord, tmp_path: Path, mnist: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_to_run(*arguments: object, **options: object) -> None:
        raise AssertionError("it started")

    monkeypatch.setattr("eyechart.study.study.run_study", refuse_to_run)
    with pytest.raises(UnfairComparison):
        race.race(unfair_plan, tmp_path / "s", resume=False, exist_ok=False, offline=True, quiet=True, strict=True)
