"""A few counts that say how an installation does; each is found by an index."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.store.tables import incident, job


def job_figures(connection: Connection, now: datetime) -> tuple[int, datetime | None, int, int]:
    """(due now and free, since when the oldest of them, held by somebody, without attempts left)"""
    due = (job.c.state == "due", job.c.due_at <= now)
    free = sa.or_(job.c.lease_until.is_(None), job.c.lease_until <= now)
    waiting, oldest = connection.execute(sa.select(sa.func.count(), sa.func.min(job.c.due_at)).where(*due, free)).one()
    held = connection.scalar(sa.select(sa.func.count()).select_from(job).where(*due, sa.not_(free)))
    failed = connection.scalar(sa.select(sa.func.count()).select_from(job).where(job.c.state == "failed"))
    return int(waiting), oldest, int(held or 0), int(failed or 0)


def open_incidents(connection: Connection) -> tuple[int, datetime | None]:
    """(how many, since when the oldest)"""
    query = sa.select(sa.func.count(), sa.func.min(incident.c.created_at)).where(incident.c.resolved_at.is_(None))
    count, oldest = connection.execute(query).one()
    return int(count), oldest
