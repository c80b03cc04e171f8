"""Whether runs are of one dataset: the same images, by content hash, and the same classes, which that hash leaves out.

Its name says where it lay.  Images that were copied, or that a study was resumed on from another folder, have another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eyechart.schema import DatasetCard

MOST_CLASSES = 3  # in a message


def check_one_dataset(cards: Iterable[DatasetCard], advice: str) -> None:
    """UsageError, which ends with the advice, where the cards of runs, one each, are of more than one dataset."""
    kinds: dict[tuple[str, tuple[str, ...]], list[DatasetCard]] = {}
    for card in cards:
        kinds.setdefault((card.content_sha256, card.classes), []).append(card)
    if len(kinds) < 2:
        return
    hashes = [content for content, _ in kinds]
    found = ", ".join(_told(of_kind, hashes.count(of_kind[0].content_sha256) > 1) for of_kind in kinds.values())
    raise UsageError(
        f"These runs are of different datasets: {found}. Expected runs on the same images, by content hash, with the "
        f"same classes. {advice}"
    )


def num_runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"


def _told(cards: list[DatasetCard], with_classes: bool) -> str:
    names = " or ".join(dict.fromkeys(card.name for card in cards))
    classes = cards[0].classes
    more = ", ..." if len(classes) > MOST_CLASSES else ""
    told = f" with the classes {', '.join(classes[:MOST_CLASSES])}{more}" if with_classes else ""
    return f"{names} {cards[0].content_sha256[:8]}{told} ({num_runs(len(cards))})"
