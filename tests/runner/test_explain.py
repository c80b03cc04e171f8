"""`eyechart explain` on real runs: figures, numbers, arrays, and what is refused."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import eyechart as ec
from eyechart.base.errors import MissingError, StorageError, UsageError
from eyechart.files import storage
from eyechart.inference import seeing
from eyechart.inference.expected import expected_of
from eyechart.inference.panel import chosen_runs, open_panel
from eyechart.inference.seeing import Source
from eyechart.report.looked.figure import certainty, finding
from eyechart.report.looked.overlay import OUTLINE, overlaid, scaled
from eyechart.report.looked.seen import Explanation, Seen
from eyechart.report.looked.words import check_verdict
from eyechart.runner import explain
from eyechart.runner.explain import explain_picture
from eyechart.schema import InkFacts, Preprocessing
from eyechart.schema.explain import ChecksRecord, Estimated, MethodCheck
from eyechart.words.speech import speech
from tests.in_process import eyechart

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_checked")]

CONTENDERS = ("cnn", "vit", "alexnet:none:head")


def silent(sentence: str) -> None:
    pass


@pytest.fixture
def copy(study: Path, tmp_path: Path) -> Path:
    shutil.copytree(study, tmp_path / "s")
    return tmp_path / "s"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Larger than the dataset's images, and in colour."""
    pixels = np.full((40, 30, 3), 255, np.uint8)
    pixels[8:32, 13:18] = 20
    Image.fromarray(pixels).save(tmp_path / "one.png")
    return tmp_path / "one.png"


def test_one_sheet_for_all_and_their_numbers(copy: Path, picture: Path, tmp_path: Path) -> None:
    words = ["explain", copy, picture, "--out", tmp_path / "e", "--checks", 20, "--device", "cpu", "--raw"]
    done = eyechart(*words)
    assert done.returncode == 0, done.stderr
    for name in ("one", "one-heads-vit-s0"):
        assert Image.open(tmp_path / "e" / f"{name}.png").size[0] > 700
        assert (tmp_path / "e" / f"{name}.svg").is_file()
    numbers = json.loads((tmp_path / "e" / "explain.json").read_text())
    maps = storage.read_arrays(tmp_path / "e" / "maps.npz")
    assert {each["contender"] for each in numbers["contenders"]} == set(CONTENDERS)
    for each in numbers["contenders"]:
        expected = {"occlusion", "integrated gradients", "grad-cam"}
        assert set(each["methods"]) == expected | ({"attention rollout"} if each["contender"] == "vit" else set())
        assert each["checked_images"] == 20
        for method, told in each["methods"].items():
            assert maps[f"{each['run']}/{method}"].shape == tuple(told["shape"]) == (8, 8)
            assert 0 <= told["check"]["alike"]["mean"] <= 1
    answer = json.loads(eyechart("predict", copy / "cnn-s0", picture, "--raw", "--json").stdout)[0]
    (cnn,) = (each for each in numbers["contenders"] if each["contender"] == "cnn")
    assert (cnn["answer"], cnn["probability"]) == (answer["label"], pytest.approx(answer["probability"], abs=1e-6))
    again = eyechart(*words)
    assert (again.returncode, "--exist-ok" in again.stderr) == (2, True)
    french = eyechart(*words, "--exist-ok", "--lang", "fr")
    assert french.returncode == 0, french.stderr
    assert "checking" not in french.stderr, "they were kept"
    assert "\N{NARROW NO-BREAK SPACE}" in french.stdout


def test_a_picture_is_explained_as_predict_sees_it(copy: Path, picture: Path, tmp_path: Path) -> None:
    (asked,) = open_panel([copy / "cnn-s0"], device="cpu").ask([Source(str(picture))])
    assert asked.seen
    assert asked.seen.pixels is not None
    found = explain_picture([copy / "cnn-s0"], picture, silent, num_checked=0, device="cpu")
    assert (found.image == asked.seen.pixels).all()
    as_it_comes = explain_picture([copy / "cnn-s0"], picture, silent, num_checked=0, device="cpu", raw=True)
    assert not (found.image == as_it_comes.image).all()
    Image.new("L", (40, 40), 255).save(tmp_path / "blank.png")
    done = eyechart("explain", copy / "cnn-s0", tmp_path / "blank.png", "-o", tmp_path / "e", "--checks", 0)
    assert (done.returncode, "is blank, so there is no answer to explain" in done.stderr.replace("\n", " ")) == (
        2,
        True,
    )


