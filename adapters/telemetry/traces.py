"""Traces by OpenTelemetry, sent as OTLP over HTTP to one collector. What else they need (headers, certificates, time
limits, sampling) OpenTelemetry reads from its own variables, `OTEL_…`."""

import os
import threading
from asyncio import CancelledError
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from types import MappingProxyType

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode

from domain.run import Run
from services.ports.telemetry import Attribute, Episode, Span, Telemetry

REMEMBERED = 1000
LAST_SECONDS = 3.0
STANDARD = MappingProxyType(
    {
        "model": "gen_ai.request.model",
        "response_model": "gen_ai.response.model",
        "input_tokens": "gen_ai.usage.input_tokens",
        "output_tokens": "gen_ai.usage.output_tokens",
    }
)
"""Names of the semantic conventions; all others begin with `caseworks.`."""


class Traces(Telemetry):
    """A run that a request started stands in the trace of that request, while this process remembers it, and a child
    run under its parent. After a restart a run begins a trace of its own; `caseworks.run` and `caseworks.correlation`
    tie them together."""

    def __init__(self, endpoint: str) -> None:
        name = os.environ.get("OTEL_SERVICE_NAME") or "caseworks"
        resource = Resource.create({"service.name": name, "service.version": version("caseworks")})
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
        self._tracer = self.provider.get_tracer("caseworks")
        self._known: OrderedDict[str, SpanContext] = OrderedDict()

    def requested(self, correlation: str) -> None:
        """What begins under `correlation` belongs to the request that is being answered."""
        self._remember(correlation)

    @contextmanager
    def span(self, episode: Episode, run: Run, **attributes: Attribute) -> Iterator[Span]:
        started = self._tracer.start_as_current_span(
            _name(episode, run, attributes),
            context=self._around(run) if episode == "run" else None,
            kind=SpanKind.CLIENT if episode == "call" else SpanKind.INTERNAL,
            attributes=_named({**_ids(run), **attributes}),
            record_exception=False,
            set_status_on_exception=False,
        )
        with started as span:
            if episode == "run":
                self._remember(run.id)
            try:
                yield _Noted(span)
            except (Exception, CancelledError) as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def close(self) -> None:
        """Sends the rest and stops; waits no longer than LAST_SECONDS for a collector that does not answer."""
        closing = threading.Thread(target=self.provider.shutdown, name="last-traces", daemon=True)
        closing.start()
        closing.join(LAST_SECONDS)

    def _around(self, run: Run) -> Context:
        known = self._known.get(run.parent_id or "") or self._known.get(run.correlation)
        return trace.set_span_in_context(NonRecordingSpan(known), Context()) if known is not None else Context()

    def _remember(self, key: str) -> None:
        context = trace.get_current_span().get_span_context()
        if key and context.is_valid:
            self._known[key] = context
            self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


class _Noted(Span):
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, **attributes: Attribute) -> None:
        self._span.set_attributes(_named(attributes))


def _name(episode: Episode, run: Run, attributes: Mapping[str, Attribute]) -> str:
    what = {"run": run.graph, "effect": attributes.get("node", ""), "call": attributes.get("model", "")}
    return f"{episode} {what[episode]}"


def _ids(run: Run) -> dict[str, Attribute]:
    ids = {
        "run": run.id,
        "root": run.root_id,
        "parent": run.parent_id,
        "project": run.project_id,
        "task": run.task_id,
        "correlation": run.correlation,
        "graph": run.graph,
    }
    return {name: value for name, value in ids.items() if value}


def _named(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {STANDARD.get(name, f"caseworks.{name}"): value for name, value in attributes.items()}
