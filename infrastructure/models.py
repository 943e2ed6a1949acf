"""Which model is used: the configured one, else the rehearsal model."""

import os
from collections.abc import Mapping
from dataclasses import replace

from adapters.llm.backends import BackendLLM
from adapters.llm.configuration import Backend, Deployment, Models
from adapters.llm.kept import KeptReplies
from adapters.llm.memory import HostMemory
from adapters.llm.own_engines import OwnEngines
from adapters.machine.audit import SystemAudit
from config.catalogue import ROUTING
from config.reading import read
from config.settings import Settings
from config.watched import Source, Watched
from domain.ports.llm import LLM
from domain.routing import Choice, Routing, Tier
from infrastructure.data_directory import DataDirectory
from infrastructure.model_calls import Learned, language_model, means, unchanged
from infrastructure.taping import Taping
from services.model_advice import budget_of
from services.ports import models as ports
from services.ports.model_memory import ModelMemory
from services.ports.models import Deployed, Seen

OLLAMA = "http://127.0.0.1:11434"
REHEARSAL = "rehearsal"
HERE = "here, begun by need"


def configured(settings: Settings, directory: DataDirectory) -> Models | None:
    """None when work is rehearsed. Raises ConfigurationError with file, line and field."""
    if settings.rehearse or not (directory.models.exists() or directory.models.is_symlink()):
        return None
    return read(directory.models, Models)


def alias_of(models: Models | None) -> str:
    return REHEARSAL if models is None else models.default


class ConfiguredModels(ports.Models):
    """`models.yaml` and `routing.yaml` as they stand now; as they stood at the beginning where calls are recorded or
    answered from a recording."""

    def __init__(self, settings: Settings, directory: DataDirectory) -> None:
        """Raises ConfigurationError."""
        own = directory.routing
        self._directory = directory
        self._taping, self._kept = Taping(settings), KeptReplies(directory.replies)
        self._models: Source[Models | None]
        self._routing: Source[Routing]
        if (recorded := self._taping.recorded()) is not None:
            self._models, self._routing = recorded
        else:
            self._models = Watched(directory.models, lambda: configured(settings, directory))
            self._routing = Watched(own, lambda: read(own if own.exists() else ROUTING, Routing))
        if settings.record is not None:
            self._models, self._routing = self._taping.begun(self._models.value, self._routing.value)
        self._composed: tuple[Models | None, LLM] | None = None
        self._memory: tuple[Models | None, ModelMemory | None] | None = None
        self._engines, self._learned = OwnEngines(means), Learned()

    @property
    def current(self) -> Models | None:
        return self._models.value

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the files as they stand, though the last good ones are in force."""
        self._models.value, self._routing.value  # noqa: B018  (looks at the files)
        return tuple(filter(None, (self._models.fault, self._routing.fault)))

    def llm(self) -> LLM:
        models = self.current
        if self._composed is None or self._composed[0] is not models:
            before = self._composed[0] if self._composed is not None else None
            self._learned = self._learned.of(unchanged(before, models))
            asked = language_model(models, self._engines, self._learned, self._kept)
            self._composed = models, self._taping.around(asked)
        return self._composed[1]

    def memory(self) -> ModelMemory | None:
        """The memory of the hosts that are configured; None where there are none, or where no model is asked."""
        models = self.current
        if self._memory is None or self._memory[0] is not models:
            memory = None
            if models is not None and models.hosts and not self._taping.replays:
                memory = HostMemory(models, os.environ, self._measured, self.engines)
            self._memory = models, memory
        return self._memory[1]

    def _measured(self) -> int:
        return budget_of(SystemAudit().machine(self._directory.path)).may_take

    @property
    def engines(self) -> OwnEngines:
        """Those of models in files, told of what is configured now."""
        self.llm()
        return self._engines

    def currency(self) -> str:
        return "" if (models := self.current) is None else models.currency

    def alias(self) -> str:
        return alias_of(self.current)

    def choose(self, tier: Tier, agent: str, project: str) -> Choice:
        if (models := self.current) is None:
            return Choice(alias=REHEARSAL, tier=tier, reason="no model is configured: rules write what they can")
        return models.choose(tier, agent, project)

    def deployments(self) -> tuple[Deployed, ...]:
        models, memory = self.current, self.memory()
        limits = {} if memory is None else memory.limits
        return () if models is None else tuple(_deployed(models, key, limits) for key in models.deployments)

    async def look(self, key: str) -> Seen:
        if (models := self.current) is None:
            raise KeyError(key)
        seen, memory = await BackendLLM(models, os.environ, self._engines).seen(key), self.memory()
        return seen if memory is None else replace(seen, need=await memory.need(key))

    def routing(self) -> Routing:
        return self._routing.value


def _deployed(models: Models, key: str, limits: Mapping[str, int]) -> Deployed:
    deployment, alias = models.deployments[key], key.partition("/")[0]
    backend = models.backends[deployment.backend]
    return Deployed(
        key=key,
        alias=alias,
        model=deployment.model,
        backend=deployment.backend,
        address=backend.base_url or HERE,
        context_tokens=deployment.context_tokens,
        parallel=deployment.parallel,
        default=alias == models.default,
        served=models.tiers_of(alias),
        stand_ins=models.fallbacks.get(alias, ()),
        credentials=_secret(backend),
        host=backend.host or "",
        host_limit=limits.get(backend.host or ""),
    )


def _secret(backend: Backend) -> str:
    if backend.api_key_file is not None:
        return f"in the file {backend.api_key_file}"
    if (variable := backend.api_key_env) is None:
        return "none needed"
    return f"{variable} (environment), {'set' if os.environ.get(variable) else 'NOT set'}"


def pin_ollama(directory: DataDirectory, model: str, base_url: str = OLLAMA) -> Models:
    """Writes models.yaml with one backend and one alias, so that the same model is used from now on."""
    import yaml

    models = Models(
        default="main",
        backends={"ollama": Backend(kind="ollama", base_url=base_url)},
        aliases={"main": Deployment(backend="ollama", model=model)},
    )
    text = "# Which models are used. Written when you said yes to the Ollama that was found; edit it as you like.\n"
    text += yaml.safe_dump(models.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
    directory.models.write_text(text)
    return models
