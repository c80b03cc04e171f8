"""One rule for a whole dataset: which values become 0 and 255, and what lies under transparent parts.

Pictures of 8 bits without transparency need none.  Of the others every train picture is measured once, and then

- the range is the first of SCALES that holds all values (a twentieth more at either end is cut off) and of which they
  fill at least half; where none fits, the smallest and largest value themselves.  Integers and floats have one each.
  A hundredth of the pictures, or one, is left out at either end where it stretches the range to over four times that
  of the others: a few broken pixels must not darken everything.  NaN and infinite values do not count.
- the ground is white, unless the ink of more than a hundredth of the pictures would be lost on it; else black, unless
  the same is true there; else grey, unless ...; else whichever of the three loses fewest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from eyechart.data.picture_values import DeepPicture, Kind, Range

if TYPE_CHECKING:
    from PIL import Image

    from eyechart.schema import PictureRule

SCALES: tuple[Range, ...] = ((0, 1), (-1, 1), (0, 255), (0, 1023), (0, 4095), (0, 16383), (0, 65535))
OVERSHOOT = 0.05  # of a scale, at either end
LEAST_FILLED = 0.5  # of a scale
STRAY_SHARE, STRAY_STRETCH = 0.01, 4.0
Ground = Literal["white", "black", "grey"]
GROUNDS: dict[Ground, int] = {"white": 255, "black": 0, "grey": 128}
LOST_CONTRAST = 64  # grey levels between the ground and the ink, on average
KINDS: tuple[Kind, ...] = get_args(Kind)

MEASURES = np.dtype(
    [
        ("kind", "i1"),  # place in KINDS; -1: 8 bits, or no finite value
        ("lowest", "f8"),
        ("highest", "f8"),
        ("has_no_numbers", "?"),  # NaN or infinite ones
        ("contrasts", "f4", len(GROUNDS)),  # of the ink with each ground, in grey levels; NaN: opaque, or no ink
    ]
)
UNMEASURED = np.array((-1, 0, 0, False, [np.nan] * len(GROUNDS)), MEASURES)


def measure_values(deep: DeepPicture) -> np.ndarray:
    """What a picture of more than 8 bits says about the range: one of MEASURES."""
    measures = UNMEASURED.copy()
    values = deep.opaque_values
    finite = values[np.isfinite(values)]
    measures["has_no_numbers"] = finite.size < values.size
    if finite.size:
        measures["kind"] = KINDS.index(deep.kind)
        measures["lowest"], measures["highest"] = finite.min(), finite.max()
    return measures


def measure_ink(picture: Image.Image) -> np.ndarray:
    """How far the ink of a transparent picture (mode RGBA) stands out from each ground: float (len(GROUNDS),)."""
    alpha = np.asarray(picture.getchannel("A")).astype(np.float64)
    if not alpha.any():
        return np.full(len(GROUNDS), np.nan)
    grey = np.asarray(picture.convert("RGB").convert("L")).astype(np.float64)
    return np.array([np.average(np.abs(grey - level), weights=alpha) for level in GROUNDS.values()])


def own_range(deep: DeepPicture) -> Range:
    """The range of a picture whose dataset has none: by the same rule, as if it were a dataset of its own."""
    return _range(np.array([measure_values(deep)]), deep.kind) or SCALES[0]


def need_rule(measures: np.ndarray) -> bool:
    """Whether any of the pictures with these MEASURES (N,) is read by a rule."""
    is_deep = (measures["kind"] >= 0) | measures["has_no_numbers"]
    return bool(is_deep.any() or not np.isnan(measures["contrasts"]).all())


def decide(measures: np.ndarray) -> PictureRule:
    """The rule for a dataset whose train pictures have these MEASURES (N,)."""
    from eyechart.schema import PictureRule

    return PictureRule(
        integers=_range(measures, "integers"), floats=_range(measures, "floats"), ground=_ground(measures)
    )


def _range(measures: np.ndarray, kind: Kind) -> Range | None:
    """None: no picture of that kind."""
    of_kind = measures[measures["kind"] == KINDS.index(kind)]
    if not len(of_kind):
        return None
    low = -_end_without_strays(-of_kind["lowest"], -of_kind["highest"].max())
    high = _end_without_strays(of_kind["highest"], low)
    return _fitting_scale(low, high)


def _end_without_strays(ends: np.ndarray, other_end: float) -> float:
    """The largest of the pictures' upper ends, or the largest without strays; `other_end` is below all."""
    ordered = np.sort(ends)
    num_strays = max(1, int(STRAY_SHARE * len(ends)))
    if len(ends) <= 2 * num_strays:
        return float(ordered[-1])
    usual = ordered[-1 - num_strays]
    is_stretched = usual > other_end and ordered[-1] - other_end > STRAY_STRETCH * (usual - other_end)
    return float(usual if is_stretched else ordered[-1])


