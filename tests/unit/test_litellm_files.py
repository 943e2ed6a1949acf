from typing import Any

import pytest
import yaml

from adapters.llm.configuration import Models
from adapters.llm.litellm_export import written_for
from adapters.llm.litellm_import import PlainKey, taken_over

TYPICAL = """
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_base: https://models.example/v1
      api_key: os.environ/CLOUD_KEY
      rpm: 60
    model_info: {mode: chat, max_input_tokens: 128000, input_cost_per_token: 2.5e-06, output_cost_per_token: 1e-05}
  - model_name: Local/Qwen
    litellm_params: {model: ollama_chat/qwen3:4b, api_base: "http://10.0.0.5:11434/", keep_alive: 10m, num_ctx: 16384}
  - model_name: Local/Qwen
    litellm_params: {model: hosted_vllm/qwen3, api_base: "http://10.0.0.6:8000/v1", api_key: none, temperature: 0.2}
  - model_name: haiku
    litellm_params: {model: claude-haiku-4-5, api_key: os.environ/CLAUDE_KEY}
  - model_name: azure-one
    litellm_params: {model: azure/deployment, api_base: "https://x.example", api_key: os.environ/AZURE_KEY}
  - model_name: "openai/*"
    litellm_params: {model: "openai/*", api_key: os.environ/CLOUD_KEY}
litellm_settings:
  drop_params: true
  fallbacks: [{gpt-4o: [haiku, azure-one]}]
router_settings:
  routing_strategy: least-busy
  fallbacks: [{Local/Qwen: [gpt-4o]}]
general_settings: {master_key: sk-1234}
"""


def read(text: str) -> Any:
    return yaml.safe_load(text)


def entry(**given: Any) -> dict[str, Any]:
    return {"model_list": [{"model_name": "main", "litellm_params": {"model": "openai/m", **given}}]}


def test_models_addresses_prices_and_stand_ins_are_taken_over() -> None:
    taken = taken_over(read(TYPICAL))
    models = Models.model_validate(taken.models)
    assert list(models.aliases) == ["gpt-4o", "local-qwen", "haiku"] and models.default == "gpt-4o"
    cloud, ollama = models.backends["openai"], models.backends["ollama"]
    assert (cloud.kind, cloud.base_url, cloud.api_key_env) == ("openai", "https://models.example/v1", "CLOUD_KEY")
    assert (ollama.kind, ollama.base_url) == ("ollama", "http://10.0.0.5:11434")
    assert models.backends["hosted_vllm"].kind == "vllm" and models.backends["hosted_vllm"].api_key_env is None
    claude = models.backends["anthropic"]
    assert (claude.kind, claude.provider, claude.base_url) == ("litellm", "anthropic", "https://api.anthropic.com")
    assert models.chain("local-qwen") == (("local-qwen/1", "local-qwen/2"), ("gpt-4o",))
    assert models.chain("gpt-4o") == (("gpt-4o",), ("haiku",))
    large = models.describe("gpt-4o")
    assert (large.context_tokens, large.input_price, large.output_price) == (128_000, 2_500_000, 10_000_000)
    assert models.currency == "USD"
    assert models.deployments["local-qwen/1"].keep_alive == "10m"
    assert models.deployments["local-qwen/2"].temperature == 0.2


def test_each_thing_that_is_left_out_is_named_with_its_place_and_why() -> None:
    left = {".".join(map(str, place)): why for place, why in taken_over(read(TYPICAL)).left}
    assert left["model_list.0.litellm_params.rpm"] == "there is nothing like it here"
    assert left["model_list.1.model_name"] == "'Local/Qwen' is called local-qwen"
    assert "provider 'azure' is not offered" in left["model_list.4.litellm_params"]
    assert "a pattern of names" in left["model_list.5"]
    assert left["litellm_settings.fallbacks.0"] == "'azure-one' is no model that was taken over"
    assert {"litellm_settings.drop_params", "router_settings.routing_strategy", "general_settings"} <= set(left)
    assert "8192 tokens are taken" in left["model_list.3"]
    assert "sk-1234" not in str(left)


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({"api_key": "sk-proj-very-secret"}, "api_key"),
        ({"aws_secret": "very-secret"}, "aws_secret"),
        ({"vertex_credentials": "very-secret"}, "vertex_credentials"),
        ({"extra": {"deep": [{"token": "very-secret"}]}}, "extra"),
    ],
)
def test_a_key_in_plain_text_is_refused_and_not_repeated(given: dict[str, Any], at: str) -> None:
    with pytest.raises(PlainKey, match=r"os\.environ/NAME") as caught:
        taken_over(entry(**given))
    assert caught.value.place[:4] == ("model_list", 0, "litellm_params", at)
    assert "very-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"model": "triton/m"}, "needs a template"),
        ({"model": "mystery"}, "names no provider"),
        ({"api_base": "os.environ/BASE"}, "its address is not in the file"),
        ({"api_base": "localhost:8000"}, "must be an http or https address"),
        ({"api_base": "http://me:secret@box/v1"}, "must hold no credentials"),
        ({"api_base": 7}, "its address is not in the file"),
    ],
)
def test_a_model_that_cannot_be_taken_over_is_told_and_none_is_an_error(given: dict[str, Any], told: str) -> None:
    both = entry(**given)
    with pytest.raises(ValueError, match="no model of it could be taken over"):
        taken_over(both)
    both["model_list"] += entry(api_base="http://box/v1")["model_list"]
    taken = taken_over(both)
    assert list(taken.models["aliases"]) == ["main"]
    assert any(told in why for place, why in taken.left if place[:2] == ("model_list", 0))
    assert "secret" not in str(taken)


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"model_list": None},
        {"model_list": {}},
        {"model_list": [None, 1, "x", {}, {"model_name": 1}, {"model_name": "a", "litellm_params": []}]},
        {"model_list": [{"model_name": "a", "litellm_params": {"model": None}}]},
    ],
)
def test_what_is_no_such_file_says_that_nothing_could_be_taken_over(written: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no model"):
        taken_over(written)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"temperature": 9}, "temperature cannot be '9'"),
        ({"num_ctx": "many"}, "context_tokens cannot be 'many'"),
        ({"max_parallel_requests": 0}, "parallel cannot be '0'"),
        ({"input_cost_per_token": ".nan"}, "input_cost_per_token is no price"),
        ({"input_cost_per_token": float("inf")}, "input_cost_per_token is no price"),
        ({"output_cost_per_token": -1}, "output_cost_per_token is no price"),
        ({"input_cost_per_token": "cheap"}, "input_cost_per_token is no price"),
    ],
)
def test_an_option_that_cannot_be_is_left_out_and_told(given: dict[str, Any], told: str) -> None:
    taken = taken_over(entry(api_base="http://box/v1", **given))
    Models.model_validate(taken.models)
    assert told in [why for _, why in taken.left]


