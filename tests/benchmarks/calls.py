"""What a call costs beside the model: through the port with all its decorators, and as a recorded call of a run, over
a plain request of httpx to the same local server.

The server answers at once, so all that is measured is cost. A recorded call reserves, keeps the prompt, asks, keeps the
reply and settles, in SQLite and in files. LiteLLM is imported before.
"""

from collections.abc import Sequence
from functools import partial

import httpx

from adapters.llm.configuration import Models
from domain.agent_graph import AgentGraph, AgentNode, ExitNode
from domain.ports.llm import LLM, Request, render
from infrastructure.model_calls import language_model
from services.running.effects import EffectContext, EffectResult
from tests.benchmarks.house import House, house
from tests.benchmarks.measuring import Measurement, Timed, Times, interleaved
from tests.model_servers import ModelServer, model_server

CALLS, ROUNDS = 10, 10
"""A run may make 200 calls; the round that warms up is one more."""
PATHS = {"openai": "/v1/chat/completions", "ollama": "/api/chat"}
GRAPH = AgentGraph(
    name="calls@1", start="ask", nodes=(AgentNode(id="ask", handler="ask@1", next="end"), ExitNode(id="end"))
)
REQUEST = Request(alias="main", system="You answer.", task="Word. " * 300, idempotency_key="bench")
COMMAND = ".venv/bench/bin/python -m tests.benchmarks calls"


async def measured() -> Sequence[Measurement]:
    return [found for kind in PATHS for found in await _measured(kind)]


async def _measured(kind: str) -> list[Measurement]:
    with model_server() as server, house() as home:
        home.llm = _composed(kind, server)
        await home.founded()
        async with httpx.AsyncClient(base_url=server.base_url, trust_env=False) as client:
            plain, port, recorded = await _in_a_run(home, partial(_plain, client, kind))
    return [
        _compared(f"a call through the port, {kind}", port, plain),
        _compared(f"a recorded call of a run, {kind}", recorded, plain),
    ]


def _composed(kind: str, server: ModelServer) -> LLM:
    """The port as infrastructure/models.py composes it."""
    address = server.base_url if kind == "ollama" else server.openai_url
    return language_model(
        Models.model_validate(
            {
                "backends": {"box": {"kind": kind, "base_url": address}},
                "aliases": {"main": {"backend": "box", "model": "tiny"}},
                "default": "main",
            }
        )
    )


async def _in_a_run(home: House, plain: Timed) -> list[Times]:
    """The seconds of a call in each of the three ways, measured in a run's one effect."""
    found: list[Times] = []

    async def ask(context: EffectContext) -> EffectResult:
        async def recorded() -> None:  # each with a key of its own, so none is answered from the record
            await context.calls.complete(REQUEST, agent="bench", purpose="bench")

        async def port() -> None:
            await home.llm.complete(REQUEST)

        subjects = [partial(_several, one) for one in (plain, port, recorded)]
        found.extend(times.per(CALLS) for times in await interleaved(ROUNDS, *subjects))
        return EffectResult(output={})

    runner = home.runner({"ask@1": ask}, lambda _: GRAPH)
    run = await home.run(GRAPH)
    await runner.advance(run)
    await home.ended(run)
    return found


async def _several(one: Timed) -> None:
    for _ in range(CALLS):
        await one()


async def _plain(client: httpx.AsyncClient, kind: str) -> None:
    """What one writes who knows the server's protocol: the same messages, the reply's text."""
    asked = {"model": "tiny", "messages": render(REQUEST), "stream": False}
    reply = (await client.post(PATHS[kind], json=asked)).raise_for_status().json()
    message = reply["message"] if kind == "ollama" else reply["choices"][0]["message"]
    assert message["content"]


def _compared(what: str, ours: Times, plain: Times) -> Measurement:
    more = (ours.least - plain.least) * 1000
    return Measurement(
        what=what,
        ours=ours.least * 1000,
        other=plain.least * 1000,
        unit="ms",
        against="httpx",
        command=COMMAND,
        note=f"the least of {ROUNDS} rounds of {CALLS}; ours {ours}; httpx {plain}; {more:.1f} ms more a call",
    )
