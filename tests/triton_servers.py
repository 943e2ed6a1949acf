"""A real HTTP server that speaks Triton's generate endpoints, and behaves as a script says.

    with triton_server(lambda body: "Hello.", inputs=("text_input", "stream")) as server:
        server.base_url
        server.asked             # the bodies of what was asked of a model, in order
        server.disconnects       # paths whose caller went away before the reply was complete

`inputs` are those of the model's configuration: the ones of Triton's vLLM backend, unless said otherwise. A script
gives a text or one of the behaviours of `tests.model_behaviours`; without one, a request gets a short text.
"""

import json
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tests.model_behaviours import Behaviour, Drops, Endless, Fails, Hangs, Json, Raw, Says, Script

VLLM = (
    "text_input",
    "stream",
    "sampling_parameters",
    "exclude_input_in_output",
    "return_finish_reason",
    "return_num_input_tokens",
    "return_num_output_tokens",
)
TENSORRT = ("text_input", "max_tokens", "stop_words", "bad_words", "temperature", "stream")


@dataclass
class TritonServer:
    base_url: str
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: list[Json] = field(default_factory=list)
    disconnects: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def wait_for_disconnect(self, seconds: float = 5.0) -> bool:
        """True as soon as a caller went away, False when none did in that time."""
        until = time.monotonic() + seconds
        while not self.disconnects and time.monotonic() < until:
            time.sleep(0.01)
        return bool(self.disconnects)


@contextmanager
def triton_server(
    script: Script = lambda body: "A short text.",
    models: tuple[str, ...] = ("tiny",),
    unloaded: tuple[str, ...] = (),
    inputs: tuple[str, ...] = VLLM,
) -> Iterator[TritonServer]:
    """Serves in threads of its own until the block ends."""
    server = TritonServer(base_url="")
    given = {"script": staticmethod(script), "models": [*models], "unloaded": [*unloaded], "inputs": inputs}
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), given | {"server_": server}))
    http.daemon_threads = False
    server.base_url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        http.shutdown()
        thread.join()
        http.server_close()


class _Gone(Exception):
    """The caller closed the connection."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script
    models: list[str]
    unloaded: list[str]
    inputs: tuple[str, ...]
    server_: TritonServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._received()
        if self.path == "/v2/health/ready":
            return self._json(200, {})
        model, _, asked = self.path.removeprefix("/v2/models/").partition("/")
        if unquote(model) not in self.models:
            return self._unknown(unquote(model))
        described = {"name": model, "platform": "vllm", "inputs": [{"name": each} for each in self.inputs]}
        return self._json(200, {} if asked == "ready" else described)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        self._received()
        if self.path == "/v2/repository/index":
            states = dict.fromkeys(self.unloaded, "UNAVAILABLE") | dict.fromkeys(self.models, "READY")
            return self._json(200, [{"name": name, "version": "1", "state": state} for name, state in states.items()])
        if self.path.startswith("/v2/repository/models/"):
            return self._move(*self.path.removeprefix("/v2/repository/models/").rsplit("/", 1))
        model, _, verb = self.path.removeprefix("/v2/models/").rpartition("/")
        if unquote(model) not in self.models or verb not in ("generate", "generate_stream"):
            return self._unknown(unquote(model))
        self.server_.asked.append(body)
        behaviour = self.script(body)
        try:
            self._behave(Says(text=behaviour) if isinstance(behaviour, str) else behaviour, body)
        except (_Gone, ConnectionError):
            self.server_.disconnects.append(self.path)
        return None

    def _move(self, name: str, verb: str) -> None:
        """Explicit model control: `load` or `unload`."""
        here, there = (self.unloaded, self.models) if verb == "load" else (self.models, self.unloaded)
        if unquote(name) in here:
            here.remove(unquote(name))
            there.append(unquote(name))
        elif unquote(name) not in there:
            return self._json(400, {"error": f"failed to {verb} '{name}', no such model in the repository"})
        return self._json(200, {})

    def _received(self) -> None:
        self.close_connection = True
        self.server_.paths.append(self.path)
        self.server_.headers.append({name.lower(): value for name, value in self.headers.items()})

    def _unknown(self, model: str) -> None:
        self._json(400, {"error": f"Request for unknown model: '{model}' is not found"})

    def _behave(self, behaviour: Behaviour, body: Json) -> None:
        match behaviour:
            case Says():
                self._say(behaviour, body)
            case Fails(status=status, message=message, headers=headers):
                self._json(status, {"error": message}, headers)
            case Raw(body=raw, content_type=content_type, status=status, headers=headers):
                self._send(status, content_type, raw, headers)
            case Drops(text=text):
                self._drop(text)
            case Hangs():
                self._pause(3_600)
            case Endless(piece=piece, pause=pause):
                self._begin()
                while not self.server_.stopping.is_set():
                    self._pause(pause)
                    self._event({"text_output": piece})

    @property
    def _streams(self) -> bool:
        return self.path.endswith("/generate_stream")

    def _say(self, says: Says, body: Json) -> None:
        if not self._streams:
            self._pause(says.pause)
            echoed = "" if body.get("exclude_input_in_output") else body["text_input"]
            return self._json(200, self._answer(echoed + says.text, body, says, last=True))
        self._begin()
        for at in range(0, len(says.text), says.piece):
            self._pause(says.pause)
            last = at + says.piece >= len(says.text)
            self._event(self._answer(says.text[at : at + says.piece], body, says, last=last))
        self._chunk(b"")
        return None

    def _answer(self, text: str, body: Json, says: Says, last: bool) -> Json:
        """As Triton's vLLM backend: the counts of a stream's event are its own."""
        answer: Json = {"model_name": "tiny", "model_version": "1", "text_output": text}
        if body.get("return_finish_reason"):
            answer["finish_reason"] = says.finish if last else "None"
        if body.get("return_num_input_tokens"):
            answer["num_input_tokens"] = says.input_tokens
        if body.get("return_num_output_tokens"):
            answer["num_output_tokens"] = says.output_tokens if last else 0
        return answer

    def _drop(self, text: str) -> None:
        if self._streams:
            self._begin()
            self._event({"text_output": text})
        else:
            whole = json.dumps({"text_output": text}).encode()
            self._head(200, "application/json", (("Content-Length", str(len(whole))),))
            self.wfile.write(whole[: len(whole) // 2])
        self.wfile.flush()

    def _pause(self, seconds: float) -> None:
        """Waits, and notices when the caller goes away meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.server_.stopping.is_set():
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.02))
            if readable and not self.connection.recv(1):
                raise _Gone

    def _begin(self) -> None:
        self._head(200, "text/event-stream; charset=utf-8", (("Transfer-Encoding", "chunked"),))

    def _event(self, value: Json) -> None:
        self._chunk(f"data: {json.dumps(value)}\n\n".encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _head(self, status: int, content_type: str, headers: tuple[tuple[str, str], ...]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Connection", "close")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def _send(self, status: int, content_type: str, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._head(status, content_type, (("Content-Length", str(len(body))), *headers))
        self.wfile.write(body)

    def _json(self, status: int, value: Any, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._send(status, "application/json", json.dumps(value).encode(), headers)
