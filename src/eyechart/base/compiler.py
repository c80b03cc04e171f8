"""torch without its compiler, which takes over a second to import in every process.

torch imports it where a method that must not be compiled is called first, only to say so.  Where nothing is compiled
nobody needs to be told.  Another version of torch may do it otherwise; then this changes nothing.
"""

from __future__ import annotations

from typing import Any


def need_not_know(owner: Any, *methods: str) -> None:
    """Say of methods beforehand what the compiler would be imported to say: they are called as they are."""
    for name in methods:
        plain = getattr(getattr(owner, name, None), "__wrapped__", None)
        if plain is not None:
            vars(plain).setdefault("__dynamo_disable", plain)
