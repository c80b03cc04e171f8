"""What runs are called where they stand beside each other."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

from eyechart.comparison.naming import one_by_one
from eyechart.files.storage import read_run


def test_no_two_runs_are_called_alike(fake_runs: ModuleType, tmp_path: Path) -> None:
    one, other = fake_runs.fake_study(tmp_path / "a" / "s", {"cnn": fake_runs.FIVE["cnn"]}, (0, 1), num_items=50)
    shutil.copytree(one, tmp_path / "b" / "s" / one.name)
    shutil.copytree(one, one.with_name("copy"))

    def named(*folders: Path) -> list[tuple[str, str]]:
        return one_by_one({folder: read_run(folder) for folder in folders})

    study = read_run(one).study
    assert named(one) == [("cnn-s0", "cnn")]
    assert named(one, other) == [("cnn-s0", "cnn (cnn-s0)"), ("cnn-s1", "cnn (cnn-s1)")]
    assert named(one, one.with_name("copy"))[1] == (f"{study}/copy", f"cnn ({study}/copy)")
    elsewhere = tmp_path / "b" / "s"
    assert named(one, elsewhere / one.name)[1] == (
        f"{study} in {elsewhere}/cnn-s0",
        f"cnn ({study} in {elsewhere})",
    )
