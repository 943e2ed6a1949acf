"""Traces go to the collector that is named, as OTLP over HTTP, and nowhere without one."""

import gzip
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from config.settings import load
from infrastructure.cli.connection import Connection
from tests.e2e.programs import SOURCE, begun, ended, good, models_yaml, program
from tests.model_servers import Fails, model_server


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A span as it arrived."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    status: int


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Sent] = []
        self.bodies: list[bytes] = []
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def of(self, episode: str) -> list[Sent]:
        return [span for span in self.spans if span.name.startswith(f"{episode} ")]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.server.paths.append(self.path)
        self.server.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += [_sent(span) for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _sent(span: Any) -> Sent:
    values = {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}
    return Sent(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=values,
        status=span.status.code,
    )


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Waits for what still tries to send: it draws random numbers, which other tests must not see change."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("OtelBatch"):
            thread.join(60)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def traced(receiver: Receiver) -> dict[str, Any]:
    return {"telemetry": {"otlp_endpoint": f"{receiver.url}/v1/traces"}}


def worked(receiver: Receiver, folder: Path) -> str:
    """A project done with a model; the span of the request that started it."""
    with (
        model_server(good, models=("tiny",)) as server,
        program(folder, models_yaml(server, price={"input": 1, "output": 2}), **traced(receiver)) as connection,
    ):
        _, run = begun(connection)
        assert ended(connection, run)["result"] in ("succeeded", "partial")
    (started,) = [span for span in receiver.spans if span.name == "POST /v1/projects/{project_id}/runs"]
    return started.id


def test_requests_are_traced_to_the_configured_address(tmp_path: Path, receiver: Receiver) -> None:
    with program(tmp_path, **traced(receiver)) as connection:
        connection.get("/v1/projects")
    assert [span.name for span in receiver.spans] == ["GET /v1/projects"]


def test_nothing_is_traced_without_an_address(tmp_path: Path, receiver: Receiver) -> None:
    with program(tmp_path) as connection:
        connection.get("/v1/projects")
    assert receiver.spans == []


def test_a_trace_leads_from_the_request_through_runs_and_effects_to_each_call(
    tmp_path: Path, receiver: Receiver
) -> None:
    request = worked(receiver, tmp_path)
    spans = {span.id: span for span in receiver.spans}
    trace = spans[request].trace
    calls = [span for span in receiver.of("call") if span.trace == trace]
    assert len(calls) > 3
    for call in calls:
        path = [call]
        while path[-1].parent:
            path.append(spans[path[-1].parent])
        episodes = [span.name.partition(" ")[0] for span in path]
        assert episodes[:2] == ["call", "effect"] and episodes[-1] == "POST" and path[-1].id == request
        assert set(episodes[2:-1]) == {"run"}
    assert all(span.trace == trace for span in receiver.of("run"))


def test_spans_tell_ids_kinds_models_and_numbers(tmp_path: Path, receiver: Receiver) -> None:
    worked(receiver, tmp_path)
    call = receiver.of("call")[0].attributes
    assert call["gen_ai.request.model"] == "tiny"
    assert call["gen_ai.usage.input_tokens"] > 0 and call["gen_ai.usage.output_tokens"] > 0
    assert call["caseworks.call"].startswith(f"{call['caseworks.run']}/")
    assert {"caseworks.money", "caseworks.agent", "caseworks.purpose", "caseworks.correlation"} <= set(call)
    effect = receiver.of("effect")[0].attributes
    assert {"caseworks.effect", "caseworks.node", "caseworks.handler"} <= set(effect)
    assert effect["caseworks.outcome"] == "done"
    results = {span.attributes.get("caseworks.result") for span in receiver.of("run")}
    assert "succeeded" in results or "partial" in results


def test_no_span_holds_what_was_written_asked_or_searched(tmp_path: Path, receiver: Receiver) -> None:
    with (
        model_server(good, models=("tiny",)) as server,
        program(tmp_path, models_yaml(server), **traced(receiver)) as connection,
    ):
        project, run = begun(connection, goal="Brief me on the lift by Hortensia")
        ended(connection, run)
        connection.get(f"/v1/projects/{project}/tasks", limit=7)
        httpx.get(f"{connection.url}/v1/tasks?state=Hortensia-Secret", trust_env=False)
        token = (tmp_path / "token").read_text().strip()
    everything = b"\n".join(receiver.bodies)
    assert receiver.spans
    words = [line for line in SOURCE.splitlines() if len(line) > 20]
    for word in ("Hortensia", "Secret", token, "400 kg", *words):
        assert word.encode() not in everything, word


def test_an_error_is_told_by_its_class_alone(tmp_path: Path, receiver: Receiver) -> None:
    with (
        model_server(lambda _: Fails(status=400, message="Hortensia broke"), models=("tiny",)) as server,
        program(tmp_path, models_yaml(server), **traced(receiver)) as connection,
    ):
        _, run = begun(connection)
        ended(connection, run, 60)
    failed = [span for span in receiver.of("call") if span.status == 2]
    assert failed
    assert b"Hortensia" not in b"".join(receiver.bodies)


def test_questions_about_health_make_no_spans(tmp_path: Path, receiver: Receiver) -> None:
    with program(tmp_path, **traced(receiver)) as connection:
        for path in ("/health", "/ready", "/metrics"):
            connection.text(path)
    assert receiver.spans == []


@pytest.mark.parametrize(
    ("variables", "sent_to"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}"}, "/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}/prefix/"}, "/prefix/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{url}/my-traces"}, "/my-traces"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}", "CASEWORKS_TELEMETRY__OTLP_ENDPOINT": "{url}/own"},
            "/own",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}", "OTEL_SDK_DISABLED": "true"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}", "OTEL_TRACES_EXPORTER": "none"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, None),
    ],
)
def test_the_standard_variables_name_a_collector(
    tmp_path: Path, receiver: Receiver, variables: dict[str, str], sent_to: str | None
) -> None:
    environment = {name: value.format(url=receiver.url) for name, value in variables.items()}
    found = load(tmp_path, environment).telemetry.otlp_endpoint
    with program(tmp_path, telemetry={"otlp_endpoint": found}) as connection:
        connection.get("/v1/projects")
    assert set(receiver.paths) == ({sent_to} if sent_to else set())


def test_a_collector_that_is_gone_stops_no_work(tmp_path: Path) -> None:
    with program(tmp_path, telemetry={"otlp_endpoint": "http://127.0.0.1:9/v1/traces"}) as connection:
        _, run = begun(connection)
        assert ended(connection, run)["result"] == "succeeded"


def test_two_programs_trace_to_their_own_collectors(tmp_path: Path, receiver: Receiver) -> None:
    with program(tmp_path / "a", **traced(receiver)) as one, program(tmp_path / "b") as other:
        asked: tuple[Connection, ...] = (one, other)
        for connection in asked:
            connection.get("/v1/projects")
    assert len(receiver.spans) == 1
