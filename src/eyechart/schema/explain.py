"""What `eyechart explain` and the report's section "What they looked at" keep: numbers, not maps."""

from __future__ import annotations

from typing import Literal, get_args

from eyechart.schema.frozen import Count, Fraction, Frozen, NotNegative

# Beside the runs of a study: maps and checks of each run; and what the section of the report is on.
EXPLAIN_FOLDER, EXPLAIN_FILE = "explain", "explain.json"
CHECKS_SUFFIX = "-checks.json"  # after a run's name, in that folder
EXPLAIN_VERSION = 1  # of the methods and checks; what was made by others is made again

MethodName = Literal["occlusion", "integrated gradients", "grad-cam", "attention rollout", "regions"]
METHODS: tuple[MethodName, ...] = get_args(MethodName)
RemarkName = Literal["blank", "several", "small", "unlike", "nothing"]  # as words/remarks.py has them
Why = Literal["no map", "no attention", "no regions"]  # a contender cannot be asked that way


class Estimated(Frozen):
    """A mean over images, with its 95 % interval from images drawn anew."""

    mean: float
    low: float
    high: float


class MethodCheck(Frozen):
    """Two checks of one method on one trained contender.

    Areas lie under the curve of the answer's probability (before temperature) against the share of pixels that have
    taken the median colour of the image's edge, in the order that a map gives: small means that it fell early.
    """

    method: MethodName
    alike: Estimated  # |Spearman| of the map and that of the same architecture with random weights; small: good
    area: Estimated  # the map's highest pixels first
    before_random: Estimated  # area of random orders less that of the map, above 0: the map is better
    before_ink: Estimated  # the same against random orders that take what differs from the ground first
    seconds: NotNegative  # of one map


class ChecksRecord(Frozen):
    """The checks of one run, on images of its validation part."""

    schema_version: int = 1
    version: int = EXPLAIN_VERSION
    run: str
    weights_sha256: str
    images_sha256: str  # of those that were looked at
    num_images: Count
    random_area: Fraction  # mean over images and random orders
    ink_area: Fraction
    checks: tuple[MethodCheck, ...]

    def of(self, method: str) -> MethodCheck | None:
        return next((check for check in self.checks if check.method == method), None)


class ExplainedRun(Frozen):
    """One run whose maps are kept."""

    run: str  # the name of its folder too
    contender: str
    weights_sha256: str
    answers: tuple[Count, ...]  # class ids, an image each
    probabilities: tuple[Fraction, ...]  # of these answers, after the run's temperature
    remarks: tuple[RemarkName | None, ...] = ()  # said in their place, None: the class is; empty: nobody asked
    cannot: dict[MethodName, Why]
    checks: ChecksRecord | None  # None: nobody asked for them


class ExplainedStudy(Frozen):
    """The test images of a study that were looked at, and by whom."""

    schema_version: int = 1
    version: int = EXPLAIN_VERSION
    items: str  # file of the study that the images are of
    chosen: tuple[Count, ...]  # their numbers there
    runs: tuple[ExplainedRun, ...]
