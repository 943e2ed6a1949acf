"""What `models.yaml` says: backends, aliases for their models, tiers of aliases, and what is used when one is down.

currency: EUR
default: main
backends:
  ollama: {kind: ollama, base_url: "http://127.0.0.1:11434"}
aliases:
  main: {backend: ollama, model: "qwen3:4b", context_tokens: 8192}
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from adapters.llm.hosts import Host, Size, too_large
from adapters.llm.parts import Part, Place, Price, misplaced, seconds_kept
from domain.ports.llm import ModelInfo
from domain.routing import NEARER, Choice, Tier

PROVIDERS = {
    "ollama": "ollama_chat",
    "openai": "openai",
    "vllm": "hosted_vllm",
    "llama.cpp": "openai",
    "llamafile": "llamafile",
    "lm_studio": "lm_studio",
}
"""Kinds of backends and LiteLLM's name for each. Kind `litellm` names its own in `provider`."""

TRITON = "triton"
"""The kind that is asked without LiteLLM, whose provider of that name gets the prompt's template from the internet."""

GGUF = "gguf"
"""The kind that is no server: a model in a file, which llama.cpp runs as a process of ours."""

WITHOUT_TOOLS = ("llama.cpp", "llamafile", TRITON, GGUF)
"""Kinds whose tools come in an envelope unless a deployment says otherwise: their own gave no calls when tried."""

OFFERED = ("anthropic", "deepseek", "gemini", "openrouter", "xai")
"""Providers of LiteLLM that kind `litellm` may name: a test shows for each that it asks its base_url alone."""

REFUSED = {
    "ollama_chat": "kind 'ollama_chat' is LiteLLM's name; write kind 'ollama'",
    "hosted_vllm": "kind 'hosted_vllm' is LiteLLM's name; write kind 'vllm'",
}
LEAKING = {
    "triton": "asks a public hub for a chat template; use kind 'triton'",
    "ollama": "sends keep_alive to the wrong place; use kind 'ollama'",
    "ollama_chat": "has a kind of its own; use kind 'ollama'",
}
"""Providers of LiteLLM that kind `litellm` must not name, and why."""

TOKENS_A_FIELD = 512

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


def litellm_model(backend_kind: str, model: str, provider: str | None = None) -> str:
    """LiteLLM's name for `model` of such a backend. Raises ValueError, one sentence, for what must not be used."""
    if backend_kind in REFUSED:
        raise ValueError(REFUSED[backend_kind])
    if backend_kind == "litellm":
        if provider is None:
            raise ValueError("kind 'litellm' needs `provider`, LiteLLM's name for it, such as anthropic")
        if provider in LEAKING:
            raise ValueError(f"provider '{provider}' {LEAKING[provider]}")
        if provider not in OFFERED:
            raise ValueError(
                f"provider '{provider}' is not offered; use one of {', '.join(OFFERED)}, or kind 'openai' where the "
                "server speaks OpenAI's protocol"
            )
        return f"{provider}/{model}"
    if backend_kind not in PROVIDERS:
        raise ValueError(f"kind '{backend_kind}' is unknown; use one of {', '.join(PROVIDERS)}, triton, gguf, litellm")
    if provider is not None:
        raise ValueError(f"`provider` is for kind 'litellm' only; '{backend_kind}' has its own")
    if model.startswith(("ollama/", "ollama_chat/", "triton/")):
        raise ValueError(f"model '{model}' names a provider; write the name alone, as the backend lists it")
    return f"{PROVIDERS[backend_kind]}/{model}"


