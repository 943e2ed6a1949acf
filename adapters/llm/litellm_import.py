"""What LiteLLM's configuration file says, as models.yaml has it: https://docs.litellm.ai/docs/proxy/configs

Models, their addresses, prices and stand-ins are taken over. The rest is about a proxy, and is named.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from adapters.llm.configuration import OFFERED, TRITON, Backend, Deployment
from domain.wording import told

Place = tuple[int | str, ...]

KINDS = {
    "ollama": "ollama",
    "ollama_chat": "ollama",
    "openai": "openai",
    "hosted_vllm": "vllm",
    "vllm": "vllm",
    "llamafile": "llamafile",
    "lm_studio": "lm_studio",
    "custom_openai": "openai",
    "litellm_proxy": "openai",
}
"""LiteLLM's providers and our kinds."""
ADDRESSES = {
    "ollama": "http://127.0.0.1:11434",
    "anthropic": "https://api.anthropic.com",
    "deepseek": "https://api.deepseek.com/v1",
    "gemini": "https://generativelanguage.googleapis.com/v1beta",
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "xai": "https://api.x.ai/v1",
}
"""Where LiteLLM goes if no `api_base` is given."""
GUESSED = {
    "gpt-": "openai",
    "chatgpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "claude-": "anthropic",
}
"""The provider of a model that names none, by how the name begins."""
NO_KEYS = ("", "none", "null", "empty", "dummy", "fake", "fake-key", "not-needed", "anything", "ollama", "lm-studio")
"""What people write for a key where there is none."""
VARIABLE = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")
KEY = re.compile(r"(^|_)(key|token|secret|password|credentials)$")
"""Names of what must not be written out."""
TOKENS = 1_000_000
PRICES = {"input_cost_per_token": "input", "output_cost_per_token": "output", "input_cost_per_second": "second"}
"""LiteLLM's names and ours; theirs are for one token, ours for a million."""
PARAMETERS = {"model", "api_base", "api_key", "base_url", "custom_llm_provider", "temperature", "keep_alive", "num_ctx",
              "max_parallel_requests", *PRICES}  # fmt: skip
INFORMATION = {"max_input_tokens", *PRICES, "id", "mode", "base_model", "description", "created_by", "db_model"}
"""Of `model_info`: what is taken over, and what says nothing that would be missed."""


class PlainKey(Exception):
    """At `place` of the file stands a key."""

    def __init__(self, place: Place) -> None:
        super().__init__(
            "a key stands here in plain text, and is not taken over; put it into an environment variable and write "
            "os.environ/NAME"
        )
        self.place = place


@dataclass
class Taken:
    """`models` as models.yaml has it, and at which places of LiteLLM's file something was left out, and why."""

    models: dict[str, Any]
    left: list[tuple[Place, str]] = field(default_factory=list)


def taken_over(written: Mapping[str, Any]) -> Taken:
    """Raises PlainKey, and ValueError, one sentence, where no model could be taken over."""
    return _Reading(written).whole()


