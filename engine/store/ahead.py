"""Carries commands out ahead of their transaction: reads and interprets first, then writes everything in one short transaction.

On SQLite nobody else writes meanwhile only as long as the writing takes; on PostgreSQL a completion is one SELECT and one statement that writes, without
BEGIN, lock and COMMIT. What was read may be another by then. Rows of an instance change only with its next record, and two records of one number clash;
other rows are read once more by SQLite's writer. On PostgreSQL they are not: there a transaction would not have seen a change that was committed after it
read, either. Whatever clashes, or needs a lock, is carried out in a transaction from the beginning, as if nothing had been.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from engine.errors import ConcurrentChange
from engine.ports import Clock, Projection, UnitOfWork, Waker
from engine.store.ahead_connection import AheadConnection, NotAhead
from engine.store.database import Database
from engine.store.foreseen import Foreseen
from engine.store.group_commit import GroupCommit
from engine.store.statements import Work, run, together
from engine.store.unit_of_work import SqlUnitOfWork, run_all

T = TypeVar("T")
STRIPES = 64
TRIES = 2  # in a row that came to nothing: from then on what it is about ...
AGAIN = 64  # ... is tried this seldom
REMEMBERED = 10_000  # instances, or processes that are started


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A command that was carried out and committed."""

    answer: T


@dataclass(frozen=True, slots=True)
class _Prepared:
    answer: Any
    connection: AheadConnection
    after_commit: list[Callable[[], None]]


class Ahead:
    """`group_commit`: through which SQLite writes; None on PostgreSQL. Safe for threads."""

    def __init__(
        self, database: Database, clock: Clock, projections: Sequence[Projection], waker: Waker | None, group_commit: GroupCommit | None
    ) -> None:
        self._database = database
        self._clock = clock
        self._projections = projections
        self._waker = waker
        self._group_commit = group_commit
        self._locks = [Lock() for _ in range(STRIPES)]
        self._failed: OrderedDict[str, int] = OrderedDict()
        self._foreseen = Foreseen()

    def attempt(self, about: str, work: Callable[[UnitOfWork], T], *, one_after_the_other: bool = False) -> Done[T] | None:
        """None: nothing was changed, it has to be done in a transaction. Raises what `work` raises, and why writing failed.

        `about`: an instance, or what is started. `one_after_the_other`: threads of this process that would only clash wait for each other.
        """
        failed = self._failed.get(about, 0)
        if failed >= TRIES:
            self._failed[about] = failed + 1
            if failed % AGAIN:
                return None
        with self._locks[hash(about) % STRIPES] if one_after_the_other else nullcontext():
            try:
                prepared = self._prepare(work)
                if prepared is not None:
                    self._write(prepared)
                    self._foreseen.keep(prepared.connection.writes, prepared.connection.opened)
                    self._failed.pop(about, None)
                    return Done(prepared.answer)
            except ConcurrentChange:  # its execution was spoilt with it: the next one is built from the records
                pass
            self._failed[about] = self._failed.pop(about, 0) + 1
            while len(self._failed) > REMEMBERED:
                self._failed.popitem(last=False)
        return None

    def _prepare(self, work: Callable[[UnitOfWork], Any]) -> _Prepared | None:
        with AheadConnection(self._database, self._foreseen) as connection:
            uow = SqlUnitOfWork(connection, self._clock, self._projections, self._waker)
            try:
                answer = work(uow)
            except NotAhead:
                return None
            except Exception:
                # What was foreseen may be wrong; of what was refused or could not be read somebody may have made another error.
                if (connection.guessed or connection.refused) and not connection.lost:
                    return None
                raise
            if connection.refused or not connection.guarded():
                return None
        return _Prepared(answer, connection, uow.after_commit)

    def _write(self, prepared: _Prepared) -> None:
        """Raises ConcurrentChange."""
        if self._group_commit is not None:
            self._group_commit.run(lambda uow: _checked(uow, prepared))
            return
        work = together(_instance_first(prepared.connection.writes))
        later = prepared.connection.later
        if len(work) == 1 and len(work[0][1]) == 1 and not later:
            with self._database.outside(writes=True) as connection:
                _run(connection, work)
            run_all(prepared.after_commit)
        elif work:
            with self._database.begin(write=True, after_commit=lambda: run_all(prepared.after_commit)) as connection:
                _run(connection, work)
                for tell in later:
                    tell(connection)


def _instance_first(writes: Sequence[Any]) -> Sequence[Any]:
    """As everybody who locks its row does: what waits there does not hold the record's number, which the other one may need.

    The row that moves the head only: what is written of the instance afterwards may look at what is written between.
    """
    number = next((n for n, (compiled, _) in enumerate(writes) if compiled.writes and compiled.writes[0] == "instance"), 0)
    if not number or writes[number][0].writes[1] != "update":
        return writes
    return [writes[number], *writes[:number], *writes[number + 1 :]]


def _checked(uow: Any, prepared: _Prepared) -> None:
    for compiled, values, rows in prepared.connection.seen:
        if run(uow.connection, [(compiled, (values,))]) != rows:
            raise ConcurrentChange
    _run(uow.connection, prepared.connection.writes)
    uow.after_commit += prepared.after_commit


def _run(connection: Connection, work: Work) -> None:
    """PostgreSQL tells whichever clash it meets first; the transaction that follows finds out what it means."""
    try:
        run(connection, work)
    except IntegrityError as exc:
        raise ConcurrentChange from exc
