"""Does a bigger knowledge graph make slower questions? The neighbours of nodes with 1,000 and with 1,000,000 edges in
the workspace, every node with ten edges on average, one and two steps away."""

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random
from typing import Any

from sqlalchemy import Connection

from tests.benchmarks.house import PROJECT, WORKSPACE, House, house
from tests.benchmarks.measuring import Measurement, Times, interleaved

SMALL, LARGE = 1_000, 1_000_000
DEGREE = 10
ASKED = 20  # nodes a repetition
BATCH = 100_000
COMMAND = ".venv/bench/bin/python -m tests.benchmarks neighbors"
EDGE = (
    "INSERT OR IGNORE INTO graph_edges (workspace_id, project_id, source, relation, target, run_id, at) "
    f"VALUES ('{WORKSPACE}', '{PROJECT}', ?, 'wasDerivedFrom', ?, NULL, 0)"
)
NODE = f"INSERT INTO graph_nodes (workspace_id, id, kind, label) VALUES ('{WORKSPACE}', ?, 'artifact', 'A thing')"


async def measured() -> Sequence[Measurement]:
    with house() as small, house() as large:
        await _filled(small, SMALL)
        began = time.perf_counter()
        await _filled(large, LARGE)
        note = f"; filling took {time.perf_counter() - began:.0f} s"
        return [await _compared(small, large, depth, note if depth == 1 else "") for depth in (1, 2)]


async def _compared(small: House, large: House, depth: int, more: str) -> Measurement:
    few, many = await interleaved(10, lambda: _asked(small, SMALL, depth), lambda: _asked(large, LARGE, depth), warm=2)
    few, many = few.per(ASKED), many.per(ASKED)
    found = f"{await _asked(large, LARGE, depth)} and {await _asked(small, SMALL, depth)} edges found on average"
    return _row(depth, few, many, f"large {many}; small {few}; {found}{more}")


def _row(depth: int, few: Times, many: Times, note: str) -> Measurement:
    return Measurement(
        what=f"neighbours at depth {depth}, {LARGE:,} edges",
        ours=many.median * 1000,
        other=few.median * 1000,
        unit="ms",
        against=f"{SMALL:,} edges",
        command=COMMAND,
        note=note,
    )


async def _asked(home: House, edges: int, depth: int) -> int:
    """Edges found on average, for nodes spread over the graph."""
    nodes = edges * 2 // DEGREE
    found = 0
    for number in range(0, nodes, nodes // ASKED):
        found += len((await home.graphs.neighbors(WORKSPACE, _id(number), project_id=PROJECT, depth=depth)).edges)
    return found // ASKED


async def _filled(home: House, edges: int) -> None:
    nodes = edges * 2 // DEGREE
    await home.founded()
    await inserted(home, NODE, ((_id(number),) for number in range(nodes)))
    random = Random(edges)
    await inserted(home, EDGE, ((_id(random.randrange(nodes)), _id(random.randrange(nodes))) for _ in range(edges)))


async def inserted(home: House, statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
    while batch := list(islice(rows, BATCH)):

        def unit(connection: Connection, batch: list[tuple[Any, ...]] = batch) -> None:
            connection.exec_driver_sql(statement, batch)

        await home.database.write(unit)


def _id(number: int) -> str:
    return f"art_{number:026}"
