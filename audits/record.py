"""records/audit.json: the latest answer of every audit, each with the code and the machine that gave it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audits.settings import Answer
from eyechart.base.errors import StorageError
from eyechart.base.host import host_facts
from eyechart.base.plain_json import json_text
from eyechart.files.storage import write_text

COMMAND = "make audit"


def read(path: Path, command: str = COMMAND) -> dict[str, Any]:
    """The record, or an empty one where there is no file yet."""
    if not path.exists():
        return {"schema_version": 1, "command": command, "commit": "", "date": "", "host": {}, "results": {}}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} is damaged ({error}). Delete it and audit again.") from None
    if not isinstance(content, dict) or not isinstance(content.get("results"), dict):
        raise StorageError(f"{path} is damaged (it holds no results). Delete it and audit again.")
    return content


def host_of() -> dict[str, Any]:
    """Facts of this machine, as every record carries them; its name is nobody's business."""
    return host_facts(None, 1).model_dump(mode="json", exclude={"hostname"})


def is_current(content: dict[str, Any], name: str, commit: str) -> bool:
    """Whether `name` was passed by the code as it is now; code with changes of nobody knows what never is."""
    entry = content["results"].get(name, {})
    return bool(entry.get("passed")) and entry.get("commit") == commit and not commit.endswith("-dirty")


def merge(path: Path, name: str, answer: Answer, host: dict[str, Any], command: str = COMMAND) -> None:
    """Put one answer into the file, which is read anew and written whole."""
    content = read(path, command)
    today = datetime.now(UTC).date().isoformat()
    origin = {"commit": host["commit"], "date": today, "load_average": host["load_average"]}
    content["results"][name] = answer.figures | {"passed": answer.passed} | origin
    content |= {"commit": host["commit"], "date": today, "host": host}
    write_text(path, json_text(content, indent=1) + "\n")
