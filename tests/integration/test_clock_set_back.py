"""The dispatcher notices that the clock was set back: what was due before is not held up by that."""

import asyncio
import time
from datetime import datetime, timedelta

from sqlalchemy import text

from adapters.clock.system import SystemClock
from adapters.dispatch.in_process import InProcessDispatcher
from domain.run import Run
from tests.integration.test_runners import House, house

__all__ = ["house"]


class Wrong(SystemClock):
    """Ahead of the true time."""

    ahead = timedelta(hours=2)

    def now(self) -> datetime:
        return super().now() + self.ahead


async def test_a_run_that_was_ready_before_the_clock_was_set_back_goes_on(house: House) -> None:
    run, clock = await house.run(), Wrong()
    due = text("UPDATE ready SET at = :at").bindparams(at=time.time() + 3600)  # written while the clock was ahead
    await house.database.write(lambda connection: connection.execute(due).rowcount)
    runner = house.runner("one", house.noting("one"))
    dispatcher = InProcessDispatcher(
        journal=house.journal, live=house.live, clock=clock, advance=runner.advance, sweep_seconds=0.05
    )
    await dispatcher.start()
    try:
        await asyncio.sleep(0.2)
        assert house.started == []
        clock.ahead = timedelta()
        async with asyncio.timeout(20):
            while (found := await house.store.get(Run, "wsp_1", run)) is None or found.phase != "ended":
                await asyncio.sleep(0.01)
    finally:
        await dispatcher.stop(1)
