"""Group commit: units of work that wait for SQLite's one writer share a transaction, hence one flush to disk.

Whoever finds nobody at work leads: it carries out what waits, its own unit of work first, commits once, and tells the others how theirs
ended. So a lone caller pays nothing, and under load threads sleep instead of fighting for the writer and for Python's lock. Each unit of
work has a savepoint of its own: what it refuses is undone alone. Nobody is told anything before the commit. Whoever has waited too long for others
gives up, and is certainly not committed afterwards.

Not for PostgreSQL: its transactions run side by side, and it groups their flushes itself.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum, auto
from typing import Any, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from engine.errors import WriterBusy
from engine.ports import Clock, Projection, UnitOfWork, Waker
from engine.store.database import Database
from engine.store.turn import WAIT_SECONDS
from engine.store.unit_of_work import SqlUnitOfWork, run_all

T = TypeVar("T")
TOGETHER = 32  # units of work in one transaction: bounds what a failing commit takes along, and how long the first one waits


class _Stage(Enum):
    """How far a unit of work has come; changed and read under the guard of its group."""

    WAITS = auto()  # in the queue, or for those before it in a transaction
    RUNS = auto()
    RAN = auto()  # and waits for those after it, for the commit or to be run again
    SAVED = auto()  # its commit has begun
    LEADS = auto()
    GIVEN_UP = auto()
    SPOILS = auto()  # it was given up when it had written


_OVER = (_Stage.GIVEN_UP, _Stage.SPOILS)


class _SpoiltByOne(Exception):
    """What was given up has written in this transaction."""


class _Ticket:
    """One unit of work on its way: waiting, then done with a result or an error."""

    def __init__(self, work: Callable[[UnitOfWork], Any]) -> None:
        self.work = work
        self.stage = _Stage.WAITS
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False
        self._turn = threading.Lock()
        self._turn.acquire()

    def wait(self, seconds: float) -> bool:
        """Until it is done, or it is this one's turn to lead. False: neither came in time."""
        return self._turn.acquire(timeout=seconds)

    def wake(self) -> None:
        """End `wait`."""
        self._turn.release()

    def close(self, error: BaseException | None = None) -> None:
        """It is done; an error that it has already is kept."""
        self.error = self.error or error
        self.done = True


class GroupCommit:
    """Runs units of work of one process on SQLite. Safe for threads; a unit of work must not start another one."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        projections: Sequence[Projection],
        waker: Waker | None = None,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._projections = projections
        self._waker = waker
        self._wait_seconds = wait_seconds
        self._guard = threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        self._led = False

    def run(self, work: Callable[[UnitOfWork], T]) -> T:
        """The result of `work`, committed. Raises what it raised (nothing of it is kept then), or why the commit failed.

        WriterBusy: others took too long. Only the time counts in which the work itself does not run; a commit that has begun is waited for.
        """
        own = _Ticket(work)
        with self._guard:
            follows, self._led = self._led, True
            if follows:
                self._waiting.append(own)
        if follows:
            self._wait(own)
        if not own.done:
            self._lead(own)
        if own.error is not None:
            try:
                raise own.error
            finally:
                del own  # else traceback, frame, ticket and error hold each other until the garbage collector comes
        result: T = own.result
        return result

    def _wait(self, own: _Ticket) -> None:
        while not own.wait(self._wait_seconds):
            with self._guard:
                if own.stage in (_Stage.WAITS, _Stage.RAN):
                    own.stage = _Stage.SPOILS if own.stage is _Stage.RAN and own.error is None else _Stage.GIVEN_UP
                    with suppress(ValueError):  # a leader took it already
                        self._waiting.remove(own)
                    raise WriterBusy

    def _lead(self, own: _Ticket) -> None:
        batch = [own]
        try:
            if not self._attempt(batch, gather=True):
                self._undone(batch)
                for one in batch:
                    self._attempt([one], gather=False)
        finally:
            with self._guard:
                following = self._waiting.popleft() if self._waiting else None
                self._led = following is not None
                if following is not None:
                    following.stage = _Stage.LEADS
            for one in batch:
                if not one.done:  # only when this thread is being torn down
                    one.close(RuntimeError("the thread that committed for others was ended"))
                if one is not own:
                    one.wake()
            if following is not None:
                following.wake()

    def _attempt(self, batch: list[_Ticket], *, gather: bool) -> bool:
        """One transaction. False: something spoilt it before the commit, and it is not known to be the fault of all."""
        committing = False
        actions: list[Callable[[], None]] = []
        try:
            with self._database.begin(write=True, after_commit=lambda: run_all(actions)) as connection:
                if gather:
                    batch += self._take()
                for one in batch:
                    if self._begins(one):
                        self._carry_out(connection, one, actions, alone=len(batch) == 1)
                        with self._guard:
                            one.stage = _Stage.RAN
                self._saves(batch)
                committing = True
        except Exception as exc:  # noqa: BLE001 - whatever it is, it belongs to those who wait for the result
            if len(batch) > 1 and not committing:
                return False
            for one in batch:
                one.close(exc)
        else:
            for one in batch:
                one.close()
        return True

    def _begins(self, one: _Ticket) -> bool:
        """False when it was given up."""
        with self._guard:
            if one.stage in _OVER:
                return False
            one.stage = _Stage.RUNS
            return True

    def _saves(self, batch: Sequence[_Ticket]) -> None:
        """From now on nobody gives up. Raises _SpoiltByOne."""
        with self._guard:
            if any(one.stage is _Stage.SPOILS for one in batch):
                raise _SpoiltByOne
            for one in batch:
                if one.stage is _Stage.RAN:
                    one.stage = _Stage.SAVED

    def _undone(self, batch: Sequence[_Ticket]) -> None:
        """Their transaction was rolled back, each is on its own now."""
        with self._guard:
            for one in batch:
                one.stage = _Stage.GIVEN_UP if one.stage in _OVER else _Stage.WAITS

    def _take(self) -> list[_Ticket]:
        with self._guard:
            return [self._waiting.popleft() for _ in range(min(TOGETHER - 1, len(self._waiting)))]

    def _carry_out(self, connection: Connection, ticket: _Ticket, actions: list[Callable[[], None]], *, alone: bool) -> None:
        """An error of the database that is no mere clash of keys may have ended the transaction: it is raised."""
        uow = SqlUnitOfWork(connection, self._clock, self._projections, self._waker)
        ticket.error = None
        if alone:
            ticket.result = ticket.work(uow)
            actions += uow.after_commit
            return
        raw: Any = connection.connection.dbapi_connection
        raw.execute("SAVEPOINT unit_of_work")
        try:
            ticket.result = ticket.work(uow)
        except Exception as exc:
            if isinstance(exc, DBAPIError) and not isinstance(exc, IntegrityError):
                raise
            raw.execute("ROLLBACK TO unit_of_work")
            ticket.error = exc
        else:
            actions += uow.after_commit
        raw.execute("RELEASE unit_of_work")
