"""The geometry of a two-stage detector, for a whole batch at once.

torchvision does the same per image, with index lists of varying length.  Here every image has the same number of
slots and a bool mask says which are filled, so that each step is a handful of tensor operations, without a loop over
images and without a shape that depends on data (but in suppression on a CPU, which is quicker by looking).  Equal to
torchvision's results, by test.  Boxes are (left, top, right, bottom) in pixels, floats.

Sources: Ren et al. 2015 (Faster R-CNN), Girshick 2015 (box coding, sampling).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import pad

POSITIVE, NEGATIVE, IGNORED = 1, 0, -1  # what an anchor or a proposal is, seen from the true boxes

MANY_BOXES = 64  # more are suppressed box by box on a CPU
EXPORTED_ROUNDS = 24  # of suppression, in a graph without loops
MOST_ROUNDS = 64  # where nobody looks whether it is done: chains of overlaps are never that deep in practice
MAX_LOG_GROWTH = math.log(1000 / 16)  # torchvision's bound: keeps exp() finite before the deltas are trained
Weights = tuple[float, float]  # what deltas of the centre and of the size are multiplied by


# --------------------------------------------------------------------------------------------- boxes


def make_anchors(map_size: tuple[int, int], stride: int, sides: list[tuple[float, float]]) -> Tensor:
    """The boxes (N, 4) that proposals start from: each (width, height) at every cell of the map.

    N runs over rows, columns, sides.  Half sides are whole pixels, one or more.
    """
    half = (torch.tensor(sides) / 2).round().clamp(min=1)  # (sides, 2)
    shapes = torch.cat([-half, half], dim=-1).view(1, -1, 4)
    rows, columns = torch.arange(map_size[0]) * stride, torch.arange(map_size[1]) * stride
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return (torch.stack([x, y, x, y], dim=-1).view(-1, 1, 4) + shapes).view(-1, 4)  # (N, 4)


def encode_boxes(boxes: Tensor, references: Tensor, weights: Weights) -> Tensor:
    """How to move and stretch `references` (..., 4) to get `boxes` (..., 4): the deltas (..., 4) to be learned."""
    centre, size = _centre_and_size(boxes)
    reference_centre, reference_size = _centre_and_size(references)
    shift = (centre - reference_centre) / reference_size
    growth = (size / reference_size).log()
    return torch.cat([shift * weights[0], growth * weights[1]], dim=-1)


def decode_boxes(deltas: Tensor, references: Tensor, weights: Weights) -> Tensor:
    """The boxes (..., 4) that `deltas` make of `references`; undoes `encode_boxes`."""
    reference_centre, reference_size = _centre_and_size(references)
    centre = deltas[..., :2] / weights[0] * reference_size + reference_centre
    half = (deltas[..., 2:] / weights[1]).clamp(max=MAX_LOG_GROWTH).exp() * reference_size / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def _centre_and_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    size = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + size / 2, size


def clip_boxes(boxes: Tensor, height: int, width: int) -> Tensor:
    """The part of each box (..., 4) that lies inside an image of this size."""
    x, y = boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)  # (..., 2): first and last edge
    return torch.stack([x, y], dim=-1).flatten(-2)


def at_least(boxes: Tensor, pixels: float) -> Tensor:
    """Which boxes (..., 4) are that wide and that high: bool (...)."""
    return ((boxes[..., 2:] - boxes[..., :2]) >= pixels).all(dim=-1)


def grown(boxes: Tensor, factor: float, least: float = 0.0) -> Tensor:
    """Boxes (..., 4) with the same middle and sides that many times as long, and `least` pixels long at least."""
    sides = boxes[..., 2:] - boxes[..., :2]
    margin = ((sides * factor).clamp(min=least) - sides) / 2
    return torch.cat([boxes[..., :2] - margin, boxes[..., 2:] + margin], dim=-1)


def pairwise_iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of all pairs: (..., M, 4) and (..., N, 4) -> (..., M, N), in 0..1."""
    left, top, right, bottom = first.unsqueeze(-2).unbind(-1)  # each (..., M, 1)
    other_left, other_top, other_right, other_bottom = second.unsqueeze(-3).unbind(-1)  # each (..., 1, N)
    width = (torch.minimum(right, other_right) - torch.maximum(left, other_left)).clamp_(min=0)
    height = (torch.minimum(bottom, other_bottom) - torch.maximum(top, other_top)).clamp_(min=0)
    shared = width * height  # (..., M, N)
    both = (right - left) * (bottom - top) + (other_right - other_left) * (other_bottom - other_top)
    return shared / (both - shared)


