"""An address that is free, a server on it, until Ctrl-C."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from eyechart.base.errors import UsageError

PORT = 8765
NEXT_PORTS = 20  # that are tried after one that is taken
LEAST_TOKEN = 12  # characters
SHUTDOWN_SECONDS = 3


def check_access(host: str, token: str | None) -> None:
    """UsageError for an address that others can reach without a token that they would have to guess."""
    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable()):
        raise UsageError(
            f"--token got {len(token)} characters; expected at least {LEAST_TOKEN} of printable ASCII, hard to guess. "
            f'Make one: python3 -c "import secrets; print(secrets.token_urlsafe())"'
        )
    if token is None and not is_loopback(host):
        raise UsageError(
            f"--host {host} lets other machines ask; that needs --token TOKEN (or the variable EYECHART_TOKEN), which "
            f'every request must then carry. Make one: python3 -c "import secrets; print(secrets.token_urlsafe())"'
        )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bound(host: str, port: int, say: Callable[[str], None]) -> socket.socket:
    """A listening socket on `port`, or on the next one that is free.  UsageError where none can be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host got {host!r}, which is no address here ({error}); expected 127.0.0.1.") from None
    last = min(port + NEXT_PORTS, 65535) if port else 0
    for tried in range(port, last + 1):
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, tried))
            listening.listen(512)
        except OSError as error:
            listening.close()
            if error.errno == errno.EADDRINUSE:
                continue
            raise UsageError(
                f"{host}:{tried} cannot be listened on ({error.strerror}); choose another --host or --port."
            ) from None
        if port and tried != port:
            say(f"port {port} is taken; {tried} is used")
        return listening
    raise UsageError(f"All ports from {port} to {last} are taken; choose another --port.")


def address_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def serve(
    study: Path, *, host: str, port: int, token: str | None, num_threads: int, device: str, say: Callable[[str], None]
) -> None:
    """Open the study's networks and answer until somebody stops the program; `say` hears the address.

    Raises UsageError for an address that cannot be, StorageError for a study without finished runs.
    """
    import uvicorn

    from eyechart.base.host import tune_allocator
    from eyechart.inference.panel import open_panel, runs_at
    from eyechart.serve.app import build_app
    from eyechart.serve.gate import Access
    from eyechart.serve.limits import Limits
    from eyechart.serve.reading import Reader

    check_access(host, token)
    with bound(host, port, say) as listening:
        tune_allocator()  # before the first tensor
        runs, limits = runs_at(study), Limits()
        say(f"opening {len(runs)} networks ...")
        reader = Reader(open_panel(runs, device=device), num_threads, limits)
        reader.warm_up()
        app = build_app(reader, study, runs, Access(host, token), limits)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            limit_concurrency=1024,
        )
        say(f"{with_token(address_of(listening), token)}   (Ctrl-C ends)")
        uvicorn.Server(config).run(sockets=[listening])


def with_token(address: str, token: str | None) -> str:
    """What a browser opens: a token may hold signs that mean something in an address, as those of base64 do."""
    return f"{address}?token={quote(token, safe='')}" if token else address
