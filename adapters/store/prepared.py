"""Statements of the hot paths: compiled once, then given to the driver as they are.

What SQLAlchemy does around each execution costs ten times what SQLite does in it. Values stay bound, columns stay those
of the tables, and errors are SQLAlchemy's, as everywhere else.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

Values = Mapping[str, Any]
Row = tuple[Any, ...]
DIALECT = SQLiteDialect(paramstyle="named")


class Prepared:
    """A statement that takes its values by name. `columns` are those that an INSERT or UPDATE sets from them. All raise
    SQLAlchemy's DBAPIError."""

    def __init__(self, statement: ClauseElement, columns: Iterable[str] | None = None) -> None:
        self._statement, self._columns = statement, columns

    def run(self, connection: Connection, values: Values | None = None) -> int:
        """How many rows it changed."""
        return self._executed(connection, {**self._fixed, **(values or {})})[0]

    def run_each(self, connection: Connection, rows: Sequence[Values]) -> None:
        self._executed(connection, [{**self._fixed, **row} for row in rows], many=True)

    def first(self, connection: Connection, values: Values) -> Row | None:
        return next(iter(self.all(connection, values)), None)

    def all(self, connection: Connection, values: Values) -> list[Row]:
        return self._executed(connection, {**self._fixed, **values})[1]

    @cached_property
    def _compiled(self) -> SQLCompiler:
        compiled = self._statement.compile(dialect=DIALECT, column_keys=self._columns and list(self._columns))
        assert isinstance(compiled, SQLCompiler)
        return compiled

    @cached_property
    def _sql(self) -> str:
        return str(self._compiled)

    @cached_property
    def _fixed(self) -> Values:
        """The values that are part of the statement."""
        return {name: bind.value for name, bind in self._compiled.binds.items() if not bind.required}

    def _executed(self, connection: Connection, values: object, many: bool = False) -> tuple[int, list[Row]]:
        driver: Any = connection.dialect.dbapi
        try:
            cursor: Any = connection.connection.cursor()
            execute = cursor.executemany if many else cursor.execute
            execute(self._sql, values)
            return cursor.rowcount, cursor.fetchall()
        except driver.Error as error:
            raise DBAPIError.instance(self._sql, None, error, driver.Error, dialect=connection.dialect) from error


def filled(table: Table) -> list[str]:
    """The columns of a new row that the database does not number itself."""
    return [column.name for column in table.columns if column is not table.autoincrement_column]
