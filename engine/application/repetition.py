"""Is a command that comes under a known request id the one that came first? Compared is what was kept of that one and certainly is as it was sent.

Of a command that made a record: the record. What it holds otherwise than it was sent (the values of a form) or not at all (the element that a token was
to be on, the name of a message that started an instance) says nothing. Of any other: a fingerprint, without its passwords, and a salted hash of those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from engine.application.instances import file_name
from engine.application.services import Services
from engine.errors import InvalidInput
from engine.model import codec
from engine.model import commands as cmd
from engine.model import events as ev
from engine.model import inputs as inp
from engine.model.migration import ElementMigrated, Migrate, UndoMigration
from engine.model.records import Record
from engine.model.values import canonical, iso, purify, sha256
from engine.model.work_ids import split_work_id
from engine.ports import UnitOfWork

_PASSWORDS = {cmd.PutUser: ("password",), cmd.ChangePassword: ("old", "new")}


# --- commands that made a record -----------------------------------------------------------------------------------------
def _reason(command: Any, _record: Record) -> dict[str, Any]:
    return {"reason": _stripped(command.reason)}


def _values(command: Any, _record: Record) -> dict[str, Any]:
    return {"reason": _stripped(command.reason), "variables": command.variables}


def _failure(command: cmd.FailByHand, record: Record) -> dict[str, Any]:
    why = "cause" if isinstance(record.input, inp.FailJob) else "reason"
    return {why: _stripped(command.reason), "code": command.code, "variables": command.variables}


def _migration(command: Migrate, _record: Record) -> dict[str, Any]:
    """A plan that was not given was made from the diagrams."""
    plan = {} if command.plan is None else {"plan": command.plan}
    return {"reason": _stripped(command.reason), "definition": command.definition_id} | plan


def _message(command: cmd.PublishMessage, record: Record) -> dict[str, Any]:
    """By which message an instance was started the record does not tell."""
    if isinstance(record.input, inp.CorrelateMessage):
        return {"name": command.name, "payload": command.payload, "correlation_key": command.correlation_key}
    return _key(command.correlation_key) | {"variables": command.payload}


def _key(given: str | None) -> dict[str, Any]:
    """A business key that was not given may have been computed."""
    return {} if given is None else {"business_key": given}


_MADE: Mapping[type[Any], tuple[tuple[type[inp.Input], ...], Callable[[Any, Record], dict[str, Any]]]] = {
    cmd.Start: ((inp.StartInstance,), lambda c, _: _key(c.business_key) | {"variables": c.variables, "start_element": None}),
    cmd.Cancel: ((inp.CancelInstance,), _reason),
    cmd.ChangeVariables: ((inp.SetVariables,), _values),
    cmd.RetryIncident: ((inp.RetryJob, inp.RetryElement), _values),
    cmd.StartActivity: ((inp.StartActivity,), lambda c, _: {"element": c.element_id, "key": c.key}),
    cmd.CompleteByHand: ((inp.CompleteJob, inp.CompleteUserTask, inp.CompleteElement, inp.TriggerTimer), _values),
    cmd.FailByHand: ((inp.ThrowJobError, inp.FailJob), _failure),
    cmd.MoveToken: ((inp.MoveToken,), lambda c, r: _values(c, r) | {"target": c.target}),
    Migrate: ((inp.MigrateInstance,), _migration),
    UndoMigration: ((inp.MigrateInstance,), _reason),
    cmd.Suspend: ((inp.SuspendInstance,), _reason),
    cmd.Resume: ((inp.ResumeInstance,), _reason),
    cmd.Comment: ((inp.AddComment,), lambda c, _: {"text": _stripped(c.text)}),
    cmd.Attach: ((inp.AddAttachment,), lambda c, _: {"name": file_name(c), "sha256": sha256(c.data), "media_type": c.media_type}),
    cmd.PublishMessage: ((inp.CorrelateMessage, inp.StartInstance), _message),
    cmd.Complete: ((inp.CompleteUserTask,), lambda c, _: {"variables": c.values, "reason": ""}),
    cmd.Claim: ((inp.AssignUserTask,), lambda _, r: {"assignee": r.actor}),
    cmd.Release: ((inp.AssignUserTask,), lambda _, __: {"assignee": None}),
    cmd.HandOver: ((inp.AssignUserTask,), lambda c, _: {"assignee": c.assignee, "reason": c.reason}),
}
"""By command: what it can become in a record, and what that holds then, by field."""
RECORDED = frozenset(_MADE) - {cmd.PublishMessage}
"""Commands that always leave a record under their request id."""


def made(uow: UnitOfWork, services: Services, command: cmd.Command, record: Record) -> bool:
    """Did such a command make the record? False: certainly not."""
    kinds, fields = _MADE.get(type(command), ((), _reason))
    input = record.input
    if not isinstance(input, kinds) or not _on_the_same(uow, command, record):
        return False
    if isinstance(input, inp.RetryJob):  # of the first versions: tells no more
        return True
    if isinstance(input, inp.MigrateInstance) and isinstance(command, UndoMigration) != bool(input.undoes):
        return False
    if isinstance(input, inp.StartInstance) and not _of_this_process(uow, command, record, input):
        return False
    expected = fields(command, record)
    if _has_form(uow, services, record):  # that made of the values what it holds
        del expected["variables"]
    return _holds(input, expected)


def _on_the_same(uow: UnitOfWork, command: cmd.Command, record: Record) -> bool:
    instance_id = getattr(command, "instance_id", record.instance_id)
    named = next((found for name in ("task_id", "work_id", "incident_id") if (found := getattr(command, name, None))), None)
    if instance_id != record.instance_id:
        return False
    if named is None:
        return not isinstance(command, cmd.Comment | cmd.Attach) or getattr(record.input, "key", 0) == 0
    parts, key = split_work_id(named), getattr(record.input, "key", 0)
    if parts is None or parts[0] != record.instance_id:
        return False
    return parts[1] == key or (isinstance(record.input, inp.TriggerTimer) and _at_one_element(uow, record, parts[1], key))


def _at_one_element(uow: UnitOfWork, record: Record, key: int, timer: int) -> bool:
    """An element that waits for one timer is completed under its own key; the record names the timer."""
    shown: dict[int, str] = {}
    for event in (event for one in uow.records.of(record.instance_id, until=record.seq) for event in one.events):
        if isinstance(event, ev.ElementEntered | ev.JobCreated):
            shown[event.key] = event.element
        elif isinstance(event, ElementMigrated):
            shown[event.key] = event.target
    return key in shown and shown[key] == shown.get(timer)


def _of_this_process(uow: UnitOfWork, command: cmd.Command, record: Record, input: inp.StartInstance) -> bool:
    """A version with the same content is taken for the same."""
    if not isinstance(command, cmd.Start):
        return input.start_element is not None
    if command.definition_id is None:
        return _holds(input, {"process_id": command.process_id})
    meant = uow.definitions.get(command.definition_id)
    return meant is not None and meant.content_hash == record.definition_hash and _holds(input, {"process_id": meant.process_id})


def _has_form(uow: UnitOfWork, services: Services, record: Record) -> bool:
    """Also where it is not known any more."""
    match record.input:
        case inp.CompleteUserTask(key=key):
            found = uow.instances.open_task(f"{record.instance_id}-{key}", lock=False)
            return found is None or found[0].form_key is not None
        case inp.StartInstance(process_id=process_id, start_element=None):
            definition = uow.definitions.by_content(process_id, record.definition_hash)
            if definition is None:
                return True
            starts = services.library.model(uow.definitions, definition).processes[process_id].starts
            return any(one.form_key for one in starts if one.kind == "none")
        case _:
            return False


def _holds(input: inp.Input, expected: Mapping[str, Any]) -> bool:
    """A field that the input does not have was not given: a timer has no results, a technical failure no code."""
    absent: dict[str, Any] = {"variables": {}}
    try:
        return all(_bytes(value) == _bytes(getattr(input, name, absent.get(name))) for name, value in expected.items())
    except InvalidInput:  # no JSON; what made a record was
        return False


def _bytes(value: Any) -> bytes:
    """Of the value as a record holds it: with names in canonical form, which may sort otherwise than those that were sent."""
    return canonical(purify(dict(value) if isinstance(value, Mapping) else value))


def _stripped(text: str) -> str:
    try:
        return str(purify(text)).strip()
    except InvalidInput:
        return text


# --- the others ----------------------------------------------------------------------------------------------------------
def fingerprint(command: cmd.Command) -> str:
    """SHA-256 of a command as it was sent, without its passwords: whoever read a plain hash of those could guess them. Raises InvalidInput."""
    hidden = _PASSWORDS.get(type(command), ())
    return sha256(canonical({name: _plain(value) for name, value in codec.encode(command).items() if name not in hidden}))


def passwords(command: cmd.Command) -> str | None:
    """Those of a command in one text, None: it has none."""
    given = [getattr(command, name) for name in _PASSWORDS.get(type(command), ())]
    return None if all(one is None for one in given) else canonical(given).decode()


def _plain(value: Any) -> Any:
    """Of a field, as JSON: files by their hash, moments in UTC."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        return {key: sha256(one) if isinstance(one, bytes) else one for key, one in value.items()}
    return value
