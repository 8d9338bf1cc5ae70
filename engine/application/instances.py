"""Process instances: start, remarks and files. What operators do to them: `engine.application.interventions`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.application.advance import advance, head_of, pure, require_active
from engine.application.services import Services
from engine.errors import DefinitionSuspended, ExpressionError, FormInvalid, InvalidInput, LimitExceeded, NotFound
from engine.identity import policy
from engine.model import commands as cmd
from engine.model import inputs as inp
from engine.model.actors import Actor
from engine.model.definition import ProcessDefinition
from engine.model.values import LONGEST, Json, key_text, purify
from engine.model.views import InstanceRef
from engine.model.work_ids import split_work_id
from engine.ports import Head, UnitOfWork


def start(uow: UnitOfWork, services: Services, command: cmd.Start, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Start the newest version, or the named one. Raises NotFound, DefinitionSuspended, FormInvalid, LimitExceeded."""
    policy.require(actor, "process.start")
    definition = _definition(uow, services, command)
    model = services.library.model(uow.definitions, definition)
    starts = model.processes[definition.process_id].starts
    form_key = next((s.form_key for s in starts if s.kind == "none" and s.form_key), None)
    form = services.library.form(uow.definitions, definition, form_key)
    values: Mapping[str, Json] = pure(services, dict(command.variables), "size of the variables")
    if form is not None:
        decoded = form.check(values)
        if decoded.errors:
            raise FormInvalid(decoded.errors)
        values = dict(decoded.values)
        if form.attachments(values):
            raise InvalidInput("A start form takes no files: there is no instance yet that they could belong to.")
    return begin(uow, services, definition, values, actor, business_key=command.business_key, request_id=request_id)


def begin(
    uow: UnitOfWork,
    services: Services,
    definition: ProcessDefinition,
    variables: Mapping[str, Json],
    actor: Actor,
    *,
    business_key: str | None = None,
    start_element: str | None = None,
    request_id: str | None = None,
    chain: int = 0,
) -> InstanceRef:
    """The first record of a new instance, whoever or whatever starts it."""
    if business_key is None:
        business_key = _business_key(uow, services, definition, variables, start_element)
    if business_key is not None:
        business_key = purify(key_text(business_key, "the business key"))  # as the record holds it
    head = Head(services.identifiers.new(), definition.id, definition.process_id, business_key, "active", 0, "", actor.id)
    input = inp.StartInstance(definition.process_id, dict(variables), business_key, start_element, actor.id, chain=chain)
    return advance(uow, services, head, input, actor, request_id)


def start_activity(uow: UnitOfWork, services: Services, command: cmd.StartActivity, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """What an ad-hoc subprocess offers (BPMN 2.0.2 section 13.3.5). Raises NotAllowed, NotFound, InstanceNotActive, Conflict when nothing offers it now."""
    policy.require(actor, "process.start")
    key_text(command.element_id, "the element id")
    head = _seen(uow, command.instance_id, actor, active=True)
    return advance(uow, services, head, inp.StartActivity(command.element_id, command.key), actor, request_id)


def comment(uow: UnitOfWork, services: Services, command: cmd.Comment, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """A remark, 1 to `Limits.text_characters` characters, on an instance that the actor sees."""
    policy.require(actor, "note.write")
    text = command.text.strip()
    if not text:
        raise InvalidInput("Write something first.")
    if len(text) > services.limits.text_characters:
        raise LimitExceeded(what="length of the comment", value=len(text), limit=services.limits.text_characters)
    head = _seen(uow, command.instance_id, actor, active=False)
    return advance(
        uow, services, head, inp.AddComment(pure(services, text, "comment"), _key(uow, head.instance_id, command.task_id)), actor, request_id
    )


def attach(uow: UnitOfWork, services: Services, command: cmd.Attach, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Store a file and record its SHA-256. Raises NotAllowed, LimitExceeded for a large one, InvalidInput for an empty one."""
    policy.require(actor, "note.write")
    if not command.data:
        raise InvalidInput("The file is empty; choose another one.")
    if len(command.data) > services.limits.attachment_bytes:
        raise LimitExceeded(what="size of the file", value=f"{len(command.data)} bytes", limit=f"{services.limits.attachment_bytes} bytes")
    key_text(command.media_type, "the kind of the file", 128)
    head = _seen(uow, command.instance_id, actor, active=False)
    digest = uow.blobs.put(command.data, command.media_type)
    input = inp.AddAttachment(
        pure(services, file_name(command), "file name"), digest, len(command.data), command.media_type, _key(uow, head.instance_id, command.task_id)
    )
    return advance(uow, services, head, input, actor, request_id)


def file_name(command: cmd.Attach) -> str:
    """Without the folders of whoever sent it."""
    return command.name.replace("\\", "/").rpartition("/")[2][:255] or "file"


def _business_key(
    uow: UnitOfWork, services: Services, definition: ProcessDefinition, variables: Mapping[str, Json], start_element: str | None
) -> str | None:
    """What the start event's `businessKey` expression gives; none when it has none or the variables do not suffice."""
    starts = services.library.model(uow.definitions, definition).processes[definition.process_id].starts
    chosen = next((s for s in starts if s.business_key and start_element in (None, s.element)), None)
    if chosen is None or chosen.business_key is None:
        return None
    try:
        value = services.evaluator.evaluate(chosen.business_key, variables, {}, uow.now).value
    except ExpressionError:
        return None
    return str(purify(str(value)))[:LONGEST] if value is not None else None


def _seen(uow: UnitOfWork, instance_id: str, actor: Actor, *, active: bool) -> Head:
    """As `head_of`. Raises NotAllowed, too: whoever writes on an instance has taken part in it, and sees it from then on."""
    head = head_of(uow, instance_id, active=False)
    policy.require_sight(actor, head.started_by, lambda: uow.instances.took_part(head.instance_id, actor))
    if active:
        require_active(head)
    return head


def _key(uow: UnitOfWork, instance_id: str, task_id: str | None) -> int:
    """Of the user task that a note is on; 0 for the instance as a whole. Raises NotFound when the instance has no such task."""
    if not task_id:
        return 0
    parts = split_work_id(task_id)
    if parts is None or parts[0] != instance_id or uow.instances.open_task(task_id, lock=False) is None:
        raise NotFound(kind="task", id=task_id)
    return parts[1]


def _definition(uow: UnitOfWork, services: Services, command: cmd.Start) -> ProcessDefinition:
    if command.definition_id is not None:
        definition = services.library.definition(uow.definitions, command.definition_id)
        if uow.definitions.is_suspended(definition.id):
            raise DefinitionSuspended(id=definition.id)
        return definition
    found = uow.definitions.latest_id(command.process_id or "")
    if found is None:
        raise NotFound(kind="process", id=command.process_id)
    if found[1]:
        raise DefinitionSuspended(id=found[0])
    return services.library.definition(uow.definitions, found[0])
