"""Write what was measured into the READMEs, as tables, and into the recipes, as what to expect of them.

python scripts/readme_tables.py            README.md and README.fr.md of this project
python scripts/readme_tables.py FOLDER     those below FOLDER, from the records below FOLDER

A table stands between `<!-- table:quick -->` and `<!-- /table:quick -->` and comes from records/mnist-quick.json, which
scripts/record_accuracy.py wrote.  The full schedule's comes from records/mnist.json, of several seeds, and from that of
one seed where that is not there; so does every recipe's `expect`.  tests/test_docs.py and
tests/catalog/test_recipes.py hold all of them to be equal.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from eyechart.base.foreign_text import as_markdown_code
from eyechart.comparison.uncertainty import mean_interval, wilson_interval
from eyechart.files.storage import write_text
from eyechart.words.numbers import seconds

Record = dict[str, Any]  # as record_accuracy.py writes it
Contender = dict[str, Any]  # one entry of a record's results

PROJECT = Path(__file__).resolve().parents[1]
RECIPES = "src/eyechart/catalog/recipes.py"
QUICK_SCHEDULE = "75 s on two threads of a CPU"
RECORDS = {
    "quick": ("records/mnist-quick.json",),
    "standard": ("records/mnist.json", "records/mnist-standard.json"),
}  # table: the records that it may come from; the first that is there
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
    conjunction: str
    better: dict[str, str]  # scope of a verdict -> what is said of its pairs
    than: str
    undecided: dict[str, str]  # kind of a verdict -> how many pairs have it


ENGLISH = Words(
    ("contender", "starts from", "accuracy %", "precision %", "recall %", "F1 %", "loss", "raw loss", "training",
     "images seen", "parameters"),
    "Seeds: {seeds}; {num_images} test images.",
    "In brackets: the 95 % Wilson interval of one run over its test images.",
    "±: half of the 95 % t-interval of the mean over the seeds.",
    "Precision, recall and F1 are means over the classes; loss in nats, after a temperature fitted on validation; "
    "raw loss: of the answers as they come.",
    "Boxes of `{contender}`: mean IoU {mean_iou}, mAP {map}, mAP50 {map50}.",
    "† did not start from nothing.",
    "Measured on {date} with {commands}: {cpu}, threads: {threads}, device: {device}, torch {torch}, commit {commit} "
    "([record]({path})).",
    "All runs together, judging and start-up included: {total}.",
    "and",
    {"architectures": "Shown: {pairs}.",
     "these runs": "By the test images alone, so of these runs and not of the architectures: {pairs}."},
    "is better than",
    {"equivalent": "Equivalent: {number} of the {total} pairs.",
     "not shown": "Not shown: {number} of the {total} pairs.",
     "too few runs": "Too few seeds to say: {number} of the {total} pairs."},
)  # fmt: skip
FRENCH = Words(
    ("concurrent", "départ", "exactitude %", "précision %", "rappel %", "F1 %", "perte", "perte brute", "entraînement",
     "images vues", "paramètres"),
    "Graines : {seeds} ; {num_images} images de test.",
    "Entre parenthèses : l'intervalle de Wilson à 95 % d'un entraînement sur ses images de test.",
    "± : moitié de l'intervalle t à 95 % de la moyenne sur les graines.",
    "Précision, rappel et F1 sont des moyennes sur les classes ; perte en nats, après une température ajustée sur "
    "la validation ; perte brute : des réponses telles quelles.",
    "Boîtes de `{contender}` : IoU moyenne {mean_iou}, mAP {map}, mAP50 {map50}.",
    "† n'est pas parti de rien.",
    "Mesuré le {date} avec {commands} : {cpu}, fils d'exécution : {threads}, appareil : {device}, torch {torch}, "
    "commit {commit} "
    "([relevé]({path})).",
    "Tous les entraînements ensemble, évaluation et démarrage compris : {total}.",
    "et",
    {"architectures": "Démontré : {pairs}.",
     "these runs": "Par les seules images de test, donc de ces entraînements et non des architectures : {pairs}."},
    "est meilleur que",
    {"equivalent": "Équivalents : {number} des {total} paires.",
     "not shown": "Non démontré : {number} des {total} paires.",
     "too few runs": "Trop peu de graines pour conclure : {number} des {total} paires."},
)  # fmt: skip
READMES = {"README.md": ENGLISH, "README.fr.md": FRENCH}


def main() -> None:
    project = Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT
    there = {name: path for name in RECORDS if (path := record_path(project, name))}
    for readme in READMES:
        text = (project / readme).read_text(encoding="utf-8")
        for name in there:
            text = with_table(text, name, table(read_record(project, name), there[name], READMES[readme]))
        write_text(project / readme, text)
    if "standard" in there and (project / RECIPES).is_file():
        write_text(project / RECIPES, with_expectations(project))
    missing = [" or ".join(paths) for name, paths in RECORDS.items() if name not in there]
    if missing:
        sys.exit(f"Not there, so their tables were left as they are: {', '.join(missing)}.")


def record_path(project: Path, name: str) -> str:
    """The record, below `project`, that the table `name` comes from; empty when there is none."""
    return next((path for path in RECORDS[name] if (project / path).is_file()), "")


def read_record(project: Path, name: str) -> Record:
    record: Record = json.loads((project / record_path(project, name)).read_text(encoding="utf-8"))
    return record


def with_table(text: str, name: str, content: str) -> str:
    """The README's text with `content` between the markers of the table `name`; exits when they are not there."""
    start, end = f"<!-- table:{name} -->", f"<!-- /table:{name} -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        sys.exit(f"Expected the markers {start} and {end} once in each README.")
    return pattern.sub(lambda _: f"{start}\n{content}\n{end}", text)