def take_boxes(boxes: Tensor, indices: Tensor) -> Tensor:
    """The boxes of (B, N, 4) at `indices` (B, M), image by image: (B, M, 4)."""
    return boxes.gather(1, indices.unsqueeze(-1).expand(-1, -1, 4))


# --------------------------------------------------------------------------------------------- training samples


def match(iou: Tensor, high: float, low: float, *, best_for_each_box: bool) -> tuple[Tensor, Tensor]:
    """Which true box each anchor or proposal belongs to, and whether it may be learned from.

    `iou` is (B, R, N), -1 for slots without a true box.  POSITIVE from `high` on, NEGATIVE below `low`, IGNORED
    between.  `best_for_each_box` makes the best N of every true box POSITIVE too, however low its overlap is.
    Returns the index of the true box int64 (B, N), and POSITIVE | NEGATIVE | IGNORED int64 (B, N).
    """
    overlap, matched = iou.max(dim=1)  # (B, N)
    positive = overlap >= high
    if best_for_each_box:
        # A true box that nothing overlaps must not match everything, hence the tiny minimum.
        best = iou.amax(dim=2, keepdim=True).clamp(min=1e-6)  # (B, R, 1)
        positive = positive | (iou >= best).any(dim=1)
    kind = torch.where(overlap < low, NEGATIVE, IGNORED)
    return matched, torch.where(positive, POSITIVE, kind)


