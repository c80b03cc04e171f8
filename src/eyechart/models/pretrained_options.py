"""What a recipe of VGG16 or AlexNet may say in its `options`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationError

from eyechart.base.errors import UsageError
from eyechart.schema import Frozen, Recipe


class PretrainedOptions(Frozen):
    """Which part of the trunk is kept, and the head that is put on it."""

    last_stage: int = Field(default=0, ge=0, le=5)  # stages of convolutions that are kept; 0: all that fit the input
    pool: Literal["none", "average"] = "none"  # average: one value a channel, whatever the input size
    batch_norm: bool = False  # in front of the head: evens out features of very different size
    dropout: float = Field(default=0.0, ge=0, lt=1)  # in front of each linear layer of the head
    head_width: int = Field(default=256, ge=0)  # units of the head's hidden layer; 0: a linear head


def checked_options(recipe: Recipe) -> PretrainedOptions:
    """Raises UsageError that names the option and the known ones."""
    try:
        return PretrainedOptions.model_validate(recipe.options)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{recipe.contender}: option {name} = {first['input']!r}: {first['msg']}. "
            f"Known options: {', '.join(PretrainedOptions.model_fields)}."
        ) from None
