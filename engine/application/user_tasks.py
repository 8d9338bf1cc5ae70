"""User tasks: claim, release, hand over, draft, complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.application.advance import advance, caught_up, pure
from engine.application.services import Services
from engine.errors import FormInvalid, InstanceSuspended, InvalidInput, NotAllowed, NotFound, TaskClaimed, TaskNotOpen
from engine.identity import policy
from engine.model import commands as cmd
from engine.model import inputs as inp
from engine.model.actors import Actor
from engine.model.values import Json
from engine.model.views import InstanceRef, TaskRow
from engine.ports import Form, Head, UnitOfWork


def complete(uow: UnitOfWork, services: Services, command: cmd.Complete, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Finish a task. Raises NotFound, TaskNotOpen, NotAllowed, InstanceSuspended, FormInvalid, LimitExceeded."""
    task, head = _open(uow, services, command.task_id)
    policy.require_work(actor, _with_excluded(uow, task))
    if head.state == "suspended":
        raise InstanceSuspended(id=head.instance_id)
    return _finish(uow, services, task, head, command.values, actor, request_id)


def complete_by_hand(uow: UnitOfWork, services: Services, command: cmd.CompleteByHand, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """An operator finishes a task in the place of whose it is; the form's rules and the four eyes hold for them, too."""
    task, head = _open(uow, services, command.work_id)
    if actor.id in _with_excluded(uow, task).excluded_users:
        raise NotAllowed(actor=actor.name or actor.id, action=f"task {task.name or task.element_id}")
    return _finish(uow, services, task, head, command.variables, actor, request_id, command.reason)


def _finish(
    uow: UnitOfWork,
    services: Services,
    task: TaskRow,
    head: Head,
    given: Mapping[str, Json],
    actor: Actor,
    request_id: str | None,
    reason: str = "",
) -> InstanceRef:
    values = pure(services, dict(given), "size of the form")
    definition = services.library.definition(uow.definitions, head.definition_id)
    form = services.library.form(uow.definitions, definition, task.form_key)
    if form is not None:
        decoded = form.check(values, _shown(uow, services, head, task, form))
        if decoded.errors:
            raise FormInvalid(decoded.errors)
        values = dict(decoded.values)
        _require_attached(uow, head, form, values)
        uow.drafts.drop_forms(head.instance_id, task.key)
    return advance(uow, services, head, inp.CompleteUserTask(task.key, values, reason), actor, request_id)


def claim(uow: UnitOfWork, services: Services, command: cmd.Claim, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Take a task that is offered to the actor. Raises NotFound, TaskNotOpen, TaskClaimed, NotAllowed."""
    task, head = _open(uow, services, command.task_id)
    if task.assignee is not None and task.assignee != actor.id:
        raise TaskClaimed(id=task.id, assignee=task.assignee)
    policy.require_work(actor, _with_excluded(uow, task))
    return advance(uow, services, head, inp.AssignUserTask(task.key, actor.id), actor, request_id)


def release(uow: UnitOfWork, services: Services, command: cmd.Release, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Give a claimed task back to those whom it is offered to. Raises NotFound, TaskNotOpen, NotAllowed."""
    task, head = _open(uow, services, command.task_id)
    _own(task, actor)
    if not (task.candidate_groups or task.candidate_users):
        raise InvalidInput("Nobody else could take this task; hand it over instead.")
    return advance(uow, services, head, inp.AssignUserTask(task.key, None), actor, request_id)


def hand_over(uow: UnitOfWork, services: Services, command: cmd.HandOver, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Pass a task on; the receiver must be an active user who may work on it. Raises NotFound, TaskNotOpen, NotAllowed."""
    task, head = _open(uow, services, command.task_id)
    if task.assignee is None and not policy.allows(actor, "task.reassign"):
        policy.require_work(actor, _with_excluded(uow, task))
    else:
        _own(task, actor)
    receiver = uow.accounts.get(command.assignee)
    if receiver is None or not receiver.active:
        raise NotFound(kind="user", id=command.assignee)
    policy.require_work(policy.actor_of(receiver), replace(_with_excluded(uow, task), assignee=None))
    input = inp.AssignUserTask(task.key, receiver.id, pure(services, command.reason, "reason"))
    return advance(uow, services, head, input, actor, request_id)


def save_draft(uow: UnitOfWork, services: Services, command: cmd.SaveDraft, actor: Actor, request_id: str | None = None) -> None:
    """Keep what was typed; not validated, not part of the history. Raises NotFound, TaskNotOpen, NotAllowed."""
    task, head = _open(uow, services, command.task_id)
    policy.require_work(actor, task)
    uow.drafts.save_form(head.instance_id, task.key, actor.id, pure(services, dict(command.values), "size of the draft"), uow.now)


def _shown(uow: UnitOfWork, services: Services, head: Head, task: TaskRow, form: Form) -> dict[str, Json]:
    """Present values of the form's fields: read-only columns come from there, and what is left empty now is cleared."""
    with caught_up(uow, services, head) as execution:
        visible = execution.variables(task.key)
    return {name: visible[name] for name in form.fields() if name in visible}


def _require_attached(uow: UnitOfWork, head: Head, form: Form, values: Mapping[str, Json]) -> None:
    """A file field may only name what was attached to this instance: a known hash is no right to another's file."""
    named = set(form.attachments(values))
    missing = named - uow.instances.attached(head.instance_id) if named else named
    if missing:
        raise InvalidInput(f"File {min(missing)[:12]} is not attached to this instance; attach it first, then name it in the form.")


def _open(uow: UnitOfWork, services: Services, task_id: str) -> tuple[TaskRow, Head]:
    found = uow.instances.open_task(task_id, at=services.live.at(task_id.rpartition("-")[0]))
    if found is None:
        raise NotFound(kind="user task", id=task_id)
    task, head = found
    if task.state != "open":
        raise TaskNotOpen(id=task_id, state=task.state)
    return task, head


def _with_excluded(uow: UnitOfWork, task: TaskRow) -> TaskRow:
    """Four eyes as of now: who completed one of the excluded elements, also after this task was created."""
    if not task.excludes:
        return task
    done = uow.instances.completers(task.instance_id, task.excludes)
    return replace(task, excluded_users=tuple(sorted(done | set(task.excluded_users))))


def _own(task: TaskRow, actor: Actor) -> None:
    if task.assignee != actor.id and not policy.allows(actor, "task.reassign"):
        raise NotAllowed(actor=actor.name or actor.id, action=f"task {task.name or task.element_id}")
