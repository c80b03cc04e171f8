"""What another plan for the same folder would change: each setting with what it was and what it is now."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from eyechart.catalog.regimes import FROM_NOTHING
from eyechart.data.known import KNOWN
from eyechart.files.places import RUN, same_place, seen_from
from eyechart.schema import Budget, Looking, Recipe, Rules, StudyRecord
from eyechart.weights.resolve import Names

SETTLED_RULES = ("device", "precision")  # which "auto" leaves to machine.settle_machine, once a study


def differences(old: StudyRecord, new: StudyRecord) -> list[str]:
    """Rules, and recipes of contenders that both have, in words; empty where the one may go on with the other.

    Nothing that was "auto" in the new one and is settled in the old one, and no other way to write the same path.
    """
    found = rule_differences(old, new)
    for contender in new.contenders:
        if contender in old.recipes:
            before, now = ((each.recipes[contender].weights, each.started_in) for each in (old, new))
            is_same, recipe = same_place(before, now, Names()), new.recipes[contender]
            if is_same:
                recipe = recipe.model_copy(update={"weights": before[0]})
            changes = _changed_recipe(old.recipes[contender], recipe)
            if before[0] == now[0] and _is_path(now[0]) and not is_same:
                changes.append(_moved_text("weights", before, now))
            found += [f"recipe of {contender}: {change}" for change in changes]
    return found


def _is_path(weights: str) -> bool:
    """Whether a folder or a file is meant: names of weights have neither a folder nor an ending."""
    return weights.startswith(RUN) or len(PurePath(weights).parts) > 1 or bool(PurePath(weights).suffix)


def rule_differences(old: StudyRecord, new: StudyRecord, but: tuple[str, ...] = ()) -> list[str]:
    """The same of the rules alone; those named in `but` may differ."""
    settled = {name: getattr(old.rules, name) for name in SETTLED_RULES if getattr(new.rules, name) == "auto"}
    settled |= {name: getattr(old.rules, name) for name in but}
    datasets = (old.rules.dataset, old.started_in), (new.rules.dataset, new.started_in)
    is_same = same_place(*datasets, KNOWN)
    found = _changed_fields(old.rules, new.rules.model_copy(update=settled | {"dataset": old.rules.dataset}))
    return found if is_same else [_moved_text("dataset", *datasets), *found]


def _moved_text(what: str, old: tuple[str, str], new: tuple[str, str]) -> str:
    """The paths as they were written, and in full where that is the same."""
    if old[0] != new[0]:
        return changed_text(what, old[0], new[0])
    return changed_text(what, *(seen_from("", *each, ()) for each in (old, new)))


def changed_text(name: str, old: Any, new: Any) -> str:
    """One setting, as it was and as it is."""
    return f"{name} was {_value_text(old)} and is {_value_text(new)} now"


def _changed_recipe(old: Recipe, new: Recipe) -> list[str]:
    """Differences in all that trains and in how it was found, but for "auto" weights that were settled meanwhile.

    What is said of a recipe may change: measuring a study writes into `expect`, and more seeds may follow.
    """
    if new.weights == "auto":
        settled = ("weights", *(FROM_NOTHING if old.weights == "none" else ()))
        new = new.model_copy(update={name: getattr(old, name) for name in settled})
    # What the boxes of the train part, or the starting weights, have settled meanwhile.
    options = {name: old.options.get(name) if value == "auto" else value for name, value in new.options.items()}
    new = new.model_copy(update={"options": options})
    found = _changed_fields(old.settings, new.settings)
    if old.tuning != new.tuning:
        found.append(changed_text("tuning", _tuned_text(old), _tuned_text(new)))
    return found


def _changed_fields(old: Rules | Recipe, new: Rules | Recipe) -> list[str]:
    fields = [name for name in type(old).model_fields if getattr(old, name) != getattr(new, name)]
    return [changed_text(name, getattr(old, name), getattr(new, name)) for name in fields]


def _tuned_text(recipe: Recipe) -> str:
    tuning = recipe.tuning
    return f"a search of {tuning.trials} trials on {tuning.date}" if tuning else "none"


def _value_text(value: Any) -> str:
    if isinstance(value, Budget):
        return f"{value.amount:g} {value.unit}"
    if isinstance(value, Looking):
        return f"at most {value.most_seeds} seeds, looked at after each"
    return "not set" if value is None else str(value)