def test_each_run_gets_the_picture_as_its_own_training_images_are(copy: Path, picture: Path, tmp_path: Path) -> None:
    """One learned from bright ink, as all digits here are, and one from dark ink."""
    dark = copy / "vit-s0"
    record = storage.read_run(dark)
    bright = expected_of(dark, record).ink
    assert bright is not None
    ink = bright.model_copy(update={"is_bright": False})
    frame = record.preprocessing.model_copy(update={"ink": ink})
    storage.write_record(dark / storage.RUN_FILE, record.model_copy(update={"preprocessing": frame}))
    runs = [copy / "cnn-s0", dark]
    (asked,) = open_panel(runs, device="cpu").ask([Source(str(picture))])
    found = ec.explain(runs, picture, checks=0, device="cpu", output=tmp_path / "e")
    assert [found.image_of(each)[0, 0, 0] for each in found.seen] == [0, 255]
    for each, answer in zip(found.seen, asked.answers, strict=True):
        name = max(answer.probabilities, key=answer.probabilities.__getitem__)
        assert (each.run, found.classes[each.answer]) == (answer.run, name)
        assert each.probability == pytest.approx(answer.probabilities[name], abs=1e-6)
        assert each.remark == answer.remark
    arrays = found.arrays()
    assert (arrays["vit-s0/image"] == found.image_of(found.seen[1])).all()
    assert "cnn-s0/image" not in arrays


