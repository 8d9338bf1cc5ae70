"""The first answer to a request id that comes a second time: read from the record that it made, or from where it was written down.

A message that nobody waits for, a signal, and operators' acts on many or on a version leave no record of their own; what they answered is remembered
for a month.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from engine.application.advance import reference
from engine.errors import NotAllowed, RequestIdReused
from engine.history.replay import state_after
from engine.model import commands as cmd
from engine.model.actors import Actor
from engine.model.inputs import MigrateInstance
from engine.model.migration import Migrate, UndoMigration
from engine.model.records import Record
from engine.model.stuck_jobs import DiscardJob, RetryJob
from engine.model.values import Json
from engine.model.views import BulkRow, Correlation, InstanceRef
from engine.ports import Head, UnitOfWork

_KINDS: dict[type[object], tuple[str, ...]] = {
    cmd.Start: ("StartInstance",),
    cmd.Cancel: ("CancelInstance",),
    cmd.ChangeVariables: ("SetVariables",),
    cmd.RetryIncident: ("RetryJob", "RetryElement"),
    cmd.StartActivity: ("StartActivity",),
    cmd.CompleteByHand: ("CompleteJob", "CompleteUserTask", "CompleteElement", "TriggerTimer"),
    cmd.FailByHand: ("ThrowJobError", "FailJob"),
    cmd.MoveToken: ("MoveToken",),
    Migrate: ("MigrateInstance",),
    UndoMigration: ("MigrateInstance",),
    cmd.Suspend: ("SuspendInstance",),
    cmd.Resume: ("ResumeInstance",),
    cmd.Comment: ("AddComment",),
    cmd.Attach: ("AddAttachment",),
    cmd.PublishMessage: ("CorrelateMessage", "StartInstance"),
    cmd.Complete: ("CompleteUserTask",),
    cmd.Claim: ("AssignUserTask",),
    cmd.Release: ("AssignUserTask",),
    cmd.HandOver: ("AssignUserTask",),
}


# What leaves no record under its request id: its answer is written down.
_NOT_RECORDED = (
    cmd.PublishMessage,
    cmd.BroadcastSignal,
    cmd.StartBulk,
    cmd.StopBulk,
    RetryJob,
    DiscardJob,
    cmd.SuspendDefinition,
    cmd.ResumeDefinition,
)
REMEMBERED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class First:
    """The first answer, which may be None."""

    answer: InstanceRef | Correlation | BulkRow | None


def first_answer(uow: UnitOfWork, request_id: str, command: cmd.Command, actor: Actor) -> First | None:
    """Asked before a command is carried out that a repetition would not make clash with its record: the second time nobody may be waiting any more,
    and the message would be kept for somebody else. None: go on. Raises RequestIdReused, NotAllowed.
    """
    if not isinstance(command, _NOT_RECORDED):
        return None
    found = uow.answers.get(request_id)
    if found is None:
        return First(answer(uow, request_id, command, actor)) if uow.records.by_request(request_id) is not None else None
    known: Any = found.answer
    if found.command != type(command).__name__ or known.get("object") != _object(command):
        raise RequestIdReused(id=request_id)
    if found.actor != actor.id:
        raise NotAllowed(actor=actor.name or actor.id, action="request id")
    if "bulk" in known:
        return First(uow.bulks.get(str(known["bulk"])))
    return First(Correlation(tuple(known["instance_ids"]), bool(known["kept"])) if "kept" in known else None)


def remember(uow: UnitOfWork, request_id: str, command: cmd.Command, actor: Actor, done: object) -> None:
    """After a command that may have left no record under its request id. Raises ConcurrentChange: the same request was carried out meanwhile."""
    if not isinstance(command, _NOT_RECORDED):
        return
    known: dict[str, Json] = {"object": _object(command)} if _object(command) is not None else {}
    if isinstance(done, Correlation):
        known |= {"instance_ids": list(done.instance_ids), "kept": done.kept}
    elif isinstance(done, BulkRow):  # as far as it is by then
        known |= {"bulk": done.id}
    uow.answers.forget(uow.now - REMEMBERED)
    uow.answers.put(request_id, type(command).__name__, actor.id, known, uow.now)


def _object(command: cmd.Command) -> str | None:
    """What a command that leaves no record acts on."""
    match command:
        case cmd.StopBulk():
            return command.bulk_id
        case RetryJob() | DiscardJob():
            return command.job_id
        case cmd.SuspendDefinition() | cmd.ResumeDefinition():
            return command.definition_id
        case _:
            return None


def answer(uow: UnitOfWork, request_id: str, command: cmd.Command, actor: Actor) -> InstanceRef | Correlation:
    """Raises RequestIdReused when the id belongs to another kind of command or another object, NotAllowed when to another actor."""
    record = uow.records.by_request(request_id)
    if record is None or type(record.input).__name__ not in _KINDS.get(type(command), ()) or not _same_object(command, record):
        raise RequestIdReused(id=request_id)
    if record.actor != actor.id:
        raise NotAllowed(actor=actor.name or actor.id, action="request id")
    if isinstance(command, cmd.PublishMessage):
        return Correlation((record.instance_id,))
    return reference(record, Head(record.instance_id, "", "", None, state_after(record), record.seq, record.hash))


def _same_object(command: cmd.Command, record: Record) -> bool:
    if isinstance(record.input, MigrateInstance) and isinstance(command, UndoMigration) != bool(record.input.undoes):
        return False
    task_id = next((found for name in ("task_id", "work_id", "incident_id") if (found := getattr(command, name, None)) is not None), None)
    if task_id is not None:
        return bool(task_id == f"{record.instance_id}-{getattr(record.input, 'key', '')}")
    instance_id = getattr(command, "instance_id", None)
    return instance_id is None or instance_id == record.instance_id
