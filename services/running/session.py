"""A run in hand: its state, what is under way, what waits, and the bell that tells when to look."""

import asyncio
from dataclasses import dataclass, field

from domain.agent_graph import (
    AgentGraph,
    ChangeRefused,
    Effect,
    EffectDone,
    EffectFailed,
    Forked,
    RunState,
    SignalReceived,
    Started,
)
from domain.run import Run
from services.ports.journal import Claim
from services.ports.store import Fence
from services.running.effects import Parked

SomeTick = Started | Forked | EffectDone | EffectFailed | ChangeRefused | SignalReceived
Outcome = SomeTick | Parked


class Bell:
    """Rings when something may be to do; `nudged` while that may be signals. `freed` counts how often something came
    that effects may have waited for."""

    def __init__(self) -> None:
        self.nudged = False
        self.freed = 0
        self._rung = asyncio.Event()

    def nudge(self) -> None:
        self.nudged = True
        self._rung.set()

    def ring(self, _ended: object = None) -> None:
        self._rung.set()

    async def wait(self) -> None:
        """Until it rings from now on."""
        self._rung.clear()
        await self._rung.wait()


@dataclass(kw_only=True)
class Session:
    """A run in hand: its state, what is under way, and the effects that wait for something, by their ids, with that.
    `begun` is what the bell had counted as freed when each effect began."""

    claim: Claim
    run: Run
    graph: AgentGraph
    state: RunState
    bell: Bell
    under_way: dict[asyncio.Task[Outcome], Effect] = field(default_factory=dict)
    called_off: dict[str, asyncio.Task[Outcome]] = field(default_factory=dict)
    parked: dict[str, tuple[Effect, str]] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)

    @property
    def fence(self) -> Fence:
        return Fence(run_id=self.claim.run_id, epoch=self.claim.epoch)
