"""Write the tables of both READMEs from the records that were measured.

python scripts/readme_tables.py            README.md and README.fr.md of this project
python scripts/readme_tables.py FOLDER     those below FOLDER, from the records below FOLDER

A table stands between `<!-- table:quick -->` and `<!-- /table:quick -->` and comes from records/mnist-quick.json, which
scripts/record_accuracy.py wrote.  tests/test_docs.py holds both to be equal.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from pathlib import Path
from typing import Any, NamedTuple

from eyechart.comparison.uncertainty import wilson_interval
from eyechart.report.numbers import seconds
from eyechart.storage import write_text

Record = dict[str, Any]  # as record_accuracy.py writes it
Contender = dict[str, Any]  # one entry of a record's results

PROJECT = Path(__file__).resolve().parents[1]
RECORDS = {"quick": "records/mnist-quick.json", "standard": "records/mnist-standard.json"}
NUM_TEST_IMAGES = 10_000  # MNIST's, all of them in both presets


class Words(NamedTuple):
    """What the tables say, in one language."""

    headings: tuple[str, ...]
    seeds: str
    interval: str
    spread: str
    meaning: str
    boxes: str
    pretrained: str
    origin: str
    whole: str


ENGLISH = Words(
    ("contender", "starts from", "accuracy %", "precision %", "recall %", "F1 %", "loss", "training", "images seen",
     "parameters"),
    "Seeds: {seeds}; {num_images} test images.",
    "In brackets: the 95 % Wilson interval of one run over its test images.",
    "±: standard deviation over the seeds.",
    "Precision, recall and F1 are means over the classes; loss in nats.",
    "Boxes of `{contender}`: mean IoU {mean_iou}, mAP {map}, mAP50 {map50}.",
    "† did not start from nothing.",
    "Measured on {date} with `{command}`: {cpu}, threads: {threads}, device: {device}, torch {torch}, commit {commit} "
    "([record]({path})).",
    "All runs together, judging and start-up included: {total}.",
)  # fmt: skip
FRENCH = Words(
    ("concurrent", "départ", "exactitude %", "précision %", "rappel %", "F1 %", "perte", "entraînement",
     "images vues", "paramètres"),
    "Graines : {seeds} ; {num_images} images de test.",
    "Entre parenthèses : l'intervalle de Wilson à 95 % d'un essai sur ses images de test.",
    "± : écart type sur les graines.",
    "Précision, rappel et F1 sont des moyennes sur les classes ; perte en nats.",
    "Boîtes de `{contender}` : IoU moyen {mean_iou}, mAP {map}, mAP50 {map50}.",
    "† n'est pas parti de rien.",
    "Mesuré le {date} avec `{command}` : {cpu}, fils d'exécution : {threads}, appareil : {device}, torch {torch}, "
    "commit {commit} "
    "([relevé]({path})).",
    "Tous les essais ensemble, évaluation et démarrage compris : {total}.",
)  # fmt: skip
READMES = {"README.md": ENGLISH, "README.fr.md": FRENCH}


def main() -> None:
    project = Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT
    there = {name: path for name, path in RECORDS.items() if (project / path).is_file()}
    for readme in READMES:
        text = (project / readme).read_text(encoding="utf-8")
        for name in there:
            text = with_table(text, name, table(read_record(project, name), name, READMES[readme]))
        write_text(project / readme, text)
    missing = [path for name, path in RECORDS.items() if name not in there]
    if missing:
        sys.exit(f"Not there, so their tables were left as they are: {', '.join(missing)}.")


def read_record(project: Path, name: str) -> Record:
    record: Record = json.loads((project / RECORDS[name]).read_text(encoding="utf-8"))
    return record


def with_table(text: str, name: str, content: str) -> str:
    """The README's text with `content` between the markers of the table `name`; exits when they are not there."""
    start, end = f"<!-- table:{name} -->", f"<!-- /table:{name} -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        sys.exit(f"Expected the markers {start} and {end} once in each README.")
    return pattern.sub(lambda _: f"{start}\n{content}\n{end}", text)


