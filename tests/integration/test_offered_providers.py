"""Kind `litellm`: each provider that may be named asks its base_url alone, with the key that is configured."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from adapters.llm.configuration import OFFERED, Models
from adapters.llm.providers import ProviderLLM
from domain.ports.llm import Delta, LLMError, ModelBusy, ModelDenied, ModelMissing, Reply, Request, RequestRefused
from tests.cloud_servers import cloud_server
from tests.model_behaviours import Fails, Says
from tests.model_servers import ModelServer, model_server

REQUEST = Request(alias="main", system="You are terse.", task="Secret task.", idempotency_key="k", deadline=20.0)
OWN = ("anthropic", "gemini")
"""Those with a protocol of their own; the others speak OpenAI's."""
SCHEMA: Any = {
    "type": "object",
    "properties": {"title": {"type": "string"}},
    "required": ["title"],
    "additionalProperties": False,
}


@contextmanager
def served(provider: str, behaviour: Says | Fails) -> Iterator[tuple[ModelServer, str]]:
    """A server that speaks the provider's protocol, and what its base_url is."""
    if provider in OWN:
        with cloud_server(provider, behaviour) as server:
            yield server, server.base_url
    else:
        with model_server(lambda body: behaviour) as server:
            yield server, server.openai_url


def llm(provider: str, address: str, model: str = "tiny") -> ProviderLLM:
    configured = Models.model_validate(
        {
            "backends": {
                "box": {"kind": "litellm", "provider": provider, "base_url": address, "api_key_env": "BOX_KEY"}
            },
            "aliases": {"main": {"backend": "box", "model": model}},
            "default": "main",
        }
    )
    return ProviderLLM(configured, {"BOX_KEY": "k-123"})


@pytest.mark.parametrize("provider", OFFERED)
async def test_text_usage_and_stream_come_from_its_address_with_its_key(provider: str) -> None:
    says = Says(text="Hello to you.", input_tokens=70, output_tokens=50)
    with served(provider, says) as (server, address):
        whole = await llm(provider, address).complete(REQUEST)
        *deltas, last = [piece async for piece in llm(provider, address).stream(REQUEST)]
        await llm(provider, address).check("main")
        requests = server.requests
    assert isinstance(last, Reply)
    assert "".join(each.text for each in deltas if isinstance(each, Delta)) == last.text == whole.text == says.text
    assert (whole.input_tokens, whole.output_tokens) == (last.input_tokens, last.output_tokens) == (70, 50)
    assert [each.method for each in requests] == ["POST", "POST", "GET"]
    assert all("k-123" in " ".join(each.headers.values()) for each in requests)
    assert all("k-123" not in each.path for each in requests)


@pytest.mark.parametrize("provider", OFFERED)
async def test_a_schema_goes_with_the_request(provider: str) -> None:
    with served(provider, Says(text='{"title": "x"}')) as (server, address):
        await llm(provider, address).complete(replace(REQUEST, schema=SCHEMA))
        body = str(server.requests[0].body)
    assert body.count("'title'") >= 1


@pytest.mark.parametrize("provider", OFFERED)
@pytest.mark.parametrize(
    ("status", "expected"), [(400, RequestRefused), (401, ModelDenied), (404, ModelMissing), (429, ModelBusy)]
)
async def test_a_refusal_is_an_error_of_ours(provider: str, status: int, expected: type[LLMError]) -> None:
    with served(provider, Fails(status=status, message="no: Secret task.")) as (server, address):
        for asked in (llm(provider, address).complete(REQUEST), anext(aiter(llm(provider, address).stream(REQUEST)))):
            with pytest.raises(expected) as caught:
                await asked
            assert server.base_url in str(caught.value) and "Secret" not in str(caught.value)
        assert len(server.requests) == 2


@pytest.mark.parametrize("provider", OFFERED)
async def test_check_says_that_a_model_is_missing(provider: str) -> None:
    with served(provider, Says()) as (_, address), pytest.raises(ModelMissing, match="tiny"):
        await llm(provider, address, "other").check("main")
