"""Connections on their way out of the pool and back: which are tried before use, and which stay out between two writes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.pool import ConnectionPoolEntry

from engine.errors import NotAvailable, StorageDamaged, StorageFull

REST_SECONDS = 5.0
_USED = "flowledger_used"


class Kept:
    """Connections for one kind of use. One that did its work is kept for the next user: the way through the pool costs as much as two statements.

    So at most as many stay out of the pool as threads use at one time, and never more than `most`; none that was lost, even if nobody was told of that: the
    connection that would take its place has not the options of this one. Safe for threads.
    """

    def __init__(self, engine: sa.Engine, most: int) -> None:
        self._engine = engine
        self._most = most
        self._idle: deque[tuple[float, Connection]] = deque()  # the last one that was used is taken first; the others grow old

    @property
    def idle(self) -> int:
        """How many are out of the pool, but not in use."""
        return len(self._idle)

    def use(self) -> Use:
        """`with` it: a connection without a transaction. Raises NotAvailable."""
        return Use(self)

    def take(self) -> Connection:
        """One that is kept, else one of the pool. Raises NotAvailable."""
        connection = self._kept()
        if connection is None:
            with _told():
                connection = self._engine.connect()
        return connection

    def give_back(self, connection: Connection) -> None:
        """Keep it when there is room."""
        if len(self._idle) < self._most:
            self._idle.append((time.monotonic(), connection))
        else:
            connection.close()

    def _kept(self) -> Connection | None:
        try:
            used, connection = self._idle.pop()
        except IndexError:
            return None
        if time.monotonic() - used < REST_SECONDS:
            return connection
        self._idle.append((used, connection))
        self.close()  # they rested: the pool asks each one whether it still lives
        return None

    def close(self) -> None:
        """Give back what is not in use."""
        while self._idle:
            try:
                used, connection = self._idle.popleft()
            except IndexError:  # another thread took it
                return
            info = connection.connection.info
            connection.close()
            info[_USED] = used


class Use:
    """Of a kept connection, by one thread, once; after an exception, or when SQLAlchemy put another one in its place, the pool looks at it."""

    __slots__ = ("_connection", "_driver", "_kept")

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def __enter__(self) -> Connection:
        self._connection = self._kept.take()
        self._driver = self._connection.connection.dbapi_connection
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        connection = self._connection
        if error is None and not connection.invalidated and connection.connection.dbapi_connection is self._driver:
            self._kept.give_back(connection)
        else:
            connection.close()


#: What SQLite says of a file that is damaged or none of its own, and PostgreSQL's codes. Text that is no UTF-8 was not written by this engine.
_DAMAGED = ("disk image is malformed", "malformed database schema", "file is not a database", "Could not decode to UTF-8")
_DAMAGED_CODES = frozenset({"XX001", "XX002"})


def damaged(fault: BaseException | None) -> bool:
    """Does the driver say that the database itself is damaged?"""
    return getattr(fault, "sqlstate", None) in _DAMAGED_CODES or any(sign in str(fault) for sign in _DAMAGED)


@contextmanager
def _told() -> Iterator[None]:
    """No server, or all connections are in use for too long; SQLite reads and writes when it opens a file: no room, or it is damaged."""
    try:
        yield
    except (sa.exc.DatabaseError, sa.exc.InterfaceError, sa.exc.TimeoutError) as exc:
        if damaged(getattr(exc, "orig", None)):
            raise StorageDamaged from exc
        if not isinstance(exc, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.TimeoutError):
            raise
        raise (StorageFull if "disk is full" in str(exc) else NotAvailable) from exc


@contextmanager
def connected(engine: sa.Engine) -> Iterator[Connection]:
    """A connection of the pool. Raises NotAvailable, StorageFull, StorageDamaged."""
    with _told():
        connection = engine.connect()
    with connection:
        yield connection


def ping_after_rest(engine: sa.Engine) -> None:
    """Ask a connection whether it still lives, only when nobody used it for a while: asking before each request costs it a round trip."""
    dialect = engine.dialect

    def note_use(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[_USED] = time.monotonic()

    def ping(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        if time.monotonic() - record.info.get(_USED, float("inf")) > REST_SECONDS:
            try:
                dialect.do_ping(connection)
            except dialect.loaded_dbapi.Error as exc:
                raise sa.exc.InvalidatePoolError from exc

    event.listen(engine, "checkin", note_use)
    event.listen(engine, "checkout", ping)


def undecided_after_reading(engine: sa.Engine) -> None:
    """Let a connection that only read leave it to the database again whether it may write.

    SQLAlchemy would have it say READ WRITE at each BEGIN from then on, which a standby does not understand, and which writes to a database that was made read-only.
    """

    def forget(connection: Any, _record: ConnectionPoolEntry) -> None:
        if connection is not None and connection.read_only is False:
            connection.read_only = None

    event.listen(engine, "checkin", forget)
