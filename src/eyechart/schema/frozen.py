"""What every record is made of: it cannot change, and says at once when something does not fit."""

from __future__ import annotations

import math
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Scalar = bool | int | float | str
Setting = bool | int | Annotated[float, Field(allow_inf_nan=False)] | str  # what somebody chose, so a number it is


class Frozen(BaseModel):
    """A record that cannot be changed after it was checked, and that refuses fields it does not know.

    In JSON, NaN and infinity are null.  Read back, a null is NaN where the field takes a number and no None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True, ser_json_inf_nan="null")

    @model_validator(mode="before")
    @classmethod
    def _read_null_as_nan(cls, fields: Any, info: ValidationInfo) -> Any:
        if info.mode != "json" or not isinstance(fields, dict):
            return fields
        kinds = {name: field.annotation for name, field in cls.model_fields.items()}
        return {name: _with_nan(value, kinds.get(name)) for name, value in fields.items()}


def _with_nan(value: Any, kind: Any) -> Any:
    """A value as JSON has it, of a field of that kind; records inside it see to themselves."""
    inner = get_args(kind)
    if get_origin(kind) is Annotated:
        return _with_nan(value, inner[0])
    if value is None:
        return math.nan if _takes_float(kind) else None
    if get_origin(kind) is tuple and isinstance(value, list):
        return [_with_nan(each, inner[0]) for each in value]
    if get_origin(kind) is dict and isinstance(value, dict):
        return {name: _with_nan(each, inner[1]) for name, each in value.items()}
    return value


def _takes_float(kind: Any) -> bool:
    """A float, or one among others, None not among them; not one that must be finite."""
    choices = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return float in choices and NoneType not in choices
