"""Write docs/cli.md from the command line itself, so that it always says what the commands say.

python scripts/cli_reference.py            docs/cli.md of this project
python scripts/cli_reference.py FILE       another file; tests/test_docs.py compares the two
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
HEAD = "<!-- Made by scripts/cli_reference.py from the commands' own help; do not edit. -->\n\n"


def main() -> None:
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / "docs" / "cli.md"
    write_reference(output)


def write_reference(output: Path) -> None:
    """What typer says of every command, as Markdown.  Options keep their defaults, whatever the environment sets."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EYECHART_")}
    command = [sys.executable, "-m", "typer", "eyechart.cli", "utils", "docs", "--name", "eyechart"]
    subprocess.run([*command, "--output", str(output)], check=True, stdout=subprocess.DEVNULL, env=environment)
    output.write_text(HEAD + output.read_text(encoding="utf-8").strip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
