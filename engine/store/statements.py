"""Statements of the hot path: written with SQLAlchemy, compiled once for each dialect, run on the driver's own cursor.

SQLAlchemy's execution costs 35 to 120 microseconds a statement beyond the database's own work; a completed task needs eight. Everything that
is not asked for thousands of times a minute goes through `Connection.execute` as usual. Not here: transactions (`engine.store.database`).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import repeat
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.sql.util import find_tables

from engine.errors import NotAvailable
from engine.store.tables import Utc

PREPARED = "flowledger_prepared"  # in the pool's notes on a connection: `engine.store.prepared`

Row = tuple[Any, ...]
Process = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """SQL with the names of its parameters in order; what a value needs before it is sent and after it was read.

    SQL as the database itself reads it (`?`, `$1`), so the driver need not look for parameters in a long text. `parts`: statements that were joined to this one.
    `writes`: the table that it changes, and how (insert, update, delete); None for a SELECT. `tables`: what a SELECT reads.
    `of_instance`, `sees`: see Statement.
    """

    sql: str
    writes: tuple[str, str] | None
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    before: tuple[tuple[int, Process], ...]
    after: tuple[tuple[int, Process], ...]
    reads: bool = False
    tables: frozenset[str] = frozenset()
    of_instance: bool = False
    sees: str | None = None
    parts: tuple[Compiled, ...] = ()
    _chosen: Callable[[Mapping[str, Any]], Row] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_chosen", _choosing(self.names))

    def parameters(self, values: Any) -> tuple[Any, ...]:
        """By position. `values`: by name; of joined statements a sequence of them. Raises KeyError for a value that is missing."""
        found = self._found(values) if not self.parts else [one for part, row in zip(self.parts, values, strict=True) for one in part._found(row)]
        return _processed(found, self.before) if self.before else tuple(found)

    def _found(self, values: Any) -> Row:
        return self._chosen({**self.constants, **values} if self.constants else values)

    def row(self, found: Row) -> Row:
        """What the driver found, as Python values."""
        return _processed(found, self.after) if self.after else found


def _processed(row: Sequence[Any], processes: tuple[tuple[int, Process], ...]) -> Row:
    """With what some of its values are made to, by position."""
    changed = list(row)
    for index, process in processes:
        changed[index] = process(changed[index])
    return tuple(changed)


def _choosing(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Row]:
    """Takes the values of these names, in this order; `itemgetter` gives one of them without a tuple, and cannot give none."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple([values[name] for name in names])


class Statement:
    """A SELECT, INSERT, UPDATE or DELETE with named parameters. Lists in IN and defaults made by Python are not supported.

    `of_instance`: a SELECT whose rows change only when a record is appended to the instance `b_instance`. `sees`: a table that an UPDATE reads as the
    writes before it leave it.
    """

    def __init__(self, clause: Any, *, of_instance: bool = False, sees: str | None = None) -> None:
        self._clause = clause.inline() if isinstance(clause, sa.Insert) else clause
        self._of_instance, self._sees = of_instance, sees
        self._compiled: dict[tuple[str, tuple[str, ...]], Compiled] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        """All rows. Raises what SQLAlchemy would raise."""
        compiled = self.compiled(connection.dialect, values)
        found: list[Row] = run(connection, [(compiled, (values,))])
        return [compiled.row(one) for one in found]

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Row | None:
        """The first row or None."""
        found = self.rows(connection, values)
        return found[0] if found else None

    def compiled(self, dialect: Dialect, values: Mapping[str, Any]) -> Compiled:
        """For this database and just these columns."""
        key = (dialect.name, tuple(values))
        known = self._compiled.get(key)
        if known is None:
            known = self._compiled[key] = replace(_compile(self._clause, dialect, key[1]), of_instance=self._of_instance, sees=self._sees)
        return known


