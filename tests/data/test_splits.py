"""Splits: counts by hand, what a seed may and may not change, hashes, and pixel statistics against numpy."""

from __future__ import annotations

import hashlib
import itertools
import time

import numpy as np
import pytest

from eyechart.base.errors import DatasetError, UsageError
from eyechart.data.splits import parts_in_words, pixel_statistics, split
from eyechart.data.stratify import amounts, pick
from eyechart.schema import Rules
from eyechart.schema.contracts import LabelledImages


def rules(**changes):
    return Rules(preset="smoke", dataset="made-up", **{"validation_fraction": 0.2, **changes})


def rows(part):
    return {image.tobytes() for image in part.images}


def test_counts_by_hand(make_dataset):
    splits = split(make_dataset([50, 30, 20], [5, 5, 5]), rules(), seed=0)
    assert np.bincount(splits.validation.labels).tolist() == [10, 6, 4]
    assert np.bincount(splits.train.labels).tolist() == [40, 24, 16]
    assert (splits.card.num_train, splits.card.num_validation, splits.card.num_test) == (80, 20, 15)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([200, 200], [40, 40]),  # a fifth of 400, where the share alone would be 20
        ([1000, 1000], [150, 150]),  # 300, where it would be 100
        ([9000, 9000], [450, 450]),  # the share
        ([10, 380, 10], [2, 76, 2]),  # a small class gives a fifth of itself as well, and keeps the rest
        ([2000, 60, 9], [290, 9, 1]),
        ([4, 3], [1, 1]),
    ],
)
def test_a_small_set_gives_more_to_validation(make_dataset, counts, expected):
    dataset = make_dataset(counts, [5] * len(counts))
    few = rules(validation_fraction=0.05, least_validation_images=300)
    assert np.bincount(split(dataset, few, seed=1).validation.labels).tolist() == expected
    as_before = rules(validation_fraction=0.05)  # what run files of earlier versions say
    share = sum(expected) if sum(counts) > 6000 else round(0.05 * sum(counts))
    assert split(dataset, as_before, seed=1).card.num_validation == pytest.approx(share, abs=len(counts))


def test_small_classes_have_a_floor(make_dataset):
    few = rules(validation_fraction=0.05, least_validation_images=300)
    counts = [20_000, 30, 30]
    assert np.bincount(split(make_dataset(counts, [5, 5, 5]), few, seed=0).validation.labels)[1:].tolist() == [5, 5]


def test_parts_are_told_before_anything_is_trained(make_dataset):
    few = rules(validation_fraction=0.05, least_validation_images=300)
    dataset = make_dataset([200, 200], [5, 5])
    assert parts_in_words(dataset, few).endswith(
        "320 train images, 80 for validation (20.0 % of train), 10 test images, 2 classes"
    )
    with pytest.raises(DatasetError, match="one train image a class"):
        parts_in_words(make_dataset([1, 1], [5, 5]), few)


def test_parts_are_disjoint_and_complete(make_dataset):
    dataset = make_dataset([50, 30, 20], [5, 5, 5])
    splits = split(dataset, rules(), seed=3)
    assert rows(splits.train) | rows(splits.validation) == rows(dataset.train)
    assert not rows(splits.train) & rows(splits.validation)


def test_labels_stay_with_their_images(make_dataset):
    dataset = make_dataset([50, 30, 20], [5, 5, 5])
    label_of = {image.tobytes(): label for image, label in zip(dataset.train.images, dataset.train.labels, strict=True)}
    splits = split(dataset, rules(fraction=0.5), seed=3)
    for part in (splits.train, splits.validation):
        assert all(label_of[image.tobytes()] == label for image, label in zip(part.images, part.labels, strict=True))


def test_the_seed_chooses_and_repeats(make_dataset):
    dataset = make_dataset([50, 30, 20], [5, 5, 5])
    assert split(dataset, rules(), 1).card == split(dataset, rules(), 1).card
    one, two = split(dataset, rules(), 1).card, split(dataset, rules(), 2).card
    assert one.train_sha256 != two.train_sha256
    assert one.validation_sha256 != two.validation_sha256
    assert one.test_sha256 == two.test_sha256


def test_validation_is_the_same_for_every_fraction_and_fractions_are_nested(make_dataset):
    dataset = make_dataset([50, 30, 20], [5, 5, 5])
    by_fraction = {fraction: split(dataset, rules(fraction=fraction), 7) for fraction in (1.0, 0.5, 0.25)}
    assert len({splits.card.validation_sha256 for splits in by_fraction.values()}) == 1
    assert rows(by_fraction[0.25].train) < rows(by_fraction[0.5].train) < rows(by_fraction[1.0].train)
    assert np.bincount(by_fraction[0.25].train.labels).tolist() == [10, 6, 4]


