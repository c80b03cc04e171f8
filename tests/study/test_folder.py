"""A study's folder: gone on with, replaced only by what is complete, and nothing removed that is not eyechart's."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest

from eyechart.base.errors import DatasetError, Interrupted, RunFailed, StorageError, UsageError
from eyechart.data.content import check_content
from eyechart.files import replacing, storage
from eyechart.files.places import seen_from_here
from eyechart.launch.driver import in_turn
from eyechart.schema import Job, StudyRecord
from eyechart.schema.contracts import Progress, Reporter
from eyechart.study import plan as plans
from eyechart.study import study
from eyechart.study.folder import Opened, conclude, content_of, open_study, take


def quiet(progress: Progress) -> None:
    pass


def plan(models: str = "cnn,vit", **settings: object) -> StudyRecord:
    return plans.plan_study(models, preset="smoke", **settings)  # type: ignore[arg-type]


def opened(record: StudyRecord, folder: Path, **flags: bool) -> Opened:
    return open_study(record, folder, **{"resume": False, "exist_ok": False} | flags)


def trained(record: StudyRecord, folder: Path, mark: str = "", fail: dict[str, Exception] | None = None,
            **flags: bool) -> study.Study:  # fmt: skip
    """What a start does to a folder, with files for trainings, which bear a mark."""

    def launch(job: Job, report: Reporter) -> None:
        if job.run in (fail or {}):
            storage.write_text(Path(job.folder) / storage.FAILURE_FILE, '{"reason": "no luck"}')
            raise (fail or {})[job.run]
        for name in (*storage.RUN_FILES[:4], "../items-0123.npz"):
            storage.write_text(Path(job.folder) / name, mark)

    found = opened(record, folder, **flags)
    take(found)
    done = study.run_study(found.record, found.folder, quiet, home=folder, launch=in_turn(launch))
    conclude(done, found)
    return done


def everything(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished study of cnn and vit, with its report and files of the user's own in every place."""
    folder = tmp_path / "s"
    trained(plan(), folder, "old")
    for name in ("report.html", "report-synthesis.md", "report-figures/cost-latency.svg"):
        storage.write_text(folder / name, "old")
    for name in ("notes.txt", "cnn-s0/notes.txt", "report-figures/notes.svg", "mine/run.json", "vit-s0/deep/mine.txt"):
        storage.write_text(folder / name, "mine")
    return folder


# --------------------------------------------------------------------------------------------- going on


def test_nothing_is_overwritten_silently(folder: Path) -> None:
    before = everything(folder)
    with pytest.raises(UsageError, match=r"already holds a study\. Continue it with --resume.*--exist-ok.*--name"):
        opened(plan(), folder)
    with pytest.raises(UsageError, match=r"other settings: fraction was 0\.01 and is 0\.5 now") as caught:
        opened(plan(fraction=0.5), folder)
    assert "--resume" not in str(caught.value), "which would refuse"
    assert everything(folder) == before


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_text("")
    for flags in ({"resume": True}, {"exist_ok": True}, {}):
        with pytest.raises(UsageError, match="is no study of eyechart"):
            opened(plan(), tmp_path, **flags)


def test_looking_writes_nothing(tmp_path: Path) -> None:
    opened(plan(), tmp_path / "s")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("flags", [{}, {"resume": True}, {"exist_ok": True}])
def test_a_study_without_any_work_is_taken_anew(tmp_path: Path, flags: dict[str, bool]) -> None:
    """A first run that was refused leaves study.json and a reason; the corrected command must not stumble over them."""
    trained(plan("vit", fraction=0.5), tmp_path / "s", fail={"vit-s0": UsageError("too small")})
    storage.write_text(tmp_path / "s" / "notes.txt", "mine")
    trained(plan("cnn"), tmp_path / "s", **flags)
    assert storage.read_study(tmp_path / "s").contenders == ("cnn",)
    assert {path.name for path in (tmp_path / "s").iterdir()} == {"study.json", "notes.txt", "cnn-s0", "items-0123.npz"}