def _compile(clause: Any, dialect: Dialect, names: tuple[str, ...]) -> Compiled:
    columns = None if isinstance(clause, sa.Select) else [n for n in names if n not in _bound(clause)]
    compiled: Any = clause.compile(dialect=dialect, column_keys=columns)
    binds: Mapping[str, sa.BindParameter[Any]] = compiled.binds
    constants = {name: bind.value for name, bind in binds.items() if name not in names}
    if missing := sorted(name for name, value in constants.items() if value is None):
        raise ValueError(f"a statement of the hot path needs {', '.join(missing)}:\n{compiled}")
    before = {name: _moments(dialect) if isinstance(bind.type, Utc) else _sent(bind.type, dialect) for name, bind in binds.items()}
    found = enumerate(clause.selected_columns) if isinstance(clause, sa.Select) else ()
    after = ((index, column.type.dialect_impl(dialect).result_processor(dialect, None)) for index, column in found)
    sql, in_order = (str(compiled), compiled.positiontup) if compiled.positiontup is not None else _numbered(str(compiled))
    return Compiled(
        sql=sql,
        writes=None if isinstance(clause, sa.Select) else (clause.table.name, clause.__visit_name__),
        names=tuple(in_order),
        constants=constants,
        before=tuple((index, process) for index, name in enumerate(in_order) if (process := before[name]) is not None),
        after=tuple((index, process) for index, process in after if process is not None),
        reads=isinstance(clause, sa.Select),
        tables=frozenset(str(table) for table in find_tables(clause)) if isinstance(clause, sa.Select) else frozenset(),
    )


def _sent(kind: sa.types.TypeEngine[Any], dialect: Dialect) -> Process | None:
    process: Process | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return process


_of_moments: dict[str, Process] = {}


def _moments(dialect: Dialect) -> Process | None:
    """What is made of moments before they are sent: once for all statements, because a record and its rows name one moment ten times.

    They are in UTC or at a fixed offset (`engine.model.values.moment`), so equal ones are the same. Not of what is read: two moments of the hour that
    comes twice in autumn are equal in the zone of a session, and are not the same.
    """
    process = _sent(Utc(), dialect)
    return None if process is None else _of_moments.setdefault(dialect.name, lru_cache(256)(process))


_NAMED = re.compile(r"%\((\w+)\)s")


def _numbered(sql: str) -> tuple[str, list[str]]:
    """`%(name)s` as `$1`; the names in the order of their numbers."""
    order: dict[str, int] = {}
    return _NAMED.sub(lambda found: f"${order.setdefault(found[1], len(order) + 1)}", sql).replace("%%", "%"), list(order)


def _bound(clause: Any) -> frozenset[str]:
    """Parameters that the statement names itself; what else is given are columns to set."""
    named = clause if isinstance(clause, sa.Insert) else getattr(clause, "whereclause", None)
    return frozenset() if named is None else frozenset(str(b.key) for b in sa.sql.visitors.iterate(named) if isinstance(b, sa.BindParameter))


Work = Sequence[tuple[Compiled, Sequence[Any]]]


class StandIn(ABC):
    """In the place of a connection: decides itself what becomes of the statements (`engine.store.ahead`).

    `opened`: the user task that was read last. `guessed`: something was not read, but foreseen.
    """

    opened: Row | None = None
    guessed = False

    @abstractmethod
    def foreseen(self, instance_id: str, key: int, seq: int) -> Row | None:
        """A user task without asking the database, as it stands if this record is still the newest one of its instance."""

    @abstractmethod
    def run(self, work: Work) -> list[Row]:
        """As the function `run` does."""


def run(connection: Connection | StandIn, work: Work) -> list[Row]:
    """Run statements in order and give the rows of the last one. On PostgreSQL they travel together: as one statement, else in pipeline mode.

    Raises sqlalchemy.exc.DBAPIError of the right kind; the transaction is lost then.
    """
    if not isinstance(connection, Connection):  # the question about an abstract class would cost as much as a short statement
        return connection.run(work)
    if connection.invalidated:  # SQLAlchemy would open another one here, with other options than were asked for
        raise NotAvailable("The connection to the database was lost; nothing was changed.")
    raw: Any = connection.connection.dbapi_connection
    pipeline = hasattr(raw, "pipeline")
    if pipeline and len(work) > 1:
        work = together(work)
    compiled, sets = work[-1]
    if len(work) == 1 == len(sets) and pipeline and raw.autocommit and PREPARED in connection.connection.info:
        return _alone(connection, compiled, sets)
    # Every cursor is closed here and now: one that the traceback of an exception keeps alive would be finalised by the garbage collector in
    # some other thread, which SQLite then makes wait until this connection is idle, with Python's own lock in its hands.
    cursors = [connection.dialect.loaded_dbapi.RawCursor(raw) for _ in work] if pipeline else [raw.cursor()]
    listeners: Any = connection.dispatch.before_cursor_execute
    watched = connection if listeners else None  # whoever watches SQLAlchemy's statements sees these, too
    try:
        with raw.pipeline() if pipeline and (len(work) > 1 or len(sets) > 1) else nullcontext():
            for cursor, (compiled, sets) in zip(cursors if pipeline else repeat(cursors[0]), work, strict=pipeline):
                _send(watched, cursor, compiled, sets)
        return list(cursors[-1].fetchall()) if compiled.reads else []
    except connection.dialect.loaded_dbapi.Error as exc:
        raise _translated(connection, compiled.sql, exc) from exc
    finally:
        for cursor in cursors:
            cursor.close()


