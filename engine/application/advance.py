"""The one way in which an instance changes: input -> outcome -> record -> projections, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol

from engine.application.correlation import carried_key
from engine.application.notifications import announce
from engine.application.services import Services
from engine.application.stopwatch import CommandStopwatch
from engine.errors import InstanceNotActive, InstanceSuspended, LimitExceeded, NotFound
from engine.history.chain import seal
from engine.history.replay import began_under, catch_up
from engine.history.transition import RecordedCalls, step
from engine.model import codec
from engine.model import events as ev
from engine.model.actors import Actor
from engine.model.inputs import Input, MigrateInstance, StartInstance
from engine.model.records import Record
from engine.model.values import Json, canonical, purified, purify
from engine.model.views import InstanceRef
from engine.ports import FIND_CALLED, FIND_PROCESS, READ_STORE, Definitions, Due, Execution, Head, Instances, Records, UnitOfWork


class Stored(Protocol):
    """What is needed to bring an execution up to date: a unit of work, or the read side."""

    @property
    def records(self) -> Records: ...

    @property
    def instances(self) -> Instances: ...

    @property
    def definitions(self) -> Definitions: ...


def pure(services: Services, values: Any, what: str) -> Any:
    """A canonical copy of what came from outside. Raises InvalidInput for what is no JSON, LimitExceeded for too much of it."""
    data = canonical(values)
    if len(data) > services.limits.data_bytes:
        raise LimitExceeded(what=what, value=f"{len(data)} bytes", limit=f"{services.limits.data_bytes} bytes")
    return purified(data)


def head_of(uow: UnitOfWork, instance_id: str, *, active: bool = True) -> Head:
    """The instance, locked. Raises NotFound, InstanceNotActive, InstanceSuspended."""
    head = uow.instances.head(instance_id, lock=True)
    if head is None:
        raise NotFound(kind="process instance", id=instance_id)
    if active:
        require_active(head)
    return head


def require_active(head: Head) -> None:
    """Raises InstanceNotActive, InstanceSuspended."""
    if head.state == "suspended":
        raise InstanceSuspended(id=head.instance_id)
    if head.state != "active":
        raise InstanceNotActive(id=head.instance_id, state=head.state)


def open_head(uow: UnitOfWork, instance_id: str) -> Head:
    """The instance, active or suspended, locked. Raises NotFound, InstanceNotActive."""
    head = head_of(uow, instance_id, active=False)
    if not head.open:
        raise InstanceNotActive(id=instance_id, state=head.state)
    return head


def execution_at(history: Stored, services: Services, head: Head) -> Execution:
    """A live execution caught up to the head, and no further: from the cache, else from snapshot and the records after it.

    It leaves the cache; whoever took it gives it back with `services.live.put` when it still stands at a committed record.
    """
    held = services.live.take(head.instance_id)
    if held is None or held[0] > head.seq:
        return _rebuilt(history, services, head)
    seq, execution = held
    if seq < head.seq:
        with services.library.at(history.definitions):
            catch_up(execution, history.records.of(head.instance_id, after=seq, until=head.seq))
    return execution


@contextmanager
def caught_up(history: Stored, services: Services, head: Head) -> Iterator[Execution]:
    """The same to look at: it is given back. `advance` takes it again; not before it was read, because somebody else may take it."""
    execution = execution_at(history, services, head)
    try:
        yield execution
    finally:
        services.live.put(head.instance_id, head.seq, execution)


def _rebuilt(history: Stored, services: Services, head: Head) -> Execution:
    """From the snapshot, or from the start, under the definition that the instance had then."""
    stored = history.instances.snapshot(head.instance_id, services.engine_version)
    seq, state = stored if stored and stored[0] <= head.seq else (0, None)
    rest = history.records.of(head.instance_id, after=seq, until=head.seq) if seq < head.seq else []
    definition = services.library.definition(history.definitions, began_under(rest, head.definition_id))
    model = services.library.model(history.definitions, definition)
    with services.library.at(history.definitions):
        execution = services.library.interpreter.open(model, definition.process_id, head.instance_id, state)
        catch_up(execution, rest)
    return execution


def advance(uow: UnitOfWork, services: Services, head: Head, input: Input, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Append the next record of an instance. Raises what the interpreter refuses; nothing is written then."""
    if isinstance(input, StartInstance):
        definition = services.library.definition(uow.definitions, head.definition_id)
        execution = services.library.interpreter.open(services.library.model(uow.definitions, definition), head.process_id, head.instance_id)
    else:
        definition = services.library.definition(uow.definitions, head.definition_id)
        execution = execution_at(uow, services, head)
    input = codec.decode(purify(codec.encode(input)))  # as re-execution will read it from the record: same key order, same text form
    calls = RecordedCalls(host_functions(uow, services), stopwatch=CommandStopwatch(services.limits.command_seconds))
    with services.library.at(uow.definitions):
        events = step(execution, input, uow.now, calls)
    record = seal(
        instance_id=head.instance_id,
        seq=head.seq + 1,
        at=uow.now,
        actor=actor,
        definition_hash=definition.content_hash,
        engine_version=services.engine_version,
        request_id=request_id,
        input=input,
        calls=calls.made,
        events=events,
        previous=head.hash,
    )
    now = services.library.definition(uow.definitions, input.definition) if isinstance(input, MigrateInstance) else None
    home = (head.definition_id, head.process_id) if now is None else (now.id, now.process_id)
    after = Head(head.instance_id, *home, head.business_key, execution.state, record.seq, record.hash, head.started_by)
    uow.append(record, after)
    _send(uow, services, after, record, execution)
    announce(uow, services, after, record)
    _keep(uow, services, after, execution)
    return reference(record, after)


