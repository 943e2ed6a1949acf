"""What models.yaml says, as LiteLLM's configuration file has it: https://docs.litellm.ai/docs/proxy/configs"""

from decimal import Decimal
from typing import Any

from adapters.llm.configuration import GGUF, TRITON, Backend, Deployment, Models, litellm_model

TOKENS = 1_000_000


def written_for(models: Models) -> tuple[dict[str, Any], list[str]]:
    """LiteLLM's file, and a sentence for each thing that it cannot hold."""
    left: list[str] = []
    listed = [entry for key in models.deployments if (entry := _entry(models, key, left)) is not None]
    there = {entry["model_name"] for entry in listed}
    chains = [
        {name: [each for each in chain if each in there]}
        for name, chain in models.fallbacks.items()
        if name in there and there & set(chain)
    ]
    for part in ("tiers", "agents", "projects", "hosts"):
        if part in models.model_fields_set:
            left.append(f"{part}: LiteLLM has nothing like it.")
    if models.currency != "USD" and any(_prices(each) for each in models.deployments.values()):
        left.append(
            f"currency: LiteLLM counts in US dollars; the prices are written as they are, in {models.currency}."
        )
    whole: dict[str, Any] = {"model_list": listed}
    return (whole | {"router_settings": {"fallbacks": chains}} if chains else whole), left


def _entry(models: Models, key: str, left: list[str]) -> dict[str, Any] | None:
    deployment = models.deployments[key]
    backend = models.backends[deployment.backend]
    if backend.kind in (TRITON, GGUF):
        left.append(f"aliases.{key}: kind '{backend.kind}' is left out; LiteLLM has nothing like it.")
        return None
    if backend.api_key_file is not None:
        left.append(f"backends.{deployment.backend}.api_key_file: LiteLLM takes keys from variables only.")
    for name in ("ca_file", "allow_cloud"):
        if name in backend.model_fields_set:
            left.append(f"backends.{deployment.backend}.{name}: LiteLLM has nothing like it.")
    known = ("backend", "model", "context_tokens", "parallel", "temperature", "keep_alive", "price")
    for name in sorted(deployment.model_fields_set - set(known)):
        left.append(f"aliases.{key}.{name}: LiteLLM has nothing like it.")
    return {
        "model_name": key.partition("/")[0],
        "litellm_params": _parameters(deployment, backend),
        "model_info": {"max_input_tokens": deployment.context_tokens, **_prices(deployment)},
    }


def _parameters(deployment: Deployment, backend: Backend) -> dict[str, Any]:
    """Address and key are always explicit: LiteLLM would take others from the environment."""
    found: dict[str, Any] = {
        "model": litellm_model(backend.kind, deployment.model, backend.provider),
        "api_base": backend.base_url,
        "api_key": f"os.environ/{backend.api_key_env}" if backend.api_key_env else "none",
        "max_parallel_requests": deployment.parallel,
    }
    if backend.kind == "ollama":
        found["num_ctx"] = deployment.context_tokens
    more = {"temperature": deployment.temperature, "keep_alive": deployment.keep_alive}
    return found | {name: value for name, value in more.items() if value is not None}


def _prices(deployment: Deployment) -> dict[str, float]:
    price = deployment.price
    found = {
        "input_cost_per_token": price.input / TOKENS,
        "output_cost_per_token": price.output / TOKENS,
        "input_cost_per_second": Decimal(price.a_second) / 1_000_000_000,
    }
    return {name: float(value) for name, value in found.items() if value}
