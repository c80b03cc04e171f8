"""Ready-made rules: how much a study costs and what it can show."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import ValidationError

from eyechart.base.errors import UsageError
from eyechart.base.near_miss import did_you_mean
from eyechart.schema import Budget, Rules


class Preset(NamedTuple):
    purpose: str  # one line for people
    fields: dict[str, Any]  # of Rules


LEAST_VALIDATION_IMAGES = 300  # with 95 % of them right, the standard error is 1.3 points

PRESETS = {
    "quick": Preset(
        "equal training seconds for every contender, the whole comparison within ten minutes on two cores",
        {
            "budget": Budget(unit="seconds", amount=75),
            "validation_fraction": 1 / 60,
            "least_validation_images": LEAST_VALIDATION_IMAGES,
            "num_evaluations": 5,
        },
    ),
    "standard": Preset(
        "every recipe's own full schedule on all training images but 5 % for validation",
        {
            "budget": None,
            "validation_fraction": 0.05,
            "least_validation_images": LEAST_VALIDATION_IMAGES,
            "num_evaluations": 10,
        },
    ),
    "smoke": Preset(
        "a few steps on a few images: whether everything works, not how well",
        {
            "budget": Budget(unit="steps", amount=4),
            "fraction": 0.01,
            "validation_fraction": 0.005,
            "least_validation_images": LEAST_VALIDATION_IMAGES,
            "max_test_images": 200,
            "num_evaluations": 2,
        },
    ),
}


def rules_of(preset: str, dataset: str, **changes: Any) -> Rules:
    """The rules of a preset with some fields replaced; those that are None stay.

    Raises UsageError for a preset that does not exist or a value that cannot be.
    """
    if preset not in PRESETS:
        raise UsageError(
            f"There is no preset {preset!r}.{did_you_mean(preset, PRESETS)} Expected one of {', '.join(PRESETS)}."
        )
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        return Rules(preset=preset, dataset=dataset, **PRESETS[preset].fields | given)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"The rules cannot have {first['loc'][0]} = {first['input']!r}: {first['msg']}.") from None
