"""Fetch one of torchvision's datasets, check it with torchvision's checksums, and write it as four IDX files.

Run as a process of its own (`python -m eyechart.data.torchvision_child NAME ROOT OUTPUT [--offline]`), so that whoever
waits for it can put an end to it.  Answers with one line of JSON: {} when all went well, {"missing": [...]} when
--offline forbids to fetch these files, {"failed": reason, "missing": [...]}.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
from torchvision import datasets
from torchvision.datasets.utils import check_integrity

from eyechart.base.plain_json import json_text
from eyechart.data import idx
from eyechart.data.idx import IDX_FILES
from eyechart.files.cache import keep

SOCKET_SECONDS = 20  # torchvision sets no timeout of its own
FASHION, KUZUSHIJI = "fashion-mnist", "kmnist"


def main(arguments: list[str]) -> int:
    name, root, output = arguments[0], Path(arguments[1]), Path(arguments[2])
    socket.setdefaulttimeout(SOCKET_SECONDS)
    missing = missing_files(name, root)
    if missing and "--offline" in arguments:
        return _answer({"missing": missing})
    damaged = [file for file in missing if (root / file).exists()]
    if damaged:  # torchvision would take some of them unseen
        return _answer(
            {"failed": f"{', '.join(damaged)} below {root} has another checksum; delete it", "missing": missing}
        )
    try:
        convert(name, root, output)
    except Exception as error:  # whatever it is, the other process needs a plain reason
        return _answer({"failed": f"{type(error).__name__}: {error}", "missing": missing})
    return _answer({})


def source_files(name: str) -> dict[str, str]:
    """What torchvision downloads for a dataset: path below its root -> md5 (from torchvision's own tables)."""
    if name == "usps":
        return {file: md5 for _, file, md5 in datasets.USPS.split_list.values()}
    if name == "emnist-letters":
        return {f"EMNIST/raw/{Path(datasets.EMNIST.url).name}": datasets.EMNIST.md5}
    if name == "qmnist":
        resources = datasets.QMNIST.resources["train"] + datasets.QMNIST.resources["test"]
        return {f"QMNIST/raw/{Path(url).name}": md5 for url, md5 in resources}
    kind = {FASHION: datasets.FashionMNIST, KUZUSHIJI: datasets.KMNIST}[name]
    return {f"{kind.__name__}/raw/{file}": md5 for file, md5 in kind.resources}


def missing_files(name: str, root: Path) -> list[str]:
    """Those of the source files that are not below `root`, or not with the right checksum."""
    return [file for file, md5 in source_files(name).items() if not check_integrity(root / file, md5)]


def convert(name: str, root: Path, output: Path) -> None:
    """Let torchvision load (and download) both parts, and write them to `output` under MNIST's file names."""
    parts = [arrays(name, open_part(name, root, is_train)) for is_train in (True, False)]
    contents = [array for part in parts for array in part]
    for file, array in zip(IDX_FILES, contents, strict=True):
        keep(output / file, idx.pack(array))


def open_part(name: str, root: Path, is_train: bool) -> Any:
    """torchvision's dataset; it takes what is below `root` and fetches what is not."""
    if name == "emnist-letters":
        return datasets.EMNIST(root, split="letters", train=is_train, download=True)
    kinds = {FASHION: datasets.FashionMNIST, KUZUSHIJI: datasets.KMNIST, "qmnist": datasets.QMNIST}
    return kinds.get(name, datasets.USPS)(root, train=is_train, download=True)


def arrays(name: str, part: Any) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, H, W), upright, and labels int64 (N,) in 0..K-1."""
    images, labels = np.asarray(part.data), np.asarray(part.targets, dtype=np.int64)
    if name == "emnist-letters":
        return images.transpose(0, 2, 1), labels - 1  # stored column by column, and counted from 1
    if name == "qmnist":
        return images, labels[:, 0]  # the other columns tell the writer
    return images, labels


def _answer(reply: dict[str, Any]) -> int:
    sys.stdout.write(json_text(reply) + "\n")
    return 1 if reply else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
