"""Damaged checkpoints: every one must be found, and the one before be gone on with."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from audits.chaos.attempts import attempt
from audits.chaos.fault import Fault
from audits.chaos.tally import Tally
from audits.chaos.tiny import CONTENDERS, NUM_STEPS, tiny_job
from eyechart.base.errors import StorageError
from eyechart.files import storage
from eyechart.training.checkpoint import newest_checkpoint

PAGE = 4096
AT_ONCE = 50  # mutations between two notes on the disk


def mutate_checkpoints(
    folder: Path, num_mutations: int, say: Callable[[str], None], contenders: tuple[str, ...] = CONTENDERS
) -> Tally:
    """At least so many mutations of real checkpoints, the contenders in turn."""
    tally = Tally(folder / "mutations.json")
    whole = {name: _stopped(name, folder) for name in contenders}
    number = 0
    while tally.tried < num_mutations:
        contender = contenders[number % len(contenders)]
        size = min(AT_ONCE, num_mutations - tally.tried)
        if not tally.has(str(number)):
            kinds, problems = _some(whole[contender], folder / "mutated", random.Random(number), size)
            tally.add(str(number), size, problems, contender=contender, kind=kinds)
            say(f"{tally.tried} mutations, {tally.failed} lots with one that was not found")
        number += 1
    return tally


def _stopped(contender: str, folder: Path) -> Path:
    """The folder of a run that was asked to stop before its last step: with a checkpoint and the one before."""
    job = tiny_job(contender, folder, f"stopped-{contender.partition(':')[0]}")
    place = Path(job.folder)
    if not all((place / name).exists() for name in storage.CHECKPOINT_FILES):
        ended = attempt(job, Fault("term", step=NUM_STEPS - 2))
        assert ended.error.get("kind") == "Interrupted", ended
    return place


class Mutated(NamedTuple):
    kind: str
    content: bytes


def _some(whole: Path, place: Path, luck: random.Random, number: int) -> tuple[list[str], list[str]]:
    """Their kinds, and what was believed although it was damaged."""
    content = (whole / storage.CHECKPOINT_FILE).read_bytes()
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(whole / storage.PREVIOUS_CHECKPOINT_FILE, place)
    before = newest_checkpoint(place / storage.PREVIOUS_CHECKPOINT_FILE)
    assert before is not None
    kinds, problems = [], []
    while len(kinds) < number:
        mutated = mutation(content, luck)
        if mutated.content == content:  # a page of zeros was zero before
            continue
        kinds.append(mutated.kind)
        (place / storage.CHECKPOINT_FILE).write_bytes(mutated.content)
        problems += _believed(place, before.card.step, mutated.kind)
    return kinds, problems


def _believed(place: Path, step_before: int, kind: str) -> list[str]:
    try:
        found = newest_checkpoint(place / storage.CHECKPOINT_FILE)
    except StorageError as error:
        return [f"{kind}: the one before was not used: {error}"]
    if found is None or found.path.name != storage.PREVIOUS_CHECKPOINT_FILE or found.card.step != step_before:
        return [f"{kind}: it was believed"]
    return [] if "damaged" in found.damage else [f"{kind}: nothing was said"]


def mutation(content: bytes, luck: random.Random) -> Mutated:
    """Something that disks, cables and people do to a file."""
    header = 8 + int.from_bytes(content[:8], "little")
    damaged, place = bytearray(content), luck.randrange(len(content))
    kind = luck.choice(
        [
            "a bit",
            "a bit of the header",
            "some bytes",
            "cut off",
            "emptied",
            "a page of zeros",
            "longer",
            "pages swapped",
        ]
    )
    if kind == "a bit":
        damaged[place] ^= 1 << luck.randrange(8)
    elif kind == "a bit of the header":
        damaged[luck.randrange(header)] ^= 1 << luck.randrange(8)
    elif kind == "some bytes":
        for _ in range(luck.randint(2, 64)):
            damaged[luck.randrange(len(damaged))] = luck.randrange(256)
    elif kind == "cut off":
        del damaged[place:]
    elif kind == "emptied":
        damaged.clear()
    elif kind == "a page of zeros":
        start = place // PAGE * PAGE
        end = min(start + PAGE, len(damaged))
        damaged[start:end] = bytes(end - start)
    elif kind == "longer":
        damaged += luck.randbytes(luck.randint(1, PAGE))
    else:
        first, second = (luck.randrange(max(1, len(damaged) // PAGE)) * PAGE for _ in range(2))
        damaged[first : first + PAGE], damaged[second : second + PAGE] = (
            damaged[second : second + PAGE], damaged[first : first + PAGE],
        )  # fmt: skip
    return Mutated(kind, bytes(damaged))
