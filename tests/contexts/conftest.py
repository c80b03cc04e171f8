"""What contexts that judge a study again are tried on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.in_process import eyechart

MadeOnce = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def small_study(made_once: MadeOnce) -> Path:
    """Two contenders on digits of 8 x 8 pixels, one seed; to be copied, not judged in."""

    def make(home: Path) -> None:
        trained = eyechart("run", "-m", "cnn,vit", "-d", "digits", "--steps", 30, "--seeds", "3", "--threads", 1,
                           "--offline", "--output", home, "--name", "small")  # fmt: skip
        assert trained.returncode == 0, trained.stderr

    return made_once("context-study", make) / "small"


@pytest.fixture(scope="session")
def judged_once(made_once: MadeOnce, small_study: Path) -> Callable[..., Path]:
    """`eyechart study CONTEXT` on a copy of it, once for all that ask with the same words; the study's folder."""

    def judged(context: str, figure: str, *words: object) -> Path:
        def make(home: Path) -> None:
            shutil.copytree(small_study, home / "small")
            with pytest.MonkeyPatch.context() as patch:  # a hundred small files: on a busy disk each wait takes long
                patch.setattr("os.fsync", lambda descriptor: None)
                done = eyechart("study", context, home / "small", "--threads", 1, *words)
            assert done.returncode == 0, done.stderr
            assert figure in done.stdout

        return made_once(f"{context}-study", make) / "small"

    return judged
