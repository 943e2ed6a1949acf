"""What goes wrong before or beside a reply: TLS, errors under status 200, compressed replies."""

import asyncio
import gzip
import json
import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.llm.backends import BackendLLM
from adapters.llm.configuration import Models
from domain.ports.llm import LLMError, ModelDenied, ModelTimedOut, ModelUnavailable, Reply, Request
from tests.model_behaviours import Raw
from tests.model_servers import model_server

REQUEST = Request(alias="main", system="s", task="Secret task.", idempotency_key="k", deadline=20.0)
KINDS = ("ollama", "openai", "vllm", "llama.cpp", "triton")
Ask = Callable[[BackendLLM, Request], Any]


def backend(kind: str, address: str, **more: Any) -> BackendLLM:
    root = kind in ("ollama", "triton")
    template = {"template": "plain"} if kind == "triton" else {}
    return BackendLLM(
        Models.model_validate(
            {
                "backends": {"box": {"kind": kind, "base_url": address + ("" if root else "/v1")} | more},
                "aliases": {"main": {"backend": "box", "model": "tiny"} | template},
                "default": "main",
            }
        ),
        {},
    )


async def completed(llm: BackendLLM, request: Request) -> Reply:
    return await llm.complete(request)


async def streamed(llm: BackendLLM, request: Request) -> Reply:
    return cast(Reply, [piece async for piece in llm.stream(request)][-1])


@pytest.fixture(params=(completed, streamed))
def ask(request: pytest.FixtureRequest) -> Ask:
    return cast(Ask, request.param)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate that it signed itself, for 127.0.0.1."""
    file = tmp_path_factory.mktemp("tls") / "own.pem"
    asked = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=own"]
    asked += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(file) + ".key", "-out", str(file)]
    subprocess.run(asked, check=True, capture_output=True, timeout=30)
    return file


@contextmanager
def over_tls(certificate: Path) -> Iterator[str]:
    """An OpenAI-like server behind TLS; its address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            body = b'{"data": [{"id": "tiny"}]}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, str(certificate) + ".key")

    class Server(ThreadingHTTPServer):
        def get_request(self) -> tuple[socket.socket, Any]:
            plain, address = super().get_request()
            return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # the caller did not trust it

    http = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"https://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


async def test_https_at_a_port_that_speaks_plain_http_says_so(kind: str, ask: Ask) -> None:
    with model_server() as server:
        address = server.base_url.replace("http:", "https:")
        with pytest.raises(ModelUnavailable, match=r"No secure connection .* does not speak https") as caught:
            await ask(backend(kind, address), REQUEST)
    assert address in str(caught.value)
    assert caught.value.leaves and not caught.value.retryable


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(kind: str, ask: Ask, certificate: Path) -> None:
    with over_tls(certificate) as address:
        with pytest.raises(ModelUnavailable, match=r"certificate is not trusted.*ca_file"):
            await ask(backend(kind, address), REQUEST)
        with pytest.raises(ModelUnavailable, match="certificate is not trusted"):
            await backend(kind, address).check("main")


@contextmanager
def silent_tls() -> Iterator[tuple[str, list[socket.socket]]]:
    """Takes connections and says nothing, so that a handshake never ends; its address and the connections."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            with suppress(OSError):
                while True:
                    taken.append(listening.accept()[0])

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listening.getsockname()[1]}", taken
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in taken:
                each.close()


async def warmed(kind: str, ask: Ask) -> None:
    """LiteLLM imports more with the first call of each kind, which would use up a short deadline."""
    if kind != "triton":
        with model_server() as server:
            await ask(backend(kind, server.base_url), REQUEST)


def hung_up(connection: socket.socket) -> bool:
    """Whether the caller closes within five seconds."""
    connection.settimeout(5)
    with suppress(TimeoutError):
        while connection.recv(65_536):
            pass
        return True
    return False


async def test_a_handshake_that_never_ends_leaves_no_connection_behind_at_the_deadline(kind: str, ask: Ask) -> None:
    await warmed(kind, ask)
    with silent_tls() as (address, taken):
        with pytest.raises(ModelTimedOut):
            await ask(backend(kind, address), replace(REQUEST, deadline=1.0))
        assert [await asyncio.to_thread(hung_up, each) for each in taken] == [True]


async def test_a_call_cancelled_in_the_handshake_leaves_no_connection_behind(kind: str, ask: Ask) -> None:
    await warmed(kind, ask)
    with silent_tls() as (address, taken):
        call = asyncio.ensure_future(ask(backend(kind, address), REQUEST))
        while not select.select(taken, [], [], 0)[0]:  # until the caller said hello
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await asyncio.to_thread(hung_up, taken[0])


async def test_a_certificate_that_the_configuration_names_is_trusted(certificate: Path) -> None:
    with over_tls(certificate) as address:
        await backend("openai", address, ca_file=str(certificate)).check("main")


@pytest.mark.parametrize("written", [None, b"", b"no certificate"])
async def test_a_file_that_holds_no_certificates_is_told_before_any_request(
    kind: str, ask: Ask, written: bytes | None, tmp_path: Path
) -> None:
    if written is not None:
        (tmp_path / "own.pem").write_bytes(written)
    llm = backend(kind, "https://127.0.0.1:9", ca_file=str(tmp_path / "own.pem"))
    with pytest.raises(ModelDenied, match=r"own\.pem, which holds the certificates .* cannot be read"):
        await ask(llm, REQUEST)


ERROR: dict[str, Any] = {"error": {"message": "out of memory at: Secret task.", "type": "server_error", "code": 500}}


@pytest.mark.parametrize("kind_", ["openai", "vllm", "llama.cpp", "lm_studio"])
async def test_an_error_in_place_of_a_reply_under_status_200_is_unavailable(kind_: str, ask: Ask) -> None:
    whole, event = json.dumps(ERROR).encode(), b"data: " + json.dumps(ERROR).encode() + b"\n\n"
    for said in (Raw(whole, "application/json"), Raw(event, "text/event-stream")):
        with model_server(lambda body, said=said: said) as server:  # type: ignore[misc]
            with pytest.raises(LLMError) as caught:
                await ask(backend(kind_, server.base_url), REQUEST)
            assert type(caught.value) is ModelUnavailable and "Secret" not in str(caught.value)


async def test_a_reply_that_comes_compressed_unasked_is_unavailable(kind: str, ask: Ask) -> None:
    packed = Raw(gzip.compress(b"{}"), "application/json", headers=(("Content-Encoding", "gzip"),))
    if kind != "triton":  # has its own server, and this test there
        with model_server(lambda body: packed) as server, pytest.raises(ModelUnavailable, match="No usable answer"):
            await ask(backend(kind, server.base_url), REQUEST)
