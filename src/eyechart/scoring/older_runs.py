"""Runs of before there were temperatures, brought to what today's runs say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eyechart.base.errors import StorageError
from eyechart.schema import RunRecord
from eyechart.scoring import temperature

Reader = Callable[[str], dict[str, Any]]  # a file of arrays by its name


def with_temperature(run: RunRecord, answers: dict[str, str], read_own: Reader, read_shared: Reader) -> RunRecord:
    """The same run with its losses after a temperature that its stored answers give; as it is where they are gone.

    `answers` names the file of each part's answers, which `read_own` reads; `read_shared` reads the items of all runs.
    """
    try:
        items = {"validation": run.validation_items, "test": run.items}
        pairs = {
            part: (read_shared(items[part])["labels"], read_own(name)["probabilities"])
            for part, name in answers.items()
        }
        found = temperature.fit(*pairs["validation"])
        losses = {part: temperature.loss_after(found.value, *pair) for part, pair in pairs.items()}
    except (StorageError, KeyError, AssertionError, IndexError, ValueError):  # findings tell what does not fit
        return run
    scores = {part: getattr(run, part).model_copy(update={"loss": loss}) for part, loss in losses.items()}
    return run.model_copy(update={"temperature": found, **scores})
