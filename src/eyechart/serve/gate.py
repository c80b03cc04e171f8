"""Who may ask, and how much: before any other code sees a request.

host      without a token, only requests to a name of this machine itself are answered: a page on the web could
          otherwise let its own name point here (DNS rebinding)
origin    a page of another origin may not post, whatever it does with the answer
token     where one is set, every request carries it: as a header, or as the cookie that /?token=... gives a browser
rate      a bucket of tokens for each address
body      bytes and seconds are counted while they come, chunked bodies too; who sends more is cut off
headers   the page may load from here alone
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response

from eyechart.serve.refusals import Refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from eyechart.serve.limits import Limits

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
COOKIE = "eyechart_token"
MOST_ADDRESSES = 4096  # whose rate is remembered
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
REPORT_POLICY = (  # one file that holds its style and script; nothing from anywhere else
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Access(NamedTuple):
    """Where the server listens, and what a request must carry."""

    host: str = "127.0.0.1"
    token: str | None = None


class Gate:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, access: Access, limits: Limits):
        self._app, self._access, self._limits = app, access, limits
        self._rates = _Rates(limits.per_second, limits.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._limits)
        answered = _Answered(send, body, REPORT_POLICY if scope["path"].startswith("/report") else PAGE_POLICY)
        try:
            early = self._early_answer(scope)
        except Refused as refused:
            early = refusal(refused)
        if early is not None:
            await early(scope, body, answered)
            return
        await self._app(scope, body, answered)

    def _early_answer(self, scope: Scope) -> Response | None:
        """A redirect that gives a browser its cookie; Refused for who may not ask."""
        headers = Headers(scope=scope)
        self._check_host(headers)
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != headers.get("host", ""):
            raise Refused(403, "The request comes from a page of another origin. Open this server's own page.")
        if self._access.token is not None:
            query = parse_qs(scope["query_string"].decode("latin-1"))
            asked = query.get("token", [""])[0]
            if scope["path"] == "/" and self._is_token(asked):
                welcome = RedirectResponse("/", 303)
                welcome.set_cookie(cookie_name(scope), asked, httponly=True, samesite="strict")
                return welcome
            if not any(self._is_token(given) for given in (_bearer(headers), _cookie(headers, cookie_name(scope)))):
                raise Refused(401, "This server asks for its token: open /?token=... or send an Authorization: Bearer")
        address = scope["client"][0] if scope.get("client") else ""
        if not self._rates.allows(address):
            raise Refused(429, f"More than {self._limits.per_second:g} requests a second; slow down.", retry_after=1)
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._limits.body_bytes:
            raise too_large(self._limits)
        return None

    def _check_host(self, headers: Headers) -> None:
        if self._access.token is not None:
            return
        asked = headers.get("host", "")
        if _name_in(asked) not in (*LOOPBACK_NAMES, self._access.host):
            raise Refused(421, f"This server is not called {asked[:80]!r}; expected 127.0.0.1 or localhost.")

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self._access.token or "").encode())


def cookie_name(scope: Scope) -> str:
    """Of its own for every port: browsers share cookies between all servers of a host."""
    server = scope.get("server")
    return f"{COOKIE}_{server[1]}" if server else COOKIE


def _name_in(host: str) -> str:
    """The name, or the address, of a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # of brackets that do not close
        return ""


def refusal(refused: Refused) -> JSONResponse:
    return JSONResponse({"error": refused.detail}, refused.status_code, dict(refused.headers or {}))


def too_large(limits: Limits) -> Refused:
    return Refused(413, f"The body is larger than {limits.body_bytes:,} bytes. Send a smaller picture.")


def _bearer(headers: Mapping[str, str]) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _cookie(headers: Mapping[str, str], name: str) -> str:
    """Of that name; cookies of other programs on this host come along, in whatever form they have."""
    for part in headers.get("cookie", "").split(";"):
        if part.strip().startswith(f"{name}="):
            with contextlib.suppress(CookieError):
                morsel = SimpleCookie(part.strip()).get(name)
                return morsel.value if morsel else ""
    return ""


class _Body:
    """`receive` that counts; raises Refused for what is too long or too slow."""

    def __init__(self, receive: Receive, limits: Limits):
        self._receive, self._limits = receive, limits
        self._num_bytes, self._end = 0, time.monotonic() + limits.body_seconds
        self.is_whole = False

    async def __call__(self) -> Message:
        if self.is_whole:
            return await self._receive()  # until the other side hangs up
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._end - time.monotonic()))
        except TimeoutError:
            seconds = self._limits.body_seconds
            raise Refused(408, f"The body did not come within {seconds:g} s; send it again.") from None
        self._num_bytes += len(message.get("body", b""))
        if self._num_bytes > self._limits.body_bytes:
            raise too_large(self._limits)
        self.is_whole = not message.get("more_body", False)
        return message


class _Answered:
    """`send` that adds headers; a connection whose body nobody read to its end is closed."""

    def __init__(self, send: Send, body: _Body, policy: str):
        self._send, self._body, self._policy = send, body, policy

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers["Content-Security-Policy"] = self._policy
            if not self._body.is_whole:
                headers["Connection"] = "close"
        await self._send(message)


class _Rates:
    """Buckets that fill with time."""

    def __init__(self, per_second: float, burst: int):
        self._per_second, self._burst = per_second, burst
        self._buckets: dict[str, tuple[float, float]] = {}  # address: (requests left, at what time)

    def allows(self, address: str) -> bool:
        now = time.monotonic()
        left, at = self._buckets.pop(address, (float(self._burst), now))
        left = min(float(self._burst), left + (now - at) * self._per_second)
        is_allowed = left >= 1
        self._buckets[address] = (left - is_allowed, now)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.pop(next(iter(self._buckets)))  # that was silent for longest
        return is_allowed
