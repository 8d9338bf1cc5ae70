"""What becomes of a job whose attempt failed: counted and tried again, or after the last attempt an incident of its element.

A job whose failure could not be written down would be due for ever, and everybody due after it would wait. So when that fails, whatever the reason,
a second unit of work puts only the job's own row off, with words that every database holds.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from engine.application import bulk
from engine.application.advance import advance
from engine.application.services import Services
from engine.errors import ConcurrentChange, ExecutionError, InstanceNotAvailable, JobUnreadable, NotAvailable, Refusal
from engine.jobs import lease, starts
from engine.jobs.setback import next_attempt
from engine.model import inputs as inp
from engine.model.actors import SYSTEM
from engine.model.foreign import storable, told
from engine.ports import OF_ELEMENTS, Due, UnitOfWork

log = logging.getLogger("flowledger.jobs")

STACK = 20_000  # characters at its end that are kept


def passes(exc: Exception) -> bool:
    """Is there nothing wrong with the job, so that it only waits? What hinders one instance alone may do so for ever, and counts as an attempt."""
    return isinstance(exc, ConcurrentChange | NotAvailable) and not isinstance(exc, InstanceNotAvailable)


class Failures:
    """Writes down failed attempts of one worker, each in a unit of work of its own."""

    def __init__(self, transact: Callable[[Callable[[UnitOfWork], Any]], Any], services: Services, owner: str) -> None:
        self._transact = transact
        self._services = services
        self._owner = owner

    def tell(self, due: Due, exc: Exception, *, leased: bool = False) -> None:
        """`due`: the job as it was picked. `leased`: it ran outside of any transaction. Raises what passes: it is due as before."""
        try:
            self._transact(lambda uow: self._record(uow, due, exc, leased=leased))
        except Exception as why:  # whatever it is: the job would be due for ever
            if passes(why):
                raise
            log.exception("the failure of job %s cannot be recorded", due.id)
            usual, words = replace(due, backoff=()), _unrecorded(exc, why)  # its own waits may be what cannot be read
            self._transact(lambda uow: self._put_off(uow, usual, exc, words, leased=leased))

    def set_aside(self, damaged: JobUnreadable) -> None:
        """A job whose row cannot be read fails at once, unread."""
        log.error("job %s cannot be read; set aside", damaged.data["id"])
        self._transact(lambda uow: uow.jobs.postpone(str(damaged.data["id"]), 0, None, str(damaged)))

    def _record(self, uow: UnitOfWork, due: Due, exc: Exception, *, leased: bool) -> None:
        if due.kind == "bulk" and isinstance(exc, Refusal):  # of an item: its answer, and no failure of the job
            bulk.refuse(uow, self._services, due, exc)
            return
        head = uow.instances.head(due.instance_id, lock=True) if due.instance_id else None
        stack = storable("".join(traceback.format_exception(exc))[-STACK:])
        held = self._put_off(uow, due, exc, stack, leased=leased)
        if held is None:
            return
        if due.kind == "bulk":
            bulk.refuse(uow, self._services, due, exc)
        elif due.kind == "start":
            starts.leave_behind(uow, held, due.attempts + 1, stack)
        elif head is not None and head.state == "active" and due.key is not None and due.kind in OF_ELEMENTS:
            cause = storable(exc.cause) if isinstance(exc, ExecutionError) else told(exc)
            advance(uow, self._services, head, inp.FailJob(due.key, held.element_id, cause, tracked=True), SYSTEM)

    def _put_off(self, uow: UnitOfWork, due: Due, exc: Exception, stack: str, *, leased: bool) -> Due | None:
        """One attempt less. The job, when that was its last; None: it is tried again, or this failure does not count."""
        held = uow.jobs.get(due.id)
        # It ended meanwhile, an operator has let it fail, or another worker failed with it since this attempt was rolled back.
        if held is None or held.state == "failed" or held.attempts != due.attempts:
            return None
        if leased and not lease.keep(uow, due.id, self._owner):  # another worker took it over: its attempt decides
            return None
        attempts, suspended = due.attempts + 1, held.state == "suspended"
        last = attempts >= due.retries or isinstance(exc, ExecutionError)
        if suspended or not last:  # of what is suspended the last attempt is made after it was resumed
            uow.jobs.postpone(due.id, min(attempts, due.retries - 1), uow.now if suspended else next_attempt(due, uow.now), stack)
            return None
        uow.jobs.postpone(due.id, attempts, None, stack)
        return held


def _unrecorded(exc: Exception, why: Exception) -> str:
    """The last line is what the list of failed work shows."""
    return storable(f"(not recorded: {type(why).__name__}; the log of the process has the rest)\n{type(exc).__name__}")
