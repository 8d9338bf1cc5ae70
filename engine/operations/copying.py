"""Copies an installation from one database to another, whichever of SQLite and PostgreSQL each of them is.

All or nothing: one transaction reads, one writes, and counts, heads, chains and stored files are verified before the commit.
Types are those of the tables' own columns, so that a moment, a truth value or bytes mean the same on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.errors import Conflict, FlowledgerError, IntegrityViolation, InvalidInput
from engine.jobs import cluster
from engine.operations.evidence import heads, verify_chains, verify_stored
from engine.operations.manifest import count
from engine.plugins.loading import Catalogue
from engine.store import schema, tables
from engine.store.database import Database
from engine.store.making import making

Progress = Callable[[str], None]

ROWS = 500  # copied together
SHOWN = 64  # characters of what names a row that the target does not take
TOO_LARGE = "54"  # PostgreSQL's class of errors for what exceeds a limit of its own, such as the size of an index entry
LARGE = 10  # of tables whose rows may hold whole files
_SMALL = frozenset({tables.record.name, tables.snapshot.name})  # bytes of some kilobytes
_NOT_OURS = ("alembic_version", "sqlite_", "procrastinate_")  # made anew by the target, or not part of an installation


class TargetNotEmpty(Conflict):
    """The target database is not empty: table {table} holds rows. Name an empty database; nothing was written."""


class SourceChanged(Conflict):
    """The source changed while it was copied ({table}): stop the server and every worker, then copy again. Nothing was written."""


class TableUnknown(Conflict):
    """The source holds tables of packs that are not installed here: {tables}. Install them first, or leave the tables out by name."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied and verified."""

    rows: int
    instances: int
    records: int


def all_tables(packs: Catalogue) -> list[sa.Table]:
    """Every table of an installation, each after those that it refers to."""
    return [*tables.metadata.sorted_tables, *(t for pack in packs.packs if pack.metadata is not None for t in pack.metadata.sorted_tables)]


def present_tables(connection: Connection, packs: Catalogue) -> list[sa.Table]:
    """Those that exist: a pack's tables may not have been made yet."""
    names = _names(connection)
    return [table for table in all_tables(packs) if table.name in names]


def copy(
    source: Database,
    target: Database,
    packs: Catalogue,
    progress: Progress,
    *,
    at_rest: bool = True,
    verify: bool = True,
    leave_out: Iterable[str] = (),
) -> Copied:
    """Copy everything. `at_rest`: raises SourceChanged when somebody wrote meanwhile. Not `verify`: chains are copied unseen. The target gets this version's schema.

    Raises TargetNotEmpty, TableUnknown, IntegrityViolation (the source's history does not verify), InvalidInput (names the row with a value
    that the target cannot hold), FlowledgerError (the schema of the source is not this version's).
    """
    if _same(source, target):
        raise InvalidInput("Source and target are the same database.")
    schema.check(source)
    wanted = all_tables(packs)
    with target.begin(write=False) as into:
        _require_empty(into, wanted)
    with source.begin(write=False) as out:
        present = present_tables(out, packs)
        _require_known(out, wanted, frozenset(leave_out))
        _prepare(target, packs)
        with target.begin(write=True) as into:
            _require_empty(into, wanted)  # again, now that nobody else can fill it
            rows = {table.name: _copy_table(out, into, table, progress) for table in present}
            _reset_sequences(into, present)
            done = _verify(out, into, rows, chains=verify)
            if at_rest and not source.in_memory:
                _require_unchanged(source, present, rows)
    return done


def _same(source: Database, target: Database) -> bool:
    return source.url == target.url and not source.in_memory


def _names(connection: Connection) -> set[str]:
    return set(sa.inspect(connection).get_table_names())


def _require_empty(connection: Connection, wanted: Sequence[sa.Table]) -> None:
    present = _names(connection)
    for table in wanted:
        if table.name in present and connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
            raise TargetNotEmpty(table=table.name)


def _require_known(connection: Connection, wanted: Sequence[sa.Table], left_out: frozenset[str]) -> None:
    known = {table.name for table in wanted} | left_out
    foreign = sorted(name for name in _names(connection) - known if not name.startswith(_NOT_OURS))
    if foreign:
        raise TableUnknown(tables=", ".join(foreign))


