"""Robust recipes' mixtures: per image, seeded, in range; what is mixed and what is not, by hand."""

from __future__ import annotations

import time

import pytest
import torch
from torch import Tensor

from eyechart.catalog.robust import ROBUST
from eyechart.data import mixing as module
from eyechart.data.mixing import mix
from eyechart.schema import Mixing

B, C, H, W = 64, 3, 28, 20


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(B, C, H, W, generator=generator(9))


def changed_by(mixing: Mixing, **changes: object) -> Mixing:
    return Mixing.model_validate(mixing.model_dump() | changes)


def test_shape_range_and_input_stay(images: Tensor) -> None:
    before = images.clone()
    changed = mix(images, ROBUST, generator())
    assert (changed.shape, changed.dtype) == (images.shape, torch.float32)
    assert changed.isfinite().all()
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert torch.equal(images, before)


def test_the_generator_alone_decides(images: Tensor) -> None:
    torch.manual_seed(1)
    one = mix(images, ROBUST, generator(1))
    torch.manual_seed(2)
    assert torch.equal(mix(images, ROBUST, generator(1)), one)
    assert not torch.equal(mix(images, ROBUST, generator(2)), one)


def test_every_image_has_its_own_draw_and_some_stay_clean() -> None:
    one = torch.rand(1, C, H, W, generator=generator(9))
    changed = mix(one.expand(400, C, H, W), ROBUST, generator())
    is_clean = (changed == one).flatten(1).all(dim=1)
    assert ROBUST.clean_fraction == 0.5
    assert 0.42 < is_clean.float().mean() < 0.6, "half of them, but for chance, and the few that drew nothing"
    different = {image.numpy().tobytes() for image in changed[~is_clean]}
    assert len(different) == int((~is_clean).sum())


def test_none_is_changed_where_all_are_clean(images: Tensor) -> None:
    assert mix(images, changed_by(ROBUST, clean_fraction=1.0), generator()) is images


def test_one_chain_of_a_known_change_lies_between_the_image_and_it(images: Tensor) -> None:
    """A mixture with the negative: x + (1 - share) (1 - 2 x), the same share on all pixels, uniform over images."""
    mixing = Mixing(clean_fraction=0, num_chains=1, most_operations=1, operations=("negative",))
    many = images.repeat(8, 1, 1, 1)
    shares = ((mix(many, mixing, generator()) - many) / (1 - 2 * many)).flatten(1)
    middle = shares.median(dim=1, keepdim=True).values
    assert (shares - middle).abs().median() < 1e-5
    assert 0.45 < middle.mean() < 0.55
    assert middle.min() < 0.05
    assert middle.max() > 0.95


def test_the_weights_of_chains_are_shares(images: Tensor) -> None:
    """Chains that all do the same are that one chain: their weights add up to 1."""
    same = Mixing(clean_fraction=0, num_chains=4, most_operations=1, operations=("negative",))
    mixed = mix(images, same, generator())
    inside = torch.minimum(images, 1 - images), torch.maximum(images, 1 - images)
    assert (mixed >= inside[0] - 1e-6).all()
    assert (mixed <= inside[1] + 1e-6).all()


def test_chains_have_one_to_the_most_links(images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted: a change that adds a thousandth each time, of chains that are all there is of the image."""
    monkeypatch.setitem(module.CHANGES, "noise", lambda some, chance: some + 0.001)
    monkeypatch.setattr(module.Chance, "uniform", lambda self, *shape: torch.zeros(shape))  # share of the image: 0
    mixing = Mixing(clean_fraction=0, num_chains=1, most_operations=3, operations=("noise",))
    links = ((mix(images * 0.5, mixing, generator()) - images * 0.5) / 0.001).mean(dim=(1, 2, 3)).round()
    assert set(links.tolist()) == {1, 2, 3}


def test_finishes_are_not_mixed(images: Tensor) -> None:
    """One of the group, whole: each image is itself or its negative."""
    mixing = Mixing(
        clean_fraction=0, num_chains=0, most_operations=1, operations=("blur",), finishes=(("none", "negative"),)
    )
    changed = mix(images, mixing, generator())
    is_same, is_negative = ((changed == each).flatten(1).all(dim=1) for each in (images, 1 - images))
    assert (is_same | is_negative).all()
    assert 16 < is_same.sum() < 48


def test_a_robust_batch_is_quick() -> None:
    """A batch of MNIST in a fraction of a step of any contender."""
    batch = torch.rand(128, 1, 28, 28, generator=generator())
    times = []
    for seed in range(7):
        begin = time.process_time()
        mix(batch, ROBUST, generator(seed))
        times.append(time.process_time() - begin)
    assert min(times) < 0.1
