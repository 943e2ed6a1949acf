"""The carrier within one process: a queue. What is carried ends with the process; the rows do not."""

import asyncio
from typing import Literal

from loguru import logger

from domain.ports.a2a import A2A, Envelope, Receiver

KEPT = 10_000  # the oldest go first: their rows are found by the sweep
PAUSE_SECONDS = 1.0


class InProcessA2A(A2A):
    def __init__(self, *, kept: int = KEPT, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._queue: asyncio.Queue[Envelope] = asyncio.Queue(kept)
        self._pause = pause_seconds

    async def announce(self, envelope: Envelope) -> None:
        self._put(envelope)

    async def receive(self, receiver: Receiver) -> None:
        while True:
            envelope = await self._queue.get()
            try:
                await receiver(envelope)
            except Exception as error:
                logger.opt(exception=error).error("the message {} was not taken, and comes again", envelope.message_id)
                asyncio.get_running_loop().call_later(self._pause, self._put, envelope)
            except asyncio.CancelledError:
                self._put(envelope)
                raise

    async def health(self) -> tuple[Literal["ok", "warning", "failed"], str]:
        return "ok", "agents talk within this process"

    async def close(self) -> None:
        """Nothing is held."""

    def _put(self, envelope: Envelope) -> None:
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(envelope)