class Backend(Part):
    """A server of models. A key is never written here, only where it is: in an environment variable or in a file."""

    kind: str = Field(description=f"One of {', '.join(PROVIDERS)}, triton, gguf, litellm.")
    base_url: str = Field(
        "",
        description="Its address; of an ollama or a triton the root, of a gguf none, of others with their /v1.",
    )
    provider: Annotated[str, Field(pattern=r"^[a-z0-9_]{2,40}$")] | None = Field(
        None, description=f"Of kind litellm: LiteLLM's name for the provider, one of {', '.join(OFFERED)}."
    )
    api_key_env: Variable | None = Field(None, description="The environment variable that holds the key.")
    api_key_file: Path | None = Field(None, description="The file that holds the key, and nothing else.")
    ca_file: Path | None = Field(None, description="The certificates that are trusted instead of the system's, as PEM.")
    host: Name | None = Field(None, description="The machine of `hosts` whose memory its models take.")
    allow_cloud: bool = Field(False, description="Whether it may run a model in a cloud, which then sees the prompts.")

    @field_validator("base_url")
    @classmethod
    def _plain(cls, base_url: str) -> str:
        """Raises ValueError."""
        try:
            parts = urlsplit(base_url)
            known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # no number of a port, no address in brackets
            known = False
        if not known:
            raise ValueError("base_url must be an http or https address such as http://127.0.0.1:11434")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("base_url must hold no credentials, query or fragment; name the key in api_key_env")
        return base_url.rstrip("/")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        self._addressed()
        if self.kind == TRITON and self.base_url.endswith(("/v1", "/v2")):
            raise ValueError(
                "base_url of a triton backend is its root, without /v1 or /v2; kind 'openai' is for its OpenAI frontend"
            )
        if self.kind == "ollama" and self.base_url.endswith(("/v1", "/api")):
            raise ValueError("base_url of an ollama backend is its root, without /v1 or /api")
        if self.api_key_env and self.api_key_file:
            raise ValueError("give `api_key_env` or `api_key_file`, not both")
        return self

    def _addressed(self) -> None:
        if self.kind == GGUF:
            if more := sorted(self.model_fields_set - {"kind", "host"}):
                raise ValueError(f"`{more[0]}` is not for kind 'gguf', which runs a file here and asks no server")
            return
        self.named("")
        if not self.base_url:
            raise ValueError("`base_url` is missing, the server's address such as http://127.0.0.1:8000/v1")

    def named(self, model: str) -> str:
        """What asks it calls `model`. Raises ValueError, one sentence, for what must not be used."""
        if self.kind == GGUF:
            if not Path(model).expanduser().is_absolute():
                raise ValueError(f"'{model}' must be the whole path of a GGUF file, such as /home/me/model.gguf")
            return model
        if self.kind != TRITON:
            return litellm_model(self.kind, model, self.provider)
        if self.provider is not None:
            raise ValueError("`provider` is for kind 'litellm' only")
        return model


