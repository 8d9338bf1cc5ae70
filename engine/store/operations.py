"""SQL of what operators see: jobs of an instance, stuck jobs, acts on definitions. No policy, no bulk operations' own SQL."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.model.stuck_jobs import JobAct, StuckJob
from engine.model.values import iso
from engine.model.views import DefinitionAct, Page
from engine.ports import OF_ELEMENTS, Due
from engine.store import rows
from engine.store.bulks import SqlBulks
from engine.store.operation_tables import definition_act, job_act
from engine.store.paging import decode_cursor, encode_cursor, following
from engine.store.tables import job
from engine.store.work import told_of

STUCK = 50  # on a page


class SqlOperations:
    """Port OperationsQueries."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.bulks = SqlBulks(connection)

    def jobs_of(self, instance_id: str) -> dict[int, Due]:
        """Jobs of the elements of an instance, by key."""
        found = self._connection.execute(sa.select(job).where(job.c.instance_id == instance_id, job.c.kind.in_(OF_ELEMENTS)))
        return {row.key: rows.due(row) for row in found}

    def stuck(self, cursor: str | None) -> Page[StuckJob]:
        """Oldest first."""
        order = (job.c.due_at, job.c.number)
        query = sa.select(job).where(job.c.state == "failed", sa.not_(told_of()))
        after = decode_cursor(cursor, datetime, int)
        if after is not None:
            query = query.where(following(order, after, descending=False))
        jobs = self._connection.execute(query.order_by(*order).limit(STUCK + 1)).all()
        found = [StuckJob(r.id, r.kind, r.element_id or r.handler or "", r.instance_id, r.due_at, _last_line(r.stack), r.stack) for r in jobs[:STUCK]]
        return Page(found, encode_cursor(iso(jobs[STUCK - 1].due_at), jobs[STUCK - 1].number) if len(jobs) > STUCK else None)

    def job_acts(self) -> list[JobAct]:
        """Newest first, at most 50."""
        found = self._connection.execute(sa.select(job_act).order_by(job_act.c.number.desc()).limit(50))
        return [JobAct(r.job_id, r.kind, r.element_id, r.instance_id, r.act, r.at, r.actor, r.reason) for r in found]

    def definition_acts(self, definition_id: str) -> list[DefinitionAct]:
        """Newest first."""
        query = sa.select(definition_act).where(definition_act.c.definition_id == definition_id).order_by(definition_act.c.number.desc())
        return [DefinitionAct(r.definition_id, r.act, r.at, r.actor, r.reason) for r in self._connection.execute(query)]


def _last_line(stack: str | None) -> str:
    """What was raised, without where."""
    return (stack or "").strip().rpartition("\n")[2]
