"""What every record is made of: it cannot change, and says at once when something does not fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
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
        readers = _readers(cls)
        return {name: read(value) if (read := readers.get(name)) else value for name, value in fields.items()}


@cache
def _readers(record: type[Frozen]) -> dict[str, Callable[[Any], Any]]:
    """For each field that may hold a number that is null in JSON: what reads it."""
    readers = {name: _reader(field.annotation) for name, field in record.model_fields.items()}
    return {name: read for name, read in readers.items() if read}


def _reader(kind: Any) -> Callable[[Any], Any] | None:
    """What makes of a value in JSON one of that kind; None where nothing is to do: records see to what is in them."""
    inner = get_args(kind)
    if get_origin(kind) is Annotated:
        return _reader(inner[0])
    if get_origin(kind) is tuple:
        return partial(_in_list, read) if (read := _reader(inner[0])) else None
    if get_origin(kind) is dict:
        return partial(_in_dict, read) if (read := _reader(inner[1])) else None
    return _nan_for_null if _takes_float(kind) else None


def _in_list(read: Callable[[Any], Any], value: Any) -> Any:
    return [read(each) for each in value] if isinstance(value, list) else value


def _in_dict(read: Callable[[Any], Any], value: Any) -> Any:
    return {key: read(each) for key, each in value.items()} if isinstance(value, dict) else value


def _nan_for_null(value: Any) -> Any:
    return math.nan if value is None else value


def _takes_float(kind: Any) -> bool:
    """A float, or one among others, None not among them; not one that must be finite."""
    choices = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return float in choices and NoneType not in choices
