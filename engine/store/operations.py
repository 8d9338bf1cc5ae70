"""SQL of what operators see: jobs and tasks of an instance, stuck jobs, acts on definitions. No policy, no bulk operations' own SQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.model.stuck_jobs import JobAct, StuckJob
from engine.model.views import DefinitionAct, OpenElement
from engine.store.bulks import SqlBulks
from engine.store.operation_tables import definition_act, job_act
from engine.store.tables import job, subscription
from engine.store.task_tables import user_task

OF_ELEMENTS = ("timer", "service", "answer")


class SqlOperations:
    """Port OperationsQueries."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.bulks = SqlBulks(connection)

    def waits(self, instance_id: str) -> dict[int, OpenElement]:
        """By key: open user tasks, jobs and subscriptions of an instance."""
        found: dict[int, OpenElement] = {}
        for table, kind in ((subscription, subscription.c.kind), (user_task, sa.literal("task"))):
            query = sa.select(table.c.key, table.c.element_id, kind.label("kind")).where(table.c.instance_id == instance_id)
            if table is user_task:
                query = query.where(user_task.c.state == "open")
            for row in self._connection.execute(query):
                found[row.key] = OpenElement(f"{instance_id}-{row.key}", row.element_id, row.kind)
        for row in self._connection.execute(sa.select(job).where(job.c.instance_id == instance_id, job.c.kind.in_(OF_ELEMENTS))):
            found[row.key] = _job(row)
        return found

    def stuck(self) -> list[StuckJob]:
        """Oldest first, at most 200."""
        where = (job.c.state == "failed", job.c.kind.not_in(OF_ELEMENTS))
        rows = self._connection.execute(sa.select(job).where(*where).order_by(job.c.due_at, job.c.number).limit(200))
        return [StuckJob(r.id, r.kind, r.element_id or r.handler or "", r.instance_id, r.due_at, _last_line(r.stack), r.stack) for r in rows]

    def job_acts(self) -> list[JobAct]:
        """Newest first, at most 50."""
        found = self._connection.execute(sa.select(job_act).order_by(job_act.c.number.desc()).limit(50))
        return [JobAct(r.job_id, r.kind, r.element_id, r.instance_id, r.act, r.at, r.actor, r.reason) for r in found]

    def definition_acts(self, definition_id: str) -> list[DefinitionAct]:
        """Newest first."""
        query = sa.select(definition_act).where(definition_act.c.definition_id == definition_id).order_by(definition_act.c.number.desc())
        return [DefinitionAct(r.definition_id, r.act, r.at, r.actor, r.reason) for r in self._connection.execute(query)]


def _job(row: Any) -> OpenElement:
    kind = "timer" if row.kind == "timer" else "job"
    return OpenElement(row.id, row.element_id, kind, row.state, row.attempts, row.retries, row.due_at)


def _last_line(stack: str | None) -> str:
    """What was raised, without where."""
    return (stack or "").strip().rpartition("\n")[2]
