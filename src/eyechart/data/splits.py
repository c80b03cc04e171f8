"""Train, validation and test: cut once, by rules and seed, and known by their hashes ever after.

The test part stays what the dataset says it is.  Validation is the dataset's own, or cut from train: the same share of
every class, chosen by seed; a larger share where train is small.  A smaller share of train (`rules.fraction`) is taken
from what is left, so validation is the same for every share, and a smaller share is part of a larger one, but for
single images (of which stratify.amounts and set_aside.py tell).  Where images have objects, the class of the
largest counts as the image's, and the classes of the others stay in train as well.  Images keep the dataset's order.
"""

from __future__ import annotations

import math

import numpy as np

from eyechart.base.errors import DatasetError, UsageError
from eyechart.base.seeding import derived_seed
from eyechart.data.content import num_shared_images, parts_sha256
from eyechart.data.plain import are_plain, plain_classes
from eyechart.data.set_aside import set_aside, with_every_class
from eyechart.data.stratify import amounts, class_counts, pick
from eyechart.schema import Rules, SplitsCard
from eyechart.schema.contracts import Dataset, Images, LabelledImages, SealedTest, Splits

CHUNK_IMAGES = 1000  # few enough that a chunk's squares stay in the processor's cache
SMALLEST_STD = 1 / 255  # of a channel that never changes, so that dividing by it stays finite
LARGEST_SHARE = 5  # of a small train part, and of each of its classes: at most a fifth becomes validation
LEAST_OF_CLASS = 5  # validation images, where a class has five times as many


def split(dataset: Dataset, rules: Rules, seed: int) -> Splits:
    """Cut a dataset into the three parts that every contender of a study with this seed gets.

    Raises DatasetError when a class has no image in train.
    """
    classes = dataset.card.classes
    train, validation = train_and_validation(dataset, rules, seed)
    if rules.fraction < 1:
        counts = class_counts(train.labels, len(classes))
        wanted = amounts(counts, round(rules.fraction * len(train)), at_least=1)
        keys = _random_keys(train, seed, "fraction")
        chosen = pick(train.labels, wanted, keys)
        train = _taken(train, with_every_class(train.objects, chosen, keys, len(classes)))
    _check_every_class(train, classes, dataset.card.name)
    train, num_mislabelled = _mislabelled(train, len(classes), rules.label_noise, seed)
    test = _first_of_each_class(dataset.test, len(classes), rules.max_test_images)
    mean, std = pixel_statistics(train.images)
    parts = {"train": train, "validation": validation, "test": test}
    card = SplitsCard(
        train_sha256=parts_sha256(train),
        validation_sha256=parts_sha256(validation),
        test_sha256=parts_sha256(test),
        num_train=len(train),
        num_validation=len(validation),
        num_test=len(test),
        num_mislabelled=num_mislabelled,
        num_shared=num_shared_images(parts),
        missing_classes={name: _missing_classes(part, classes) for name, part in parts.items()},
        plain_classes=_plain_classes(parts, classes) if dataset.card.task == "classification" else None,
    )
    return Splits(card, train, validation, SealedTest(test), mean, std)


def parts_in_words(dataset: Dataset, rules: Rules) -> str:
    """How many images each part is going to have.  Raises as `split` does.

    The same for every seed, but where so many images are the only ones of a class that too few are left for validation.
    """
    train, validation = train_and_validation(dataset, rules, seed=0)
    _check_every_class(train, dataset.card.classes, dataset.card.name)
    classes = len(dataset.card.classes)
    test = _first_of_each_class(dataset.test, classes, rules.max_test_images)
    used = f" ({100 * rules.fraction:g} % of them used)" if rules.fraction < 1 else ""
    if rules.label_noise:
        used += f", {100 * rules.label_noise:g} % of their labels replaced by that of another class,"
    share = (
        "its own part"
        if dataset.validation is not None
        else f"{100 * len(validation) / len(dataset.train):.1f} % of train"
    )
    return (
        f"{dataset.card.name}: {len(train):,} train images{used}, {len(validation):,} for validation ({share}), "
        f"{len(test):,} test images, {classes:,} classes"
    )