def table(record: Record, name: str, words: Words) -> str:
    """A Markdown table, the best accuracy first, and below it what was measured where."""
    results = sorted(record["results"].items(), key=lambda item: -item[1]["accuracy"]["mean"])
    lines = [_row(words.headings), _row(("---", "---", *["--:"] * (len(words.headings) - 2)))]
    lines += [_row(_cells(contender, result, words)) for contender, result in results]
    return "\n".join([*lines, "", *_legend(record, name, words)])


# --------------------------------------------------------------------------------------------- rows


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(contender: str, result: Contender, words: Words) -> tuple[str, ...]:
    cells = (
        _accuracy(result["accuracy"]["values"]),
        *(_spread(result[name]["values"], 100, 2) for name in ("macro_precision", "macro_recall", "macro_f1")),
        _spread(result["loss"]["values"], 1, 4),
        seconds(result["train_seconds"]["mean"]),
        f"{result['images_seen']:,}",
        f"{round(result['num_parameters']['mean']):,}",
    )
    start = f"`{result['weights']}`" + ("†" if result["weights"] != "none" else "")
    return (f"`{contender}`", start, *(localised(cell, words) for cell in cells))


def _accuracy(values: list[float]) -> str:
    """One run: with its interval over the test images; several: mean and standard deviation over the seeds."""
    text = _spread(values, 100, 2)
    if len(values) > 1:
        return text
    low, high = wilson_interval(round(values[0] * NUM_TEST_IMAGES), NUM_TEST_IMAGES)
    return f"{text} ({100 * low:.2f}–{100 * high:.2f})"


def _spread(values: list[float], factor: float, decimals: int) -> str:
    mean = f"{factor * statistics.mean(values):.{decimals}f}"
    return mean if len(values) == 1 else f"{mean} ± {factor * statistics.stdev(values):.{decimals}f}"


def localised(number: str, words: Words) -> str:
    """An English number as the language writes it: 1,234.5 is 1 234,5 in French."""
    return number.translate({ord(","): "\N{NARROW NO-BREAK SPACE}", ord("."): ","}) if words is FRENCH else number


# --------------------------------------------------------------------------------------------- below


def _legend(record: Record, name: str, words: Words) -> list[str]:
    results: dict[str, Contender] = record["results"]
    seeds = sorted({seed for result in results.values() for seed in result["seeds"]})
    lines = [
        words.seeds.format(seeds=", ".join(map(str, seeds)), num_images=localised(f"{NUM_TEST_IMAGES:,}", words)),
        words.interval if len(seeds) == 1 else words.spread,
        words.meaning,
    ]
    if any(result["weights"] != "none" for result in results.values()):
        lines.append(words.pretrained)
    lines += [_boxes(contender, result, words) for contender, result in results.items() if "map50" in result]
    paragraphs = [" ".join(lines), "", f"{_origin(record, name, words)} {_total(results, words)}"]
    return [_typeset(paragraph, words) for paragraph in paragraphs]


def _typeset(sentence: str, words: Words) -> str:
    """French has a space before colons and semicolons, at which no line may break."""
    return re.sub(r" (?=[:;])", "\N{NO-BREAK SPACE}", sentence) if words is FRENCH else sentence


def _boxes(contender: str, result: Contender, words: Words) -> str:
    means = {name: localised(f"{result[name]['mean']:.3f}", words) for name in ("mean_iou", "map", "map50")}
    return words.boxes.format(contender=contender, **means)


def _origin(record: Record, name: str, words: Words) -> str:
    host = record["host"]
    return words.origin.format(
        date=record["date"],
        command=record["command"],
        cpu=host["cpu"],
        threads=host["num_threads"],
        device=host["device"],
        torch=host["versions"]["torch"],
        commit=record["commit"] or "?",
        path=RECORDS[name],
    )


def _total(results: dict[str, Contender], words: Words) -> str:
    total = sum(sum(result["total_seconds"]["values"]) for result in results.values())
    return words.whole.format(total=localised(seconds(total), words))


if __name__ == "__main__":
    main()