def host_functions(uow: UnitOfWork, services: Services) -> dict[str, Callable[..., Any]]:
    """What scripts may call, and what the interpreter itself asks for; each answer becomes part of the record."""
    return {
        **services.functions,
        READ_STORE: uow.stores.read,
        FIND_PROCESS: lambda process_id: _newest(uow, process_id),
        FIND_CALLED: lambda source, process_id: called_by(uow.definitions, services, source, process_id),
    }


def called_by(store: Definitions, services: Services, source: str, process_id: str) -> Json:
    """The version of a process that a definition calls: pinned, or of its own deployment."""
    definition = services.library.definition(store, source)
    found = store.of_deployment(definition.deployment_id).get(process_id) or definition.called.get(process_id)
    return None if found is None else {"definition": found}


def _newest(uow: UnitOfWork, process_id: str) -> Json:
    found = uow.definitions.latest(process_id)
    return None if found is None else {"definition": found.id, "hash": found.content_hash}


def reference(record: Record, head: Head) -> InstanceRef:
    """What a command on an instance answers."""
    created = [e.key for e in record.events if isinstance(e, ev.UserTaskCreated)]
    return InstanceRef(head.instance_id, record.seq, head.state, tuple(f"{head.instance_id}-{k}" for k in created))


_LEAVING = frozenset({ev.MessageSent, ev.SignalSent, ev.SubscriptionOpened, ev.JobCreated})


def _send(uow: UnitOfWork, services: Services, head: Head, record: Record, execution: Execution) -> None:
    """Messages and signals leave as jobs of the same transaction; a new wait finds a message that came early."""
    if _LEAVING.isdisjoint(map(type, record.events)):
        return
    due, leaving = False, list[Due]()
    for number, event in enumerate(record.events):
        job_id = f"{head.instance_id}-{record.seq}.{number}"
        match event:
            case ev.MessageSent():
                leaving.append(_post(uow, job_id, "message", head, event, event.correlation_key, execution.chain))
            case ev.SignalSent():
                leaving.append(_post(uow, job_id, "signal", head, event, None, execution.chain))
            case ev.SubscriptionOpened(kind="message"):
                leaving += _early(uow, services, job_id, head, event, execution.chain)
            case ev.JobCreated(kind="service") | ev.JobCreated(kind="timer", due=None):
                due = True
            case _:
                continue
    uow.jobs.add_new(leaving)
    if due or leaving:
        uow.due_now()


def _post(uow: UnitOfWork, job_id: str, kind: str, head: Head, event: ev.MessageSent | ev.SignalSent, key: str | None, chain: int) -> Due:
    parameters: dict[str, Json] = {
        "chain": chain,
        "name": event.name,
        "payload": dict(event.payload),
        "correlation_key": key,
        "business_key": head.business_key,
    }
    return Due(job_id, kind, head.instance_id, event.key, event.element, None, parameters, uow.now)


def _early(uow: UnitOfWork, services: Services, job_id: str, head: Head, event: ev.SubscriptionOpened, chain: int) -> list[Due]:
    key = event.correlation_key if event.correlation_key is not None else head.business_key
    accepts = None if not event.retrieval else lambda payload: carried_key(services, event.retrieval, payload, uow.now) == key
    kept = uow.waiting.take_kept(event.name, key, uow.now, accepts)
    if kept is None:
        return []
    parameters: dict[str, Json] = {"chain": chain, "name": event.name, "payload": dict(kept[1]), "correlation_key": kept[0], "business_key": None}
    return [Due(job_id, "message", None, None, event.element, None, parameters, uow.now)]


def _keep(uow: UnitOfWork, services: Services, head: Head, execution: Execution) -> None:
    if not head.open:
        return
    if head.seq % services.limits.snapshot_every == 0:
        uow.instances.keep_snapshot(head.instance_id, head.seq, services.engine_version, execution.snapshot())
    uow.after_commit.append(lambda: services.live.put(head.instance_id, head.seq, execution))


def later(uow: UnitOfWork, seconds: float) -> datetime:
    """Moment `seconds` after the unit of work's clock reading."""
    return uow.now + timedelta(seconds=seconds)
