"""JSON that every language's parser takes: it has no NaN and no Infinity, so what is no number is null.

Records write themselves by the same rule, and read a null where a number belongs as NaN (schema/frozen.py).  Python's
own `NaN` and `Infinity`, which earlier versions wrote, are still read.
"""

from __future__ import annotations

import json
import math
from typing import Any


def json_text(document: Any, indent: int | None = None) -> str:
    """The document as JSON; TypeError for what JSON has no kind of."""
    return json.dumps(_with_null(document), indent=indent, allow_nan=False)


def read_json(text: str) -> Any:
    """A document in which every null is a number that is none, such as a line from one of our processes: NaN."""
    return _with_nan(json.loads(text))


def _with_null(part: Any) -> Any:
    if isinstance(part, float):
        return part if math.isfinite(part) else None
    if isinstance(part, dict):
        return {key: _with_null(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_with_null(each) for each in part]
    return part


def _with_nan(part: Any) -> Any:
    if part is None:
        return math.nan
    if isinstance(part, dict):
        return {key: _with_nan(value) for key, value in part.items()}
    return [_with_nan(each) for each in part] if isinstance(part, list) else part
