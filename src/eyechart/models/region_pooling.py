"""What a map shows inside boxes, for a whole batch at once: RoIAlign as matrix products, or as weighted look-ups.

Equal to torchvision's `roi_align`, forward and backward, by test.  Source: He et al. 2017, "Mask R-CNN".
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

NUM_SAMPLES = 2  # a side of a grid's cell
LARGE_MAP = 2000  # cells; on a larger one looking up beats products on the way back too (128 px: 1,024, 300 px: 5,625)


def roi_align(features: Tensor, boxes: Tensor, num_cells: int, scale: float) -> Tensor:
    """What the map shows inside each box, on a grid of `num_cells` x `num_cells`, two bilinear samples a side and cell.

    `features` (B, D, H, W), `boxes` (B, R, 4) in pixels, `scale` map cells a pixel.  Returns (B, R, cells, cells, D).
    No gradient flows into the boxes.

    A bilinear sample is a product of a weight for the row and one for the column, and so is their mean over a grid:
    pooling is a matrix product along one axis, then along the other, forward and backward.  On a CPU it is
    quicker to look up the few map cells of each sample, but for the way back on a small map.
    """
    batch, depth, height, width = features.shape
    num_boxes = boxes.shape[1]
    boxes = boxes.detach() * scale
    is_cheaper = height * width > LARGE_MAP or not torch.is_grad_enabled()
    if features.device.type == "cpu" and is_cheaper and not torch.compiler.is_exporting():
        return _looked_up(features, boxes, num_cells)
    rows = _sampling_weights(boxes[..., 1], boxes[..., 3], num_cells, height)  # (B, R, cells, H)
    columns = _sampling_weights(boxes[..., 0], boxes[..., 2], num_cells, width)  # (B, R, cells, W)
    maps = features.permute(0, 2, 3, 1).reshape(batch, height, width * depth)  # free when channels come last
    strips = rows.view(batch, num_boxes * num_cells, height) @ maps  # (B, R * cells, W * D)
    strips = strips.view(batch, num_boxes, num_cells, width, depth)
    return columns.unsqueeze(2) @ strips  # (B, R, cells (rows), cells (columns), D)


def _sampling_weights(start: Tensor, end: Tensor, num_cells: int, length: int) -> Tensor:
    """Along one axis: how much each of `length` map cells counts in each cell of the grid: (B, R, cells, length)."""
    position, inside = _samples(start, end, num_cells, length)
    distance = (position[..., None] - torch.arange(length, device=start.device)).abs()
    weights = (1 - distance).clamp(min=0) * inside[..., None]  # (B, R, cells * samples, length)
    return weights.view(*start.shape, num_cells, NUM_SAMPLES, length).mean(dim=3)


def _samples(start: Tensor, end: Tensor, num_cells: int, length: int) -> tuple[Tensor, Tensor]:
    """Where the samples of each grid lie along one axis, in map cells, and which lie on the map: (B, R, samples)."""
    size = (end - start).clamp(min=1)  # torchvision's "not aligned" mode: at least one map cell
    steps = (torch.arange(num_cells * NUM_SAMPLES, device=start.device) + 0.5) / (num_cells * NUM_SAMPLES)
    position = start[..., None] + size[..., None] * steps
    return position.clamp(0, length - 1), (position >= -1) & (position <= length)


def _looked_up(features: Tensor, boxes: Tensor, num_cells: int) -> Tensor:
    """The same as a weighted sum of map cells: two samples a side, and the two map cells beside each."""
    batch, depth, height, width = features.shape
    rows, of_row = _neighbours(boxes[..., 1], boxes[..., 3], num_cells, height)  # (B, R, cells, 4)
    columns, of_column = _neighbours(boxes[..., 0], boxes[..., 2], num_cells, width)
    first = torch.arange(batch).view(-1, 1, 1, 1, 1, 1) * (height * width)  # of each image in the table
    which = first + rows[:, :, :, None, :, None] * width + columns[:, :, None, :, None, :]  # (B, R, cells, cells, 4, 4)
    weights = of_row[:, :, :, None, :, None] * of_column[:, :, None, :, None, :]
    table = features.permute(0, 2, 3, 1).reshape(-1, depth)  # free when channels come last
    each = (-1, which.shape[-1] ** 2)
    pooled = embedding_bag(
        which.reshape(each), table, per_sample_weights=weights.reshape(each).to(table.dtype), mode="sum"
    )
    return pooled.view(batch, boxes.shape[1], num_cells, num_cells, depth)


def _neighbours(start: Tensor, end: Tensor, num_cells: int, length: int) -> tuple[Tensor, Tensor]:
    """Along one axis: the map cells that a grid's cell is the mean of, int64, and their weights: (B, R, cells, 4)."""
    position, inside = _samples(start, end, num_cells, length)
    before = position.floor().clamp(max=max(0, length - 2))
    share = position - before
    which = torch.stack([before, (before + 1).clamp(max=length - 1)], dim=-1)
    which = which.nan_to_num(0).long()  # a network that diverged gives no number; its weights say so
    weights = torch.stack([1 - share, share], dim=-1) * inside[..., None] / NUM_SAMPLES
    grid = (*start.shape, num_cells, 2 * NUM_SAMPLES)
    return which.view(grid), weights.view(grid)
