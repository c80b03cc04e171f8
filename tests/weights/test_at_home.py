"""Weights that were pretrained on this machine: made by a command, listed, started from, refused where broken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from eyechart.base.errors import StorageError, UsageError, WeightsError, WeightsMissing
from eyechart.catalog.recipes import recipe_of
from eyechart.cli import app
from eyechart.files.places import seen_from_here
from eyechart.files.storage import digest_arrays, read_run, write_record
from eyechart.schema import StudyRecord, WeightsOrigin
from eyechart.weights import at_home, catalog
from eyechart.weights.own_runs import trunk_of_run
from eyechart.weights.resolve import Names, starting_weights
from tests.in_process import eyechart

pytestmark = pytest.mark.slow

SCENES = "scenes:digits,level=easy,canvas=64,side=16-24,count=1-3,train=32,validation=8,test=8"
SMALL = ["--steps", 8, "--threads", 1, "--offline"]


@pytest.fixture(scope="module")
def made(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A cache with weights called "small" of a cnn, and the study that they come from."""

    def pretrain(home: Path) -> None:
        words = ["pretrain", "cnn", "-d", "digits", "--name", "small", *SMALL, "--output", home / "runs"]
        done = eyechart(*words, EYECHART_CACHE=str(home / "cache"))
        assert done.returncode == 0, done.stderr
        assert "kept as cnn:small (" in done.stdout

    return made_once("pretrained-cnn", pretrain)


