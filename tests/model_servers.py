"""A real HTTP server that speaks Ollama's API and OpenAI's chat completions, and behaves as a script says.

    with model_server(lambda body: "Hello.") as server:
        server.base_url          # Ollama at this address, OpenAI at server.openai_url
        server.requests          # every request that came, in order
        server.disconnects       # paths whose caller went away before the reply was complete
        server.loads             # models of Ollama in the order in which they were loaded; `loads_by_chat` are those
                                 # that a chat loaded, `unloads` what was unloaded, `peak` the most bytes held at once

A script takes the body of a chat request and gives a text or one of the behaviours below. Without one, a request
with a JSON Schema gets the smallest instance of it, any other a short Markdown text.
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

from tests.model_behaviours import (
    Behaviour,
    Drops,
    Endless,
    Fails,
    Hangs,
    Json,
    Raw,
    Says,
    Script,
    default_script,
)

__all__ = [
    "Behaviour",
    "Drops",
    "Endless",
    "Fails",
    "Hangs",
    "ModelServer",
    "Raw",
    "Received",
    "Says",
    "Script",
    "default_script",
    "model_server",
]


@dataclass(frozen=True, kw_only=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: Json


@dataclass
class ModelServer:
    base_url: str
    requests: list[Received] = field(default_factory=list)
    disconnects: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    loads: list[str] = field(default_factory=list)
    unloads: list[str] = field(default_factory=list)
    loads_by_chat: list[str] = field(default_factory=list)
    peak: int = 0

    @property
    def openai_url(self) -> str:
        return self.base_url + "/v1"

    @property
    def chats(self) -> list[Received]:
        """The requests for a chat, without those about models."""
        return [each for each in self.requests if each.path in ("/api/chat", "/v1/chat/completions")]

    def wait_for_disconnect(self, seconds: float = 5.0) -> bool:
        """True as soon as a caller went away, False when none did in that time."""
        until = time.monotonic() + seconds
        while not self.disconnects and time.monotonic() < until:
            time.sleep(0.01)
        return bool(self.disconnects)


@contextmanager
def model_server(
    script: Script = default_script, models: tuple[str | Json, ...] = ("tiny",), port: int = 0
) -> Iterator[ModelServer]:
    """Serves in threads of its own until the block ends. A model is a name or an entry as in `/api/tags`;
    `running` in it is what `/api/ps` adds where it is loaded."""
    listed = [{"name": each} if isinstance(each, str) else each for each in models]
    server = ModelServer(base_url="")
    handler = type("Handler", (_Handler,), {"script": staticmethod(script), "models": listed, "server_": server})
    http = ThreadingHTTPServer(("127.0.0.1", port), handler)
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
    models: list[Json]
    server_: ModelServer
    body: Json

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._receive({})
        answers: dict[str, Json] = {
            "/api/tags": {"models": self.models},
            "/api/ps": {"models": [{"name": m["name"]} | m["running"] for m in self.models if "running" in m]},
            "/api/version": {"version": "0.33.0"},
            "/models": {"data": [{"id": m["name"]} | m for m in self.models]},
            "/v1/models": {"object": "list", "data": [{"id": m["name"], "object": "model"} | m for m in self.models]},
        }
        found = answers.get(self.path)
        self._json(200, found) if found is not None else self._json(404, {"error": "not found"})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._receive(json.loads(raw or b"{}"))
        if self.path == "/api/show":
            self._show()
        elif self.path in ("/models/load", "/models/unload"):
            self._route()
        elif self.path in ("/api/chat", "/v1/chat/completions"):
            self._chat()
        else:
            self._json(404, {"error": "not found"})

    def _receive(self, body: Json) -> None:
        self.close_connection = True
        self.body = body
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server_.requests.append(Received(method=self.command, path=self.path, headers=headers, body=body))

    def _known(self) -> Json | None:
        name = str(self.body.get("model", ""))
        found = (each for each in self.models if each["name"] in (name, name + ":latest"))
        return next(found, None)

    def _route(self) -> None:
        """As llama.cpp's router: its models have a `status`."""
        model = self._known()
        if model is None:
            return self._json(404, {"error": {"message": "model not found"}})
        model["status"] = {"value": self.path.removeprefix("/models/") + "ed"}
        return self._json(200, {"success": True})

    def _show(self) -> None:
        model = self._known()
        if model is None:
            return self._json(404, {"error": "model not found"})
        return self._json(200, {"capabilities": ["completion"], "model_info": {}} | model)

    def _chat(self) -> None:
        if self._known() is None:
            return self._json(404, {"error": f"model '{self.body.get('model')}' not found"})
        if self.path == "/api/chat":
            self._hold(self._known() or {})
            if not self.body["messages"]:
                done = {"done_reason": "load" if self.body.get("keep_alive") != 0 else "unload"}
                return self._json(200, self._ollama({"role": "assistant", "content": ""}, Says()) | done)
        behaviour = self.script(self.body)
        try:
            self._behave(Says(text=behaviour) if isinstance(behaviour, str) else behaviour)
        except (_Gone, ConnectionError):
            self.server_.disconnects.append(self.path)
        return None

    def _hold(self, model: Json) -> None:
        """Loads the model where it is not, or unloads it, as `keep_alive` says."""
        if not self.body["messages"] and self.body.get("keep_alive") == 0:
            if model.pop("running", None) is not None:
                self.server_.unloads.append(model["name"])
        elif "running" not in model:
            model["running"] = {"size": model.get("size", 0)}
            self.server_.loads.append(model["name"])
            if self.body["messages"]:
                self.server_.loads_by_chat.append(model["name"])
            held = sum(each.get("size", 0) for each in self.models if "running" in each)
            self.server_.peak = max(self.server_.peak, held)

    def _behave(self, behaviour: Says | Fails | Raw | Drops | Hangs | Endless) -> None:
        match behaviour:
            case Says():
                self._say(behaviour)
            case Fails(status=status, message=message, headers=headers):
                ollama = self.path == "/api/chat"
                self._json(status, {"error": message if ollama else {"message": message}}, headers)
            case Raw(body=body, content_type=content_type, status=status, headers=headers):
                self._send(status, content_type, body, headers)
            case Drops(text=text):
                self._drop(text)
            case Hangs():
                self._pause(3_600)
            case Endless():
                self._go_on(behaviour)

    @property
    def _streams(self) -> bool:
        """Ollama streams unless told not to; OpenAI only when asked."""
        return bool(self.body.get("stream", self.path == "/api/chat"))

    def _say(self, says: Says) -> None:
        if not self._streams:
            self._pause(says.pause)
            return self._json(200, self._whole(says))
        self._begin()
        for kind, text in (("thinking", says.thinking), ("content", says.text)):
            for at in range(0, len(text), says.piece):
                self._pause(says.pause)
                self._line(self._piece(kind, text[at : at + says.piece]))
        for line in self._last(says):
            self._line(line)
        if self.path != "/api/chat":
            self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")
        return None

    def _drop(self, text: str) -> None:
        if self._streams:
            self._begin()
            self._line(self._piece("content", text))
        else:
            whole = json.dumps(self._whole(Says(text=text))).encode()
            self._head(200, "application/json", (("Content-Length", str(len(whole))),))
            self.wfile.write(whole[: len(whole) // 2])
        self.wfile.flush()

    def _go_on(self, endless: Endless) -> None:
        if self._streams:
            self._begin()
            while not self.server_.stopping.is_set():
                self._pause(endless.pause)
                self._line(self._piece("content", endless.piece))
            return
        self._head(200, "application/json", ())
        self.wfile.write(b'{"message": {"content": "')
        while not self.server_.stopping.is_set():
            self._pause(endless.pause)
            self.wfile.write(endless.piece.encode() * 100)

    def _pause(self, seconds: float) -> None:
        """Waits, and notices when the caller goes away meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.server_.stopping.is_set():
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.02))
            if readable and not self.connection.recv(1):
                raise _Gone

    def _whole(self, says: Says) -> Json:
        if self.path == "/api/chat":
            message: Json = {"role": "assistant", "content": says.text}
            if says.thinking:
                message["thinking"] = says.thinking
            if says.tools:
                message["tool_calls"] = [{"function": {"name": n, "arguments": a}} for n, a in says.tools]
            return self._ollama(message, says)
        message = {"role": "assistant", "content": says.text or None}
        if says.thinking:
            message["reasoning_content"] = says.thinking
        if says.tools:
            message["tool_calls"] = _calls(says)
        choice = {"index": 0, "message": message, "finish_reason": _finish(says)}
        return self._openai("chat.completion", [choice]) | {"usage": _usage(says)}

    def _piece(self, kind: str, text: str) -> Json:
        if self.path == "/api/chat":
            return self._ollama({"role": "assistant", "content": "", kind: text}, None)
        name = "reasoning_content" if kind == "thinking" else kind
        choice = {"index": 0, "delta": {"role": "assistant", name: text}, "finish_reason": None}
        return self._openai("chat.completion.chunk", [choice])

    def _last(self, says: Says) -> list[Json]:
        if self.path == "/api/chat":
            message: Json = {"role": "assistant", "content": ""}
            if says.tools:
                message["tool_calls"] = [{"function": {"name": n, "arguments": a}} for n, a in says.tools]
            return [self._ollama(message, says)]
        delta: Json = {"tool_calls": _calls(says)} if says.tools else {}
        choice = {"index": 0, "delta": delta, "finish_reason": _finish(says)}
        lines = [self._openai("chat.completion.chunk", [choice])]
        if (self.body.get("stream_options") or {}).get("include_usage"):
            lines.append(self._openai("chat.completion.chunk", []) | {"usage": _usage(says)})
        return lines

    def _ollama(self, message: Json, done: Says | None) -> Json:
        chunk: Json = {"model": self.body["model"], "created_at": "2026-11-01T00:00:00Z", "message": message}
        if done is None:
            return chunk | {"done": False}
        counts = {"prompt_eval_count": done.input_tokens, "eval_count": done.output_tokens}
        return chunk | {"done": True, "done_reason": done.finish} | counts

    def _openai(self, kind: str, choices: list[Json]) -> Json:
        head = {"id": "chat-1", "object": kind, "created": 1_790_000_000, "model": self.body["model"]}
        return head | {"choices": choices}

    def _begin(self) -> None:
        ollama = self.path == "/api/chat"
        kind = "application/x-ndjson" if ollama else "text/event-stream"
        self._head(200, kind, (("Transfer-Encoding", "chunked"),))

    def _line(self, value: Json) -> None:
        text = json.dumps(value)
        self._chunk(f"{text}\n".encode() if self.path == "/api/chat" else f"data: {text}\n\n".encode())

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

    def _json(self, status: int, value: Json, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._send(status, "application/json", json.dumps(value).encode(), headers)


def _calls(says: Says) -> list[Json]:
    return [
        {
            "index": at,
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(given)},
        }
        for at, (name, given) in enumerate(says.tools)
    ]


def _finish(says: Says) -> str:
    return "tool_calls" if says.tools else says.finish


def _usage(says: Says) -> Json:
    total = says.input_tokens + says.output_tokens
    return {"prompt_tokens": says.input_tokens, "completion_tokens": says.output_tokens, "total_tokens": total}