def test_resuming_may_add_seeds_and_contenders_but_not_change_rules(folder: Path) -> None:
    merged = opened(plan("vit,alexnet", seeds=[0, 1]), folder, resume=True).record
    assert merged.contenders == ("cnn", "vit", "alexnet")
    assert merged.seeds == (0, 1)
    for changes, told in (
        ({"fraction": 0.5}, r"fraction was 0\.01 and is 0\.5 now"),
        ({"changes": {"learning_rate": 0.7}}, r"recipe of cnn: learning_rate was 0\.3 and is 0\.7 now; recipe of"),
        ({"budget": plans.rules_of("quick", "mnist").budget}, "budget was 4 steps and is 75 seconds now"),
        ({"img_size": 9}, "img_size was not set and is 9 now"),
        ({"data": "digits"}, "dataset was mnist and is digits now"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=f"started with other settings: {told}"):
            opened(plan(**changes), folder, resume=True)


def test_files_of_what_is_added_are_named_from_where_it_was_added(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    added = opened(plan("cnn,vit,alexnet:./w.safetensors"), folder, resume=True).record
    (weights,) = {recipe.weights for name, recipe in added.recipes.items() if name.startswith("alexnet")}
    assert Path(weights).resolve() == (tmp_path / "elsewhere" / "w.safetensors").resolve()


def test_what_is_said_of_a_recipe_does_not_start_a_study_anew(folder: Path) -> None:
    """`make accuracy` writes what it measured into `expect`; `make accuracy SEEDS=10` goes on with the same folder."""
    ten = plan("cnn", seeds=range(10))
    measured = ten.recipes["cnn"].model_copy(update={"expect": "99.6 % of 3 seeds"})
    merged = opened(ten.model_copy(update={"recipes": {"cnn": measured}}), folder, resume=True).record
    assert merged.seeds == tuple(range(10))


def test_weights_that_were_settled_can_be_resumed(tmp_path: Path) -> None:
    record = plan("vgg16")
    assert record.recipes["vgg16"].weights == "auto"
    recipes = {"vgg16": record.recipes["vgg16"].model_copy(update={"weights": "hed"})}
    trained(record.model_copy(update={"recipes": recipes}), tmp_path / "s")
    assert opened(record, tmp_path / "s", resume=True).record.recipes["vgg16"].weights == "hed"
    whole = {"vgg16": record.recipes["vgg16"].model_copy(update={"frozen_stages": 0})}
    with pytest.raises(UsageError, match="frozen_stages was 2 and is 0 now"):
        opened(record.model_copy(update={"recipes": whole}), tmp_path / "s", resume=True)


def test_one_place_may_be_written_in_many_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pics").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "pics")
    monkeypatch.chdir(tmp_path)
    trained(plan("cnn", data="pics"), tmp_path / "s")
    for same in ("pics/", "./pics", str(tmp_path / "pics"), "link", "pics/../pics"):
        merged = opened(plan("cnn", data=same), tmp_path / "s", resume=True).record
        assert merged.rules.dataset == "pics", "the rules stay the same for all runs"
    monkeypatch.chdir(tmp_path / "pics")
    assert opened(plan("cnn", data="../pics"), tmp_path / "s", resume=True).record.started_in == str(tmp_path)
    with pytest.raises(UsageError, match="dataset was pics and is other now"):
        opened(plan("cnn", data="other"), tmp_path / "s", resume=True)


@pytest.mark.parametrize("data", ["./pics", "scenes:./pics,level=easy"])
def test_the_same_words_in_another_folder_are_another_dataset(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an absolute --output two folders share a study, and each has its own ./pics."""
    for name in ("here", "there"):
        (tmp_path / name / "pics").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    trained(plan("fasterrcnn", data=data), tmp_path / "s")
    monkeypatch.chdir(tmp_path / "there")
    with pytest.raises(UsageError, match=r"dataset was .*here.*pics.* and is .*there.*pics.* now"):
        opened(plan("fasterrcnn", data=data), tmp_path / "s", resume=True)


def test_the_same_words_for_other_weights_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "w.safetensors").write_bytes(name.encode())
    monkeypatch.chdir(tmp_path / "here")
    trained(plan("alexnet:./w.safetensors"), tmp_path / "s")
    monkeypatch.chdir(tmp_path / "there")
    with pytest.raises(UsageError, match=r"recipe of alexnet.*: weights was .*here.*and is .*there"):
        opened(plan("alexnet:./w.safetensors"), tmp_path / "s", resume=True)


@pytest.mark.parametrize(("option", "contender"), [("weights", "alexnet"), ("backbone", "fasterrcnn")])
def test_one_file_of_weights_may_be_written_in_many_ways(
    option: str, contender: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weighted(path: object) -> StudyRecord:
        return plan(contender, changes={option: str(path)})

    (tmp_path / "here").mkdir()
    for name in ("w.safetensors", "other.safetensors"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    trained(weighted("w.safetensors"), tmp_path / "s")
    for same in ("./w.safetensors", tmp_path / "w.safetensors", "here/../w.safetensors"):
        merged = opened(weighted(same), tmp_path / "s", resume=True).record
        assert merged.recipes[contender].weights == "w.safetensors", "one recipe for all of its runs"
    monkeypatch.chdir(tmp_path / "here")
    assert opened(weighted("../w.safetensors"), tmp_path / "s", resume=True).record.started_in == str(tmp_path)
    for other in ("../other.safetensors", "w.safetensors"):
        with pytest.raises(UsageError, match=f"recipe of {contender}: weights was .*w.safetensors and is .* now"):
            opened(weighted(other), tmp_path / "s", resume=True)


def test_what_is_added_has_folders_of_its_own(tmp_path: Path) -> None:
    """One that would take the runs of another for its own is refused, as it is where both are named at once."""
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    trained(plan(f"alexnet:{tmp_path}/here/w.safetensors"), tmp_path / "s")
    with pytest.raises(UsageError, match="whose runs would have folders of the same name: alexnet-w"):
        opened(plan(f"alexnet:{tmp_path}/there/w.safetensors"), tmp_path / "s", resume=True)


def test_a_project_that_was_moved_with_its_data_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project" / "pics").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    trained(plan("cnn", data="./pics"), tmp_path / "project" / "s")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project").rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")
    merged = opened(plan("cnn,vit", data="./pics"), Path("s"), resume=True).record
    assert seen_from_here(merged.rules.dataset, merged.started_in, ()) == "./pics"


def test_a_folder_that_was_renamed_is_the_same_study(folder: Path) -> None:
    renamed = folder.rename(folder.with_name("renamed"))
    merged = opened(plan(seeds=[0, 1]).model_copy(update={"name": "renamed"}), renamed, resume=True).record
    assert merged.name == storage.read_study(renamed).name, "as its finished runs say"


# --------------------------------------------------------------------------------------------- the same data


def test_the_record_and_every_job_say_which_data(folder: Path) -> None:
    record = plan().model_copy(update={"dataset_sha256": "abc"})
    assert {job.dataset_sha256 for job in plans.jobs_of(record, folder)} == {"abc"}
    assert opened(record, folder, resume=True).record.dataset_sha256 == "", "of the study that is there"


def test_a_study_of_before_has_its_data_in_its_finished_runs(fake_runs: Any, tmp_path: Path) -> None:
    run = fake_runs.fake_study(tmp_path / "s", {"cnn": fake_runs.FIVE["cnn"]}, num_items=50)[0]
    assert content_of(tmp_path / "s") == storage.read_run(run).dataset.content_sha256
    assert content_of(tmp_path / "nowhere") == ""


def test_data_that_changed_is_told_with_both_hashes() -> None:
    from eyechart.data import sklearn_digits

    card = sklearn_digits.load().card
    check_content(card, "", "s")
    check_content(card, card.content_sha256, "s")
    with pytest.raises(DatasetError, match=rf"sha256 is {card.content_sha256[:16]}, and s was started with abc\."):
        check_content(card, "abc", "s")


# --------------------------------------------------------------------------------------------- replacing


def test_a_replacement_takes_the_place_once_it_is_complete(folder: Path) -> None:
    done = trained(plan("cnn", fraction=0.5), folder, "new", exist_ok=True)
    assert done.folder == folder
    assert everything(folder) == {
        "study.json": (folder / "study.json").read_text(),
        **dict.fromkeys([f"cnn-s0/{name}" for name in storage.RUN_FILES[:4]] + ["items-0123.npz"], "new"),
        **dict.fromkeys(["notes.txt", "cnn-s0/notes.txt", "report-figures/notes.svg", "mine/run.json",
                         "vit-s0/deep/mine.txt"], "mine"),
    }  # fmt: skip
    assert storage.read_study(folder).rules.fraction == 0.5
    assert {path.name for path in folder.iterdir() if path.name.startswith(".")} == set()


@pytest.mark.parametrize("error", [RunFailed("no luck"), Interrupted("Stopped.", 2), KeyboardInterrupt()])
def test_an_unfinished_replacement_changes_nothing(folder: Path, error: BaseException) -> None:
    before, changed = everything(folder), plan(fraction=0.5)
    with contextlib.suppress(Interrupted, KeyboardInterrupt):
        trained(changed, folder, "new", {"vit-s0": error}, exist_ok=True)
    assert {name: text for name, text in everything(folder).items() if not name.startswith(".replacement")} == before
    assert opened(plan(), folder, resume=True).folder == folder, "--resume alone goes on with the study that is there"
    for flags in ({"exist_ok": True}, {"exist_ok": True, "resume": True}):
        again = opened(changed, folder, **flags)
        assert (again.folder, again.is_replacement) == (folder / ".replacement", True)
    marked = {run for run in ("cnn-s0", "vit-s0") if (folder / ".replacement" / run / "run.json").exists()}
    trained(changed, folder, "newer", exist_ok=True)
    assert storage.read_study(folder).rules.fraction == 0.5
    for run in ("cnn-s0", "vit-s0"):
        assert (folder / run / "run.json").read_text() == ("new" if run in marked else "newer"), "trained once"


def test_what_failed_and_what_was_stopped_say_that_the_earlier_study_stays(folder: Path) -> None:
    failed = trained(plan(fraction=0.5), folder, "new", {"vit-s0": RunFailed("no luck")}, exist_ok=True)
    with pytest.raises(RunFailed, match=r"1 complete in .*\.replacement \(the earlier study in .*s stays until"):
        failed.raise_failures()
    with pytest.raises(Interrupted, match=r"--resume: \S+s \(the earlier study in \S+s stays until"):
        trained(plan(fraction=0.5), folder, "new", {"vit-s0": Interrupted("Stopped.", 2)}, exist_ok=True)


def test_a_begun_replacement_is_not_lost_to_another(folder: Path) -> None:
    trained(plan(fraction=0.5), folder, "new", {"vit-s0": RunFailed("no luck")}, exist_ok=True)
    before = everything(folder)
    for other, told in (
        (plan(fraction=0.2), r"fraction was 0\.5 and is 0\.2 now"),
        (plan("cnn", fraction=0.5), "started with vit as well"),
    ):
        with pytest.raises(UsageError, match=rf"{told}.*delete .*\.replacement"):
            opened(other, folder, exist_ok=True)
    assert everything(folder) == before


@pytest.mark.parametrize("flags", [{"exist_ok": True}, {"exist_ok": True, "resume": True}])
def test_a_replacement_whose_looks_added_seeds_goes_on(flags: dict[str, bool], folder: Path) -> None:
    looking = plan(most_seeds=10)
    trained(looking, folder, "new", {"vit-s1": RunFailed("no luck")}, exist_ok=True)
    made_in = folder / ".replacement"
    grown = looking.model_copy(update={"seeds": (*looking.seeds, 7, 8)})
    storage.write_record(made_in / storage.STUDY_FILE, grown)
    again = opened(looking, folder, **flags)
    assert (again.folder, again.record.seeds) == (made_in, grown.seeds)
    with pytest.raises(UsageError, match="started with vit as well"):
        opened(plan("cnn,alexnet", most_seeds=10), folder, **flags)
    with pytest.raises(UsageError, match=r"looking was at most 10 seeds"):
        opened(plan(seeds=range(9)), folder, **flags)


def test_both_flags_without_a_begun_replacement_go_on(folder: Path) -> None:
    assert opened(plan(), folder, exist_ok=True, resume=True).folder == folder


def test_links_to_other_places_are_not_replaced(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "cnn-s1"
    storage.write_text(elsewhere / "run.json", "theirs")
    (folder / "cnn-s1").symlink_to(elsewhere)
    with pytest.raises(UsageError, match=r"cnn-s1 is a link"):
        opened(plan("cnn", seeds=[0, 1]), folder, exist_ok=True)
    trained(plan("cnn"), folder, "new", exist_ok=True)
    assert everything(elsewhere) == {"run.json": "theirs"}


class Cut(BaseException):
    """As if the process had been killed here."""


@pytest.mark.parametrize("call", ["unlink", "rename", "replace", "rmdir"])
def test_a_move_that_is_cut_off_anywhere_comes_to_its_end(call: str, folder: Path) -> None:
    """Every change of the disk in turn is the last one that happens; the next start then ends the move."""
    for count in range(1, 100):
        with pytest.MonkeyPatch.context() as patch:
            cut = _cut_before(patch, call, count)
            with contextlib.suppress(Cut):
                trained(plan("cnn", fraction=0.5), folder, "new", exist_ok=True)
        if not cut:
            break
        opened(plan("cnn", fraction=0.5), folder, resume=True, exist_ok=True)
        found = everything(folder)
        mine = {name for name, text in found.items() if text == "mine"}
        assert mine == {"notes.txt", "cnn-s0/notes.txt", "report-figures/notes.svg", "mine/run.json",
                        "vit-s0/deep/mine.txt"}  # fmt: skip
        marks = {found[f"cnn-s0/{name}"] for name in storage.RUN_FILES[:4]}
        assert marks <= {"old", "new"}
        assert len(marks) == 1, "never half of one and half of the other"
    assert count > 1, f"{call} was never cut"
    assert everything(folder)["cnn-s0/run.json"] == "new"


def _cut_before(patch: pytest.MonkeyPatch, call: str, count: int) -> list[int]:
    """Let the count-th call of a change by replacing.py be the end; a list that is not empty once it was."""
    calls, cut = [0], []
    owner = os if call == "replace" else Path
    original = getattr(owner, call)

    def wrapped(*arguments: object, **options: object) -> object:
        if str(arguments[0]).find(".partial") < 0 and not str(arguments[0]).endswith("study.json"):
            calls[0] += 1
        if calls[0] == count:
            cut.append(1)
            raise Cut
        return original(*arguments, **options)

    patch.setattr(owner, call, wrapped)
    return cut


def test_all_that_runs_and_reports_write_can_be_removed(fake_runs: Any, tmp_path: Path) -> None:
    from eyechart.report.page import write_report

    write_report(fake_runs.fake_study(tmp_path / "s", num_items=100), tmp_path / "s" / storage.REPORT_FILE)
    assert (tmp_path / "s" / storage.FIGURES_FOLDER).is_dir()
    storage.write_text(tmp_path / "s" / ".report.html.x1.partial", "half")  # of a process that was killed
    of_old_weights = ("exam.json", "exam/cnn-s0.npz", "exam/eye-chart-size.png", "explain.json", "explain/cnn-s0.npz",
                      "explain/cnn-s0-checks.json", "corruption/context.json", "report-figures/eye-test-size.svg",
                      "report-figures/corruption-published.png")  # fmt: skip
    for name in of_old_weights:
        storage.write_text(tmp_path / "s" / name, "")
    replacing.remove_study(tmp_path / "s", [])
    assert not (tmp_path / "s").exists() or everything(tmp_path / "s") == {}


def test_a_damaged_plan_is_named_and_kept(folder: Path) -> None:
    (folder / "study.json").write_text("{")
    with pytest.raises(StorageError, match=r"study\.json is damaged.*Restore that file, or start anew"):
        opened(plan(), folder, exist_ok=True)


def test_a_replacement_is_no_run_of_the_study(folder: Path) -> None:
    storage.write_text(folder / replacing.MAKING / "vit-s1" / "run.json", "")
    storage.write_text(folder / replacing.MAKING / "run.json", "")
    assert [path.name for path in storage.find_runs([folder, folder.parent])] == ["cnn-s0", "mine", "vit-s0"]
