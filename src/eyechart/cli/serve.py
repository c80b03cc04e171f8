"""`eyechart serve`: a page on which one draws, and all contenders of a study answer."""

from __future__ import annotations

import contextlib
from pathlib import Path

import typer

from eyechart.cli import options
from eyechart.terminal.lines import say

PACKAGES = ("fastapi", "uvicorn", "python_multipart")


def serve(
    study: Path = typer.Argument(..., help="A study (one run of each contender: its first seed), or one run."),
    port: int = typer.Option(8765, "--port", min=0, max=65535, help="The next free one, if it is taken; 0: any."),
    host: str = typer.Option("127.0.0.1", "--host", help="Another address than loopback needs --token."),
    token: str = typer.Option(
        None, "--token", envvar="EYECHART_TOKEN", help="What every request must carry, if one is set."
    ),
    threads: int = typer.Option(None, "--threads", min=1, help="Networks asked at once. Default: all cores."),
    device: str = options.DEVICE,
) -> None:
    """Serve a page on this machine: draw, and all contenders of a study answer while you do."""
    from importlib.util import find_spec

    from eyechart.base.errors import UsageError

    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"eyechart serve needs packages that are not installed ({', '.join(missing)}). "
            f'Install them: pip install "eyechart[serve]"'
        )
    from eyechart.base.host import num_cores
    from eyechart.serve import start

    with contextlib.suppress(KeyboardInterrupt):  # this is how it ends
        start.serve(
            study, host=host, port=port, token=token, num_threads=threads or num_cores(), device=device, say=say
        )
    say("stopped", err=True)
