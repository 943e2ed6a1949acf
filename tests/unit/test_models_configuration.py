from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from adapters.llm.configuration import Models, litellm_model

WRITTEN = """
currency: EUR
default: main
backends:
  ollama: {kind: ollama, base_url: "http://127.0.0.1:11434/"}
  box: {kind: openai, base_url: "http://box.lan:8000/v1", api_key_env: BOX_KEY}
aliases:
  main: {backend: ollama, model: "qwen3:4b"}
  strong: {backend: box, model: "org/large", context_tokens: 32768, parallel: 4, price: {input: 2.5, output: 10}}
"""


def written() -> dict[str, Any]:
    value = yaml.safe_load(WRITTEN)
    assert isinstance(value, dict)
    return value


def test_a_written_configuration_describes_its_aliases() -> None:
    models = Models.model_validate(written())
    assert models.backends["ollama"].base_url == "http://127.0.0.1:11434"
    assert models.describe("main").context_tokens == 8_192
    strong = models.describe("strong")
    assert (strong.model, strong.backend, strong.parallel, strong.input_price) == ("org/large", "box", 4, 2_500_000)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("default", "nobody", "default names 'nobody'"),
        ("aliases.main.backend", "nowhere", "aliases.main.backend names 'nowhere'"),
        ("aliases.main.model", "ollama/qwen3", "aliases.main.model"),
        ("aliases.main.parallel", 0, "aliases.main.parallel"),
        ("aliases.main.price", {"input": -1}, "aliases.main.price.input"),
        ("aliases.main.price", {"watts": 200}, "belong together"),
        ("aliases.main.colour", "red", "aliases.main.colour"),
        ("backends.ollama.kind", "triton", "aliases.main.template is for kind 'triton'"),
        ("backends.box", {"kind": "triton", "base_url": "http://box:8000/v2"}, "without /v1 or /v2"),
        ("backends.box", {"kind": "triton", "base_url": "http://box:8000", "provider": "xai"}, "kind 'litellm' only"),
        ("aliases.main.template", "chatml", "aliases.main.template is for kind 'triton'"),
        ("aliases.main.template", "mistral", "aliases.main.template"),
        ("backends.ollama.kind", "ollama_chat", "write kind 'ollama'"),
        ("backends.ollama.kind", "cloudy", "kind 'cloudy' is unknown"),
        ("backends.ollama.base_url", "localhost:11434", "http or https"),
        ("backends.ollama.base_url", "http://127.0.0.1:11434/v1", "without /v1"),
        ("backends.box.base_url", "http://me:secret@box/v1", "no credentials"),
        ("backends.box.base_url", "http://box:port/v1", "base_url: "),
        ("backends.box.api_key_env", "sk-12 34", "api_key_env"),
        ("currency", "euro", "currency"),
    ],
)
def test_a_fault_names_its_field(path: str, value: object, message: str) -> None:
    whole = written()
    part = whole
    *parents, last = path.split(".")
    for name in parents:
        part = part[name]
    part[last] = value
    with pytest.raises(ValidationError) as caught:
        Models.model_validate(whole)
    said = "; ".join(".".join(map(str, each["loc"])) + ": " + each["msg"] for each in caught.value.errors())
    assert message in said


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ollama", "ollama_chat/m"),
        ("openai", "openai/m"),
        ("vllm", "hosted_vllm/m"),
        ("llama.cpp", "openai/m"),
        ("llamafile", "llamafile/m"),
        ("lm_studio", "lm_studio/m"),
    ],
)
def test_each_kind_has_its_name_in_the_library(kind: str, expected: str) -> None:
    assert litellm_model(kind, "m") == expected


