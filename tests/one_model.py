"""A configuration with one alias for all work."""

from domain.routing import Choice, Routing, Tier
from services.ports.models import Deployed, Models, Seen
from services.work.choosing import Choosing


class OneModel(Models):
    def __init__(self, alias: str = "rehearsal") -> None:
        self._alias = alias

    def choose(self, tier: Tier, agent: str, project: str) -> Choice:
        return Choice(alias=self._alias, tier=tier, reason="there is one")

    def routing(self) -> Routing:
        return Routing()

    def alias(self) -> str:
        return self._alias

    def deployments(self) -> tuple[Deployed, ...]:
        return ()

    @property
    def faults(self) -> tuple[str, ...]:
        return ()

    async def look(self, key: str) -> Seen:
        raise KeyError(key)


def choosing(alias: str = "rehearsal") -> Choosing:
    return Choosing(OneModel(alias))
