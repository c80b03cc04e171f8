"""A trained run beside itself before its first step: what training changed.  Only validation images are looked at."""

from __future__ import annotations

from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from eyechart.base import host
from eyechart.base.errors import UsageError, WeightsError
from eyechart.evaluation.predict import judging, to_device
from eyechart.files.storage import read_run
from eyechart.inference.predictor import BATCH_SIZE
from eyechart.inference.saved import load_run_model
from eyechart.models import tutorial_vit
from eyechart.models.classifier import Classifier
from eyechart.runner.contender import prepare
from eyechart.schema.jobs import job_again
from eyechart.scoring.change import Change, Layer, flat_map, linear_cka, moved, neighbours_agree

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.schema import RunRecord
    from eyechart.schema.contracts import LabelledImages

MOST_COMPARED = 256  # images by which outputs of layers are compared: all outputs of a layer at once


def look_at_change(
    folder: Path,
    say: Callable[[str], None],
    *,
    num_images: int = 1000,
    num_threads: int | None = None,
    device: str = "auto",
    offline: bool = False,
) -> Change:
    """What training changed in the run of `folder`, on up to `num_images` of its validation part.

    The network before training is made again by the run's seed and starting weights.  Raises UsageError for a run whose
    network does not name whole images, WeightsError where its start is not what it was, what `prepare` raises else.
    """
    record = read_run(folder)
    if record.status == "diverged":
        raise UsageError(f"{record.run} diverged: its weights are no finite numbers. Expected a run that finished.")
    where = host.select_device(device)
    rules = record.rules if num_threads is None else record.rules.model_copy(update={"num_threads": num_threads})
    job = job_again(record, "", offline).model_copy(update={"rules": rules})
    contender = prepare(job, where, say)
    before = contender.model
    if not isinstance(before, Classifier):
        raise UsageError(
            f"{record.run} is a {record.recipe.contender}, which looks at parts of an image. Expected the run of a "
            f"network that names whole images: cnn, vit, vgg16 or alexnet."
        )
    _check_start(record, contender.starting.origin.sha256, say)
    _, after = load_run_model(folder, where)
    assert isinstance(after, Classifier), "it was made by the same recipe"
    part = contender.splits.validation
    some = part.subset(spread(len(part), num_images))
    features = tuple(_features(model, some, where) for model in (before, after))
    return Change(
        run=record.run,
        contender=record.contender,
        started_from=record.weights.description,
        layers=_layers(before, after, some, where),
        filters=_first_filters(before, after, record),
        classes=record.dataset.classes,
        labels=some.labels,
        maps=(flat_map(features[0]), flat_map(features[1])),
        neighbours=(neighbours_agree(features[0], some.labels), neighbours_agree(features[1], some.labels)),
    )


def spread(number: int, most: int) -> np.ndarray:
    """Places of at most `most` of so many images, evenly: those of a folder lie in the order of their classes."""
    return np.unique(np.linspace(0, number - 1, min(most, number)).round().astype(int))


def _check_start(record: RunRecord, sha256: str, say: Callable[[str], None]) -> None:
    """WeightsError for other starting weights; random ones depend on torch's version, which is told."""
    if sha256 != record.weights.sha256:
        raise WeightsError(
            f"{record.run} started from {record.weights.description} (sha256 {record.weights.sha256[:12]}), and "
            f"{record.recipe.weights} is now {sha256[:12] or 'nothing'}. Bring the earlier weights back."
        )
    then, now = record.host.versions.get("torch", ""), metadata.version("torch")
    if then != now:
        say(f"{record.run} was trained with torch {then or 'of an unknown version'}, and this is {now}: what it drew "
            f"at random at its start may have been something else")  # fmt: skip


# --------------------------------------------------------------------------------------------- layers


def _layers(before: Classifier, after: Classifier, part: LabelledImages, device: torch.device) -> list[Layer]:
    images = part.images[spread(len(part), MOST_COMPARED)]
    for model in (before, after):
        tutorial_vit.without_loops(model.network)  # which would show a layer one image after the other
    seen = [_products(model, images, device) for model in (before, after)]
    earlier = dict(before.network.named_modules())
    found = []
    for name, layer in _with_weights(after.network).items():
        old, new = (cast("Tensor", each.weight).detach().cpu().float().numpy() for each in (earlier[name], layer))
        products = [each.get(name) for each in seen]
        is_seen = products[0] is not None and products[1] is not None
        similarity = linear_cka(products[0], products[1]) if is_seen else None  # type: ignore[arg-type]
        is_trained = cast("Tensor", layer.weight).requires_grad
        found.append(Layer(name, new.size, is_trained, moved(old, new), similarity))
    return found


def _with_weights(network: nn.Module) -> dict[str, nn.Module]:
    """Convolutions and linear layers by name, from the image on; norms have no directions to compare."""
    kinds = (nn.modules.conv._ConvNd, nn.Linear)
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, kinds)}


def _products(model: Classifier, images: np.ndarray, device: torch.device) -> dict[str, np.ndarray]:
    """Of each layer, the products (N, N) of what it gives for each two images, less the mean.

    Layers that are called for each image, or for windows of it, are left out: what they give is no row an image.
    """
    found: dict[str, np.ndarray] = {}
    calls: Counter[str] = Counter()

    def keeper(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def keep(layer: nn.Module, inputs: object, output: Tensor) -> None:
            calls[name] += 1
            if len(output) == len(images):
                flat = output.flatten(1).float()  # (N, D)
                flat = flat - flat.mean(dim=0)
                found[name] = (flat @ flat.T).cpu().double().numpy()  # MPS has no float64

        return keep

    hooks = [layer.register_forward_hook(keeper(name)) for name, layer in _with_weights(model.network).items()]
    try:
        with judging(model):
            model.answer(to_device(images, device))
    finally:
        for hook in hooks:
            hook.remove()
    return {name: products for name, products in found.items() if calls[name] == 1}


# --------------------------------------------------------------------------------------------- features and filters


def _features(model: Classifier, part: LabelledImages, device: torch.device) -> np.ndarray:
    """What the last linear layer is given, float32 (N, D)."""
    last = [layer for layer in model.network.modules() if isinstance(layer, nn.Linear)][-1]
    found: list[np.ndarray] = []
    hook = last.register_forward_pre_hook(
        lambda layer, inputs: found.append(inputs[0].flatten(1).float().cpu().numpy())
    )
    try:
        with judging(model):
            for images in part.chunks(BATCH_SIZE):
                model.answer(to_device(images, device))
    finally:
        hook.remove()
    return np.concatenate(found)


def _first_filters(before: Classifier, after: Classifier, record: RunRecord) -> tuple[np.ndarray, np.ndarray] | None:
    """What the first layer looks for, (D, C, h, w); None where it is neither a convolution nor sees patches."""
    pairs = zip(before.network.modules(), after.network.modules(), strict=True)
    old, new = next((old, new) for old, new in pairs if isinstance(new, nn.modules.conv._ConvNd | nn.Linear))
    weights = [cast("Tensor", each.weight).detach().cpu().float() for each in (old, new)]
    if isinstance(new, nn.Linear):
        side, channels = record.recipe.options.get("patch_pixels"), record.preprocessing.input_channels
        if not isinstance(side, int) or weights[0].shape[1] != channels * side * side:
            return None
        weights = [each.view(-1, channels, side, side) for each in weights]
    return weights[0].numpy(), weights[1].numpy()
