"""Adapter of the port Bulks: bulk operations and their items."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.model.inputs import NOTES
from engine.model.values import Json, canonical
from engine.model.views import BulkItem, BulkRow, Page
from engine.store import rows
from engine.store.operation_tables import bulk, bulk_item
from engine.store.tables import incident, instance, record

TOGETHER = 5_000  # items in one statement
SHOWN = 100
EVEN_SUSPENDED = frozenset({"cancel", "change", "migrate", "undo"})
_LAST_HAPPENING = (
    sa.select(record.c.kind)
    .where(record.c.instance_id == instance.c.id, record.c.kind.not_in([one.__name__ for one in NOTES]))
    .order_by(record.c.seq.desc())
    .limit(1)
    .scalar_subquery()
)


class SqlBulks:
    """Port Bulks, and what pages show of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, row: BulkRow, targets: Sequence[str]) -> None:
        """All items at once."""
        self._connection.execute(
            bulk.insert().values(
                id=row.id,
                act=row.act,
                reason=row.reason,
                parameters=canonical(row.parameters).decode(),
                created_by=row.created_by,
                created_at=row.created_at,
                state=row.state,
                total=row.total,
                done=0,
                refused=0,
            )
        )
        items = [{"bulk_id": row.id, "number": n, "target": one[:128], "state": "waiting"} for n, one in enumerate(targets, 1)]
        for first in range(0, len(items), TOGETHER):
            self._connection.execute(bulk_item.insert(), items[first : first + TOGETHER])

    def fitting(self, act: str, definition_id: str, element: str | None, limit: int) -> list[str]:
        """Open incidents for a retry, else instances (undo: whose newest record but for remarks and files is a migration); oldest first."""
        if act == "retry":
            query = sa.select(incident.c.instance_id, incident.c.key).where(
                incident.c.definition_id == definition_id, incident.c.resolved_at.is_(None)
            )
            if element:
                query = query.where(incident.c.element_id == element)
            order = (incident.c.created_at, incident.c.instance_id, incident.c.key)
            return [f"{i}-{k}" for i, k in self._connection.execute(query.order_by(*order).limit(limit))]
        states = ("suspended",) if act == "resume" else ("active", "suspended") if act in EVEN_SUSPENDED else ("active",)
        instances = sa.select(instance.c.id).where(instance.c.definition_id == definition_id, instance.c.state.in_(states))
        if act == "undo":
            instances = instances.where(_LAST_HAPPENING == "MigrateInstance")
        return list(self._connection.scalars(instances.order_by(instance.c.started_at, instance.c.id).limit(limit)))

    def done(self, bulk_id: str, limit: int) -> list[str]:
        """By number."""
        where = (bulk_item.c.bulk_id == bulk_id, bulk_item.c.state == "done")
        return list(self._connection.scalars(sa.select(bulk_item.c.target).where(*where).order_by(bulk_item.c.number).limit(limit)))

    def incidents(self, instance_id: str) -> list[str]:
        """Open ones, oldest first."""
        query = sa.select(incident.c.key).where(incident.c.instance_id == instance_id, incident.c.resolved_at.is_(None))
        return [f"{instance_id}-{key}" for key in self._connection.scalars(query.order_by(incident.c.created_at, incident.c.key))]

    def get(self, bulk_id: str) -> BulkRow | None:
        """One operation."""
        row = self._connection.execute(sa.select(bulk).where(bulk.c.id == bulk_id)).first()
        return rows.bulk_row(row) if row else None

    def next_item(self, bulk_id: str) -> tuple[int, str] | None:
        """The first that waits."""
        where = (bulk_item.c.bulk_id == bulk_id, bulk_item.c.state == "waiting")
        row = self._connection.execute(sa.select(bulk_item.c.number, bulk_item.c.target).where(*where).order_by(bulk_item.c.number).limit(1)).first()
        return (row.number, row.target) if row else None

    def settle(self, bulk_id: str, number: int, refusal: Mapping[str, Json] | None, at: datetime) -> None:
        """And count it."""
        where = (bulk_item.c.bulk_id == bulk_id, bulk_item.c.number == number)
        values = {"state": "done" if refusal is None else "refused", "refusal": canonical(refusal).decode() if refusal is not None else None}
        self._connection.execute(bulk_item.update().where(*where).values(ended_at=at, **values))
        column = bulk.c.done if refusal is None else bulk.c.refused
        self._connection.execute(bulk.update().where(bulk.c.id == bulk_id).values({column: column + 1}))

    def end(self, bulk_id: str, state: str, at: datetime) -> None:
        """Nothing more happens in it."""
        self._connection.execute(bulk.update().where(bulk.c.id == bulk_id).values(state=state, ended_at=at))

    # --- for pages ------------------------------------------------------------------------------------------------------
    def newest(self) -> list[BulkRow]:
        """The last `SHOWN` operations."""
        return [rows.bulk_row(r) for r in self._connection.execute(sa.select(bulk).order_by(bulk.c.created_at.desc(), bulk.c.id).limit(SHOWN))]

    def items(self, bulk_id: str, state: str | None, after: int) -> Page[BulkItem]:
        """Items after that number; `next` is the number of the last one."""
        query = sa.select(bulk_item).where(bulk_item.c.bulk_id == bulk_id, bulk_item.c.number > after)
        if state is not None:
            query = query.where(bulk_item.c.state == state)
        found = self._connection.execute(query.order_by(bulk_item.c.number).limit(SHOWN + 1)).all()
        items = [_item(r.number, r.target, r.state, r.refusal) for r in found[:SHOWN]]
        return Page(items, str(items[-1].number) if len(found) > SHOWN else None)


def _item(number: int, target: str, state: str, refusal: str | None) -> BulkItem:
    said = json.loads(refusal) if refusal else {}
    return BulkItem(number, target, state, said.get("kind", ""), said.get("text", ""), said.get("data", {}))
