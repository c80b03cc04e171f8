"""From the runs of all rungs to what the ladder says: what each step was worth, and who is better on it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError
from eyechart.catalog import ladder
from eyechart.comparison.contenders import group_contenders
from eyechart.comparison.questions import answered
from eyechart.comparison.summaries import summaries_of
from eyechart.contexts.ladder import CNN, alone_contender, rung_contender
from eyechart.files import storage
from eyechart.schema.ladder import Climber, LadderRecord, RungResult, SizeResult
from eyechart.scoring.times import is_spoiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema import Recipe, RunRecord, Verdict

LADDER_FILE = "ladder.json"
ASKED = "accuracy"  # what every question of the ladder is about


def recorded(folder: Path, best: Path | None = None) -> LadderRecord:
    """What the finished runs of all rungs in a folder say, whatever was asked for this time.

    `best` is a study whose runs of `vit` are the last rung.  Raises UsageError where nothing is finished.
    """
    runs = {name: runs_of(home) for name, home in _studies(folder).items()}
    if best is not None:
        own = [path for path in runs.get(ladder.BEST, []) if storage.read_run(path).contender == CNN]
        runs[ladder.BEST] = own + runs_of(best, rung_contender(ladder.BEST))
    found = _Found(runs, {path: storage.read_run(path) for paths in runs.values() for path in paths})
    found.check_same_images()
    climbed = found.climbed
    if not climbed:
        raise UsageError(f"No rung in {folder} is finished; expected what `eyechart study vit-ladder` trains there.")
    steps, alone = found.steps(), found.alone()
    first = found.records[climbed[0][1][0]]
    before = folder / LADDER_FILE
    return LadderRecord(
        dataset=first.dataset.title,
        num_train=first.splits.num_train,
        num_test=first.splits.num_test,
        fraction=first.rules.fraction,
        rungs=tuple(found.rung(name, steps.get(name), alone.get(name)) for name in ladder.NAMES),
        sizes=tuple(size for name in runs if (size := found.size(name)) is not None),
        loops=storage.read_record(before, LadderRecord).loops if before.is_file() else None,
    )


def runs_of(study: Path, contender: str = "") -> list[Path]:
    """The finished runs of a study, or of one contender in it, by seed."""
    found = {path: storage.read_run(path) for path in storage.find_runs([study])}
    chosen = [path for path, run in found.items() if contender in ("", run.contender)]
    return sorted(chosen, key=lambda path: found[path].seed)


def _studies(folder: Path) -> dict[str, Path]:
    """Rung, or "images-300" -> the folder of its study, in their order."""
    found = sorted(path.parent for path in folder.glob(f"*/{storage.STUDY_FILE}"))
    return {name: home for home in found if (name := name_of(home.name))}


def with_a_cnn(folder: Path) -> list[str]:
    """The rungs in a folder beside which a CNN is trained, or was begun."""
    return [name for name, home in _studies(folder).items() if CNN in storage.read_study(home).contenders]


def name_of(study: str) -> str:
    """The rung that a study's name ends with: "vit-ladder-mnist-03-whole_tokens" -> "whole_tokens"."""
    *_, before, last = ("", *study.split("-"))
    if before == "images" and last.isdecimal():
        return f"images-{last}"
    return last if last in ladder.NAMES else ""


