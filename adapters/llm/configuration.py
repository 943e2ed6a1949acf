"""What `models.yaml` says: backends, aliases for their models, and the default alias.

currency: EUR
default: main
backends:
  ollama: {kind: ollama, base_url: "http://127.0.0.1:11434"}
aliases:
  main: {backend: ollama, model: "qwen3:4b", context_tokens: 8192}
"""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.ports.llm import ModelInfo

PROVIDERS = {
    "ollama": "ollama_chat",
    "openai": "openai",
    "hosted_vllm": "hosted_vllm",
    "llamafile": "llamafile",
    "lm_studio": "lm_studio",
}
"""Kinds of backends and LiteLLM's name for each."""

REFUSED = {
    "triton": "kind 'triton' asks a public hub for a chat template; use kind 'openai' with the address of "
    "Triton's OpenAI frontend",
    "ollama_chat": "kind 'ollama_chat' is LiteLLM's name; write kind 'ollama'",
}

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


def litellm_model(backend_kind: str, model: str) -> str:
    """LiteLLM's name for `model` of such a backend. Raises ValueError, one sentence, for what must not be used."""
    if backend_kind in REFUSED:
        raise ValueError(REFUSED[backend_kind])
    if backend_kind not in PROVIDERS:
        raise ValueError(f"kind '{backend_kind}' is unknown; use one of {', '.join(PROVIDERS)}")
    if model.startswith(("ollama/", "ollama_chat/", "triton/")):
        raise ValueError(f"model '{model}' names a provider; write the name alone, as the backend lists it")
    return f"{PROVIDERS[backend_kind]}/{model}"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Backend(_Part):
    """A server of models. A key is never written here, only the name of the environment variable that holds it."""

    kind: str
    base_url: str
    api_key_env: Variable | None = None

    @field_validator("kind")
    @classmethod
    def _usable(cls, kind: str) -> str:
        litellm_model(kind, "")
        return kind

    @field_validator("base_url")
    @classmethod
    def _plain(cls, base_url: str) -> str:
        parts = urlsplit(base_url)  # `port` below raises ValueError for one that is no number
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("base_url must be an http or https address such as http://127.0.0.1:11434")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("base_url must hold no credentials, query or fragment; name the key in api_key_env")
        return base_url.rstrip("/")

    @model_validator(mode="after")
    def _rooted(self) -> Self:
        if self.kind == "ollama" and self.base_url.endswith(("/v1", "/api")):
            raise ValueError("base_url of an ollama backend is its root, without /v1 or /api")
        return self


class Alias(_Part):
    """A model under a name of ours. Prices in millionths of the currency for a million tokens; `temperature`,
    where given, overrides what a request asks; `keep_alive` is Ollama's, such as `10m`."""

    backend: str
    model: Annotated[str, Field(min_length=1, max_length=200)]
    context_tokens: Annotated[int, Field(ge=512)] = 8192
    parallel: Annotated[int, Field(ge=1, le=64)] = 1
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    input_price: Annotated[int, Field(ge=0)] = 0
    output_price: Annotated[int, Field(ge=0)] = 0
    keep_alive: str | None = None
    think: bool = False


class Models(_Part):
    """The whole of `models.yaml`."""

    backends: Annotated[dict[Name, Backend], Field(min_length=1)]
    aliases: Annotated[dict[Name, Alias], Field(min_length=1)]
    default: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"

    @model_validator(mode="after")
    def _resolved(self) -> Self:
        for name, alias in self.aliases.items():
            if alias.backend not in self.backends:
                raise ValueError(
                    f"aliases.{name}.backend names '{alias.backend}', which is not among the backends "
                    f"({', '.join(self.backends)})"
                )
            try:
                litellm_model(self.backends[alias.backend].kind, alias.model)
            except ValueError as error:
                raise ValueError(f"aliases.{name}.model: {error}") from None
        if self.default not in self.aliases:
            raise ValueError(
                f"default names '{self.default}', which is not among the aliases ({', '.join(self.aliases)})"
            )
        return self

    def backend_of(self, alias: str) -> Backend:
        return self.backends[self.aliases[alias].backend]

    def describe(self, alias: str) -> ModelInfo:
        """Raises KeyError for an unknown alias."""
        found = self.aliases[alias]
        return ModelInfo(
            alias=alias,
            model=found.model,
            backend=found.backend,
            context_tokens=found.context_tokens,
            parallel=found.parallel,
            input_price=found.input_price,
            output_price=found.output_price,
        )