def table(record: Record, path: str, words: Words) -> str:
    """A Markdown table, the best accuracy first, and below it what was measured where; `path` is the record's."""
    results = sorted(record["results"].items(), key=lambda item: -item[1]["accuracy"]["mean"])
    lines = [_row(words.headings), _row(("---", "---", *["--:"] * (len(words.headings) - 2)))]
    lines += [_row(_cells(contender, result, words)) for contender, result in results]
    return "\n".join([*lines, "", *_legend(record, path, words)])


# --------------------------------------------------------------------------------------------- rows


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(contender: str, result: Contender, words: Words) -> tuple[str, ...]:
    cells = (
        _accuracy(result["accuracy"]["values"]),
        *(_spread(result[name]["values"], 100, 2) for name in ("macro_precision", "macro_recall", "macro_f1")),
        *_losses(result),
        _train_time(result),
        f"{_images_seen(result):,}",
        f"{round(result['num_parameters']['mean']):,}",
    )
    start = as_markdown_code(result["weights"]) + ("†" if result["weights"] != "none" else "")
    return (as_markdown_code(contender), start, *(localised(cell, words) for cell in cells))


def _train_time(result: Contender) -> str:
    """The mean over the seeds; a dash where runs shared the machine, as `eyechart run --jobs` lets them."""
    return "–" if _is_shared(result) else seconds(result["train_seconds"]["mean"])


def _is_shared(result: Contender) -> bool:
    return any(result.get("shared_clocks", []))


def _images_seen(result: Contender) -> int:
    """The mean over the seeds; records of before 2026-11-26 have one number."""
    seen = result["images_seen"]
    return round(statistics.mean(seen)) if isinstance(seen, list) else seen


def _losses(result: Contender) -> tuple[str, str]:
    """After the temperature, and raw; records of before 2026-11-25 have the raw one alone, under the name `loss`."""
    if "raw_loss" not in result:
        return "–", _spread(result["loss"]["values"], 1, 4)
    return _spread(result["loss"]["values"], 1, 4), _spread(result["raw_loss"]["values"], 1, 4)


def _accuracy(values: list[float]) -> str:
    """One run: with its interval over the test images; several: mean and half of its interval over the seeds."""
    text = _spread(values, 100, 2)
    if len(values) > 1:
        return text
    low, high = wilson_interval(round(values[0] * NUM_TEST_IMAGES), NUM_TEST_IMAGES)
    return f"{text} ({100 * low:.2f}–{100 * high:.2f})"


def _spread(values: list[float], factor: float, decimals: int) -> str:
    mean = f"{factor * statistics.mean(values):.{decimals}f}"
    if len(values) == 1:
        return mean
    low, high = mean_interval(values)
    return f"{mean} ± {factor * (high - low) / 2:.{decimals}f}"


def localised(number: str, words: Words) -> str:
    """An English number as the language writes it: 1,234.5 is 1 234,5 in French."""
    return number.translate({ord(","): "\N{NARROW NO-BREAK SPACE}", ord("."): ","}) if words is FRENCH else number


# --------------------------------------------------------------------------------------------- below


def _legend(record: Record, path: str, words: Words) -> list[str]:
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
    origin = f"{_origin(record, path, words)} {_total(results, words)}".rstrip()
    paragraphs = [paragraph for paragraph in (" ".join(lines), _verdicts(record, words), origin) if paragraph]
    return "\n\n".join(_typeset(paragraph, words) for paragraph in paragraphs).split("\n")


