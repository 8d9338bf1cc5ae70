"""The first answer to a request id that comes a second time: read from the record that it made, or from where it was written down.

Deployments, drafts, accounts, signals, messages that nobody waits for, operators' acts on many or on a version leave no record of their own; what they
answered is remembered for a month. All of them: whether a repetition long after would do harm (a deployment rolled back, an account opened again, a
second token) is not asked one by one. The secret of a token is not kept, so its repetition is refused. A request id that comes with what certainly is
another command (`engine.application.repetition`) is refused.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from engine.application.advance import reference
from engine.application.repetition import RECORDED, fingerprint, made, passwords
from engine.application.services import Services
from engine.errors import Conflict, NotAllowed, Problem, RequestIdReused
from engine.history.replay import state_after
from engine.model import commands as cmd
from engine.model import inputs as inp
from engine.model.actors import Actor
from engine.model.definition import Deployment
from engine.model.records import Record
from engine.model.stuck_jobs import DiscardJob, RetryJob
from engine.model.values import Json, iso, moment
from engine.model.views import BulkRow, Correlation, InstanceRef, ModelDraft
from engine.ports import Head, UnitOfWork

REMEMBERED = timedelta(days=30)
TOGETHER = 100
"""So many records are looked through at once for the newest that tells the state."""


@dataclass(frozen=True, slots=True)
class First:
    """The first answer, which may be None."""

    answer: InstanceRef | Correlation | BulkRow | Deployment | ModelDraft | None


def first_answer(uow: UnitOfWork, services: Services, request_id: str, command: cmd.Command, actor: Actor) -> First | None:
    """Asked before a command is carried out that a repetition would not make clash with its record: the second time nobody may be waiting any more,
    and the message would be kept for somebody else. None: go on. Raises RequestIdReused, NotAllowed, Conflict.
    """
    if type(command) in RECORDED:
        return None
    found = uow.answers.get(request_id)
    if found is None:
        return First(answer(uow, services, request_id, command, actor)) if uow.records.by_request(request_id) is not None else None
    known: Any = found.answer
    if found.command != type(command).__name__ or not _same(services, known, command):
        raise RequestIdReused(id=request_id)
    if found.actor != actor.id:
        raise NotAllowed(actor=actor.name or actor.id, action="request id")
    return First(_told(uow, services, known, command, actor))


def remember(uow: UnitOfWork, services: Services, request_id: str, command: cmd.Command, actor: Actor, done: object) -> None:
    """After a command that may have left no record under its request id. Raises ConcurrentChange: the same request was carried out meanwhile."""
    if type(command) in RECORDED:
        return
    known: dict[str, Json] = {"object": _object(command)} if _object(command) is not None else {}
    known["sha256"] = fingerprint(command)
    secret = passwords(command)
    if secret is not None:
        known["secret"] = services.hash_password(secret)
    uow.answers.forget(uow.now - REMEMBERED)
    uow.answers.put(request_id, type(command).__name__, actor.id, known | _kept(done), uow.now)


def _kept(done: object) -> dict[str, Json]:
    """What is written down of an answer; of a secret nothing."""
    match done:
        case Correlation():
            return {"instance_ids": list(done.instance_ids), "kept": done.kept}
        case BulkRow():  # as far as it is by then
            return {"bulk": done.id}
        case Deployment():
            warnings = [asdict(one) for one in done.warnings if isinstance(one, Problem)]
            return {"deployment": done.id, "definitions": [one.id for one in done.definitions], "warnings": warnings}
        case ModelDraft():
            return {"draft": done.id, "process_id": done.process_id, "based_on": done.based_on, "revision": done.revision, "at": iso(done.updated_at)}
        case _:
            return {}


def _told(
    uow: UnitOfWork, services: Services, known: Any, command: cmd.Command, actor: Actor
) -> Correlation | BulkRow | Deployment | ModelDraft | None:
    match command:
        case cmd.IssueToken():
            raise Conflict(
                "This request has issued a token already. Its secret was told once and is kept nowhere: end that token and issue another one."
            )
        case cmd.StartBulk() | cmd.StopBulk():
            return uow.bulks.get(str(known["bulk"]))
        case cmd.PublishMessage() | cmd.BroadcastSignal():
            return Correlation(tuple(known["instance_ids"]), bool(known["kept"]))
        case cmd.Deploy():
            definitions = tuple(services.library.definition(uow.definitions, one) for one in known["definitions"])
            return Deployment(known["deployment"], definitions, tuple(Problem(**one) for one in known["warnings"]))
        case cmd.SaveModelDraft():
            return ModelDraft(known["draft"], known["process_id"], known["based_on"], actor.id, known["revision"], moment(known["at"]), command.xml)
        case _:
            return None


def _same(services: Services, known: Any, command: cmd.Command) -> bool:
    """Is it what was remembered? Answers of the first versions know what was acted on, and no more."""
    if "sha256" not in known:
        return bool(known.get("object") == _object(command))
    if known["sha256"] != fingerprint(command):
        return False
    secret = passwords(command)
    if secret is None or "secret" not in known:
        return secret is None and "secret" not in known
    return services.check_password(known["secret"], secret)


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


def answer(uow: UnitOfWork, services: Services, request_id: str, command: cmd.Command, actor: Actor) -> InstanceRef | Correlation:
    """Raises RequestIdReused when the id certainly belongs to another command, NotAllowed when to another actor."""
    record = uow.records.by_request(request_id)
    if record is None or not made(uow, services, command, record):
        raise RequestIdReused(id=request_id)
    if record.actor != actor.id:
        raise NotAllowed(actor=actor.name or actor.id, action="request id")
    if isinstance(command, cmd.PublishMessage):
        return Correlation((record.instance_id,))
    return reference(record, Head(record.instance_id, "", "", None, _state(uow, record), record.seq, record.hash))


_EVEN_INACTIVE = (inp.AddComment, inp.AddAttachment, inp.AssignUserTask, inp.SetVariables, inp.MigrateInstance)


def _state(uow: UnitOfWork, record: Record) -> str:
    """Of the instance after the record: some inputs leave a suspended or ended one as it was."""
    head = uow.instances.head(record.instance_id)
    if head is not None and head.seq == record.seq:
        return head.state
    for until in range(record.seq if isinstance(record.input, _EVEN_INACTIVE) else 0, 0, -TOGETHER):
        for one in reversed(uow.records.of(record.instance_id, after=max(0, until - TOGETHER), until=until)):
            if found := state_after(one, ""):
                return found
    return state_after(record)