def pixel_statistics(images: Images) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel on a scale of 0..1, from uint8 (N, C, H, W).

    Summed in whole numbers, so they do not depend on order, threads or machine.
    """
    num_images, num_channels, height, width = images.shape
    totals, squares = [0] * num_channels, [0] * num_channels
    for start in range(0, num_images, CHUNK_IMAGES):
        chunk = images[start : start + CHUNK_IMAGES]
        for channel in range(num_channels):
            values = chunk[:, channel].astype(np.uint16)  # 255 squared still fits
            totals[channel] += int(values.sum(dtype=np.uint64))
            squares[channel] += int(np.square(values, out=values).sum(dtype=np.uint64))
    num_pixels = num_images * height * width
    means = [total / num_pixels for total in totals]
    variances = [square / num_pixels - mean**2 for square, mean in zip(squares, means, strict=True)]
    std = [max(math.sqrt(max(variance, 0.0)) / 255, SMALLEST_STD) for variance in variances]
    return tuple(mean / 255 for mean in means), tuple(std)


def train_and_validation(dataset: Dataset, rules: Rules, seed: int) -> tuple[LabelledImages, LabelledImages]:
    """What is trained on, before a share of it is taken, and what is looked at meanwhile.

    Raises DatasetError when validation must be cut from train and a class has no image there, or nothing can be set
    aside.
    """
    train = dataset.train
    if dataset.validation is not None:
        return train, dataset.validation
    _check_every_class(train, dataset.card.classes, dataset.card.name)
    wanted = _validation_amounts(class_counts(train.labels, dataset.card.num_classes), rules)
    keys = _random_keys(train, seed, "validation")
    is_validation = set_aside(train.labels, train.objects, wanted, keys)
    if not is_validation.any():
        which = "one train image a class" if not wanted.any() else "train images that are each the only one of a class"
        raise DatasetError(
            f"{dataset.card.name} has {which}, so nothing can be set aside for validation. "
            f"Expected at least two images of some class; add images."
        )
    return _taken(train, ~is_validation), _taken(train, is_validation)


def _validation_amounts(counts: np.ndarray, rules: Rules) -> np.ndarray:
    """How many images of each class are validation, int64 (K,), of int64 (K,) in train: the rules' share, or more.

    A twentieth of 400 images decides nothing, so a small part gives up to a fifth of itself, and of each class.
    """
    num_images = int(counts.sum())
    share = round(rules.validation_fraction * num_images)
    total = max(share, min(rules.least_validation_images, num_images // LARGEST_SHARE))
    wanted = amounts(counts, total, at_least=1, leave=1)
    if rules.least_validation_images:
        wanted = np.maximum(wanted, np.minimum(LEAST_OF_CLASS, counts // LARGEST_SHARE))
    return wanted


def _mislabelled(train: LabelledImages, num_classes: int, share: float, seed: int) -> tuple[LabelledImages, int]:
    """The same images, a share of each class under the name of any other class; and how many those are.

    Validation and test keep their labels.  What is wrong at a small share is wrong in the same way at a larger one.
    """
    if not share:
        return train, 0
    if train.objects is not None or num_classes < 2:
        raise UsageError(
            f"label_noise is {share:g}; labels can be replaced where each image has one class of two or more, and "
            f"these images have {'boxes' if train.objects is not None else 'one class'}. Leave it out."
        )
    wanted = np.floor(share * class_counts(train.labels, num_classes) + 0.5).astype(np.int64)
    is_wrong = pick(train.labels, wanted, _random_keys(train, seed, "label-noise"))
    away = 1 + np.floor((num_classes - 1) * _random_keys(train, seed, "wrong-label")).astype(np.int64)  # 1..K-1
    labels = np.where(is_wrong, (train.labels + away) % num_classes, train.labels).astype(train.labels.dtype)
    return LabelledImages(train.images, labels), int(is_wrong.sum())


def _first_of_each_class(test: LabelledImages, num_classes: int, most: int | None) -> LabelledImages:
    """A stratified, fixed beginning of the test part: never a matter of the seed."""
    if most is None or most >= len(test):
        return test
    if most < 1:
        raise UsageError(f"max_test_images is {most}; expected 1 or more, or none at all for the whole test part.")
    wanted = amounts(class_counts(test.labels, num_classes), most)
    return _taken(test, pick(test.labels, wanted, np.arange(len(test))))


def _random_keys(part: LabelledImages, seed: int, purpose: str) -> np.ndarray:
    return np.random.default_rng(derived_seed(seed, purpose)).random(len(part))


def _taken(part: LabelledImages, mask: np.ndarray) -> LabelledImages:
    return part.subset(np.flatnonzero(mask))


def _missing_classes(part: LabelledImages, classes: tuple[str, ...]) -> tuple[str, ...]:
    of_items = part.labels if part.objects is None else part.objects.labels
    return tuple(classes[k] for k in np.flatnonzero(class_counts(of_items, len(classes)) == 0))


def _plain_classes(parts: dict[str, LabelledImages], classes: tuple[str, ...]) -> dict[str, tuple[str, ...]] | None:
    """Part -> classes on whose images nothing is to be seen; None where there is no such class, as nearly always."""
    found = {name: plain_classes(part, are_plain(part), classes) for name, part in parts.items()}
    return {name: names for name, names in found.items() if names} or None


def _check_every_class(train: LabelledImages, classes: tuple[str, ...], name: str) -> None:
    missing = _missing_classes(train, classes)
    if missing:
        raise DatasetError(
            f"{name} has no train {'image' if train.objects is None else 'box'} of "
            f"{', '.join(map(repr, missing))}; expected at least one "
            f"of each of its {len(classes)} classes. Add images of it to train, or leave the class out."
        )
