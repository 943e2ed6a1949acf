"""Runs that wait for something outside of them are rows; this makes them go on once it is there."""

from services.ports.journal import Journal
from services.ports.live import Live


class Parked(Exception):
    """The effect waits for something outside of its run, named by `needs`, and nothing was reserved for it. It begins
    anew under the same id when that is there; the calls that it had made by then are answered from their records."""

    def __init__(self, needs: str) -> None:
        super().__init__(needs)
        self.needs = needs


def for_people(needs: str) -> bool:
    """Whether a person has to give it."""
    return needs.startswith("budget:")


class Parking:
    def __init__(self, journal: Journal, live: Live) -> None:
        self._journal, self._live = journal, live

    async def free(self, needs: str) -> None:
        """What `needs` names is there: runs that are parked for it go on, and those that are about to be parked try
        again first."""
        self._live.free()
        for run_id in await self._journal.unpark(needs):
            self._live.wake(run_id)
