"""What stands before every route, as plain ASGI: hosts, token, rate, correlation, headers."""

import re
import secrets
import time
from collections import OrderedDict

from loguru import logger
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.settings import Limits
from infrastructure.data_directory import same_token
from infrastructure.rest.problems import problem, unexpected
from infrastructure.web import door
from infrastructure.web.sessions import Sessions

CORRELATION = re.compile(r"[A-Za-z0-9._-]{1,64}")
PORT = re.compile(r":\d+$")
WINDOW_SECONDS = 60
REMEMBERED = 1000
OPEN = frozenset({"/health", "/ready", "/openapi.json", "/reference"})
CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
NEEDED = "This call needs `Authorization: Bearer TOKEN`; the token is in the data directory's file `token`."


class Guards:
    """Host allow-list, the token on every path that is not open (on the page: a session), requests a minute,
    `X-Correlation-ID`, security headers, and an answer when something breaks."""

    def __init__(self, app: ASGIApp, *, hosts: tuple[str, ...], limits: Limits, token: str, sessions: Sessions) -> None:
        self._app, self._hosts, self._token = app, {host.lower() for host in hosts}, token
        self._door = door.Door(sessions)
        self._rates = Rates(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-correlation-id", "")
        correlation = given if CORRELATION.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["correlation"] = correlation
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _mark(MutableHeaders(scope=message), correlation)
            await send(message)

        with logger.contextualize(correlation=correlation):
            try:
                await (self._refused(scope, headers) or self._app)(scope, receive, answer)
            except Exception as error:
                refusal = unexpected(error, scope["method"], scope["path"], correlation)
                if not started:
                    await refusal(scope, receive, answer)

    def _refused(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        path: str = scope["path"]
        host = PORT.sub("", headers.get("host", "")).lower()
        if host not in self._hosts:
            return problem(421, f"This server does not answer for the host {host[:100]!r}.", path)
        page = door.is_page(path)
        known = self._door.knows(headers) if page else signed_in(headers.get("authorization", ""), self._token)
        if not self._rates.passes(self._token if known else _address(scope), known=known):
            detail = "Too many requests this minute; wait, or raise limits.requests_per_minute."
            return problem(429, detail, path, headers={"Retry-After": str(WINDOW_SECONDS)})
        if page:
            return self._door.refused(scope, headers, known=known)
        if not known and path not in OPEN:
            return problem(401, NEEDED, path, headers={"WWW-Authenticate": "Bearer"})
        return None


class Rates:
    """Requests a minute, in fixed windows: by token, without a valid one by address. Old ones are forgotten."""

    def __init__(self, limits: Limits) -> None:
        self._known, self._anonymous = limits.requests_per_minute, limits.anonymous_per_minute
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def passes(self, who: str, *, known: bool) -> bool:
        now = time.monotonic()
        start, count = self._windows.pop(who, (now, 0))
        if now - start >= WINDOW_SECONDS:
            start, count = now, 0
        self._windows[who] = (start, count + 1)
        while len(self._windows) > REMEMBERED:
            self._windows.popitem(last=False)
        return count < (self._known if known else self._anonymous)


def signed_in(authorization: str, token: str) -> bool:
    scheme, _, credentials = authorization.partition(" ")
    return scheme.lower() == "bearer" and same_token(credentials.strip(), token)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return f"address {client[0]}" if client else "address"


def _mark(headers: MutableHeaders, correlation: str) -> None:
    headers["X-Correlation-ID"] = correlation
    headers.setdefault("Content-Security-Policy", CSP)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cache-Control", "no-store")
