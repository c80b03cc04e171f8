"""Seeds: every random number of a run is a function of (seed, purpose, position), so that runs pair up and resume.

Nothing depends on how many numbers were drawn before: a run that was interrupted at step 700 draws at step 701 what
an uninterrupted one draws, and a new use of randomness does not shift the old ones.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derived_seed(seed: int, purpose: str, position: int = 0) -> int:
    """A 63-bit seed for one use of randomness."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{position}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def seed_everything(seed: int, purpose: str, position: int = 0) -> None:
    """Seed the global generators of torch (all devices); initialisation and dropout draw from them."""
    import torch

    torch.manual_seed(derived_seed(seed, purpose, position))


def generator(seed: int, purpose: str, position: int = 0) -> torch.Generator:
    """A generator of its own, on the CPU."""
    import torch

    return torch.Generator().manual_seed(derived_seed(seed, purpose, position))


def make_deterministic() -> None:
    """Ask torch for the same bits on every run of the same machine."""
    import torch

    # use_deterministic_algorithms says the same to the compiler too, which takes a second and a half to import; where
    # something is compiled, training/computation.py says it.
    torch.set_deterministic_debug_mode("warn")
    # Filling every new tensor with NaN shows who reads memory never written; it took a sixth of the ViT's step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False  # kernels chosen by time would differ from run to run
