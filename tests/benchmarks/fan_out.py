"""How much sooner a fan-out of k comes to its end than k calls one after the other, under a simulated latency.

Both graphs run on the real runner, journal and dispatcher; what would call a model sleeps.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from domain.agent_graph import AgentGraph
from services.running.effects import EffectContext, EffectResult, Handlers
from tests.benchmarks.house import house
from tests.benchmarks.measuring import Measurement

LATENCY = 0.25  # seconds
SIZES = (5, 20)
COMMAND = ".venv/bench/bin/python -m tests.benchmarks fan_out"
STEP = {"type": "agent", "handler": "step@1"}


def side_by_side(size: int) -> AgentGraph:
    nodes: dict[str, Any] = {
        "all": {"type": "fan_out", "copies": size, "do": STEP, "next": "end"},
        "end": {"type": "exit"},
    }
    return AgentGraph.model_validate({"name": "side_by_side@1", "start": "all", "nodes": nodes})


def one_by_one(size: int) -> AgentGraph:
    nodes: dict[str, Any] = {f"n{i}": {**STEP, "next": f"n{i + 1}" if i + 1 < size else "end"} for i in range(size)}
    return AgentGraph.model_validate(
        {"name": "one_by_one@1", "start": "n0", "nodes": {**nodes, "end": {"type": "exit"}}}
    )


async def measured() -> Sequence[Measurement]:
    return [await _compared(size) for size in SIZES]


async def _compared(size: int) -> Measurement:
    together, apart = await _took(side_by_side(size)), await _took(one_by_one(size))
    return Measurement(
        what=f"fan-out of {size}, each {LATENCY:g} s",
        ours=together,
        other=apart,
        unit="s",
        against=f"{size} calls one by one",
        command=COMMAND,
        note=f"{apart / together:.1f}-fold; {size}-fold would be all of it",
    )


async def _took(graph: AgentGraph) -> float:
    async def step(_: EffectContext) -> EffectResult:
        await asyncio.sleep(LATENCY)
        return EffectResult(output={"done": True})

    handlers: Handlers = {"step@1": step}
    with house() as home:
        await home.founded()
        run = await home.run(graph)
        began = time.perf_counter()
        await home.runner(handlers, lambda _: graph).advance(run)
        took = time.perf_counter() - began
        await home.ended(run)
    return took
