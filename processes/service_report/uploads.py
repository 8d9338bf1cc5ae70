"""Uploaded files between preview and confirmation: kept a day, readable only by who uploaded them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from engine.plugins import sha256
from processes.service_report.tables import upload

KEPT = timedelta(days=1)


def keep(connection: Connection, actor: str, now: datetime, values: dict[str, Any]) -> str:
    """Keep `file_name`, `data`, `project_id`, `preset`, `time_zone`; give the id. Uploads that are older than a day go."""
    connection.execute(delete(upload).where(upload.c.at < now - KEPT))
    digest = sha256(values["data"])
    key = sha256(f"{actor}|{digest}|{values['project_id']}|{values['preset']}|{values['time_zone']}".encode())[:32]
    connection.execute(delete(upload).where(upload.c.id == key))
    connection.execute(insert(upload).values(id=key, by=actor, at=now, sha256=digest, **values))
    return key


def take(connection: Connection, key: str, actor: str) -> dict[str, Any] | None:
    """The upload, None when it is gone or somebody else's."""
    found = connection.execute(select(upload).where(upload.c.id == key, upload.c.by == actor)).mappings().one_or_none()
    return dict(found) if found is not None else None


def drop(connection: Connection, key: str) -> None:
    """It is imported."""
    connection.execute(delete(upload).where(upload.c.id == key))