def sample(
    kind: Tensor, count: int, positive_fraction: float, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Draw `count` slots an image at random, up to `positive_fraction` of them POSITIVE, the rest NEGATIVE.

    Returns indices into `kind` (B, N) as int64 (B, min(count, N)), POSITIVE ones first, and a bool mask of the same
    shape: False where an image has too few to draw from.
    """
    num_slots = kind.shape[1]
    keys = torch.rand(kind.shape, generator=generator, device=kind.device)
    positive_keys = torch.where(kind == POSITIVE, keys, -1.0)
    num_positive = min(max(1, int(count * positive_fraction)), num_slots)
    # Keys from this value on belong to the drawn POSITIVEs; it is -1 when there are fewer than may be drawn.
    last_drawn = positive_keys.topk(num_positive).values[:, -1:]  # (B, 1)
    drawn = (positive_keys >= last_drawn) & (positive_keys >= 0)
    # In order: drawn positives (1..2), negatives (0..1), everything else (-1).
    order = torch.where(drawn, keys + 1, torch.where(kind == NEGATIVE, keys, -1.0))
    chosen = order.topk(min(count, num_slots))
    return chosen.indices, chosen.values >= 0


def best_of_levels(scores: Tensor, sizes: list[int], most: int) -> tuple[Tensor, Tensor]:
    """The best scores of each stretch of (B, N), and where they stand: (B, up to `most` a stretch) each, best first.

    A large object has hundreds of good anchors on one map; by stretches, it takes no place from those on another.
    """
    found = [of_level.topk(min(most, of_level.shape[1])) for of_level in torch.split(scores, sizes, dim=1)]
    if len(found) == 1:
        return found[0].values, found[0].indices
    firsts = [sum(sizes[:level]) for level in range(len(sizes))]
    best, order = torch.cat([each.values for each in found], dim=1).sort(dim=1, descending=True, stable=True)
    places = torch.cat([each.indices + first for each, first in zip(found, firsts, strict=True)], dim=1)
    return best, places.gather(1, order)


# --------------------------------------------------------------------------------------------- suppression


def suppress(boxes: Tensor, candidates: Tensor, threshold: float) -> Tensor:
    """Non-maximum suppression: which boxes (..., N, 4), best first, overlap no better one that is kept.

    `candidates` (..., N) is False for slots that neither stay nor suppress.  Returns bool (..., N).

    Greedy suppression is the only fixed point of "kept if no kept better box overlaps it": starting from all, the
    box at depth d of a chain of overlaps is right after d rounds, so few rounds do instead of a loop over N boxes.
    """
    all_candidates, num_boxes = candidates, _num_used(candidates)
    boxes, candidates = boxes[..., :num_boxes, :], candidates[..., :num_boxes]
    is_exported = torch.compiler.is_exporting()
    if num_boxes > MANY_BOXES and boxes.device.type == "cpu" and not is_exported:
        return pad(_suppress_in_turn(boxes.detach(), candidates, threshold), (0, all_candidates.shape[-1] - num_boxes))
    overlaps = (pairwise_iou(boxes, boxes) > threshold).tril(diagonal=-1)  # (..., N, N): row is worse than column
    overlaps = overlaps.to(boxes.dtype)
    kept = candidates
    # A graph that is exported has no loop that looks; whoever exports compares the answers.
    for _ in range(EXPORTED_ROUNDS if is_exported else min(num_boxes, MOST_ROUNDS)):
        beaten = (overlaps @ kept.to(boxes.dtype).unsqueeze(-1)).squeeze(-1) > 0  # (..., N)
        updated = candidates & ~beaten
        # On an accelerator, waiting for this answer would cost more than the rounds it saves.
        if kept.device.type == "cpu" and not is_exported and torch.equal(updated, kept):
            break
        kept = updated
    return pad(kept, (0, all_candidates.shape[-1] - num_boxes))


def _suppress_in_turn(boxes: Tensor, candidates: Tensor, threshold: float) -> Tensor:
    """The same by torchvision's loop, group by group: a table of the overlaps of many boxes costs more."""
    from torchvision.ops import nms

    number = candidates.shape[-1]
    boxes, flat = boxes.reshape(-1, number, 4), candidates.reshape(-1, number)
    kept, scores = torch.zeros_like(flat), -torch.arange(number, dtype=torch.float32)
    for group in (flat.sum(dim=1) > 1).nonzero().squeeze(1).tolist():
        which = flat[group].nonzero().squeeze(1)
        kept[group, which[nms(boxes[group, which], scores[which], threshold)]] = True
    alone = flat & (flat.sum(dim=1, keepdim=True) == 1)
    return (kept | alone).view_as(candidates)


def _num_used(candidates: Tensor) -> int:
    """How many of the slots (..., N) must be looked at: mostly few boxes are likely, and the likely come first."""
    num_boxes = candidates.shape[-1]
    if candidates.device.type != "cpu" or torch.compiler.is_exporting():  # an accelerator would have to wait for it
        return num_boxes
    used = candidates.flatten(0, -2).any(dim=0) if candidates.ndim > 1 else candidates
    return int(used.nonzero().max()) + 1 if used.any() else 0


def voted(boxes: Tensor, scores: Tensor, overlap: float) -> Tensor:
    """Each box as the mean of all that overlap it by more than `overlap`, itself included, weighted by their scores.

    Several proposals end on one object, each with errors of its own.  Boxes (..., N, 4), scores (..., N), of which 0
    has no vote.  Source: Gidaris, Komodakis 2015, "Object detection via a multi-region & semantic segmentation-aware
    CNN model" (box voting).
    """
    num_boxes = _num_used(scores > 0)
    if num_boxes > MANY_BOXES and boxes.ndim > 3 and not torch.compiler.is_exporting():  # image by image: large tables
        return torch.stack([voted(*of_image, overlap) for of_image in zip(boxes, scores, strict=True)])
    boxes, rest, scores = boxes[..., :num_boxes, :], boxes[..., num_boxes:, :], scores[..., :num_boxes]
    votes = (pairwise_iou(boxes, boxes) > overlap) * scores.unsqueeze(-2)  # (..., N, N)
    with torch.autocast(boxes.device.type, enabled=False):  # half a pixel would be lost
        means = votes.float() @ boxes.float() / votes.sum(dim=-1, keepdim=True).clamp(min=1e-9)
    return torch.cat([torch.where(scores.unsqueeze(-1) > 0, means, boxes), rest], dim=-2)
