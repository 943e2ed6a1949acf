"""News within one process: callbacks and queues. A listener that does not keep up loses text, never events."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

from domain.ports.a2a import Envelope
from services.ports.live import Live, TextDelta

BACKLOG = 1000


class InProcessLive(Live):
    def __init__(self) -> None:
        self._wakers: list[Callable[[str], None]] = []
        self._freed: list[Callable[[], None]] = []
        self._carriers: list[Callable[[Envelope], None]] = []
        self._queues: dict[str, set[asyncio.Queue[TextDelta | None]]] = defaultdict(set)
        self._closed = False

    def wake(self, run_id: str) -> None:
        for waker in self._wakers:
            waker(run_id)

    def on_wake(self, listener: Callable[[str], None]) -> None:
        self._wakers.append(listener)

    def free(self) -> None:
        for listener in self._freed:
            listener()

    def on_free(self, listener: Callable[[], None]) -> None:
        self._freed.append(listener)

    def post(self, envelope: Envelope) -> None:
        for carrier in self._carriers:
            carrier(envelope)

    def on_post(self, listener: Callable[[Envelope], None]) -> None:
        self._carriers.append(listener)

    def stir(self, scope: str) -> None:
        self._tell(scope, None)

    def say(self, scopes: tuple[str, ...], delta: TextDelta) -> None:
        for scope in scopes:
            self._tell(scope, delta)

    async def listen(self, scope: str) -> AsyncIterator[TextDelta | None]:
        queue: asyncio.Queue[TextDelta | None] = asyncio.Queue(BACKLOG)
        self._queues[scope].add(queue)
        try:
            yield None
            while not self._closed:
                item = await queue.get()
                if not self._closed:
                    yield item
        finally:
            self._queues[scope].discard(queue)
            if not self._queues[scope]:
                del self._queues[scope]

    def close(self) -> None:
        self._closed = True
        for scope in list(self._queues):
            self._tell(scope, None)

    def _tell(self, scope: str, item: TextDelta | None) -> None:
        for queue in self._queues.get(scope, ()):
            if queue.full() and item is not None:
                continue
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(item)