def _verdicts(record: Record, words: Words) -> str:
    """What may be said of pairs, in accuracy, by the record's own verdicts; those that decide nothing are counted."""
    verdicts = [verdict for verdict in record.get("verdicts", []) if verdict["metric"] == "accuracy"]
    sentences = []
    for scope, told in words.better.items():
        beaten: dict[str, list[str]] = defaultdict(list)
        for verdict in verdicts:
            if (verdict["kind"], verdict["scope"]) == ("better", scope):
                beaten[verdict["first"]].append(verdict["second"])
        pairs = [f"`{first}` {words.than} {_listed(others, words)}" for first, others in beaten.items()]
        sentences += [told.format(pairs="; ".join(pairs))] if pairs else []
    kinds = Counter(verdict["kind"] for verdict in verdicts)
    for kind, told in words.undecided.items():
        sentences += [told.format(number=kinds[kind], total=len(verdicts))] if kinds[kind] else []
    return " ".join(sentences)


def _listed(names: list[str], words: Words) -> str:
    """`a`, `b` and `c`."""
    *rest, last = [f"`{name}`" for name in names]
    return f"{', '.join(rest)} {words.conjunction} {last}" if rest else last


def _typeset(sentence: str, words: Words) -> str:
    """French has a space before colons and semicolons, at which no line may break."""
    return re.sub(r" (?=[:;])|(?<! )(?=; )", "\N{NO-BREAK SPACE}", sentence) if words is FRENCH else sentence


def _boxes(contender: str, result: Contender, words: Words) -> str:
    means = {name: localised(f"{result[name]['mean']:.3f}", words) for name in ("mean_iou", "map", "map50")}
    return words.boxes.format(contender=contender, **means)


def _origin(record: Record, path: str, words: Words) -> str:
    host = record["host"]
    commands = [f"`{command}`" for command in record["command"].split(" && ")]
    return words.origin.format(
        date=record["date"],
        commands=f" {words.conjunction} ".join(commands),
        cpu=host["cpu"],
        threads=host["num_threads"],
        device=host["device"],
        torch=host["versions"]["torch"],
        commit=record["commit"] or "?",
        path=path,
    )


def _total(results: dict[str, Contender], words: Words) -> str:
    """What one run after the other took; of runs at once the sum says nothing."""
    if any(map(_is_shared, results.values())):
        return ""
    total = sum(sum(result["total_seconds"]["values"]) for result in results.values())
    return words.whole.format(total=localised(seconds(total), words))


# --------------------------------------------------------------------------------------------- recipes


def with_expectations(project: Path) -> str:
    """The code of the recipes, with what the record of the full schedule says of each.

    Who has other settings for it has two: the recipe itself says what it gives in the seconds of `quick`.
    """
    text = (project / RECIPES).read_text(encoding="utf-8")
    quick = read_record(project, "quick")["results"]
    for contender, result in read_record(project, "standard")["results"].items():
        longer, told = _longer(contender), expectation(result)
        if longer.search(text):
            text = longer.sub(rf'\g<1>"{told}"', text, count=1)
            told = expectation(quick[contender], QUICK_SCHEDULE)
        text = with_expectation(text, contender, told)
    return text


def expectation(result: Contender, schedule: str = "full schedule") -> str:
    """One run: "99.60 % of MNIST's ..."; several: "99.62 ± 0.03 %", half of the interval over the seeds."""
    accuracy, num_seeds = _spread(result["accuracy"]["values"], 100, 2), len(result["seeds"])
    return f"{accuracy} % of MNIST's test images, {schedule}, {num_seeds} seed{'s' if num_seeds > 1 else ''}"


def _longer(contender: str) -> re.Pattern[str]:
    """The `expect` among what a full schedule changes."""
    return re.compile(rf'(^    "{contender}": \{{(?:(?!^    \}},).)*?^        "expect": )"[^"\n]*"', re.M | re.S)


def with_expectation(text: str, contender: str, sentence: str) -> str:
    """The code of the recipes with another `expect` for one contender; exits when it is not there once."""
    pattern = re.compile(rf'(^    "{contender}": Recipe\((?:(?!^    \),).)*?^        expect=)"[^"\n]*"', re.M | re.S)
    if len(pattern.findall(text.partition("DETECTION_RECIPES")[0])) != 1:  # of single images, which come first
        sys.exit(f'Expected one recipe of {contender}, with one line expect="...", in {RECIPES}.')
    return pattern.sub(lambda match: f'{match[1]}"{sentence}"', text, count=1)


if __name__ == "__main__":
    main()
