"""Key figures of the procedure (clause 7.2.7) over a span of months, each with its counts, its interval and the reports behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from processes.service_report import tables
from processes.service_report.metrics import FEWEST_FOR_A_RATE
from processes.service_report.statistics import rounded, wilson

TARGETS: Mapping[str, float] = {"timeliness": 100.0, "reached": 60.0, "csat": 90.0, "on_time_response": 95.0, "on_time_resolution": 95.0}
REPORT_METRICS = ("timeliness", "completeness", "accuracy", "right_first_time")


@dataclass(frozen=True, slots=True)
class Span:
    """Whole months, both ends included, `YYYY-MM`, in a zone."""

    first: str
    last: str
    zone: str

    def bounds(self) -> tuple[datetime, datetime]:
        """[start, end) in UTC."""
        return _month(self.first, self.zone), _month(_next(self.last), self.zone)


def _month(text: str, zone: str) -> datetime:
    year, month = map(int, text.split("-"))
    return datetime(year, month, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _next(text: str) -> str:
    year, month = map(int, text.split("-"))
    return f"{year + month // 12:04d}-{month % 12 + 1:02d}"


def last_months(now: datetime, zone: str, count: int = 12) -> Span:
    """The month of `now` and the ones before it."""
    local = now.astimezone(ZoneInfo(zone))
    index = local.year * 12 + local.month - 1
    first = index - count + 1
    return Span(f"{first // 12:04d}-{first % 12 + 1:02d}", f"{index // 12:04d}-{index % 12 + 1:02d}", zone)


@dataclass(frozen=True, slots=True)
class Figure:
    """One key figure. `value`, `low`, `high` in percent, None where there are too few; `status`: ok, too_few, no_data."""

    key: str
    successes: int
    n: int
    value: float | None
    low: float | None
    high: float | None
    target: float | None
    status: str


def figure(key: str, successes: int, n: int) -> Figure:
    """The rate with its 95 % Wilson interval; below five observations counts only; nothing over nothing is no data."""
    interval = wilson(successes, n) if n >= FEWEST_FOR_A_RATE else None
    ends = (rounded(interval[0] * 100, 2), rounded(interval[1] * 100, 2)) if interval else (None, None)
    status = "ok" if interval else ("too_few" if n else "no_data")
    return Figure(key, successes, n, rounded(100 * successes / n, 2) if interval else None, *ends, TARGETS.get(key), status)


@dataclass(frozen=True, slots=True)
class Counted:
    """One report of a numerator: whether it counts, and in words of what."""

    report: Mapping[str, Any]
    good: bool
    weight: int = 1
    of: int = 1


def due_reports(connection: Connection, span: Span, now: datetime) -> list[Mapping[str, Any]]:
    """Reports whose due date lies in the span and is past, or that were submitted before it."""
    start, end = span.bounds()
    r = tables.report
    query = select(r).where(r.c.due_at >= start, r.c.due_at < end, r.c.status != "void").order_by(r.c.due_at, r.c.report_no)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [row for row in rows if row["due_at"] <= now or row["first_submitted_at"] is not None]


def counted(metric: str, rows: Sequence[Mapping[str, Any]]) -> list[Counted]:
    """The denominator of a metric, each report with its part of the numerator."""
    submitted = [r for r in rows if r["first_submitted_at"] is not None]
    if metric == "timeliness":
        return [Counted(r, _timely(r)) for r in rows]
    if metric == "completeness":
        return [Counted(r, bool(r["first_complete"])) for r in submitted]
    if metric == "accuracy":
        checked = [r for r in submitted if r["figures_checked"]]
        return [Counted(r, r["figures_matched"] == r["figures_checked"], r["figures_matched"], r["figures_checked"]) for r in checked]
    if metric == "right_first_time":
        return [Counted(r, _timely(r) and r["rounds"] == 1 and r["status"] == "archived") for r in rows]
    raise KeyError(metric)


def _timely(row: Mapping[str, Any]) -> bool:
    return row["first_submitted_at"] is not None and row["first_submitted_at"] <= row["due_at"]


def reports_figures(rows: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Timeliness, completeness, accuracy, timely and right first time."""
    out = []
    for metric in REPORT_METRICS:
        found = counted(metric, rows)
        good = sum(c.weight for c in found) if metric == "accuracy" else sum(c.good for c in found)
        out.append(figure(metric, good, sum(c.of for c in found)))
    return out


def callback_figures(connection: Connection, span: Span) -> tuple[list[Figure], float | None]:
    """Reached and satisfied of the calls in the span; the mean score."""
    start, end = span.bounds()
    k = tables.callback
    rows = list(connection.execute(select(k).where(k.c.recorded_at >= start, k.c.recorded_at < end)).mappings())
    scores = [r["score"] for r in rows if r["reached"] and r["score"] is not None]
    reached = sum(bool(r["reached"]) for r in rows)
    mean = rounded(sum(scores) / len(scores), 2) if scores else None
    return [figure("reached", reached, len(rows)), figure("csat", sum(s >= 4 for s in scores), len(scores))], mean


def service_figures(rows: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """On-time response and resolution summed over the archived reports of the span."""
    out = []
    for metric in ("on_time_response", "on_time_resolution"):
        results = [s for r in rows if r["status"] == "archived" for s in (r["figures"] or {}).get("sla_results", ()) if s["metric_id"] == metric]
        measured = [s for s in results if s["successes"] is not None]
        out.append(figure(metric, sum(s["successes"] for s in measured), sum(s["n"] for s in measured)))
    return out


def by_month(rows: Sequence[Mapping[str, Any]], zone: str) -> list[dict[str, Any]]:
    """Reports due and submitted in time by the month of their due date."""
    months: dict[str, dict[str, Any]] = {}
    for row in rows:
        key = row["due_at"].astimezone(ZoneInfo(zone)).strftime("%Y-%m")
        month = months.setdefault(key, {"month": key, "due": 0, "timely": 0})
        month["due"] += 1
        month["timely"] += _timely(row)
    return [months[key] for key in sorted(months)]


def open_reports(connection: Connection, now: datetime) -> dict[str, int]:
    """What needs attention now: open, overdue and not submitted, returned."""
    r = tables.report
    rows = list(connection.execute(select(r.c.status, r.c.due_at, r.c.first_submitted_at).where(r.c.status.not_in(("archived", "void")))).mappings())
    return {
        "open": len(rows),
        "overdue": sum(row["first_submitted_at"] is None and row["due_at"] < now for row in rows),
        "returned": sum(row["status"] == "returned" for row in rows),
    }
