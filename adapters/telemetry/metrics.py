"""Numbers for Prometheus, of one program: what happens is counted here as it happens, what is there is counted when
somebody asks. Labels are states, routes, configured models and workflows, never ids; of workflows only so many are
told apart."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import generate_latest

from domain.run import MOVES, Run
from domain.task import MOVES as TASK_MOVES
from services.ports.figures import Counts
from services.ports.telemetry import SILENCE, Attribute, Episode, Span, Telemetry

FRESH_SECONDS = 5.0
"""For so long counts of the store are given again."""
MOST_NAMES = 50
OTHER = "other"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
CALL_SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
MILLIONTHS = 1_000_000


class Metrics(Telemetry):
    """Counts what it is told of and tells it to `inner` too."""

    def __init__(self, inner: Telemetry = SILENCE, now: Callable[[], float] = time.monotonic) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._inner, self._now = inner, now
        self._counted: float | None = None
        self._graphs = _Names()
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "caseworks_http_requests", "Requests answered.", ("route", "method", "status"), registry=registry
        )
        self._request_seconds = Histogram(
            "caseworks_http_request_seconds",
            "Until an answer begins.",
            ("route", "method"),
            buckets=REQUEST_SECONDS,
            registry=registry,
        )
        self._ended = Counter("caseworks_runs_ended", "Runs that ended.", ("graph", "result"), registry=registry)
        self._carried = Gauge("caseworks_runs_carried", "Runs carried on at this moment.", registry=registry)
        self._due = Gauge("caseworks_runs_due", "Runs that could go on and wait for a place.", registry=registry)
        self._runs = Gauge("caseworks_runs", "Runs by state.", ("state",), registry=registry)
        self._tasks = Gauge("caseworks_tasks", "Tasks by state.", ("state",), registry=registry)
        self._calls = Counter("caseworks_calls", "Calls to models.", ("model", "state"), registry=registry)
        self._call_seconds = Histogram(
            "caseworks_call_seconds",
            "What calls to models took.",
            ("model", "state"),
            buckets=CALL_SECONDS,
            registry=registry,
        )
        self._tokens = Counter("caseworks_tokens", "Tokens of calls.", ("model", "direction"), registry=registry)
        self._money = Counter(
            "caseworks_money", "Money of calls, in the currency of models.yaml.", ("model",), registry=registry
        )
        self._structured = Counter(
            "caseworks_structured_replies",
            "Replies that had to have a form: how they could be read, how they were asked for.",
            ("model", "rung", "asked"),
            registry=registry,
        )
        self._inbox = Gauge("caseworks_inbox_open", "Open items of the inbox.", registry=registry)
        self._streams = Gauge("caseworks_streams", "Open event streams.", registry=registry)

    @contextmanager
    def span(self, episode: Episode, run: Run, **attributes: Attribute) -> Iterator[Span]:
        began, state = time.perf_counter(), "called_off"
        with self._inner.span(episode, run, **attributes) as inner:
            span = _Noted(inner, dict(attributes))
            if episode == "run":
                self._carried.inc()
            try:
                yield span
                state = "done"
            except Exception:
                state = "failed"
                raise
            finally:
                if episode == "run":
                    self._carried.dec()
                    self._let_go(run, span)
                elif episode == "call":
                    self._called(span, state, time.perf_counter() - began)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """`route` is a template, not an address."""
        method = method if method in METHODS else OTHER
        self._requests.labels(route, method, status).inc()
        self._request_seconds.labels(route, method).observe(seconds)

    async def exposition(self, count: Callable[[], Awaitable[Counts]], *, streams: int) -> bytes:
        """Prometheus' text format, 0.0.4."""
        now = self._now()
        if self._counted is None or now - self._counted >= FRESH_SECONDS:
            self._set(await count())
            self._counted = now
        self._streams.set(streams)
        return generate_latest(self._registry)

    def _set(self, counts: Counts) -> None:
        for state in TASK_MOVES:
            self._tasks.labels(state).set(counts.tasks.get(state, 0))
        for phase in MOVES:
            self._runs.labels(phase).set(counts.runs.get(phase, 0))
        self._inbox.set(counts.inbox_open)
        self._due.set(counts.runs_due)

    def _let_go(self, run: Run, span: "_Noted") -> None:
        if result := span.text("result"):
            self._ended.labels(self._graphs.told(run.graph), result).inc()

    def _called(self, span: "_Noted", state: str, seconds: float) -> None:
        model = span.text("model")
        self._calls.labels(model, state).inc()
        self._call_seconds.labels(model, state).observe(seconds)
        for direction in ("input", "output"):
            self._tokens.labels(model, direction).inc(span.number(f"{direction}_tokens"))
        self._money.labels(model).inc(span.number("money") / MILLIONTHS)
        if rung := span.text("rung"):
            self._structured.labels(model, rung, span.text("asked")).inc()


class _Noted(Span):
    def __init__(self, inner: Span, known: dict[str, Attribute]) -> None:
        self._inner, self._known = inner, known

    def note(self, **attributes: Attribute) -> None:
        self._known |= attributes
        self._inner.note(**attributes)

    def text(self, name: str) -> str:
        return str(self._known.get(name, ""))

    def number(self, name: str) -> float:
        return float(self._known.get(name, 0))


class _Names:
    """The first so many different names; all that come later are `other`."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def told(self, name: str) -> str:
        name = name[:100]
        if len(self._known) < MOST_NAMES:
            self._known.add(name)
        return name if name in self._known else OTHER
