"""Messages and signals: to whom they go."""

from __future__ import annotations

from engine.application import instances
from engine.application.advance import advance, head_of, later, pure
from engine.application.services import Services
from engine.errors import InvalidInput
from engine.identity import policy
from engine.model import commands as cmd
from engine.model import inputs as inp
from engine.model.actors import Actor
from engine.model.values import Json
from engine.model.views import Correlation
from engine.ports import UnitOfWork


def publish(uow: UnitOfWork, services: Services, command: cmd.PublishMessage, actor: Actor, request_id: str | None = None) -> Correlation:
    """One receiver: a waiting instance, else a message start event, else the message is kept for a while."""
    policy.require(actor, "message.publish")
    name, payload = _checked(services, command.name, command.payload)
    found = uow.waiting.match("message", name, command.correlation_key)
    if found is not None:
        instance_id, key = found
        input = inp.CorrelateMessage(key, name, payload, command.correlation_key)
        advance(uow, services, head_of(uow, instance_id), input, actor, request_id)
        return Correlation((instance_id,))
    for definition_id, element in uow.definitions.starts("message", name)[:1]:
        definition = services.library.definition(uow.definitions, definition_id)
        started = instances.begin(
            uow, services, definition, payload, actor, business_key=command.correlation_key, start_element=element, request_id=request_id
        )
        return Correlation((started.instance_id,))
    keep = services.limits.message_keep_seconds if command.keep_seconds is None else command.keep_seconds
    if keep > 0:
        uow.waiting.forget_expired(uow.now)
        uow.waiting.keep(services.identifiers.new(), name, command.correlation_key, payload, later(uow, keep))
    return Correlation(kept=keep > 0)


def broadcast(uow: UnitOfWork, services: Services, command: cmd.BroadcastSignal, actor: Actor, request_id: str | None = None) -> Correlation:
    """Every waiting instance and every signal start event of a newest version."""
    policy.require(actor, "message.publish")
    return deliver(uow, services, command, actor)


def deliver(uow: UnitOfWork, services: Services, command: cmd.BroadcastSignal, actor: Actor, sender: str | None = None) -> Correlation:
    """As `broadcast`; the instance that sent the signal already caught it itself."""
    name, payload = _checked(services, command.name, command.payload)
    reached = []
    for instance_id in uow.waiting.instances(name):
        if instance_id != sender:
            advance(uow, services, head_of(uow, instance_id), inp.DeliverSignal(name, payload), actor)
            reached.append(instance_id)
    for definition_id, element in uow.definitions.starts("signal", name):
        definition = services.library.definition(uow.definitions, definition_id)
        reached.append(instances.begin(uow, services, definition, payload, actor, start_element=element).instance_id)
    return Correlation(tuple(reached))


def _checked(services: Services, name: str, payload: object) -> tuple[str, dict[str, Json]]:
    if not name or len(name) > 255:
        raise InvalidInput("A message or signal needs a name of 1 to 255 characters.")
    values = pure(services, payload, "size of the payload")
    if not isinstance(values, dict):
        raise InvalidInput("The payload must be a JSON object.")
    return name, values
