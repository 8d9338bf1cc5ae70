"""ISO 8601 times as timers use them: a date-time, a duration (months and years by the calendar), or a cycle `R<n>/...`.

Pure arithmetic on given moments. A date-time without an offset is UTC. Horizon: 200 years; what lies beyond is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dateutil.relativedelta import relativedelta

from engine.errors import InvalidInput

_DURATION = re.compile(
    r"(?P<sign>[+-])?P(?!$)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+(?:[.,]\d+)?)D)?"
    r"(?:T(?!$)(?:(?P<hours>\d+(?:[.,]\d+)?)H)?(?:(?P<minutes>\d+(?:[.,]\d+)?)M)?(?:(?P<seconds>\d+(?:[.,]\d+)?)S)?)?"
)
HORIZON_YEARS = 200


@dataclass(frozen=True, slots=True)
class Duration:
    """Calendar months and exact seconds, both with the same sign."""

    months: int
    seconds: float

    def after(self, start: datetime, times: int = 1) -> datetime:
        """`start` plus `times` durations; months first (31 January + P1M is the last of February). Raises InvalidInput past the horizon."""
        if abs(self.months * times) > HORIZON_YEARS * 12 or abs(self.seconds * times) > HORIZON_YEARS * 366 * 86400:
            raise InvalidInput(f"A timer may lie at most {HORIZON_YEARS} years ahead.")
        try:
            return start + relativedelta(months=self.months * times) + timedelta(seconds=self.seconds * times)
        except (OverflowError, ValueError) as exc:
            raise InvalidInput("The timer lies outside the calendar.") from exc


@dataclass(frozen=True, slots=True)
class Plan:
    """When a timer is due next; `left` further times (None: without end); `text` is the schedule that it came from."""

    due: datetime
    left: int | None
    text: str


def duration(text: str) -> Duration:
    """Parse `P1Y2M3DT4H5M6.5S`, also `P2W`. Raises InvalidInput."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or len(text) > 64:
        raise InvalidInput(f"{text!r} is not an ISO 8601 duration such as P1D or PT30M.")
    part = {k: float(v.replace(",", ".")) if v else 0.0 for k, v in match.groupdict().items() if k != "sign"}
    sign = -1 if match["sign"] == "-" else 1
    seconds = ((part["weeks"] * 7 + part["days"]) * 24 + part["hours"]) * 3600 + part["minutes"] * 60 + part["seconds"]
    return Duration(sign * int(part["years"] * 12 + part["months"]), sign * seconds)


def date_time(text: str) -> datetime:
    """Parse a date or date-time; without an offset it is UTC. Raises InvalidInput."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise InvalidInput(f"{text!r} is not an ISO 8601 date-time such as 2026-11-23T14:05:00Z.") from exc
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def first(text: str, now: datetime) -> Plan:
    """The first due time of a date-time, a duration from `now`, or a cycle. Raises InvalidInput.

    Cycles: `R3/PT10M` (first one after one interval), `R/2026-01-01T00:00:00Z/P1M` (first at the start moment), `R3/PT1H/<end>`.
    A date-time that is past is due at once.
    """
    text = text.strip()
    if text.startswith("R"):
        return _cycle(text, now)
    if text.lstrip("+-").startswith("P"):
        return Plan(duration(text).after(now), 0, text)
    return Plan(date_time(text), 0, text)


def following(plan_text: str, left: int | None, due: datetime) -> Plan | None:
    """The due time after `due` of a cycle with `left` repetitions to come; None when it is over."""
    if left == 0 or not plan_text.startswith("R"):
        return None
    _, start, interval, end = _parts(plan_text)
    after = interval.after(due) if start is None else _first_after(start, interval, due)
    if end is not None and after > end:
        return None
    return Plan(after, None if left is None else left - 1, plan_text)


def upcoming(text: str, now: datetime) -> Plan:
    """As `first`, but an endless cycle that began in the past goes on with its next time: a new version of a process does not repeat
    the starts that the version before it made.
    """
    plan = first(text, now)
    if plan.left is not None or plan.due >= now:
        return plan
    return following(plan.text, None, now) or plan


def _first_after(start: datetime, interval: Duration, moment: datetime) -> datetime:
    """The first of start + 1, 2, 3 ... intervals that lies after the moment. Counted from the start so that months do not drift
    (31 January, 28 February, 31 March); the count is estimated, not walked to. Raises InvalidInput for an interval that leads nowhere.
    """
    longest = interval.months * 31 * 86400 + interval.seconds
    if longest <= 0:
        raise InvalidInput("A cycle needs an interval that leads forward.")
    index = max(1, int((moment - start).total_seconds() // longest))
    while interval.after(start, index) <= moment:
        index += 1
    return interval.after(start, index)


def _parts(text: str) -> tuple[int | None, datetime | None, Duration, datetime | None]:
    parts = text.split("/")
    if len(parts) not in (2, 3) or not re.fullmatch(r"R\d{0,9}", parts[0]):
        raise InvalidInput(f"{text!r} is not an ISO 8601 cycle such as R3/PT10M.")
    count = int(parts[0][1:]) if parts[0] != "R" else None
    rest = parts[1:]
    start = end = None
    if len(rest) == 2:
        if rest[0].startswith("P"):
            end = date_time(rest[1])
        else:
            start = date_time(rest[0])
            rest = rest[1:]
    interval = duration(rest[0])
    if interval.months <= 0 and interval.seconds <= 0:
        raise InvalidInput(f"{text!r}: the interval of a cycle must be longer than nothing.")
    return count, start, interval, end


def _cycle(text: str, now: datetime) -> Plan:
    count, start, interval, _ = _parts(text)
    if count == 0:
        raise InvalidInput(f"{text!r} repeats no times.")
    due = start if start is not None else interval.after(now)
    return Plan(due, None if count is None else count - 1, text)