class Deployment(Part):
    """One model on one backend."""

    backend: str
    model: Annotated[str, Field(min_length=1, max_length=200)]
    context_tokens: Annotated[int, Field(ge=512, le=10_000_000)] = Field(8192, description="What it is given room for.")
    parallel: Annotated[int, Field(ge=1, le=64)] = Field(1, description="Calls that it serves at once.")
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(None, description="In place of what is asked for.")
    keep_alive: str | None = Field(None, description="How long an Ollama or a gguf keeps it loaded, such as 10m.")
    think: bool = Field(False, description="Whether it thinks aloud first; that costs tokens.")
    template: Literal["chatml", "llama3", "plain"] | None = Field(
        None, description="Of kind triton: how a conversation is written as one text; what the model was trained with."
    )
    memory: Size | None = Field(None, description="What it takes when it is loaded, where you know it better.")
    load_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(10, description="How long loading takes, about.")
    tools: Literal["native", "envelope"] | None = Field(
        None,
        description="How it is told of tools: by its backend (`native`), or as JSON that it is to write (`envelope`), "
        f"for models that have none. Without it: envelope for {', '.join(WITHOUT_TOOLS)}, else native.",
    )
    fields_at_once: Annotated[int, Field(ge=1, le=1_000)] | None = Field(
        None,
        description="How many fields of a structured reply it is asked for at once, those within lists and objects "
        f"counted; more are asked for in parts. Without it one for each {TOKENS_A_FIELD} tokens of its context.",
    )
    cache: bool | None = Field(
        None,
        description="Whether all its replies are kept and given again to the same question; without it as the `cache` "
        "beside `default` says, which keeps those at temperature 0.",
    )
    price: Price = Price()

    @property
    def manages(self) -> int:
        """Fields of a structured reply."""
        return self.fields_at_once or max(1, self.context_tokens // TOKENS_A_FIELD)


class Several(Part):
    """One name for several deployments: the least busy is asked first, one that is down is left."""

    deployments: Annotated[tuple[Deployment, ...], Field(min_length=1, max_length=16)]


def _told_apart(written: Any) -> Any:
    """The one thing that an alias looks like, so that an error speaks of that only."""
    if isinstance(written, dict):
        return (Several if "deployments" in written else Deployment).model_validate(written)
    if isinstance(written, Deployment | Several):
        return written
    raise ValueError("must hold names with their values, as in {backend: ollama, model: NAME}")


class Override(Part):
    """What an agent or a project uses instead: an alias for each tier, or `any` for all of them."""

    small: str | None = None
    medium: str | None = None
    large: str | None = None
    code: str | None = None
    any: str | None = None

    def of(self, tier: Tier) -> str | None:
        return getattr(self, tier) or self.any

    def aliases(self) -> Iterator[tuple[str, str]]:
        return ((name, value) for name, value in self if value is not None)


class Tiers(Part):
    """An alias for each size of work. What is left out is served by the nearest that there is."""

    small: str | None = None
    medium: str | None = None
    large: str | None = None
    code: str | None = None


class Models(Part):
    """The whole of `models.yaml`."""

    backends: Annotated[dict[Name, Backend], Field(min_length=1)]
    hosts: dict[Name, Host] = Field({}, description="Machines whose memory models share.")
    aliases: Annotated[dict[Name, Annotated[Deployment | Several, BeforeValidator(_told_apart)]], Field(min_length=1)]
    default: str = Field(description="The alias for all that no tier is given for.")
    tiers: Tiers = Tiers()
    fallbacks: dict[Name, tuple[Name, ...]] = Field({}, description="For an alias: the ones that stand in, in order.")
    agents: dict[str, Override] = Field({}, description="What single agents use, by name.")
    projects: dict[str, Override] = Field({}, description="What single projects use, by id; wins over `agents`.")
    cache: bool = Field(False, description="Whether replies at temperature 0 are kept and given again.")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"

    @model_validator(mode="after")
    def _resolved(self) -> Self:
        for place, deployment in self._deployments():
            if deployment.backend not in self.backends:
                known = ", ".join(self.backends)
                said = f"names '{deployment.backend}', which is not among the backends ({known})"
                raise misplaced((*place, "backend"), said)
            backend = self.backends[deployment.backend]
            try:
                backend.named(deployment.model)
            except ValueError as error:
                raise misplaced((*place, "model"), str(error)) from None
            if backend.kind == GGUF:
                try:
                    seconds_kept(deployment.keep_alive)
                except ValueError as error:
                    raise misplaced((*place, "keep_alive"), str(error)) from None
            if (deployment.template is not None) != (backend.kind == TRITON):
                raise misplaced((*place, "template"), "is for kind 'triton', which needs it: chatml, llama3 or plain")
        for name, backend in self.backends.items():
            if backend.host is not None and backend.host not in self.hosts:
                known = ", ".join(self.hosts) or "none"
                said = f"names '{backend.host}', which is not among the hosts ({known})"
                raise misplaced(("backends", name, "host"), said)
        for host, has in self.hosts.items():
            if has.memory_limit is not None and (fault := too_large(has.memory_limit, self._needs(host))):
                raise ValueError(fault)
        for place, alias in self._named():
            if alias not in self.aliases:
                raise misplaced(place, f"names '{alias}', which is not among the aliases ({', '.join(self.aliases)})")
        for name, chain in self.fallbacks.items():
            if name in chain or len(set(chain)) < len(chain):
                raise misplaced(("fallbacks", name), "must name other aliases, each of them once")
        return self

    def _deployments(self) -> Iterator[tuple[Place, Deployment]]:
        for name, alias in self.aliases.items():
            if isinstance(alias, Deployment):
                yield ("aliases", name), alias
            else:
                yield from ((("aliases", name, "deployments", n), each) for n, each in enumerate(alias.deployments))

    def _needs(self, host: str) -> Iterator[tuple[str, int]]:
        """Each place on `host` that says what memory its model takes."""
        for place, deployment in self._deployments():
            if deployment.memory is not None and self.backends[deployment.backend].host == host:
                yield ".".join(map(str, place)), deployment.memory

    def _named(self) -> Iterator[tuple[Place, str]]:
        """Each place that names an alias, and the one it names."""
        yield ("default",), self.default
        yield from ((("tiers", tier), alias) for tier, alias in self.tiers if alias is not None)
        for name, chain in self.fallbacks.items():
            yield ("fallbacks",), name
            yield from ((("fallbacks", name, n), alias) for n, alias in enumerate(chain))
        for part, overrides in (("agents", self.agents), ("projects", self.projects)):
            for name, override in overrides.items():
                yield from (((part, name, tier), alias) for tier, alias in override.aliases())

    @property
    def deployments(self) -> dict[str, Deployment]:
        """By key: the alias, followed by `/1`, `/2` where it has several."""
        found: dict[str, Deployment] = {}
        for name, alias in self.aliases.items():
            if isinstance(alias, Deployment):
                found[name] = alias
            else:
                found |= {f"{name}/{n}": each for n, each in enumerate(alias.deployments, 1)}
        return found

    def chain(self, alias: str) -> tuple[tuple[str, ...], ...]:
        """The keys of the deployments behind `alias`, then those of each that stands in for it. Raises KeyError."""
        return tuple(self._keys(name) for name in (alias, *self.fallbacks.get(alias, ())))

    def _keys(self, alias: str) -> tuple[str, ...]:
        found = self.aliases[alias]
        if isinstance(found, Deployment):
            return (alias,)
        return tuple(f"{alias}/{n}" for n in range(1, len(found.deployments) + 1))

    def describe(self, alias: str) -> ModelInfo:
        """Of an alias with several deployments: the smallest context, the highest prices, all places together. Raises
        KeyError for an unknown alias or key."""
        deployments = self.deployments
        keys = (alias,) if alias in deployments else self._keys(alias)
        behind = [deployments[key] for key in keys]
        first = behind[0]
        return ModelInfo(
            alias=alias,
            model=first.model,
            backend=first.backend,
            context_tokens=min(each.context_tokens for each in behind),
            parallel=sum(each.parallel for each in behind),
            fields_at_once=min(each.manages for each in behind),
            input_price=max(int(each.price.input * 1_000_000) for each in behind),
            output_price=max(int(each.price.output * 1_000_000) for each in behind),
            second_price=max(each.price.a_second for each in behind),
        )

    def cached(self, key: str, temperature: float) -> bool:
        """Whether what the deployment says is kept, where that temperature is asked for. Raises KeyError."""
        deployment = self.deployments[key]
        if deployment.cache is not None:
            return deployment.cache
        sampled = temperature if deployment.temperature is None else deployment.temperature
        return self.cache and sampled == 0

    def identity(self, key: str) -> str:
        """All that is written of the deployment and its backend: what other words may make say something else. Raises
        KeyError."""
        deployment = self.deployments[key]
        return deployment.model_dump_json() + self.backends[deployment.backend].model_dump_json()

    def enveloped(self, key: str) -> bool:
        """Whether the deployment is told of tools as JSON that it is to write. Raises KeyError for an unknown one."""
        deployment = self.deployments[key]
        if deployment.tools is not None:
            return deployment.tools == "envelope"
        return self.backends[deployment.backend].kind in WITHOUT_TOOLS

    def tiers_of(self, alias: str) -> tuple[Tier, ...]:
        return tuple(tier for tier in NEARER if getattr(self.tiers, tier) == alias)

    def choose(self, tier: Tier, agent: str, project: str) -> Choice:
        """The alias for work of `tier` by `agent` in `project`, and why."""
        for told, override in ((f"project {project}", self.projects.get(project)), (agent, self.agents.get(agent))):
            if override is not None and (alias := override.of(tier)) is not None:
                return Choice(alias=alias, tier=tier, reason=f"models.yaml says so for {told}")
        for near in NEARER[tier]:
            if (alias := getattr(self.tiers, near)) is not None:
                instead = "" if near == tier else f"; there is no alias for {tier}"
                return Choice(alias=alias, tier=tier, reason=f"the alias for {near}{instead}")
        return Choice(alias=self.default, tier=tier, reason="the default alias; no tiers are configured")