def test_a_tiny_fraction_keeps_one_of_each_class(make_dataset):
    splits = split(make_dataset([50, 30, 20], [5, 5, 5]), rules(fraction=0.001), 0)
    assert np.bincount(splits.train.labels).tolist() == [1, 1, 1]


def test_an_own_validation_part_is_used_as_it_is(make_dataset):
    dataset = make_dataset([10, 10], [5, 5], validation=[3, 4])
    splits = split(dataset, rules(), 0)
    assert splits.validation is dataset.validation
    assert splits.train is dataset.train


def test_a_class_of_one_image_stays_in_train(make_dataset):
    splits = split(make_dataset([50, 1, 2], [5, 5, 5]), rules(), 0)
    assert np.bincount(splits.train.labels).tolist() == [40, 1, 1]
    assert np.bincount(splits.validation.labels, minlength=3).tolist() == [10, 0, 1]


def test_a_class_without_train_images_is_named(make_dataset):
    with pytest.raises(DatasetError, match="no train image of 'b'"):
        split(make_dataset([10, 0, 5], [1, 1, 1]), rules(), 0)
    with pytest.raises(DatasetError, match="no train image of 'b'"):
        split(make_dataset([10, 0, 5], [1, 1, 1], validation=[1, 1, 1]), rules(), 0)


def test_a_test_part_may_lack_a_class(make_dataset):
    assert split(make_dataset([10, 10, 5], [5, 0, 5]), rules(), 0).card.num_test == 10


def test_one_image_a_class_leaves_nothing_for_validation(make_dataset):
    with pytest.raises(DatasetError, match="one train image a class"):
        split(make_dataset([1, 1], [5, 5]), rules(), 0)


def test_a_short_test_is_stratified_fixed_and_from_the_front(make_dataset):
    dataset = make_dataset([20, 20], [30, 10])
    tests = [split(dataset, rules(max_test_images=8), seed).test.open() for seed in (0, 1)]
    assert rows(tests[0]) == rows(tests[1])
    assert np.bincount(tests[0].labels).tolist() == [6, 2]
    first_of_class_0 = dataset.test.images[dataset.test.labels == 0][:6]
    assert np.array_equal(tests[0].images[tests[0].labels == 0], first_of_class_0)


def test_a_short_test_that_is_longer_than_the_test(make_dataset):
    dataset = make_dataset([20, 20], [3, 3])
    assert split(dataset, rules(max_test_images=100), 0).test.open() is dataset.test
    with pytest.raises(UsageError, match="max_test_images is 0"):
        split(dataset, rules(max_test_images=0), 0)


def test_splitting_does_not_open_the_test(make_dataset):
    splits = split(make_dataset([20, 20], [3, 3]), rules(), 0)
    assert splits.test.num_accesses == 0


def test_hashes_by_hand(make_dataset):
    dataset = make_dataset([20, 20], [3, 3])
    expected = hashlib.sha256(dataset.test.images.tobytes() + dataset.test.labels.astype("<i8").tobytes()).hexdigest()
    assert split(dataset, rules(), 0).card.test_sha256 == expected


def test_a_hash_sees_order_pixels_and_labels(make_dataset):
    dataset = make_dataset([20, 20], [3, 3], validation=[2, 2])
    part = dataset.validation
    flipped, relabelled = part.images.copy(), part.labels.copy()
    flipped[0, 0, 0, 0] ^= 1
    relabelled[0] = 1 - relabelled[0]
    others = [
        part,
        part.subset(np.array([1, 0, 2, 3])),
        LabelledImages(flipped, part.labels),
        LabelledImages(part.images, relabelled),
    ]
    datasets = [type(dataset)(dataset.card, dataset.train, dataset.test, other) for other in others]
    assert len({split(one, rules(), 0).card.validation_sha256 for one in datasets}) == 4


@pytest.mark.parametrize("channels", [1, 3])
def test_pixel_statistics_are_numpys(make_dataset, channels):
    images = make_dataset([700, 800], [1, 1], channels=channels).train.images
    mean, std = pixel_statistics(images)
    assert mean == pytest.approx(images.mean(axis=(0, 2, 3)) / 255, rel=1e-12)
    assert std == pytest.approx(images.std(axis=(0, 2, 3)) / 255, rel=1e-9)


def test_statistics_of_constant_images_can_be_divided_by():
    mean, std = pixel_statistics(np.full((3, 1, 4, 4), 255, np.uint8))
    assert mean == (1.0,)
    assert std[0] > 0


