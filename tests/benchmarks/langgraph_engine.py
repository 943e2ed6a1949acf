"""The other engine: LangGraph with its AsyncSqliteSaver, as its documentation says, and as durable as ours."""

import importlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypedDict


class Count(TypedDict):
    n: int


async def step(state: Count) -> Count:
    return {"n": state["n"] + 1}


class LangGraphEngine:
    """A chain of equal nodes; each run is a thread of its own."""

    def __init__(self, compiled: Any, nodes: int, pragmas: str) -> None:
        self._compiled, self._nodes, self.pragmas = compiled, nodes, pragmas
        self._threads = itertools.count(1)

    async def run(self) -> None:
        config = {"configurable": {"thread_id": str(next(self._threads))}}
        final = await self._compiled.ainvoke({"n": 0}, config, durability="sync")
        assert final["n"] == self._nodes, final


@asynccontextmanager
async def langgraph_engine(folder: Path, nodes: int) -> AsyncIterator[LangGraphEngine]:
    graph = importlib.import_module("langgraph.graph")
    saver = importlib.import_module("langgraph.checkpoint.sqlite.aio").AsyncSqliteSaver
    building = graph.StateGraph(Count)
    names = [f"n{number}" for number in range(nodes)]
    for name in names:
        building.add_node(name, step)
    for source, target in itertools.pairwise([graph.START, *names, graph.END]):
        building.add_edge(source, target)
    async with saver.from_conn_string(str(folder / "langgraph.db")) as checkpoints:
        await checkpoints.setup()
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            await checkpoints.conn.execute(f"PRAGMA {pragma}")
        yield LangGraphEngine(building.compile(checkpointer=checkpoints), nodes, await _pragmas(checkpoints.conn))


async def _pragmas(connection: Any) -> str:
    found = []
    for name in ("journal_mode", "synchronous"):
        rows = await connection.execute_fetchall(f"PRAGMA {name}")
        found.append(f"{name}={next(iter(rows))[0]}")
    version = next(iter(await connection.execute_fetchall("SELECT sqlite_version()")))[0]
    return f"SQLite {version}, {', '.join(found)}"