@dataclass(frozen=True)
class _Found:
    """All runs of the ladder."""

    runs: dict[str, list[Path]]  # by rung or size
    records: dict[Path, RunRecord]

    @property
    def climbed(self) -> list[tuple[str, list[Path]]]:
        """The rungs that are there, in their order, each with the runs of the network that climbs."""
        found = [(name, self._of(name, rung_contender(name))) for name in ladder.NAMES]
        return [(name, paths) for name, paths in found if paths]

    def check_same_images(self) -> None:
        """UsageError where two rungs saw other images with the same seed: then a step is not the rung's alone."""
        seen: dict[int, tuple[Path, tuple[str, ...]]] = {}
        for name in ladder.NAMES:
            for path in self.runs.get(name, []):
                run = self.records[path]
                parts = run.splits.train_sha256, run.splits.validation_sha256, run.splits.test_sha256
                other, known = seen.setdefault(run.seed, (path, parts))
                if known != parts:
                    raise UsageError(
                        f"{path} and {other} were not trained and judged on the same images, so that a step between "
                        f"them says nothing of what was repaired. Expected rungs of one study; move one of them away."
                    )

    def steps(self) -> dict[str, Verdict]:
        """What each rung is worth against the one before it; Holm among all steps."""
        climbed = self.climbed
        pairs = {name: (rung_contender(name), rung_contender(before)) for (before, _), (name, _) in pairwise(climbed)}
        return _answers([path for _, paths in climbed for path in paths], pairs)

    def alone(self) -> dict[str, Verdict]:
        """What each repair is worth alone, against the network as it is written; Holm among all of these."""
        written = self._of(ladder.AS_WRITTEN, rung_contender(ladder.AS_WRITTEN))
        repaired = {name: self._of(name, alone_contender(name)) for name in self.runs}
        pairs = {
            name: (alone_contender(name), rung_contender(ladder.AS_WRITTEN))
            for name, paths in repaired.items()
            if paths and written
        }
        return _answers([*written, *(path for name in pairs for path in repaired[name])], pairs)

    def rung(self, name: str, step: Verdict | None, alone_step: Verdict | None) -> RungResult:
        own, alone, cnn = self._of(name, rung_contender(name)), self._of(name, alone_contender(name)), self._cnn(name)
        return RungResult(
            name=name,
            climber=self._climber(own),
            step=step,
            alone=self._climber(alone),
            alone_step=alone_step,
            cnn=self._climber(cnn),
            against_cnn=self._against(own, cnn),
        )

    def size(self, name: str) -> SizeResult | None:
        """Of "images-300"; None for a rung, and where one of the two is not there."""
        if name in ladder.NAMES:
            return None
        vit, cnn = self._of(name, rung_contender(ladder.RUNGS[-1].name)), self._of(name, CNN)
        first, second = self._climber(vit), self._climber(cnn)
        if first is None or second is None:
            return None
        images = self.records[vit[0]].splits.num_train
        return SizeResult(images=images, vit=first, cnn=second, verdict=self._against(vit, cnn))

    def _of(self, name: str, contender: str) -> list[Path]:
        return [path for path in self.runs.get(name, []) if self.records[path].contender == contender]

    def _cnn(self, name: str) -> list[Path]:
        """The CNN beside a rung: its own, or that of an earlier rung of the same size and schedule."""
        own = self._of(name, rung_contender(name))
        if not own:
            return []
        for earlier in reversed(ladder.NAMES[: ladder.NAMES.index(name) + 1]):
            cnn, beside = self._of(earlier, CNN), self._of(earlier, rung_contender(earlier))
            if cnn and (earlier == name or (beside and self._alike(own[0], beside[0]))):
                return cnn
        return []

    def _alike(self, first: Path, second: Path) -> bool:
        """Whether two networks are of one size and were trained alike, so that one CNN is beside both."""
        one, other = self.records[first], self.records[second]
        same = _training(one.recipe) == _training(other.recipe)
        return same and one.cost.num_parameters == other.cost.num_parameters

    def _against(self, own: Sequence[Path], cnn: Sequence[Path]) -> Verdict | None:
        if not own or not cnn:
            return None
        pair = self.records[own[0]].contender, CNN
        return _answers([*own, *cnn], {"": pair}).get("")

    def _climber(self, paths: Sequence[Path]) -> Climber | None:
        if not paths:
            return None
        runs = [self.records[path] for path in paths]
        summaries = {
            each.metric: each for each in summaries_of(group_contenders(dict(zip(paths, runs, strict=True))), {})
        }
        return Climber(
            contender=runs[0].contender,
            study=runs[0].study,
            runs=tuple(run.run for run in runs),
            commits=tuple(sorted({run.host.commit for run in runs})),
            weights_sha256=tuple(run.weights_sha256[:16] for run in runs),
            parameters=runs[0].cost.num_parameters,
            epochs=runs[0].plan.images_seen / runs[0].plan.num_train_images,
            num_steps=runs[0].plan.num_steps,
            accuracy=summaries[ASKED],
            loss=summaries.get("loss"),
            raw_loss=summaries.get("raw_loss"),
            seconds=tuple(run.clocks.training_seconds for run in runs),
            cpu_seconds=tuple(cpu for run in runs if (cpu := run.clocks.training_cpu_seconds) is not None),
            had_company=any(is_spoiled(run) for run in runs),
            num_threads=tuple(sorted({run.host.num_threads for run in runs})),
        )


def _training(recipe: Recipe) -> Recipe:
    """A recipe without what is the network's own."""
    return recipe.settings.model_copy(update={"contender": "", "options": {}})


def _answers(paths: Sequence[Path], pairs: dict[str, tuple[str, str]]) -> dict[str, Verdict]:
    """The verdict of every pair, under the pair's key; Holm among them all."""
    if not pairs:
        return {}
    found = {frozenset((each.first, each.second)): each for each in answered(paths, list(pairs.values()), ASKED)}
    return {key: found[frozenset(pair)] for key, pair in pairs.items() if frozenset(pair) in found}
