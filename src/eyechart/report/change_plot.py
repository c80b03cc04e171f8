"""Looking inside: filters, layers and features before training and after, each picture with its finding as title."""

from __future__ import annotations

import math
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from eyechart.catalog.palette import Style, style_of
from eyechart.report.charts import GRID, INK, MUTED, drawing, new_panel, saved_panel, text_inches
from eyechart.words.numbers import shortened
from eyechart.words.speech import Speech, speech

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eyechart.scoring.change import Change, Layer

FILTERS, LAYERS, FEATURES = "filters", "layers", "features"  # names of the files
MOST_FILTERS, FILTER_COLUMNS = 64, 8
TITLE_CHARACTERS, TITLE_LINE_INCHES = 12.2, 0.18  # in an inch; and how high a line is
ROW_INCHES, MOST_ROWS_INCHES = 0.24, 14.0
COLOURS = {10: "tab10", 20: "tab20"}  # matplotlib's for so many classes; names on the groups are the second cue


def write_pictures(change: Change, folder: Path, lang: str) -> list[str]:
    """Draw them into `folder`, as PNG and SVG; the findings, which are the titles."""
    say = speech(lang)
    with drawing([*change.classes, *(layer.name for layer in change.layers)]):
        findings = [_write_layers(change, folder, say), _write_features(change, folder, say)]
        if change.filters is not None:
            findings.insert(0, _write_filters(change, *change.filters, folder, say))
    return findings


# --------------------------------------------------------------------------------------------- filters


