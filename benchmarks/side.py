"""The process in which one side of a benchmark lives: prepares, then measures once for every line that it reads.

The call comes as JSON, as harness.SideSpec gives it.  The factory is called with its arguments, prepares and warms up,
and returns the function that measures.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

from eyechart.base import host


def main() -> None:
    call = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not look like an answer
    if call["is_ours"]:
        host.tune_allocator()  # as eyechart's worker does; must come before the first tensor
    host.set_threads(call["num_threads"])
    module, _, function = call["factory"].partition(":")
    measure = getattr(importlib.import_module(module), function)(**call["arguments"])
    print(json.dumps({"value": "ready"}), file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps({"value": measure()}), file=answers, flush=True)


if __name__ == "__main__":
    main()
