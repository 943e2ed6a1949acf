"""What a call to a model goes through: the decorators of the LLM port, in one place."""

import asyncio
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from adapters.llm.backends import BackendLLM
from adapters.llm.caching import CachingLLM
from adapters.llm.configuration import Models
from adapters.llm.deployed import DeployedLLM, Standing
from adapters.llm.enveloped import EnvelopedLLM
from adapters.llm.fitting import FittingLLM, Ratio
from adapters.llm.kept import KeptReplies
from adapters.llm.limited import LimitedLLM
from adapters.llm.own_engine import Means
from adapters.llm.own_engines import OwnEngines
from adapters.llm.rehearsal import RehearsalLLM
from adapters.llm.retrying import Patience, RetryingLLM
from adapters.machine.audit import SystemAudit
from domain.ports.llm import LLM
from services.structured.understanding import understood

AT_ONCE = Patience(tries=1)
"""Where another deployment can be asked, the same one is not asked twice."""


@cache
def means() -> Means:
    """What this machine gives to models in files."""
    found = SystemAudit().machine(Path("/"))
    return Means(memory=min(found.total, found.limit or found.total))


@dataclass(frozen=True)
class Learned:
    """What calls taught about deployments, by key, and what those under way take of them."""

    standings: dict[str, Standing] = field(default_factory=dict)
    ratios: dict[str, Ratio] = field(default_factory=dict)
    places: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    def of(self, keys: Collection[str]) -> "Learned":
        """That about `keys` only."""
        return Learned(
            standings={key: each for key, each in self.standings.items() if key in keys},
            ratios={key: each for key, each in self.ratios.items() if key in keys},
            places={key: each for key, each in self.places.items() if key in keys},
        )


def unchanged(before: Models | None, after: Models | None) -> frozenset[str]:
    """The keys of the deployments that are the same in both."""
    if before is None or after is None:
        return frozenset()
    found, known = after.deployments, before.deployments
    same = {name for name, backend in after.backends.items() if before.backends.get(name) == backend}
    return frozenset(key for key, each in found.items() if known.get(key) == each and each.backend in same)


def language_model(
    models: Models | None,
    engines: OwnEngines | None = None,
    learned: Learned | None = None,
    kept: KeptReplies | None = None,
) -> LLM:
    """For each deployment: retry what was not billed, fit the prompt into its context, tell of tools as it understands
    them, limit what runs at once, give again what was `kept`; then the deployments of an alias, and what stands in for
    it."""
    if models is None:
        return RehearsalLLM()
    alone = {key for alias in models.aliases for key in _only(models.chain(alias))}
    patient, backends = Patience(), BackendLLM(models, os.environ, engines or OwnEngines(means))
    tried = RetryingLLM(backends, lambda key: patient if key in alone else AT_ONCE)
    learned = learned or Learned()
    fitted = EnvelopedLLM(FittingLLM(tried, learned.ratios), models.enveloped, understood)
    asked: LLM = LimitedLLM(fitted, learned.places)
    if kept is not None:
        asked = CachingLLM(asked, kept, lambda each: models.cached(each.alias, each.temperature), models.identity)
    return DeployedLLM(asked, models.chain, known=learned.standings)


def _only(chain: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    return chain[0] if len(chain) == 1 and len(chain[0]) == 1 else ()
