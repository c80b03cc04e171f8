"""The command line as a stranger meets it: every message, every exit code, no traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.in_process import eyechart

EYECHART = [sys.executable, "-m", "eyechart"]
PATIENCE_SECONDS = 600  # only a process that hangs takes longer
# As where torch is not installed; a None in sys.modules would be looked into by scipy.
WITHOUT_TORCH = """
import sys

class NoTorch:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NoTorch)
from eyechart.cli import main
main()
"""


def smoke(output: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return eyechart("run", "--preset", "smoke", "--threads", "1", "-o", output, *arguments, **environment)


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory, mnist: object) -> Path:
    """A real study of two contenders, one of them the detector."""
    output = tmp_path_factory.mktemp("runs")
    result = smoke(output, "-m", "cnn,fasterrcnn", "--name", "tiny")
    assert result.returncode == 0, result.stderr
    assert "cnn" in result.stdout
    return output / "tiny"


# --------------------------------------------------------------------------------------------- light commands


@pytest.mark.parametrize("command", [["--help"], ["run", "--help"], ["data", "--help"], ["--version"]])
def test_help_needs_nothing_heavy(command: list[str]) -> None:
    code = f"import sys; sys.argv = ['eyechart', *{command!r}]\ntry:\n    from eyechart.cli import main; main()\n"
    # Not pydantic: typer itself takes it for some kinds of options, and it costs 25 ms.
    code += "finally:\n    heavy = {'torch', 'numpy', 'matplotlib', 'scipy'} & set(sys.modules)\n"
    code += "    assert not heavy, heavy\n"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "eyechart" in result.stdout.lower()


def test_reading_needs_no_torch(study: Path, tmp_path: Path) -> None:
    for command in (["ls", study], ["show", study / "cnn-s0"], ["report", study, "-o", tmp_path / "r.html"]):
        arguments = [sys.executable, "-c", WITHOUT_TORCH, *map(str, command)]
        result = subprocess.run(arguments, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
    assert (tmp_path / "r.html").stat().st_size > 10_000


# --------------------------------------------------------------------------------------------- a study


def test_a_study_leaves_complete_runs(study: Path) -> None:
    listed = json.loads(eyechart("ls", study, "--json").stdout)
    assert [(item["run"], item["status"]) for item in listed] == [("cnn-s0", "finished"), ("fasterrcnn-s0", "finished")]
    for run in ("cnn-s0", "fasterrcnn-s0"):
        names = {path.name for path in (study / run).iterdir()}
        assert names == {"run.json", "predictions.npz", "validation.npz", "weights.safetensors"}
    shown = json.loads(eyechart("show", study / "fasterrcnn-s0", "--json").stdout)
    assert shown["test_accesses"] == 1
    assert shown["detection"]["mean_iou"] >= 0
    assert shown["test"]["num_items"] == 200
    assert "repeat it" in eyechart("show", study / "cnn-s0").stdout
    assert (study / "report.html").exists()


def test_a_finished_study_is_not_overwritten_and_resumes_at_once(study: Path) -> None:
    again = smoke(study.parent, "-m", "cnn,fasterrcnn", "--name", "tiny")
    assert again.returncode == 2
    assert "already holds a study" in again.stderr
    before = (study / "cnn-s0" / "run.json").read_bytes()
    resumed = smoke(study.parent, "-m", "cnn,fasterrcnn", "--name", "tiny", "--resume", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert "finished already" in resumed.stderr
    assert {item["contender"] for item in json.loads(resumed.stdout)} == {"cnn", "fasterrcnn"}
    assert (study / "cnn-s0" / "run.json").read_bytes() == before


def test_repeating_a_run_gives_the_same_bits(study: Path, tmp_path: Path) -> None:
    result = eyechart("repeat", study / "fasterrcnn-s0", "-o", tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(re.findall("identical", result.stdout)) == 3


def test_predicting_a_picture(study: Path, tmp_path: Path) -> None:
    picture = tmp_path / "seven.png"
    Image.new("RGBA", (90, 120), "white").save(picture)
    blank = eyechart("predict", study / "fasterrcnn-s0", picture, "--json")
    assert (json.loads(blank.stdout)[0]["label"], json.loads(blank.stdout)[0]["said"]) == (None, "blank")
    result = eyechart("predict", study / "cnn-s0", picture, "--json", "--raw")
    assert result.returncode == 0, result.stderr
    (answer,) = json.loads(result.stdout)
    assert answer["label"] in "0123456789"
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert str(picture) in eyechart("predict", study / "cnn-s0", picture, COLUMNS="400").stdout.replace("\n", "")


def test_a_dry_run_of_a_shard_tells_of_its_own_runs(tmp_path: Path) -> None:
    told = [smoke(tmp_path, "-m", "cnn", "--seeds", "0,1,2", "--dry-run", "--json", "--shard", f"{place}/2")
            for place in (1, 2)]  # fmt: skip
    runs = [[each["run"] for each in json.loads(result.stdout)] for result in told]
    assert sorted(runs[0] + runs[1]) == ["cnn-s0", "cnn-s1", "cnn-s2"]
    assert all(runs)
    wrong = smoke(tmp_path, "-m", "cnn", "--dry-run", "--shard", "3/2")
    assert (wrong.returncode, "expected I/N" in wrong.stderr) == (2, True)


def test_a_dry_run_tells_of_what_is_left(study: Path) -> None:
    """The same answer as without --dry-run: what is finished is not planned, and what would be refused is said."""
    words = ["-m", "cnn,fasterrcnn", "--name", study.name, "--dry-run", "--resume"]
    done = smoke(study.parent, *words)
    assert done.returncode == 0, done.stderr
    assert "every run is finished: nothing would be trained" in done.stderr
    assert json.loads(smoke(study.parent, *words, "--json").stdout) == []
    more = smoke(study.parent, *words, "--seeds", "0,1")
    assert more.returncode == 0, more.stderr
    assert "2 runs: about" in more.stdout, "of the second seed"
    other = smoke(study.parent, *words, "--fraction", "0.5")
    assert "as it stands this would be refused" in other.stderr


def test_a_run_may_be_named_by_a_link_or_from_inside(study: Path, tmp_path: Path) -> None:
    (tmp_path / "best").symlink_to(study / "cnn-s0")
    for words, where in ((["compare", "."], study / "cnn-s0"), (["compare", tmp_path / "best"], tmp_path)):
        done = eyechart(*words, cwd=where)
        assert done.returncode == 0, done.stderr
        assert "damaged" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["inside", "explain"])
def test_threads_and_folders_that_cannot_be(command: str, study: Path, tmp_path: Path) -> None:
    picture = [study / "report.html"] if command == "explain" else []
    done = eyechart(command, study / "cnn-s0", *picture, "--threads", 0, "-o", tmp_path / "new")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_a_dry_run_trains_nothing(tmp_path: Path) -> None:
    result = smoke(tmp_path, "-m", "cnn", "--dry-run", "--json")
    assert result.returncode == 0, result.stderr
    (estimate,) = json.loads(result.stdout)
    assert estimate["num_steps"] == 4
    assert estimate["training_seconds"] > 0
    answers = 4 * estimate["num_parameters"] + 4 * 10 * 200  # weights, and what is answered to the test images
    assert estimate["disk_bytes"] > answers, "and to the validation images, with these"
    assert estimate["items_bytes"] == 28 * 28 * 200
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------------------------- stopping


def start_long_run(output: Path) -> subprocess.Popen[str]:
    command = [*EYECHART, "run", "-p", "smoke", "-m", "cnn", "--steps", "100000", "--threads", "1", "-o", str(output)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr
    for line in process.stderr:
        if "training" in line:
            return process
    raise AssertionError(f"it never trained: {process.wait()}")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path: Path, number: signal.Signals) -> None:
    process = start_long_run(tmp_path)
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 128 + number
    assert "--resume" in errors
    assert "Traceback" not in errors
    run = tmp_path / "smoke-mnist" / "cnn-s0"
    assert [path.name for path in run.iterdir()] == ["checkpoint.safetensors"]
    assert "continues" in eyechart("ls", tmp_path).stdout


@pytest.mark.slow
def test_ctrl_c_while_a_run_is_being_judged_ends_the_study_after_it(tmp_path: Path) -> None:
    command = [*EYECHART, "run", "-p", "smoke", "-m", "cnn,vit", "--threads", "1", "-o", str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr
    for line in process.stderr:
        if "judging" in line:
            process.send_signal(signal.SIGINT)
            break
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert "was finished" in errors
    assert "--resume" in errors
    assert len(list(tmp_path.glob("*/*/run.json"))) == 1, "the second contender was never started"


def test_a_killed_worker_is_a_failed_run(tmp_path: Path) -> None:
    process = start_long_run(tmp_path)
    psutil = pytest.importorskip("psutil")
    (worker,) = psutil.Process(process.pid).children()
    worker.kill()
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert "ended by signal 9" in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_a_worker_whose_parent_is_killed_saves_and_ends(tmp_path: Path) -> None:
    process = start_long_run(tmp_path)
    psutil = pytest.importorskip("psutil")
    (worker,) = psutil.Process(process.pid).children()
    process.kill()
    worker.wait(timeout=PATIENCE_SECONDS)
    process.communicate()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not list(tmp_path.glob("*/cnn-s0/checkpoint.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert list(tmp_path.glob("*/cnn-s0/checkpoint.safetensors"))


# --------------------------------------------------------------------------------------------- wrong input


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "-m", "resnet"], 2, "no contender 'resnet'"),
        (["run", "-p", "fast"], 2, "no preset 'fast'"),
        (["run", "-d", "mnits"], 2, "mnist"),
        (["run", "-d", "/no/such/folder"], 2, "/no/such/folder"),
        (["run", "--seeds", "one"], 2, "expected whole numbers"),
        (["run", "--epochs", "0"], 2, "expected a number above 0"),
        (["run", "--epochs", "1", "--seconds", "3"], 2, "one budget"),
        (["run", "--lr", "-1"], 2, "learning_rate"),
        (["run", "-b", "0"], 2, "batch_size"),
        (["run", "--fraction", "7"], 2, "fraction"),
        (["run", "--device", "tpu", "-m", "cnn", "-p", "smoke"], 2, "tpu"),
        (["run", "--no-such-flag"], 2, "No such option"),
        (["show", "/no/such/run"], 1, "is not there"),
        (["ls", "/no/such/folder"], 1, "does not exist"),
        (["report", "/no/such/run"], 1, "does not exist"),
        (["predict", "/no/such/run", "a.png"], 1, "is not there"),
        (["repeat", "/no/such/run"], 1, "is not there"),
    ],
)
def test_wrong_input_says_what_to_do(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    result = eyechart(*arguments, EYECHART_OUTPUT=str(tmp_path / "runs"))
    assert result.returncode == code, result.stderr
    assert message in re.sub(r"[\s│]+", " ", result.stderr)
    assert not list(tmp_path.glob("runs/*/*/*")), "nothing half-done is left"


def test_no_network_and_no_cache_is_code_3(tmp_path: Path) -> None:
    result = smoke(tmp_path / "runs", "-m", "cnn", "--offline", EYECHART_CACHE=str(tmp_path / "cache"))
    assert result.returncode == 3
    assert "train-images-idx3-ubyte" in result.stderr
    assert str(tmp_path / "cache") in result.stderr
    assert not (tmp_path / "runs").exists()


def test_weights_that_cannot_be_had_are_code_3(tmp_path: Path) -> None:
    result = smoke(tmp_path / "runs", "-m", "alexnet:imagenet", "--offline", TORCH_HOME=str(tmp_path))
    assert result.returncode == 3
    assert "alexnet" in result.stderr
    assert str(tmp_path) in result.stderr


def test_a_damaged_run_is_named(study: Path, tmp_path: Path) -> None:
    run = tmp_path / "cnn-s0"
    run.mkdir()
    (run / "run.json").write_text('{"study": 3')
    for command in (["show", run], ["ls", tmp_path], ["report", tmp_path]):
        result = eyechart(*command)
        assert result.returncode == 1
        assert "damaged" in result.stderr
    (run / "run.json").write_bytes((study / "cnn-s0" / "run.json").read_bytes())
    picture = tmp_path / "a.png"
    Image.new("L", (28, 28)).save(picture)
    assert "weights.safetensors is not there" in eyechart("predict", run, picture).stderr
    (run / "weights.safetensors").write_bytes(b"nonsense")
    assert "damaged" in eyechart("predict", run, picture).stderr


def test_a_broken_picture_is_named(study: Path, tmp_path: Path) -> None:
    picture = tmp_path / "broken.png"
    picture.write_bytes(b"\x89PNG nonsense")
    result = eyechart("predict", study / "cnn-s0", picture)
    assert result.returncode == 3
    assert "broken.png" in result.stderr


def test_a_read_only_or_impossible_output_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = smoke(tmp_path / "file", "-m", "cnn")
    assert result.returncode == 1
    assert "could not be written" in result.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_fails_with_a_message_and_no_half_written_run(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("this system does not allow mounting")
    try:
        result = smoke(disk / "runs", "-m", "cnn")
        assert result.returncode == 1, result.stderr
        assert "disk is full" in result.stderr
        assert not list(disk.glob("runs/*/*/run.json"))
        assert not list(disk.glob("**/.*.partial"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_answer_is_drawn_in_the_pictures_own_pixels(study: Path, tmp_path: Path) -> None:
    pictures = [tmp_path / f"{name}.png" for name in ("a", "b")]
    for picture in pictures:
        Image.new("L", (90, 120), 255).save(picture)
    one = eyechart("predict", study / "fasterrcnn-s0", pictures[0], "--draw", tmp_path / "out.png", "--json", "--raw")
    assert one.returncode == 0, one.stderr
    assert Image.open(tmp_path / "out.png").width == 270
    (answer,) = json.loads(one.stdout)
    assert all(0 <= x <= 90 for box in answer["boxes"] for x in box["box"][::2])
    assert all(0 <= y <= 120 for box in answer["boxes"] for y in box["box"][1::2])
    two = eyechart("predict", study / "cnn-s0", *pictures, "--draw", tmp_path / "drawings")
    assert two.returncode == 0, two.stderr
    assert {path.name for path in (tmp_path / "drawings").iterdir()} == {"a.png", "b.png"}
    wrong = eyechart("predict", study / "cnn-s0", *pictures, "--draw", tmp_path / "one.png")
    assert (wrong.returncode, "expected a folder" in wrong.stderr) == (2, True)
    assert not (tmp_path / "one.png").exists()


def test_a_run_answers_scenes(study: Path, tmp_path: Path) -> None:
    """Every box of `predict`, under the ids of the annotations; a classifier has none to give."""
    scenes, file = tmp_path / "scenes", tmp_path / "found.json"
    made = eyechart("scenes", "make", "digits", "-o", scenes, "--offline", "--train", "0", "--validation", "0",
                    "--test", "3", "--canvas", "64", "--side", "12-24", "--count", "2")  # fmt: skip
    assert made.returncode == 0, made.stderr
    answered = eyechart("scenes", "answer", study / "fasterrcnn-s0", scenes, "-o", file)
    detections = json.loads(file.read_text(encoding="utf-8"))
    assert answered.stdout.strip() == f"detections: {file} ({len(detections)} boxes on 3 pictures of test)"
    predicted = eyechart("predict", study / "fasterrcnn-s0", scenes / "test" / "000001.png", "--json", "--raw")
    scores = [box["score"] for box in json.loads(predicted.stdout)[0]["boxes"]]
    assert [each["score"] for each in detections if each["image_id"] == 1] == pytest.approx(scores, abs=1e-4)
    judged = json.loads(eyechart("scenes", "judge", scenes, file, "--json").stdout)
    assert judged["detections"]["found.json"]["scores"]["num_boxes"] == len(detections)
    again = eyechart("scenes", "answer", study / "fasterrcnn-s0", scenes, "-o", file)
    assert "is there; expected a new file" in again.stderr
    classifier = eyechart("scenes", "answer", study / "cnn-s0", scenes, "-o", tmp_path / "other.json")
    assert "names pictures and finds no boxes by itself. Choose --how components" in classifier.stderr
    assert not (tmp_path / "other.json").exists()
    parts = eyechart("scenes", "answer", study / "cnn-s0", scenes, "-o", tmp_path / "parts.json", "--how", "components")
    assert parts.returncode == 0, parts.stderr
    assert json.loads((tmp_path / "parts.json").read_text(encoding="utf-8"))
    detector = eyechart(
        "scenes", "answer", study / "fasterrcnn-s0", scenes, "-o", tmp_path / "x.json", "--how", "windows"
    )
    assert "is a detector and finds its own boxes" in detector.stderr
    unknown = eyechart("scenes", "answer", study / "cnn-s0", scenes, "-o", tmp_path / "x.json", "--how", "guess")
    assert "--how got 'guess'; expected components or windows" in unknown.stderr
