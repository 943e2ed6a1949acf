"""Following a run: its events come in a thread of their own, so that waiting for them can be interrupted."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from infrastructure.cli import interrupts
from infrastructure.cli.output import tell

if TYPE_CHECKING:
    from infrastructure.cli.connection import Connection

Event = tuple[str, dict[str, Any]]
PATIENCE = 30.0
"""Seconds without the server after which a broken stream is given up."""

_END = object()


def follow(api: "Connection", run_id: str, pause: float = 0.5) -> Iterator[Event | None]:
    """(kind, event) in order, once each; None when nothing came for `pause` seconds. Ends with the run. Raises
    Refused, and httpx.HTTPError when the server stays away."""
    events: queue.Queue[Any] = queue.Queue()
    stopping = threading.Event()
    reader = threading.Thread(target=_read, args=(api, run_id, events.put, stopping), daemon=True)
    reader.start()
    try:
        while True:
            try:
                found = events.get(timeout=pause)
            except queue.Empty:
                interrupts.check()
                yield None
                continue
            if found is _END:
                return
            if isinstance(found, Exception):
                raise found
            yield found
    finally:
        stopping.set()
        api.hang_up()
        reader.join(PATIENCE / 10)


def _read(api: "Connection", run_id: str, put: Callable[[Any], None], stopping: threading.Event) -> None:
    """Reads on after the last number when the stream breaks."""
    import httpx

    last, heard = 0, time.monotonic()
    while not stopping.is_set():
        trouble: Exception | None = None
        try:
            for number, kind, event in api.follow(f"/v1/runs/{run_id}/events", last):
                if stopping.is_set():
                    return
                heard = time.monotonic()
                if number is None:
                    continue
                last = number
                put((kind, event))
                if kind == "run.ended" and event.get("subject") == run_id:
                    put(_END)
                    return
        except httpx.HTTPError as error:
            trouble = error
        except Exception as error:
            put(error)
            return
        if trouble is not None and time.monotonic() - heard > PATIENCE:
            put(trouble)
            return
        if trouble is not None and not stopping.is_set():
            tell("  the connection broke; trying again …")
        stopping.wait(1.0)
