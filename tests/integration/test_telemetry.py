"""Traces go to the configured address, as OTLP over HTTP, and nowhere without one."""

import gzip
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.programs import program


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps the names of the spans that are sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[str] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += [span.name for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_requests_are_traced_to_the_configured_address(tmp_path: Path, receiver: Receiver) -> None:
    endpoint = f"http://127.0.0.1:{receiver.server_port}/v1/traces"
    with program(tmp_path, telemetry={"otlp_endpoint": endpoint}) as connection:
        connection.get("/v1/projects")
    assert any("/v1/projects" in name for name in receiver.spans)


def test_nothing_is_traced_without_an_address(tmp_path: Path, receiver: Receiver) -> None:
    with program(tmp_path) as connection:
        connection.get("/v1/projects")
    assert receiver.spans == []
