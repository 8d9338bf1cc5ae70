"""What can be measured on one ticket: elapsed minutes by the agreed clock, pauses left out, and whether a target was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket of a snapshot; moments are aware. `downtime` in minutes, None when the source does not know."""

    number: str
    process: str
    priority: str
    category: str
    location: str
    ci: str
    close_code: str
    opened: datetime
    responded: datetime | None
    resolved: datetime | None
    closed: datetime | None
    pauses: tuple[tuple[datetime, datetime], ...]
    downtime: int | None
    made_sla: bool | None
    reopens: int

    def done_by(self, moment: datetime) -> bool:
        """Resolved or closed before the moment."""
        return any(each is not None and each < moment for each in (self.resolved, self.closed))


def read_tickets(rows: Sequence[Mapping[str, Any]]) -> list[Ticket]:
    """Tickets from the snapshot's JSON."""

    def moment(row: Mapping[str, Any], name: str) -> datetime | None:
        text = row.get(name)
        return datetime.fromisoformat(text) if text else None

    return [
        Ticket(
            number=row["number"],
            process=row["process"],
            priority=row["priority"],
            category=row["category"],
            location=row["location"],
            ci=row["ci"],
            close_code=row["close_code"],
            opened=datetime.fromisoformat(row["opened_at"]),
            responded=moment(row, "responded_at"),
            resolved=moment(row, "resolved_at"),
            closed=moment(row, "closed_at"),
            pauses=tuple((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in row["pauses"]),
            downtime=row["downtime_min"],
            made_sla=row["made_sla"],
            reopens=row["reopen_count"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Clock:
    """The SLA's times by priority with the calendar that they run on."""

    times: Mapping[str, Mapping[str, Any]]
    zone: ZoneInfo
    opens: time
    closes: time
    holidays: frozenset[str]  # days of the window on which nobody works, ISO

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> Clock:
        """From the snapshot's `sla` and `calendar`."""
        calendar = snapshot["calendar"]
        return cls(
            times={row["priority"]: row for row in snapshot["sla"]["times"]},
            zone=ZoneInfo(snapshot["period"]["time_zone"]),
            opens=time.fromisoformat(calendar["opens"]),
            closes=time.fromisoformat(calendar["closes"]),
            holidays=frozenset(calendar["days_off"]),
        )

    def allowed(self, ticket: Ticket, kind: str) -> int | None:
        """Minutes that the SLA gives (`kind`: response_min or resolution_min), None where it says nothing."""
        row = self.times.get(ticket.priority)
        return row[kind] if row else None

    def minutes(self, ticket: Ticket, until: datetime) -> float:
        """Minutes from opening to `until` by the clock of the ticket's priority, pauses left out."""
        row = self.times.get(ticket.priority)
        measure = self._working if row and row["clock"] == "working" else _elapsed
        paused = sum(measure(max(a, ticket.opened), min(b, until)) for a, b in _merged(ticket.pauses) if a < until and b > ticket.opened)
        return measure(ticket.opened, until) - paused

    def _working(self, start: datetime, end: datetime) -> float:
        """Minutes within office hours of working days."""
        total = 0.0
        day: date = start.astimezone(self.zone).date()
        last = end.astimezone(self.zone).date()
        while day <= last:
            if day.isoformat() not in self.holidays:
                opens = datetime.combine(day, self.opens, self.zone)
                closes = datetime.combine(day, self.closes, self.zone)
                total += max(0.0, _elapsed(max(start, opens), min(end, closes)))
            day += timedelta(days=1)
        return total


def _elapsed(start: datetime, end: datetime) -> float:
    return (end.timestamp() - start.timestamp()) / 60


def _merged(pauses: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Overlapping pauses count once."""
    out: list[tuple[datetime, datetime]] = []
    for start, end in sorted(pauses):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        elif start < end:
            out.append((start, end))
    return out


def response_ok(ticket: Ticket, clock: Clock, cutoff: datetime) -> bool | None:
    """Whether the first response was in time; None when there is no agreed time, or it is still open and not yet due at the cut-off."""
    return _kept(ticket, clock, "response_min", ticket.responded, cutoff)


def resolution_ok(ticket: Ticket, clock: Clock, cutoff: datetime) -> bool | None:
    """As `response_ok` for the resolution. Where the SLA sets no time, the source system's own flag counts for resolved tickets."""
    if clock.allowed(ticket, "resolution_min") is None:
        return ticket.made_sla if ticket.resolved or ticket.closed else None
    return _kept(ticket, clock, "resolution_min", ticket.resolved or ticket.closed, cutoff)


def _kept(ticket: Ticket, clock: Clock, kind: str, reached: datetime | None, cutoff: datetime) -> bool | None:
    allowed = clock.allowed(ticket, kind)
    if allowed is None:
        return None
    if reached is None or reached >= cutoff:  # open at the cut-off: late once the time is up, else not yet measurable
        return False if clock.minutes(ticket, cutoff) > allowed else None
    return clock.minutes(ticket, reached) <= allowed


def restore_minutes(ticket: Ticket) -> float | None:
    """Real minutes from start to restoration of service (MTRS counts all of them, pauses included)."""
    return _elapsed(ticket.opened, ticket.resolved) if ticket.resolved else None
