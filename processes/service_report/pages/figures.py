"""Key figures: counts, rates with intervals, charts beside their tables, and the reports behind each figure."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, render_template, request

from engine.errors import NotFound
from processes.service_report import charts, kpi
from processes.service_report.kpi import Span
from processes.service_report.pages import words
from processes.service_report.pages.request import flowledger, people, reading
from processes.service_report.settings import DEFAULTS

_MONTH = re.compile(r"(19|20|21)\d\d-(0[1-9]|1[0-2])")


def _span() -> Span:
    """The months of the address; the last twelve where it names none, or nonsense."""
    usual = kpi.last_months(flowledger().clock.now(), DEFAULTS["time_zone"])
    first, last = request.args.get("from", ""), request.args.get("to", "")
    first = first if _MONTH.fullmatch(first) else usual.first
    last = last if _MONTH.fullmatch(last) else usual.last
    return Span(min(first, last), max(first, last), usual.zone)


def overview() -> str:
    """All figures of the span."""
    span, now = _span(), flowledger().clock.now()
    with reading() as connection:
        rows = kpi.due_reports(connection, span, now)
        calls, mean = kpi.callback_figures(connection, span)
        state = kpi.open_reports(connection, now)
    groups = (("reports", kpi.reports_figures(rows)), ("callbacks", calls), ("service", kpi.service_figures(rows)))
    context = {"span": span, "groups": dict(groups), "mean": mean, "state": state, "months": kpi.by_month(rows, span.zone)}
    return render_template("service_report/figures.html", words=words, linked=kpi.REPORT_METRICS, **context)


def numerator(metric: str) -> str:
    """The reports that a figure counts, and those that it misses."""
    if metric not in kpi.REPORT_METRICS:
        raise NotFound(kind="figure", id=metric)
    span = _span()
    with reading() as connection:
        found = kpi.counted(metric, kpi.due_reports(connection, span, flowledger().clock.now()))
    found.sort(key=lambda c: (c.good, c.report["due_at"]))
    return render_template("service_report/numerator.html", metric=metric, found=found, span=span, people=people(), words=words)


def chart(name: str) -> Response:
    """One chart as SVG, in the reader's words."""
    span = _span()
    with reading() as connection:
        rows = kpi.due_reports(connection, span, flowledger().clock.now())
        calls, _ = kpi.callback_figures(connection, span)
    if name == "rates":
        spec = charts.rates([_bar(f) for f in (*kpi.reports_figures(rows), *calls, *kpi.service_figures(rows)) if f.value is not None])
    elif name == "months":
        spec = charts.due_by_month(kpi.by_month(rows, span.zone), (str(words.CHART["timely"]), str(words.CHART["late"])), str(words.CHART["reports"]))
    else:
        raise NotFound(kind="chart", id=name)
    return Response(charts.svg(spec), mimetype="image/svg+xml", headers={"Cache-Control": "private, max-age=60"})


def _bar(found: kpi.Figure) -> dict[str, Any]:
    return {"name": str(words.METRICS[found.key]), "value": found.value, "low": found.low, "high": found.high, "target": found.target}
