"""Which models suit this machine: what it has, what models may take of it, and the choice for that."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.suggesting import PARALLEL, OpenModel, Suggestion, suggest
from services.ports.machine import Audit, Machine, ModelServers, Server

GIB = 2**30
RESERVE = 2 * GIB
"""What the system keeps at least where models share its memory."""
SHARE = 5
"""The system keeps at least one part in so many."""
PLANNED = 85
"""Percent of the memory for models that are planned for."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Bytes that are planned for, of the bytes that models may take, and how those came about, in words."""

    planned: int
    may_take: int
    told: str


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How many active parameters can be waited for (None: any), and how many calls at once are worth it."""

    active: int | None = None
    parallel: int = PARALLEL


FULL = Pace()
SHARING = Pace(active=35_000_000_000)
"""Memory that is shared with the CPU is read several times slower than a card's own."""
CPU = Pace(active=9_000_000_000, parallel=1)


@dataclass(frozen=True, kw_only=True)
class Advice:
    """`asked` is true where the memory was said, not found."""

    machine: Machine
    servers: tuple[Server, ...]
    budget: Budget
    suggestion: Suggestion
    asked: bool

    @property
    def there(self) -> frozenset[str]:
        """Names of the models that a server has already."""
        return frozenset(model.name for server in self.servers for model in server.models)

    @property
    def to_pull(self) -> tuple[OpenModel, ...]:
        return tuple(pick.model for pick in self.suggestion.picks if pick.model.name not in self.there)


class ModelAdvice:
    def __init__(self, audit: Audit, servers: ModelServers, models: Sequence[OpenModel]) -> None:
        self._audit, self._servers, self._models = audit, servers, models

    async def given(self, directory: Path, memory: int | None = None) -> Advice:
        """For the memory that is found, or for models that have `memory` bytes to themselves. Models that are there
        already are reckoned with as their server describes them."""
        machine, servers = self._audit.machine(directory), await self._servers.answering()
        budget = budget_of(machine, servers) if memory is None else _planned(memory, "as you say")
        shapes = {each.name: each.shape for server in servers for each in server.models if each.shape is not None}
        known = [model.model_copy(update={"shape": shapes.get(model.name, model.shape)}) for model in self._models]
        pace = FULL if memory is not None else pace_of(machine)
        return Advice(
            machine=machine,
            servers=servers,
            budget=budget,
            suggestion=suggest(known, budget.planned, active=pace.active, parallel=pace.parallel),
            asked=memory is not None,
        )


def pace_of(machine: Machine) -> Pace:
    if machine.shared:
        return SHARING
    return FULL if machine.gpus else CPU


def budget_of(machine: Machine, servers: Sequence[Server] = ()) -> Budget:
    """The memory of the GPUs; where there is none of their own, the machine's without what the system keeps. What
    servers hold that do not make room is not given twice."""
    held = any(not server.evicts for server in servers)
    back = sum(server.loaded for server in servers if server.evicts)
    own = [(gpu.total, gpu.total if gpu.free is None else gpu.free) for gpu in machine.gpus if gpu.total is not None]
    if own and not machine.shared:
        told = "the memory of the GPU" if len(own) == 1 else f"the memory of {len(own)} GPUs together"
        return _left(sum(total for total, _ in own), sum(free for _, free in own) + back if held else None, told)
    limited = machine.limit is not None and machine.limit < machine.total
    total = machine.total if machine.limit is None else min(machine.total, machine.limit)
    reserve = max(RESERVE, total // SHARE)
    kind = "memory that CPU and GPU share" if machine.shared else "memory"
    limit = ", which is the limit of this process," if limited else ""
    told = f"{total / 1e9:.1f} GB of {kind}{limit} without {reserve / 1e9:.1f} GB for the system"
    free = machine.available + back if held and machine.available is not None else None
    return _left(max(0, total - reserve), free, told)


def _left(total: int, free: int | None, told: str) -> Budget:
    if free is not None and free < total:
        return _planned(free, f"{told}, and without what other programs hold")
    return _planned(total, told)


def _planned(may_take: int, told: str) -> Budget:
    return Budget(planned=may_take * PLANNED // 100, may_take=may_take, told=told)
