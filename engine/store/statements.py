"""Statements of the hot path: written with SQLAlchemy, compiled once for each dialect, run on the driver's own cursor.

SQLAlchemy's execution costs 35 to 120 microseconds a statement beyond the database's own work; a completed task needs eight. Everything that
is not asked for thousands of times a minute goes through `Connection.execute` as usual. Not here: transactions (`engine.store.database`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

Row = tuple[Any, ...]
Process = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """SQL with the names of its parameters in order; what a value needs before it is sent and after it was read."""

    sql: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    before: tuple[tuple[str, Process], ...]
    after: tuple[tuple[int, Process], ...]
    by_position: bool

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """As the driver wants them. Raises KeyError for a value that is missing."""
        if self.constants or self.before:
            values = {**self.constants, **values}
            for name, process in self.before:
                values[name] = process(values[name])
        return tuple([values[name] for name in self.names]) if self.by_position else values

    def row(self, found: Row) -> Row:
        """What the driver found, as Python values."""
        if not self.after:
            return found
        row = list(found)
        for index, process in self.after:
            row[index] = process(row[index])
        return tuple(row)


class Statement:
    """A SELECT, INSERT, UPDATE or DELETE with named parameters. Lists in IN and defaults made by Python are not supported."""

    def __init__(self, clause: Any) -> None:
        self._clause = clause.inline() if isinstance(clause, sa.Insert) else clause
        self._compiled: dict[tuple[str, tuple[str, ...]], _Compiled] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        """All rows. Raises what SQLAlchemy would raise."""
        compiled = self.compiled(connection.dialect, values)
        found: list[Row] = run(connection, [(compiled, (values,))])
        return [compiled.row(one) for one in found]

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Row | None:
        """The first row or None."""
        found = self.rows(connection, values)
        return found[0] if found else None

    def compiled(self, dialect: Dialect, values: Mapping[str, Any]) -> _Compiled:
        """For this database and just these columns."""
        key = (dialect.name, tuple(values))
        known = self._compiled.get(key)
        if known is None:
            known = self._compiled[key] = _compile(self._clause, dialect, key[1])
        return known


def _compile(clause: Any, dialect: Dialect, names: tuple[str, ...]) -> _Compiled:
    columns = None if isinstance(clause, sa.Select) else [n for n in names if n not in _bound(clause)]
    compiled: Any = clause.compile(dialect=dialect, column_keys=columns)
    binds: Mapping[str, sa.BindParameter[Any]] = compiled.binds
    constants = {name: bind.value for name, bind in binds.items() if name not in names}
    if missing := sorted(name for name, value in constants.items() if value is None):
        raise ValueError(f"a statement of the hot path needs {', '.join(missing)}:\n{compiled}")
    before = ((name, bind.type.dialect_impl(dialect).bind_processor(dialect)) for name, bind in binds.items())
    found = enumerate(clause.selected_columns) if isinstance(clause, sa.Select) else ()
    after = ((index, column.type.dialect_impl(dialect).result_processor(dialect, None)) for index, column in found)
    return _Compiled(
        sql=str(compiled),
        names=tuple(compiled.positiontup or binds),
        constants=constants,
        before=tuple((name, process) for name, process in before if process is not None),
        after=tuple((index, process) for index, process in after if process is not None),
        by_position=compiled.positiontup is not None,
    )


def _bound(clause: Any) -> frozenset[str]:
    """Parameters that the statement names itself; what else is given are columns to set."""
    where = getattr(clause, "whereclause", None)
    return frozenset() if where is None else frozenset(str(b.key) for b in sa.sql.visitors.iterate(where) if isinstance(b, sa.BindParameter))


def run(connection: Connection, work: Sequence[tuple[_Compiled, Sequence[Mapping[str, Any]]]]) -> list[Row]:
    """Run statements in order and give the rows of the last one. On PostgreSQL all of them travel together (pipeline mode).

    Raises sqlalchemy.exc.DBAPIError of the right kind; the transaction is lost then.
    """
    raw: Any = connection.connection.dbapi_connection
    compiled, sets = work[-1]
    try:
        cursor = raw.cursor()
        if hasattr(raw, "pipeline") and (len(work) > 1 or len(sets) > 1):
            with raw.pipeline():
                for compiled, sets in work:
                    cursor = _send(connection, raw, compiled, sets)
        else:
            for compiled, sets in work:
                cursor = _send(connection, raw, compiled, sets)
        return list(cursor.fetchall()) if cursor.description else []
    except connection.dialect.loaded_dbapi.Error as exc:
        raise _translated(connection, compiled.sql, exc) from exc


def _send(connection: Connection, raw: Any, compiled: _Compiled, sets: Sequence[Mapping[str, Any]]) -> Any:
    cursor = raw.cursor()
    listeners: Any = connection.dispatch.before_cursor_execute
    if listeners:  # whoever watches SQLAlchemy's statements sees these, too
        listeners(connection, cursor, compiled.sql, sets, None, len(sets) > 1)
    if len(sets) == 1:
        cursor.execute(compiled.sql, compiled.parameters(sets[0]))
    else:
        cursor.executemany(compiled.sql, [compiled.parameters(one) for one in sets])
    return cursor


def _translated(connection: Connection, sql: str, exc: Exception) -> BaseException:
    """The exception that SQLAlchemy makes of the driver's; a connection that is gone is not used again."""
    dialect = connection.dialect
    gone = dialect.is_disconnect(exc, connection.connection.dbapi_connection, None)  # type: ignore[arg-type]
    if gone:
        connection.invalidate(exc)
    return sa.exc.DBAPIError.instance(sql, None, exc, dialect.loaded_dbapi.Error, dialect=dialect, connection_invalidated=gone)


class Batch:
    """Writes that are collected and run together, in order, when `flush` is called."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._waiting: list[tuple[_Compiled, Sequence[Mapping[str, Any]]]] = []

    def add(self, statement: Statement, *values: Mapping[str, Any]) -> None:
        """Run `statement` once for each of `values`, which all name the same parameters."""
        if values:
            self._waiting.append((statement.compiled(self.connection.dialect, values[0]), values))

    def first(self, statement: Statement, values: Mapping[str, Any]) -> Row | None:
        """The first row of a SELECT that runs after what was added before, on the same way to the database."""
        compiled = statement.compiled(self.connection.dialect, values)
        waiting, self._waiting = self._waiting, []
        found = run(self.connection, [*waiting, (compiled, (values,))])
        return compiled.row(found[0]) if found else None

    def flush(self) -> None:
        """Raises what SQLAlchemy would raise; nothing of the batch counts then, because the transaction is lost."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            run(self.connection, waiting)
