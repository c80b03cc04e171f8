"""Looking inside a run: its start is made again to the last bit, and only validation images are seen."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from eyechart.base.errors import UsageError, WeightsError
from eyechart.catalog.recipes import recipe_of
from eyechart.files import storage
from eyechart.models.classifier import Classifier
from eyechart.models.preprocess import Preprocess
from eyechart.models.tutorial_vit import TutorialViT, without_loops
from eyechart.models.vit import to_patches
from eyechart.report.change_plot import features_finding, filters_finding, layers_finding
from eyechart.runner.change import _products, look_at_change, spread
from eyechart.schema import Preprocessing, RunRecord
from eyechart.schema.contracts import SealedTest
from eyechart.scoring.change import Change, Layer
from eyechart.words.speech import speech
from tests.in_process import eyechart

pytestmark = pytest.mark.slow


def looked(folder: Path, **options: object) -> Change:
    return look_at_change(folder, lambda sentence: None, device="cpu", offline=True, **options)  # type: ignore[arg-type]


def test_a_frozen_start_is_the_same_to_the_last_bit(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(test: SealedTest) -> None:
        raise AssertionError("the test part was opened")

    monkeypatch.setattr(SealedTest, "open", refuse)
    change = looked(study / "alexnet-none-head-s0", num_images=60)
    frozen = [layer for layer in change.layers if layer.name.startswith("features.")]
    assert len(frozen) > 1
    assert {(layer.moved, layer.is_trained) for layer in frozen} == {(0.0, False)}
    assert [layer.similarity for layer in frozen] == pytest.approx([1.0] * len(frozen))
    (head,) = [layer for layer in change.layers if layer.is_trained]
    assert head.moved > 0
    assert change.neighbours[0] == change.neighbours[1], "a linear head is given the same as before"
    assert change.filters is not None
    assert (change.filters[0] == change.filters[1]).all()
    assert change.filters[0].shape == (64, 3, 11, 11)
    assert (len(change.labels), change.maps[0].shape) == (60, (60, 2))


def test_images_are_taken_from_all_of_the_part() -> None:
    """A folder's lie in the order of their classes."""
    assert spread(1000, 5).tolist() == [0, 250, 500, 749, 999]
    assert spread(3, 256).tolist() == [0, 1, 2]


def test_a_run_that_diverged_is_refused(study: Path, tmp_path: Path) -> None:
    shutil.copytree(study / "cnn-s0", tmp_path / "cnn-s0")
    record = storage.read_run(study / "cnn-s0").model_copy(update={"status": "diverged"})
    storage.write_record(tmp_path / "cnn-s0" / storage.RUN_FILE, record)
    with pytest.raises(UsageError, match="diverged: its weights are no finite numbers"):
        looked(tmp_path / "cnn-s0")


def test_what_was_trained_has_moved(study: Path) -> None:
    change = looked(study / "cnn-s0", num_images=60)
    assert all(layer.moved > 0 and layer.is_trained for layer in change.layers)
    assert all(layer.similarity is not None and 0 < layer.similarity < 1 for layer in change.layers)
    assert change.started_from == "random initialisation"


def test_a_vits_filters_are_its_patches(study: Path) -> None:
    change = looked(study / "vit-s0", num_images=60)
    assert change.filters is not None
    filters = torch.from_numpy(change.filters[1])
    channels, side = filters.shape[1:3]
    image = torch.rand(1, channels, side, side)
    weights = filters.flatten(1)
    assert torch.allclose((to_patches(image, side) @ weights.T)[0, 0], (filters * image).sum(dim=(1, 2, 3)), atol=1e-5)
    unseen = [layer.name for layer in change.layers if layer.similarity is None]
    assert all(name.endswith(("mix_heads", "narrow")) for name in unseen), "these are added in one product"


def test_pictures_and_figures(study: Path, tmp_path: Path) -> None:
    words = ["inside", study / "cnn-s0", "--images", 60, "--device", "cpu", "--offline", "-o", tmp_path / "i"]
    done = eyechart(*words)
    assert done.returncode == 0, done.stderr
    assert "The first layer moved by" in done.stdout
    for name in ("filters", "layers", "features"):
        assert Image.open(tmp_path / "i" / f"{name}.png").size[0] > 600
        assert (tmp_path / "i" / f"{name}.svg").is_file()
    figures = json.loads((tmp_path / "i" / "inside.json").read_text())
    assert figures["num_images"] == 60
    assert [layer["name"] for layer in figures["layers"]][-1] == "head"
    again = eyechart(*words)
    assert (again.returncode, "--exist-ok" in again.stderr) == (2, True)
    french = eyechart(*words, "--exist-ok", "--lang", "fr")
    assert "La première couche a bougé de" in french.stdout


