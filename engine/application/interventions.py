"""What operators do to one instance: cancel, change variables, retry, complete and fail by hand, move a token.

Each act needs the right `instance.operate` and a reason, and is a record. What makes sense in the diagram is judged by the interpreter
(`engine.bpmn.interventions`). Suspending is in `engine.application.suspension`, the same act on many in `engine.application.bulk`,
jobs that belong to no element in `engine.application.stuck_jobs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.application import user_tasks
from engine.application.advance import advance, caught_up, head_of, open_head, pure
from engine.application.open_elements import backs_off, own_timer
from engine.application.services import Services
from engine.errors import ElementNotOpen, InvalidInput, LimitExceeded, NoOpenIncident, NotAJob, NotFound, StandsAlready
from engine.identity import policy
from engine.model import commands as cmd
from engine.model import inputs as inp
from engine.model.actors import Actor
from engine.model.values import Json, iso
from engine.model.views import InstanceRef
from engine.model.work_ids import split_work_id
from engine.ports import Head, UnitOfWork

REASON_CHARACTERS = 2000
OPERATE = "instance.operate"


def because(services: Services, reason: str) -> str:
    """The reason in canonical form. Raises InvalidInput when there is none, LimitExceeded for a long one."""
    text = str(pure(services, reason, "reason")).strip()
    if not text:
        raise InvalidInput("Give a reason; it becomes part of the history.")
    if len(text) > REASON_CHARACTERS:
        raise LimitExceeded(what="length of the reason", value=len(text), limit=REASON_CHARACTERS)
    return text


def cancel(uow: UnitOfWork, services: Services, command: cmd.Cancel, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """End an instance, also a suspended one. Raises NotAllowed, NotFound, InstanceNotActive, InvalidInput."""
    policy.require(actor, OPERATE)
    input = inp.CancelInstance(because(services, command.reason))
    return advance(uow, services, open_head(uow, command.instance_id), input, actor, request_id)


def change_variables(uow: UnitOfWork, services: Services, command: cmd.ChangeVariables, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Set variables of the instance scope, also of a suspended one. Raises NotAllowed, NotFound, InvalidInput."""
    policy.require(actor, OPERATE)
    input = inp.SetVariables(_variables(services, command.variables), 0, because(services, command.reason))
    return advance(uow, services, open_head(uow, command.instance_id), input, actor, request_id)


def retry_incident(uow: UnitOfWork, services: Services, command: cmd.RetryIncident, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Try again what stands, or now what waits for its next attempt; a timer not before its time. Raises NotAllowed, NotFound, Conflict, InstanceSuspended."""
    policy.require(actor, OPERATE)
    why, values = because(services, command.reason), _variables(services, command.variables)
    head, key = _work(uow, command.incident_id)
    job = uow.jobs.get(command.incident_id)
    waiting = job is not None and job.state != "failed"
    if job is not None and waiting and not backs_off(job, uow.now):
        raise NoOpenIncident(f"{job.element_id} has no open incident: its job runs by itself.", element=job.element_id)
    due = _still_to_come(uow, services, head, key) if job is not None and job.kind == "timer" else None
    done = advance(uow, services, head, inp.RetryElement(key, values, why, waiting, due), actor, request_id)
    uow.due_now()
    return done


def _still_to_come(uow: UnitOfWork, services: Services, head: Head, key: int) -> str | None:
    """The moment of a timer that an operator had let fail before it. The job does not know it any more."""
    with caught_up(uow, services, head) as execution:
        due = execution.timer_due(key)
    return iso(due) if due is not None and due > uow.now else None


def complete_by_hand(uow: UnitOfWork, services: Services, command: cmd.CompleteByHand, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """A job, a user task (its form's rules hold), a timer or an element that waits for one only (it fires now), or an element whose own work failed.

    Raises NotAllowed, NotFound, Conflict, FormInvalid, InvalidInput, InstanceSuspended.
    """
    policy.require(actor, OPERATE)
    why, values = because(services, command.reason), _variables(services, command.variables)
    head, key = _work(uow, command.work_id)
    job, task = uow.jobs.get(command.work_id), uow.instances.open_task(command.work_id)
    input: inp.Input
    timer = key if job is not None and job.kind == "timer" else None
    if job is None and task is None:
        timer = _own_timer(uow, services, head, key)
    if timer is not None:
        if values:
            raise InvalidInput("A timer has no results; let it fire without variables.")
        input = inp.TriggerTimer(timer, why)
    elif job is not None:
        input = inp.CompleteJob(key, values, why)
    elif task is not None and task[0].state == "open":
        return user_tasks.complete_by_hand(uow, services, replace(command, reason=why), actor, request_id)
    else:
        input = inp.CompleteElement(key, values, why)
    return advance(uow, services, head, input, actor, request_id)


def _own_timer(uow: UnitOfWork, services: Services, head: Head, key: int) -> int | None:
    """What the open element `key` waits for, if that is one timer."""
    with caught_up(uow, services, head) as execution:
        token = next((one for one in execution.open_tokens() if one.key == key), None)
    return own_timer(token) if token is not None else None


def fail_by_hand(uow: UnitOfWork, services: Services, command: cmd.FailByHand, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """As a BPMN error that the diagram catches, or, for jobs, as a failure that stands as an incident. Raises NotAllowed, NotFound, Conflict."""
    policy.require(actor, OPERATE)
    why, values = because(services, command.reason), _variables(services, command.variables)
    head, key = _work(uow, command.work_id)
    if command.code is not None:
        return advance(uow, services, head, inp.ThrowJobError(key, command.code, why, values, why), actor, request_id)
    job = uow.jobs.get(command.work_id)
    if job is None:
        raise NotAJob(id=command.work_id)
    if job.state == "failed":
        raise StandsAlready(element=job.element_id)
    if values:
        raise InvalidInput("A technical failure has no results; leave the variables out.")
    return advance(uow, services, head, inp.FailJob(key, job.element_id, why, tracked=True), actor, request_id)


def move_token(uow: UnitOfWork, services: Services, command: cmd.MoveToken, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Withdraw an open element and begin another one of its scope. Raises NotAllowed, NotFound, Conflict, InvalidInput with the reason."""
    policy.require(actor, OPERATE)
    why, values = because(services, command.reason), _variables(services, command.variables)
    head, key = _work(uow, command.work_id)
    if command.element is not None and open_elements(uow, services, head).get(key) != command.element:
        raise ElementNotOpen(f"{command.element} is not open there (any more).", element=command.element, id=head.instance_id)
    return advance(uow, services, head, inp.MoveToken(key, command.target, values, why), actor, request_id)


def open_elements(uow: UnitOfWork, services: Services, head: Head) -> Mapping[int, str]:
    """Keys of what is open with the elements' ids."""
    with caught_up(uow, services, head) as execution:
        return execution.open_elements()


def _work(uow: UnitOfWork, work_id: str) -> tuple[Head, int]:
    """The instance, locked, and the key. Raises NotFound, InstanceNotActive, InstanceSuspended."""
    parts = split_work_id(work_id)
    if parts is None:
        raise NotFound(kind="open element", id=work_id)
    return head_of(uow, parts[0]), parts[1]


def _variables(services: Services, variables: Mapping[str, Json]) -> dict[str, Json]:
    values = pure(services, dict(variables), "size of the variables")
    assert isinstance(values, dict)
    return values
