"""Ready runs handed out within this process, by asyncio. The truth is the table of ready runs; a wake-up only makes
it look sooner."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from loguru import logger

from services.ports.clock import Clock
from services.ports.dispatcher import Dispatcher
from services.ports.journal import Journal
from services.ports.live import Live
from services.ports.store import StoreError

SWEEP_SECONDS = 5.0
AFTER_FAILURE = 2.0
LONGEST_PAUSE = 60.0
SET_BACK = timedelta(seconds=2)
"""By how much a clock is set back at least to be taken for that."""


class InProcessDispatcher(Dispatcher):
    def __init__(
        self,
        *,
        journal: Journal,
        live: Live,
        clock: Clock,
        advance: Callable[[str], Awaitable[bool]],
        arrange: Callable[[], Awaitable[None]] | None = None,
        parallel: int = 8,
        sweep_seconds: float = SWEEP_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal, self._clock, self._advance, self._arrange = journal, clock, advance, arrange
        self._parallel, self._sweep_seconds = parallel, sweep_seconds
        self._monotonic = monotonic
        self._looked: tuple[datetime, float] | None = None
        self._woken = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._failures: Counter[str] = Counter()
        self._sweeper: asyncio.Task[None] | None = None
        live.on_wake(lambda _run: self._woken.set())

    async def start(self) -> None:
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self, seconds: float) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=seconds)
        for task in list(self._under_way.values()):
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _sweep(self) -> None:
        while True:
            self._woken.clear()
            try:
                pause = await self._hand_out()
            except StoreError as error:
                logger.error("the store cannot be read: {}", error)
                pause = AFTER_FAILURE
            try:
                await asyncio.wait_for(self._woken.wait(), pause)
            except TimeoutError:
                continue

    async def _hand_out(self) -> float:
        """Starts what is ready and fits; the seconds until it is worth looking again. What is parked is arranged
        first."""
        await self._look_at_the_clock()
        if self._arrange is not None:
            await self._arrange()
        free = self._parallel - len(self._under_way)
        if free > 0:
            for ready in await self._journal.ready(self._parallel + len(self._under_way)):
                if free > 0 and ready.run_id not in self._under_way:
                    free -= 1
                    self._under_way[ready.run_id] = asyncio.create_task(self._carry(ready.run_id))
        due = await self._journal.next_due()
        if due is None:
            return self._sweep_seconds
        return min(self._sweep_seconds, max(0.05, (due - self._clock.now()).total_seconds()))

    async def _look_at_the_clock(self) -> None:
        """One that was set back would hold up for as long what was due before."""
        now, passed = self._clock.now(), self._monotonic()
        expected = self._looked and self._looked[0] + timedelta(seconds=passed - self._looked[1])
        self._looked = now, passed
        if expected is not None and now < expected - SET_BACK:
            logger.warning("the clock was set back by {}; what was due goes on", expected - now)
            await self._journal.set_back(expected)

    async def _carry(self, run_id: str) -> None:
        try:
            await self._advance(run_id)
            self._failures.pop(run_id, None)
        except StoreError as error:
            logger.error("a run stopped because the store failed, and will be tried again: {}", error)
            await self._pause(run_id)
        except Exception as error:
            logger.opt(exception=error).error("the run {} stopped unexpectedly and will be tried again", run_id)
            await self._pause(run_id)
        finally:
            self._under_way.pop(run_id, None)
            self._woken.set()

    async def _pause(self, run_id: str) -> None:
        """Longer after each failure in a row."""
        self._failures[run_id] += 1
        await asyncio.sleep(min(LONGEST_PAUSE, AFTER_FAILURE * 2.0 ** (self._failures[run_id] - 1)))
