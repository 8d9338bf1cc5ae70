"""The first answer to a request id that comes a second time: read from the record that it made."""

from __future__ import annotations

from engine.application.advance import reference
from engine.errors import NotAllowed, RequestIdReused
from engine.history.replay import state_after
from engine.model import commands as cmd
from engine.model.actors import Actor
from engine.model.records import Record
from engine.model.views import Correlation, InstanceRef
from engine.ports import Head, UnitOfWork

_KINDS: dict[type[object], tuple[str, ...]] = {
    cmd.Start: ("StartInstance",),
    cmd.Cancel: ("CancelInstance",),
    cmd.ChangeVariables: ("SetVariables",),
    cmd.RetryIncident: ("RetryJob", "RetryElement"),
    cmd.CompleteByHand: ("CompleteJob", "CompleteUserTask", "CompleteElement", "TriggerTimer"),
    cmd.FailByHand: ("ThrowJobError", "FailJob"),
    cmd.MoveToken: ("MoveToken",),
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
    task_id = next((found for name in ("task_id", "work_id", "incident_id") if (found := getattr(command, name, None)) is not None), None)
    if task_id is not None:
        return bool(task_id == f"{record.instance_id}-{getattr(record.input, 'key', '')}")
    instance_id = getattr(command, "instance_id", None)
    return instance_id is None or instance_id == record.instance_id
