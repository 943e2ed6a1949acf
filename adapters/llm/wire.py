"""The one way to a model server: a client for a single call that reaches one origin and reads so much and no more.

Proxy variables and redirects are not followed, because a backend in the local network must not be asked by way of
somebody else. Closing the client ends the request at the backend.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx

TAIL = 8_192
LINE = 8_000_000
"""Bytes that one line may have where lines are rewritten."""

SENT = re.compile(
    r"host|connection|accept|accept-encoding|content-type|content-length|transfer-encoding|user-agent|authorization"
    r"|idempotency-key|x-api-key|x-goog-api-key|anthropic-[a-z-]+"
)
"""The headers that may leave. Libraries add others from the environment, and who asks with which versions."""


@cache
def trust(file: Path | None) -> ssl.SSLContext:
    """The certificates in `file`, else the system's; SSL_CERT_FILE and the like are not looked at. Raises OSError."""
    if file is not None:
        return ssl.create_default_context(cafile=file.expanduser())
    system = ssl.get_default_verify_paths()
    cafile, capath = Path(system.openssl_cafile), Path(system.openssl_capath)
    if not cafile.is_file() and not (capath.is_dir() and any(capath.iterdir())):
        return httpx.create_ssl_context(trust_env=False)
    return ssl.create_default_context(
        cafile=str(cafile) if cafile.is_file() else None, capath=str(capath) if capath.is_dir() else None
    )


class Wire(httpx.AsyncBaseTransport):
    """A transport for one call that remembers what LiteLLM's exceptions forget.

    `sent` says whether a request left, `status` is the status of the last response (None: none came), `retry_after`
    its header in seconds, `overflow` whether more than `limit` bytes came, `refusal` the first bytes of an error's
    body, `tail` the last bytes of any, `insecure` whether TLS failed. `rewrite`, where given, is applied to each line
    that comes.
    """

    def __init__(
        self,
        base_url: str,
        limit: int,
        rewrite: Callable[[bytes], bytes] | None = None,
        ca_file: Path | None = None,
    ) -> None:
        self._origin = _origin(httpx.URL(base_url))
        self._limit = limit
        self._inner = httpx.AsyncHTTPTransport(verify=trust(ca_file), trust_env=False)
        self._taken = 0
        self.rewrite = rewrite
        self.sent = False
        self.status: int | None = None
        self.retry_after: float | None = None
        self.overflow = False
        self.refusal = b""
        self.tail = b""
        self.insecure = False

    def client(self, timeout: float) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self, timeout=timeout, trust_env=False, follow_redirects=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if _origin(request.url) != self._origin:
            raise httpx.UnsupportedProtocol("requests leave for the configured backend only", request=request)
        self.sent, self.status = True, None
        handshake = _Handshake()
        try:
            response = await self._inner.handle_async_request(_bare(request, handshake))
        except asyncio.CancelledError:
            await handshake.end()
            raise
        except httpx.TransportError as error:
            self.insecure = _by_tls(error)
            raise
        self.status = response.status_code
        self.retry_after = wait_asked(response.headers)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx.RemoteProtocolError("the backend compressed its reply unasked", request=request)
        return httpx.Response(
            response.status_code,
            headers=[(name, value) for name, value in response.headers.raw if name.lower() != b"content-length"],
            stream=_Counted(response, self),
            extensions=response.extensions,
            request=request,
        )

    def take(self, data: bytes) -> None:
        """Counts what came. Raises httpx.RemoteProtocolError past the limit."""
        self._taken += len(data)
        self.tail = (self.tail + data)[-TAIL:]
        if (self.status or 0) >= 400:
            self.refusal = (self.refusal + data)[:4_096]
        self.bound(self._taken, self._limit)

    def bound(self, size: int, limit: int) -> None:
        if size > limit:
            self.overflow = True
            raise httpx.RemoteProtocolError("the reply passed the size limit")

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Handshake:
    """The connection on which TLS is not yet agreed. Who is cancelled meanwhile, be it by a deadline, must close it
    himself: httpcore closes it only after errors, and it would stay open at the backend."""

    def __init__(self) -> None:
        self._connection: Any = None

    async def __call__(self, event: str, about: dict[str, Any]) -> None:
        """What httpcore tells of a request, as its extension `trace`."""
        if event == "connection.connect_tcp.complete":
            self._connection = about["return_value"]
        elif event == "connection.start_tls.complete":
            self._connection = None

    async def end(self) -> None:
        if self._connection is not None:
            await self._connection.aclose()


class _Counted(httpx.AsyncByteStream):
    def __init__(self, response: httpx.Response, wire: Wire) -> None:
        self._response = response
        self._wire = wire

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rewrite, held = self._wire.rewrite, b""
        async for data in self._response.aiter_raw():
            self._wire.take(data)
            if rewrite is None:
                yield data
                continue
            lines, newline, rest = (held + data).rpartition(b"\n")
            held = rest
            self._wire.bound(len(held), LINE)
            if newline:
                yield rewrite(lines + newline)
        if rewrite is not None:
            yield rewrite(held)

    async def aclose(self) -> None:
        await self._response.aclose()


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _bare(request: httpx.Request, handshake: _Handshake) -> httpx.Request:
    headers = [(name, value) for name, value in request.headers.items() if SENT.fullmatch(name)]
    extensions = {**request.extensions, "trace": handshake}
    asked = httpx.Request(request.method, request.url, headers=headers, stream=request.stream, extensions=extensions)
    asked.headers["Accept-Encoding"] = "identity"
    return asked


def _by_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def wait_asked(headers: httpx.Headers) -> float | None:
    """Seconds until which `Retry-After` asks not to come back, be they told or a date: that goes by the clock of the
    backend, which `Date` tells. None where nothing can be read."""
    said = headers.get("retry-after", "")
    try:
        if re.fullmatch(r"-?\d+(\.\d+)?", said):
            return max(0.0, float(said))
        until, now = (parsedate_to_datetime(date) for date in (said, headers.get("date", "")))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):  # dates without and with a zone
        return None
