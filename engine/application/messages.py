"""Messages and signals: to whom they go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.application import instances
from engine.application.advance import advance, later, pure
from engine.application.correlation import carried
from engine.application.services import Services
from engine.errors import InvalidInput
from engine.identity import policy
from engine.model import commands as cmd
from engine.model import inputs as inp
from engine.model.actors import Actor
from engine.model.chains import reaching
from engine.model.values import Json, key_text
from engine.model.views import Correlation
from engine.ports import Due, Head, UnitOfWork

LONGEST_KEPT = 31_536_000  # seconds, a year


def publish(
    uow: UnitOfWork, services: Services, command: cmd.PublishMessage, actor: Actor, request_id: str | None = None, *, chain: int = 0
) -> Correlation:
    """One receiver: a waiting instance, else a message start event, else the message is kept for a while.

    `chain`: of cause, when an instance sent it (`engine.model.chains`).
    """
    policy.require(actor, "message.publish")
    name, payload = _checked(services, command.name, command.payload)
    if command.correlation_key is not None:
        key_text(command.correlation_key, "the correlation key")
    found = _receiver(uow, services, name, command.correlation_key, payload)
    if found is None and uow.waiting.hold(name):
        found = _receiver(uow, services, name, command.correlation_key, payload)
    if found is None:
        if _wait_for_suspended(uow, services, name, payload, command.correlation_key, chain):
            return Correlation(kept=True)
        found = _receiver(uow, services, name, command.correlation_key, payload)  # it may have been resumed at this moment
    if found is not None:
        head, key = found
        input = inp.CorrelateMessage(key, name, payload, command.correlation_key, chain)
        advance(uow, services, head, input, actor, request_id)
        return Correlation((head.instance_id,))
    for definition_id, element in uow.definitions.starts("message", name)[:1]:
        definition = services.library.definition(uow.definitions, definition_id)
        started = instances.begin(
            uow, services, definition, payload, actor, business_key=command.correlation_key, start_element=element, request_id=request_id, chain=chain
        )
        return Correlation((started.instance_id,))
    for definition_id, element in uow.definitions.starts("message", name, suspended=True)[:1]:
        uow.jobs.hold_start(definition_id, _outside(services, name, payload, command.correlation_key, element, uow, chain))
        return Correlation(kept=True)
    keep = services.limits.message_keep_seconds if command.keep_seconds is None else command.keep_seconds
    if not 0 <= keep <= LONGEST_KEPT:
        raise InvalidInput(f"A message is kept for 0 to {LONGEST_KEPT} seconds.")
    if keep > 0:
        uow.waiting.forget_expired(uow.now)
        uow.waiting.keep(services.identifiers.new(), name, command.correlation_key, payload, later(uow, keep))
    return Correlation(kept=keep > 0)


def broadcast(uow: UnitOfWork, services: Services, command: cmd.BroadcastSignal, actor: Actor, request_id: str | None = None) -> Correlation:
    """Every waiting instance and every signal start event of a newest version."""
    policy.require(actor, "message.publish")
    return deliver(uow, services, command, actor)


def deliver(
    uow: UnitOfWork, services: Services, command: cmd.BroadcastSignal, actor: Actor, sender: str | None = None, chain: int = 0
) -> Correlation:
    """As `broadcast`; the instance that sent the signal already caught it itself. `chain`: see `publish`."""
    name, payload = _checked(services, command.name, command.payload)
    reached = []
    uow.instances.lock(uow.waiting.instances(name))
    waiting = uow.waiting.instances(name)  # locked now: those that did not end meanwhile
    starts = uow.definitions.starts("signal", name)
    chain = reaching(chain, len(starts) + sum(one != sender for one in waiting))
    for instance_id in waiting:
        head = uow.instances.head(instance_id, lock=True) if instance_id != sender else None
        if head is not None and head.state == "active":
            advance(uow, services, head, inp.DeliverSignal(name, payload, chain), actor)
            reached.append(instance_id)
        elif head is not None and head.state == "suspended":
            parameters: dict[str, Json] = {"name": name, "payload": payload, "chain": chain}
            uow.jobs.add(Due(services.identifiers.new(), "deliver", instance_id, None, "", None, parameters, uow.now, state="suspended"))
    for definition_id, element in starts:
        definition = services.library.definition(uow.definitions, definition_id)
        reached.append(instances.begin(uow, services, definition, payload, actor, start_element=element, chain=chain).instance_id)
    for definition_id, element in uow.definitions.starts("signal", name, suspended=True):
        parameters = {"definition": definition_id, "payload": payload, "chain": chain}
        uow.jobs.hold_start(definition_id, Due(services.identifiers.new(), "begin", None, None, element, None, parameters, uow.now))
    return Correlation(tuple(reached))


def _wait_for_suspended(uow: UnitOfWork, services: Services, name: str, payload: dict[str, Json], key: str | None, chain: int) -> bool:
    """A message whose receiver is suspended waits with it: as a job that publishes it again when the instance is resumed or ends."""
    found = uow.waiting.match("message", name, key, carried(uow, services, name, payload), suspended=True)
    head = uow.instances.head(found[0], lock=True) if found is not None else None
    if found is None or head is None or head.state != "suspended":
        return False
    uow.jobs.add(replace(_outside(services, name, payload, key, "", uow, chain), instance_id=found[0], state="suspended"))
    return True


def _outside(services: Services, name: str, payload: dict[str, Json], key: str | None, element: str, uow: UnitOfWork, chain: int) -> Due:
    """A message on its way."""
    parameters: dict[str, Json] = {"name": name, "payload": payload, "correlation_key": key, "business_key": None, "chain": chain}
    return Due(services.identifiers.new(), "message", None, None, element, None, parameters, uow.now)


def _receiver(uow: UnitOfWork, services: Services, name: str, correlation_key: str | None, payload: Mapping[str, Json]) -> tuple[Head, int] | None:
    """The instance that takes the message, locked, and the key of its subscription. One that just took another message is passed over."""
    before, keys = None, carried(uow, services, name, payload)
    while (found := uow.waiting.match("message", name, correlation_key, keys)) is not None and found != before:
        before = instance_id, key = found
        head = uow.instances.head(instance_id, lock=True)
        if head is not None and head.state == "active" and uow.waiting.is_open(instance_id, key):
            return head, key
    return None


def _checked(services: Services, name: str, payload: object) -> tuple[str, dict[str, Json]]:
    if not name or len(name) > 255:
        raise InvalidInput("A message or signal needs a name of 1 to 255 characters.")
    key_text(name, "the name")
    values = pure(services, payload, "size of the payload")
    if not isinstance(values, dict):
        raise InvalidInput("The payload must be a JSON object.")
    return name, values
