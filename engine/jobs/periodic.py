"""Periodic work: a job for each task of the engine's own and of packs, which comes again at its next time in the transaction that ends it.

What was missed while nobody was there is done once. Work that fails is tried again like any job; after the last attempt it stands among the failed jobs
until an operator tries it again or throws it away, and then goes on at its times.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta

from sqlalchemy.engine import Connection

from engine.application.idempotency import REMEMBERED
from engine.model import schedule
from engine.model.foreign import FOREIGN
from engine.model.values import iso
from engine.plugins import PeriodicContext, PeriodicTask
from engine.ports import Due, UnitOfWork
from engine.store.answers import SqlAnswers
from engine.store.people import SqlAccounts, SqlDrafts
from engine.store.work import SqlWaiting

log = logging.getLogger("flowledger.jobs")

ATTEMPTS = 8
BACKOFF = ("PT1M", "PT10M", "PT1H")
ELSEWHERE = timedelta(minutes=5)


def ensure(uow: UnitOfWork, tasks: Iterable[PeriodicTask]) -> int:
    """Jobs for tasks that have none, or one of another schedule, or one from before the clock was set back. How many."""
    made = 0
    for task in tasks:
        known, plan = uow.jobs.get(_job_id(task.name)), schedule.upcoming(task.schedule, uow.now)
        late = known is not None and known.state == "due" and not known.attempts and known.due_at > plan.due
        if known is None or late or known.parameters.get("schedule") != task.schedule:
            uow.jobs.add(_job(task, plan))
            made += 1
    return made


def run_inside(uow: UnitOfWork, task: PeriodicTask, due: Due) -> None:
    """The work and the job's next time commit together."""
    if go_on(uow, task, due):
        with FOREIGN:
            task.run(PeriodicContext(uow.now, due.id, due.attempts + 1, uow.connection))


def outside(uow: UnitOfWork, task: PeriodicTask, due: Due) -> Callable[[], object]:
    """The work of a task that is not transactional."""
    context = PeriodicContext(uow.now, due.id, due.attempts + 1, None)
    return lambda: task.run(context)


def go_on(uow: UnitOfWork, task: PeriodicTask, due: Due) -> bool:
    """The job stands at its next time. False: somebody else was first."""
    if not uow.jobs.remove(due.id, due.due_at):
        return False
    plan = schedule.following(str(due.parameters["text"]), None, due.planned, uow.now)
    if plan is not None:
        uow.jobs.add(_job(task, plan))
    return True


def leave(uow: UnitOfWork, due: Due) -> None:
    """Another node knows this work, or one that will be started: it is not for us to let it fail."""
    log.warning("periodic work %s is not known to this process; left to others", due.handler)
    uow.jobs.postpone(due.id, due.attempts, uow.now + ELSEWHERE, "")


def _job(task: PeriodicTask, plan: schedule.Plan) -> Due:
    parameters = {"schedule": task.schedule, "text": plan.text, "planned": iso(plan.due)}
    return Due(_job_id(task.name), "periodic", None, None, "", task.name, parameters, plan.due, 0, ATTEMPTS, BACKOFF)


def _job_id(name: str) -> str:
    return f"periodic-{name}"


# --- the engine's own ---------------------------------------------------------------------------------------------------------
def _tidy(context: PeriodicContext) -> None:
    """Drop what nobody can use any more: messages that were kept long enough, sessions that are over, answers to requests of a month ago, drafts of
    tasks that have ended.
    """
    connection: Connection = context.connection
    SqlWaiting(connection).forget_expired(context.now)
    SqlAccounts(connection).forget_sessions(context.now)
    SqlAnswers(connection).forget(context.now - REMEMBERED)
    SqlDrafts(connection).forget_ended()


OWN = (PeriodicTask("flowledger.tidy", "R/PT1H", _tidy),)
