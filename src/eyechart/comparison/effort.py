"""Equal tuning (rule 2): the best of many trials beats the only one of another, whatever the architectures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.schema import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from eyechart.schema import Recipe, Scalar


def unequal(recipes: Mapping[str, Recipe], seeds: Mapping[str, Set[int]]) -> list[Finding]:
    """Contenders whose recipes were not searched with the same effort, or on seeds that they are judged on.

    seeds: of each contender's own runs.  Recipes of the package are compared as untuned: what went into them stands in
    the lab log, the same for all users.
    """
    return [*_other_effort(recipes), *_search_seeds_again(recipes, seeds)]


def _other_effort(recipes: Mapping[str, Recipe]) -> list[Finding]:
    efforts = {name: _effort(recipe) for name, recipe in recipes.items()}
    if len(set(efforts.values())) < 2:
        return []
    facts: dict[str, Scalar] = {f"tuning {name}": effort for name, effort in efforts.items()}
    return [Finding(kind="unfair", code="other-tuning", runs=tuple(efforts), facts=facts)]


def _effort(recipe: Recipe) -> str:
    """In a few words: trials or seconds, seeds, the budget of each training, and on which images."""
    tuned = recipe.tuning
    if tuned is None:
        return "untuned"
    budget = f"{tuned.budget.amount:g} {tuned.budget.unit}" if tuned.budget else "full schedule"
    amount = f"{tuned.amount:g} {tuned.unit}"
    return f"{amount} x {len(tuned.search_seeds)} x {budget} ({tuned.dataset} {tuned.dataset_sha256[:8]})"


def _search_seeds_again(recipes: Mapping[str, Recipe], seeds: Mapping[str, Set[int]]) -> list[Finding]:
    """A seed that a recipe was chosen on flatters that recipe when it is judged on it."""
    again = {name: seeds[name] & set(recipe.tuning.search_seeds) for name, recipe in recipes.items() if recipe.tuning}
    names = tuple(name for name, shared in again.items() if shared)
    if not names:
        return []
    shared = ", ".join(map(str, sorted(set().union(*again.values()))))
    return [Finding(kind="unfair", code="search-seeds-again", runs=names, facts={"seeds": shared})]
