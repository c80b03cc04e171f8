"""Class folders in every layout, and what is wrong with some."""

from __future__ import annotations

import hashlib
import shutil

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import DatasetError, UsageError
from eyechart.data.catalog import load_dataset
from eyechart.data.pictures import read_picture

pytestmark = pytest.mark.usefixtures("empty_cache")  # pictures that tests make up leave nothing in the real one

TEN = tuple(f"{number}.png" for number in range(10))


@pytest.fixture
def shapes(tmp_path, write_pictures):
    """Three classes of ten pictures of 6 x 4 pixels; "10" sorts last only in natural order."""
    for name in ("10", "1", "2"):
        write_pictures(tmp_path / "shapes" / name, *TEN)
    return tmp_path / "shapes"


def load(path, **options):
    said = []
    dataset = load_dataset(str(path), say=said.append, **options)
    return dataset, "\n".join(said)


def test_classes_in_natural_order_are_told(shapes):
    dataset, said = load(shapes)
    assert dataset.card.classes == ("1", "2", "10")
    assert "3 classes in this order: 1 (10), 2 (10), 10 (10)" in said


def test_of_many_classes_the_first_and_the_last_are_told(tmp_path, write_pictures):
    for number in range(1, 41):
        write_pictures(tmp_path / "many" / str(number), "0.png", "1.png")
    _, said = load(tmp_path / "many")
    line = next(line for line in said.splitlines() if "in this order" in line)
    verify = f"all of them: eyechart data verify {tmp_path / 'many'}"
    assert line.endswith(
        f"40 classes in this order: {', '.join(f'{k} (2)' for k in range(1, 20))}, …, 40 (2); {verify}"
    )


def test_own_small_size_is_kept(shapes):
    dataset, _ = load(shapes)
    assert dataset.train.images.shape == (24, 3, 4, 6)
    assert dataset.test.images.shape == (6, 3, 4, 6)
    assert (dataset.card.num_channels, dataset.card.height, dataset.card.width) == (3, 4, 6)


def test_asked_size(shapes):
    dataset, _ = load(shapes, img_size=9)
    assert dataset.train.images.shape[1:] == (3, 9, 9)
    expected = read_picture(shapes / "1" / "0.png", channels=3, height=9, width=9)
    everything = np.concatenate([dataset.train.images[:], dataset.test.images[:]])
    assert any(np.array_equal(image, expected) for image in everything)


def test_different_or_large_sizes_become_64(shapes, tmp_path, write_pictures):
    write_pictures(shapes / "1", "odd.png", size=(7, 4))
    assert load(shapes)[0].train.images.shape[2:] == (64, 64)
    for name in ("a", "b"):
        write_pictures(tmp_path / "large" / name, "1.png", "2.png", size=(129, 20))
    assert load(tmp_path / "large")[0].train.images.shape[2:] == (64, 64)


def test_grey_if_all_are_grey(tmp_path, write_pictures):
    for name in ("a", "b"):
        write_pictures(tmp_path / "grey" / name, "1.png", "2.png", "3.png", grey=True)
    assert load(tmp_path / "grey")[0].card.num_channels == 1
    write_pictures(tmp_path / "grey" / "a", "colour.png")
    assert load(tmp_path / "grey")[0].card.num_channels == 3


