"""What training changed in a network, in figures: how far layers moved, what they see, what lies near what.

Sources: Kornblith et al. 2019, "Similarity of Neural Network Representations Revisited" (linear CKA); Song et al. 2012,
"Feature Selection via Dependence Maximization" (the estimator of HSIC that few images do not bias), which Nguyen et al.
2021 use for CKA; van der Maaten and Hinton 2008 (t-SNE).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

FEWEST_ITEMS = 4  # with fewer, HSIC has no estimate without bias
PERPLEXITY, LEAST_SHARE = 30, 3  # neighbours that t-SNE looks at, and how many times as many items it needs


class Layer(NamedTuple):
    """One layer with weights, from the image on."""

    name: str
    num_weights: int
    is_trained: bool
    moved: float  # length of the difference, as a share of the length before; 0: it stood still
    similarity: float | None  # linear CKA of its outputs before and after, 1: the same; None: nobody saw its outputs


class Change(NamedTuple):
    """A run before its first step and after its last, on images of its validation part."""

    run: str
    contender: str
    started_from: str
    layers: list[Layer]
    filters: tuple[np.ndarray, np.ndarray] | None  # float (D, C, h, w), before and after; None: no layer has any
    classes: tuple[str, ...]
    labels: np.ndarray  # int64 (N,)
    maps: tuple[np.ndarray, np.ndarray]  # float (N, 2): what the last layer is given, before and after
    neighbours: tuple[float, float]  # share of images whose nearest neighbour is of their class, before and after

    def as_json(self) -> dict[str, Any]:
        """The figures, without filters and maps."""
        names = ("run", "contender", "started_from")
        return {
            **{name: getattr(self, name) for name in names},
            "layers": [layer._asdict() for layer in self.layers],
            "num_images": len(self.labels),
            "neighbours_before": self.neighbours[0],
            "neighbours_after": self.neighbours[1],
        }


def moved(before: np.ndarray, after: np.ndarray) -> float:
    """Length of after - before as a share of the length of before; infinite where that is zero and changed."""
    distance, length = (float(np.linalg.norm(each.ravel().astype(np.float64))) for each in (after - before, before))
    if length:
        return distance / length
    return math.inf if distance else 0.0


def linear_cka(before: np.ndarray, after: np.ndarray) -> float | None:
    """Linear CKA of two representations, from their products (N, N) of the same N items with each other.

    1: the same up to rotation and scale; about 0: unrelated; a little below 0 by chance.  None where one of the two
    says the same of every item, or there are fewer than FEWEST_ITEMS.
    """
    if len(before) < FEWEST_ITEMS:
        return None
    own, other = _hsic(before, before), _hsic(after, after)
    scale = float(np.trace(before)) * float(np.trace(after))
    if own <= 0 or other <= 0 or math.sqrt(own * other) <= 1e-12 * scale / len(before) ** 2:
        return None
    return float(_hsic(before, after) / math.sqrt(own * other))


def _hsic(first: np.ndarray, second: np.ndarray) -> float:
    """HSIC_1 of Song et al. 2012, equation 5: no item is compared with itself."""
    number = len(first)
    k, m = (np.array(each, np.float64) for each in (first, second))
    np.fill_diagonal(k, 0.0)
    np.fill_diagonal(m, 0.0)
    sums = k.sum() * m.sum() / ((number - 1) * (number - 2)) - 2 * (k.sum(axis=0) @ m.sum(axis=1)) / (number - 2)
    return float(((k * m.T).sum() + sums) / (number * (number - 3)))


def neighbours_agree(features: np.ndarray, labels: np.ndarray) -> float:
    """Share of items (N, D) whose nearest other item is of their class."""
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=1).fit(features).kneighbors(return_distance=False)  # of each, without itself
    return float(np.mean(labels[found[:, 0]] == labels))


def flat_map(features: np.ndarray) -> np.ndarray:
    """A map (N, 2) of items (N, D) that keeps neighbours together (t-SNE); what lies far apart says little."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if len(features) < LEAST_SHARE + 2 or not np.ptp(features, axis=0).any():
        return np.zeros((len(features), 2))
    reduced = features
    if features.shape[1] > 50:  # as van der Maaten and Hinton did
        reduced = PCA(min(50, *features.shape), random_state=0).fit_transform(features)
    perplexity = min(PERPLEXITY, (len(features) - 1) / LEAST_SHARE)
    placed: np.ndarray = TSNE(init="pca", perplexity=perplexity, random_state=0).fit_transform(reduced)
    return placed