class _Reading:
    def __init__(self, written: Mapping[str, Any]) -> None:
        self._written = written
        self._backends: dict[str, dict[str, Any]] = {}
        self._aliases: dict[str, list[dict[str, Any]]] = {}
        self._names: dict[str, str] = {}
        self._left: list[tuple[Place, str]] = []
        self._priced = False

    def whole(self) -> Taken:
        self._refuse_keys()
        for number, entry in enumerate(_items(self._written.get("model_list"))):
            self._model(("model_list", number), entry)
        if not self._aliases:
            raise ValueError("no model of it could be taken over")
        models: dict[str, Any] = {
            "default": next(iter(self._aliases)),
            "backends": self._backends,
            "aliases": {
                name: several[0] if len(several) == 1 else {"deployments": several}
                for name, several in self._aliases.items()
            },
        }
        if chains := self._fallbacks():
            models["fallbacks"] = chains
        if self._priced:
            models["currency"] = "USD"
        self._rest()
        return Taken(models, self._left)

    def _refuse_keys(self) -> None:
        for place, value in _keys(self._written.get("model_list"), ("model_list",)):
            if not VARIABLE.fullmatch(value) and value.strip().lower() not in NO_KEYS:
                raise PlainKey(place)

    def _leave(self, place: Place, why: str) -> None:
        self._left.append((place, why))

    def _model(self, place: Place, entry: Any) -> None:
        name = entry.get("model_name") if isinstance(entry, dict) else None
        given = entry.get("litellm_params") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not isinstance(given, dict) or not isinstance(given.get("model"), str):
            return self._leave(place, "it has no model_name, or no litellm_params with a model")
        if "*" in name or "*" in given["model"]:
            return self._leave(place, "a pattern of names stands for no single model; name each one")
        try:
            backend, model = self._backend(given)
        except ValueError as error:
            return self._leave((*place, "litellm_params"), str(error))
        info = entry.get("model_info")
        info = info if isinstance(info, dict) else {}
        self._aliases.setdefault(self._alias(place, name), []).append(
            {"backend": backend, "model": model, **self._options(place, given, info)}
        )
        self._unknown((*place, "litellm_params"), given, PARAMETERS)
        self._unknown((*place, "model_info"), info, INFORMATION)
        return None

    def _backend(self, given: Mapping[str, Any]) -> tuple[str, str]:
        """The name of the backend, and that of the model there. Raises ValueError."""
        provider, model = _provider(given)
        kind = KINDS.get(provider) or ("litellm" if provider in OFFERED else None)
        if kind is None:
            why = "needs a template in models.yaml" if provider == TRITON else "is not offered here"
            raise ValueError(f"provider '{provider}' {why}; write the backend yourself if it speaks OpenAI's protocol")
        address = given.get("api_base") or given.get("base_url") or ADDRESSES.get(provider.removesuffix("_chat"))
        if not isinstance(address, str) or VARIABLE.fullmatch(address):
            raise ValueError("its address is not in the file; write it as api_base")
        if kind == "ollama":
            address = address.rstrip("/").removesuffix("/v1").removesuffix("/api")
        backend: dict[str, Any] = {"kind": kind, "base_url": address}
        if kind == "litellm":
            backend["provider"] = provider
        if key := VARIABLE.fullmatch(str(given.get("api_key") or "")):
            backend["api_key_env"] = key[1]
        try:
            Backend.model_validate(backend).named(model)
        except ValidationError as error:
            raise ValueError("; ".join(said for _, said in told(error))) from None
        return self._named(provider.removesuffix("_chat"), backend), model

    def _named(self, provider: str, backend: dict[str, Any]) -> str:
        for name, known in self._backends.items():
            if known == backend:
                return name
        names = (provider, *(f"{provider}-{number}" for number in range(2, 1_000)))
        name = next(each for each in names if each not in self._backends)
        self._backends[name] = backend
        return name

    def _alias(self, place: Place, name: str) -> str:
        """`name` as an alias may be written, told where it is another."""
        if name not in self._names:
            alias = re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("_.-")[:60] or "model"
            while alias in self._names.values():
                alias += "-2"
            self._names[name] = alias
            if alias != name:
                self._leave((*place, "model_name"), f"'{name}' is called {alias}")
        return self._names[name]

    def _options(self, place: Place, given: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        context = given.get("num_ctx") or info.get("max_input_tokens")
        named = {
            "context_tokens": context,
            "parallel": given.get("max_parallel_requests"),
            "temperature": given.get("temperature"),
            "keep_alive": given.get("keep_alive"),
        }
        for name, value in named.items():
            if value is None:
                continue
            value = str(value) if name == "keep_alive" else value
            try:
                Deployment.model_validate({"backend": "b", "model": "m", name: value})
            except ValueError:
                self._leave(place, f"{name} cannot be {str(value)[:40]!r}")
            else:
                found[name] = value
        if context is None:
            self._leave(place, "it does not say how long its context is; 8192 tokens are taken (`context_tokens`)")
        price = {**self._price(place, info), **self._price(place, given)}
        return {**found, "price": price} if price else found

    def _price(self, place: Place, given: Mapping[str, Any]) -> dict[str, Any]:
        """For a million tokens, where LiteLLM has it for one; in dollars."""
        found: dict[str, Any] = {}
        for theirs, ours in PRICES.items():
            if (value := given.get(theirs)) is None:
                continue
            try:
                price = Decimal(str(value)) * (1 if ours == "second" else TOKENS)
                if not price.is_finite() or not 0 <= price <= 1_000_000:
                    raise InvalidOperation
            except InvalidOperation:
                self._leave(place, f"{theirs} is no price")
                continue
            if price:
                found[ours], self._priced = float(price), True
        return found

    def _unknown(self, place: Place, given: Mapping[str, Any], known: Collection[str]) -> None:
        for name in given:
            if name not in known:
                self._leave((*place, str(name)), "there is nothing like it here")

    def _fallbacks(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for part in ("litellm_settings", "router_settings"):
            settings = self._written.get(part)
            chains = settings.get("fallbacks") if isinstance(settings, dict) else None
            for number, entry in enumerate(_items(chains)):
                for name, chain in entry.items() if isinstance(entry, dict) else ():
                    self._chain((part, "fallbacks", number), name, _items(chain), found)
        return found

    def _chain(self, place: Place, name: Any, chain: list[Any], found: dict[str, list[str]]) -> None:
        known = [
            self._names[each] for each in chain if isinstance(each, str) and self._names.get(each) in self._aliases
        ]
        for each in (name, *chain):
            if not isinstance(each, str) or self._names.get(each) not in self._aliases:
                self._leave(place, f"'{str(each)[:60]}' is no model that was taken over")
        alias = self._names.get(name) if isinstance(name, str) else None
        if alias in self._aliases and known:
            found.setdefault(str(alias), []).extend(each for each in known if each not in found.get(str(alias), []))

    def _rest(self) -> None:
        for part, value in self._written.items():
            if part in ("litellm_settings", "router_settings") and isinstance(value, dict):
                self._unknown((part,), value, ("fallbacks",))
            elif part != "model_list":
                self._leave((part,), "there is nothing like it here")


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _keys(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """What stands under names that hold keys, wherever that is."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if KEY.search(str(name)) and name not in PRICES and isinstance(inner, str):
                yield (*place, str(name)), inner
            else:
                yield from _keys(inner, (*place, str(name)))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _keys(inner, (*place, number))


def _provider(given: Mapping[str, Any]) -> tuple[str, str]:
    """LiteLLM's provider, and the model's name there. Raises ValueError."""
    model, named = str(given["model"]), given.get("custom_llm_provider")
    if isinstance(named, str):
        return named, model.removeprefix(f"{named}/")
    provider, slash, rest = model.partition("/")
    if slash:
        return provider, rest
    guessed = next((each for start, each in GUESSED.items() if model.startswith(start)), None)
    if guessed or given.get("api_base"):
        return guessed or "openai", model
    raise ValueError(f"model '{model}' names no provider; write it as in openai/{model}")
