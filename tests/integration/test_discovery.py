import socket
import time
from typing import Any

import pytest

from adapters.llm.discovery import find_ollama
from tests.model_servers import model_server

MODELS: tuple[dict[str, Any], ...] = (
    {"name": "large:32b", "size": 20_000, "capabilities": ["completion", "tools"]},
    {"name": "small:4b", "size": 2_500, "capabilities": ["completion"]},
    {"name": "embedder", "size": 300, "capabilities": ["embedding"]},
    {"name": "cloudy", "size": 1, "remote_host": "https://example.com", "remote_model": "cloudy"},
)


async def test_local_chat_models_are_found_smallest_first() -> None:
    with model_server(models=MODELS) as server:
        assert await find_ollama(server.base_url) == ("small:4b", "large:32b")


async def test_nothing_is_found_where_nothing_is() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert await find_ollama(f"http://127.0.0.1:{taken.getsockname()[1]}") == ()


async def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        begun = time.monotonic()
        assert await find_ollama(f"http://127.0.0.1:{mute.getsockname()[1]}", timeout=0.2) == ()
    assert time.monotonic() - begun < 2


async def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with model_server(models=MODELS) as server:
        assert len(await find_ollama(server.base_url)) == 2
