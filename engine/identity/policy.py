"""The one policy: may this actor do this to this object? Every command and every query asks here; nobody else decides.

Roles: `staff` works on tasks of their groups; `process_owner` deploys and sees all instances of processes; `auditor` sees everything and
changes nothing; `operator` mends instances; `administrator` manages accounts and may do what an operator may; `monitor` is a program that reads figures and nothing else. `system` is the engine itself.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import NotAllowed
from engine.model.actors import Actor
from engine.model.views import TaskRow, UserRow

GRANTS: dict[str, frozenset[str]] = {
    "process.deploy": frozenset({"process_owner", "administrator"}),
    "process.read": frozenset({"staff", "process_owner", "auditor", "operator", "administrator"}),
    "process.start": frozenset({"staff", "process_owner", "operator", "administrator"}),
    "model.draft": frozenset({"process_owner", "administrator"}),
    "message.publish": frozenset({"process_owner", "operator", "administrator"}),
    "instance.read_all": frozenset({"process_owner", "auditor", "operator", "administrator"}),
    "instance.operate": frozenset({"operator", "administrator"}),
    "history.read": frozenset({"process_owner", "auditor", "operator", "administrator"}),
    "history.verify": frozenset({"process_owner", "auditor", "operator", "administrator"}),
    "task.work": frozenset({"staff"}),
    "task.read_all": frozenset({"process_owner", "auditor", "operator", "administrator"}),
    "task.reassign": frozenset({"operator", "administrator"}),
    "note.write": frozenset({"staff", "process_owner", "operator", "administrator"}),
    "account.manage": frozenset({"administrator"}),
    "account.read": frozenset({"administrator", "auditor"}),
    "account.own": frozenset({"staff", "process_owner", "auditor", "operator", "administrator", "monitor"}),
    "data.import": frozenset({"staff", "operator", "administrator"}),
    "incident.read": frozenset({"process_owner", "auditor", "operator", "administrator"}),
    "metrics.read": frozenset({"monitor", "operator", "administrator"}),
}


def actor_of(user: UserRow) -> Actor:
    """Who the account is when something is asked or done in its name."""
    return Actor(user.id, user.name, frozenset(user.groups), frozenset(user.roles))


def allows(actor: Actor, action: str) -> bool:
    """Has the actor a role that grants the action? An unknown action is granted to nobody but the system."""
    return "system" in actor.roles or bool(GRANTS.get(action, frozenset()) & actor.roles)


def require(actor: Actor, action: str) -> None:
    """Raises NotAllowed."""
    if not allows(actor, action):
        raise NotAllowed(actor=actor.name or actor.id, action=action)


def may_work_on(actor: Actor, task: TaskRow) -> bool:
    """May the actor claim or complete the task: it is theirs, or unclaimed and offered to them; never when excluded (four eyes)."""
    if "system" in actor.roles:
        return True
    if not allows(actor, "task.work") or actor.id in task.excluded_users:
        return False
    if task.assignee is not None:
        return task.assignee == actor.id
    return is_candidate(actor, task)


def is_candidate(actor: Actor, task: TaskRow) -> bool:
    """Is the task offered to the actor? A task that is offered to nobody in particular is offered to everybody."""
    offered = bool(task.candidate_groups or task.candidate_users)
    return not offered or actor.id in task.candidate_users or bool(actor.groups & set(task.candidate_groups))


def require_work(actor: Actor, task: TaskRow) -> None:
    """Raises NotAllowed."""
    if not may_work_on(actor, task):
        raise NotAllowed(actor=actor.name or actor.id, action=f"task {task.name or task.element_id}")


def require_sight(actor: Actor, started_by: str, took_part: Callable[[], bool]) -> None:
    """Staff see, and write on, instances that they started, took part in, or are offered work of; others by role. Raises NotAllowed."""
    if not (allows(actor, "instance.read_all") or started_by == actor.id or took_part()):
        raise NotAllowed(actor=actor.name or actor.id, action="instance.read")
