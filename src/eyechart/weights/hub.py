"""Files of the Hugging Face hub, in the folder where its own downloader keeps them: safetensors alone, never a pickle.

<HF_HOME>/hub/models--OWNER--REPOSITORY/snapshots/COMMIT/NAME -> ../../blobs/SHA256

What is there is used as it is, so that a file changes under nobody's hands; HF_ENDPOINT names another server.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any, NamedTuple

from eyechart.base.errors import MissingError, UsageError, WeightsError
from eyechart.files.places import HUB
from eyechart.schema.contracts import StartingWeights
from eyechart.weights.fetching import DOWNLOAD_SECONDS, reach, run_python, sha256_of_file
from eyechart.weights.files import SUFFIXES, read_weights

SAFE_SUFFIX = SUFFIXES[0]
SHA256 = re.compile(r"[0-9a-f]{64}")  # how the hub names a large file that it keeps
REFERENCE = re.compile(rf"{HUB}(?P<repository>[^/@\s]+/[^/@\s]+)/(?P<name>[^@\s]+)(?:@(?P<revision>[^@\s]+))?")

# The hub's own downloader, in a process of its own so that a deadline holds.
_DOWNLOAD = """
import sys, huggingface_hub
repository, name, revision, folder = sys.argv[1:]
huggingface_hub.hf_hub_download(repository, name, revision=revision, cache_dir=folder)
"""


class HubFile(NamedTuple):
    """A file of a repository on the hub."""

    repository: str  # "timm/resnet18.a1_in1k"
    name: str  # "model.safetensors", folders of the repository before it
    revision: str = "main"  # a branch, a tag or a commit


def file_of(choice: str) -> HubFile:
    """ "hf:OWNER/REPOSITORY/FILE.safetensors", with @REVISION behind it or not; UsageError for anything else."""
    found = REFERENCE.fullmatch(choice)
    if found is None or not found["name"].endswith(SAFE_SUFFIX):
        raise UsageError(
            f"{choice!r} names no file of the Hugging Face hub that is opened here. Expected "
            f"{HUB}OWNER/REPOSITORY/FILE{SAFE_SUFFIX}, and behind it @ and a revision if not main's is meant."
        )
    return HubFile(found["repository"], found["name"], found["revision"] or "main")


def folder() -> Path:
    """The hub's cache."""
    return Path(_hub(".constants").HF_HUB_CACHE)


def cached_path(wanted: HubFile) -> Path | None:
    """The file in the hub's cache; None when it is not there."""
    hub = _hub()
    try:
        found = hub.try_to_load_from_cache(
            wanted.repository, wanted.name, revision=wanted.revision, cache_dir=folder()
        )  # fmt: skip
    except _hub(".errors").HFValidationError as error:
        raise UsageError(f"{wanted.repository!r} names no repository of the Hugging Face hub: {error}") from None
    return Path(found) if isinstance(found, str) else None


def checked(path: Path, remedy: str) -> str:
    """The sha256 of a file in the hub's cache.  Raises WeightsError, with the remedy, if it is not what was fetched."""
    sha256, expected = sha256_of_file(path), path.resolve().name
    if SHA256.fullmatch(expected) and sha256 != expected:
        raise WeightsError(
            f"{path} is damaged: found sha256 {sha256[:8]}..., expected {expected[:8]}... as the hub named it. "
            f"Delete {path.resolve()} and fetch it again: {remedy}"
        )
    return sha256


def read_cached(architecture: str, choice: str) -> StartingWeights | None:
    """The weights `choice` names, from the cache; None when they are not there.

    Raises UsageError for no file's name, WeightsError if they are damaged or do not fit.
    """
    wanted = file_of(choice)
    path = cached_path(wanted)
    if path is None:
        return None
    checked(path, f"eyechart weights fetch {architecture}:{choice}")
    found = read_weights(path, architecture)
    told = f"{wanted.name} of {wanted.repository} on the Hugging Face hub, commit {commit_of(path, wanted)}"
    on = f"what {wanted.repository} was trained on"
    return found._replace(
        origin=found.origin.model_copy(update={"name": "hub", "description": told, "pretrained_on": on})
    )


def commit_of(path: Path, wanted: HubFile) -> str:
    """Of which commit of its repository a file in the cache is."""
    return path.parts[-len(Path(wanted.name).parts) - 1]


def fetch(wanted: HubFile) -> str:
    """Download into the hub's cache; the reason when it cannot be had, else empty."""
    url = _hub().hf_hub_url(wanted.repository, wanted.name, revision=wanted.revision)
    return reach(url) or run_python(["-c", _DOWNLOAD, *wanted, str(folder())], DOWNLOAD_SECONDS)


def where(wanted: HubFile) -> str:
    """What to do by hand."""
    revision = "" if wanted.revision == "main" else f" --revision {wanted.revision}"
    return (
        f"On a machine that can reach it, give `hf download {wanted.repository} {wanted.name}{revision}`, and copy "
        f"what that puts into the hub's cache to {folder()}."
    )


def _hub(part: str = "") -> Any:
    try:
        return importlib.import_module(f"huggingface_hub{part}")
    except ImportError:
        raise MissingError(
            "Weights of the Hugging Face hub need huggingface_hub, which is not installed. "
            "Install the extra: pip install 'eyechart[zoo]'"
        ) from None