def _fitting_scale(low: float, high: float) -> Range:
    for bottom, top in SCALES:
        spare = OVERSHOOT * (top - bottom)
        holds = bottom - spare <= low and high <= top + spare
        if holds and (high - low >= LEAST_FILLED * (top - bottom) or high == low):
            return bottom, top
    return (low, high) if high > low else (low, low + 1)


def _ground(measures: np.ndarray) -> Ground | None:
    """None: no transparent picture."""
    contrasts = measures["contrasts"]
    contrasts = contrasts[~np.isnan(contrasts[:, 0])]
    if not len(contrasts):
        return None
    num_lost = dict(zip(GROUNDS, (contrasts < LOST_CONTRAST).sum(axis=0), strict=True))
    enough = [ground for ground in GROUNDS if num_lost[ground] <= STRAY_SHARE * len(contrasts)]
    return enough[0] if enough else min(GROUNDS, key=lambda ground: num_lost[ground])


# --------------------------------------------------------------------------------------------- for people


def remarks(rule: PictureRule, measures: dict[str, np.ndarray]) -> tuple[str, ...]:
    """Sentences on what the rule does to a dataset whose parts have these measures (N,); train is among them."""
    everything = np.concatenate(list(measures.values()))
    said = []
    for kind in KINDS:
        chosen, number = getattr(rule, kind), int((everything["kind"] == KINDS.index(kind)).sum())
        if number and chosen:
            said.append(
                f"{number:,} pictures of more than 8 bits ({kind}): {_shown(chosen)} becomes 0..255 for all of them, "
                f"going by the train pictures"
            )
            said += _outside(measures, kind, chosen)
        elif number:
            said.append(f"{number:,} pictures hold {kind}, and no train picture does: each is read by its own range")
    no_numbers = int(everything["has_no_numbers"].sum())
    if no_numbers:
        said.append(
            f"{no_numbers:,} pictures hold NaN or infinite values; NaN becomes 0, the others an end of the range"
        )
    return tuple(said + _on_ground(rule, everything["contrasts"]))


def _outside(measures: dict[str, np.ndarray], kind: Kind, chosen: Range) -> list[str]:
    low, high = chosen
    counts = {}
    for part, of_part in measures.items():
        of_kind = of_part[of_part["kind"] == KINDS.index(kind)]
        counts[part] = int(((of_kind["lowest"] < low) | (of_kind["highest"] > high)).sum())
    return [
        f"{count:,} {part} pictures have values outside {_shown(chosen)}, which are cut off"
        for part, count in counts.items()
        if count
    ]


def _on_ground(rule: PictureRule, contrasts: np.ndarray) -> list[str]:
    transparent = contrasts[~np.isnan(contrasts[:, 0])]
    if not len(transparent):
        return []
    ground = rule.ground or "white"
    num_lost = int((transparent[:, list(GROUNDS).index(ground)] < LOST_CONTRAST).sum())
    lost = f"; {num_lost:,} of them hardly stand out from it" if num_lost else ""
    return [f"{len(transparent):,} pictures with transparent parts: laid over {ground}, all of them{lost}"]


def _shown(chosen: Range) -> str:
    return f"{chosen[0]:.6g}..{chosen[1]:.6g}"
