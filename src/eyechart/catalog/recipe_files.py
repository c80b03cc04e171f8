"""Recipes from files: what eyechart tune wrote, or somebody by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from eyechart.base.errors import UsageError
from eyechart.catalog.recipes import changed, recipe_of
from eyechart.schema import Recipe, RecipeFile


def read_recipe(path: Path) -> RecipeFile:
    """A recipe file, checked; UsageError says which field does not fit."""
    expected = "expected a recipe file, such as eyechart tune writes into recipes/"
    try:
        found = RecipeFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} could not be read ({error.strerror}); {expected}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"{path}: {where}: {first['msg']}; {expected}. Mend that field, or tune again.") from None
    named = recipe_of(found.contender)  # a name that there is
    if named.contender != found.recipe.contender:
        raise UsageError(
            f"{path} is for {found.contender}, and its recipe is of {found.recipe.contender}; "
            f"expected a recipe of {named.contender}."
        )
    changed(found.recipe, found.recipe.model_dump())  # what excludes each other
    return found


def recipes_from(paths: Sequence[Path], contenders: Sequence[str]) -> dict[str, Recipe]:
    """The recipes of several files by contender; UsageError for one that no contender of the study is."""
    recipes: dict[str, Recipe] = {}
    for path in paths:
        found = read_recipe(path)
        if found.contender not in contenders:
            raise UsageError(
                f"{path} is a recipe for {found.contender}, and this study has {', '.join(contenders)}. "
                f"Add -m {found.contender}, or leave the file out."
            )
        if found.contender in recipes:
            raise UsageError(
                f"--recipe names two files for {found.contender}; expected one of them, the last is {path}."
            )
        recipes[found.contender] = found.recipe
    return recipes