def _alone(connection: Connection, compiled: Compiled, sets: Sequence[Any]) -> list[Row]:
    """On PostgreSQL, a statement that is a transaction by itself."""
    if connection.dispatch.before_cursor_execute:
        connection.dispatch.before_cursor_execute(connection, None, compiled.sql, sets, None, False)
    found: list[Row]
    try:
        found = connection.connection.info[PREPARED].run(compiled.sql, compiled.parameters(sets[0]))
    except connection.dialect.loaded_dbapi.Error as exc:
        raise _translated(connection, compiled.sql, exc) from exc
    return found


# --- one statement for several writes (PostgreSQL) ---------------------------------------------------------------------
_NUMBER = re.compile(r"\$(\d+)")
FEW = 4  # rows: whom a task is offered to, words of a business key
_Plan = list[tuple[Compiled, bool, int, int]]  # what runs, was it joined here, with which of all rows
_plans: dict[tuple[tuple[Compiled, int], ...], _Plan] = {}  # few: one for each shape of an outcome
_PLANS = 500


def together(work: Work) -> Work:
    """Neighbouring writes as one statement each: `WITH w1 AS (UPDATE ...), w2 AS (INSERT ...) INSERT ...`.

    The parts of such a statement do not see each other's rows, so a table that was written is not updated or deleted from again in it, nor seen.
    A few rows of one INSERT are a part each; many, or several of an UPDATE, remain a statement of their own.
    """
    shape = tuple([(compiled, len(sets)) for compiled, sets in work])
    plan = _plans.get(shape)
    if plan is None:
        if len(_plans) >= _PLANS:
            _plans.clear()
        plan = _plans[shape] = _planned(shape)
    rows = [one for _, sets in work for one in sets]
    return [(compiled, (rows[begin:end],) if joined else rows[begin:end]) for compiled, joined, begin, end in plan]


def _planned(shape: tuple[tuple[Compiled, int], ...]) -> _Plan:
    out: _Plan = []
    group: list[Compiled] = []
    written: set[str] = set()
    end = 0
    for compiled, count in shape:
        lone = compiled.writes is None or count > (FEW if compiled.writes[1] == "insert" else 1)
        blind = compiled.sees in written or (compiled.writes and compiled.writes[1] != "insert" and compiled.writes[0] in written)
        if group and (lone or blind):
            out.append((_join(group), len(group) > 1, end - len(group), end))
            group, written = [], set()
        end += count
        if lone or compiled.writes is None:
            out.append((compiled, False, end - count, end))
        else:
            group += [compiled] * count
            written.add(compiled.writes[0])
    if group:
        out.append((_join(group), len(group) > 1, end - len(group), end))
    return out


def _join(parts: Sequence[Compiled]) -> Compiled:
    if len(parts) == 1:
        return parts[0]
    texts, before, processes = [], 0, []
    for part in parts:
        texts.append(_renumbered(part.sql, before))
        processes += [(before + index, process) for index, process in part.before]
        before += len(part.names)
    rest = ", ".join(f"w{n} AS ({text})" for n, text in enumerate(texts) if n)
    # PostgreSQL runs the main part first, so a clash of the first one is what is told.
    return Compiled(sql=f"WITH {rest} {texts[0]}", writes=None, names=(), constants={}, before=tuple(processes), after=(), parts=tuple(parts))


def _renumbered(sql: str, before: int) -> str:
    """With the numbers of parameters that follow `before` others."""
    return _NUMBER.sub(lambda found: f"${int(found[1]) + before}", sql)


def _send(watched: Connection | None, cursor: Any, compiled: Compiled, sets: Sequence[Any]) -> None:
    if watched is not None:
        watched.dispatch.before_cursor_execute(watched, cursor, compiled.sql, sets, None, len(sets) > 1)
    if len(sets) == 1:
        cursor.execute(compiled.sql, compiled.parameters(sets[0]))
    else:
        cursor.executemany(compiled.sql, [compiled.parameters(one) for one in sets])


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
        self._waiting: list[tuple[Compiled, Sequence[Mapping[str, Any]]]] = []

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
