"""A real HTTP server that speaks what Anthropic and Google speak, as far as a call with a text needs it.

with cloud_server("anthropic") as server:
    server.base_url
    server.requests          # every request that came, in order
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.model_behaviours import Fails, Json, Says
from tests.model_servers import ModelServer, Received


@contextmanager
def cloud_server(provider: str, behaviour: Says | Fails = Says(text="Hello to you.")) -> Iterator[ModelServer]:
    """Serves in threads of its own until the block ends."""
    server = ModelServer(base_url="")
    given = {"behaviour": behaviour, "server_": server, "google": provider == "gemini"}
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), given))
    http.daemon_threads = False
    server.base_url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


class _Handler(BaseHTTPRequestHandler):
    behaviour: Says | Fails
    server_: ModelServer
    google: bool

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._received({})
        if self.google:
            return self._send(200, {"models": [{"name": "models/tiny"}]})
        return self._send(200, {"data": [{"id": "tiny", "type": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        self._received(body)
        if isinstance(self.behaviour, Fails):
            error = {"type": "error", "error": {"type": "an_error", "message": self.behaviour.message}}
            return self._send(self.behaviour.status, error)
        if self.google:
            return self._google(self.behaviour)
        if body.get("stream"):
            return self._events(_spoken(self.behaviour))
        return self._send(200, _message(self.behaviour))

    def _google(self, says: Says) -> None:
        whole = {
            "candidates": [{"content": {"role": "model", "parts": [{"text": says.text}]}, "finishReason": "STOP"}],
            "usageMetadata": {
                "promptTokenCount": says.input_tokens,
                "candidatesTokenCount": says.output_tokens,
                "totalTokenCount": says.input_tokens + says.output_tokens,
            },
        }
        return self._events([whole]) if ":streamGenerateContent" in self.path else self._send(200, whole)

    def _received(self, body: Json) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server_.requests.append(Received(method=self.command, path=self.path, headers=headers, body=body))

    def _events(self, values: list[Json]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for value in values:
            head = f"event: {value['type']}\n" if "type" in value else ""
            self.wfile.write(f"{head}data: {json.dumps(value)}\n\n".encode())

    def _send(self, status: int, value: Json) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _message(says: Says) -> Json:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "tiny",
        "content": [{"type": "text", "text": says.text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": says.input_tokens, "output_tokens": says.output_tokens},
    }


def _spoken(says: Says) -> list[Json]:
    begun = _message(says) | {"content": [], "stop_reason": None}
    texts = [says.text[at : at + says.piece] for at in range(0, len(says.text), says.piece)]
    pieces = [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": t}} for t in texts]
    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *pieces,
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": says.output_tokens},
        },
        {"type": "message_stop"},
    ]
