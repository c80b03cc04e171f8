"""The convolutions of the two pretrained trunks: which tensors weights for them must hold."""

from __future__ import annotations

# (number in torchvision's `features`, output channels, input channels, kernel side), first to last.
TRUNKS = {
    "vgg16": (
        (0, 64, 3, 3),
        (2, 64, 64, 3),
        (5, 128, 64, 3),
        (7, 128, 128, 3),
        (10, 256, 128, 3),
        (12, 256, 256, 3),
        (14, 256, 256, 3),
        (17, 512, 256, 3),
        (19, 512, 512, 3),
        (21, 512, 512, 3),
        (24, 512, 512, 3),
        (26, 512, 512, 3),
        (28, 512, 512, 3),
    ),
    "alexnet": (
        (0, 64, 3, 11),
        (3, 192, 64, 5),
        (6, 384, 192, 3),
        (8, 256, 384, 3),
        (10, 256, 256, 3),
    ),
}


def trunk_shapes(architecture: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the trunk's tensors as torchvision calls them, first layer first."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number, num_outputs, num_inputs, side in TRUNKS[architecture]:
        shapes[f"features.{number}.weight"] = (num_outputs, num_inputs, side, side)
        shapes[f"features.{number}.bias"] = (num_outputs,)
    return shapes
