"""The look at all pictures of a folder from which the rule for reading them follows.

Only train pictures decide, also where the test part is still to be cut; the others are measured to tell how many of
them do not fit.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from eyechart.data.cut_test import is_test
from eyechart.data.picture_reader import Look, measure_all
from eyechart.data.picture_rule import decide, need_rule, remarks
from eyechart.schema import PictureRule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from eyechart.data.class_folders import Listing
    from eyechart.data.layout import Part


class Found(NamedTuple):
    """The rule of a folder, and what people should know about it."""

    rule: PictureRule
    remarks: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {"rule": self.rule.model_dump(mode="json"), "remarks": list(self.remarks)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Found:
        """Raises KeyError, TypeError or ValueError for anything that `as_json` did not write."""
        return cls(PictureRule.model_validate(record["rule"]), tuple(map(str, record["remarks"])))


def find_rule(listing: Listing, cuts_test: bool, tell: Callable[[int], None]) -> Found:
    """Measure everything; `tell` hears how many pictures are done.  Errors as picture_reader.measure."""
    some: list[np.ndarray] = []
    digests: list[bytes] = []
    num_done = 0
    look = Look([], with_digests=cuts_test)
    with closing(measure_all(listing.files(), len(listing), listing.num_bytes, look)) as parts:
        for measured in parts:
            some.append(measured.measures)
            digests.append(measured.digests)
            num_done += len(measured.measures)
            tell(num_done)
    by_part = _by_part(listing, np.concatenate(some), b"".join(digests))
    rule = decide(by_part["train"])
    return Found(rule, remarks(rule, by_part))


def find_rule_of_parts(parts: dict[Part, list[Path]], tell: Callable[[int], None]) -> Found | None:
    """The same of pictures whose parts are known; None where all have 8 bits and are opaque, and need no rule."""
    files = [path for paths in parts.values() for path in paths]
    num_bytes = sum(path.stat().st_size for path in files)
    some: list[np.ndarray] = []
    with closing(measure_all(map(str, files), len(files), num_bytes, Look([], with_digests=False))) as stretches:
        for measured in stretches:
            some.append(measured.measures)
            tell(sum(map(len, some)))
    measures = np.concatenate(some)
    if not need_rule(measures):
        return None
    ends = np.cumsum([len(paths) for paths in parts.values()])[:-1]
    by_part: dict[str, np.ndarray] = dict(zip(parts, np.split(measures, ends), strict=True))
    rule = decide(by_part["train"])
    return Found(rule, remarks(rule, by_part))


def _by_part(listing: Listing, measures: np.ndarray, digests: bytes) -> dict[str, np.ndarray]:
    by_part: dict[str, np.ndarray] = {part: measures[listing.places(part)] for part in listing.pictures}
    if digests:
        of_train = np.frombuffer(digests, np.uint8).reshape(-1, 32)[listing.places("train")]
        for_test = is_test(listing, of_train)
        by_part["test"] = by_part["train"][for_test]
        by_part["train"] = by_part["train"][~for_test]
    return by_part
