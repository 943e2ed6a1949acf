"""How a command reaches the program: through the server that owns the data directory, else through one beside it."""

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any

import httpx

from config.settings import Settings
from infrastructure.data_directory import Address, DataDirectory, DataDirectoryError


class Refused(Exception):
    """What the server refused: `str` is its sentence."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Connection:
    """Calls with the owner's token; problem details become `Refused`."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False)
        self._streams: set[httpx.Response] = set()

    def get(self, path: str, **query: Any) -> Any:
        return self._checked(self._client.get(path, params={k: v for k, v in query.items() if v is not None})).json()

    def text(self, path: str, **query: Any) -> str:
        return self._checked(self._client.get(path, params=query)).text

    def content(self, path: str) -> bytes:
        return self._checked(self._client.get(path)).content

    def download(self, path: str, into: IO[bytes]) -> Iterator[tuple[int, int]]:
        """(bytes written, bytes in all) after each piece. The answer may take as long as it needs."""
        with self._client.stream("GET", path, timeout=httpx.Timeout(30, read=None)) as response:
            if response.status_code >= 400:
                response.read()
            self._checked(response)
            total = int(response.headers.get("Content-Length", 0))
            for piece in response.iter_bytes():
                into.write(piece)
                yield into.tell(), total

    def post(self, path: str, body: Mapping[str, Any] | None = None, **more: Any) -> Any:
        return self._checked(self._client.post(path, json=body if not more else None, **more)).json()

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._checked(self._client.patch(path, json=body)).json()

    def put(self, path: str, body: Mapping[str, Any], *, match: int | str | None) -> Any:
        """`match` is the number or digest that was read, if there was one. Refused with 412 when there is a newer
        one."""
        headers = {} if match is None else {"If-Match": f'"{match}"'}
        return self._checked(self._client.put(path, json=body, headers=headers)).json()

    def delete(self, path: str) -> Any:
        return self._checked(self._client.delete(path)).json()

    def all(self, path: str, **query: Any) -> list[Any]:
        """Every item of a list."""
        return [item for page in self.pages(path, **query) for item in page["items"]]

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """Every page of a list."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(path, limit=100, cursor=cursor or None, **query)
            yield page
            cursor = page["next_cursor"]

    def follow(self, path: str, last: int = 0) -> Iterator[tuple[int | None, str, dict[str, Any]]]:
        """Server-sent events: (number or None, kind, data). Ends when the stream does."""
        headers = {"Last-Event-ID": str(last)} if last else {}
        with self._client.stream("GET", path, headers=headers, timeout=httpx.Timeout(30, read=None)) as response:
            if response.status_code >= 400:
                response.read()
            self._checked(response)
            self._streams.add(response)
            try:
                yield from _events(response.iter_lines())
            finally:
                self._streams.discard(response)

    def converse(
        self, path: str, body: Mapping[str, Any] | None, key: str
    ) -> Iterator[tuple[int | None, str, dict[str, Any]]]:
        """As `follow`, of what is posted and answered in a stream. The same `key` is the same message."""
        headers = {"Accept": "text/event-stream", "Idempotency-Key": key}
        timeout = httpx.Timeout(30, read=None)
        with self._client.stream("POST", path, json=body, headers=headers, timeout=timeout) as response:
            if response.status_code >= 400:
                response.read()
            self._checked(response)
            self._streams.add(response)
            try:
                yield from _events(response.iter_lines())
            finally:
                self._streams.discard(response)

    def hang_up(self) -> None:
        """Ends the streams that other threads read; their `follow` raises httpx.HTTPError or ends."""
        for response in tuple(self._streams):
            connection = response.extensions["network_stream"].get_extra_info("socket")
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._client.close()

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.status_code < 400:
            return response
        try:
            detail = str(response.json()["detail"])
        except (ValueError, KeyError, TypeError):
            detail = f"The server answered {response.status_code}."
        raise Refused(response.status_code, detail)


def _events(lines: Iterator[str]) -> Iterator[tuple[int | None, str, dict[str, Any]]]:
    number, kind, data = None, "message", ""
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            number = int(value)
        elif name == "event":
            kind = value
        elif name == "data":
            data += value
        elif not line and data:
            yield number, kind, json.loads(data)
            number, kind, data = None, "message", ""


@contextmanager
def connected(settings: Settings, *, dispatch: bool = False) -> Iterator[Connection]:
    """With `dispatch`, a program that is started here also carries runs on. Raises DataDirectoryError when another
    process owns the data directory and does not answer, or when there can be none."""
    directory = DataDirectory(settings.data_dir)
    if not directory.path.is_dir():
        directory.prepare()
    address = _awaited(directory)
    if address is not None:
        token = settings.token.get_secret_value() if settings.token is not None else directory.token()
        connection = Connection(address.url, token)
        try:
            yield connection
        finally:
            connection.close()
        return
    from infrastructure.serving import beside

    with beside(settings, dispatch=dispatch) as served:
        connection = Connection(served.url, served.token)
        try:
            yield connection
        finally:
            connection.close()


def _awaited(directory: DataDirectory, seconds: float = 20.0) -> Address | None:
    """The server's address, once a process that has just taken the directory serves or lets go of it."""
    end = time.monotonic() + seconds
    while directory.is_owned():
        if (address := directory.server()) is not None:
            return address
        if time.monotonic() > end:
            raise DataDirectoryError(
                f"Another Caseworks process has the data directory {directory.path} and does not serve; "
                "wait for it, or stop it."
            )
        time.sleep(0.1)
    return None
