"""Robust recipes: each training image under a few chains of simple changes, mixed with the image as it is.

After AugMix (Hendrycks et al. 2020): chains of one to three changes, weights from Dirichlet(1, ..., 1), and a share of
the image itself from a uniform draw.  Unlike there, no change moves a pixel (boxes stay where they are; Augmentation
turns and shifts), some changes are drawn over the mixture unmixed, where half of a negative would be flat grey, some
images stay clean, and there is no consistency loss, which would take three forward passes.

Every image draws for itself.  Which change it gets is drawn first, for the whole batch at once; then each change is
made of all images that drew it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from eyechart.data.mixed_changes import CHANGES, Chance

if TYPE_CHECKING:
    from torch import Tensor

    from eyechart.schema import Mixing


def mix(images: Tensor, mixing: Mixing, generator: torch.Generator) -> Tensor:
    """Change every image in its own random way; float (B, C, H, W) in 0..1, the same shape, type and range out.

    Random numbers come from `generator` alone.  The input is never written to.
    """
    chance = Chance(generator, images.device)
    is_changed = chance.uniform(len(images)).cpu() >= mixing.clean_fraction
    rows = is_changed.nonzero()[:, 0]
    if not len(rows):
        return images
    rows = rows.to(images.device)
    changed = _mixed(images[rows], mixing, chance)
    return images.index_copy(0, rows, _finished(changed, mixing, chance).clamp_(0, 1))


def _mixed(images: Tensor, mixing: Mixing, chance: Chance) -> Tensor:
    """The images under their chains, blended with themselves."""
    batch, chains, longest = len(images), mixing.num_chains, mixing.most_operations
    if not chains:
        return images
    lengths = chance.integers(1, longest + 1, chains * batch).cpu()
    choice = chance.integers(0, len(mixing.operations), longest, chains * batch).cpu()
    weights = -torch.log(chance.uniform(chains, batch).clamp_min(1e-7))  # exponential draws, whose shares are Dirichlet
    weights = weights / weights.sum(dim=0)
    share = chance.uniform(batch)
    changed = images.repeat(chains, 1, 1, 1)  # (chains * B, C, H, W)
    for turn in range(longest):
        changed = _each_its_own(changed, choice[turn].where(turn < lengths, -1), mixing.operations, chance)
    mixture = (weights.view(chains, batch, 1, 1, 1) * changed.view(chains, *images.shape)).sum(dim=0)
    return torch.lerp(mixture, images, share.view(-1, 1, 1, 1))


def _finished(images: Tensor, mixing: Mixing, chance: Chance) -> Tensor:
    """The images with what is drawn over them unmixed."""
    for names in mixing.finishes:
        choice = chance.integers(0, len(names), len(images)).cpu()
        images = _each_its_own(images, choice, names, chance)
    return images


def _each_its_own(images: Tensor, choice: Tensor, names: tuple[str, ...], chance: Chance) -> Tensor:
    """Each image under the change that it drew, int64 (N,) on the CPU; -1, and the name "none": as it is."""
    parts = [images]
    places = [torch.arange(len(images))]
    for number, name in enumerate(names):
        rows = (choice == number).nonzero()[:, 0]
        if len(rows) and name != "none":
            parts.append(CHANGES[name](images.index_select(0, rows.to(images.device)), chance))
            places.append(rows)
    changed = images.clone()
    if len(parts) > 1:
        changed.index_copy_(0, torch.cat(places[1:]).to(images.device), torch.cat(parts[1:]).clamp_(0, 1))
    return changed
