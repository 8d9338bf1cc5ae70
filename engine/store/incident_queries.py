"""SQL of the lists of incidents, no policy: newest first, by key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.model.values import iso
from engine.model.views import IncidentFilter, IncidentRow, Page
from engine.ports import OF_ELEMENTS
from engine.store import figures
from engine.store.paging import decode_cursor, encode_cursor, following, ordered, page_size
from engine.store.tables import incident, job, process_definition

OF_ONE = 500  # incidents that are told of one instance, if resolved ones are among them
_ORDER = (incident.c.created_at, incident.c.instance_id, incident.c.key, incident.c.seq)
_JOB = sa.and_(job.c.instance_id == incident.c.instance_id, job.c.key == incident.c.key, job.c.kind.in_(OF_ELEMENTS))
_WITH_JOB = sa.select(*incident.c, job.c.stack, job.c.attempts).select_from(incident.outerjoin(job, _JOB))


class IncidentQueries:
    """Part of the port Queries: incidents."""

    connection: Connection

    def incidents(self, instance_id: str | None, *, open_only: bool = False) -> list[IncidentRow]:
        """Newest first: all open ones of an instance, else at most `OF_ONE`."""
        wanted = IncidentFilter(instance_id=instance_id, open_only=open_only)
        query = _WITH_JOB.where(*_chosen(wanted)).order_by(*ordered(_ORDER, descending=True))
        return [_row(r) for r in self.connection.execute(query.limit(None if instance_id and open_only else OF_ONE))]

    def incident_page(self, wanted: IncidentFilter) -> Page[IncidentRow]:
        """Newest first."""
        query = _WITH_JOB.where(*_chosen(wanted))
        after = decode_cursor(wanted.cursor, datetime, str, int, int)
        if after is not None:
            query = query.where(following(_ORDER, after, descending=True))
        size = page_size(wanted.size)
        found = self.connection.execute(query.order_by(*ordered(_ORDER, descending=True)).limit(size + 1)).all()
        last = found[size - 1] if len(found) > size else None
        return Page(
            [_row(r) for r in found[:size]], None if last is None else encode_cursor(iso(last.created_at), last.instance_id, last.key, last.seq)
        )

    def open_incidents(self) -> int:
        """How many."""
        return figures.open_incidents(self.connection)[0]


def _chosen(wanted: IncidentFilter) -> list[sa.ColumnElement[bool]]:
    where = []
    if wanted.instance_id:
        where.append(incident.c.instance_id == wanted.instance_id)
    if wanted.process_id:
        versions = sa.select(process_definition.c.id).where(process_definition.c.process_id == wanted.process_id)
        where.append(incident.c.definition_id.in_(versions))
    if wanted.open_only:
        where.append(incident.c.resolved_at.is_(None))
    return where


def _row(r: Any) -> IncidentRow:
    return IncidentRow(
        f"{r.instance_id}-{r.key}", r.instance_id, r.element_id, r.cause, r.created_at, r.resolved_at, r.stack, r.kind, r.attempts or 0
    )