def _prepare(target: Database, packs: Catalogue) -> None:
    schema.upgrade(target)
    cluster.install(target)
    for pack in packs.packs:
        if pack.metadata is not None:
            with making(target) as connection:
                pack.metadata.create_all(connection)


def _copy_table(out: Connection, into: Connection, table: sa.Table, progress: Progress) -> int:
    large = table.name not in _SMALL and any(isinstance(column.type, sa.LargeBinary) for column in table.c)
    done = 0
    found = out.execute(sa.select(table), execution_options={"yield_per": LARGE if large else ROWS})
    for batch in found.mappings().partitions():
        rows = [dict(row) for row in batch]
        refused = _put(into, table, rows)
        if refused is not None:
            raise _unheld(into, table, rows, refused)
        done += len(batch)
    if done:
        progress(f"{table.name}: {done}")
    return done


def _put(into: Connection, table: sa.Table, rows: list[dict[str, Any]]) -> sa.exc.DBAPIError | None:
    """Why the target does not take the rows, of which it holds none then; None: it holds them."""
    # SQLite refuses no value, and would keep each page that changes within a savepoint, in memory.
    attempt = into.begin_nested() if into.dialect.name == "postgresql" else nullcontext()
    try:
        with attempt:
            into.execute(table.insert(), rows)
    except (sa.exc.DataError, sa.exc.OperationalError) as exc:
        state = getattr(exc.orig, "sqlstate", None) or ""
        if isinstance(exc, sa.exc.DataError) or state.startswith(TOO_LARGE):
            return exc
        raise
    return None


def _unheld(into: Connection, table: sa.Table, rows: list[dict[str, Any]], refused: sa.exc.DBAPIError) -> InvalidInput:
    """Names the first row that the target does not take: its key, the instance that it is of, and of a text that does not fit the column."""
    row, why = next(((one, found) for one in rows if (found := _put(into, table, [one])) is not None), (rows[0], refused))
    named = dict.fromkeys([*(name for name in ("instance_id",) if name in row), *(column.name for column in table.primary_key)])
    where = ", ".join(f"{name} {str(row[name])[:SHOWN]!r}" for name in named)
    columns = [column.name for column in table.c if _does_not_fit(column, row[column.name])]
    what = f"the value of {', '.join(columns)}" if columns else "a value"
    return InvalidInput(f"Table {table.name}, {where}: the target cannot hold {what} ({type(why.orig).__name__}). Nothing was written.")


def _does_not_fit(column: sa.Column[Any], value: Any) -> bool:
    limit = getattr(column.type, "length", None)
    return isinstance(value, str) and ("\x00" in value or (limit is not None and len(value) > limit))


def _reset_sequences(into: Connection, copied: Sequence[sa.Table]) -> None:
    """The next number that PostgreSQL gives follows the greatest one that was copied. SQLite looks at the table itself."""
    if into.dialect.name != "postgresql":
        return
    for table in copied:
        column = table.autoincrement_column
        if column is None:
            continue
        greatest = into.scalar(sa.select(sa.func.max(column)))
        sequence = into.scalar(sa.select(sa.func.pg_get_serial_sequence(f'"{table.name}"', column.name)))
        if sequence is not None and greatest is not None:
            into.execute(sa.select(sa.func.setval(sequence, greatest)))


def _verify(out: Connection, into: Connection, rows: dict[str, int], *, chains: bool) -> Copied:
    for name, expected in rows.items():
        found = count(into, sa.table(name))
        if found != expected:
            raise FlowledgerError(f"Table {name} has {found} rows after copying {expected}. Nothing was kept.")
    present = heads(into)
    if present != heads(out):
        raise IntegrityViolation("The heads of the copied history are not those of the source. Nothing was kept.")
    if chains:
        verify_chains(into)
        verify_stored(into)
    return Copied(sum(rows.values()), len(present), sum(seq for seq, _ in present.values()))


def _require_unchanged(source: Database, copied: Sequence[sa.Table], rows: dict[str, int]) -> None:
    with source.begin(write=False) as now:
        for table in copied:
            if count(now, table) != rows[table.name]:
                raise SourceChanged(table=table.name)
