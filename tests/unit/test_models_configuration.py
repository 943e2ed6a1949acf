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
  strong: {backend: box, model: "org/large", context_tokens: 32768, parallel: 4, input_price: 3}
"""


def written() -> dict[str, Any]:
    value = yaml.safe_load(WRITTEN)
    assert isinstance(value, dict)
    return value


def test_a_written_configuration_describes_its_aliases() -> None:
    models = Models.model_validate(written())
    assert models.backend_of("main").base_url == "http://127.0.0.1:11434"
    assert models.describe("main").context_tokens == 8_192
    strong = models.describe("strong")
    assert (strong.model, strong.backend, strong.parallel, strong.input_price) == ("org/large", "box", 4, 3)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("default", "nobody", "default names 'nobody'"),
        ("aliases.main.backend", "nowhere", "aliases.main.backend names 'nowhere'"),
        ("aliases.main.model", "ollama/qwen3", "aliases.main.model"),
        ("aliases.main.parallel", 0, "aliases.main.parallel"),
        ("aliases.main.input_price", -1, "aliases.main.input_price"),
        ("aliases.main.colour", "red", "aliases.main.colour"),
        ("backends.ollama.kind", "triton", "OpenAI frontend"),
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
        ("hosted_vllm", "hosted_vllm/m"),
        ("llamafile", "llamafile/m"),
        ("lm_studio", "lm_studio/m"),
    ],
)
def test_each_kind_has_its_name_in_the_library(kind: str, expected: str) -> None:
    assert litellm_model(kind, "m") == expected


@pytest.mark.parametrize(("kind", "model"), [("triton", "m"), ("openai", "triton/m"), ("ollama", "ollama/m")])
def test_providers_that_leak_or_misread_are_refused_with_a_sentence(kind: str, model: str) -> None:
    with pytest.raises(ValueError, match=r"use kind|write the name alone"):
        litellm_model(kind, model)
