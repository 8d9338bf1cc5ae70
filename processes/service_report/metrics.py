"""The figures of a report as a pure function of its frozen snapshot: `compute(snapshot) == figures`, at any later time.

The formulas are those of the domain decisions, "Metrics". Reads no clock, no database, no settings; all of that is in the snapshot. A
zero denominator gives None ("无数据"), never 100 %. Below FEWEST_FOR_A_RATE observations only counts are given.
"""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from processes.service_report.measures import Clock, Ticket, read_tickets, resolution_ok, response_ok, restore_minutes
from processes.service_report.statistics import budget, moving_average, rounded, trend, wilson

Figures: TypeAlias = dict[str, Any]
Snapshot: TypeAlias = Mapping[str, Any]
FEWEST_FOR_A_RATE = 5
TOP = 10


class Period:
    """A range of local days, both ends included, as an interval of UTC moments [start, end)."""

    def __init__(self, first: str, last: str, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self.first, self.last = date.fromisoformat(first), date.fromisoformat(last)
        self.start = datetime.combine(self.first, datetime.min.time(), self.zone)
        self.end = datetime.combine(self.last + timedelta(days=1), datetime.min.time(), self.zone)

    @property
    def minutes(self) -> int:
        """Length in minutes of real time (a day of a clock change has 23 or 25 hours)."""
        return round((self.end.timestamp() - self.start.timestamp()) / 60)

    def holds(self, moment: datetime | None) -> bool:
        """Whether the moment lies in the period."""
        return moment is not None and self.start <= moment < self.end

    def before(self) -> tuple[str, str]:
        """The period just before: whole months before whole months, else the same number of days. ISO days."""
        last = self.first - timedelta(days=1)
        if self.first.day == 1 and (self.last + timedelta(days=1)).day == 1:
            months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
            index = self.first.year * 12 + self.first.month - 1 - months
            return date(index // 12, index % 12 + 1, 1).isoformat(), last.isoformat()
        return (self.first - (self.last - self.first) - timedelta(days=1)).isoformat(), last.isoformat()

    def year_before(self) -> tuple[str, str]:
        """The same days a year earlier."""
        return _year_earlier(self.first).isoformat(), _year_earlier(self.last).isoformat()


def _year_earlier(day: date) -> date:
    """A month's last day stays the month's last day."""
    month_end = monthrange(day.year, day.month)[1] == day.day
    longest = monthrange(day.year - 1, day.month)[1]
    return day.replace(year=day.year - 1, day=longest if month_end else min(day.day, longest))


def compute(snapshot: Snapshot) -> Figures:
    """All figures of the report, as plain JSON with rounded numbers."""
    zone = snapshot["period"]["time_zone"]
    period = Period(snapshot["period"]["start"], snapshot["period"]["end"], zone)
    tickets = read_tickets(snapshot["tickets"])
    earlier = Period(*period.before(), zone)
    a_year_ago = Period(*period.year_before(), zone)
    covers = datetime.fromisoformat(snapshot["window"]["from"])
    now = _measures(snapshot, tickets, period)
    previous = _measures(snapshot, tickets, earlier) if covers <= earlier.start else None
    yearly = _measures(snapshot, tickets, a_year_ago) if covers <= a_year_ago.start else None
    results = [_sla_result(target, now, previous, yearly) for target in snapshot["sla"]["targets"]]
    return {
        "counts": _counts(tickets, period),
        "previous_counts": _counts(tickets, earlier) if previous else None,
        "measures": {name: m.as_json() for name, m in now.items()},
        "sla_results": results,
        "sla_attainment": _attainment(results),
        "availability": _availability(snapshot, tickets, period),
        "workload": {name: _workload(tickets, period, earlier if previous else None, key) for name, key in GROUPS.items()},
        "by_month": _by_month(tickets, period),
        "trends": [_trend("opened", tickets, period, covers, lambda group: float(len(group)))],
        "outlook": _outlook(results),
        "components": _components(tickets, period, earlier),
        "numerators": _numerators(snapshot, tickets, period),
    }


GROUPS: Mapping[str, Callable[[Ticket], str]] = {
    "process": lambda t: t.process,
    "category": lambda t: t.category or "-",
    "priority": lambda t: t.priority or "-",
    "location": lambda t: t.location or "-",
}


# --- rates ------------------------------------------------------------------------------------------------------------
class Measure:
    """A rate with its counts, or a plain value (n is then what it was taken over)."""

    def __init__(self, successes: int | None, n: int, value: float | None, unmeasured: int = 0) -> None:
        self.successes, self.n, self.value, self.unmeasured = successes, n, value, unmeasured

    def as_json(self) -> dict[str, Any]:
        """Rate and interval in percent; both None where there are too few observations."""
        shown = self.value is not None and (self.successes is None or self.n >= FEWEST_FOR_A_RATE)
        interval = wilson(self.successes, self.n) if self.successes is not None and shown else None
        return {
            "successes": self.successes,
            "n": self.n,
            "value": rounded(self.value) if shown else None,
            "interval": [rounded(interval[0] * 100), rounded(interval[1] * 100)] if interval else None,
            "unmeasured": self.unmeasured,
            "status": "ok" if shown else ("no_data" if self.n == 0 else "too_few"),
        }


def _rate(outcomes: Sequence[bool | None]) -> Measure:
    measured = [each for each in outcomes if each is not None]
    n, good = len(measured), sum(measured)
    return Measure(good, n, 100 * good / n if n else None, len(outcomes) - n)


def _measures(snapshot: Snapshot, tickets: Sequence[Ticket], period: Period) -> dict[str, Measure]:
    clock = Clock.of(snapshot)
    opened = [t for t in tickets if period.holds(t.opened) and t.process in ("incident", "request")]
    availability = _availability(snapshot, tickets, period)
    pct = availability["availability_pct"]
    reopened = [t.reopens == 0 for t in opened]
    return {
        "on_time_response": _rate([response_ok(t, clock, period.end) for t in opened]),
        "on_time_resolution": _rate([resolution_ok(t, clock, period.end) for t in opened]),
        "availability": Measure(None, availability["agreed_min"], pct),
        "solved_for_good": _rate([ok if t.resolved else None for ok, t in zip(reopened, opened, strict=True)]),
        "changes_succeeded": _rate([t.close_code == "ok" if t.closed else None for t in tickets if t.process == "change" and period.holds(t.opened)]),
    }


Measures: TypeAlias = Mapping[str, Measure]


def _sla_result(target: Mapping[str, Any], now: Measures, previous: Measures | None, yearly: Measures | None) -> Figures:
    """One row of the target table: an SLA target without a measured value says why (clause 1b)."""
    metric = target["metric_id"]
    measure = now.get(metric)
    out = {key: target[key] for key in ("metric_id", "name", "unit", "comparator", "target")}
    if measure is None:
        nothing = dict.fromkeys(("actual", "successes", "interval", "attained", "prev", "yoy"))
        return {**out, **nothing, "n": 0, "unmeasured": 0, "reason": "not_measured"}
    shown = measure.as_json()
    attained = None if measure.value is None else _meets(measure.value, target)
    reason = "" if shown["status"] == "ok" else shown["status"]
    comparisons = {name: other[metric].as_json()["value"] if other else None for name, other in (("prev", previous), ("yoy", yearly))}
    picked = {key: shown[key] for key in ("n", "successes", "interval", "unmeasured")}
    return {**out, "actual": shown["value"], **picked, "attained": attained, **comparisons, "reason": reason}


def _meets(value: float, target: Mapping[str, Any]) -> bool:
    wanted = float(target["target"])
    return value >= wanted if target["comparator"] == ">=" else value <= wanted


def _attainment(results: Sequence[Figures]) -> Figures:
    measurable = [r for r in results if r["attained"] is not None]
    good = sum(bool(r["attained"]) for r in measurable)
    rate = rounded(100 * good / len(measurable)) if measurable else None
    return {"attained": good, "measurable": len(measurable), "value": rate, "unmeasured": [r["metric_id"] for r in results if r["attained"] is None]}


def _outlook(results: Sequence[Figures]) -> list[Figures]:
    """Early warning (3.1: 前置性): the chance that the next period misses its target, with as many tickets and breaches at this period's rate."""
    out = []
    for row in results:
        if row["successes"] is None or row["n"] < FEWEST_FOR_A_RATE or row["comparator"] != ">=":
            continue
        rate = 1 - row["successes"] / row["n"]
        found = budget(row["target"] / 100, row["n"], 0, 0, rate)
        out.append(
            {
                "metric_id": row["metric_id"],
                "name": row["name"],
                "expected": row["n"],
                "allowed": found.allowed,
                "usual_pct": rounded(100 * rate, 2),
                "breach_probability": rounded(found.exceed_probability),
                "warn": found.warn,
            }
        )
    return out


# --- counts -----------------------------------------------------------------------------------------------------------
def _counts(tickets: Sequence[Ticket], period: Period) -> dict[str, int]:
    """`backlog`: opened before the end and neither resolved nor closed by then."""
    return {
        "opened": sum(period.holds(t.opened) for t in tickets),
        "resolved": sum(period.holds(t.resolved) for t in tickets),
        "closed": sum(period.holds(t.closed) for t in tickets),
        "backlog": sum(t.opened < period.end and not t.done_by(period.end) for t in tickets),
        "reopened": sum(period.holds(t.opened) and t.reopens > 0 for t in tickets),
    }


def _workload(tickets: Sequence[Ticket], period: Period, earlier: Period | None, key: Callable[[Ticket], str]) -> list[Figures]:
    """Opened, closed and backlog by group, most opened first (priorities in their own order); what lies behind the first TOP is summed as `*`."""
    groups: dict[str, list[Ticket]] = {}
    for ticket in tickets:
        groups.setdefault(key(ticket), []).append(ticket)
    rows: list[Figures] = []
    for group, mine in sorted(groups.items()):
        counts = _counts(mine, period)
        if counts["opened"] or counts["closed"] or counts["backlog"]:
            before = _counts(mine, earlier)["opened"] if earlier else None
            rows.append({"key": group, "opened": counts["opened"], "closed": counts["closed"], "backlog": counts["backlog"], "prev_opened": before})
    rows.sort(key=lambda r: (0 if key is GROUPS["priority"] else -r["opened"], r["key"]))
    if len(rows) <= TOP:
        return rows
    rest = rows[TOP - 1 :]
    other: Figures = {"key": "*", "groups": len(rest)}
    for name in ("opened", "closed", "backlog"):
        other[name] = sum(r[name] for r in rest)
    other["prev_opened"] = sum(r["prev_opened"] for r in rest) if earlier else None
    return [*rows[: TOP - 1], other]


def _by_month(tickets: Sequence[Ticket], period: Period) -> list[Figures]:
    """Opened and resolved by local month of the period and the months before it that the snapshot holds."""
    opened = Counter(t.opened.astimezone(period.zone).strftime("%Y-%m") for t in tickets if t.opened < period.end)
    resolved = Counter(t.resolved.astimezone(period.zone).strftime("%Y-%m") for t in tickets if t.resolved and t.resolved < period.end)
    months = sorted(set(opened) | set(resolved))[-12:]
    return [{"month": month, "opened": opened[month], "resolved": resolved[month]} for month in months]


def _numerators(snapshot: Snapshot, tickets: Sequence[Ticket], period: Period) -> dict[str, list[str]]:
    """The ticket numbers behind the counts that a reader will ask about."""
    clock = Clock.of(snapshot)
    opened = [t for t in tickets if period.holds(t.opened) and t.process in ("incident", "request")]
    return {
        "late_response": [t.number for t in opened if response_ok(t, clock, period.end) is False],
        "late_resolution": [t.number for t in opened if resolution_ok(t, clock, period.end) is False],
        "reopened": [t.number for t in opened if t.reopens],
        "outages": [t.number for t in opened if t.downtime],
    }


# --- availability, trend, components -------------------------------------------------------------------------------------
def _availability(snapshot: Snapshot, tickets: Sequence[Ticket], period: Period) -> Figures:
    """(agreed - unplanned down) / agreed; agreed time leaves out agreed maintenance. MTBF and MTRS in hours."""
    planned = sum(_overlap(datetime.fromisoformat(m["from"]), datetime.fromisoformat(m["to"]), period) for m in snapshot["maintenance"])
    agreed = max(period.minutes - planned, 0)
    failures = [t for t in tickets if t.process == "incident" and t.downtime and period.holds(t.opened)]
    measured = any(t.downtime is not None for t in tickets if t.process == "incident" and period.holds(t.opened))
    down = min(sum(t.downtime or 0 for t in failures), agreed)
    restores = [minutes for t in failures if (minutes := restore_minutes(t)) is not None]
    return {
        "agreed_min": agreed,
        "maintenance_min": planned,
        "downtime_min": down if measured else None,
        "failures": len(failures) if measured else None,
        "availability_pct": rounded(100 * (agreed - down) / agreed) if agreed and measured else None,
        "mtbf_h": rounded((agreed - down) / len(failures) / 60, 2) if failures else None,
        "mtrs_h": rounded(sum(restores) / len(restores) / 60, 2) if restores else None,
        "restored": len(restores),
    }


def _overlap(start: datetime, end: datetime, period: Period) -> int:
    seconds = min(end, period.end).timestamp() - max(start, period.start).timestamp()
    return max(0, round(seconds / 60))


def _trend(metric: str, tickets: Sequence[Ticket], period: Period, covers: datetime, value: Callable[[Sequence[Ticket]], float]) -> Figures:
    """By week, counted back from the end of the period: weeks give enough points where months do not."""
    points: list[tuple[date, float]] = []
    end = period.end
    while len(points) < 26:
        start = datetime.combine(end.date() - timedelta(days=7), datetime.min.time(), period.zone)
        if start < covers:
            break
        points.append((start.date(), value([t for t in tickets if start <= t.opened < end])))
        end = start
    points.reverse()
    values = [v for _, v in points]
    found = trend(values)
    averages = moving_average(values)
    return {
        "metric_id": metric,
        "unit": "week",
        "method": "least_squares+mann_kendall",
        "window": [points[0][0].isoformat(), period.last.isoformat()] if points else None,
        "points": [{"from": day.isoformat(), "value": rounded(v), "average": rounded(a)} for (day, v), a in zip(points, averages, strict=True)],
        "slope": rounded(found.slope),
        "p_value": rounded(found.p_value),
        "verdict": found.verdict,
    }


def _components(tickets: Sequence[Ticket], period: Period, earlier: Period) -> list[Figures]:
    """Pareto by failures; unreliable: within the first 80 % and (at least two failures, or more than in the period before)."""
    failures = [t for t in tickets if t.process == "incident" and t.ci and period.holds(t.opened)]
    before = Counter(t.ci for t in tickets if t.process == "incident" and t.ci and earlier.holds(t.opened))
    counted = sorted(Counter(t.ci for t in failures).items(), key=lambda item: (-item[1], item[0]))
    rows: list[Figures] = []
    reached = 0
    for ci, count in counted[: 2 * TOP]:
        within = reached < 0.8 * len(failures)
        reached += count
        rows.append(
            {
                "ci": ci,
                "failures": count,
                "prev_failures": before[ci],
                "downtime_min": sum(t.downtime or 0 for t in failures if t.ci == ci),
                "share_pct": rounded(100 * count / len(failures), 2),
                "cum_pct": rounded(100 * reached / len(failures), 2),
                "unreliable": within and (count >= 2 or count > before[ci]),
            }
        )
    return rows
