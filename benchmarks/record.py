"""records/bench.json: every benchmark's latest result, each with the machine that it comes from.

Benchmarks can be run one by one, and on different days: each result is merged into the file as soon as it is there.
Both sides of one result were measured in turns on one machine, so ratios may come from several; single figures are
compared only within one, and the page that is made of this file says which is which.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from benchmarks.harness import Settings
from eyechart.base.errors import StorageError
from eyechart.base.host import host_facts
from eyechart.base.plain_json import json_text
from eyechart.files.storage import write_text

COMMAND = "make bench"
VERSION = 2  # 1 had one machine for all results


def read(path: Path) -> dict[str, Any]:
    """The record, or an empty one where there is no file yet."""
    if not path.exists():
        return {"schema_version": VERSION, "command": COMMAND, "results": {}}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} is damaged ({error}). Delete it and measure again.") from None
    if not isinstance(content, dict) or not isinstance(content.get("results"), dict):
        raise StorageError(f"{path} is damaged (it holds no results). Delete it and measure again.")
    if content.get("schema_version", 1) > VERSION:
        raise StorageError(f"{path} is of a later eyechart. Expected version {VERSION} or less: update eyechart.")
    return _upgraded(content)


def _upgraded(content: dict[str, Any]) -> dict[str, Any]:
    machine = content.get("host", {})
    results = {name: {"host": machine} | entry for name, entry in content["results"].items()}
    return {"schema_version": VERSION, "command": content.get("command", COMMAND), "results": results}


def host_of(settings: Settings) -> dict[str, Any]:
    """Facts of this machine, as every record carries them; its name is nobody's business.

    CPUs of one name differ in what they can: `capability` says which vector units torch uses.
    """
    facts = host_facts(None, settings.num_threads).model_dump(mode="json", exclude={"hostname"})
    return facts | {"capability": torch.backends.cpu.get_cpu_capability()}


def is_current(content: dict[str, Any], name: str, host: dict[str, Any]) -> bool:
    """Whether `name` was measured with the code as it is now; code with changes of nobody knows what never is."""
    commit = content["results"].get(name, {}).get("commit")
    return commit == host["commit"] and not str(commit).endswith("-dirty")


def merge(path: Path, name: str, entry: dict[str, Any], host: dict[str, Any]) -> None:
    """Put one result into the file, which is read anew and written whole."""
    content = read(path)
    today = datetime.now(UTC).date().isoformat()
    machine = {key: fact for key, fact in host.items() if key not in ("commit", "load_average")}
    content["results"][name] = {
        **entry, "commit": host["commit"], "date": today, "load_average": host["load_average"], "host": machine,
    }  # fmt: skip
    write_text(path, json_text(content, indent=1) + "\n")
