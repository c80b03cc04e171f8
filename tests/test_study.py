"""Planning, resuming and replacing studies, with a launcher that only pretends to train."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyechart import storage, study
from eyechart.contracts import Progress, Reporter
from eyechart.errors import Interrupted, RunFailed, StorageError, UsageError
from eyechart.schema import Job
from eyechart.study_folder import open_study


def quiet(progress: Progress) -> None:
    pass


class Launcher:
    """Remembers jobs, leaves a run.json for each, and fails where it is told to."""

    def __init__(self, **failures: Exception):
        self.jobs: list[Job] = []
        self.failures = failures

    def __call__(self, job: Job, report: Reporter) -> None:
        self.jobs.append(job)
        if job.run.replace("-", "_") in self.failures:
            raise self.failures[job.run.replace("-", "_")]
        storage.write_text(Path(job.folder) / storage.RUN_FILE, "{}")


def test_a_plan_covers_every_contender_and_seed_in_blocks() -> None:
    record = study.plan_study(["cnn", "vit", "alexnet"], seeds=[0, 1], preset="smoke")
    jobs = study.jobs_of(record, Path("runs/x"))
    assert [job.seed for job in jobs] == [0, 0, 0, 1, 1, 1]
    assert {job.run for job in jobs[:3]} == {"cnn-s0", "vit-s0", "alexnet-s0"}
    assert jobs == study.jobs_of(record, Path("runs/x")), "the random order is a function of the seed"
    assert record.name == "smoke-mnist"


def test_all_five_by_default() -> None:
    assert study.plan_study().contenders == ("cnn", "vit", "vgg16", "alexnet", "fasterrcnn")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": ["cnn", "cnn"]}, "names the same one twice"),
        ({"seeds": []}, "one or more whole numbers"),
        ({"seeds": [-1]}, "one or more whole numbers"),
        ({"seeds": [1, 1]}, "--seeds names the same one twice"),
        ({"changes": {"learning_rate": 0.0}}, "learning_rate"),
        ({"num_threads": 0}, "num_threads"),
        ({"models": ["cnn"], "changes": {"weights": "hed"}}, "none of cnn starts from weights"),
    ],
)
def test_what_cannot_be_planned(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        study.plan_study(**arguments)  # type: ignore[arg-type]


def test_weights_are_given_to_those_that_have_some() -> None:
    record = study.plan_study(["cnn", "alexnet"], changes={"weights": "none"})
    assert record.recipes["cnn"].weights == "none"
    assert record.recipes["alexnet"].weights == "none"
    assert study.plan_study(["cnn", "vgg16"], changes={"weights": "hed"}).recipes["cnn"].weights == "none"


def test_finished_runs_are_skipped_and_failures_do_not_stop_the_others(tmp_path: Path) -> None:
    record = study.plan_study(["cnn", "vit"], preset="smoke")
    open_study(record, tmp_path / "s", resume=False, exist_ok=False)
    first = study.run_study(record, tmp_path / "s", quiet, launch=Launcher(vit_s0=RunFailed("no luck")))
    assert {run: str(error) for run, error in first.failures.items()} == {"vit-s0": "no luck"}
    with pytest.raises(RunFailed, match=r"1 of 2 runs failed \(vit-s0\).*--resume"):
        study.raise_failures(first)
    again = Launcher()
    second = study.run_study(record, tmp_path / "s", quiet, launch=again)
    assert [job.run for job in again.jobs] == ["vit-s0"]
    study.raise_failures(second)


def test_what_is_said_of_a_recipe_does_not_start_a_study_anew(tmp_path: Path) -> None:
    """`make accuracy` writes what it measured into `expect`; `make accuracy SEEDS=10` goes on with the same folder."""
    three = study.plan_study(["cnn"], seeds=(0, 1, 2), preset="smoke")
    open_study(three, tmp_path / "s", resume=False, exist_ok=False)
    ten = study.plan_study(["cnn"], seeds=range(10), preset="smoke")
    measured = ten.recipes["cnn"].model_copy(update={"expect": "99.6 % of 3 seeds"})
    merged = open_study(
        ten.model_copy(update={"recipes": {"cnn": measured}}), tmp_path / "s", resume=True, exist_ok=False
    )
    assert merged.seeds == tuple(range(10))
    faster = ten.model_copy(update={"recipes": {"cnn": measured.model_copy(update={"learning_rate": 0.9})}})
    with pytest.raises(UsageError, match=r"other settings \(recipe of cnn\)"):
        open_study(faster, tmp_path / "s", resume=True, exist_ok=False)


def test_failures_that_agree_keep_their_exit_code(tmp_path: Path) -> None:
    record = study.plan_study(["cnn", "vit"], preset="smoke")
    launcher = Launcher(vit_s0=UsageError("too small"), cnn_s0=UsageError("too small"))
    with pytest.raises(RunFailed, match="2 of 2 runs failed") as caught:
        study.raise_failures(study.run_study(record, tmp_path, quiet, launch=launcher))
    assert caught.value.exit_code == 2


def test_a_full_disk_ends_the_study_at_once(tmp_path: Path) -> None:
    record = study.plan_study(["cnn", "vit"], preset="smoke")
    full = StorageError("The disk is full")
    launcher = Launcher(vit_s0=full, cnn_s0=full)
    assert len(study.run_study(record, tmp_path, quiet, launch=launcher).failures) == 1
    assert len(launcher.jobs) == 1


def test_stopping_says_how_to_go_on(tmp_path: Path) -> None:
    record = study.plan_study(["cnn"], preset="smoke")
    with pytest.raises(Interrupted, match="--resume") as caught:
        study.run_study(record, tmp_path, quiet, launch=Launcher(cnn_s0=Interrupted("Stopped.", 15)))
    assert caught.value.exit_code == 143


def test_nothing_is_overwritten_silently(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    record = study.plan_study(["cnn"], preset="smoke")
    open_study(record, folder, resume=False, exist_ok=False)
    with pytest.raises(UsageError, match=r"already holds a study.*--resume.*--exist-ok.*--name"):
        open_study(record, folder, resume=False, exist_ok=False)
    study.run_study(record, folder, quiet, launch=Launcher())
    (folder / "notes.txt").write_text("mine")
    open_study(record, folder, resume=False, exist_ok=True)
    assert storage.find_runs([folder]) == []
    assert (folder / "notes.txt").read_text() == "mine", "only what eyechart made is replaced"


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_text("")
    record = study.plan_study(["cnn"], preset="smoke")
    for flags in ({"resume": True, "exist_ok": False}, {"resume": False, "exist_ok": True}):
        with pytest.raises(UsageError, match="is no study of eyechart"):
            open_study(record, tmp_path, **flags)


def test_resuming_may_add_seeds_and_contenders_but_not_change_rules(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    open_study(study.plan_study(["cnn"], preset="smoke"), folder, resume=False, exist_ok=False)
    more = study.plan_study(["cnn", "vit"], preset="smoke", seeds=[0, 1])
    merged = open_study(more, folder, resume=True, exist_ok=False)
    assert merged.contenders == ("cnn", "vit")
    assert merged.seeds == (0, 1)
    for other in (
        study.plan_study(["cnn"], preset="smoke", fraction=0.5),
        study.plan_study(["cnn"], preset="smoke", changes={"learning_rate": 0.7}),
    ):
        with pytest.raises(UsageError, match=r"started with other settings \((fraction|recipe of cnn)\)"):
            open_study(other, folder, resume=True, exist_ok=False)


def test_weights_that_were_settled_can_be_resumed(tmp_path: Path) -> None:
    record = study.plan_study(["vgg16"], preset="smoke")
    assert record.recipes["vgg16"].weights == "auto"
    settled = record.model_copy(
        update={"recipes": {"vgg16": record.recipes["vgg16"].model_copy(update={"weights": "hed"})}}
    )
    open_study(settled, tmp_path / "s", resume=False, exist_ok=False)
    again = open_study(record, tmp_path / "s", resume=True, exist_ok=False)
    assert again.recipes["vgg16"].weights == "hed"


def test_auto_weights_that_are_not_to_be_had_unfreeze_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path))
    said: list[str] = []
    settled = study.settle_weights(study.plan_study(["vgg16"], preset="smoke"), True, said.append)
    recipe = settled.recipes["vgg16"]
    assert (recipe.weights, recipe.frozen_stages, recipe.cache_frozen) == ("none", 0, False)
    assert said, "and it says so"
