"""Starts by timers: a job for each timer start event of the newest version, which stands at its next time in the transaction that starts an instance.

A start that fails for good does not stop its cycle: it is left behind as a job of its own (kind `missed`), which an operator tries again or throws
away. When so many are left that nobody seems to look, the cycle waits at the next one that fails.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engine.application import definitions, instances
from engine.application.services import Services
from engine.model import schedule
from engine.model.actors import SYSTEM
from engine.model.values import iso
from engine.ports import Due, UnitOfWork

LEFT_BEHIND = 20  # of one start event


def start(uow: UnitOfWork, services: Services, due: Due) -> None:
    """The instance, and the cycle's next time."""
    definition = services.library.definition(uow.definitions, str(due.parameters["definition"]))
    newest = uow.definitions.latest_id(definition.process_id)
    # The next time of a cycle is planned in the moment in which somebody suspends the version or deploys another one, who may not see it.
    if newest is not None and newest[0] != definition.id:
        uow.jobs.remove(due.id)
    elif newest is not None and newest[1]:
        uow.jobs.suspend_starts(definition.id)
    elif _go_on(uow, due):
        instances.begin(uow, services, definition, {}, SYSTEM, start_element=due.element_id)


def make_up(uow: UnitOfWork, services: Services, due: Due) -> None:
    """A start that was left behind; its cycle has gone on. Of its own version, also when there is a newer one; not while that is suspended."""
    definition = services.library.definition(uow.definitions, str(due.parameters["definition"]))
    if uow.definitions.is_suspended(definition.id):
        uow.jobs.suspend_starts(definition.id)
    elif uow.jobs.remove(due.id):
        instances.begin(uow, services, definition, {}, SYSTEM, start_element=due.element_id)


def leave_behind(uow: UnitOfWork, due: Due, attempts: int, stack: str) -> None:
    """It has failed for good, and its job stands so: the cycle goes on without it, if there is one."""
    definition_id = str(due.parameters["definition"])
    if _following(due, uow.now) is None or uow.jobs.left_behind(definition_id, due.element_id) >= LEFT_BEHIND or not _go_on(uow, due):
        return
    left = replace(due, id=f"{due.id}-{iso(due.planned)}", kind="missed", due_at=due.planned, attempts=attempts, state="failed")
    uow.jobs.add(left)
    uow.jobs.postpone(left.id, attempts, None, stack)


def _go_on(uow: UnitOfWork, due: Due) -> bool:
    """False: somebody else was first; the next time of a cycle has the same id."""
    if not uow.jobs.remove(due.id, due.due_at):
        return False
    plan = _following(due, uow.now)
    if plan is not None:
        uow.jobs.add(definitions.start_job(str(due.parameters["definition"]), due.element_id, plan))
    return True


def _following(due: Due, now: datetime) -> schedule.Plan | None:
    left = due.parameters["left"]
    return schedule.following(str(due.parameters["schedule"]), int(str(left)) if left is not None else None, due.planned, now)
