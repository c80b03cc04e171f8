"""Splits of images that have objects: no class of a smaller box vanishes from train, and the rest stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.base.errors import DatasetError
from eyechart.base.seeding import derived_seed
from eyechart.data import splits
from eyechart.data.boxes import strata_of
from eyechart.data.splits import parts_in_words, split
from eyechart.data.stratify import amounts, pick
from eyechart.schema import Rules
from eyechart.schema.contracts import Dataset, LabelledImages
from eyechart.schema.objects import objects_of


def rules(**changes):
    return Rules(preset="smoke", dataset="made-up", **{"validation_fraction": 0.2, **changes})


def with_boxes(make_dataset, classes_of_pictures, num_test=5):
    """A dataset with those classes on each train picture, the first of them as the largest box."""
    num_classes = 1 + max(max(classes) for classes in classes_of_pictures)

    def part(pictures):
        boxes = [[(0, 0, 5 - place, 5 - place) for place in range(len(classes))] for classes in pictures]
        objects = objects_of(
            (of_one, classes, [False] * len(classes)) for of_one, classes in zip(boxes, pictures, strict=True)
        )
        plain = make_dataset([len(pictures)] + [0] * (num_classes - 1), [1] * num_classes)
        return LabelledImages(plain.train.images, strata_of(objects), objects), plain.card

    train, card = part(classes_of_pictures)
    test, _ = part([list(range(num_classes))] * num_test)
    changes = {"num_train": len(train), "num_test": len(test), "task": "detection"}
    return Dataset(card.model_copy(update=changes), train, test)


def classes_on(part):
    return set(part.objects.labels.tolist())


def chosen_without_a_guarantee(dataset, asked, seed):
    """(validation, train) rows as they were before a class of smaller boxes was looked after; None: one vanished."""
    part, num_classes = dataset.train, len(dataset.card.classes)
    wanted = splits._validation_amounts(np.bincount(part.labels, minlength=num_classes), asked)
    is_validation = pick(part.labels, wanted, np.random.default_rng(derived_seed(seed, "validation")).random(len(part)))
    train = part.subset(np.flatnonzero(~is_validation))
    if asked.fraction < 1:
        wanted = amounts(
            np.bincount(train.labels, minlength=num_classes), round(asked.fraction * len(train)), at_least=1
        )
        keys = np.random.default_rng(derived_seed(seed, "fraction")).random(len(train))
        train = train.subset(np.flatnonzero(pick(train.labels, wanted, keys)))
    return (part.subset(np.flatnonzero(is_validation)), train) if len(classes_on(train)) == num_classes else None


RARE = [[0, 2], [0, 2], *[[0]] * 28, *[[1, 0]] * 30]


@pytest.mark.parametrize("fraction", [1.0, 0.2])
@pytest.mark.parametrize("pictures", [RARE, [[0, 2], *RARE[2:]], [[0, 2], [0, 3, 4], [1, 4], [1, 3], *RARE[2:]]])
def test_no_class_of_small_boxes_vanishes_and_what_could_be_split_is_split_as_before(make_dataset, pictures, fraction):
    dataset, asked = with_boxes(make_dataset, pictures), rules(fraction=fraction)
    num_classes, as_before = len(dataset.card.classes), 0
    told = parts_in_words(dataset, asked)
    for seed in range(60):
        parts = split(dataset, asked, seed)
        assert classes_on(parts.train) == set(range(num_classes))
        assert f"{parts.card.num_validation} for validation" in told, "as many for every seed"
        if (old := chosen_without_a_guarantee(dataset, asked, seed)) is not None:
            as_before += 1
            assert np.array_equal(parts.validation.images[:], old[0].images[:])
            assert np.array_equal(parts.train.images[:], old[1].images[:])
    assert 0 < as_before < 60, "both kinds of seeds were tried"


def test_the_next_picture_goes_to_validation_in_the_place_of_one_that_must_stay(make_dataset):
    dataset = with_boxes(make_dataset, RARE)
    for seed in range(60):
        if chosen_without_a_guarantee(dataset, rules(), seed) is None:
            break
    parts = split(dataset, rules(), seed)
    assert np.bincount(parts.validation.labels).tolist() == [6, 6]
    assert (parts.train.objects.labels == 2).sum() == 1, "one of the two is kept, the other stays where it was"


def test_a_small_fraction_has_a_picture_more_for_each_class_that_it_lacks(make_dataset):
    parts = split(with_boxes(make_dataset, [[0, 2], *RARE[2:], [1, 3]]), rules(fraction=0.001), 0)
    assert classes_on(parts.train) == {0, 1, 2, 3}
    assert 2 <= len(parts.train) <= 4


def test_pictures_that_are_each_the_only_one_of_a_class_leave_nothing_for_validation(make_dataset):
    dataset = with_boxes(make_dataset, [[0, 1], [0, 2], [0, 3]])
    for told in (lambda: parts_in_words(dataset, rules()), lambda: split(dataset, rules(), 4)):
        with pytest.raises(DatasetError, match="each the only one of a class, so nothing can be set aside"):
            told()
    spare = with_boxes(make_dataset, [[0, 1], [0, 2], [0, 3], [0]])
    assert all(split(spare, rules(), seed).card.num_validation == 1 for seed in range(10))
