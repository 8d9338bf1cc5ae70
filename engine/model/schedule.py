"""ISO 8601 times as timers use them: a date-time, a duration (months and years by the calendar), or a cycle `R<n>/...`; cron as an extension.

Pure arithmetic on given moments. A date-time without an offset is UTC. Durations reach 200 years ahead at most; a date-time may be any (many say
9999-12-31 for never). A cycle that returns within a second is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dateutil.relativedelta import relativedelta

from engine.errors import InvalidInput
from engine.model.cron import cron, looks_cron
from engine.model.values import iso

_DURATION = re.compile(
    r"(?P<sign>[+-])?P(?!$)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+(?:[.,]\d+)?)D)?"
    r"(?:T(?!$)(?:(?P<hours>\d+(?:[.,]\d+)?)H)?(?:(?P<minutes>\d+(?:[.,]\d+)?)M)?(?:(?P<seconds>\d+(?:[.,]\d+)?)S)?)?"
)
_CYCLE = re.compile(r"R(-1|\d{0,9})")
HORIZON_YEARS = 200
SHORTEST_CYCLE = 1.0
"""Seconds: a shorter one would keep the engine busy with nothing else."""
MISSED = 1000
"""So many times of a counted cycle may lie in the past when it begins."""


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
    """Parse a date or date-time; without an offset it is UTC. Gives UTC. Raises InvalidInput."""
    return _at_its_offset(text).astimezone(UTC)


def _at_its_offset(text: str) -> datetime:
    """Months are those of the calendar there: midnight of 31 January at +08:00 is still the 30th in UTC."""
    try:
        found = datetime.fromisoformat(text.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
        found.astimezone(UTC)  # the first hours of the year 1 and the last ones of 9999 have none
    except (ValueError, OverflowError) as exc:
        raise InvalidInput(f"{text!r} is not an ISO 8601 date-time such as 2026-11-23T14:05:00Z.") from exc
    return found


def kind(text: str) -> str:
    """`date`, `duration` or `cycle`; of what is none of them, `date`."""
    text = text.strip()
    if text.startswith("R") or looks_cron(text):
        return "cycle"
    return "duration" if text.lstrip("+-").startswith("P") else "date"


def first(text: str, now: datetime) -> Plan:
    """The first due time of a date-time, a duration from `now`, or a cycle. Raises InvalidInput.

    Cycles: `R3/PT10M` (first one after one interval), `R/2026-01-01T00:00:00Z/P1M` (first at the start moment), `R3/<start>/<end>` (the span
    between them again and again), `R3/PT1H/<end>` (until then), `R-1/...` as `R/...`, and cron texts (see `engine.model.cron`).
    A date-time that is past is due at once.
    """
    text = text.strip()
    if looks_cron(text):
        return Plan(cron(text).after(now), None, text)
    if text.startswith("R"):
        return _cycle(text, now)
    if text.lstrip("+-").startswith("P"):
        return Plan(duration(text).after(now), 0, text)
    return Plan(date_time(text), 0, text)


def following(plan_text: str, left: int | None, due: datetime, now: datetime | None = None) -> Plan | None:
    """The due time after `due` of a cycle with `left` repetitions to come; None when it is over.

    `now`: when the time before it really came. An endless cycle does not make up for what it missed till then.
    """
    if left == 0:
        return None
    late = left is None and now is not None and now > due
    if looks_cron(plan_text):
        try:
            return Plan(cron(plan_text).after(now if late and now is not None else due), left, plan_text)
        except InvalidInput:
            return None  # the years that it names are over
    if not plan_text.startswith("R"):
        return None
    _, start, interval, end = _parts(plan_text)
    after = interval.after(due) if start is None else _first_after(start, interval, due)
    if late and now is not None and after < now:
        after = _first_after(due if start is None else start, interval, now)
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
    return interval.after(start, index).astimezone(UTC)


def _parts(text: str) -> tuple[int | None, datetime | None, Duration, datetime | None]:
    """Count, start (at its own offset), interval, end. All three of the latter together occur only in texts of our own, see `_cycle`."""
    head, *rest = text.split("/")
    match = _CYCLE.fullmatch(head)
    spans = [part for part in rest if part.startswith("P")]
    if match is None or not 1 <= len(rest) <= 3 or len(spans) > 1 or len(spans) < len(rest) - 2:
        raise InvalidInput(f"{text!r} is not an ISO 8601 cycle such as R3/PT10M.")
    count = int(match[1]) if match[1] not in ("", "-1") else None
    if not spans:
        if len(rest) != 2:
            raise InvalidInput(f"{text!r} is not an ISO 8601 cycle such as R3/PT10M.")
        start, end = map(date_time, rest)
        interval = Duration(0, (end - start).total_seconds())
        _check_interval(text, interval)
        return count, start, interval, None
    place = rest.index(spans[0])
    interval = duration(spans[0])
    _check_interval(text, interval)
    return count, _at_its_offset(rest[0]) if place else None, interval, date_time(rest[place + 1]) if rest[place + 1 :] else None


def _check_interval(text: str, interval: Duration) -> None:
    if interval.months <= 0 and interval.seconds < SHORTEST_CYCLE:
        raise InvalidInput(f"{text!r}: the interval of a cycle must be at least {SHORTEST_CYCLE:g} second.")


def _cycle(text: str, now: datetime) -> Plan:
    count, start, interval, _ = _parts(text)
    if count == 0:
        raise InvalidInput(f"{text!r} repeats no times.")
    if start is None and interval.months:  # written down where it began, so that 31 January, 28 February are followed by 31 March
        span, *rest = text.split("/")[1:]
        text = "/".join([text.split("/", maxsplit=1)[0], iso(now), span, *rest])
    if start is not None and count is not None and count > MISSED and interval.after(start, MISSED) < now:
        raise InvalidInput(f"{text!r}: more than {MISSED} of its times are past.")
    return Plan(start.astimezone(UTC) if start is not None else interval.after(now), None if count is None else count - 1, text)