def test_too_few_images_are_refused(study: Path, tmp_path: Path) -> None:
    done = eyechart("inside", study / "cnn-s0", "--images", 5, "--offline", "-o", tmp_path / "i")
    assert (done.returncode, "expected 20 or more" in done.stderr) == (2, True)
    assert not (tmp_path / "i").exists()


def test_a_detector_is_refused(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = storage.read_run(study / "cnn-s0").model_copy(update={"recipe": recipe_of("fasterrcnn")})
    monkeypatch.setattr("eyechart.runner.change.read_run", lambda folder: record)
    with pytest.raises(UsageError, match="is a fasterrcnn, which looks at parts of an image"):
        looked(study / "cnn-s0")


def test_another_start_is_not_taken_for_its_own(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = storage.read_run(study / "cnn-s0")
    other = record.weights.model_copy(update={"sha256": "0" * 64, "description": "letters"})

    def read(folder: Path) -> RunRecord:
        return record.model_copy(update={"weights": other})

    monkeypatch.setattr("eyechart.runner.change.read_run", read)
    with pytest.raises(WeightsError, match=r"started from letters \(sha256 0000.*is now nothing"):
        looked(study / "cnn-s0")


def layer(name: str, moved: float) -> Layer:
    return Layer(name, 10, moved > 0, moved, None)


@pytest.mark.parametrize(
    ("layers", "lang", "finding"),
    [
        (
            [layer("a", 0.004), layer("b", 0.31), layer("c", 0.02)], "en",
            "Layers moved by 0.40 % (a) to 31 % (b) of their length",
        ),
        ([layer("a", 0), layer("b", 0.5)], "en", "b moved by 50 % of its length; 1 of 2 stood still"),
        ([layer("a", 0), layer("b", 0)], "en", "2 of 2 stood still"),
        ([layer("a", 0), layer("b", 0.5)], "fr", "b a bougé de 50 % de sa longueur ; 1 sur 2 n'ont pas bougé"),
    ],
)  # fmt: skip
def test_findings_say_what_the_figures_are(layers: list[Layer], lang: str, finding: str) -> None:
    narrow, plain = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"
    assert layers_finding(layers, speech(lang)).replace(narrow, " ").replace(plain, " ") == finding
    assert ("stood still" in filters_finding(layers[0], speech("en"))) == (layers[0].moved == 0)


def test_neighbours_are_told_of_so_many_images(study: Path) -> None:
    change = looked(study / "cnn-s0", num_images=60)._replace(neighbours=(0.5, 1.0), labels=np.zeros(1234, np.int64))
    told = features_finding(change, speech("en")).replace("\N{NO-BREAK SPACE}", " ")
    assert told == (
        "Of 1,234 validation images 50.0 % had a nearest neighbour of their class before training, 100.0 % after"
    )


def test_products_are_of_images_and_not_of_their_tokens() -> None:
    """A layer that is called image by image, or for windows of an image, has nothing to say of images beside others."""

    class Windows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.whole, self.apart = nn.Linear(4, 3), nn.Linear(2, 2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            flat = images.flatten(1)
            self.apart(flat.view(-1, 2))
            return self.whole(flat)

    seen = Preprocessing(image_channels=1, image_height=2, image_width=2, input_channels=1, input_height=2,
                         input_width=2, mean=(0.0,), std=(1.0,))  # fmt: skip
    model = Classifier(Preprocess(seen), Windows())
    found = _products(model, np.zeros((6, 1, 2, 2), np.uint8), torch.device("cpu"))
    assert {name: each.shape for name, each in found.items()} == {"whole": (6, 6)}


def test_a_tutorials_network_is_looked_at_without_its_loops() -> None:
    network = TutorialViT(1, 8, 8, 3, patch_pixels=4)
    images = torch.rand(5, 1, 8, 8)
    calls = Counter[str]()
    for name, layer in network.named_modules():
        layer.register_forward_hook(lambda *_, name=name: calls.update([name]))
    network(images)
    assert max(calls.values()) > 1, "it loops over images"
    before = network(images)
    without_loops(network)
    calls.clear()
    torch.testing.assert_close(network(images), before)
    assert set(calls.values()) == {1}
