"""What stands before every route, as plain ASGI: hosts, size, rate, correlation, headers."""

import re
import secrets
import time
from collections import OrderedDict

from loguru import logger
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.settings import Limits
from infrastructure.rest.problems import problem

CORRELATION = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
ANONYMOUS_A_MINUTE = 60
CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
MAX_DEPTH = 32


class Guards:
    """Host allow-list, body limits, requests a minute by token, `X-Correlation-ID`, security headers."""

    def __init__(self, app: ASGIApp, *, hosts: tuple[str, ...], limits: Limits) -> None:
        self._app, self._hosts, self._limits = app, {host.lower() for host in hosts}, limits
        self._rates: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        correlation = headers.get("x-correlation-id", "")
        correlation = correlation if CORRELATION.match(correlation) else secrets.token_hex(8)
        scope.setdefault("state", {})["correlation"] = correlation

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._mark(MutableHeaders(scope=message), correlation)
            await send(message)

        with logger.contextualize(correlation=correlation):
            refusal = self._refused(scope, headers)
            if refusal is not None:
                await refusal(scope, receive, answer)
            else:
                await self._limited(scope, headers, receive, answer)

    def _mark(self, headers: MutableHeaders, correlation: str) -> None:
        headers["X-Correlation-ID"] = correlation
        headers.setdefault("Content-Security-Policy", CSP)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "no-referrer")
        headers.setdefault("Cache-Control", "no-store")

    def _refused(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        host = re.sub(r":\d+$", "", headers.get("host", "")).lower()
        if host not in self._hosts:
            return problem(421, "Unknown host", f"This server does not answer for the host {host[:100]!r}.")
        who = headers.get("authorization", "")
        if not self._in_rate(who):
            detail = "Too many requests this minute; wait, or raise limits.requests_per_minute."
            return problem(429, "Too many requests", detail, headers={"Retry-After": "60"})
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._most(headers):
            return self._too_large(headers)
        return None

    def _in_rate(self, who: str) -> bool:
        """A fixed window a token. Old ones are forgotten."""
        now = time.monotonic()
        start, count = self._rates.pop(who, (now, 0))
        if now - start >= 60:
            start, count = now, 0
        self._rates[who] = (start, count + 1)
        while len(self._rates) > 1000:
            self._rates.popitem(last=False)
        return count < (self._limits.requests_per_minute if who else ANONYMOUS_A_MINUTE)

    def _most(self, headers: Headers) -> int:
        form = headers.get("content-type", "").startswith("multipart/form-data")
        return self._limits.upload_bytes + 100_000 if form else self._limits.body_bytes

    def _too_large(self, headers: Headers) -> ASGIApp:
        return problem(413, "Too large", f"At most {self._most(headers):,} bytes can be sent here.")

    async def _limited(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        most, got, started = self._most(headers), 0, False

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                raise _TooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except _TooLarge:
            if not started:
                await self._too_large(headers)(scope, receive, send)


class _TooLarge(Exception):
    pass
