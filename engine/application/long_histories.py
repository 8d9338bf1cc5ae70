"""What is read of an instance without reading all of its history, however long that is. Part of `Reading`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from engine.application.advance import caught_up
from engine.application.read_model import Queries
from engine.application.services import Services
from engine.history import replay
from engine.model.actors import Actor
from engine.model.records import Record
from engine.model.values import Json, purify
from engine.model.views import InstanceRow, Page
from engine.ports import CONTINUATION


class _Reads(Protocol):
    queries: Queries
    _services: Services

    def instance(self, actor: Actor, instance_id: str) -> InstanceRow: ...
    def _records(self, instance_id: str) -> list[Record]: ...


class LongHistoryReading:
    """Mixed into `engine.application.queries.Reading`. Raises NotAllowed, NotFound."""

    def variables(self: _Reads, actor: Actor, instance_id: str) -> dict[str, Json]:
        """Of the instance scope, as of the last record: of an open instance those that it goes on with, of one that ended from its records."""
        self.instance(actor, instance_id)
        head = self.queries.head(instance_id)
        if head is None or not head.open:
            return dict(replay.frame_at(self._records(instance_id), 1 << 31).variables)
        with caught_up(self.queries.stored, self._services, head) as execution:
            return dict(purify(execution.variables()))  # a copy: somebody else may have the execution next

    def record_page(self: _Reads, actor: Actor, instance_id: str, after: int, size: int) -> Page[Record]:
        """At most `size` records after that one; `next` is the number of the last of them when there are more."""
        self.instance(actor, instance_id)
        found = self.queries.record_page(instance_id, after, size + 1)
        return Page(found[:size], str(found[size - 1].seq) if len(found) > size else None)

    def has_work(self: _Reads, actor: Actor, instance_id: str, elements: Collection[str]) -> bool:
        """Is a service task, or what comes before or after it, on its way in one of these elements?"""
        self.instance(actor, instance_id)
        jobs = self.queries.operations.jobs_of(instance_id).values()
        return any(one.element_id in elements and (one.kind != "timer" or one.handler == CONTINUATION) for one in jobs)
