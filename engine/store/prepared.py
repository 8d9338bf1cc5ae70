"""Statements of PostgreSQL that run by themselves, handed to libpq (`psycopg.pq`) and prepared once for a connection.

psycopg's cursor makes objects for each statement, looks how it came to be prepared and drives a generator: as much time as a short statement takes here.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import DiagnosticField, ExecStatus
from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from engine.store.statements import PREPARED

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

AFTER = 5  # times that it ran, a statement is prepared, as psycopg does
MOST = 100  # statements that are prepared; each costs the server some 50 KB
REMEMBERED = 1000  # statements that are counted
#: Nothing happened, and it works when it is prepared anew: the name is unknown (psycopg lets a connection forget all of them after a ROLLBACK);
#: a column that it reads has another type since.
_STALE = ("26000", "0A000")
_THERE = "42P05"  # duplicate_prepared_statement

_Key = tuple[str, tuple[int, ...]]


def prepare_on(engine: Engine) -> None:
    """Every connection of this engine gets its `Prepared`, which goes when the connection goes."""

    def give(driver: psycopg.Connection[Any], entry: ConnectionPoolEntry) -> None:
        entry.info[PREPARED] = Prepared(driver)

    event.listen(engine, "connect", give)


class Prepared:
    """The statements of one connection in autocommit mode. For one thread at a time, as the connection itself."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._pg = driver.pgconn
        self._encoding = driver.info.encoding
        self._adapt = Transformer(driver)
        self._names: dict[_Key, bytes] = {}
        self._seen: dict[_Key, int] = {}

    def run(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """The rows. `sql` as the server reads it, with `$1`. Raises psycopg.Error; the statement did not happen then, unless the connection is lost."""
        params: Any = self._adapt.dump_sequence(values, [PyFormat.AUTO] * len(values))
        key = (sql, self._adapt.types or ())
        try:
            name = self._names.get(key) or self._prepare(key)
            if name is None:
                result = self._pg.exec_params(sql.encode(self._encoding), params, key[1], self._adapt.formats)
            else:
                result = self._pg.exec_prepared(name, params, self._adapt.formats)
            if result.status == ExecStatus.TUPLES_OK:
                return self._rows(result)
            if result.status == ExecStatus.COMMAND_OK:
                return []
            error = self._error(result)
            if name is None or error.sqlstate not in _STALE:
                raise error
            del self._names[key]
            self._drop(name)
        except (MemoryError, psycopg.OperationalError) as exc:  # older versions of psycopg call it MemoryError when libpq gives no result
            if isinstance(exc, psycopg.Error) and exc.sqlstate:
                raise
            # What libpq says, not the server: whatever it is, nobody can tell what became of the statement. libpq itself may take the connection for
            # sound until it is read from once more; it is used no more.
            self._pg.finish()
            raise psycopg.OperationalError(str(exc)) from exc
        return self.run(sql, values)

    def _rows(self, result: PGresult) -> list[tuple[Any, ...]]:
        self._adapt.set_pgresult(result)
        rows: list[tuple[Any, ...]] = self._adapt.load_rows(0, result.ntuples, tuple)
        self._adapt.set_pgresult(None)  # it may be large
        return rows

    def _prepare(self, key: _Key) -> bytes | None:
        """Its name; None as long as it ran only a few times."""
        seen = self._seen[key] = self._seen.get(key, 0) + 1
        if seen <= AFTER:
            if len(self._seen) > REMEMBERED:
                self._seen.clear()
            return None
        if len(self._names) >= MOST:  # the eldest goes: there are more shapes of outcomes here than one would think, and none matters much
            self._drop(self._names.pop(next(iter(self._names))))
        # Named by what it is: behind a pooler that gives servers to others meanwhile, one name is one statement for all.
        name = b"flowledger_" + hashlib.sha256(repr(key).encode()).hexdigest()[:32].encode()
        result = self._pg.prepare(name, key[0].encode(self._encoding), key[1])
        if result.status != ExecStatus.COMMAND_OK and (error := self._error(result)).sqlstate != _THERE:
            raise error
        self._names[key] = name
        del self._seen[key]
        return name

    def _drop(self, name: bytes) -> None:
        self._pg.exec_(b"DEALLOCATE " + name)  # when this fails, the name was unknown, or whatever follows fails, too

    def _error(self, result: PGresult) -> psycopg.Error:
        if result.error_field(DiagnosticField.SQLSTATE):
            return psycopg.errors.error_from_result(result, self._encoding)
        return psycopg.OperationalError(result.get_error_message(self._encoding))
