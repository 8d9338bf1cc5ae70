"""Named moments at which a process can be made to die, as a power cut would: `os._exit`, no handler, no flush, no goodbye.

`install` puts listeners and wrappers around the engine of this process. The environment says which point, and at which passing of it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from engine.jobs import runner
from engine.jobs.runner import JobRunner
from engine.store.ahead import Ahead
from engine.store.database import Database
from engine.store.group_commit import GroupCommit
from engine.store.history import SqlInstances
from engine.store.unit_of_work import SqlUnitOfWork

ARMED = "FLOWLEDGER_CRASH_POINT"  # name:passing, for instance before-commit:3
#: name -> where it lies
POINTS = {
    "before-commit": "everything is written, COMMIT is not sent",
    "after-commit": "COMMIT has returned, nobody has been answered",
    "after-record": "the record and its projections are written, the transaction goes on",
    "in-snapshot": "a snapshot has been written in the transaction of its record",
    "in-transactional-handler": "a transactional handler has written, its task is not completed",
    "between-lease-and-handler": "the lease of an external task is committed, its handler has not begun",
    "after-handler": "an external handler has done its work, its completion is not committed",
    "before-write": "a command was carried out ahead of its transaction, nothing is written",
    "after-write": "what was carried out ahead is written and committed, nobody has been answered",
    "in-group-commit": "several units of work share a transaction, some are carried out, others wait (SQLite)",
}
ONLY_SQLITE = frozenset({"in-group-commit"})
OF_WORKERS = frozenset({"in-transactional-handler", "between-lease-and-handler", "after-handler"})  # passed where jobs run


class Countdown:
    """The n-th passing of the armed point ends the process. Safe for threads."""

    def __init__(self, armed: str) -> None:
        self.name, _, passing = armed.partition(":")
        self._left = int(passing or "1")
        self._lock = threading.Lock()

    def passes(self, name: str) -> None:
        """Does not return when it is the moment."""
        if name != self.name:
            return
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                os._exit(9)


def install() -> None:
    """Arm what the environment names; does nothing when it names nothing."""
    armed = os.environ.get(ARMED)
    if not armed:
        return
    countdown = Countdown(armed)
    if countdown.name not in POINTS:
        raise ValueError(f"no crash point {countdown.name!r}; there are {', '.join(POINTS)}")
    here = countdown.passes
    # A Connection knows by its options whether it writes; what only reads commits, too, and is of no interest.
    event.listen(Engine, "commit", lambda c: here("before-commit") if c.get_execution_options().get("flowledger_write") else None)
    _after(SqlUnitOfWork, "append", lambda: here("after-record"))
    _after(SqlInstances, "keep_snapshot", lambda: here("in-snapshot"))
    _before(JobRunner, "_outside", lambda *_: here("between-lease-and-handler"))
    _before(JobRunner, "_finish_if_open", lambda *_: here("after-handler"))
    _before(Ahead, "_write", lambda *_: here("before-write"))
    _after(Ahead, "_write", lambda: here("after-write"))
    _commits(here)
    _handlers(here)
    _groups(here)


def _after(cls: type, name: str, then: Callable[[], None]) -> None:
    original = getattr(cls, name)

    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        then()
        return result

    setattr(cls, name, wrapped)


def _before(cls: type, name: str, first: Callable[..., None]) -> None:
    original = getattr(cls, name)

    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        first(*args)
        return original(self, *args, **kwargs)

    setattr(cls, name, wrapped)


def _commits(here: Callable[[str], None]) -> None:
    original = Database.begin

    def begin(self: Database, *, write: bool, after_commit: Callable[[], None] = lambda: None) -> Any:
        def committed() -> None:
            if write:
                here("after-commit")
            after_commit()

        return original(self, write=write, after_commit=committed)

    Database.begin = begin  # type: ignore[method-assign]


def _handlers(here: Callable[[str], None]) -> None:
    original = runner._call

    def call(task: Any, context: Any, due: Any) -> Any:
        result = original(task, context, due)
        if task.transactional:
            here("in-transactional-handler")
        return result

    runner._call = call


def _groups(here: Callable[[str], None]) -> None:
    original = GroupCommit._carry_out

    def carry_out(self: GroupCommit, connection: Any, ticket: Any, actions: Any, *, alone: bool) -> None:
        original(self, connection, ticket, actions, alone=alone)
        if not alone:
            here("in-group-commit")

    GroupCommit._carry_out = carry_out  # type: ignore[method-assign]
