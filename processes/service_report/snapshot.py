"""Freezes what a report's figures are computed from: the project's tickets, SLA, calendar, maintenance, in canonical JSON.

After this nothing is read from the tables again: `metrics.compute(snapshot)` gives the figures at any later time.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from engine.plugins import iso
from processes.service_report import tables
from processes.service_report.business_days import working
from processes.service_report.metrics import Period
from processes.service_report.settings import Settings

SCHEMA = 1


class TooManyTickets(ValueError):
    """The period holds more tickets than a snapshot may."""


def build(connection: Connection, project_id: str, first: str, last: str, settings: Settings) -> dict[str, Any]:
    """The snapshot of a project for the local days `first` to `last`. Raises LookupError for an unknown project, TooManyTickets."""
    project = connection.execute(select(tables.project).where(tables.project.c.id == project_id)).mappings().one_or_none()
    if project is None:
        raise LookupError(f"no project {project_id!r}")
    zone = project["time_zone"]
    period = Period(first, last, zone)
    begins = max(period.year_before()[0], project["starts_on"])
    window = Period(min(begins, first), last, zone)
    tickets = _tickets(connection, project_id, window, int(settings["max_snapshot_tickets"]))
    times = _sla_times(connection, project_id, project["sla_version"])
    return {
        "schema": SCHEMA,
        "project": {"id": project_id, "name": project["name"], "customer": project["customer_id"], "contract_no": project["contract_no"]},
        "period": {"start": first, "end": last, "time_zone": zone},
        "window": {"from": iso(window.start), "to": iso(window.end)},
        "sla": {"version": project["sla_version"], "times": times, "targets": _sla_targets(connection, project_id, project["sla_version"])},
        "calendar": _calendar(window, settings, any(row["clock"] == "working" for row in times)),
        "maintenance": _maintenance(connection, project_id, window),
        "sources": _sources(connection, {row["import_id"] for row in tickets}),
        "tickets": [_ticket(row) for row in tickets],
    }


def _tickets(connection: Connection, project_id: str, window: Period, limit: int) -> list[Any]:
    """Opened in the window, or still open when it began (they are its backlog)."""
    t = tables.ticket
    still_open = and_(
        t.c.opened_at < window.start,
        or_(t.c.resolved_at.is_(None), t.c.resolved_at >= window.start),
        or_(t.c.closed_at.is_(None), t.c.closed_at >= window.start),
    )
    query = (
        select(t)
        .where(t.c.project_id == project_id, t.c.opened_at < window.end, or_(t.c.opened_at >= window.start, still_open))
        .order_by(t.c.number)
        .limit(limit + 1)
    )
    rows = list(connection.execute(query).mappings())
    if len(rows) > limit:
        raise TooManyTickets(f"more than {limit} tickets in the window of the report")
    return rows


def _ticket(row: Any) -> dict[str, Any]:
    def text(moment: datetime | None) -> str | None:
        return iso(moment) if moment else None

    plain = ("number", "process", "title", "priority", "category", "location", "ci", "close_code", "pauses", "downtime_min", "made_sla")
    moments = ("opened_at", "responded_at", "resolved_at", "closed_at")
    out = {name: row[name] for name in (*plain, "reopen_count", "synthetic")}
    return out | {name: text(row[name]) for name in moments}


def _sla_times(connection: Connection, project_id: str, version: str) -> list[dict[str, Any]]:
    t = tables.sla_time
    query = select(t).where(t.c.project_id == project_id, t.c.sla_version == version).order_by(t.c.priority)
    names = ("priority", "response_min", "resolution_min", "clock")
    return [{name: row[name] for name in names} for row in connection.execute(query).mappings()]


def _sla_targets(connection: Connection, project_id: str, version: str) -> list[dict[str, Any]]:
    t = tables.sla_target
    query = select(t).where(t.c.project_id == project_id, t.c.sla_version == version).order_by(t.c.position, t.c.metric_id)
    names = ("metric_id", "name", "unit", "comparator", "target")
    return [{name: row[name] for name in names} for row in connection.execute(query).mappings()]


def _calendar(window: Period, settings: Settings, needed: bool) -> dict[str, Any]:
    """Days off of the window, only where some target runs on office hours."""
    out: dict[str, Any] = {"opens": settings["office_opens"], "closes": settings["office_closes"], "days_off": [], "estimated": False}
    day: date = window.first
    while needed and day <= window.last:
        is_working, estimated = working(day, settings.overrides)
        if not is_working:
            out["days_off"].append(day.isoformat())
        out["estimated"] = out["estimated"] or estimated
        day += timedelta(days=1)
    return out


def _maintenance(connection: Connection, project_id: str, window: Period) -> list[dict[str, str]]:
    t = tables.maintenance
    query = select(t).where(t.c.project_id == project_id, t.c.ends_at > window.start, t.c.starts_at < window.end).order_by(t.c.starts_at, t.c.id)
    return [{"from": iso(row["starts_at"]), "to": iso(row["ends_at"])} for row in connection.execute(query).mappings()]


def _sources(connection: Connection, ids: set[int | None]) -> list[dict[str, Any]]:
    """The imports that the tickets came from, with the SHA-256 of each file."""
    t = tables.ticket_import
    query = select(t).where(t.c.id.in_([i for i in ids if i is not None])).order_by(t.c.id)
    return [
        {"name": row["file_name"], "sha256": row["sha256"], "imported_at": iso(row["imported_at"]), "rows": row["rows"]}
        for row in connection.execute(query).mappings()
    ]
