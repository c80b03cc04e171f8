"""Many runs: two at once against one after the other, and what handing them to a Ray cluster costs.

Whole studies as `eyechart run` does them, wall time from the command to its end, on real MNIST.  Caveat: the runs are
short (some seconds of training each), so that starting processes weighs more than in studies of full schedules.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable

from benchmarks import harness
from benchmarks.harness import Result, Settings
from benchmarks.startup import command_seconds
from eyechart.base.errors import MissingError

UNIT = "seconds"
NUM_SEEDS = 25  # of each of two contenders: fifty runs
NUM_IMAGES = 10_000  # that each run trains on


def study_of_50_runs(settings: Settings) -> Result:
    """Seconds of a study of 50 runs: two at once of one thread each against one after the other with all threads.

    Claim: 1.2x.  n: 1 pair of 25 seeds of cnn and vit, 10,000 images each.  Hardware: two threads of one core share its
    units, two cores share less; many small products gain more than few large ones.
    """
    num_seeds = settings.pick(NUM_SEEDS, 1)
    at_once = _study(settings, num_seeds, "--jobs", "2", "--threads", "1")
    in_turn = _study(settings, num_seeds, "--threads", str(settings.num_threads))
    facts = {"num_runs": 2 * num_seeds, "differences": f"{2 * num_seeds} runs on each side."}
    return Result(UNIT, "lower", *harness.take_turns(at_once, in_turn, settings.repeats(1)), facts=facts)


def ray_overhead(settings: Settings) -> Result:
    """Seconds a run on a Ray cluster of this machine, its start included, against the same runs with `--jobs 2`.

    Claim: none beforehand.  n: 3 pairs of 5 seeds of cnn and vit, 10,000 images each, one thread a run.  Hardware:
    starting Ray takes seconds of one core, once a study; a task starts the process that a run always has.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingError('Ray is not installed. Install it with: pip install "eyechart[ray]"')
    num_seeds = settings.pick(5, 1)
    with_ray = _study(settings, num_seeds, "--launcher", "ray", "--threads", "1")
    alone = _study(settings, num_seeds, "--jobs", "2", "--threads", "1")
    seconds = harness.take_turns(with_ray, alone, settings.repeats(3))
    ours, peer = ([value / (2 * num_seeds) for value in values] for values in seconds)
    overhead = harness.spread([first - second for first, second in zip(ours, peer, strict=True)])
    facts = {
        "overhead_seconds_a_run": overhead._asdict(),
        "differences": f"{overhead.median:.2f} s a run more ({overhead.min:.2f} to {overhead.max:.2f}), Ray's start "
        f"shared by {2 * num_seeds} runs.",
    }
    return Result("seconds a run", "lower", ours, peer, facts=facts)


def _study(settings: Settings, num_seeds: int, *how: str) -> Callable[[], float]:
    """A measurement: the seconds of a study in a folder of its own."""
    seeds = ",".join(map(str, range(num_seeds)))
    what = settings.pick(
        ["-m", "cnn,vit", "--preset", "standard", "--images", str(NUM_IMAGES), "--no-exam"],
        ["-m", "cnn,vit", "-d", "digits", "--preset", "smoke", "--steps", "2"],
    )

    def measure() -> float:
        with tempfile.TemporaryDirectory() as folder:
            return command_seconds("run", *what, "--seeds", seeds, *how, "-o", folder, "--name", "many", "--offline")

    return measure
