"""Opens a database and its transactions: SQLite (WAL, synchronous FULL) or PostgreSQL.

SQLite has one writer at a time; `engine.store.turn` says whose turn it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.pool import StaticPool

from engine.errors import ConcurrentChange, FlowledgerError, InvalidInput, NotAvailable, OutcomeUnknown, StorageDamaged, StorageFull
from engine.store import addresses
from engine.store.connections import Kept, Use, connected, damaged, ping_after_rest, undecided_after_reading
from engine.store.turn import WAIT_SECONDS, Turn


class Database:
    """One database address (`engine.store.addresses.read`). `begin` and `outside` are the only ways to a connection."""

    def __init__(self, url: str | URL, *, pool_size: int = 8, wait_seconds: float = WAIT_SECONDS) -> None:
        self.url = addresses.read(url)
        self._wait_seconds = wait_seconds
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.in_memory = self.is_sqlite and self.url.database in (None, "", ":memory:")
        # Readers of a database in memory queue, too: it has one connection.
        shared = self.is_sqlite and not self.in_memory
        self._turn = Turn(Path(str(self.url.database)) if shared else None, wait_seconds)
        self.engine = self._open(pool_size)
        # Reading sees one moment also on PostgreSQL, where every statement would otherwise see its own.
        reading = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reading = self.engine.execution_options(flowledger_write=False, **reading)
        # SQLite's driver is in autocommit mode already; there the listener below is told not to begin.
        autocommit = {"flowledger_begin": False} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        writing = {"flowledger_begin": False} if self.is_sqlite else {}  # `_Writing` begins there
        self._writing = Kept(self.engine.execution_options(flowledger_write=True, **writing), pool_size // 2)
        self._outside = Kept(self.engine.execution_options(**autocommit), pool_size // 2)

    def _open(self, pool_size: int) -> sa.Engine:
        if not self.is_sqlite:
            engine = sa.create_engine(addresses.with_defaults(self.url), pool_size=pool_size, max_overflow=pool_size)
            from engine.store.prepared import prepare_on  # needs the driver, which is an extra

            event.listen(engine, "connect", _in_utc)
            prepare_on(engine)
            ping_after_rest(engine)
            undecided_after_reading(engine)
            return engine
        if self.in_memory:
            engine = sa.create_engine(self.url, poolclass=StaticPool, connect_args={"check_same_thread": False, "isolation_level": None})
        else:
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
            engine = sa.create_engine(
                self.url,
                pool_size=pool_size,
                max_overflow=4 * pool_size,  # files are cheap to open; a command that computes holds one for reading
                connect_args={"timeout": self._wait_seconds, "check_same_thread": False, "isolation_level": None},
            )
        event.listen(engine, "do_connect", self._make_for_owner)
        event.listen(engine, "connect", self._prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _make_for_owner(self, *_: Any) -> None:
        """A new file is its owner's alone, as a backup is: it holds what people wrote. SQLite gives its other files the same rights."""
        if not (self.in_memory or str(self.url.database).startswith("file:")):
            with suppress(OSError):  # it is there; or it cannot be made, which SQLite itself then says
                os.close(os.open(str(self.url.database), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    def _prepare_sqlite(self, connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        if not self.in_memory:
            cursor.execute("PRAGMA journal_mode=WAL")
        busy = f"busy_timeout={round(self._wait_seconds * 1000)}"
        for pragma in ("synchronous=FULL", "foreign_keys=ON", busy, "temp_store=MEMORY", "cache_size=-32000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @contextmanager
    def begin(self, *, write: bool, after_commit: Callable[[], None] = lambda: None) -> Iterator[Connection]:
        """A transaction; one that only reads sees one moment of the database. It commits when the block ends without an exception, else rolls back.

        Raises ConcurrentChange when the database made this transaction give way to another one, InvalidInput for a value that
        the database cannot hold, NotAvailable when it cannot be reached, WriterBusy, StorageFull, StorageDamaged; OutcomeUnknown when
        it went away during the commit.
        `after_commit` runs before the next writer of this process gets its turn.
        """
        lock = self._turn if self.is_sqlite and (write or self.in_memory) else nullcontext()
        with lock:
            committing = False
            with self._writing.use() if write else connected(self._reading) as connection:
                try:
                    with _Writing(connection) if write and self.is_sqlite else connection.begin():
                        yield connection
                        committing = write
                except sa.exc.DBAPIError as exc:
                    _tell(exc, committing=committing, writes=write)
            after_commit()

    def outside(self, *, writes: bool = False) -> AbstractContextManager[Connection]:
        """A connection outside any transaction: each statement is one by itself, without BEGIN and COMMIT on their way to the database.

        Raises what `begin` raises. `writes`: not for SQLite, whose writers take turns.
        """
        return self.begin(write=False) if self.in_memory else _Outside(self._outside.use(), writes=writes)

    @property
    def kept(self) -> int:
        """Connections that are out of the pool, but not in use."""
        return self._writing.idle + self._outside.idle

    @property
    def stuck(self) -> bool:
        """Does SQLite's one writer take longer than others wait for it? Nothing can be written then."""
        return self._turn.stuck

    def close(self) -> None:
        """Give every connection back."""
        self._writing.close()
        self._outside.close()
        self._turn.close()
        self.engine.dispose()


_FULL = ("disk is full", "53100")  # SQLite's words, PostgreSQL's code
_PASSING = ("database is locked", "disk I/O error", "terminating connection")
_PASSING_CLASSES = ("08", "53", "57P", "58")  # of PostgreSQL: connection, resources, shutdown, system
_READ_ONLY = "25006"
# Serialization failure, deadlock, lock_timeout of who runs the server: PostgreSQL chose this transaction to give way; it tries again.
_OTHERS_FIRST = frozenset({"40001", "40P01", "55P03"})


def _cut_off(exc: sa.exc.DBAPIError) -> bool:
    """Did the server go away, so that it is not known whether it carried the statement out? Else it says that it did not."""
    return exc.connection_invalidated or (getattr(exc.orig, "sqlstate", None) or "").startswith(("08", "57P"))


def _told(exc: sa.exc.DBAPIError, *, committing: bool) -> FlowledgerError | None:
    """What the engine says to a fault of the database; None to a defect of ours. A commit that is cut off happened or did not."""
    if isinstance(exc, sa.exc.DataError):  # PostgreSQL keeps to lengths and ranges, and its texts hold no NUL
        return InvalidInput(f"The database cannot hold this value: {exc.orig}")
    state, text = getattr(exc.orig, "sqlstate", None) or "", str(exc.orig)
    if state in _OTHERS_FIRST:
        return ConcurrentChange()
    if any(sign in text or sign == state for sign in _FULL):
        return StorageFull()
    if damaged(exc.orig):
        return StorageDamaged()
    if exc.connection_invalidated or state.startswith(_PASSING_CLASSES) or any(sign in text for sign in _PASSING):
        return OutcomeUnknown() if committing else NotAvailable(f"The database did not take the change: {exc.orig}")
    return None


def _tell(exc: sa.exc.DBAPIError, *, committing: bool, writes: bool) -> NoReturn:
    """Raises it in the engine's words, a defect of ours as it is. `writes`: it was to; else what the database refused to write is a defect."""
    if writes and getattr(exc.orig, "sqlstate", None) == _READ_ONLY:
        raise NotAvailable("The database takes no changes just now: it is a standby, or was made read-only. Nothing was changed.") from exc
    told = _told(exc, committing=committing)
    if told is None:
        raise exc
    raise told from exc


class _Outside:
    """Use of a connection in autocommit mode. No generator: it is used for each command, and would cost as much as what is done here."""

    __slots__ = ("_connection", "_use", "_writes")

    def __init__(self, use: Use, *, writes: bool) -> None:
        self._use = use
        self._writes = writes

    def __enter__(self) -> Connection:
        connection = self._connection = self._use.__enter__()
        driver: Any = connection.connection.dbapi_connection
        if self._writes and not driver.autocommit:  # what is written there would never be committed
            refusal = NotAvailable()
            self._use.__exit__(type(refusal), refusal, None)
            raise refusal
        return connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._connection.in_transaction():  # what SQLAlchemy calls so: the database knows of none
                self._connection.rollback()
        except BaseException as exc:  # whatever it was, the connection is not kept
            self._use.__exit__(type(exc), exc, exc.__traceback__)
            raise
        self._use.__exit__(kind, error, trace)
        if isinstance(error, sa.exc.DBAPIError):
            _tell(error, committing=self._writes and _cut_off(error), writes=self._writes)


_ENDED = "The transaction was ended inside its unit of work, by commit() or rollback() of a handler; leave that to the engine."


class _Writing:
    """SQLite's transaction for writing, on the driver's own terms: SQLAlchemy's way costs as much as a statement. What goes through SQLAlchemy is in it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._raw: Any = connection.connection.dbapi_connection

    def __enter__(self) -> None:
        _on_driver(self._connection, lambda: self._raw.execute("BEGIN IMMEDIATE"))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is None:
                if not self._raw.in_transaction:
                    raise sa.exc.InvalidRequestError(_ENDED)
                _on_driver(self._connection, self._commit)
        finally:
            if self._raw.in_transaction:
                self._raw.rollback()
            if self._connection.in_transaction():  # SQLAlchemy believes that it began one
                self._connection.rollback()

    def _commit(self) -> None:
        self._connection.dispatch.commit(self._connection)  # whoever listens to SQLAlchemy's transactions hears of these, too
        self._raw.commit()


def _in_utc(connection: Any, _record: Any) -> None:
    """So that PostgreSQL can tell every moment that it holds: east of UTC the last hours of the year 9999 lie beyond what Python's calendar has."""
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    raw: Any = connection.connection.dbapi_connection
    if not options.get("flowledger_begin", True):
        if options.get("flowledger_write") and not raw.in_transaction:
            raise sa.exc.InvalidRequestError(_ENDED)
        return
    begin = "BEGIN IMMEDIATE" if options.get("flowledger_write", True) else "BEGIN"
    _on_driver(connection, lambda: raw.execute(begin))  # SQLAlchemy's own way costs more than the statement


def _on_driver(connection: Connection, act: Callable[[], object]) -> None:
    """Do something with the driver itself. Raises what SQLAlchemy makes of its error."""
    errors = connection.dialect.loaded_dbapi.Error
    try:
        act()
    except errors as exc:
        raise sa.exc.DBAPIError.instance(None, None, exc, errors, dialect=connection.dialect) from exc