def test_labels_go_with_their_pictures(tmp_path):
    for label, name in enumerate(("a", "b", "c")):
        (tmp_path / "levels" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("L", (4, 4), 100 * label + number).save(tmp_path / "levels" / name / f"{number}.png")
    dataset, _ = load(tmp_path / "levels")
    for part in (dataset.train, dataset.test):
        assert np.array_equal(part.images[:][:, 0, 0, 0] // 100, part.labels)


def test_test_is_cut_by_content_not_by_name_or_order(shapes, tmp_path):
    before, said = load(shapes)
    assert "no test folder, so 6 pictures" in said
    assert np.bincount(before.test.labels).tolist() == [2, 2, 2]
    # By hand: the two files of class "1" with the smallest sha256.
    smallest = sorted((shapes / "1").iterdir(), key=lambda path: hashlib.sha256(path.read_bytes()).digest())[:2]
    expected = {read_picture(path, channels=3, height=4, width=6).tobytes() for path in smallest}
    assert {image.tobytes() for image in before.test.images[before.test.labels == 0]} == expected

    renamed = tmp_path / "renamed"
    shutil.copytree(shapes, renamed)
    for number, path in enumerate(sorted((renamed / "1").iterdir(), reverse=True)):
        path.rename(path.with_name(f"z{number}.png"))
    after, _ = load(renamed)
    assert {image.tobytes() for image in after.test.images} == {image.tobytes() for image in before.test.images}


@pytest.mark.parametrize("validation", ["validation", "val", "valid"])
def test_parts_of_its_own(validation, tmp_path, write_pictures):
    for part, count in (("train", 4), (validation, 2), ("test", 3)):
        for name in ("2", "10"):
            write_pictures(tmp_path / "data" / part / name, *TEN[:count])
    dataset, said = load(tmp_path / "data")
    assert dataset.card.classes == ("2", "10")
    assert (dataset.card.num_train, dataset.card.num_validation, dataset.card.num_test) == (8, 4, 6)
    assert len(dataset.validation) == 4
    assert "no test folder" not in said


def test_a_test_part_may_lack_a_class(tmp_path, write_pictures):
    for part, names in (("train", ("a", "b", "c")), ("test", ("a", "c"))):
        for name in names:
            write_pictures(tmp_path / "data" / part / name, *TEN[:2])
    (tmp_path / "data" / "test" / "b").mkdir()
    dataset, _ = load(tmp_path / "data")
    assert dataset.card.classes == ("a", "b", "c")
    assert np.bincount(dataset.test.labels, minlength=3).tolist() == [2, 0, 2]


def test_train_and_validation_without_test(tmp_path, write_pictures):
    for part in ("train", "val"):
        for name in ("a", "b"):
            write_pictures(tmp_path / "data" / part / name, *TEN[:5])
    dataset, said = load(tmp_path / "data")
    assert (dataset.card.num_train, dataset.card.num_validation, dataset.card.num_test) == (8, 10, 2)
    assert "no test folder" in said


def test_a_class_may_be_called_train(tmp_path, write_pictures):
    for name in ("car", "bus", "train"):
        write_pictures(tmp_path / "vehicles" / name, *TEN[:4])
    assert load(tmp_path / "vehicles")[0].card.classes == ("bus", "car", "train")


def test_hidden_and_other_files_are_skipped_and_counted(shapes, write_pictures):
    (shapes / "1" / ".DS_Store").write_bytes(b"x")
    (shapes / "1" / "._0.png").write_bytes(b"no picture")
    (shapes / "2" / "notes.txt").write_text("x")
    (shapes / "README.md").write_text("x")
    write_pictures(shapes / ".thumbnails", "0.png")
    dataset, said = load(shapes)
    assert dataset.card.classes == ("1", "2", "10")
    assert len(dataset.train) + len(dataset.test) == 30
    assert "skipped: 1 file ending in .md, 1 in .txt" in said
    assert "skipped: 3 hidden files or folders" in said


def test_folders_beside_train_are_told(tmp_path, write_pictures):
    for name in ("train/a", "train/b", "leftovers/c"):
        write_pictures(tmp_path / "data" / name, *TEN[:3])
    dataset, said = load(tmp_path / "data")
    assert dataset.card.classes == ("a", "b")
    assert "skipped: the folders leftovers" in said


def test_pictures_deeper_inside_a_class_count(tmp_path, write_pictures):
    write_pictures(tmp_path / "data" / "a" / "monday", *TEN[:3])
    write_pictures(tmp_path / "data" / "b", "X.PNG", "Y.Jpg")
    dataset, _ = load(tmp_path / "data")
    assert len(dataset.train) + len(dataset.test) == 5


def test_odd_names(tmp_path, write_pictures):
    names = ["with space", "über-ñandú", "数字", "a'b\"c", "%41", "-rf"]
    for name in names:
        write_pictures(tmp_path / "data" / name, "1 2.png", "ü.png")
    assert set(load(tmp_path / "data")[0].card.classes) == set(names)


def test_same_content_same_hash_other_content_other_hash(shapes, tmp_path, write_pictures):
    before = load(shapes)[0].card.content_sha256
    assert load(shapes)[0].card.content_sha256 == before
    write_pictures(shapes / "1", "new.png")
    assert load(shapes)[0].card.content_sha256 != before


# --------------------------------------------------------------------------------------------- what is wrong


def test_a_broken_picture_is_named(shapes):
    (shapes / "2" / "broken.png").write_bytes((shapes / "2" / "0.png").read_bytes()[:40])
    with pytest.raises(DatasetError, match=r"2/broken\.png cannot be read"):
        load(shapes, img_size=8)
    (shapes / "2" / "broken.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"2/broken\.png is empty"):
        load(shapes)


def test_an_empty_class_is_named(shapes):
    (shapes / "3").mkdir()
    (shapes / "3" / "notes.txt").write_text("x")
    with pytest.raises(DatasetError, match=r"shapes/3: no pictures inside"):
        load(shapes)


def test_one_class(tmp_path, write_pictures):
    write_pictures(tmp_path / "data" / "cats", *TEN[:3])
    with pytest.raises(DatasetError, match=r"one class folder \('cats'\); comparing needs two"):
        load(tmp_path / "data")


def test_one_folder_too_high_is_guessed(shapes):
    with pytest.raises(DatasetError, match=r"did you mean .*shapes, which has 3 folders"):
        load(shapes.parent)


def test_no_class_folders(tmp_path, write_pictures):
    write_pictures(tmp_path / "data", *TEN[:3])
    with pytest.raises(DatasetError, match=r"has no class folders\. Put pictures into"):
        load(tmp_path / "data")


def test_an_empty_folder(tmp_path):
    with pytest.raises(DatasetError, match="has no class folders"):
        load(tmp_path)


def test_parts_without_classes(tmp_path, write_pictures):
    for part in ("train", "test"):
        write_pictures(tmp_path / "data" / part, *TEN[:3])
    with pytest.raises(DatasetError, match="data/train has no class folders"):
        load(tmp_path / "data")


def test_a_test_part_alone(tmp_path, write_pictures):
    for name in ("a", "b"):
        write_pictures(tmp_path / "data" / "test" / name, *TEN[:3])
    with pytest.raises(DatasetError, match="has test and no train folder"):
        load(tmp_path / "data")


def test_two_validation_folders(tmp_path, write_pictures):
    for part in ("train", "val", "valid"):
        for name in ("a", "b"):
            write_pictures(tmp_path / "data" / part / name, *TEN[:3])
    with pytest.raises(DatasetError, match="two validation folders, val and valid"):
        load(tmp_path / "data")


def test_a_class_that_train_has_not(tmp_path, write_pictures):
    for name in ("train/a", "train/b", "test/a", "test/z"):
        write_pictures(tmp_path / "data" / name, *TEN[:3])
    with pytest.raises(DatasetError, match=r"data/test has classes that .*train has not: z"):
        load(tmp_path / "data")


def test_an_empty_test_part(tmp_path, write_pictures):
    for name in ("train/a", "train/b"):
        write_pictures(tmp_path / "data" / name, *TEN[:3])
    (tmp_path / "data" / "test" / "a").mkdir(parents=True)
    with pytest.raises(DatasetError, match="data/test has no pictures"):
        load(tmp_path / "data")


def test_one_picture_a_class(tmp_path, write_pictures):
    for name in ("a", "b"):
        write_pictures(tmp_path / "data" / name, "1.png")
    with pytest.raises(DatasetError, match="one picture a class"):
        load(tmp_path / "data")


@pytest.mark.parametrize("img_size", [0, -4])
def test_a_size_that_is_none(shapes, img_size):
    with pytest.raises(UsageError, match="expected 1 pixel or more"):
        load(shapes, img_size=img_size)
