"""The model card of an exported file: Markdown under a front matter that the Hugging Face Hub reads.

It is written beside every file, because a network that travels without its limits is soon used beyond them.  No path
of the machine stands in it, and no licence is chosen for whoever publishes the file.

Source: Mitchell et al. 2019, "Model Cards for Model Reporting"; the Hub's modelcard.md for the front matter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from eyechart.base.foreign_text import in_markdown
from eyechart.export.formats import FORMATS, FormatName
from eyechart.export.results import Result, Results, results_of
from eyechart.export.usage import usage
from eyechart.export.without_paths import without_paths
from eyechart.files.storage import write_text
from eyechart.words.speech import ENGLISH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from eyechart.schema import RunRecord
    from eyechart.schema.exported import Quantised

TASKS = {
    "classification": ("image-classification", "Image classification"),
    "detection": ("object-detection", "Object detection"),
}
MOST_CLASSES = 30  # that are named
NO_FASTER = 0.05  # by which two times differ and are called alike


def write_card(
    run: Path, record: RunRecord, card: Path, target: Path, name: FormatName, checked: str, quantised: Quantised | None
) -> None:
    """`checked`: in words, how alike the file and torch answer."""
    results = results_of(run, record)
    parts = [
        _front_matter(record, name, quantised),
        f"# {in_markdown(record.run)}: {in_markdown(record.recipe.title)}, {FORMATS[name].title}",
        _opening(record, target),
        f"## Results\n\n{_results(record, results, quantised is not None)}",
        f"## This file\n\n{_file(record, target, checked, quantised)}",
        f"## Use\n\n{usage(record, target, name)}",
        f"## Trained on\n\n{_training(record)}",
        f"## Limits\n\n{_limits(record, results)}",
        f"## Licence\n\n{_licence(record)}",
    ]
    write_text(card, "\n\n".join(parts) + "\n")


# --------------------------------------------------------------------------------------------- front matter


def _front_matter(record: RunRecord, name: FormatName, quantised: Quantised | None) -> str:
    import yaml

    record = without_paths(record)
    kind, title = TASKS[record.task]
    dataset = slug(record.dataset.name)
    fields: dict[str, Any] = {
        "license": "other",
        "license_name": "not-chosen-yet",
        "library_name": "onnx" if name == "onnx" else "pytorch",
        "pipeline_tag": kind,
        "tags": ["eyechart", slug(record.contender), name, *(["int8"] if quantised else [])],
        "datasets": [dataset],
        "metrics": [each["type"] for each in _metrics(record, quantised)],
        "model-index": [
            {
                "name": record.run,
                "results": [
                    {
                        "task": {"type": kind, "name": title},
                        "dataset": {"type": dataset, "name": record.dataset.title, "split": "test"},
                        "metrics": _metrics(record, quantised),
                    }
                ],
            }
        ],
    }
    text: str = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=110)
    return f"---\n{text}---"


def _metrics(record: RunRecord, quantised: Quantised | None) -> list[dict[str, Any]]:
    """Of the file itself: an int8 file has the accuracy that was measured of it, and no other score."""
    if quantised:
        return [{"type": "accuracy", "name": "Accuracy", "value": round(quantised.accuracy_int8, 6)}]
    if record.test:
        return [
            {"type": "accuracy", "name": "Accuracy", "value": round(record.test.accuracy, 6)},
            {"type": "f1", "name": "Macro F1", "value": round(record.test.macro_f1, 6)},
        ]
    return [{"type": "mean_average_precision", "name": "mAP of boxes", "value": round(record.box_scores.map, 6)}]


def slug(text: str) -> str:
    """A name that identifiers on the Hub may have."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-.") or "unnamed"


# --------------------------------------------------------------------------------------------- sections


def _opening(record: RunRecord, target: Path) -> str:
    classes = ", ".join(in_markdown(each) for each in record.dataset.classes[:MOST_CLASSES])
    more = len(record.dataset.classes) - MOST_CLASSES
    frame = record.preprocessing
    colours = "grey" if frame.image_channels == 1 else "RGB"
    what = (
        "names what an image shows" if record.task == "classification" else "finds objects on an image, with a box each"
    )
    return (
        f"`{target.name}` {what}: one of {classes}{f' and {more} more' if more > 0 else ''}. It takes {colours} images "
        f"of {frame.image_width} x {frame.image_height} pixels. It was trained and judged by eyechart, which trains "
        "different architectures on the same images under the same rules."
    )


def _results(record: RunRecord, results: Results, is_int8: bool) -> str:
    judged = (
        f"On the {record.num_judged:,} test images of {in_markdown(record.dataset.title)}, which training never saw "
        f"and which were opened {_times(record.test_accesses)} for this run. Intervals are at 95 %, for other images "
        "of the same kind."
    )
    if is_int8:
        judged += " They are of the network in floats: what 8 bits change stands below, under this file."
    parts = [judged, _table(("score", "value", "95 % interval"), results.scores)]
    if results.seeds:
        parts.append(results.seeds)
    if results.exam:
        parts.append("How far the contender reads when images get harder (the eye test; mean over its seeds):")
        parts.append(_table(("dimension", "half are still read at", "95 % interval"), results.exam))
    for title, rows in results.elsewhere.items():
        parts.append(f"{title}: accuracy, nothing was trained for these; mean over the contender's seeds.")
        parts.append(_table(("pictures", "accuracy", "95 % interval"), rows))
    return "\n\n".join(parts)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _table(heading: Sequence[str], rows: Sequence[Result]) -> str:
    lines = [f"| {' | '.join(heading)} |", "| --- | --: | --: |"]
    lines += [f"| {in_markdown(row.name)} | {row.value} | {row.interval or '–'} |" for row in rows]
    return "\n".join(lines)


