"""The same act on many instances: a row with its items; one job carries out item after item and can stop and go on anywhere.

Each item is a unit of work of its own: the act, the item's end and the job's next turn commit together, so a crash neither repeats nor skips
one. A refusal is the item's answer, with its reason. Between two items other due work has its turn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from engine.application import interventions, migration, suspension
from engine.application.advance import execution_at, head_of, pure
from engine.application.interventions import OPERATE, because
from engine.application.services import Services
from engine.errors import (
    Conflict,
    ElementNotOpen,
    FlowledgerError,
    FormInvalid,
    InvalidInput,
    LimitExceeded,
    MigrationNotUndone,
    NoOpenIncident,
    NotAllowed,
    NotFound,
)
from engine.identity import policy
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.model.foreign import storable, text_of, told
from engine.model.migration import Migrate, UndoMigration
from engine.model.values import Json, key_text
from engine.model.views import BulkRow
from engine.ports import Due, UnitOfWork

MOST = 200_000
FIELDS = 10
"""So many fields of an invalid form are told with a refusal."""


def start(uow: UnitOfWork, services: Services, command: cmd.StartBulk, actor: Actor, request_id: str | None = None) -> BulkRow:
    """Write the items down. Raises NotAllowed, InvalidInput, NotFound, LimitExceeded."""
    policy.require(actor, OPERATE)
    reason = because(services, command.reason)
    parameters = _parameters(services, command)
    if command.act == "migrate":
        services.library.definition(uow.definitions, str(command.target))
    if command.operation is not None:
        parameters |= _migrated(uow, command)
    found = [one for one in _targets(uow, services, command) if one]
    if not found:
        raise InvalidInput("Nothing was chosen that this could be done to.")
    if len(found) > MOST:
        raise LimitExceeded(what="number of items", value=len(found), limit=MOST)
    row = BulkRow(services.identifiers.new(), command.act, reason, parameters, actor.id, uow.now, "running", len(found))
    uow.bulks.add(row, found)
    _queue(uow, services, row.id)
    return row


def _targets(uow: UnitOfWork, services: Services, command: cmd.StartBulk) -> Iterable[str]:
    """What is named or fits, each once."""
    if command.operation is not None:
        return uow.bulks.done(command.operation, MOST + 1)
    if command.everything:
        if command.definition_id is None:
            raise InvalidInput("Name the definition whose instances are meant.")
        services.library.definition(uow.definitions, command.definition_id)
        return uow.bulks.fitting(command.act, command.definition_id, command.element, MOST + 1)
    return dict.fromkeys(key_text(one.strip(), "a target", 128) for one in command.targets)


def _migrated(uow: UnitOfWork, command: cmd.StartBulk) -> dict[str, Json]:
    """What an operation did whose migrations are to be taken back. Raises NotFound, InvalidInput, Conflict while it runs."""
    row = _get(uow, str(command.operation))
    if command.act != "undo" or row.act != "migrate":
        raise InvalidInput("Only a migration of many can be taken back.")
    if row.state == "running":
        raise Conflict("The operation is running. Stop it, or wait until it has ended.")
    return {"operation": row.id, "target": row.parameters["target"]}


def _parameters(services: Services, command: cmd.StartBulk) -> dict[str, Json]:
    if command.act not in ACTS:
        raise InvalidInput(f"The act is one of {', '.join(ACTS)}.")
    if command.act == "change" and not command.variables:
        raise InvalidInput("Name the variables to change.")
    if command.act == "move" and not (command.element and command.target):
        raise InvalidInput("Name the element that is left and the one that is entered.")
    if command.act == "migrate" and not command.target:
        raise InvalidInput("Name the version to migrate to.")
    if command.act in BY_HAND and not command.element and (command.everything or not all("-" in one for one in command.targets)):
        raise InvalidInput("Name the element that is meant in each instance.")
    if command.act == "fail" and command.variables and not command.code:
        raise InvalidInput("A technical failure has no results; leave the variables out, or give an error code.")
    plan = migration.checked_plan(services, command.plan) if command.plan is not None else None
    given = {"variables": dict(command.variables), "element": command.element, "target": command.target, "code": command.code}
    found = {k: v for k, v in dict(pure(services, given, "size of the variables")).items() if v}
    return found if plan is None else found | {"plan": plan}


def stop(uow: UnitOfWork, services: Services, command: cmd.StopBulk, actor: Actor, request_id: str | None = None) -> BulkRow:
    """Leave the rest undone. Raises NotAllowed, NotFound, Conflict."""
    policy.require(actor, OPERATE)
    uow.jobs.remove(_job_id(command.bulk_id))  # first: a running step holds it
    row = _get(uow, command.bulk_id)
    if row.state != "running":
        raise Conflict("The operation has ended already.")
    uow.bulks.end(row.id, "stopped", uow.now)
    return _get(uow, command.bulk_id)


def step(uow: UnitOfWork, services: Services, due: Due) -> None:
    """Carry out the next item. Raises what its command refuses; `refuse` notes that in a unit of work of its own."""
    if not uow.jobs.remove(due.id):  # another node was first
        return
    row = _get(uow, str(due.parameters["bulk"]))
    item = uow.bulks.next_item(row.id) if row.state == "running" else None
    if item is not None:
        try:
            ACTS[row.act](uow, services, item[1], row, _actor(uow, row))
        except BaseException:  # of several acts in one instance: the execution may stand at a record of theirs that is not written now
            services.live.take(item[1].partition("-")[0])
            raise
        uow.bulks.settle(row.id, item[0], None, uow.now)
    _go_on(uow, services, row)


def refuse(uow: UnitOfWork, services: Services, due: Due, exc: Exception) -> None:
    """The present item could not be done."""
    if not uow.jobs.remove(due.id):
        return
    row = _get(uow, str(due.parameters["bulk"]))
    item = uow.bulks.next_item(row.id) if row.state == "running" else None
    if item is not None:
        uow.bulks.settle(row.id, item[0], _answer(exc), uow.now)
    _go_on(uow, services, row)


def _answer(exc: Exception) -> dict[str, Json]:
    known = isinstance(exc, FlowledgerError)
    kind = exc.message_id if isinstance(exc, FlowledgerError) else type(exc).__name__
    data = {str(k): storable(str(v)) for k, v in exc.data.items()} if isinstance(exc, FlowledgerError) else {}
    text = text_of(exc) if known else told(exc)
    if isinstance(exc, FormInvalid):  # what is wrong with which field
        data["errors"] = json.dumps([[e.pointer, e.message_id, e.params, e.message] for e in exc.errors[:FIELDS]], default=str)
        text += storable("".join(f" {e.pointer}: {e.message}" for e in exc.errors[:FIELDS]))
    return {"kind": kind, "text": text[:2000], "data": data}


def _go_on(uow: UnitOfWork, services: Services, row: BulkRow) -> None:
    if row.state != "running":
        return
    if uow.bulks.next_item(row.id) is None:
        uow.bulks.end(row.id, "finished", uow.now)
    else:
        _queue(uow, services, row.id)


def _queue(uow: UnitOfWork, services: Services, bulk_id: str) -> None:
    uow.jobs.add(Due(_job_id(bulk_id), "bulk", None, None, "", None, {"bulk": bulk_id}, uow.now))
    uow.due_now()


def _job_id(bulk_id: str) -> str:
    return f"bulk-{bulk_id}"


def _get(uow: UnitOfWork, bulk_id: str) -> BulkRow:
    row = uow.bulks.get(bulk_id)
    if row is None:
        raise NotFound(kind="bulk operation", id=bulk_id)
    return row


def _actor(uow: UnitOfWork, row: BulkRow) -> Actor:
    """Who ordered it, with the rights that they have now."""
    if row.created_by == SYSTEM.id:
        return SYSTEM
    user = uow.accounts.get(row.created_by)
    if user is None or not user.active:
        raise NotAllowed(actor=row.created_by, action=OPERATE)
    return policy.actor_of(user)


# --- acts: what is done to one target ---------------------------------------------------------------------------------------
Act = Callable[[UnitOfWork, Services, str, BulkRow, Actor], object]
BY_HAND = ("complete", "fail")


def _retry(uow: UnitOfWork, services: Services, target: str, row: BulkRow, actor: Actor) -> None:
    """One incident, or all open ones of an instance."""
    incidents = [target] if "-" in target else uow.bulks.incidents(target)
    if not incidents:
        raise NoOpenIncident(element=f"Instance {target}")
    for one in incidents:
        interventions.retry_incident(uow, services, cmd.RetryIncident(one, row.reason, row.variables), actor)


def _move(uow: UnitOfWork, services: Services, target: str, row: BulkRow, actor: Actor) -> None:
    goal = str(row.parameters["target"])
    for key in _occurrences(uow, services, target, row):
        interventions.move_token(uow, services, cmd.MoveToken(f"{target}-{key}", goal, row.reason, row.variables), actor)


def _complete(uow: UnitOfWork, services: Services, target: str, row: BulkRow, actor: Actor) -> None:
    def act(work: str) -> object:
        return interventions.complete_by_hand(uow, services, cmd.CompleteByHand(work, row.reason, row.variables), actor)

    _by_hand(uow, services, target, row, act)


def _fail(uow: UnitOfWork, services: Services, target: str, row: BulkRow, actor: Actor) -> None:
    code = str(row.parameters.get("code") or "") or None

    def act(work: str) -> object:
        return interventions.fail_by_hand(uow, services, cmd.FailByHand(work, row.reason, code, row.variables), actor)

    _by_hand(uow, services, target, row, act)


def _by_hand(uow: UnitOfWork, services: Services, target: str, row: BulkRow, act: Callable[[str], object]) -> None:
    """To the work that the target names, or to every open occurrence of the element in the instance that it names. All of them or none."""
    if "-" in target:
        act(target)
        return
    for number, key in enumerate(_occurrences(uow, services, target, row)):
        if number == 0 or _still_open(uow, services, target, key):
            act(f"{target}-{key}")


def _occurrences(uow: UnitOfWork, services: Services, instance_id: str, row: BulkRow) -> list[int]:
    """Keys at which the element that is meant is open. Raises ElementNotOpen."""
    element = str(row.parameters["element"])
    keys = [key for key, one in interventions.open_elements(uow, services, head_of(uow, instance_id)).items() if one == element]
    if not keys:
        raise ElementNotOpen(element=element, id=instance_id)
    return keys


def _still_open(uow: UnitOfWork, services: Services, instance_id: str, key: int) -> bool:
    """The act on an earlier one may have taken it away: iterations that are left, what an error interrupts, the whole instance."""
    head = head_of(uow, instance_id, active=False)
    # The execution is not put back: it stands at a record that is not committed.
    return head.state == "active" and key in execution_at(uow, services, head).open_elements()


def _undo(uow: UnitOfWork, services: Services, target: str, row: BulkRow, actor: Actor) -> None:
    """Of an instance that runs under another version than the one meant, another migration would be taken back."""
    version = row.parameters.get("target")
    if version is not None and head_of(uow, target, active=False).definition_id != version:
        raise MigrationNotUndone(id=target)
    migration.undo(uow, services, UndoMigration(target, row.reason), actor)


def _migrate(uow: UnitOfWork, services: Services, target: str, row: BulkRow, actor: Actor) -> None:
    plan = row.parameters.get("plan")
    mapping = {str(key): str(value) for key, value in plan.items()} if isinstance(plan, Mapping) else None
    migration.migrate(uow, services, Migrate(target, str(row.parameters["target"]), row.reason, mapping), actor)


ACTS: Mapping[str, Act] = {
    "retry": _retry,
    "cancel": lambda uow, services, target, row, actor: interventions.cancel(uow, services, cmd.Cancel(target, row.reason), actor),
    "suspend": lambda uow, services, target, row, actor: suspension.suspend(uow, services, cmd.Suspend(target, row.reason), actor),
    "resume": lambda uow, services, target, row, actor: suspension.resume(uow, services, cmd.Resume(target, row.reason), actor),
    "change": lambda uow, services, target, row, actor: interventions.change_variables(
        uow, services, cmd.ChangeVariables(target, row.variables, row.reason), actor
    ),
    "move": _move,
    "complete": _complete,
    "fail": _fail,
    "migrate": _migrate,
    "undo": _undo,
}