def _write_filters(change: Change, before: np.ndarray, after: np.ndarray, folder: Path, say: Speech) -> str:
    finding = filters_finding(change.layers[0], say)
    number = min(MOST_FILTERS, len(before))
    rows = math.ceil(number / FILTER_COLUMNS)
    width, height = 7.4, 0.42 * rows + 0.5
    figure, left, right = _two_panels(width, height, 0.2, finding)
    scale = np.abs(np.stack([before, after])).max(axis=(0, 2, 3, 4), keepdims=False)[:number]
    for axes, filters, when in ((left, before, say("before", "avant")), (right, after, say("after", "après"))):
        axes.imshow(_mosaic(filters[:number], scale), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_axis_off()
        told = "" if number == len(before) else say(f", {number} of {len(before)}", f", {number} sur {len(before)}")
        axes.set_title(when + told, loc="left", fontsize=9, color=MUTED)
    saved_panel(figure, FILTERS, finding, folder)
    return finding


def filters_finding(first: Layer, say: Speech) -> str:
    """What became of the layer that sees the image."""
    if not first.moved:
        return say("The first layer stood still", "La première couche n'a pas bougé")
    share = _share(first.moved, say)
    return say(
        f"The first layer moved by {share} of its length", f"La première couche a bougé de {share} de sa longueur"
    )


def _mosaic(filters: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Filters (D, C, h, w) in rows as (H, W, 3) in 0..1 about a middle grey; of other than colour the first channel."""
    number, channels, height, width = filters.shape
    shades = filters / np.maximum(scale, 1e-12)[:, None, None, None] / 2 + 0.5
    rows = math.ceil(number / FILTER_COLUMNS)
    sheet = np.ones((rows * (height + 1) - 1, FILTER_COLUMNS * (width + 1) - 1, 3))
    for place, shade in enumerate(shades):
        top, left = (height + 1) * (place // FILTER_COLUMNS), (width + 1) * (place % FILTER_COLUMNS)
        colours = shade if channels == 3 else np.repeat(shade[:1], 3, axis=0)
        sheet[top : top + height, left : left + width] = colours.transpose(1, 2, 0)
    return sheet


# --------------------------------------------------------------------------------------------- layers


def _write_layers(change: Change, folder: Path, say: Speech) -> str:
    layers = change.layers
    finding = layers_finding(layers, say)
    names = [shortened(layer.name, 40) for layer in layers]
    room = text_inches(names)
    rows = min(ROW_INCHES * len(names), MOST_ROWS_INCHES)
    figure, left, right = _two_panels(5.4 + room, rows + 1.0, room + 0.1, finding)
    style = style_of(change.contender)
    told = say("moved, share of its length", "déplacement, part de sa longueur")
    _draw_layers(left, [layer.moved for layer in layers], layers, style, told)
    told = say("same outputs (linear CKA)", "mêmes sorties (CKA linéaire)")
    _draw_layers(right, [layer.similarity for layer in layers], layers, style, told)
    left.set_yticks(range(len(names)), names, fontsize=9)
    left.set_xlim(left=0)
    left.xaxis.set_major_formatter(lambda share, place: say.short_percent(share))
    right.set_yticks(range(len(names)), [""] * len(names))
    right.set_xlim(min(0.0, *(layer.similarity or 0 for layer in layers)), 1.04)
    right.xaxis.set_major_formatter(lambda share, place: say.plain(share))
    if any(not layer.is_trained for layer in layers):
        _write_below(figure, say("hollow: frozen", "creux : gelée"))
    saved_panel(figure, LAYERS, finding, folder)
    return finding


def _draw_layers(axes: Axes, values: list[float | None], layers: list[Layer], style: Style, title: str) -> None:
    """A row a layer, the first on top; what is not known has an empty row."""
    for place, (value, layer) in enumerate(zip(values, layers, strict=True)):
        if value is not None and math.isfinite(value):
            face = style.colour if layer.is_trained else "white"
            axes.plot([0, value], [place, place], color=GRID, linewidth=1.2)
            axes.plot([value], [place], style.marker, color=style.colour, markerfacecolor=face, clip_on=False)
    axes.set_ylim(len(layers) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_title(title, loc="left", fontsize=9, color=MUTED)


def layers_finding(layers: list[Layer], say: Speech) -> str:
    """Which layers moved least and most of those that were trained, and how many stood still."""
    still = [layer for layer in layers if not layer.moved]
    trained = sorted((layer for layer in layers if layer.moved), key=lambda layer: layer.moved)
    told = []
    if trained:
        least, most = trained[0], trained[-1]
        low, high = _share(least.moved, say), _share(most.moved, say)
        told.append(
            say(f"{most.name} moved by {high} of its length", f"{most.name} a bougé de {high} de sa longueur")
            if least is most
            else say(
                f"Layers moved by {low} ({least.name}) to {high} ({most.name}) of their length",
                f"Les couches ont bougé de {low} ({least.name}) à {high} ({most.name}) de leur longueur",
            )
        )
    if still:
        told.append(
            say(
                f"{say.count(len(still))} of {say.count(len(layers))} stood still",
                f"{say.count(len(still))} sur {say.count(len(layers))} n'ont pas bougé",
            )
        )
    return say.semicolons(told)


def _share(moved: float, say: Speech) -> str:
    return say.percent(moved, 0 if moved >= 0.1 else 1 if moved >= 0.01 else 2)


# --------------------------------------------------------------------------------------------- features


def _write_features(change: Change, folder: Path, say: Speech) -> str:
    finding = features_finding(change, say)
    figure, left, right = _two_panels(8.4, 4.6, 0.2, finding)
    for axes, placed, when in (
        (left, change.maps[0], say("before", "avant")),
        (right, change.maps[1], say("after", "après")),
    ):
        _draw_map(axes, placed, change)
        axes.set_title(when, loc="left", fontsize=9, color=MUTED)
    told = say(
        "t-SNE of what the last layer is given: neighbours mean something, distances between groups do not",
        "t-SNE de ce que reçoit la dernière couche : les voisinages ont un sens, les distances entre groupes non",
    )
    _write_below(figure, told)
    saved_panel(figure, FEATURES, finding, folder)
    return finding


def features_finding(change: Change, say: Speech) -> str:
    """How often the nearest neighbour was of the same class."""
    before, after = (say.percent(share, 1) for share in change.neighbours)
    number = say.count(len(change.labels))
    return say(
        f"Of {number} validation images {before} had a nearest neighbour of their class before training, {after} after",
        f"Sur {number} images de validation, {before} avaient un plus proche voisin de leur classe avant "
        f"l'entraînement, {after} après",
    )


def _draw_map(axes: Axes, placed: np.ndarray, change: Change) -> None:
    import matplotlib
    from matplotlib.patheffects import withStroke

    number = min(COLOURS) if len(change.classes) <= min(COLOURS) else max(COLOURS)
    colours = matplotlib.colormaps[COLOURS[number]]
    for label in np.unique(change.labels).tolist():
        own = placed[change.labels == label]
        axes.plot(
            own[:, 0], own[:, 1], "o", color=colours(label % number), markersize=2.4, alpha=0.75, markeredgewidth=0
        )
    for label in np.unique(change.labels).tolist():  # above all points
        x, y = np.median(placed[change.labels == label], axis=0)
        halo = [withStroke(linewidth=2.5, foreground="white")]
        axes.text(x, y, shortened(change.classes[label], 14), ha="center", va="center", path_effects=halo, color=INK)
    axes.set_xticks([])
    axes.set_yticks([])


def _write_below(figure: Figure, told: str) -> None:
    figure.text(0.1 / figure.get_figwidth(), 0.1 / figure.get_figheight(), told, color=MUTED, fontsize=9)


def _two_panels(width: float, height: float, left: float, finding: str) -> tuple[Figure, Axes, Axes]:
    """Two axes side by side under a title; `left` inches are kept for names in front of the first."""
    title = fill(finding, round(TITLE_CHARACTERS * width))
    above = 0.42 + TITLE_LINE_INCHES * (title.count("\n") + 1)
    height += above
    each = (width - left - 0.5) / 2
    figure, first = new_panel(width, height, (left, 0.5, width - left - each, above))
    second = figure.add_axes(((left + each + 0.3) / width, 0.5 / height, each / width, 1 - (0.5 + above) / height))
    figure.text(0.1 / width, 1 - 0.1 / height, title, va="top", color=INK)
    return figure, first, second
