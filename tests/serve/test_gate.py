"""Who may ask, how much and how often; bodies without end are cut off on a real connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient

from eyechart.serve.gate import COOKIE, Access, Gate
from eyechart.serve.limits import Limits
from eyechart.serve.refusals import Refused
from eyechart.serve.start import with_token

TOKEN = "correct-horse-battery"


# --------------------------------------------------------------------------------------------- who


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200),
        ("localhost", 200),
        ("[::1]:1", 200),
        ("LOCALHOST:80", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:8765", 421),
        ("localhost.evil.example", 421),
        ("", 421),
        ("[broken", 421),
    ],
)
def test_only_names_of_this_machine_are_answered(client: TestClient, host: str, status: int) -> None:
    """What keeps a page on the web from letting its own name point here."""
    for path in ("/", "/api/study", "/report/", "/openapi.json", "/nowhere"):
        response = client.get(path, headers={"Host": host})
        assert response.status_code == (404 if path == "/nowhere" and status == 200 else status), path


def test_pages_of_other_origins_may_not_post(client: TestClient, three: bytes) -> None:
    def status(origin: str) -> int:
        headers = {"Origin": origin, "Content-Type": "image/png"}
        return client.post("/api/predict", content=three, headers=headers).status_code

    assert status("http://127.0.0.1:8765") == 200
    assert [status(each) for each in ("https://evil.example", "http://127.0.0.1:1", "null")] == [403, 403, 403]
    allowed = client.options("/api/predict", headers={"Access-Control-Request-Method": "POST"})
    assert "access-control-allow-origin" not in allowed.headers


def test_headers_keep_the_page_to_itself(client: TestClient) -> None:
    for path in ("/", "/api/study", "/report/", "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_every_request_carries_the_token(serving: Callable[..., TestClient]) -> None:
    with serving(Access("0.0.0.0", TOKEN)) as client:
        for path in ("/", "/api/study", "/page/page.js", "/report/", "/openapi.json", "/nowhere"):
            assert client.get(path).status_code == 401, path
        assert client.get("/?token=wrong").status_code == 401
        assert client.get("/api/study?token=" + TOKEN).status_code == 401, "only the page's address gives the cookie"
        wrong = ("Bearer wrong", "Basic " + TOKEN, "Bearer", "Bearer schlüssel".encode())
        assert [client.get("/", headers={"Authorization": each}).status_code for each in wrong] == [401] * 4  # type: ignore[dict-item]
        headers = {"Authorization": f"Bearer {TOKEN}", "Host": "my-machine.lan:8765"}
        assert client.get("/api/study", headers=headers).status_code == 200, "under whatever name"
        welcome = client.get(f"/?token={TOKEN}", follow_redirects=False)
        assert (welcome.status_code, welcome.headers["location"]) == (303, "/")
        assert {"HttpOnly", "SameSite=strict"} <= set(welcome.headers["set-cookie"].split("; "))
        assert dict(client.cookies.items()) == {own_cookie(client): TOKEN}
        assert client.get("/api/study").status_code == 200


def own_cookie(client: TestClient) -> str:
    """Of the port that it asks."""
    return f"{COOKIE}_{client.base_url.port or 80}"


@pytest.mark.parametrize(
    "foreign", ['prefs={"a":1}', "a=b c", "foo", "x=\u00e9", "arr[0]=1", "path=/x", f"{COOKIE}_1=other"]
)
def test_cookies_of_other_programs_lock_nobody_out(serving: Callable[..., TestClient], foreign: str) -> None:
    """Browsers send them along to every port of a host, in whatever form they have."""
    with serving(Access("0.0.0.0", TOKEN)) as client:
        own = f"{own_cookie(client)}={TOKEN}"
        for cookie in (f"{foreign}; {own}", f"{own}; {foreign}"):
            assert client.get("/api/study", headers={"Cookie": cookie.encode()}).status_code == 200, cookie
        assert client.get("/api/study", headers={"Cookie": foreign.encode()}).status_code == 401


@pytest.mark.parametrize(
    "token", ["abc+def/ghi=jklmnop", "abcd&efghijklmnopqr", "abcd#efghijklmnopqr", "abcd%41efghijklmnop"]
)
def test_the_address_that_is_told_lets_in(serving: Callable[..., TestClient], token: str) -> None:
    with serving(Access("0.0.0.0", token)) as client:
        address = with_token("/", token)
        assert client.get(address, follow_redirects=False).status_code == 303
        assert client.get("/api/study").status_code == 200


# --------------------------------------------------------------------------------------------- how much


def test_rate_is_limited_and_comes_back(serving: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("eyechart.serve.gate.time", SimpleNamespace(monotonic=lambda: now[0]))
    with serving(per_second=5, burst=3) as client:
        asked = [client.get("/api/study") for _ in range(5)]
        assert [each.status_code for each in asked] == [200, 200, 200, 429, 429]
        assert asked[-1].headers["retry-after"] == "1"
        assert "5 requests a second" in asked[-1].json()["error"]
        now[0] += 0.3
        assert client.get("/api/study").status_code == 200


def test_long_bodies_are_refused(serving: Callable[..., TestClient], three: bytes) -> None:
    with serving(body_bytes=len(three)) as client:
        headers = {"Content-Type": "image/png"}
        assert client.post("/api/predict", content=three, headers=headers).status_code == 200
        told = client.post("/api/predict", content=three + b"x", headers=headers)
        chunked = client.post("/api/predict", content=iter([three, b"x"]), headers=headers)
        form = client.post("/api/predict", files={"file": ("3.png", three)})
    for response in (told, chunked, form):
        assert response.status_code == 413
        assert f"{len(three):,} bytes" in response.json()["error"]
        assert response.headers["connection"] == "close"


def test_concurrency_is_limited(serving: Callable[..., TestClient], reader: Any, three: bytes) -> None:
    """One picture is read, one waits, the third is told to come again."""
    released = threading.Event()

    class Slow:
        def one(self, content: bytes, **options: Any) -> Any:
            assert released.wait(20)
            return reader.one(content, **options)

        def __getattr__(self, name: str) -> Any:
            return getattr(reader, name)

    found: list[int] = []
    with serving(answering=Slow(), waiting=2) as client:

        def ask() -> None:
            headers = {"Content-Type": "image/png"}
            found.append(client.post("/api/predict", content=three, headers=headers).status_code)

        waiting = [threading.Thread(target=ask) for _ in range(2)]
        for each in waiting:
            each.start()
        time.sleep(0.5)
        refused = client.post("/api/predict", content=three, headers={"Content-Type": "image/png"})
        assert client.get("/api/study").status_code == 200, "all else is answered meanwhile"
        released.set()
        for each in waiting:
            each.join(20)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert found == [200, 200]


# --------------------------------------------------------------------------------------------- on a real connection


@contextlib.contextmanager
def listening(**limits: Any) -> Iterator[tuple[str, int]]:
    """A gate before something that reads whole bodies, on a port of its own."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        status = 200
        try:
            while (await receive()).get("more_body"):
                pass
        except Refused as refused:
            status = refused.status_code
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    gate = Gate(app, Access(), Limits(**limits))
    server = uvicorn.Server(uvicorn.Config(gate, log_level="critical", lifespan="off"))
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])))
        thread.start()
        try:
            yield bound.getsockname()[:2]
        finally:
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()


HEAD = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"


def test_an_endless_body_is_cut_off() -> None:
    with listening(body_bytes=100_000) as address, socket.create_connection(address, timeout=10) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 50_000_000:
                connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                sent += 4096
        assert sent < 50_000_000, "the connection was closed"


def test_an_endless_body_that_nobody_reads_is_cut_off_too() -> None:
    """Refused for its host, before a byte of it was looked at."""
    with listening() as address, socket.create_connection(address, timeout=10) as connection:
        connection.sendall(HEAD.replace(b"127.0.0.1", b"evil.example") + b"Transfer-Encoding: chunked\r\n\r\n")
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 421")
        with contextlib.suppress(ConnectionError):
            while connection.recv(4096):
                pass


def test_a_body_that_never_comes_is_waited_for_so_long() -> None:
    with listening(body_seconds=0.3) as address, socket.create_connection(address, timeout=10) as connection:
        started = time.monotonic()
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\nabc")
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")
        assert 0.2 < time.monotonic() - started < 5