@pytest.fixture
def cache(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EYECHART_CACHE", str(made / "cache"))
    return made / "cache"


@pytest.fixture
def run(made: Path) -> Path:
    return made / "runs" / "pretrain-cnn-small" / "cnn-s0"


@pytest.fixture
def copied(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights alone, in a cache that a test may spoil."""
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path))
    target = at_home.path_of("cnn", "small")
    target.parent.mkdir(parents=True)
    target.write_bytes((made / "cache" / "weights" / "home" / target.name).read_bytes())
    return target


def test_it_is_the_run_without_its_head(cache: Path, run: Path) -> None:
    record, found = read_run(run), at_home.read("cnn", "small")
    trained = load_file(run / "weights.safetensors")
    assert found.tensors
    assert all(torch.equal(tensor, trained[f"network.{name}"]) for name, tensor in found.tensors.items())
    assert not any(name.startswith("head") for name in found.tensors)
    assert (found.origin.name, found.origin.pretrained_on) == ("small", record.dataset.title)
    assert (found.mean, found.std) == (record.preprocessing.mean, record.preprocessing.std)
    assert at_home.names() == [("cnn", "small")]
    card = at_home.card_of("cnn", "small")
    assert card.accuracy == record.test_scores.accuracy
    assert card.images_seen == record.history[-1].images_seen
    assert card.dataset_sha256 == record.dataset.content_sha256


def test_a_contender_starts_from_it_and_says_so(cache: Path, run: Path, tmp_path: Path) -> None:
    words = ["run", "-d", "digits", "-p", "smoke", "--output", tmp_path, "--name", "s", *SMALL]
    done = eyechart(*words, "-m", f"cnn:small,cnn:run:{run}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("†") >= 2
    by_name = read_run(tmp_path / "s" / "cnn-small-s0")
    assert by_name.weights.name == "small"
    assert by_name.weights.sha256 == at_home.read("cnn", "small").origin.sha256
    (other,) = {path for path in (tmp_path / "s").glob("cnn-*-s0") if path.name != "cnn-small-s0"}
    assert read_run(other).weights.sha256 == read_run(run).weights_sha256
    assert read_run(other).weights_sha256 == by_name.weights_sha256, "the same start by two names"
    assert eyechart(*words, "-m", f"cnn:small,cnn:run:{run}", "--resume").stderr.count("is finished already") == 2


def test_a_detector_starts_from_a_cnn_of_that_name(cache: Path, tmp_path: Path) -> None:
    for data in ("digits", SCENES):
        words = ["run", "-d", data, "-m", "fasterrcnn", "--backbone", "small", "-p", "smoke", "--output", tmp_path]
        done = eyechart(*words, "--name", data[:6], *SMALL)
        assert done.returncode == 0, done.stderr
        found = read_run(tmp_path / data[:6] / "fasterrcnn-s0")
        assert found.weights.name == "small"
        assert found.recipe.options["width"] == len(at_home.read("cnn", "small").tensors["stages.0.0.weight"])


def test_the_commands_tell_of_it(cache: Path) -> None:
    assert "cnn:small " in eyechart("weights", "list").stdout
    (entry,) = [each for each in json.loads(eyechart("weights", "list", "--json").stdout) if each["name"] == "small"]
    assert entry["is_here"]
    assert json.loads(eyechart("weights", "show", "cnn:small", "--json").stdout) == entry
    shown = eyechart("weights", "show", "cnn:small").stdout
    assert entry["sha256"] in shown
    assert "CC BY 4.0" in shown
    verified = eyechart("weights", "verify", "cnn:small")
    assert verified.stdout.startswith("cnn:small: "), verified.stderr
    assert "tensors, as they should be" in verified.stdout
    assert "small.safetensors" in eyechart("weights", "fetch", "cnn:small", "--offline").stdout


def test_names_that_are_not_there_say_what_is(cache: Path) -> None:
    for words in (["show", "cnn:smal"], ["fetch", "cnn:smal"], ["verify", "cnn:smal"]):
        done = eyechart("weights", *words)
        assert done.returncode == 2
        assert "no weights called 'cnn:smal'. Did you mean 'cnn:small'" in done.stderr
    with pytest.raises(UsageError, match="a name under which it was pretrained here: eyechart pretrain vit"):
        starting_weights("vit", "small", offline=True, say=lambda sentence: None)
    for architecture, made in (("vit", "vit"), ("alexnet", "alexnet"), ("fasterrcnn", "cnn")):
        with pytest.raises(UsageError, match=f"eyechart pretrain {made} --data fractals$"):
            starting_weights(architecture, "fractals", offline=True, say=lambda sentence: None)


def test_what_is_not_here_cannot_be_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(WeightsMissing, match="eyechart weights fetch vgg16:hed"):
        catalog.verify("vgg16:hed")
    nothing = eyechart("weights", "verify")
    assert (nothing.returncode, "No weights are on this machine" in nothing.stderr) == (3, True)


def test_every_published_set_has_its_terms() -> None:
    for entry in catalog.entries():
        assert entry.licence
        assert entry.origin
        assert entry.preprocessing
        assert entry.paper or entry.is_here, "what was made here has no paper"
        assert entry.megabytes > 0


# --------------------------------------------------------------------------------------------- what does not fit


@pytest.mark.parametrize("spoil", [lambda content: content[:200], lambda content: b"", lambda content: b"x" * 999])
def test_a_damaged_file_is_refused(copied: Path, spoil: Callable[[bytes], bytes]) -> None:
    copied.write_bytes(spoil(copied.read_bytes()))
    with pytest.raises(WeightsError, match="is damaged"):
        at_home.read("cnn", "small")
    listed = eyechart("weights", "list").stdout
    assert "cnn:small" in listed
    assert "is damaged" in listed
    verified = eyechart("weights", "verify", "cnn:small")
    assert verified.returncode == 3
    assert "`eyechart pretrain` command that made it again, with --resume" in verified.stderr


def test_changed_tensors_are_noticed(copied: Path) -> None:
    from safetensors import safe_open

    with safe_open(str(copied), framework="pt") as file:
        card = file.metadata()
    tensors = load_file(copied)
    name = next(iter(tensors))
    tensors[name].view(-1)[0] += 1
    save_file(tensors, copied, metadata=card)
    with pytest.raises(WeightsError, match=r"is damaged: found tensors of sha256 \w{8}\.\.\. for cnn, expected"):
        at_home.read("cnn", "small")
    done = eyechart("weights", "verify", "cnn:small")
    assert done.returncode == 3
    assert "`eyechart pretrain` command that made it again, with --resume" in done.stderr


def test_a_file_under_another_architecture_s_name_is_refused(copied: Path) -> None:
    copied.rename(at_home.path_of("vit", "small"))
    with pytest.raises(WeightsError, match=r"for cnn, expected .* for vit"):
        at_home.read("vit", "small")


def test_layers_that_do_not_fit_are_listed(cache: Path, tmp_path: Path) -> None:
    words = ["run", "-d", "digits", "-m", "cnn:small", "-p", "smoke", "--output", tmp_path, *SMALL]
    recipe = recipe_of("cnn:small", {"options": {"first_maps": 8, "last_maps": 16}})
    from eyechart.schema import RecipeFile

    file = tmp_path / "r.json"
    file.write_text(RecipeFile(contender="cnn:small", recipe=recipe).model_dump_json())
    done = eyechart(*words, "--recipe", file)
    assert done.returncode == 3
    assert "preparing" not in done.stderr, "before the first run"
    assert "stages.0.0.weight is (32, 1, 3, 3), expected (8, 1, 3, 3)" in done.stderr
    assert "more)" in done.stderr


def test_a_run_of_another_architecture_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a run of cnn, and vit was to start from it"):
        trunk_of_run(run, "vit")
    with pytest.raises(StorageError):
        trunk_of_run(tmp_path, "cnn")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fasterrcnn"], "a detector starts from a pretrained cnn: --backbone and its name"),
        (["resnet"], "Expected one of cnn, vit, vgg16, alexnet"),
        (["cnn", "--name", "hed"], "cannot be called 'hed'"),
        (["cnn", "--name", "../x"], "cannot be called '../x'"),
        (["cnn", "--name", "full"], "cannot be called 'full'"),
        (["cnn", "--name", "plain"], "cannot be called 'plain'"),
    ],
)
def test_what_cannot_be_pretrained_is_told_at_once(words: list[str], message: str, tmp_path: Path) -> None:
    done = eyechart("pretrain", *words, "--output", tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_start_is_pretrained_by_the_recipe_of_budgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a full schedule changes was found on digits, and would be no other's."""
    planned = []

    def stop(record: StudyRecord, *_: object, **__: object) -> None:
        planned.append(record)
        raise UsageError("seen")

    monkeypatch.setattr("eyechart.study.race.race", stop)
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path))
    for budget in ([], ["--images", "1000"], ["--preset", "quick"]):
        CliRunner().invoke(app, ["pretrain", "alexnet", "-d", "digits", *budget, "--output", str(tmp_path / "runs")])
    assert [record.recipes["alexnet:none"] for record in planned] == [recipe_of("alexnet:none")] * 3
    units = [record.rules.budget and record.rules.budget.unit for record in planned]
    assert units == [None, "images", "seconds"], "rules as before, so that one that was begun goes on"


