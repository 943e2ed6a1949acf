"""Counting: the Figures port on the tables."""

import time
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, func, select

from adapters.store import tables
from adapters.store.database import Database
from services.ports.figures import Counts, Figures

WORKSPACE: Any = bindparam("workspace")
inbox, ready = tables.inbox.c, tables.ready.c


def _by(table: Table, column: str) -> Select[Any]:
    return select(table.c[column], func.count()).where(table.c.workspace_id == WORKSPACE).group_by(table.c[column])


TASKS, RUNS = _by(tables.tasks, "state"), _by(tables.runs, "phase")
OPEN = select(func.count()).where(inbox.workspace_id == WORKSPACE, inbox.state == "open")
DUE = select(func.count()).where(ready.workspace_id == WORKSPACE, ready.at <= bindparam("now"))


class SqlFigures(Figures):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def counts(self, workspace_id: str) -> Counts:
        values = {"workspace": workspace_id}

        def query(connection: Connection) -> Counts:
            return Counts(
                tasks={row[0]: row[1] for row in connection.execute(TASKS, values)},
                runs={row[0]: row[1] for row in connection.execute(RUNS, values)},
                inbox_open=connection.execute(OPEN, values).scalar_one(),
                runs_due=connection.execute(DUE, {**values, "now": time.time()}).scalar_one(),
            )

        return await self._database.read(query)
