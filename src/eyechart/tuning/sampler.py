"""Which settings to try next: optuna's TPE, asked anew for every trial.

The trials on the disk are the memory; optuna gets them all each time, and a seed that belongs to this trial alone.  So
trial 7 is a function of the search seeds and of trials 0 to 6, whether the search was interrupted or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from eyechart.base.errors import UsageError
from eyechart.catalog.search_spaces import Choice, Space, rounded

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


class Tried(NamedTuple):
    """A trial that is over."""

    settings: dict[str, Any]
    accuracy: float  # on validation; what failed has that of a guess, so that its neighbourhood is left


def check_optuna() -> str:
    """What searches, "optuna 5.0.0, TPE"; UsageError where optuna is not installed."""
    try:
        import optuna
    except ImportError:
        raise UsageError(
            'eyechart tune needs optuna, which is not installed here. Install it with: pip install "eyechart[tune]"'
        ) from None
    return f"optuna {optuna.__version__}, TPE"


def next_settings(space: Space, tried: Sequence[Tried], seed: int) -> dict[str, Any]:
    """A value for every field of the space, a function of its arguments."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it announces every study
    distributions = {field: _distribution(choices) for field, choices in space.items()}
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed % 2**32))
    for trial in tried:
        study.add_trial(
            optuna.trial.create_trial(params=trial.settings, distributions=distributions, value=trial.accuracy)
        )
    chosen = study.ask(distributions).params
    return {
        field: chosen[field] if isinstance(choices, Choice) else rounded(chosen[field])
        for field, choices in space.items()
    }


def _distribution(choices: Any) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if isinstance(choices, Choice):
        return CategoricalDistribution(choices.values)
    return FloatDistribution(choices.low, choices.high, log=choices.log)
