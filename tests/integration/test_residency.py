"""Which models are in memory, and loading and unloading them, over each backend's own protocol."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.llm.configuration import Models
from adapters.llm.memory import HostMemory
from adapters.llm.own_engine import Means
from adapters.llm.own_engines import OwnEngines, wanted_by
from domain.ports.llm import LLMError
from tests.model_servers import model_server
from tests.tiny_models import write_tiny_model
from tests.triton_servers import triton_server

SHAPE = {
    "general.architecture": "llama",
    "llama.block_count": 32,
    "llama.context_length": 131_072,
    "llama.embedding_length": 4096,
    "llama.attention.head_count": 32,
    "llama.attention.head_count_kv": 8,
    "llama.vocab_size": 128_256,
}


def memory(backend: dict[str, Any], *models: str, limit: str | None = "8GB", **more: Any) -> HostMemory:
    alias = {"backend": "it", **more}
    written = {
        "hosts": {"box": {} if limit is None else {"memory_limit": limit}},
        "backends": {"it": {**backend, "host": "box"}},
        "aliases": {name: {**alias, "model": name} for name in models},
        "default": models[0],
    }
    return HostMemory(Models.model_validate(written), {}, lambda: 10_000_000_000, OwnEngines())


@contextmanager
def a_backend(kind: str) -> Iterator[HostMemory]:
    if kind == "triton":
        with triton_server(models=("one",), unloaded=("two",)) as triton:
            yield memory({"kind": kind, "base_url": triton.base_url}, "one", "two", "three", template="chatml")
        return
    status = {"loaded": {"status": {"value": "loaded"}}, "not": {"status": {"value": "unloaded"}}}
    one, two = {"name": "one", "running": {"size": 5}, **status["loaded"]}, {"name": "two", **status["not"]}
    with model_server(models=(one, two)) as server:
        url = server.base_url if kind == "ollama" else server.openai_url
        yield memory({"kind": kind, "base_url": url}, "one", "two", "three")


@pytest.mark.parametrize("kind", ["ollama", "llama.cpp", "triton"])
async def test_what_is_loaded_is_known_and_can_be_changed(kind: str) -> None:
    with a_backend(kind) as it:
        assert await it.resident("box") == {"one"}
        await it.load("two")
        assert await it.resident("box") == {"one", "two"}
        await it.unload("one")
        assert await it.resident("box") == {"two"}
        await it.unload("one")
        assert await it.resident("box") == {"two"}, "unloading twice is no fault"


@pytest.mark.parametrize("kind", ["ollama", "llama.cpp", "triton"])
async def test_a_model_that_is_not_there_cannot_be_loaded(kind: str) -> None:
    with a_backend(kind) as it, pytest.raises(LLMError, match="three"):
        await it.load("three")


async def test_a_backend_that_is_gone_has_nothing_loaded_and_says_so_when_it_is_to_load() -> None:
    gone = memory({"kind": "ollama", "base_url": "http://127.0.0.1:9"}, "one")
    assert await gone.resident("box") == frozenset()
    with pytest.raises(LLMError, match=r"127\.0\.0\.1:9"):
        await gone.load("one")


async def test_the_need_is_what_is_configured_else_what_the_shape_says_else_the_whole_host() -> None:
    listed: Any = {"name": "shaped", "size": 4_000_000_000, "model_info": SHAPE}
    with model_server(models=(listed, "bare")) as server:
        it = memory({"kind": "ollama", "base_url": server.base_url}, "shaped", "bare")
        needs = {each.key: each.bytes for each in await it.hosted("box")}
        assert 5_000_000_000 < needs["shaped"] < 6_500_000_000
        assert needs["bare"] == 8_000_000_000
        known = memory({"kind": "ollama", "base_url": server.base_url}, "bare", memory="2GB")
        assert await known.need("bare") == 2_000_000_000


async def test_what_the_backend_reports_after_loading_corrects_the_plan() -> None:
    listed: Any = {"name": "shaped", "size": 4_000_000_000, "model_info": SHAPE}
    with model_server(models=(listed,)) as server:
        it = memory({"kind": "ollama", "base_url": server.base_url}, "shaped")
        assert (await it.need("shaped") or 0) > 5_000_000_000
        await it.load("shaped")
        assert await it.need("shaped") == 4_000_000_000


async def test_two_aliases_of_one_model_share_its_memory() -> None:
    written = {
        "hosts": {"box": {"memory_limit": "8GB"}},
        "backends": {"it": {"kind": "ollama", "base_url": "http://127.0.0.1:9", "host": "box"}},
        "aliases": {
            "cool": {"backend": "it", "model": "m", "memory": "1GB"},
            "warm": {"backend": "it", "model": "m", "memory": "1GB", "temperature": 1.0},
        },
        "default": "cool",
    }
    it = HostMemory(Models.model_validate(written), {}, lambda: 0, OwnEngines())
    assert it.keys("cool") == it.keys("warm") == ("cool",)
    assert [each.key for each in await it.hosted("box")] == ["cool"]


@pytest.mark.parametrize("kind", ["vllm", "llama.cpp"])
async def test_a_server_of_one_model_holds_it_always(kind: str) -> None:
    with model_server(models=("one",)) as server:
        it = memory({"kind": kind, "base_url": server.openai_url}, "one", memory="2GB")
        assert await it.resident("box") == {"one"}
        assert [each.movable for each in await it.hosted("box")] == [False]


def test_a_host_without_a_limit_has_most_of_what_this_machine_has() -> None:
    it = memory({"kind": "ollama", "base_url": "http://127.0.0.1:9"}, "one", limit=None)
    assert it.limits == {"box": 8_500_000_000}


async def test_models_in_files_are_held_by_engines_of_ours(tmp_path: Path) -> None:
    written = {
        "hosts": {"box": {"memory_limit": "8GB"}},
        "backends": {"files": {"kind": "gguf", "host": "box"}},
        "aliases": {
            name: {"backend": "files", "model": str(tmp_path / "tiny.gguf"), "context_tokens": 512}
            for name in ("one", "two")
        },
        "default": "one",
    }
    write_tiny_model(tmp_path / "tiny.gguf")
    models = Models.model_validate(written)
    engines = OwnEngines(lambda: Means(threads=1))
    engines.know(wanted_by(models))
    it = HostMemory(models, {}, lambda: 0, engines)
    try:
        assert await it.resident("box") == frozenset()
        await it.load("one")
        assert await it.resident("box") == {"one"}
        assert 300_000_000 < (await it.need("one") or 0) < 400_000_000
        await it.load("two")
        await it.unload("one")
        assert await it.resident("box") == {"two"}
    finally:
        await engines.close()