@pytest.mark.parametrize(("kind", "model"), [("ollama_chat", "m"), ("openai", "triton/m"), ("ollama", "ollama/m")])
def test_providers_that_leak_or_misread_are_refused_with_a_sentence(kind: str, model: str) -> None:
    with pytest.raises(ValueError, match=r"write kind|write the name alone"):
        litellm_model(kind, model)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("tiers", {"small": "nobody"}, "tiers.small names 'nobody'"),
        ("tiers", {"huge": "main"}, "tiers.huge"),
        ("fallbacks", {"nobody": ["main"]}, "fallbacks names 'nobody'"),
        ("fallbacks", {"main": ["strong", "nobody"]}, "fallbacks.main.1 names 'nobody'"),
        ("agents", {"critic": {"any": "nobody"}}, "agents.critic.any names 'nobody'"),
        ("projects", {"prj_1": {"large": "nobody"}}, "projects.prj_1.large names 'nobody'"),
        ("aliases.many", {"deployments": []}, "aliases.many.deployments"),
        ("aliases.many", {"deployments": [{"backend": "ollama", "model": "m", "colour": 1}]}, "deployments.0.colour"),
        ("aliases.many", {"deployments": [{"backend": "gone", "model": "m"}]}, "deployments.0.backend names 'gone'"),
        ("backends.box.api_key", "sk-very-secret", "api_key_env"),
        ("backends.box.api_key_file", "/run/key", "not both"),
        ("backends.box.provider", "anthropic", "kind 'litellm' only"),
        ("backends.box.kind", "litellm", "needs `provider`"),
        ("backends.cloud", {"kind": "litellm", "provider": "triton", "base_url": "http://h"}, "public hub"),
        ("backends.cloud", {"kind": "litellm", "provider": "replicate", "base_url": "http://h"}, "is not offered"),
    ],
)
def test_a_fault_in_what_is_chosen_between_names_its_field(path: str, value: object, message: str) -> None:
    whole = written()
    part = whole
    *parents, last = path.split(".")
    for name in parents:
        part = part[name]
    part[last] = value
    with pytest.raises(ValidationError) as caught:
        Models.model_validate(whole)
    said = "; ".join(".".join(map(str, each["loc"])) + ": " + each["msg"] for each in caught.value.errors())
    assert message in said and "very-secret" not in said


def test_an_alias_of_several_promises_what_each_of_them_keeps() -> None:
    whole = written()
    whole["aliases"]["many"] = {
        "deployments": [
            {"backend": "ollama", "model": "a", "context_tokens": 8_192, "parallel": 2},
            {"backend": "box", "model": "b", "context_tokens": 4_096, "price": {"input": 3}},
        ]
    }
    whole["fallbacks"] = {"many": ["main"]}
    models = Models.model_validate(whole)
    many = models.describe("many")
    assert (many.context_tokens, many.parallel, many.input_price) == (4_096, 3, 3_000_000)
    assert models.chain("many") == (("many/1", "many/2"), ("main",))
    assert models.describe("many/2").model == "b"


def test_a_machine_of_ones_own_costs_by_the_second() -> None:
    whole = written()
    whole["aliases"]["main"]["price"] = {"watts": 360, "kilowatt_hour": "0.30"}
    info = Models.model_validate(whole).describe("main")
    assert info.price(10_000, 10_000, seconds=3_600) == 108_000  # 0.36 kWh at 0.30


HOSTED: dict[str, Any] = {
    "hosts": {"box": {"memory_limit": "4GiB"}},
    "backends": {"ollama": {"kind": "ollama", "base_url": "http://127.0.0.1:11434", "host": "box"}},
    "aliases": {"main": {"backend": "ollama", "model": "qwen3:4b", "memory": "3.5GB"}},
    "default": "main",
}


def hosted(**changes: Any) -> Models:
    return Models.model_validate({**HOSTED, **changes})


def test_a_host_says_how_much_memory_its_models_may_take_and_is_written_again_as_it_was() -> None:
    models = hosted()
    assert models.hosts["box"].memory_limit == 4 * 2**30
    assert Models.model_validate(models.model_dump(mode="json", exclude_defaults=True)) == models


def test_a_model_that_can_never_fit_its_host_is_refused_with_the_numbers() -> None:
    large = {"backend": "ollama", "model": "qwen3:32b", "memory": "22GB"}
    with pytest.raises(ValidationError, match=r"aliases\.large\.memory is 22\.00 GB, and its host has 4\.29 GB"):
        hosted(aliases={**HOSTED["aliases"], "large": large})


def test_a_host_that_nobody_described_is_named() -> None:
    with pytest.raises(ValidationError, match=r"backends\.ollama\.host names 'box', .* \(attic\)"):
        hosted(hosts={"attic": {}})


@pytest.mark.parametrize("written", ["four", "4", "4 KB", "-4GB", "0GB", "4GB of it", "9999999GB", True, []])
def test_what_is_no_size_of_memory_is_refused(written: object) -> None:
    with pytest.raises(ValidationError, match="memory_limit"):
        hosted(hosts={"box": {"memory_limit": written}})
