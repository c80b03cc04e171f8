"""The ladder in words: the answer, the table of all rungs, and how to read it, as Markdown."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.foreign_text import in_markdown
from eyechart.files.storage import write_text
from eyechart.report import markdown
from eyechart.report.ladder.words import answer, gain_text, rung_words, verdict_word
from eyechart.report.markdown import mean_text
from eyechart.words.speech import Speech, speech

if TYPE_CHECKING:
    from eyechart.schema.ladder import LadderRecord, RungResult


def write_synthesis(record: LadderRecord, name: str, question: tuple[str, str], folder: Path, lang: str) -> None:
    """Write `name`-synthesis.md into `folder`, beside the figure."""
    say = speech(lang)
    told = [f"# {in_markdown(record.dataset)}{say.colon} {say(*question)}", " ".join(answer(record, say))]
    if (folder / f"{name}.svg").is_file():
        told.append(f"![{say('The ladder', 'L’échelle')}]({name}.svg)")
    told += [table(record, say), *sizes_table(record, say), how_to_read(record, say)]
    write_text(folder / f"{name}-synthesis.md", "\n\n".join(part for part in told if part) + "\n")


def table(record: LadderRecord, say: Speech) -> str:
    """A row a rung."""
    head = [
        say("rung", "barreau"), say("accuracy", "exactitude"), say("loss", "perte"), say("raw loss", "perte brute"),
        say("parameters", "paramètres"), say("training", "entraînement"), say("step, points", "marche, points"),
        say("verdict", "verdict"), say("alone, points", "seule, points"),
        say("CNN of equal size", "CNN de même taille"), say("ViT − CNN, points", "ViT − CNN, points"),
    ]  # fmt: skip
    rows = [_row(place, rung, record, say) for place, rung in enumerate(record.rungs)]
    return markdown.table(head, rows, words=(0, head.index(say("verdict", "verdict"))))


def _row(place: int, rung: RungResult, record: LadderRecord, say: Speech) -> list[str]:
    name = f"{place} {rung_words(rung.name, say)}"
    if rung.climber is None:
        changed = _changed_time(rung, record, say)
        return [name, *([""] * 4), changed, *([""] * 5)]
    climber = rung.climber
    return [
        name,
        mean_text(climber.accuracy, say),
        say.loss(climber.loss.mean) if climber.loss else "",
        say.loss(climber.raw_loss.mean) if climber.raw_loss else "",
        say.count(climber.parameters),
        _time(rung, record, say),
        gain_text(rung.step, climber, say),
        verdict_word(rung.step, climber, say),
        gain_text(rung.alone_step, rung.alone, say),
        mean_text(rung.cnn.accuracy, say) if rung.cnn else "",
        gain_text(rung.against_cnn, climber, say),
    ]


def _time(rung: RungResult, record: LadderRecord, say: Speech) -> str:
    """Of training, the mean over seeds; of what has loops, by the pace of a step; beside other programs, CPU time."""
    assert rung.climber, "of rungs that were climbed"
    own = rung.climber.had_company and rung.climber.cpu_seconds
    seconds = statistics.fmean(rung.climber.cpu_seconds if own else rung.climber.seconds)
    mark = "*" if own else ""
    if record.loops and rung.name in ("as_written", "logits"):
        looped = rung.climber.num_steps * record.loops.loop_seconds
        return f"{say.seconds(looped)}†"
    return f"{say.seconds(seconds)}{mark}"


def _changed_time(rung: RungResult, record: LadderRecord, say: Speech) -> str:
    if rung.name != "vectorised" or record.loops is None:
        return say("not trained yet", "pas encore entraîné") if rung.name != "vectorised" else ""
    before = next((each.climber for each in record.rungs if each.name == "logits"), None)
    return f"{say.seconds(before.num_steps * record.loops.vector_seconds)}†" if before else ""


def sizes_table(record: LadderRecord, say: Speech) -> list[str]:
    """The ViT and the CNN on few images; nothing where none were tried."""
    if not record.sizes:
        return []
    head = [
        say("train images", "images d'entraînement"), say("last rung of the tutorial's", "dernier barreau du tutoriel"),
        say("CNN of equal size", "CNN de même taille"), say("ViT − CNN, points", "ViT − CNN, points"),
        say("verdict", "verdict"),
    ]  # fmt: skip
    rows = [
        [
            say.count(size.images), mean_text(size.vit.accuracy, say), mean_text(size.cnn.accuracy, say),
            gain_text(size.verdict, size.vit, say), verdict_word(size.verdict, size.vit, say),
        ]
        for size in sorted(record.sizes, key=lambda each: each.images)
    ]  # fmt: skip
    return [markdown.table(head, rows, words=(4,))]


def how_to_read(record: LadderRecord, say: Speech) -> str:
    """What the columns are, and what they are not."""
    told = say(
        "Each rung has its own repair and all before it, and its step is against the rung before; “alone” is the "
        "same repair on the network as it is written. The two differ because the order matters: what a repair is worth "
        "depends on what is repaired already. Intervals of accuracies: 95 %, Student's t over seeds (of one seed "
        "Wilson's over images); of differences: 95 %, the same seeds and test images in pairs. Training: mean of a "
        "run. Raw loss: of the answers as they come; loss: after a temperature fitted on validation. The CNN beside a "
        "rung is the catalogue's, made as wide as has the same number of parameters within 2 %, and trained by the "
        "rung's recipe on logits.",
        "Chaque barreau a sa réparation et toutes les précédentes ; sa marche se compte depuis le barreau précédent ; "
        "« seule » est la même réparation sur le réseau tel quel. Les deux diffèrent parce que l'ordre compte : ce que "
        "vaut une réparation dépend de ce qui est déjà réparé. Intervalles des exactitudes : 95 %, t de Student sur "
        "les graines (d'une seule : Wilson sur les images) ; des différences : 95 %, mêmes graines et mêmes images de "
        "test par paires. Entraînement : "
        "moyenne d'une exécution. Perte brute : des réponses telles quelles ; perte : après une température ajustée "
        "sur la validation. Le CNN de chaque barreau est celui du catalogue, aussi large qu'il faut pour le même "
        "nombre de paramètres à 2 % près, entraîné par la recette du barreau sur des logits.",
    )
    if record.loops:
        told += say(
            f" †: reckoned from {record.loops.num_steps} steps, in CPU seconds of one thread: "
            f"{say.seconds(record.loops.loop_seconds)} a step with loops over images, "
            f"{say.seconds(record.loops.vector_seconds)} without. The answers are the same, so the networks were "
            f"trained without loops.",
            f" † : calculé sur {record.loops.num_steps} pas, en secondes de processeur d'un fil : "
            f"{say.seconds(record.loops.loop_seconds)} par pas avec boucles sur les images, "
            f"{say.seconds(record.loops.vector_seconds)} sans. Les réponses sont les mêmes ; les réseaux ont donc été "
            f"entraînés sans boucles.",
        )
    if any(rung.climber and rung.climber.had_company for rung in record.rungs):
        told += say(
            " *: CPU time of all threads, because other programs worked beside some of these runs.",
            " * : temps de processeur de tous les fils, car d'autres programmes travaillaient en même temps.",
        )
    return told
