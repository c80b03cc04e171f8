"""Records of older versions, brought to today's form as plain JSON, before they are checked.

run.json 2: `loss` is the one after temperature, `raw_loss` that of the answers as they come.  Version 1 had the raw one
as `loss`; storage.read_run works out the other from the stored answers.
"""

from __future__ import annotations

from typing import Any

PARTS = ("validation", "test")


def version_of(raw: dict[str, Any]) -> int:
    """The version that a record says it has; 1 where it says nothing, as the first ones did."""
    version = raw.get("schema_version", 1)
    return version if isinstance(version, int) else 1


def upgraded_run(raw: dict[str, Any]) -> dict[str, Any]:
    """A run record of any version up to today's, in today's form."""
    if version_of(raw) < 2:
        parts = {part: raw[part] for part in PARTS if isinstance(raw.get(part), dict)}
        scores = {part: scores | {"raw_loss": scores.get("loss")} for part, scores in parts.items()}
        raw = raw | scores | {"schema_version": 2}
    return raw