def test_amounts_by_hand():
    assert amounts(np.array([50, 30, 20]), 10).tolist() == [5, 3, 2]
    assert amounts(np.array([1, 1, 1]), 2).tolist() == [1, 1, 0]
    assert amounts(np.array([90, 7, 3]), 10).tolist() == [9, 1, 0]
    assert amounts(np.array([90, 7, 3]), 10, at_least=1).tolist() == [9, 1, 1]
    assert amounts(np.array([1, 2, 97]), 90, leave=1).tolist() == [0, 1, 87]
    assert amounts(np.array([0, 5]), 5).tolist() == [0, 5]


def test_of_a_larger_total_a_class_gets_at_most_one_less():
    """The Alabama paradox: 6, 6 and 2 of 14 are 4, 4 and 2 of 10, but 5, 5 and 1 of 11."""
    assert amounts(np.array([6, 6, 2]), 10).tolist() == [4, 4, 2]
    assert amounts(np.array([6, 6, 2]), 11).tolist() == [5, 5, 1]
    random = np.random.default_rng(0)
    for _ in range(50):
        counts = random.integers(0, 30, 7)
        taken = [amounts(counts, total, at_least=1, leave=1) for total in range(counts.sum())]
        assert min((after - before).min() for before, after in itertools.pairwise(taken)) >= -1


def test_pick_takes_the_smallest_keys_of_each_class():
    labels = np.array([0, 1, 0, 1, 0])
    keys = np.array([3.0, 1.0, 1.0, 2.0, 2.0])
    assert pick(labels, np.array([2, 1]), keys).tolist() == [False, True, True, False, True]


def test_mnist_split(mnist):
    splits = split(mnist, Rules(preset="x", dataset="mnist"), 0)
    assert (splits.card.num_train, splits.card.num_validation, splits.card.num_test) == (57_000, 3_000, 10_000)
    assert splits.pixel_mean[0] == pytest.approx(0.1307, abs=2e-4)
    assert splits.pixel_std[0] == pytest.approx(0.3081, abs=2e-4)
    shares = np.bincount(splits.validation.labels) / np.bincount(mnist.train.labels)
    assert np.abs(shares - 0.05).max() < 2e-4


@pytest.mark.slow
def test_mnist_is_split_in_half_a_second(mnist):
    def cpu_seconds():
        start = time.thread_time()
        split(mnist, Rules(preset="x", dataset="mnist"), 0)
        return time.thread_time() - start

    assert min(cpu_seconds() for _ in range(5)) < 4  # 0.3 on an idle core


def test_wrong_labels_are_a_share_of_each_class_and_the_same_ones_at_a_larger_share(small_mnist):
    asked = {share: rules(label_noise=share) for share in (0.0, 0.2, 0.5)}
    clean, some, many = (split(small_mnist, each, seed=3) for each in asked.values())
    assert clean.card.num_mislabelled == 0
    for noisy, share in ((some, 0.2), (many, 0.5)):
        wrong = noisy.train.labels != clean.train.labels
        assert noisy.card.num_mislabelled == wrong.sum()
        for k in range(10):
            assert (
                abs(wrong[clean.train.labels == k].mean() * (of := (clean.train.labels == k).sum()) - share * of) <= 0.5
            )
        assert np.array_equal(noisy.validation.labels, clean.validation.labels)
        assert noisy.card.test_sha256 == clean.card.test_sha256
        assert noisy.card.train_sha256 != clean.card.train_sha256
    first = some.train.labels != clean.train.labels
    assert np.array_equal(some.train.labels[first], many.train.labels[first]), "nested"
    assert not np.array_equal(split(small_mnist, asked[0.2], seed=4).train.labels, some.train.labels)


def test_wrong_labels_go_to_all_other_classes_alike(small_mnist):
    clean = split(small_mnist, rules(), seed=0).train.labels
    noisy = split(small_mnist, rules(label_noise=0.9), seed=0).train.labels
    away = (noisy - clean)[noisy != clean] % 10
    counts = np.bincount(away, minlength=10)
    assert counts[0] == 0
    assert counts[1:].min() > 0.5 * counts[1:].mean()


def test_wrong_labels_are_told_beforehand(small_mnist):
    told = parts_in_words(small_mnist, rules(label_noise=0.2))
    assert "20 % of their labels replaced by that of another class" in told


def test_a_class_that_an_own_train_part_lacks_is_told_beforehand(make_dataset):
    with pytest.raises(DatasetError, match="no train image of 'b'"):
        parts_in_words(make_dataset([10, 0, 5], [1, 1, 1], validation=[1, 1, 1]), rules())
