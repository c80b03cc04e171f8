"""Equal seconds for every contender: the number of steps follows from the pace of the training itself.

A calibration before the start gave 68.6 to 81.8 s for 75 (records/mnist-quick.json): it is short, and on a copy.  So
after some shares of the budget the plan is laid out anew, from the time that the steps took since the last of them.
What was laid out is in the plan, so that a repetition takes the same steps at the same rates and looks at no clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eyechart.schema import Stretch

if TYPE_CHECKING:
    from eyechart.base.clock import Clock
    from eyechart.schema import Plan

PACING_SHARES = (0.1, 0.4, 0.8, 0.95)  # of the budget's seconds
UNTYPICAL_STEPS = 3  # the first ones of a process: they allocate, and choose kernels
LEAST_STEPS = 2  # that a pace is measured over


class _Moment(NamedTuple):
    step: int
    seconds: float  # on the training clock


class Pacer:
    """Lays a plan out anew when a share of its seconds is over; asked after every step of one process."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._num_steps_here = 0
        self._since = _Moment(0, 0.0)

    def __call__(self, plan: Plan, step: int) -> Plan:
        """The plan after `step` steps: the same one, or one that ends when the budget's seconds are over."""
        if not plan.pacing_shares:
            return plan
        self._num_steps_here += 1
        if self._num_steps_here == UNTYPICAL_STEPS:
            self._since = self._now(step)
        if self._num_steps_here < UNTYPICAL_STEPS + LEAST_STEPS or not self._is_due(plan, step):
            return plan
        now = self._now(step)
        step_seconds = (now.seconds - self._since.seconds) / (now.step - self._since.step)
        self._since = now
        return lay_out(plan, step, now.seconds, step_seconds)

    def _is_due(self, plan: Plan, step: int) -> bool:
        """By the seconds, or by the steps where these turn out to be quicker than was thought."""
        share = plan.pacing_shares[0]
        return step >= share * plan.num_steps or self._clock.seconds("training") >= share * plan.budget.amount

    def _now(self, step: int) -> _Moment:
        return _Moment(step, self._clock.settled_seconds("training"))


def lay_out(plan: Plan, step: int, seconds: float, step_seconds: float) -> Plan:
    """`plan`, but ending when its budget of seconds is over, if all steps after `step` take `step_seconds`."""
    num_steps = step + max(0, round((plan.budget.amount - seconds) / max(step_seconds, 1e-9)))
    done, left = step / plan.num_steps, seconds / plan.budget.amount
    return plan.model_copy(
        update={
            "num_steps": num_steps,
            "evaluation_steps": _moved_looks(plan, step, num_steps),
            "stretches": (*(plan.stretches or (Stretch(first_step=0, num_steps=plan.num_steps),)),
                          Stretch(first_step=step, num_steps=num_steps)),
            "pacing_shares": tuple(share for share in plan.pacing_shares if share > max(done, left)),
        }
    )  # fmt: skip


def _moved_looks(plan: Plan, step: int, num_steps: int) -> tuple[int, ...]:
    """Looks at validation: those that were taken, and the others at the same shares of what is left."""
    over = [look for look in plan.evaluation_steps if look <= step]
    scale = (num_steps - step) / max(1, plan.num_steps - step)
    to_come = {step + round((look - step) * scale) for look in plan.evaluation_steps if look > step}
    return tuple(sorted({*over, *(look for look in to_come if look > step), num_steps}))
