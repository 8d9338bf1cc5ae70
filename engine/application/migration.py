"""Migration of running instances to another version: the proposed plan, what stands in the way of single ones, carrying it out, taking it back.

What makes sense in the diagrams is judged by the interpreter (`engine.bpmn.migration`); the same act on many is in `engine.application.bulk`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from engine.application.advance import advance, called_by, execution_at, open_head, pure
from engine.application.interventions import OPERATE, because
from engine.application.read_model import Queries
from engine.application.services import Services
from engine.errors import InvalidInput, LimitExceeded, MigrationNotUndone, MigrationProblem, NotFound
from engine.history.transition import RecordedCalls
from engine.identity import policy
from engine.model import inputs as inp
from engine.model.actors import Actor
from engine.model.migration import CheckedInstance, Migrate, MigrationPlan, UndoMigration, inverse
from engine.model.records import Record
from engine.model.views import InstanceRef
from engine.ports import FIND_CALLED, Definitions, Head, UnitOfWork

CHECKED = 200
"""So many instances are looked at in one check: each is brought up to date for it."""
PLAN_ENTRIES = 10_000
TOGETHER = 20
"""So many records are read at once."""


# --- commands ----------------------------------------------------------------------------------------------------------
def migrate(uow: UnitOfWork, services: Services, command: Migrate, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Also of a suspended instance. Raises NotAllowed, NotFound, InstanceNotActive, InvalidInput, MigrationRefused with every reason."""
    policy.require(actor, OPERATE)
    why = because(services, command.reason)
    head = open_head(uow, command.instance_id)
    input = _order(uow.definitions, services, head, command.definition_id, command.plan, why)
    return advance(uow, services, head, input, actor, request_id)


def undo(uow: UnitOfWork, services: Services, command: UndoMigration, actor: Actor, request_id: str | None = None) -> InstanceRef:
    """Only while the migration is the last record but for remarks and files. Raises NotAllowed, NotFound, InstanceNotActive, MigrationNotUndone."""
    policy.require(actor, OPERATE)
    why = because(services, command.reason)
    head = open_head(uow, command.instance_id)
    record = _last_happening(uow, head)
    last = record.input if record is not None else None
    if record is None or not isinstance(last, inp.MigrateInstance) or last.undoes:
        raise MigrationNotUndone(id=head.instance_id)
    before = services.library.definition(uow.definitions, last.source)
    input = inp.MigrateInstance(head.definition_id, before.id, before.content_hash, inverse(last.plan), why, undoes=record.seq)
    return advance(uow, services, head, input, actor, request_id)


def _last_happening(uow: UnitOfWork, head: Head) -> Record | None:
    """The newest record that is no remark and no file."""
    for until in range(head.seq, 0, -TOGETHER):
        for record in reversed(uow.records.of(head.instance_id, after=max(0, until - TOGETHER), until=until)):
            if not isinstance(record.input, inp.NOTES):
                return record
    return None


def _order(store: Definitions, services: Services, head: Head, definition_id: str, plan: Mapping[str, str] | None, why: str) -> inp.MigrateInstance:
    """What the interpreter is told. Raises NotFound, InvalidInput."""
    target = services.library.definition(store, definition_id)
    if target.id == head.definition_id:
        raise InvalidInput(f"Instance {head.instance_id} runs under {target.id} already.")
    mapping = _propose(store, services, head.definition_id, target.id).mapping if plan is None else checked_plan(services, plan)
    return inp.MigrateInstance(head.definition_id, target.id, target.content_hash, mapping, why)


def checked_plan(services: Services, plan: Mapping[str, str]) -> dict[str, str]:
    """A plan from outside in canonical form. Raises InvalidInput, LimitExceeded."""
    if len(plan) > PLAN_ENTRIES:
        raise LimitExceeded(what="number of elements in the plan", value=len(plan), limit=PLAN_ENTRIES)
    if not all(isinstance(key, str) and isinstance(value, str) for key, value in plan.items()):
        raise InvalidInput("A plan names an element for an element.")
    return dict(pure(services, dict(plan), "size of the plan"))


def _propose(store: Definitions, services: Services, source: str, target: str) -> MigrationPlan:
    """From the difference of two diagrams. Raises NotFound."""
    library = services.library
    old, new = library.definition(store, source), library.definition(store, target)
    return library.interpreter.migration((library.model(store, old), old.id), (library.model(store, new), new.id))


# --- reading ------------------------------------------------------------------------------------------------------------
class _Reads(Protocol):
    queries: Queries
    now: datetime
    _services: Services


class MigrationReading:
    """Mixed into `engine.application.queries.Reading`. Raises NotAllowed, NotFound."""

    def migration_plan(self: _Reads, actor: Actor, source: str, target: str) -> MigrationPlan:
        """What the engine proposes."""
        policy.require(actor, "process.read")
        return _propose(self.queries.definitions, self._services, source, target)

    def check_migration(
        self: _Reads, actor: Actor, definition_id: str, instance_ids: Sequence[str], plan: Mapping[str, str] | None = None
    ) -> list[CheckedInstance]:
        """What would happen to each, at most `CHECKED`; nothing is changed. Raises LimitExceeded."""
        policy.require(actor, OPERATE)
        if len(instance_ids) > CHECKED:
            raise LimitExceeded(what="number of instances", value=len(instance_ids), limit=CHECKED)
        return [_checked(self.queries, self._services, self.now, one, definition_id, plan) for one in dict.fromkeys(instance_ids)]


def _checked(
    queries: Queries, services: Services, now: datetime, instance_id: str, definition_id: str, plan: Mapping[str, str] | None
) -> CheckedInstance:
    head = queries.head(instance_id)
    if head is None:
        raise NotFound(kind="process instance", id=instance_id)
    if not head.open:
        return CheckedInstance(instance_id, head.business_key, head.state, (MigrationProblem("ended"),))
    if head.definition_id == definition_id:
        return CheckedInstance(instance_id, head.business_key, head.state, (MigrationProblem("there"),))
    store = queries.definitions
    input = _order(store, services, head, definition_id, plan, "")
    functions = {**services.functions, FIND_CALLED: lambda source, process_id: called_by(store, services, source, process_id)}
    execution = execution_at(queries.stored, services, head)
    with services.library.at(store):
        problems = execution.migration_problems(input, now, RecordedCalls(functions))
    services.live.put(instance_id, head.seq, execution)  # one that failed in an unforeseen way is not kept
    return CheckedInstance(instance_id, head.business_key, head.state, problems)
