"""What every use case works with, and how one is carried out: once, even when it is asked for twice."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from loguru import logger

from domain.errors import Conflict, NotFound
from domain.principal import Principal
from services.ports.clock import Clock
from services.ports.content import Content
from services.ports.live import Live
from services.ports.store import E, Idempotency, Store
from services.unit_of_work import Scene, UnitOfWork, repeated


@dataclass(frozen=True, kw_only=True)
class Command:
    """Who asks, under which correlation id, and the Idempotency-Key with a digest of the request, if one was given."""

    principal: Principal
    correlation: str = ""
    key: str | None = None
    request: str = ""


class KeyReused(Conflict):
    def __init__(self, key: str) -> None:
        super().__init__(f"The Idempotency-Key {key} was used for another request; use a new one.")


@dataclass(frozen=True, kw_only=True)
class Desk:
    store: Store
    content: Content
    clock: Clock
    live: Live

    def unit(self, command: Command) -> UnitOfWork:
        scene = Scene(principal=command.principal, at=self.clock.now(), correlation=command.correlation)
        return UnitOfWork(store=self.store, clock=self.clock, live=self.live, scene=scene)

    async def get(self, command: Command, kind: type[E], id: str) -> E:
        """Raises NotFound, for another workspace's ids too."""
        found = await self.store.get(kind, command.principal.workspace_id, id)
        if found is None:
            raise NotFound(kind.__name__.lower(), id)
        return found

    async def carry_out(self, command: Command, kind: type[E], decide: Callable[[UnitOfWork], Awaitable[E]]) -> E:
        """Loads, decides, commits, and again when somebody was faster. With a key that is known: what it led to."""

        async def attempt() -> E:
            if (known := await self.known(command, kind)) is not None:
                return known
            uow = self.unit(command)
            entity = await decide(uow)
            if command.key is not None:
                uow.remember(self._idempotency(command, kind, entity.id))
            await uow.commit()
            logger.info("{} {} was committed", kind.__name__, entity.id)
            return await self.get(command, kind, entity.id)

        return await repeated(attempt)

    async def known(self, command: Command, kind: type[E]) -> E | None:
        """What the command's key led to before. Raises KeyReused when that was for another request."""
        known = await self.led_to(command)
        return None if known is None else await self.get(command, kind, known)

    async def led_to(self, command: Command) -> str | None:
        """The id of what the command's key led to before. Raises KeyReused when that was for another request."""
        if command.key is None:
            return None
        principal = command.principal
        known = await self.store.idempotency(principal.workspace_id, principal.id, command.key)
        if known is None:
            return None
        if known.request != command.request:
            raise KeyReused(command.key)
        return known.id

    def _idempotency(self, command: Command, kind: type[E], id: str) -> Idempotency:
        assert command.key is not None
        return Idempotency(
            principal=command.principal.id, key=command.key, request=command.request, kind=kind.__name__, id=id
        )
