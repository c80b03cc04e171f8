"""Whether a network is fed pictures, or something that was scaled until nothing is left of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eyechart.schema import FedPixels, Scalar

# Pixels that are normalised have a standard deviation near 1; grey ones of 0 to 1 have .2 to .4, and those of a dark
# folder under the normalisation of somebody else's photographs more than .04.  Divided by 255 once too often, noise of
# black and white has .008 and everything else less.
LEAST_STD = 0.015


def scaled_to_nothing(fed: FedPixels) -> dict[str, Scalar] | None:
    """The figures of an alarm; None where there is none to be raised.

    Images of one colour have no standard deviation at all, which is another alarm's business.
    """
    if not 0 < fed.std < LEAST_STD:
        return None
    return {"fed_std": fed.std, "fed_mean": fed.mean, "images": fed.num_images, "least_std": LEAST_STD}
