"""What a folder of data holds and nobody reads: counted by kind, and told before anything is trained."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field

from eyechart.data.ignored import is_hidden


@dataclass
class Skipped:
    """The counts, filled while a folder is listed."""

    endings: Counter[str] = field(default_factory=Counter)  # of files that are no pictures; "" for none
    num_hidden: int = 0  # files and folders
    num_beside: int = 0  # pictures beside the class folders
    num_linked: int = 0  # links to folders that are read already, or that lead in circles
    folders: list[str] = field(default_factory=list)  # made by programs, or beside the parts

    def add_file(self, name: str) -> None:
        """Count a file that is no picture, or hidden."""
        if is_hidden(name):
            self.num_hidden += 1
        else:
            self.endings[os.path.splitext(name)[1].lower()] += 1

    def kinds(self) -> list[str]:
        """A phrase for each kind that there is."""
        phrases = [
            _counted(self.num_beside, "picture beside the class folders", "pictures beside the class folders"),
            _counted(self.num_hidden, "hidden file or folder", "hidden files or folders"),
            _counted(self.num_linked, "link to a folder read already", "links to folders read already"),
            f"the folders {', '.join(self.folders)}" if self.folders else "",
        ]
        return [phrase for phrase in (self._files(), *phrases) if phrase]

    def _files(self) -> str:
        """Files by ending, the most frequent first: "3 files ending in .svg, 1 in .heic"."""
        ordered = sorted(self.endings, key=lambda ending: (-self.endings[ending], ending))
        phrases = [f"{self.endings[ending]:,} {f'in {ending}' if ending else 'without one'}" for ending in ordered]
        if not phrases:
            return ""
        count, _, first = phrases[0].partition(" ")
        noun = "file" if count == "1" else "files"
        first = f"{count} {noun} {'without an ending' if first == 'without one' else f'ending {first}'}"
        return ", ".join([first, *phrases[1:]])


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}" if count else ""
