"""The model pool: which models are in memory, and which work goes next so that few have to be swapped.

A call to a model that is loaded begins at once. Any other is parked: its run becomes a row, and `arrange` decides, over
all projects, which model is loaded next and which rows go on (`domain.model_pool`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

from loguru import logger

from domain.model_pool import Decision, Job
from domain.ports.llm import LLMError
from services.ports.journal import Journal, ParkedRun
from services.ports.live import Live
from services.ports.model_memory import ModelMemory
from services.running.effects import Parked
from services.running.model_host import LINGER, ModelHost
from services.running.outlook import Outlook

NEEDS = "model:"
MOST = 500
"""Parked runs that are looked at together."""
GRANTED = 30.0
"""Seconds within which a run that was let go on has to come."""
LOOK_AGAIN = 20.0
"""Seconds after which backends are asked anew which models they have loaded."""
LEAVE_ALONE = 60.0
"""Seconds for which a model that could not be loaded is not tried again; calls to it go out and tell why."""


class ModelPool:
    def __init__(
        self,
        memory: Callable[[], ModelMemory | None],
        journal: Journal,
        live: Live,
        outlook: Outlook,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._current, self._journal, self._live, self._outlook = memory, journal, live, outlook
        self._monotonic = monotonic
        self._memory: ModelMemory | None = None
        self._hosts: dict[str, ModelHost] = {}
        self._since: dict[str, float] = {}
        self._arranging = asyncio.Lock()

    @asynccontextmanager
    async def place(self, alias: str, run_id: str) -> AsyncIterator[str]:
        """A call of the run to `alias` lasts as long as this; the deployment that it is counted for. Raises Parked
        where its model has to wait for memory, and LLMError where it never fits."""
        keys = self._keys(alias)
        if not keys:
            yield ""
            return
        host, key = self._entered(keys, run_id) or self._parked(alias, run_id)
        host.busy[key] += 1
        try:
            yield key
        finally:
            host.busy[key] -= 1
            host.left[key] = self._monotonic()
            asyncio.get_running_loop().call_later(LINGER, self._live.wake, run_id)

    async def arrange(self) -> None:
        """Lets parked runs go on, and begins to load what is wanted next. Cheap while nothing waits."""
        memory = self._follow()
        if memory is None or self._arranging.locked():
            return
        async with self._arranging:
            rows = [row for row in await self._journal.parked(MOST) if _alias(row)]
            now = self._monotonic()
            self._since = {row.run_id: self._since.get(row.run_id, now) for row in rows}
            if rows:
                await self._look(memory)
                await self._decide(memory, rows)
            else:
                for host in self._hosts.values():
                    host.held = frozenset()

    async def close(self) -> None:
        """Waits no longer for what is being loaded; the backends may go on with it."""
        swaps = [host.swap for host in self._hosts.values() if host.swap is not None]
        for swap in swaps:
            swap.cancel()
        await asyncio.gather(*swaps, return_exceptions=True)

    # calls

    def _keys(self, alias: str) -> tuple[str, ...]:
        memory = self._follow()
        return () if memory is None else memory.keys(alias)

    def _entered(self, keys: Sequence[str], run_id: str) -> tuple[ModelHost, str] | None:
        now = self._monotonic()
        for host in self._hosts.values():
            granted = host.granted.pop(run_id, None)
            if granted is not None and granted[0] in keys and host.may_begin(granted[0], now, granted=True):
                return host, granted[0]
        if unfit := [fault for host in self._hosts.values() for key in keys if (fault := host.unfit(key))]:
            raise unfit[0]
        there = [(host, key) for host in self._hosts.values() for key in keys if host.may_begin(key, now)]
        return min(there, key=lambda place: place[0].busy[place[1]], default=None)

    def _parked(self, alias: str, run_id: str) -> NoReturn:
        self._since.setdefault(run_id, self._monotonic())
        raise Parked(f"{NEEDS}{alias}")

    # decisions

    def _follow(self) -> ModelMemory | None:
        """The configuration as it stands."""
        memory = self._current()
        if memory is not self._memory:
            self._memory = memory
            limits = memory.limits if memory is not None else {}
            self._hosts = {name: ModelHost(name=name, limit=limit) for name, limit in limits.items()}
        return memory

    async def _look(self, memory: ModelMemory) -> None:
        for host in self._hosts.values():
            if self._monotonic() - host.seen > LOOK_AGAIN and host.swap is None:
                host.models = {each.key: each for each in await memory.hosted(host.name)}
                host.resident = set(await memory.resident(host.name))
                host.seen = self._monotonic()

    async def _decide(self, memory: ModelMemory, rows: Sequence[ParkedRun]) -> None:
        goes_to = {row.run_id: self._where(memory.keys(_alias(row)), row.run_id) for row in rows}
        jobs = await self._jobs(memory, rows, goes_to)
        for host in self._hosts.values():
            now = self._monotonic()
            for id, key in goes_to.items():
                if host.unfit(key) or host.hopeless(key, now):
                    await self._go_on(host, id, key)  # its call says why
            if host.swap is None:
                decision = host.decision(jobs, now)
                for id in decision.start:
                    if id in goes_to:
                        await self._go_on(host, id, goes_to[id])
                if decision.load is not None:
                    logger.info("{}: {}", host.name, decision.why)
                    host.swap = asyncio.create_task(self._swapped(memory, host, decision))

    async def _jobs(self, memory: ModelMemory, rows: Sequence[ParkedRun], goes_to: Mapping[str, str]) -> list[Job]:
        """What waits, and what is still to come in the same workspaces, each with the model that it goes to."""
        ahead = await self._outlook.ahead(sorted({row.workspace_id for row in rows}), list(goes_to))
        return [
            Job(id=row.run_id, model=goes_to[row.run_id], priority=row.priority, since=self._since[row.run_id])
            for row in rows
        ] + [
            Job(
                id=each.id,
                model=self._where(memory.keys(each.alias), each.id),
                depends_on=each.depends_on,
                running=each.running,
                since=self._monotonic(),
            )
            for each in ahead
        ]

    def _where(self, keys: Sequence[str], id: str) -> str:
        """Of several deployments one that is loaded, and for the same work always the same."""
        loaded = [key for key in keys if any(key in host.resident for host in self._hosts.values())]
        among = loaded or keys
        return among[sum(id.encode()) % len(among)] if among else ""

    async def _go_on(self, host: ModelHost, run_id: str, key: str) -> None:
        host.granted[run_id] = key, self._monotonic() + GRANTED
        await self._journal.due(run_id)

    async def _swapped(self, memory: ModelMemory, host: ModelHost, decision: Decision) -> None:
        key = host.loading = decision.load or ""
        host.evicting = decision.evict
        try:
            for other in decision.evict:
                await memory.unload(other)
                host.resident.discard(other)
            await memory.load(key)
            host.resident.add(key)
            host.loaded_at[key] = self._monotonic()
        except LLMError as error:
            logger.warning("{}: {} could not be loaded: {}", host.name, key, error)
            host.failed[key] = self._monotonic() + LEAVE_ALONE
        finally:
            host.swap, host.loading, host.evicting = None, None, ()
            host.seen = float("-inf")
            self._live.free()
            self._live.wake("")


def _alias(row: ParkedRun) -> str:
    return next((need.removeprefix(NEEDS) for need in row.needs if need.startswith(NEEDS)), "")
