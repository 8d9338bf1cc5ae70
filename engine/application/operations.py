"""What those who mend may see: open elements with their jobs, stuck jobs, bulk operations, who suspended a version. Part of `Reading`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeVar

from engine.application import open_elements
from engine.application.advance import caught_up
from engine.application.read_model import Queries
from engine.application.services import Services
from engine.application.stuck_jobs import DISCARDABLE
from engine.errors import NotFound
from engine.identity import policy
from engine.model.actors import Actor
from engine.model.stuck_jobs import JobAct, StuckJob
from engine.model.views import BulkItem, BulkRow, DefinitionAct, IncidentFilter, IncidentRow, InstanceRow, Page
from engine.model.waits import OpenElement

READ = "incident.read"
OPERATE = "instance.operate"
T = TypeVar("T", IncidentRow, StuckJob)


class _Reads(Protocol):
    queries: Queries
    now: datetime
    _services: Services

    def instance(self, actor: Actor, instance_id: str) -> InstanceRow: ...


def _require_sight(reads: _Reads, actor: Actor, instance_id: str | None) -> None:
    """Of one instance, or of all."""
    if instance_id is None:
        policy.require(actor, READ)
    else:
        reads.instance(actor, instance_id)


def _for(actor: Actor, found: Sequence[T]) -> list[T]:
    """The stack is for operators only."""
    return list(found) if policy.allows(actor, OPERATE) else [replace(one, stack=None) for one in found]


class OperationsReading:
    """Mixed into `engine.application.queries.Reading`. Raises NotAllowed, NotFound."""

    def open_elements(self: _Reads, actor: Actor, instance_id: str) -> list[OpenElement]:
        """Each open element once, oldest first, with what it waits for, also at its boundary; then event subprocesses that wait for their start."""
        policy.require(actor, READ)
        self.instance(actor, instance_id)
        head = self.queries.head(instance_id)
        if head is None or not head.open:
            return []
        with caught_up(self.queries.stored, self._services, head) as execution:
            tokens = execution.open_tokens()
        jobs = self.queries.operations.jobs_of(instance_id)
        return open_elements.shown(instance_id, tokens, jobs, self.now, suspended=head.state == "suspended")

    def move_targets(self: _Reads, actor: Actor, instance_id: str, key: int) -> Sequence[str]:
        """Elements to which the token of the open element `key` can be moved."""
        policy.require(actor, READ)
        self.instance(actor, instance_id)
        head = self.queries.head(instance_id)
        if head is None or head.state != "active":
            return ()
        with caught_up(self.queries.stored, self._services, head) as execution:
            return execution.targets(key)

    def incidents(self: _Reads, actor: Actor, instance_id: str | None = None, *, open_only: bool = False) -> list[IncidentRow]:
        """Of one instance, or of all; the stack for operators only."""
        _require_sight(self, actor, instance_id)
        return _for(actor, self.queries.incidents(instance_id, open_only=open_only))

    def incident_page(self: _Reads, actor: Actor, wanted: IncidentFilter) -> Page[IncidentRow]:
        """The same page by page."""
        _require_sight(self, actor, wanted.instance_id)
        page = self.queries.incident_page(wanted)
        return Page(_for(actor, page.rows), page.next)

    def open_incidents(self: _Reads, actor: Actor) -> int:
        """How many stand."""
        policy.require(actor, READ)
        return self.queries.open_incidents()

    def stuck_jobs(self: _Reads, actor: Actor, cursor: str | None = None) -> Page[StuckJob]:
        """Jobs that failed for good without an incident."""
        policy.require(actor, READ)
        page = self.queries.operations.stuck(cursor)
        found = [replace(one, discardable=one.kind in DISCARDABLE) for one in page.rows]
        return Page(_for(actor, found), page.next)

    def job_acts(self: _Reads, actor: Actor) -> list[JobAct]:
        """The newest acts on such jobs."""
        policy.require(actor, READ)
        return self.queries.operations.job_acts()

    def bulks(self: _Reads, actor: Actor) -> list[BulkRow]:
        """The newest ones."""
        policy.require(actor, READ)
        return self.queries.operations.bulks.newest()

    def bulk(self: _Reads, actor: Actor, bulk_id: str) -> BulkRow:
        """One of them."""
        policy.require(actor, READ)
        found = self.queries.operations.bulks.get(bulk_id)
        if found is None:
            raise NotFound(kind="bulk operation", id=bulk_id)
        return found

    def bulk_items(self: _Reads, actor: Actor, bulk_id: str, state: str | None = None, after: int = 0) -> Page[BulkItem]:
        """Items of one state, or all, by number; `next` is the `after` of the following page."""
        policy.require(actor, READ)
        return self.queries.operations.bulks.items(bulk_id, state, after)

    def definition_acts(self: _Reads, actor: Actor, definition_id: str) -> list[DefinitionAct]:
        """Who suspended and resumed a version, newest first."""
        policy.require(actor, "process.read")
        return self.queries.operations.definition_acts(definition_id)
