"""Suspending and resuming instances and definitions.

A suspended instance takes no completions; its jobs and timers wait, and so does what others send it. A suspended definition starts nothing.
Nothing is lost: what came meanwhile is a job that waits (state `suspended`) and runs after resuming.
"""

from __future__ import annotations

from engine.application.advance import advance, head_of
from engine.application.interventions import OPERATE, because
from engine.application.services import Services
from engine.errors import Conflict
from engine.identity import policy
from engine.model import commands as cmd
from engine.model import inputs as inp
from engine.model.actors import Actor
from engine.model.views import InstanceRef
from engine.ports import UnitOfWork


def suspend(uow: UnitOfWork, services: Services, command: cmd.Suspend, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Raises NotAllowed, NotFound, InstanceNotActive, InstanceSuspended."""
    policy.require(actor, OPERATE)
    input = inp.SuspendInstance(because(services, command.reason))
    return advance(uow, services, head_of(uow, command.instance_id), input, actor, request_id)


def resume(uow: UnitOfWork, services: Services, command: cmd.Resume, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Raises NotAllowed, NotFound, InstanceNotActive, Conflict."""
    policy.require(actor, OPERATE)
    input = inp.ResumeInstance(because(services, command.reason))
    head = head_of(uow, command.instance_id, active=False)
    if head.state != "suspended":
        head_of(uow, command.instance_id)  # ended: says so
        raise Conflict(f"Instance {head.instance_id} is not suspended.")
    done = advance(uow, services, head, input, actor, request_id)
    uow.due_now()
    return done


def suspend_definition(uow: UnitOfWork, services: Services, command: cmd.SuspendDefinition, actor: Actor, request_id: str | None = None) -> None:
    """Of this version; its running instances go on. Raises NotAllowed, NotFound, Conflict."""
    _turn(uow, services, command.definition_id, actor, command.reason, suspended=True)
    uow.jobs.suspend_starts(command.definition_id)


def resume_definition(uow: UnitOfWork, services: Services, command: cmd.ResumeDefinition, actor: Actor, request_id: str | None = None) -> None:
    """Raises NotAllowed, NotFound, Conflict."""
    _turn(uow, services, command.definition_id, actor, command.reason, suspended=False)
    uow.jobs.resume_starts(command.definition_id)
    uow.due_now()


def _turn(uow: UnitOfWork, services: Services, definition_id: str, actor: Actor, reason: str, *, suspended: bool) -> None:
    policy.require(actor, OPERATE)
    reason = because(services, reason)
    services.library.definition(uow.definitions, definition_id)
    if not uow.definitions.set_suspended(definition_id, suspended, actor.id, reason, uow.now):
        raise Conflict(f"{definition_id} is {'suspended already' if suspended else 'not suspended'}.")
