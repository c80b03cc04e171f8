"""The files of a study's report that may be asked for: a list, so that no name leads anywhere else."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from eyechart.files.storage import FIGURE_FILES, FIGURES_FOLDER, REPORT_FILE, RUN_FILE, STUDY_FILES

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


def report_files(study: Path) -> dict[str, Path]:
    """Address below the report's own -> file: the page ("" too), its synthesis, figures, and the runs' records.

    Links are left out: they may lead out of the study.
    """
    pages = [study / REPORT_FILE, *(study / name for name in STUDY_FILES if name.endswith(".md"))]
    figures = [
        path
        for path in (study / FIGURES_FOLDER).glob("*")
        if any(fnmatchcase(path.name, pattern) for pattern in FIGURE_FILES)
    ]
    found = {
        path.relative_to(study).as_posix(): path
        for path in (*pages, *figures, *study.glob(f"*/{RUN_FILE}"))
        if path.is_file() and not path.is_symlink() and not path.parent.is_symlink() and path.suffix in KINDS
    }
    return found | ({"": found[REPORT_FILE]} if REPORT_FILE in found else {})


def has_report(study: Path) -> bool:
    return REPORT_FILE in report_files(study)
