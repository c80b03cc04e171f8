"""records/bench.json: every benchmark's latest result, with the machine that it comes from.

Benchmarks can be run one by one: each result is merged into the file as soon as it is there.  Results of different
machines do not go into one file, because no two figures in it could be compared.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.harness import Settings
from eyechart.base.errors import StorageError, UsageError
from eyechart.base.host import host_facts
from eyechart.base.plain_json import json_text
from eyechart.files.storage import write_text

COMMAND = "make bench"
SAME_MACHINE = ("cpu", "num_cores", "memory_bytes", "platform", "python", "num_threads", "device")
SAME_VERSIONS = ("torch", "torchvision", "numpy")


def read(path: Path) -> dict[str, Any]:
    """The record, or an empty one where there is no file yet."""
    if not path.exists():
        return {"schema_version": 1, "command": COMMAND, "commit": "", "date": "", "host": {}, "results": {}}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} is damaged ({error}). Delete it and measure again.") from None
    if not isinstance(content, dict) or not isinstance(content.get("results"), dict) or "host" not in content:
        raise StorageError(f"{path} is damaged (it holds no results of a host). Delete it and measure again.")
    return content


def host_of(settings: Settings) -> dict[str, Any]:
    """Facts of this machine, as every record carries them; its name is nobody's business."""
    return host_facts(None, settings.num_threads).model_dump(mode="json", exclude={"hostname"})


def check_same_machine(content: dict[str, Any], host: dict[str, Any], path: Path) -> None:
    """UsageError when `path` holds results of another machine, of other versions, or with other threads."""
    old = content["host"]
    if not old:
        return
    differing = [name for name in SAME_MACHINE if old.get(name) != host[name]]
    differing += [name for name in SAME_VERSIONS if old.get("versions", {}).get(name) != host["versions"].get(name)]
    if differing:
        raise UsageError(
            f"{path} holds results from elsewhere: {', '.join(differing)} differ. Results of two machines cannot be "
            f"compared. Choose another file with --output, or delete this one and measure everything again."
        )


def is_current(content: dict[str, Any], name: str, host: dict[str, Any]) -> bool:
    """Whether `name` was measured with the code as it is now; code with changes of nobody knows what never is."""
    commit = content["results"].get(name, {}).get("commit")
    return commit == host["commit"] and not str(commit).endswith("-dirty")


def merge(path: Path, name: str, entry: dict[str, Any], host: dict[str, Any]) -> None:
    """Put one result into the file, which is read anew and written whole."""
    content = read(path)
    check_same_machine(content, host, path)
    today = datetime.now(UTC).date().isoformat()
    content["results"][name] = entry | {"commit": host["commit"], "date": today, "load_average": host["load_average"]}
    content |= {"commit": host["commit"], "date": today, "host": host}
    write_text(path, json_text(content, indent=1) + "\n")
