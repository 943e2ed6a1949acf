"""Calls to models in a process of their own that may reach some servers only: python -m tests.guarded_calls

Reads `{"models": …, "ports": […], "alone": {…}}` from standard input and asks each alias for a whole reply and for a
stream; then, with each of the variables `alone` set by itself, for a whole reply once more. Says how often it asked,
and which other places something tried to reach, which was refused."""

import asyncio
import json
import os
import sys
from typing import Any

from adapters.llm.backends import BackendLLM
from adapters.llm.configuration import Models
from domain.ports.llm import Request

elsewhere: list[str] = []


def guard(ports: list[int]) -> None:
    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and not (arguments[1][0] == "127.0.0.1" and arguments[1][1] in ports):
            elsewhere.append(f"connect {arguments[1]}")
        elif event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", None):
            elsewhere.append(f"look up {arguments[0]}")
        else:
            return
        raise OSError("refused by the guard")

    sys.addaudithook(refuse)


async def asked(models: Models, alone: dict[str, str]) -> int:
    llm, calls = BackendLLM(models, dict(os.environ)), 0
    for alias in models.aliases:
        await llm.check(alias)
        await llm.complete(request(alias))
        assert [piece async for piece in llm.stream(request(alias))]
        calls += 2
    for name, value in alone.items():
        os.environ[name] = value
        for alias in models.aliases:
            await llm.complete(request(alias))
            calls += 1
        del os.environ[name]
    return calls


def request(alias: str) -> Request:
    return Request(alias=alias, system="s", task="t", idempotency_key="k", deadline=20)


def main() -> None:
    told = json.load(sys.stdin)
    guard(told["ports"])
    calls = asyncio.run(asked(Models.model_validate(told["models"]), told["alone"]))
    print(json.dumps({"elsewhere": elsewhere, "calls": calls}))


if __name__ == "__main__":
    main()
