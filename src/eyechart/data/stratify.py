"""Taking the same share of every class: how many of each, and which."""

from __future__ import annotations

import numpy as np


def class_counts(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Images of each class: int64 (K,) from labels int64 (N,) in 0..K-1."""
    counts: np.ndarray = np.bincount(labels, minlength=num_classes)
    return counts


def amounts(counts: np.ndarray, total: int, *, at_least: int = 0, leave: int = 0) -> np.ndarray:
    """How many to take of each class, int64 (K,): `total` shared out in proportion to `counts`.

    Fractions go to the largest remainders (the earlier class when they are equal).  A class gives `at_least` that many
    and keeps `leave`, as far as it has them; for tiny classes this comes before the exact total.  Of a larger total, a
    class gets at most one less than of a smaller one: remainders change their order (the "Alabama paradox").
    """
    exact = counts * (total / max(counts.sum(), 1))
    taken = np.floor(exact).astype(np.int64)
    num_missing = max(0, round(total - taken.sum()))
    largest_remainders = np.argsort(taken - exact, kind="stable")[:num_missing]
    taken[largest_remainders] += 1
    most = np.maximum(counts - leave, 0)
    bounded: np.ndarray = np.minimum(np.maximum(taken, at_least), most)
    return bounded


def pick(labels: np.ndarray, wanted: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Mark the `wanted[k]` images of each class k that have the smallest keys: bool (N,).

    Whatever is picked of a class with a smaller amount is picked with a larger one too, if the keys are the same.
    """
    order = np.lexsort((keys, labels))  # class by class, smallest key first
    counts = class_counts(labels, len(wanted))
    first_of_class = np.cumsum(counts) - counts
    rank = np.empty(len(labels), np.int64)  # of each image, inside its class
    rank[order] = np.arange(len(labels)) - first_of_class[labels[order]]
    return np.asarray(rank < wanted[labels])
