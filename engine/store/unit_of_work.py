"""The unit of work: one write transaction with every port bound to its connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from engine.errors import ConcurrentChange, InstanceNotAvailable, NotAvailable, RequestIdReused
from engine.model.records import Record
from engine.ports import Clock, Head, Projection, Waker
from engine.store.ahead_connection import AheadConnection
from engine.store.answers import SqlAnswers
from engine.store.bulks import SqlBulks
from engine.store.data_stores import SqlDataStores
from engine.store.database import Database
from engine.store.deployments import SqlDefinitions
from engine.store.history import SqlBlobs, SqlInstances, SqlRecords, append
from engine.store.people import SqlAccounts, SqlDrafts
from engine.store.statements import Batch
from engine.store.work import SqlJobs, SqlWaiting

_PORTS: dict[str, Callable[[Any], Any]] = {
    "records": SqlRecords,
    "instances": SqlInstances,
    "definitions": SqlDefinitions,
    "jobs": SqlJobs,
    "waiting": SqlWaiting,
    "bulks": SqlBulks,
    "stores": SqlDataStores,
    "answers": SqlAnswers,
    "drafts": SqlDrafts,
    "accounts": SqlAccounts,
}


class SqlUnitOfWork:
    """Port UnitOfWork. Its ports are made when they are asked for: a command needs two or three of them."""

    records: SqlRecords
    instances: SqlInstances
    definitions: SqlDefinitions
    jobs: SqlJobs
    waiting: SqlWaiting
    bulks: SqlBulks
    stores: SqlDataStores
    answers: SqlAnswers
    blobs: SqlBlobs
    drafts: SqlDrafts
    accounts: SqlAccounts

    def __init__(self, connection: Any, clock: Clock, projections: Sequence[Projection], waker: Waker | None = None) -> None:
        self.connection = connection  # a Connection, or what stands in for it (engine.store.ahead)
        self.now = clock.now()
        self.after_commit: list[Callable[[], None]] = []
        self._projections = projections
        self._waker = waker

    def __getattr__(self, name: str) -> Any:
        """A port that was not asked for before."""
        if name == "blobs":
            port: Any = SqlBlobs(self.connection, self.now)
        elif name in _PORTS:
            port = _PORTS[name](self.connection)
        else:
            raise AttributeError(name)
        setattr(self, name, port)
        return port

    def due_now(self) -> None:
        """Announced once, however much there is."""
        if self._waker is not None:
            if isinstance(self.connection, AheadConnection):
                self.connection.later += [self._waker.announce] if self._waker.elsewhere else []
            else:
                self._waker.announce(self.connection)
            self.after_commit.append(self._waker.wake)
            self._waker = None

    def attempt(self, work: Callable[[], object]) -> Exception | None:
        """In a savepoint. An error of the database that is no clash of keys and no matter of a value concerns the whole transaction."""
        count, waker = len(self.after_commit), self._waker
        try:
            with self.connection.begin_nested():
                work()
        except Exception as exc:  # given back: the caller leaves this part to a job, whatever hinders it
            again = isinstance(exc, ConcurrentChange | NotAvailable) and not isinstance(exc, InstanceNotAvailable)
            if again or (isinstance(exc, DBAPIError) and not isinstance(exc, IntegrityError | DataError)):
                raise
            del self.after_commit[count:]
            self._waker = waker  # what was announced is undone, too
            return exc
        return None

    def append(self, record: Record, head: Head) -> None:
        """The record first: whether it may be written decides about everything else."""
        batch = Batch(self.connection)
        append(batch, record)
        try:
            project(self._projections, batch, record, head)
            batch.flush()
        except IntegrityError as exc:
            cause = str(exc.orig)
            if "record_request_id" in cause or "record.request_id" in cause:  # PostgreSQL names the constraint, SQLite the columns
                raise RequestIdReused(id=record.request_id) from exc
            if "pk_record" in cause or "record.instance_id" in cause:
                raise ConcurrentChange from exc
            raise


def project(projections: Iterable[Projection], batch: Batch, record: Record, head: Head) -> None:
    """Show a record to the projections that it is about, in their order."""
    told = {type(record.input), *map(type, record.events)}
    for projection in projections:
        if projection.about is None or not told.isdisjoint(projection.about):
            projection.apply(batch, record, head)


@contextmanager
def unit_of_work(database: Database, clock: Clock, projections: Sequence[Projection], waker: Waker | None = None) -> Iterator[SqlUnitOfWork]:
    """Commits when the block ends, then runs `after_commit`; rolls back on an exception."""
    actions: list[Callable[[], None]] = []
    with database.begin(write=True, after_commit=lambda: run_all(actions)) as connection:
        uow = SqlUnitOfWork(connection, clock, projections, waker)
        uow.after_commit = actions
        yield uow


def run_all(actions: list[Callable[[], None]]) -> None:
    """What a transaction left to do after its commit, in order."""
    for action in actions:
        action()
