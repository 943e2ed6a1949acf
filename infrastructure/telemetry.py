"""Logs and traces. Logs: loguru on standard error, JSON lines or readable, the standard library's logging flows in.
No prompt, text or secret is ever logged: messages name ids. Traces: nowhere, unless a collector is named."""

import json
import logging
import sys
from typing import TYPE_CHECKING, Any

from loguru import logger

from config.settings import Log, Telemetry

if TYPE_CHECKING:
    from fastapi import FastAPI
    from loguru import Record
    from starlette.types import ASGIApp, Receive, Scope, Send

    from adapters.telemetry.traces import Traces

READABLE = "<dim>{time:HH:mm:ss}</dim> <level>{level: <7}</level> {message}<dim>{extra[told]}</dim>\n"
CONTEXT = ("correlation", "run", "node", "call")


class Intercept(logging.Handler):
    """The standard library's records, handed to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        level: str | int = record.levelname if record.levelname in logging.getLevelNamesMapping() else record.levelno
        logger.opt(depth=6, exception=record.exc_info).log(level, "{}: {}", record.name, record.getMessage())


def set_up(log: Log) -> None:
    as_json = log.format == "json" or (log.format == "auto" and not sys.stderr.isatty())
    logger.remove()
    logger.configure(patcher=_tell)
    logger.add(
        _write_json if as_json else sys.stderr,
        format="{message}" if as_json else lambda _: READABLE,
        level=log.level,
        backtrace=False,
        diagnose=False,
    )
    logging.basicConfig(handlers=[Intercept()], level=log.level, force=True)
    for noisy in ("httpx", "httpcore", "LiteLLM", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[log.level]))


def traces(telemetry: Telemetry) -> "Traces | None":
    """None when no collector is named: then nothing of OpenTelemetry is even loaded."""
    if telemetry.otlp_endpoint is None:
        return None
    from adapters.telemetry.traces import Traces

    return Traces(telemetry.otlp_endpoint)


def trace(app: "FastAPI", traces: "Traces") -> None:
    """Requests become spans. Not those that only ask how the program is, nor the pieces of streams; without queries,
    which may hold what somebody searched for, and never with credentials."""
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=traces.provider,
        excluded_urls="/health$,/ready$,/metrics$",
        exclude_spans=["receive", "send"],
        http_capture_headers_sanitize_fields=["authorization", "cookie", "set-cookie"],
        server_request_hook=_without_query,
    )


def _without_query(span: Any, _scope: object) -> None:
    for name in ("http.url", "http.target", "url.full", "url.query"):
        if found := (span.attributes or {}).get(name):
            span.set_attribute(name, "" if name == "url.query" else found.partition("?")[0])


class Tracked:
    """What a request begins belongs to its trace. Stands behind the guards, which know its correlation."""

    def __init__(self, app: "ASGIApp", *, traces: "Traces") -> None:
        self._app, self._traces = app, traces

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            self._traces.requested(scope["state"]["correlation"])
        await self._app(scope, receive, send)


def _tell(record: "Record") -> None:
    extra = record["extra"]
    found = [f"{name}={extra[name]}" for name in CONTEXT if extra.get(name)]
    found += [f"{name}={value}" for name, value in _raised(record).items()]
    extra["told"] = "  " + " ".join(found) if found else ""


def _write_json(message: Any) -> None:
    record: Record = message.record
    line: dict[str, Any] = {
        "time": record["time"].isoformat(),
        "level": record["level"].name,
        "message": record["message"],
        "logger": record["name"],
    }
    line |= {name: record["extra"][name] for name in CONTEXT if record["extra"].get(name)}
    line |= _raised(record)
    print(json.dumps(line, ensure_ascii=False), file=sys.stderr, flush=True)


def _raised(record: "Record") -> dict[str, str]:
    """Which exception, and where; never the values of variables, which may hold prompts."""
    exception = record["exception"]
    if exception is None or exception.type is None:
        return {}
    return {"exception": exception.type.__name__, "at": _place(exception.traceback)}


def _place(traceback: Any) -> str:
    """File and line where it was raised."""
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}" if traceback is not None else ""