def test_bad_stand_ins_are_told_and_break_nothing() -> None:
    whole = entry(api_base="http://box/v1")
    whole["router_settings"] = {"fallbacks": [{"main": ["gone"]}, {"gone": ["main"]}, {7: [8]}, "x", {"main": "gone"}]}
    taken = taken_over(whole)
    assert "fallbacks" not in taken.models
    assert sum("is no model that was taken over" in why for _, why in taken.left) >= 3


OURS = """
currency: USD
default: main
backends:
  ollama: {kind: ollama, base_url: "http://127.0.0.1:11434"}
  openai: {kind: openai, base_url: "https://models.example/v1", api_key_env: MODELS_KEY}
  openai-2: {kind: openai, base_url: "http://box.lan:8000/v1"}
  anthropic: {kind: litellm, provider: anthropic, base_url: "https://api.anthropic.com", api_key_env: CLAUDE_KEY}
aliases:
  main: {backend: ollama, model: "qwen3:4b", context_tokens: 8192, parallel: 3, keep_alive: 10m, temperature: 0.0}
  many:
    deployments:
      - {backend: openai, model: org/large, context_tokens: 32768, price: {input: 0.1, output: 8.05}}
      - {backend: openai-2, model: large, context_tokens: 16384, parallel: 4, price: {second: 0.0004}}
  claude: {backend: anthropic, model: claude-haiku-4-5, context_tokens: 200000, price: {input: 1, output: 5}}
fallbacks: {main: [many, claude], many: [main]}
"""


def test_what_is_written_for_litellm_comes_back_as_it_was() -> None:
    models = Models.model_validate(read(OURS))
    whole, left = written_for(models)
    assert left == []
    again = taken_over(read(yaml.safe_dump(whole)))
    assert Models.model_validate(again.models) == models
    assert again.left == []


def test_no_key_and_no_address_is_left_to_the_environment() -> None:
    whole, _ = written_for(Models.model_validate(read(OURS)))
    for each in whole["model_list"]:
        assert each["litellm_params"]["api_base"] and each["litellm_params"]["api_key"]
    assert whole["model_list"][1]["litellm_params"]["api_key"] == "os.environ/MODELS_KEY"


def test_what_litellm_has_no_word_for_is_told() -> None:
    ours = read(OURS)
    ours["currency"], ours["tiers"] = "EUR", {"small": "main"}
    ours["backends"] |= {
        "files": {"kind": "gguf"},
        "triton": {"kind": "triton", "base_url": "http://box:8000"},
        "kept": {"kind": "vllm", "base_url": "http://box:8001/v1", "api_key_file": "/run/key", "ca_file": "/run/ca"},
    }
    ours["aliases"] |= {
        "file": {"backend": "files", "model": "/models/m.gguf"},
        "old": {"backend": "triton", "model": "m", "template": "chatml"},
        "kept": {"backend": "kept", "model": "m", "think": True},
    }
    ours["fallbacks"]["main"] = ["file", "old"]
    whole, left = written_for(Models.model_validate(ours))
    assert [each["model_name"] for each in whole["model_list"]] == ["main", "many", "many", "claude", "kept"]
    assert whole["router_settings"]["fallbacks"] == [{"many": ["main"]}]
    for told in ("tiers", "aliases.file", "aliases.old", "api_key_file", "ca_file", "aliases.kept.think", "in EUR"):
        assert any(told in each for each in left), told
