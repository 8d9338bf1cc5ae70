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
from engine.model.actors import SYSTEM, Actor
from engine.model.chains import reaching
from engine.model.values import Json, key_text
from engine.model.views import Correlation, InstanceRef
from engine.ports import Due, Head, UnitOfWork

LONGEST_KEPT = 31_536_000  # seconds, a year
AT_ONCE = 50
"""So many receivers of a signal get it in the transaction that sends it."""
TOGETHER = 1_000  # jobs in one statement


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
    """As `broadcast`; the instance that sent the signal already caught it itself. `chain`: see `publish`.

    Whoever waits now gets it, oldest wait first: `AT_ONCE` of them here, each further one, and one that raises, by a job of its own (`reach`), so that
    neither their number nor a damaged one among them holds up the others. The answer names all of them, and those that the signal started, but none
    that is suspended.
    """
    name, payload = _checked(services, command.name, command.payload)
    waiting = [one for one in uow.waiting.instances(name) if one[0] != sender]
    starts = uow.definitions.starts("signal", name)
    chain = reaching(chain, len(starts) + len(waiting))
    signal: dict[str, Json] = {"name": name, "payload": payload, "chain": chain}
    first, rest = [one for one, _ in waiting[:AT_ONCE]], waiting[AT_ONCE:]
    uow.instances.lock(first)
    behind = uow.jobs.delivering(first)
    reached = [one for one in first if _reached(uow, services, one, signal, actor, at_once=one not in behind)]
    for begin in range(0, len(rest), TOGETHER):
        uow.jobs.add_new([_delivery(uow, services, one, signal) for one, _ in rest[begin : begin + TOGETHER]])
    if rest:
        uow.due_now()
    reached += [one for one, suspended in rest if not suspended]
    reached += [one for definition_id, element in starts if (one := _started(uow, services, definition_id, element, signal, actor)) is not None]
    for definition_id, element in uow.definitions.starts("signal", name, suspended=True):
        uow.jobs.hold_start(definition_id, _beginning(uow, services, definition_id, element, signal))
    return Correlation(tuple(reached))


def reach(uow: UnitOfWork, services: Services, due: Due, head: Head) -> None:
    """A signal for one instance, which is locked. One that waits for it no more does not get it; one that was suspended meanwhile gets it later."""
    signal = due.parameters
    if head.state == "suspended":
        uow.jobs.add(replace(due, state="suspended"))
        return
    uow.jobs.remove(due.id)
    if head.state == "active" and uow.waiting.waits(head.instance_id, str(signal["name"])):
        advance(uow, services, head, _input(signal), SYSTEM)


def _reached(uow: UnitOfWork, services: Services, instance_id: str, signal: Mapping[str, Json], actor: Actor, *, at_once: bool) -> bool:
    """Does the instance get it, now or by a job that is due? It is locked since it was found waiting, and may have ended before.

    Not at once where another signal is on its way: they come in the order in which they were sent.
    """
    head = uow.instances.head(instance_id, lock=True)
    if head is None or not uow.waiting.waits(instance_id, str(signal["name"])):
        return False
    delivery = _delivery(uow, services, instance_id, signal)
    if head.state == "suspended":
        uow.jobs.add_new([replace(delivery, state="suspended")])
        return False
    if not at_once or uow.attempt(lambda: advance(uow, services, head, _input(signal), actor)) is not None:
        uow.jobs.add_new([delivery])
        uow.due_now()
    return True


def _started(uow: UnitOfWork, services: Services, definition_id: str, element: str, signal: Mapping[str, Json], actor: Actor) -> str | None:
    """The instance that its start event begins; None when that raises, and is left to a job."""
    due, begun = _beginning(uow, services, definition_id, element, signal), list[str]()
    if uow.attempt(lambda: begun.append(begin(uow, services, due, actor).instance_id)) is not None:
        uow.jobs.add_new([due])
        uow.due_now()
        return None
    return begun[0]


def begin(uow: UnitOfWork, services: Services, due: Due, actor: Actor) -> InstanceRef:
    """The instance that a signal starts, as a job of the kind `begin` tells it."""
    definition = services.library.definition(uow.definitions, str(due.parameters["definition"]))
    return instances.begin(uow, services, definition, payload_of(due.parameters), actor, start_element=due.element_id, chain=chain_of(due.parameters))


def _input(signal: Mapping[str, Json]) -> inp.DeliverSignal:
    return inp.DeliverSignal(str(signal["name"]), payload_of(signal), chain_of(signal))


def payload_of(parameters: Mapping[str, Json]) -> dict[str, Json]:
    """What a message or signal on its way brings."""
    payload = parameters.get("payload")
    return dict(payload) if isinstance(payload, Mapping) else {}


def chain_of(parameters: Mapping[str, Json]) -> int:
    """Of cause (`engine.model.chains`)."""
    return int(str(parameters.get("chain", 0)))


def _delivery(uow: UnitOfWork, services: Services, instance_id: str, signal: Mapping[str, Json]) -> Due:
    return Due(services.identifiers.new(), "deliver", instance_id, None, "", None, signal, uow.now)


def _beginning(uow: UnitOfWork, services: Services, definition_id: str, element: str, signal: Mapping[str, Json]) -> Due:
    parameters = {"definition": definition_id, "payload": signal["payload"], "chain": signal["chain"]}
    return Due(services.identifiers.new(), "begin", None, None, element, None, parameters, uow.now)


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
