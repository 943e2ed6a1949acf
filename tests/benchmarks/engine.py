"""Cost of one node, executed durably, beside LangGraph with its AsyncSqliteSaver on an equal graph.

Both from the creation of a run to its end, divided by its nodes; both on SQLite with a write-ahead log and
synchronous FULL. Ours also writes what a project shows of a run: its row, events, audit chain.
"""

import asyncio
from collections.abc import Sequence

from domain.agent_graph import AgentGraph, AgentNode, ExitNode
from services.running.effects import EffectContext, EffectResult
from tests.benchmarks.house import House, house
from tests.benchmarks.langgraph_engine import LangGraphEngine, langgraph_engine
from tests.benchmarks.measuring import Measurement, Times, interleaved

NODES = 5
ALONE, TOGETHER, AT_ONCE = 40, 12, 10
COMMAND = ".venv/bench/bin/python -m tests.benchmarks engine"


def chain(nodes: int) -> AgentGraph:
    ids = [f"n{number}" for number in range(nodes)]
    steps = [AgentNode(id=id, handler="step@1", next=after) for id, after in zip(ids, [*ids[1:], "end"], strict=True)]
    return AgentGraph(name="chain@1", start=ids[0], nodes=(*steps, ExitNode(id="end")))


async def step(context: EffectContext) -> EffectResult:
    return EffectResult(output={"n": 1})


class OwnEngine:
    def __init__(self, home: House, nodes: int = NODES) -> None:
        self._house, self._graph = home, chain(nodes)
        self._runner = home.runner({"step@1": step}, lambda _: self._graph)

    async def run(self) -> None:
        run = await self._house.run(self._graph)
        assert await self._runner.advance(run)

    async def check(self) -> None:
        """That a run does all that is claimed."""
        run = await self._house.run(self._graph)
        await self._runner.advance(run)
        await self._house.ended(run)


async def measured() -> Sequence[Measurement]:
    with house() as home:
        await home.founded()
        ours = OwnEngine(home)
        await ours.check()
        async with langgraph_engine(home.folder, NODES) as theirs:
            pragmas = f"ours {await _pragmas(home)}; LangGraph {theirs.pragmas}"
            return [await _alone(ours, theirs, pragmas), await _together(ours, theirs)]


async def _alone(ours: OwnEngine, theirs: LangGraphEngine, pragmas: str) -> Measurement:
    own, other = await interleaved(ALONE, ours.run, theirs.run, warm=3)
    return _compared("node, one run", own.per(NODES), other.per(NODES), f"; {pragmas}")


async def _together(ours: OwnEngine, theirs: LangGraphEngine) -> Measurement:
    async def own() -> None:
        await asyncio.gather(*(ours.run() for _ in range(AT_ONCE)))

    async def other() -> None:
        await asyncio.gather(*(theirs.run() for _ in range(AT_ONCE)))

    mine, its = await interleaved(TOGETHER, own, other)
    return _compared(f"node, {AT_ONCE} runs at once", mine.per(NODES * AT_ONCE), its.per(NODES * AT_ONCE), "")


def _compared(what: str, own: Times, other: Times, more: str) -> Measurement:
    return Measurement(
        what=what,
        ours=own.median * 1000,
        other=other.median * 1000,
        unit="ms",
        against="LangGraph AsyncSqliteSaver",
        command=COMMAND,
        note=f"ours {own}; LangGraph {other}{more}",
    )


async def _pragmas(home: House) -> str:
    def look(connection: object) -> list[object]:
        run = connection.exec_driver_sql  # type: ignore[attr-defined]
        return [run(q).scalar() for q in ("SELECT sqlite_version()", "PRAGMA journal_mode", "PRAGMA synchronous")]

    version, mode, synchronous = await home.database.read(look)
    return f"SQLite {version}, journal_mode={mode}, synchronous={synchronous}"