def test_weights_are_not_replaced_unasked(cache: Path, tmp_path: Path) -> None:
    before = at_home.card_of("cnn", "small")
    done = eyechart("pretrain", "cnn", "-d", "digits", "--name", "small", *SMALL, "--output", tmp_path / "elsewhere")
    assert done.returncode == 2
    assert "holds weights of that name. Keep them and choose another --name" in done.stderr
    assert at_home.card_of("cnn", "small") == before
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_not_there_to_be_gone_on_with_replaces_nothing(cache: Path, tmp_path: Path) -> None:
    words = ["pretrain", "cnn", "-d", "digits", "--name", "small", *SMALL, "--output"]
    before = at_home.path_of("cnn", "small").read_bytes()
    done = eyechart(*words, tmp_path / "elsewhere", "--resume")
    assert done.returncode == 2
    assert "no training that could be gone on with. Expected the --output in which they were made" in done.stderr
    assert at_home.path_of("cnn", "small").read_bytes() == before
    assert not (tmp_path / "elsewhere").exists()


def test_a_second_seed_is_refused_before_it_is_trained(made: Path, copied: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "runs", tmp_path / "runs")
    words = ["pretrain", "cnn", "-d", "digits", "--name", "small", *SMALL, "--output", tmp_path / "runs", "--resume"]
    other = eyechart(*words, "--seed", 1)
    assert (other.returncode, "preparing" in other.stderr) == (2, False), other.stderr
    assert "was started with seed 0, and weights are those of one training. Expected that --seed" in other.stderr
    assert not (tmp_path / "runs" / "pretrain-cnn-small" / "cnn-s1").exists()
    copied.unlink()  # what is told of damaged weights
    again = eyechart(*words)
    assert (again.returncode, "kept as cnn:small" in again.stdout) == (0, True), again.stderr
    assert copied.is_file()


def test_a_published_file_that_is_damaged_is_told_and_the_rest_is_verified(copied: Path) -> None:
    hed = catalog.entry_of("vgg16:hed").file
    hed.parent.mkdir(parents=True, exist_ok=True)
    hed.write_bytes(b"garbage")
    done = eyechart("weights", "verify")
    assert (done.returncode, "is not what it was, or damaged. Delete it" in done.stderr.replace("\n", " ")) == (3, True)
    assert "cnn:small: " in done.stdout


def test_what_is_called_otherwise_is_left_out(copied: Path) -> None:
    copied.with_name("foo.safetensors").write_bytes(b"")
    assert at_home.names() == [("cnn", "small")]


def test_a_start_keeps_the_marks_of_its_own_start(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "cnn-s0")
    record = read_run(run)
    origin = WeightsOrigin(name="hed", description="", licence="MIT", pretrained_on="ImageNet+BSDS500")
    write_record(tmp_path / "cnn-s0" / "run.json", record.model_copy(update={"weights": origin}))
    found = trunk_of_run(tmp_path / "cnn-s0", "cnn").origin
    assert found.pretrained_on == f"ImageNet+BSDS500, then {record.dataset.title}"
    assert found.licence == f"MIT; {record.dataset.licence}"


def test_weights_that_are_no_numbers_are_not_kept(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path / "cache"))
    broken = tmp_path / "cnn-s0"
    shutil.copytree(run, broken)
    tensors = load_file(run / "weights.safetensors")
    tensors["network.stages.0.0.weight"].view(-1)[0] = float("nan")
    save_file(tensors, broken / "weights.safetensors")
    with pytest.raises(StorageError, match=r"other weights than run\.json speaks of"):
        at_home.keep(broken, "broken")
    digest = digest_arrays({name: tensor.numpy() for name, tensor in tensors.items()})
    write_record(broken / "run.json", read_run(run).model_copy(update={"weights_sha256": digest}))
    with pytest.raises(WeightsError, match="no finite numbers"):
        at_home.keep(broken, "broken")
    assert not at_home.is_there("cnn", "broken")


def test_names_are_no_paths(cache: Path) -> None:
    assert "small" in Names()
    assert "hed" in Names()
    assert "weights.pt" not in Names()
    assert seen_from_here("small", "/elsewhere", Names()) == "small"
    assert seen_from_here("run:s/cnn-s0", "/elsewhere", Names()) == "run:/elsewhere/s/cnn-s0"


def test_only_vgg16_and_alexnet_are_opened_in_part() -> None:
    assert recipe_of("cnn:small").weights == "small"
    with pytest.raises(UsageError, match="names the regime head, which only vgg16 and alexnet have"):
        recipe_of("vit:small:head")
