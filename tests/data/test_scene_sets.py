"""`-d scenes:...`: what a reference asks for, scenes that are the same every time, and a store that keeps them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import DatasetError, StorageError, UsageError
from eyechart.catalog.presets import rules_of
from eyechart.data import catalog
from eyechart.data.box_store import CARD_FILE
from eyechart.data.scene_sets import scene_makers, wish_of
from eyechart.data.scenes import LEVELS
from eyechart.data.splits import split
from eyechart.files.cache import cache_folder
from eyechart.files.places import seen_from_here
from eyechart.schema.contracts import Dataset

FEW = "scenes:digits,level=easy,canvas=64,side=16-24,count=1-3,train=20,validation=6,test=8"


def load(reference: str = FEW) -> Dataset:
    return catalog.load_dataset(reference, offline=True)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "scenes"


class TestReferences:
    def test_a_name_alone_is_the_medium_level(self) -> None:
        wish = wish_of("scenes:mnist")
        assert (wish.source, wish.level, wish.knobs, wish.seed) == ("mnist", "medium", LEVELS["medium"], 0)

    def test_knobs_stand_after_commas(self) -> None:
        wish = wish_of("scenes:mnist,level=hard,side=15-100,canvas=300,count=20,grounds=dark+light,test=7,seed=3")
        assert (wish.knobs.side, wish.knobs.canvas, wish.knobs.count) == ((15, 100), 300, (20, 20))
        assert wish.knobs.grounds == ("dark", "light")
        assert wish.knobs.noise == LEVELS["hard"].noise
        assert (wish.numbers[2], wish.seed) == (7, 3)

    def test_a_path_may_hold_commas(self) -> None:
        assert wish_of("scenes:./cats, dogs,level=easy").source == "./cats, dogs"

    @pytest.mark.parametrize(
        ("reference", "told"),
        [
            ("scenes:", "names no images"),
            ("scenes:mnist,levle=hard", "no 'levle'. Did you mean 'level'"),
            ("scenes:mnist,side=big", "side='big' of .* cannot be read; expected a whole number, or two with a dash"),
            ("scenes:mnist,noise=much", "expected a number"),
            ("scenes:mnist,level=extreme", "no level 'extreme'"),
            ("scenes:mnist,test=0", "at least 1 of each"),
            ("scenes:mnist,canvas=2", "canvas = 2"),
        ],
    )
    def test_what_cannot_be_is_told(self, reference: str, told: str) -> None:
        with pytest.raises(UsageError, match=told):
            wish_of(reference)

    def test_the_source_must_be_there(self) -> None:
        with pytest.raises(UsageError, match="'mnits' is neither a known dataset nor a path"):
            load("scenes:mnits")

    def test_scenes_of_scenes_are_refused(self) -> None:
        with pytest.raises(UsageError, match="has boxes of its own"):
            load(f"scenes:{FEW}")
        with pytest.raises(UsageError, match="has boxes of its own"):
            scene_makers(load(), wish_of(FEW).knobs, seed=0)

    def test_a_path_is_meant_from_where_it_was_written(self) -> None:
        assert seen_from_here("scenes:pets,level=easy", "/elsewhere", ()) == "scenes:/elsewhere/pets,level=easy"
        assert seen_from_here("scenes:mnist,level=easy", "/elsewhere", ("mnist",)) == "scenes:mnist,level=easy"


class TestScenes:
    def test_parts_have_what_was_asked_for(self, cache: Path) -> None:
        dataset = load()
        assert (dataset.card.task, dataset.card.num_train, dataset.card.num_validation) == ("detection", 20, 6)
        assert dataset.train.images.shape == (20, 1, 64, 64)
        for part in (dataset.train, dataset.validation, dataset.test):
            assert part is not None
            assert part.objects is not None
            assert part.objects.counts.min() >= 1
            assert part.objects.counts.max() <= 3
            assert len(part.labels) == len(part.objects)
        assert "Scenes of" in dataset.card.title
        assert "easy with changes, 64 px" in dataset.card.title

    def test_their_name_does_not_depend_on_how_a_path_is_written(
        self, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(12):
            folder = tmp_path / "pets" / ("cat" if number % 2 else "dog")
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((9, 9), 20 * number, np.uint8)).save(folder / f"{number}.png")
        settings = FEW.partition(",")[2]
        monkeypatch.chdir(tmp_path)
        near = load(f"scenes:./pets,{settings}")
        far = load(f"scenes:{tmp_path / 'pets'},{settings}")
        assert near.card.name == far.card.name == f"scenes:pets,{settings}"
        assert near.card.content_sha256 == far.card.content_sha256
        assert load().card.name == FEW

    def test_they_are_the_same_when_made_again(self, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = load()
        monkeypatch.setenv("EYECHART_CACHE", str(cache.parent.parent / "other"))
        again = load()
        assert first.card.content_sha256 == again.card.content_sha256
        assert np.array_equal(first.test.images, again.test.images)
        assert load(f"{FEW},seed=1").card.content_sha256 != first.card.content_sha256

    def test_a_part_shows_its_own_images_alone(self, cache: Path) -> None:
        """The images that makers of two parts draw from have none in common."""
        source = catalog.load_dataset("digits")
        makers = scene_makers(source, LEVELS["easy"], 0)
        drawn = {part: {image.tobytes() for image in maker._images[:]} for part, maker in makers.items()}
        own = split(source, rules_of("standard", "digits"), 0)
        assert len(makers["train"]._labels) == len(own.train)
        assert not drawn["train"] & drawn["validation"]
        shared_by_source = {image.tobytes() for image in source.train.images[:]} & {
            image.tobytes() for image in source.test.images[:]
        }
        assert not (drawn["train"] & drawn["test"]) - shared_by_source

    def test_a_share_of_train_keeps_boxes_with_their_images(self, cache: Path) -> None:
        dataset = load()
        half = split(dataset, rules_of("standard", FEW, fraction=0.5), 0).train
        assert half.objects is not None
        assert dataset.train.objects is not None
        where = [
            next(n for n in range(20) if np.array_equal(dataset.train.images[n], image)) for image in half.images[:]
        ]
        for row, n in enumerate(where):
            assert np.array_equal(half.objects.of(row)[0], dataset.train.objects.of(n)[0])


class TestStore:
    def test_it_is_made_once(self, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        load()
        (card,) = cache.glob(f"*/{CARD_FILE}")
        before = card.stat().st_mtime_ns
        load()
        assert card.stat().st_mtime_ns == before
        assert cache_folder() == cache.parent

    def test_who_stops_it_leaves_nothing(self, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from eyechart.data import box_store

        monkeypatch.setattr(box_store, "SAY_SECONDS", -1.0)

        def stop(sentence: str) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            catalog.load_dataset(FEW, offline=True, say=stop)
        assert not [path for path in cache.iterdir() if path.is_dir()]
        assert load().card.num_train == 20

    def test_a_full_disk_is_told_before_a_byte_is_written(self, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*given: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", refuse, raising=False)
            with pytest.raises(StorageError, match=r"No space left.*Free some space, or set EYECHART_CACHE"):
                load()
        assert not [path for path in cache.iterdir() if path.is_dir()]
        load()
        (made,) = [path for path in cache.iterdir() if path.is_dir()]
        killed = cache / f".{made.name}-x1y2"
        made.rename(killed)  # as a process leaves it that is killed at its work
        load()
        assert not killed.exists()

    def test_a_damaged_one_is_told_with_its_remedy(self, cache: Path) -> None:
        load()
        (objects,) = cache.glob("*/objects.npz")
        content = objects.read_bytes()
        objects.write_bytes(content[: len(content) // 2])
        with pytest.raises(DatasetError, match=r"damaged .*Delete"):
            load()

    def test_verify_reads_every_pixel(self, cache: Path) -> None:
        load()
        facts = catalog.verify(FEW)
        assert facts.sizes == {"train": 20, "validation": 6, "test": 8}
        assert facts.as_json()["sizes"] == facts.sizes
        assert "20 train images with" in "\n".join(facts.lines())
        (images,) = cache.glob("*/test.npy")
        array = np.load(images, mmap_mode="r+")
        array[0, 0, 0, 0] ^= 255
        array.flush()
        with pytest.raises(DatasetError, match="have the sha256"):
            catalog.verify(FEW)