def _file(record: RunRecord, target: Path, checked: str, quantised: Quantised | None) -> str:
    lines = [
        f"- Checked against PyTorch when it was written: {checked}."
        + (" That was before weights and values were put into 8 bits." if quantised else ""),
        f"- Weights: sha256 `{record.weights_sha256}` over the tensors of the run, by name.",
    ]
    return "\n".join(lines + (quantised_lines(quantised) if quantised else []))


def quantised_lines(found: Quantised) -> list[str]:
    """What 8 bits cost and gave, each as a line."""
    points = [ENGLISH.number(100 * each, 2) for each in (found.difference, found.low, found.high)]
    signed = [each if each.startswith(("-", "−")) else f"+{each}" for each in points]
    if found.speed > 1 + NO_FASTER:
        speed = f"{found.speed:.2f} times as fast as in floats"
    elif found.speed > 1 - NO_FASTER:
        speed = f"**no faster than in floats** on this processor: {found.speed:.2f} times as fast"
    else:
        speed = f"**slower than in floats** on this processor: {found.speed:.2f} times as fast"
    ranges = f", ranges from {found.num_calibration} validation images" if found.num_calibration else ""
    return [
        f"- 8 bits, {found.method}{ranges} ({found.why}).",
        f"- Accuracy {ENGLISH.percent(found.accuracy_int8)} instead of {ENGLISH.percent(found.accuracy_float)}: "
        f"{signed[0]} points ({signed[1]} to {signed[2]}, paired over {found.num_items:,} test images); "
        f"{found.num_changed:,} images are answered otherwise.",
        f"- Size {_kilobytes(found.bytes_int8)} instead of {_kilobytes(found.bytes_float)}.",
        f"- One picture in {found.milliseconds_int8:.2f} ms instead of {found.milliseconds_float:.2f} ms, one thread: "
        f"{speed} ({found.speed_least:.2f} to {found.speed_most:.2f} in pairs; {found.cpu}).",
    ]


def _kilobytes(number: int) -> str:
    return f"{number / 1000:,.0f} kB"


def _training(record: RunRecord) -> str:
    plan, data, cost = record.plan, record.dataset, record.cost
    seen = plan.images_seen
    weights = record.weights
    start = in_markdown(weights.description) + (
        f", pretrained on {in_markdown(weights.pretrained_on)}" if weights.pretrained_on else ""
    )
    lines = [
        f"- Data: {in_markdown(data.title)}, {record.splits.num_train:,} training and {record.splits.num_validation:,} "
        f"validation images; content sha256 `{data.content_sha256}`.",
        f"- Recipe: {in_markdown(record.recipe.title)}, {plan.num_steps:,} steps of {plan.batch_size} images ({seen:,} "
        f"in all), seed {record.seed}; started from {start}.",
        f"- {cost.num_parameters:,} parameters; {ENGLISH.seconds(record.clocks.training_seconds)} of training "
        f"on {in_markdown(record.host.cpu)} ({in_markdown(record.host.device)}).",
        f"- Preprocessing is part of the network: {_preprocessing(record)}",
    ]
    if record.temperature:
        lines.append(
            f"- Probabilities are after a temperature of {record.temperature.value:.3f}, fitted on validation images."
        )
    return "\n".join(lines)


def _preprocessing(record: RunRecord) -> str:
    frame = record.preprocessing
    mean, std = (", ".join(f"{each:.4f}" for each in values) for values in (frame.mean, frame.std))
    return (
        f"images in 0..1 are brought to {frame.input_width} x {frame.input_height} pixels and "
        f"{frame.input_channels} channel{'s' if frame.input_channels > 1 else ''}, less {mean}, by {std}."
    )


def _limits(record: RunRecord, results: Results) -> str:
    data = in_markdown(record.dataset.title)
    lines = [f"- It knows images like those of {data}. Every picture gets an answer, one of something else, too."]
    if record.preprocessing.ink:
        lines.append(
            "- It learned from ink on even ground. A drawing, a scan or a photo must be brought to what those images "
            "look like first; `eyechart predict` does that, and says where a picture is blank, several or unlike them."
        )
    if not results.exam:
        lines.append("- Smaller, fainter, blurred, noisy, turned, covered and crowded images: not tested here.")
    if not any(title.startswith("Spoiled") for title in results.elsewhere):
        lines.append("- Spoiled images (noise, blur, fog, other grounds): not tested here.")
    if not any(title.startswith("Images from") for title in results.elsewhere):
        lines.append("- Images from other sources than the training set's: not tested here.")
    lines.append(
        "- Not tested: images made to mislead it, fairness between groups of people, use where errors do harm."
    )
    return "\n".join(lines)


def _licence(record: RunRecord) -> str:
    lines = [
        f"- Data: {in_markdown(record.dataset.licence) or 'not stated'}.",
        f"- Starting weights: {in_markdown(record.weights.licence) or 'none'}.",
        "- The weights in this file: to be chosen by whoever publishes it, within what the two above allow; replace "
        "`license` in the head of this card then.",
    ]
    return "\n".join(lines)
