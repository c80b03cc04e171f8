"""What `eyechart study vit-ladder` found, as it is kept: ladder.json."""

from __future__ import annotations

from pydantic import Field

from eyechart.schema.comparison import Summary, Verdict
from eyechart.schema.frozen import Count, Frozen, Positive


class Climber(Frozen):
    """One network on a rung, over its seeds."""

    contender: str
    study: str  # name of the folder of its runs
    runs: tuple[str, ...]  # in the order of the seeds
    commits: tuple[str, ...]
    weights_sha256: tuple[str, ...]  # of each run
    parameters: Count
    epochs: Positive
    num_steps: Count
    accuracy: Summary
    loss: Summary | None  # None: diverged on every seed, or of an older run without a temperature
    raw_loss: Summary | None  # of the answers as they come: the number that the tutorial prints
    seconds: tuple[float, ...]  # of training, each run, whatever else the machine did meanwhile
    cpu_seconds: tuple[float, ...] = ()  # of them, that the run itself took, over all threads; empty: not measured
    had_company: bool  # other programs worked beside some of these runs, so that their times are longer than alone
    num_threads: tuple[Count, ...]


class RungResult(Frozen):
    """One rung of the ladder, in order."""

    name: str  # of catalog/ladder.py: "as_written", ..., "best"
    climber: Climber | None = None  # None: nothing was trained, because the repair changes the time alone
    step: Verdict | None = None  # against the rung before it that was trained; None: the first, or not both are there
    alone: Climber | None = None  # this repair and no other
    alone_step: Verdict | None = None  # against the network as it is written
    cnn: Climber | None = None  # of as many parameters, trained as this rung
    against_cnn: Verdict | None = None


class SizeResult(Frozen):
    """The last rung of ours and the CNN of its size, on few train images."""

    images: Count
    vit: Climber
    cnn: Climber
    verdict: Verdict | None


class LoopPace(Frozen):
    """How long a training step takes with loops over the images of a batch, and without.

    CPU seconds of one thread, so that what else the machine does hardly lengthens them.
    """

    num_steps: Count  # timed each way, in turns
    loop_seconds: Positive  # a step, median
    vector_seconds: Positive


class LadderRecord(Frozen):
    """All rungs that are there."""

    schema_version: int = 1
    dataset: str  # title
    num_train: Count  # images that the rungs were trained on
    num_test: Count
    fraction: float = Field(gt=0, le=1)  # of the train part
    rungs: tuple[RungResult, ...]
    sizes: tuple[SizeResult, ...] = ()
    loops: LoopPace | None = None  # None: not timed yet
