"""What a picture is answered with where a class would be a lie: nothing on it, several things, something else."""

from __future__ import annotations

from typing import Literal, get_args

Remark = Literal["blank", "several", "small", "unlike", "nothing"]
REMARKS: tuple[Remark, ...] = get_args(Remark)

_SENTENCES: dict[Remark, tuple[str, str]] = {
    "blank": ("blank", "vide"),
    "several": ("several {things} ({count})", "plusieurs {things} ({count})"),
    "small": ("too small to read", "trop petit pour être lu"),
    "unlike": ("unlike the training images", "différent des images d'entraînement"),
    "nothing": ("nothing found", "rien trouvé"),
}


def in_words(remark: Remark, *, count: int = 0, classes: tuple[str, ...] = (), french: bool = False) -> str:
    """A remark as people read it; `count` things stand apart, of a set with these classes."""
    return open_sentence(remark, classes, french=french).replace("{count}", str(count))


def open_sentence(remark: Remark, classes: tuple[str, ...], *, french: bool = False) -> str:
    """The same with {count} left open, for who counts elsewhere."""
    are_digits = bool(classes) and all(name.isdigit() for name in classes)
    things = ("chiffres" if french else "digits") if are_digits else ("objets" if french else "things")
    return _SENTENCES[remark][french].replace("{things}", things)