def test_who_would_not_be_asked_is_told_and_left_out(
    copy: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    see = seeing.see

    def blank_to_vit(source: Source, frame: Preprocessing, ink: InkFacts, *, content: bytes) -> seeing.Seen:
        seen = see(source, frame, ink, content=content)
        return seen._replace(pixels=None, refusal="blank") if frame == vits else seen

    vit = storage.read_run(copy / "vit-s0")
    vits = vit.preprocessing.model_copy(update={"mean": (0.4,)})
    storage.write_record(copy / "vit-s0" / storage.RUN_FILE, vit.model_copy(update={"preprocessing": vits}))
    monkeypatch.setattr(seeing, "see", blank_to_vit)
    heard: list[str] = []
    found = explain_picture([copy / "vit-s0", copy / "cnn-s0"], picture, heard.append, num_checked=0, device="cpu")
    assert [each.run for each in found.seen] == ["cnn-s0"]
    assert "vit-s0 is not asked: to it the picture is blank" in heard


def test_what_predict_says_in_the_place_of_a_class_is_told(copy: Path, picture: Path, tmp_path: Path) -> None:
    """A run that is sure of all its own images is not of this one."""
    sure = np.full((100, 10), 1e-9, np.float32)
    sure[:, 0] = 1
    storage.write_arrays(copy / "cnn-s0" / storage.VALIDATION_FILE, {"probabilities": sure})
    (answer,) = ec.predict(copy / "cnn-s0", picture, device="cpu")
    assert answer.remark == "unlike"
    arguments = ("explain", copy / "cnn-s0", picture, "--checks", 0, "--device", "cpu", "-o")
    done = eyechart(*arguments, tmp_path / "e", "--json")
    (told,) = json.loads(done.stdout)["contenders"]
    assert (told["remark"], told["said"]) == ("unlike", "unlike the training images")
    assert f"cnn: unlike the training images ({told['answer']} is explained)" in " ".join(
        eyechart(*arguments, tmp_path / "f").stdout.split()
    )
    french = " ".join(eyechart(*arguments, tmp_path / "g", "--lang", "fr").stdout.split())
    assert f"différent des images d'entraînement ({told['answer']} est expliqué)" in french
    assert ec.explain(copy / "cnn-s0", picture, checks=0, device="cpu", raw=True).seen[0].remark is None


def test_runs_of_the_same_name_keep_their_maps(copy: Path, picture: Path, tmp_path: Path) -> None:
    shutil.copytree(copy, tmp_path / "other" / "s")
    runs = [copy / "vit-s0", tmp_path / "other" / "s" / "vit-s0"]
    found = ec.explain(runs, picture, checks=0, device="cpu", output=tmp_path / "e")
    assert len({each.run for each in found.seen}) == len({each.contender for each in found.seen}) == 2
    assert len([name for name in found.arrays() if name.endswith("/occlusion")]) == 2
    assert len(list((tmp_path / "e").glob("one-heads-*.png"))) == 2


def test_the_folder_of_an_earlier_explanation_is_left_alone(copy: Path, picture: Path, tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    with pytest.raises(UsageError, match="exist_ok=True"):
        ec.explain(copy / "cnn-s0", picture, checks=0, output=tmp_path / "e")
    with pytest.raises(UsageError, match=r"--lang .xx. is not known"):
        ec.explain(copy / "nowhere", picture, lang="xx")
    with pytest.raises(UsageError, match="No run was named"):
        ec.explain([], picture)
    assert not list((tmp_path / "e").iterdir())
    ec.explain(copy / "cnn-s0", picture, checks=0, device="cpu", output=tmp_path / "e", exist_ok=True)
    assert (tmp_path / "e" / "explain.json").is_file()


def test_the_same_from_python_and_twice_the_same_bits(copy: Path, picture: Path) -> None:
    first, second = (ec.explain([copy / "vit-s0", copy / "cnn-s0"], picture, checks=0, device="cpu") for _ in range(2))
    arrays, again = first.arrays(), second.arrays()
    assert arrays.keys() == again.keys()
    assert all((arrays[name] == again[name]).all() for name in arrays)
    assert [each.run for each in first.seen] == ["vit-s0", "cnn-s0"]
    assert first.seen[0].checks is None
    assert first.seen[0].cannot == {"regions": "no regions"}


def test_checks_are_kept_until_the_weights_change(copy: Path, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def looked() -> ChecksRecord | None:
        return explain_picture([copy / "cnn-s0"], picture, silent, num_checked=20, device="cpu").seen[0].checks

    first = looked()
    path = copy / "explain" / "cnn-s0-checks.json"
    assert storage.read_record(path, ChecksRecord) == first
    monkeypatch.setattr(explain, "check_methods", lambda *arguments: pytest.fail("checked again"))
    assert looked() == first
    storage.write_record(path, first.model_copy(update={"weights_sha256": "0"}))  # type: ignore[union-attr]
    with pytest.raises(pytest.fail.Exception, match="checked again"):
        looked()


def test_without_validation_images_it_is_said_that_nothing_was_checked(copy: Path, picture: Path) -> None:
    run = storage.read_run(copy / "cnn-s0")
    (copy / run.validation_items).unlink()
    heard: list[str] = []
    found = explain_picture([copy / "cnn-s0"], picture, heard.append, num_checked=20, device="cpu")
    assert found.seen[0].checks is None
    assert any("cnn-s0 is not checked" in sentence for sentence in heard)


# --------------------------------------------------------------------------------------------- what is refused


def test_captum_missing(copy: Path, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    done = eyechart("explain", copy / "cnn-s0", picture, "-o", copy / "e")
    assert (done.returncode, 'pip install "eyechart[explain]"' in done.stderr) == (3, True)
    with pytest.raises(MissingError):
        ec.explain(copy / "cnn-s0", picture)


def test_pictures_and_runs_that_cannot_be_read(copy: Path, tmp_path: Path, picture: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    for name, code in (("broken.png", 3), ("nowhere.png", 3)):
        done = eyechart("explain", copy / "cnn-s0", tmp_path / name, "-o", tmp_path / "e", "--checks", 0)
        assert (done.returncode, name in done.stderr) == (code, True), done.stderr
    (copy / "cnn-s0" / storage.WEIGHTS_FILE).unlink()
    with pytest.raises(StorageError, match="expected the trained weights of cnn-s0"):
        explain_picture([copy / "cnn-s0"], picture, silent, num_checked=0)
    done = eyechart("explain", tmp_path / "no-run", picture, "-o", tmp_path / "e")
    assert (done.returncode, "no-run" in done.stderr) == (1, True)
    assert not (tmp_path / "e").exists()


def test_runs_that_saw_other_images_are_refused(copy: Path, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = {folder: storage.read_run(folder) for folder in (copy / "cnn-s0", copy / "vit-s0")}
    frame = records[copy / "vit-s0"].preprocessing.model_copy(update={"image_height": 16})
    records[copy / "vit-s0"] = records[copy / "vit-s0"].model_copy(update={"preprocessing": frame})
    monkeypatch.setattr(explain.storage, "read_run", records.__getitem__)
    with pytest.raises(UsageError, match=r"takes images of 8 x 8 px of 1 channels, and .*vit-s0 of 16 x 8 px"):
        explain_picture(list(records), picture, silent)
    failed = records[copy / "cnn-s0"].model_copy(update={"status": "diverged"})
    monkeypatch.setattr(explain.storage, "read_run", lambda folder: failed)
    with pytest.raises(UsageError, match="cnn-s0 diverged: its weights are no finite numbers"):
        explain_picture([copy / "cnn-s0"], picture, silent)
    scenes = records[copy / "cnn-s0"].dataset.model_copy(update={"task": "detection"})
    of_scenes = records[copy / "cnn-s0"].model_copy(update={"dataset": scenes})
    monkeypatch.setattr(explain.storage, "read_run", lambda folder: of_scenes)
    with pytest.raises(UsageError, match="was trained on scenes"):
        explain_picture([copy / "cnn-s0"], picture, silent)


def test_too_few_images_are_refused(copy: Path, picture: Path) -> None:
    with pytest.raises(UsageError, match=r"--checks got 5; expected 20 images or more"):
        explain_picture([copy / "cnn-s0"], picture, silent, num_checked=5)


def test_of_a_study_one_run_of_each(copy: Path) -> None:
    assert {folder.name for folder in chosen_runs([copy])} == {"cnn-s0", "vit-s0", "alexnet-none-head-s0"}
    assert chosen_runs([copy / "cnn-s0", copy / "cnn-s0"]) == [copy / "cnn-s0"]


# --------------------------------------------------------------------------------------------- what is drawn and said


def test_strokes_are_outlined_and_colours_say_for_and_against() -> None:
    image = np.zeros((1, 6, 6), np.uint8)
    image[0, 2:4, 2:4] = 255
    values = np.zeros((6, 6))
    values[0, 0], values[5, 5] = 2.0, -1.0
    laid = overlaid(image, values, longest=60)
    assert laid.shape == (60, 60, 3)
    assert (laid[20, 20] == OUTLINE).all()
    assert (laid[25, 25] > 0.7).all(), "inside a stroke the colour of nothing, a little darker"
    warm, cold, nothing = laid[2, 2], laid[57, 57], laid[2, 57]
    assert warm[0] > warm[2] + 0.2, "orange speaks for"
    assert cold[2] > cold[1] + 0.1, "purple against"
    assert np.ptp(nothing) < 0.02
    assert np.isclose(np.abs(scaled(values)).max(), 1)
    assert not scaled(np.zeros((3, 3))).any()


def seen(contender: str, answer: int) -> Seen:
    return Seen(contender, contender, answer, 0.5, {}, {}, {})


def test_findings_and_verdicts() -> None:
    say = speech("en")
    agreed = Explanation("p.png", np.zeros((1, 2, 2), np.uint8), ("a", "b"), (seen("cnn", 1), seen("vit", 1)))
    assert finding(agreed, say) == "All say b; what each of them looked at"
    divided = Explanation("p.png", agreed.image, ("a", "b"), (seen("cnn", 1), seen("vit", 0), seen("x", 1)))
    assert finding(divided, say) == "cnn and x: b; vit: a"
    assert "\N{NARROW NO-BREAK SPACE}:" in finding(divided, speech("fr"))
    assert certainty(0.99999, say).replace("\N{NO-BREAK SPACE}", " ") == "> 99.9 %"
    assert certainty(1.0, say).startswith("100")

    def verdict(alike: float, random: float, ink: float) -> list[str]:
        about = [Estimated(mean=each, low=each - 0.01, high=each + 0.01) for each in (alike, 0.2, random, ink)]
        check = MethodCheck(method="grad-cam", alike=about[0], area=about[1], before_random=about[2],
                            before_ink=about[3], seconds=0)  # fmt: skip
        return check_verdict(check, say)

    assert verdict(0.1, 0.3, 0.1) == ["marks what matters"]
    assert verdict(0.1, 0.3, 0.0) == ["no better than any ink"]
    assert verdict(0.1, 0.3, -0.1) == ["worse than any ink"]
    assert verdict(0.1, 0.0, 0.1) == ["does not mark what matters"]
    assert verdict(0.6, 0.3, 0.1) == ["marks what matters", "much the same untrained"]
    assert verdict(0.5, 0.3, 0.1) == ["marks what matters", "perhaps the same untrained"]
